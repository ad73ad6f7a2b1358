//! The ledger on SQLite and on PostgreSQL: each test is one function that runs on both.

use std::time::Duration;

use combinado::base::{CallId, Centavos, DebtorId};
use combinado::ledger::{
    CallEnd, CallStart, CallTimes, Claim, Delivery, Direction, InstrumentKind, Latency, Ledger,
    LedgerError, MessageState, Milestone, NewAgreement, NewInstalment, NewInstrument, NewMessage,
    Outcome, Recording, TurnRow, Who, agreement_id,
};
use combinado::ledger::{DebtorRow, Reached};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::postgres;

/// A fresh ledger, and what has to live as long as it.
pub struct Fresh {
    pub ledger: Ledger,
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Fresh {
    pub fn on(ledger: Ledger, url: String) -> Self {
        Self {
            ledger,
            url,
            _folder: None,
        }
    }
}

pub async fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}", folder.path().join("combinado.db").display());
    Fresh {
        ledger: Ledger::open(&url).await.expect("the ledger opens"),
        url,
        _folder: Some(folder),
    }
}

/// Runs a test on both databases.
macro_rules! on_both {
    ($($(#[$doc:meta])* $name:ident($fresh:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            $(#[$doc])*
            async fn run($fresh: &Fresh) $body

            #[tokio::test]
            async fn sqlite() {
                run(&super::sqlite().await).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some((ledger, url)) = postgres::database().await {
                    run(&Fresh::on(ledger, url)).await;
                }
            }
        }
    )*};
}

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

fn noon() -> Timestamp {
    at("2026-11-23T15:00:00Z")
}

fn after(start: Timestamp, seconds: i64) -> Timestamp {
    start + jiff::SignedDuration::from_secs(seconds)
}

pub fn sao_paulo() -> TimeZone {
    TimeZone::get("America/Sao_Paulo").expect("the zone is bundled")
}

pub fn ana() -> DebtorRow {
    DebtorRow {
        id: DebtorId(Uuid::from_u128(0xa)),
        name: "Ana Souza".to_owned(),
        cpf: "52998224725".to_owned(),
        phones: vec!["+5511987654321".to_owned(), "+551130001234".to_owned()],
        contracts: vec!["4321".to_owned()],
        record: serde_json::json!({"id": Uuid::from_u128(0xa), "city": "São Paulo"}),
    }
}

pub fn call_of(n: u128, started_at: Timestamp) -> CallStart {
    CallStart {
        id: CallId(Uuid::from_u128(0x1000 + n)),
        wire: "sip".to_owned(),
        direction: Direction::Outbound,
        from: "+551140000000".to_owned(),
        to: "+5511987654321".to_owned(),
        debtor: Some(ana().id),
        script: "cobranca".to_owned(),
        script_version: "3".to_owned(),
        started_at,
        input_log: Some("2026/11/23/x.log".to_owned()),
    }
}

pub fn agreement_of(call: CallId) -> NewAgreement {
    let id = agreement_id(call, "parcelado@1");
    NewAgreement {
        id,
        call: Some(call),
        debtor: ana().id,
        kind: "parcelado".to_owned(),
        total: Centavos(123_456),
        discount: Centavos(4_197),
        instalments: vec![
            NewInstalment { due: date(2026, 12, 7), amount: Centavos(61_728) },
            NewInstalment { due: date(2027, 1, 7), amount: Centavos(61_728) },
        ],
        computation: serde_json::json!({
            "label": "total do acordo", "centavos": 123_456, "formula": "soma das partes", "parts": [
                {"label": "original", "centavos": 123_456, "formula": "valor do contrato"},
                {"label": "multa", "centavos": 2_469, "formula": "2,00 % de R$ 1.234,56"},
                {"label": "juros", "centavos": 1_728, "formula": "42 dias a 1,00 % ao mês"},
                {"label": "desconto", "centavos": -4_197, "formula": "multa e juros dispensados"},
            ],
        }),
        evidence: serde_json::json!({"offer": {"t0_ms": 9_000, "t1_ms": 15_000}, "sim": {"t0_ms": 15_400}}),
        instruments: vec![NewInstrument {
            instalment: 1,
            kind: InstrumentKind::Boleto,
            line: Some("34191099827123450005771234570001916560000123456".to_owned()),
            barcode: Some("34199165600001234561099871234500057123457000".to_owned()),
            pix: Some("00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D".to_owned()),
            reference: None,
        }],
        messages: vec![NewMessage {
            idempotency_key: format!("{id}/sms"),
            channel: "sms".to_owned(),
            to: "+5511987654321".to_owned(),
            text: "CREDORA EXEMPLO: Ana, boleto do seu acordo. Protocolo {protocolo}".to_owned(),
            call: Some(call),
            agreement: None,
            debtor: Some(ana().id),
        }],
        closed_at: after(noon(), 60),
    }
}

