//! Whole calls: one negotiation over each wire, and many in virtual time.

#![expect(clippy::disallowed_methods, reason = "real calls take real time")]

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use combinado::base::{CallId, Phone};
use combinado::config::Config;
use combinado::ledger::{CallRecord, DebtorRow};
use combinado::mouth::tts::espeak::{Espeak, Manner};
use combinado::run::Server;
use combinado::sim::client::{AudioSocketClient, TwilioClient};
use combinado::sim::debtor::{Mind, Persona};
use combinado::sim::live::{Tape, Telephone, converse};
use combinado::sim::portfolio;
use combinado::wire::sip::{self, Dial, SipSettings};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::Value;

use crate::sip::correlation;

/// Whole calls in real time want the machine to themselves: one test of them at a time.
pub static REAL_TIME: Mutex<()> = Mutex::new(());

/// The agent speaks fast here: the test waits for it in real time.
const FAST: u32 = 320;

/// A server on ports of its own, with the demo portfolio; strangers are taken for the first debtor.
pub async fn server(folder: &std::path::Path, tune: impl FnOnce(&mut Config)) -> Server {
    let mut config = Config {
        data: folder.to_owned(),
        http: ([127, 0, 0, 1], 0).into(),
        ..Config::default()
    };
    config.database = format!("sqlite://{}", folder.join("test.db").display());
    config.voice.rate = FAST;
    if let Some(sip) = &mut config.sip {
        sip.bind.set_port(0);
    }
    config.audiosocket = Some(([127, 0, 0, 1], 0).into());
    let now = Timestamp::now();
    let debtors = portfolio::demo(now.to_zoned(config.agent.time_zone.clone()).date());
    config.agent.unknown_callers = Some(debtors[0].cpf.digits());
    tune(&mut config);
    let server = Server::start(config).await.expect("the server starts");
    // Calls are timed here; what waits for a compiler is tested elsewhere.
    server.ready().await;
    let rows: Vec<DebtorRow> = debtors
        .iter()
        .map(|debtor| DebtorRow::from_debtor(debtor).unwrap())
        .collect();
    server
        .shared
        .ledger
        .import(&rows, now)
        .await
        .expect("the portfolio is imported");
    server
}

/// The first debtor of the portfolio, who takes the cash offer, in a voice that the model was not trained on.
fn mind(server: &Server) -> Mind {
    let today = Timestamp::now()
        .to_zoned(server.shared.config.agent.time_zone.clone())
        .date();
    let kit = server.shared.kit.now();
    let mut mind = Mind::new(
        Persona::named("avista").expect("a persona of the box"),
        portfolio::demo(today).swap_remove(0),
        &kit.policy,
        today,
        11,
    );
    mind.take_boleto();
    mind
}

async fn talk(server: &Server, leg: &mut dyn Telephone) -> (Tape, CallRecord) {
    let espeak = Espeak::open(None).unwrap();
    let manner = Manner {
        voice: "pt-br+m5".into(),
        rate: 140,
        ..Manner::default()
    };
    let speak = Arc::new(move |words: &str| espeak.speak_raw(words, &manner).unwrap());
    let tape = converse(leg, &mut mind(server), server.events(), speak, |_| {}).await;
    let call = tape.call.expect("the server takes the call");
    (tape, written(server, call).await)
}

