//! What the ledger says was heard, against what a telephone that is not ours recorded.

#![expect(clippy::disallowed_methods, reason = "a real call takes real time")]

use std::path::Path;
use std::time::Duration;

use combinado::base::CallId;
use combinado::call::{Event, Fate, Span};
use combinado::run::Server;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::sync::broadcast::Receiver;
use tokio::time::{sleep, timeout};

use crate::calls::{self, REAL_TIME};
use crate::sip::{baresip_dump, configure_baresip, correlation, has_peer, start_baresip};

const RATE_MS: u64 = 8;
/// 20 ms.
const TOLERANCE: usize = 160;
/// Clauses are recognised by their first 300 ms.
const PROBE: usize = 2_400;
/// How much later the other recording may have begun, in samples.
const WINDOW: usize = 8_000;
/// Instants of the reading at which a key cuts it, each counted from where the clause begins anew.
const CUTS_MS: [u64; 6] = [300, 600, 900, 1_300, 1_800, 2_500];

/// baresip, and the line on which it takes commands.
struct Telephone {
    process: Child,
    control: TcpStream,
}

impl Telephone {
    async fn calls(server: &Server, folder: &Path) -> Self {
        let port = configure_baresip(folder, &[0; 8_000 * 240]);
        let process = start_baresip(folder, 240, server.sip.unwrap());
        for _ in 0..100 {
            if let Ok(control) = TcpStream::connect(("127.0.0.1", port)).await {
                return Self { process, control };
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("baresip takes no commands");
    }

    /// A command of baresip's module ctrl_tcp: JSON in a netstring.
    async fn command(&mut self, command: &str, params: &str) {
        let json = format!("{{\"command\":\"{command}\",\"params\":\"{params}\"}}");
        let netstring = format!("{}:{json},", json.len());
        self.control.write_all(netstring.as_bytes()).await.unwrap();
    }

    async fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.command("sndcode", &key.to_string()).await;
            sleep(Duration::from_millis(250)).await;
        }
    }
}

/// Answers by keys up to the reading of the terms, cuts it, and lets it end. Gives the clauses of the call.
async fn cut_the_reading(
    telephone: &mut Telephone,
    events: &mut Receiver<(CallId, Event)>,
) -> (CallId, Vec<Span>) {
    let mut spans = Vec::new();
    let mut asked = None;
    let mut cutting = false;
    loop {
        let patience = Duration::from_millis(if asked.is_some() { 300 } else { 60_000 });
        let Ok(told) = timeout(patience, events.recv()).await else {
            let state: String = asked.take().expect("the agent says nothing more");
            telephone
                .press(match state.as_str() {
                    "identifica" => "111",
                    "dia" => "30",
                    _ => "1",
                })
                .await;
            continue;
        };
        let (call, event) = told.unwrap();
        match event {
            Event::Clause(span) => spans.push(span),
            Event::Saying { state, .. } => {
                asked = None;
                if state == "fecha" && !std::mem::replace(&mut cutting, true) {
                    for ms in CUTS_MS {
                        sleep(Duration::from_millis(ms)).await;
                        telephone.press("5").await;
                    }
                }
            }
            Event::Said { state, .. } if state == "fecha" => return (call, spans),
            Event::Said { state, .. } => asked = Some(state),
            _ => {}
        }
    }
}

/// Where the sound of the span lies in the other recording, in samples after its own place.
fn lag_of(span: &Span, sent: &[i16], heard: &[i16]) -> Option<usize> {
    let from = span.from_sample as usize;
    let probe = sent.get(from..(span.to_sample as usize).min(from + PROBE))?;
    let is_loud = probe.iter().any(|sample| sample.unsigned_abs() > 2_000);
    if probe.len() < PROBE || !is_loud {
        return None;
    }
    let likeness = |lag: usize| {
        let there = heard.get(from + lag..from + lag + PROBE);
        there.map_or(0.0, |there| correlation(probe, there))
    };
    let best = (0..WINDOW).map(likeness).fold(0.0, f64::max);
    assert!(best >= 0.98, "{span:?} was not heard: {best}");
    // A clause that was said again sounds the same later.
    let lag = (0..WINDOW).find(|lag| likeness(*lag) >= best - 0.01)?;
    Some(lag)
}

/// The terms are cut by keys again and again: where the ledger has a clause begin, baresip heard it begin, and where
/// the ledger has it cut, baresip heard it break off, within 20 ms.
#[test]
#[ignore = "a real call with baresip, a minute and a half"]
fn the_ledger_agrees_with_a_telephone_that_is_not_ours() {
    if !has_peer("baresip") {
        return;
    }
    let _alone = REAL_TIME.lock();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let server = calls::server(data.path(), |_| {}).await;
        let mut events = server.events();
        let mut telephone = Telephone::calls(&server, folder.path()).await;
        let (call, spans) = cut_the_reading(&mut telephone, &mut events).await;
        telephone.command("hangup", "").await;
        sleep(Duration::from_secs(1)).await;
        telephone.command("quit", "").await;
        let record = calls::written(&server, call).await;
        let (_, sent) = calls::recorded(&server, &record);
        // Its recording is whole once it has ended.
        let ended = timeout(Duration::from_secs(5), telephone.process.wait()).await;
        assert!(ended.is_ok(), "baresip ends");
        let heard = baresip_dump(folder.path(), "-dec.wav");

        let lags: Vec<usize> = spans
            .iter()
            .filter_map(|span| lag_of(span, &sent, &heard))
            .collect();
        let (least, most) = (*lags.iter().min().unwrap(), *lags.iter().max().unwrap());
        eprintln!("{} clauses, {least} to {most} samples later", lags.len());
        assert!(lags.len() >= 12 && most - least <= TOLERANCE, "{lags:?}");

        let cut: Vec<&Span> = spans
            .iter()
            .filter(|span| span.mandatory && span.fate == Fate::Cut)
            .collect();
        // A key between two clauses cuts none.
        assert!(cut.len() + 2 >= CUTS_MS.len(), "{spans:?}");
        for span in cut {
            let end = span.to_sample as usize + least;
            let silence = &heard[end + TOLERANCE..end + TOLERANCE + 60 * RATE_MS as usize];
            let loudest = silence.iter().map(|sample| sample.unsigned_abs()).max();
            assert!(loudest.unwrap() < 200, "{span:?} goes on: {loudest:?}");
            let whole = spans
                .iter()
                .find(|other| other.fate == Fate::Heard && other.clause == span.clause);
            assert!(whole.is_some(), "{span:?} was never heard whole");
        }
    });
}