pub fn end_of(call: CallId, disposition: &str, ended_at: Timestamp) -> CallEnd {
    CallEnd {
        call,
        disposition: disposition.to_owned(),
        secondary: Vec::new(),
        reason: None,
        times: CallTimes::default(),
        ended_at,
        tabulated_at: ended_at,
        notes: serde_json::json!({"jitter_ms": 3}),
        recording: None,
    }
}

/// Ana is imported and a call to her has begun.
async fn begun(ledger: &Ledger) -> CallId {
    ledger.import(&[ana()], noon()).await.expect("imported");
    let start = call_of(1, noon());
    ledger.begin_call(&start).await.expect("begun");
    start.id
}

async fn claim(ledger: &Ledger, now: Timestamp) -> Option<Claim> {
    ledger
        .claim_message("sms", now, Duration::from_secs(60))
        .await
        .expect("claiming works")
}

on_both! {
    /// What an import says it wrote is what the database holds.
    an_import_counts_what_it_wrote(fresh) {
        let ledger = &fresh.ledger;
        let first = ledger.import(&[ana()], noon()).await.expect("imported");
        assert_eq!((first.inserted, first.updated, first.unchanged), (1, 0, 0));
        let again = ledger.import(&[ana()], noon()).await.expect("imported");
        assert_eq!((again.inserted, again.updated, again.unchanged), (0, 0, 1));
        let moved = DebtorRow { phones: vec!["+5511912345678".to_owned()], name: "Ana S. Lima".to_owned(), ..ana() };
        let third = ledger.import(std::slice::from_ref(&moved), noon()).await.expect("imported");
        assert_eq!((third.inserted, third.updated, third.unchanged), (0, 1, 0));
        assert!(ledger.debtor(ana().id).await.expect("read").is_some_and(|found| found == moved));
        assert!(ledger.debtor_by_phone("+5511987654321").await.expect("read").is_none(), "the old number is gone");
        assert!(ledger.debtor_by_phone("+5511912345678").await.expect("read").is_some());
        assert_eq!(ledger.debtors_by_cpf("52998224725").await.expect("read").len(), 1);
    }

    /// A number shared by a family leads first to the person who lists it first.
    a_shared_number_leads_to_whoever_lists_it_first(fresh) {
        let bia = DebtorRow {
            id: DebtorId(Uuid::from_u128(0xb)),
            name: "Bia Souza".to_owned(),
            phones: vec!["+551130001234".to_owned()],
            ..ana()
        };
        fresh.ledger.import(&[ana(), bia], noon()).await.expect("imported");
        let both = fresh.ledger.debtors_by_phone("+551130001234").await.expect("read");
        assert_eq!(both.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["Bia Souza", "Ana Souza"]);
    }

    /// A call comes back as it was told, from ring to recording.
    a_call_is_kept_whole(fresh) {
        let ledger = &fresh.ledger;
        let call = begun(ledger).await;
        ledger.begin_call(&call_of(1, after(noon(), 9))).await.expect("a repeat does nothing");
        ledger.milestone(call, Milestone::Answered, after(noon(), 5)).await.expect("saved");
        ledger.milestone(call, Milestone::Answered, after(noon(), 8)).await.expect("the first stands");
        let turn = TurnRow {
            call,
            n: 1,
            who: Who::Debtor,
            state: "identifica".to_owned(),
            text: "sou eu".to_owned(),
            meaning: Some("SIM".to_owned()),
            confidence: Some(0.93),
            t0_ms: 6_000,
            t1_ms: 6_400,
            latency: Some(Latency { total_ms: 170, endpoint_ms: Some(120), ..Latency::default() }),
        };
        ledger.add_turn(&turn).await.expect("saved");
        ledger.add_turn(&TurnRow { text: "outra".to_owned(), ..turn.clone() }).await.expect("the first stands");
        let recording = Recording {
            path: "2026/11/23/a.wav".to_owned(),
            samples: 480_000,
            offset_ms: 5_000,
            sha256: "00".repeat(32),
        };
        let end = CallEnd {
            secondary: vec!["CALLBACK".to_owned()],
            reason: Some("desemprego".to_owned()),
            times: CallTimes { right_party_at: Some(after(noon(), 12)), ..CallTimes::default() },
            recording: Some(recording.clone()),
            ..end_of(call, "RECUSA", after(noon(), 65))
        };
        assert!(ledger.end_call(&end).await.expect("ended"));
        assert!(!ledger.end_call(&end_of(call, "PROMESSA", after(noon(), 70))).await.expect("a repeat"));
        let kept = ledger.call(call).await.expect("read").expect("there");
        assert_eq!(kept.turns, [turn]);
        assert_eq!(kept.recording, Some(recording));
        assert_eq!(kept.summary.disposition.as_deref(), Some("RECUSA"));
        assert_eq!(kept.summary.secondary, ["CALLBACK"]);
        assert_eq!(kept.summary.reached, Some(Reached::RightParty));
        assert_eq!(kept.summary.times.answered_at, Some(after(noon(), 5)));
        assert_eq!(kept.summary.debtor_name.as_deref(), Some("Ana Souza"));
        assert_eq!(kept.notes, serde_json::json!({"jitter_ms": 3}));
        assert_eq!(kept.to, "+5511987654321");
    }

    /// Telling an agreement twice finds the first: one protocol, one message, one audit entry.
    an_agreement_is_closed_once(fresh) {
        let ledger = &fresh.ledger;
        let call = begun(ledger).await;
        let first = ledger.close_agreement(&agreement_of(call)).await.expect("closed");
        let again = ledger.close_agreement(&agreement_of(call)).await.expect("found");
        assert_eq!(first, again);
        assert_eq!(first.protocol, "261123000018");
        assert_eq!(first.instalments.len(), 2);
        assert_eq!(first.instruments, agreement_of(call).instruments);
        assert_eq!(first.computation, agreement_of(call).computation);
        let messages = ledger.messages_of_call(call).await.expect("read");
        assert_eq!(messages.len(), 1);
        assert!(messages[0].text.ends_with("Protocolo 261123000018"));
        assert_eq!((messages[0].state, messages[0].agreement), (MessageState::Queued, Some(first.id)));
        let audit = ledger.audit_entries(0, 10).await.expect("read");
        assert_eq!(audit.len(), 1);
        assert_eq!(audit[0].action, "agreement.closed");
        assert!(!audit[0].body.contains("Ana") && !audit[0].body.contains("987654321"), "no person in the audit");
        assert_eq!(ledger.agreements_of(ana().id).await.expect("read"), [first]);
    }

    /// What does not add up, has no debtor, or is a second agreement of a call leaves no trace.
    a_wrong_agreement_leaves_no_trace(fresh) {
        let ledger = &fresh.ledger;
        let call = begun(ledger).await;
        let short = NewAgreement { total: Centavos(123_457), ..agreement_of(call) };
        assert!(matches!(ledger.close_agreement(&short).await, Err(LedgerError::Unbalanced { .. })));
        let nobody = NewAgreement { debtor: DebtorId(Uuid::from_u128(0xff)), ..agreement_of(call) };
        assert!(matches!(ledger.close_agreement(&nobody).await, Err(LedgerError::NoDebtor { .. })));
        assert!(ledger.agreement_of_call(call).await.expect("read").is_none());
        ledger.close_agreement(&agreement_of(call)).await.expect("closed");
        let other = NewAgreement { id: agreement_id(call, "avista@1"), ..agreement_of(call) };
        assert!(matches!(ledger.close_agreement(&other).await, Err(LedgerError::AgreementExists { .. })));
        assert_eq!(ledger.messages_of_call(call).await.expect("read").len(), 1);
        assert_eq!(ledger.audit_entries(0, 10).await.expect("read").len(), 1);
    }

    /// Agreements closed at the same instant by many callers get different protocols and one unbroken chain.
    agreements_at_once_are_numbered_without_gaps(fresh) {
        let ledger = &fresh.ledger;
        ledger.import(&[ana()], noon()).await.expect("imported");
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..20 {
            let ledger = ledger.clone();
            tasks.spawn(async move {
                let start = call_of(n, noon());
                ledger.begin_call(&start).await.expect("begun");
                // Each is told twice at once, as after a lost answer.
                let new = agreement_of(start.id);
                let (one, two) = tokio::join!(ledger.close_agreement(&new), ledger.close_agreement(&new));
                assert_eq!(one.as_ref().expect("closed"), &two.expect("closed"));
                one.expect("closed").protocol
            });
        }
        let mut protocols = tasks.join_all().await;
        protocols.sort();
        protocols.dedup();
        assert_eq!(protocols.len(), 20);
        assert!(protocols[19].starts_with("26112300020"));
        let report = ledger.verify_audit().await.expect("read");
        assert_eq!((report.entries, report.broken_at), (20, None));
    }

    /// The database itself refuses to change what was written down.
    the_audit_cannot_be_changed(fresh) {
        let ledger = &fresh.ledger;
        for n in 0..3 {
            let body = serde_json::json!({"n": n});
            ledger.audit("bruna", "script.published", "cobranca", &body, noon()).await.expect("written");
        }
        assert_eq!(ledger.verify_audit().await.expect("read").broken_at, None);
        for sql in ["UPDATE audit SET actor = 'outra' WHERE n = 2", "DELETE FROM audit WHERE n = 3"] {
            assert!(raw(&fresh.url, sql).await.is_err(), "{sql}");
        }
        // Even who takes the guard away is found out.
        let guard = if ledger.engine() == "sqlite" { "DROP TRIGGER audit_keeps" } else { "DROP TRIGGER audit_keeps ON audit" };
        raw(&fresh.url, guard).await.expect("dropped");
        raw(&fresh.url, "UPDATE audit SET actor = 'outra' WHERE n = 2").await.expect("changed");
        assert_eq!(ledger.verify_audit().await.expect("read").broken_at, Some(2));
    }

    /// After a crash the cut calls are closed, and what was agreed in them stands.
    a_crash_leaves_no_call_open_and_no_agreement_lost(fresh) {
        let ledger = &fresh.ledger;
        let agreed = begun(ledger).await;
        ledger.milestone(agreed, Milestone::Answered, after(noon(), 5)).await.expect("saved");
        ledger.close_agreement(&agreement_of(agreed)).await.expect("closed");
        let cut = call_of(2, noon());
        ledger.begin_call(&cut).await.expect("begun");
        let elsewhere = Ledger::open_as(&fresh.url, "other").await.expect("opens");
        let theirs = call_of(3, noon());
        elsewhere.begin_call(&theirs).await.expect("begun");
        claim(ledger, after(noon(), 61)).await.expect("the message of the agreement");

        let ledger = Ledger::open(&fresh.url).await.expect("opens again");
        let recovered = ledger.recover(after(noon(), 600)).await.expect("recovered");
        assert_eq!(recovered.calls, [agreed, cut.id]);
        assert_eq!((recovered.agreements, recovered.doubtful_messages), (1, 1));
        let kept = ledger.call(agreed).await.expect("read").expect("there");
        assert_eq!(kept.summary.disposition.as_deref(), Some("ACORDO_PARCELADO"));
        assert_eq!(kept.summary.reason.as_deref(), Some("interrompida"));
        assert_eq!(kept.summary.secondary, ["ERRO_TECNICO"]);
        assert_eq!(kept.summary.ended_at, Some(after(noon(), 60)));
        assert!(kept.agreement.is_some());
        let lost = ledger.call(cut.id).await.expect("read").expect("there");
        assert_eq!((lost.summary.ended_at, lost.summary.reached), (Some(noon()), Some(Reached::Nobody)));
        let alive = ledger.call(theirs.id).await.expect("read").expect("there");
        assert_eq!(alive.summary.ended_at, None, "another server's call goes on");
        assert_eq!(ledger.recover(after(noon(), 601)).await.expect("recovered").calls, []);
    }

    /// A claimed message is nobody else's until its lease ends; then it is doubtful.
    a_message_is_claimed_by_one_worker(fresh) {
        let ledger = &fresh.ledger;
        let call = begun(ledger).await;
        ledger.close_agreement(&agreement_of(call)).await.expect("closed");
        let now = after(noon(), 61);
        let (one, two) = tokio::join!(claim(ledger, now), claim(ledger, now));
        assert!(one.is_some() != two.is_some(), "one of them has it");
        let first = one.or(two).expect("claimed");
        assert!(!first.doubtful);
        assert!(claim(ledger, after(now, 59)).await.is_none());
        let second = claim(ledger, after(now, 61)).await.expect("the lease ended");
        assert!(second.doubtful);
        assert_eq!((second.attempt, second.tried_at), (2, now));
        // The first worker comes back too late.
        let sent = |id: &str| Outcome::Sent { provider_id: id.to_owned() };
        ledger.settle_message(&first, &sent("SM1"), after(now, 62)).await.expect("ignored");
        ledger.settle_message(&second, &sent("SM2"), after(now, 63)).await.expect("marked");
        let message = ledger.message(first.id).await.expect("read").expect("there");
        assert_eq!((message.state, message.provider_id.as_deref()), (MessageState::Sent, Some("SM2")));
        assert!(ledger.report_delivery("SM2", Delivery::Delivered, None, after(now, 70)).await.expect("saved"));
        ledger.report_delivery("SM2", Delivery::Undelivered, None, after(now, 71)).await.expect("ignored");
        assert!(!ledger.report_delivery("SM9", Delivery::Delivered, None, now).await.expect("unknown"));
        let message = ledger.message(first.id).await.expect("read").expect("there");
        assert_eq!(message.delivery, Some(Delivery::Delivered));
    }

    /// Ten calls of one day, counted as the trade counts; the day is São Paulo's, not London's.
    the_days_figures_come_from_its_calls(fresh) {
        let ledger = &fresh.ledger;
        ledger.import(&[ana()], noon()).await.expect("imported");
        let day = date(2026, 11, 23);
        // 00:30 UTC of the 24th is still the 23rd in São Paulo.
        let late = at("2026-11-24T00:30:00Z");
        let codes = [
            ("NAO_ATENDE", false), ("OCUPADO", false), ("CAIXA_POSTAL", true), ("DESLIGOU_CURTO", true),
            ("ENGANO", true), ("PEDIU_HUMANO", true), ("PROMESSA", true), ("RECUSA", true),
            ("ACORDO_PARCELADO", true), ("BLOQ_JANELA", false),
        ];
        for (n, (code, answered)) in (0..).zip(codes) {
            let start = call_of(n, late);
            ledger.begin_call(&start).await.expect("begun");
            let is_cpc = ["PROMESSA", "RECUSA", "ACORDO_PARCELADO"].contains(&code);
            let times = CallTimes {
                answered_at: answered.then_some(after(late, 10)),
                spoke_at: answered.then_some(after(late, 11)),
                right_party_at: is_cpc.then_some(after(late, 20)),
                handoff_at: (code == "PEDIU_HUMANO").then_some(after(late, 15)),
                ..CallTimes::default()
            };
            if code == "ACORDO_PARCELADO" {
                ledger.close_agreement(&agreement_of(start.id)).await.expect("closed");
            }
            let end = CallEnd { times, tabulated_at: after(late, 72), ..end_of(start.id, code, after(late, 70)) };
            ledger.end_call(&end).await.expect("ended");
        }
        let going = call_of(50, late);
        ledger.begin_call(&going).await.expect("begun");
        let tomorrow = call_of(51, at("2026-11-24T12:00:00Z"));
        ledger.begin_call(&tomorrow).await.expect("begun");

        let metrics = ledger.metrics(day, &sao_paulo()).await.expect("counted");
        let out = metrics.outbound;
        assert_eq!((out.tentativas, out.atendidas, out.maquina, out.alo), (9, 7, 1, 6));
        assert_eq!((out.cpc, out.cpca, out.promessas, out.transferidas), (3, 1, 1, 1));
        assert_eq!((metrics.active, metrics.inbound.tentativas), (1, 0));
        let shown = |key| {
            let figure = metrics.indicators.iter().find(|figure| figure.key == key).expect("there");
            (figure.shown(), figure.denominator)
        };
        assert_eq!(shown("tma"), ("60,0 s".to_owned(), 6));
        assert_eq!(shown("tmo"), ("62,0 s".to_owned(), 6));
        assert_eq!(shown("cpc_alo"), ("50,0 %".to_owned(), 6));
        assert_eq!(shown("conv_acordo"), ("33,3 %".to_owned(), 3));
        assert_eq!(shown("conv_total"), ("66,7 %".to_owned(), 3));
        assert_eq!(shown("ticket_medio"), ("R$ 1.234,56".to_owned(), 1));
        assert_eq!(ledger.calls(day, &sao_paulo(), 100).await.expect("read").len(), 11);
        let empty = ledger.metrics(date(2026, 1, 1), &sao_paulo()).await.expect("counted");
        assert!(empty.indicators.iter().all(|figure| figure.value().is_none()) && empty.turn_latency_ms.is_none());
    }

    /// Percentiles are of the day's answers.
    latencies_are_told_by_percentile(fresh) {
        let ledger = &fresh.ledger;
        let call = begun(ledger).await;
        for n in 1..=100_u32 {
            let turn = TurnRow {
                call, n, who: Who::Agent, state: "s".to_owned(), text: String::new(), meaning: None, confidence: None,
                t0_ms: 0, t1_ms: 0, latency: Some(Latency { total_ms: 101 - n, ..Latency::default() }),
            };
            ledger.add_turn(&turn).await.expect("saved");
        }
        let metrics = ledger.metrics(date(2026, 11, 23), &sao_paulo()).await.expect("counted");
        let found = metrics.turn_latency_ms.expect("there are answers");
        assert_eq!((found.n, found.p50, found.p95), (100, 50, 95));
    }

    /// What goes wrong is told without a person's data.
    errors_name_no_person(fresh) {
        let ledger = &fresh.ledger;
        let call = call_of(1, noon());
        // The debtor is unknown: the database refuses the reference.
        let error = ledger.begin_call(&call).await.expect_err("refused");
        let mut text = error.to_string();
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
        while let Some(source) = cause {
            text.push_str(&source.to_string());
            cause = source.source();
        }
        assert!(!text.contains("987654321") && !text.contains("Ana"), "{text}");
        assert!(!format!("{call:?} {:?} {:?}", ana(), agreement_of(call.id)).contains("987654321"));
    }
}