/// The call, once it was written to its end.
pub async fn written(server: &Server, call: CallId) -> CallRecord {
    for _ in 0..100 {
        let record = server.shared.ledger.call(call).await.unwrap().unwrap();
        if record.recording.is_some() && record.summary.disposition.is_some() {
            return record;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the call was not written to its end");
}

/// What must be the same whatever the wire: totals, dates, disposition, and that a boleto was sent.
fn essence(record: &CallRecord) -> String {
    let agreement = record
        .agreement
        .as_ref()
        .unwrap_or_else(|| panic!("no agreement: {:?}", transcript(record)));
    let instalments: Vec<String> = agreement
        .instalments
        .iter()
        .map(|one| format!("{} {}", one.due, one.amount))
        .collect();
    assert_eq!(agreement.instruments.len(), instalments.len());
    assert_eq!(record.messages.len(), 1, "one message");
    let line = agreement.instruments[0]
        .line
        .clone()
        .expect("a boleto has a line");
    assert!(combinado::base::boleto::parse(&line).is_ok(), "{line}");
    assert!(
        record.messages[0].text.contains(&line),
        "the message carries the line"
    );
    format!(
        "{:?} {} {}",
        record.summary.disposition,
        agreement.total,
        instalments.join(", ")
    )
}

fn transcript(record: &CallRecord) -> Vec<String> {
    record
        .turns
        .iter()
        .map(|turn| format!("{:?} {} {:?}", turn.who, turn.text, turn.meaning))
        .collect()
}

/// Correlation coefficient of two signals, at the best delay of up to two seconds, over what both have.
fn likeness(sent: &[i16], heard: &[i16]) -> f64 {
    let at = |lag: usize| {
        let there = heard.get(lag..).unwrap_or(&[]);
        let both = sent.len().min(there.len());
        correlation(&sent[..both], &there[..both])
    };
    (0..16_000).step_by(160).map(at).fold(0.0, f64::max)
}

pub fn recorded(server: &Server, record: &CallRecord) -> (Vec<i16>, Vec<i16>) {
    let path = server
        .shared
        .config
        .data
        .join("calls")
        .join(&record.recording.as_ref().unwrap().path);
    let channels = combinado::media::wav::read_channels(&std::fs::read(path).unwrap()).unwrap();
    (channels[0].clone(), channels[1].clone())
}

#[test]
fn the_same_negotiation_succeeds_over_every_wire() {
    let _alone = REAL_TIME.lock();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folders = [
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
        ];
        let over_sip = async {
            // A machine that does much else at once wakes a telephone late; both ends wait for it.
            let server = server(folders[0].path(), |config| {
                if let Some(sip) = &mut config.sip {
                    sip.jitter_ms = 240;
                }
            })
            .await;
            let settings = SipSettings {
                jitter_ms: 240,
                ..SipSettings::default()
            };
            let telephone = sip::Server::outgoing(([127, 0, 0, 1], 0).into(), settings)
                .await
                .unwrap();
            let to = format!("sip:agente@{}", server.sip.unwrap());
            let mut answered = sip::dial(&telephone, Dial::new(to, "ramal-de-teste"))
                .await
                .unwrap();
            let (tape, record) = talk(&server, &mut answered.leg).await;
            // The same line, heard and recorded at both ends.
            let (caller, agent) = recorded(&server, &record);
            let sides = [likeness(&tape.said, &caller), likeness(&agent, &tape.heard)];
            eprintln!("likeness of the caller's side and the agent's: {sides:?}");
            assert!(sides[0] >= 0.99, "caller's side: {}", sides[0]);
            assert!(sides[1] >= 0.99, "agent's side: {}", sides[1]);
            essence(&record)
        };
        let over_twilio = async {
            let server = server(folders[1].path(), |_| {}).await;
            let url = format!("ws://{}/twilio/media", server.http);
            let mut leg = TwilioClient::connect(&url, "ramal", "agente", &BTreeMap::new())
                .await
                .unwrap();
            let (_, record) = talk(&server, &mut leg).await;
            essence(&record)
        };
        let over_audiosocket = async {
            let server = server(folders[2].path(), |_| {}).await;
            let mut leg =
                AudioSocketClient::connect(server.audiosocket.unwrap(), uuid::Uuid::now_v7())
                    .await
                    .unwrap();
            let (_, record) = talk(&server, &mut leg).await;
            essence(&record)
        };
        let (sip, twilio, audiosocket) = tokio::join!(over_sip, over_twilio, over_audiosocket);
        assert_eq!(sip, twilio);
        assert_eq!(sip, audiosocket);
        assert!(sip.contains("ACORDO_AVISTA"), "{sip}");
    });
}

fn simulate(arguments: &[&str]) -> Value {
    let _alone = REAL_TIME.lock();
    let output = Command::new(env!("CARGO_BIN_EXE_combinado"))
        .args(["--json", "simulate"])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn assert_faultless(report: &Value) {
    for fault in [
        "wrong_amounts",
        "wrong_dates",
        "disclosures_before_verification",
        "offers_outside_policy",
    ] {
        assert_eq!(report[fault], 0, "{report}");
    }
    assert_eq!(report["ended"], report["calls"], "{report}");
}

#[test]
fn simulated_calls_in_text_all_end_as_they_should() {
    let report = simulate(&["--text", "--calls", "200", "--seed", "3"]);
    assert_faultless(&report);
    assert_eq!(
        report["cooperative_agreements"], report["cooperative"],
        "{report}"
    );
    for persona in report["by_persona"].as_object().unwrap().values() {
        assert_eq!(persona["right_disposition"], persona["calls"], "{report}");
    }
}

#[test]
fn simulated_calls_in_sound_end_right_and_replay_the_same() {
    let report = simulate(&["--calls", "20", "--seed", "2", "--replay"]);
    assert_faultless(&report);
    assert_eq!(report["replays_differing"], 0, "{report}");
    let share = |of: &str| report[of].as_u64().unwrap();
    assert!(
        share("cooperative_agreements") * 10 >= share("cooperative") * 8,
        "{report}"
    );
}

#[test]
fn a_telephone_of_the_portfolio_is_known() {
    let today = jiff::civil::date(2026, 11, 23);
    assert!(
        portfolio::demo(today)
            .iter()
            .all(|debtor| Phone::parse(&debtor.phones[0].e164()).is_ok())
    );
}
