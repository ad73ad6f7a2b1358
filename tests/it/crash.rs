//! A server that is killed right after an agreement was confirmed by voice: nothing is lost, nothing is sent twice.

#![expect(
    clippy::disallowed_methods,
    reason = "real servers, killed at real instants"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Json, Router};
use combinado::ledger::{Ledger, MessageState, Who};
use combinado::media::{FRAME, Frame, SILENCE};
use combinado::mouth::tts::espeak::{Espeak, Manner};
use combinado::sim::client::TwilioClient;
use combinado::sim::live::Telephone;
use combinado::wire::{Leg, LegEvent};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// Signs the stream and opens the API.
const TOKEN: &str = "token-of-the-test";
/// Calls at the same time.
const AT_ONCE: usize = 4;

/// Twilio's Messages API, as far as one sender and its look-ups go.
#[derive(Clone, Default)]
struct Provider {
    taken: Arc<Mutex<Vec<(String, String, Timestamp)>>>,
}

async fn take(
    State(provider): State<Provider>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    // Long enough for a kill to fall between the request and its answer.
    tokio::time::sleep(Duration::from_millis(60)).await;
    let mut taken = provider.taken.lock();
    taken.push((form["To"].clone(), form["Body"].clone(), Timestamp::now()));
    (
        axum::http::StatusCode::CREATED,
        Json(json!({ "sid": format!("SM{:032}", taken.len()), "status": "queued" })),
    )
        .into_response()
}