/// One statement beside the ledger, as a meddler would run it.
async fn raw(url: &str, sql: &'static str) -> Result<(), sqlx::Error> {
    use sqlx::Connection;
    if url.starts_with("postgres") {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        sqlx::query(sql).execute(&mut connection).await?;
    } else {
        let mut connection = sqlx::SqliteConnection::connect(url).await?;
        sqlx::query(sql).execute(&mut connection).await?;
    }
    Ok(())
}

/// An address that is none is told at once.
#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    assert!(matches!(
        Ledger::open("mysql://x").await,
        Err(LedgerError::Address)
    ));
}

/// A ledger in memory works as one in a file.
#[tokio::test]
async fn a_ledger_can_live_in_memory() {
    let ledger = Ledger::open("sqlite::memory:").await.expect("opens");
    let call = begun(&ledger).await;
    ledger
        .close_agreement(&agreement_of(call))
        .await
        .expect("closed");
    assert!(
        ledger
            .agreement_of_call(call)
            .await
            .expect("read")
            .is_some()
    );
}

/// An agreement survives the process being killed right after it was told.
#[tokio::test]
async fn a_file_keeps_what_was_committed() {
    let fresh = sqlite().await;
    let call = begun(&fresh.ledger).await;
    fresh
        .ledger
        .close_agreement(&agreement_of(call))
        .await
        .expect("closed");
    // No close: the file is read by another process as it lies there.
    let other = Ledger::open(&fresh.url).await.expect("opens");
    assert!(other.agreement_of_call(call).await.expect("read").is_some());
}