async fn list(
    State(provider): State<Provider>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Json<Value> {
    let taken = provider.taken.lock();
    let messages: Vec<Value> = taken
        .iter()
        .enumerate()
        .filter(|(_, (to, ..))| query.get("To").is_none_or(|wanted| wanted == to))
        .map(|(n, (to, body, at))| {
            let date = at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
            json!({ "sid": format!("SM{:032}", n + 1), "to": to, "body": body, "status": "delivered", "direction": "outbound-api",
                    "date_created": date, "date_sent": date })
        })
        .collect();
    Json(json!({ "messages": messages, "next_page_uri": null }))
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // SIGKILL: what std calls `kill`.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

async fn start(folder: &Path, http: SocketAddr, provider: SocketAddr) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_combinado"))
        .args(["dev", "--no-call", "--data"])
        .arg(folder)
        .args([
            "--http",
            &http.to_string(),
            "--sip",
            "127.0.0.1:0",
            "--audiosocket",
            "127.0.0.1:0",
        ])
        .envs([
            ("COMBINADO__SMS__SENDER", "twilio"),
            ("COMBINADO__TWILIO__ACCOUNT_SID", "AC1"),
            ("COMBINADO__TWILIO__FROM", "+5511900000000"),
            ("COMBINADO__VOICE__RATE", "430"),
        ])
        .env("COMBINADO__TWILIO__AUTH_TOKEN", TOKEN)
        .env("COMBINADO__TWILIO__API_BASE", format!("http://{provider}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    let client = reqwest::Client::new();
    for _ in 0..1_200 {
        if client
            .get(format!("http://{http}/readyz"))
            .send()
            .await
            .is_ok_and(|reply| reply.status().is_success())
        {
            return running;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server does not get ready");
}

/// Keys get to the reading of the agreement quickly; the yes itself is spoken. The caller answers the question that the
/// ledger says was asked last, so a question asked again is answered again.
async fn negotiate(leg: &mut TwilioClient, yes: &[i16], ledger: &Ledger) {
    // After so many silent frames the agent has finished its question.
    const QUIET: usize = 15;
    let day = today_plus_two();
    let (mut quiet, mut answered, mut speech) = (0, 0, Vec::<i16>::new());
    let mut asked = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    for tick in 0..9_000_u32 {
        ticks.tick().await;
        let frame = leg.pull();
        let gone = std::iter::from_fn(|| leg.poll_event())
            .any(|event| matches!(event, LegEvent::HungUp(_)));
        assert!(
            !gone,
            "the agent hung up after {} ms; asked and answered: {asked:?}",
            tick * 20
        );
        let sounding = frame.iter().any(|sample| sample.unsigned_abs() > 100);
        quiet = if sounding { 0 } else { quiet + 1 };
        if quiet > QUIET
            && speech.is_empty()
            && tick % 5 == 0
            && let Some((n, state)) = question(ledger).await
            && n > answered
        {
            answered = n;
            match state.as_str() {
                "identifica" | "nao_confere" => press(leg, "111"),
                "dia" => press(leg, &day),
                "fecha" => speech = yes.to_vec(),
                _ => press(leg, "1"),
            }
            asked.push(state);
        }
        leg.push(&cut(&mut speech));
        if tick % 2 == 0
            && ledger
                .message_counts()
                .await
                .is_ok_and(|counts| !counts.is_empty())
        {
            return;
        }
    }
    panic!("no agreement was made; asked and answered: {asked:?}");
}

fn press(leg: &mut TwilioClient, keys: &str) {
    keys.chars().for_each(|key| leg.press_key(key));
}

/// Number and state of the turn that ended last, when it was the agent's.
async fn question(ledger: &Ledger) -> Option<(u32, String)> {
    let zone = jiff::tz::TimeZone::get("America/Sao_Paulo").unwrap();
    let today = Timestamp::now().to_zoned(zone.clone()).date();
    let calls = ledger.calls(today, &zone, 1).await.ok()?;
    let last = ledger.turns(calls.first()?.id).await.ok()?.pop()?;
    (last.who == Who::Agent).then_some((last.n, last.state))
}

fn today_plus_two() -> String {
    let today = Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::get("America/Sao_Paulo").unwrap())
        .date();
    let day = combinado::base::calendar::next_business_day(
        combinado::base::calendar::add_days(today, 2),
        None,
    );
    format!("{:02}", day.day())
}

fn cut(speech: &mut Vec<i16>) -> Frame {
    let mut frame = SILENCE;
    let n = speech.len().min(FRAME);
    frame[..n].copy_from_slice(&speech[..n]);
    speech.drain(..n);
    frame
}

/// One life, one death, one resurrection.
async fn once(nth: u64, yes: Arc<Vec<i16>>) {
    let provider = Provider::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = listener.local_addr().unwrap();
    let routes = Router::new()
        .route(
            "/2010-04-01/Accounts/AC1/Messages.json",
            post(take).get(list),
        )
        .with_state(provider.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let folder = tempfile::tempdir().unwrap();
    let http: SocketAddr = ([127, 0, 0, 1], free_port()).into();
    let running = start(folder.path(), http, api).await;
    let url = format!("sqlite://{}", folder.path().join("combinado.db").display());
    let ledger = Ledger::open(&url).await.unwrap();
    let stream = format!("ws://{http}/twilio/media");
    let mut leg =
        TwilioClient::connect_signed(&stream, "ramal", "agente", &BTreeMap::new(), Some(TOKEN))
            .await
            .unwrap();
    negotiate(&mut leg, &yes, &ledger).await;
    // From before the request to the provider until after its answer was marked.
    tokio::time::sleep(Duration::from_millis(nth * 37 % 150)).await;
    drop(running);
    drop(leg);
    let _again = start(folder.path(), http, api).await;
    for _ in 0..600 {
        let counts = ledger.message_counts().await.unwrap();
        if counts
            .iter()
            .all(|(_, state, _)| *state == MessageState::Sent)
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let counts = ledger.message_counts().await.unwrap();
    assert_eq!(
        counts,
        [("sms".to_owned(), MessageState::Sent, 1)],
        "life {nth}"
    );
    assert_eq!(
        provider.taken.lock().len(),
        1,
        "life {nth}: the provider has one message"
    );
    let today = Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::get("America/Sao_Paulo").unwrap())
        .date();
    let calls = ledger
        .calls(
            today,
            &jiff::tz::TimeZone::get("America/Sao_Paulo").unwrap(),
            10,
        )
        .await
        .unwrap();
    let agreement = ledger
        .agreement_of_call(calls[0].id)
        .await
        .unwrap()
        .expect("the agreement is there");
    let line = agreement.instruments[0]
        .line
        .as_ref()
        .expect("the boleto is there");
    assert!(
        provider.taken.lock()[0].1.contains(line),
        "the message carries the boleto"
    );
    assert_eq!(
        calls[0]
            .disposition
            .as_deref()
            .map(|code| code.starts_with("ACORDO")),
        Some(true),
        "{:?}",
        calls[0].disposition
    );
}

#[test]
fn a_kill_after_the_yes_loses_nothing_and_sends_once() {
    lives(4);
}

#[test]
#[ignore = "twenty real calls: four minutes"]
fn twenty_kills_after_the_yes_lose_nothing_and_send_once() {
    lives(20);
}

/// Kills a server `times` times, each at another instant after the yes.
fn lives(times: u64) {
    let _alone = crate::calls::REAL_TIME.lock();
    combinado::channels::install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let manner = Manner {
        voice: "pt-br+m5".into(),
        rate: 140,
        ..Manner::default()
    };
    let yes = Arc::new(
        Espeak::open(None)
            .unwrap()
            .speak_raw("sim, aceito", &manner)
            .unwrap(),
    );
    let next = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (next, yes) = (next.clone(), yes.clone());
                tokio::spawn(async move {
                    loop {
                        let nth = next.fetch_add(1, Ordering::Relaxed) as u64;
                        if nth >= times {
                            break;
                        }
                        once(nth, yes.clone()).await;
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
    });
}
