//! One call.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::deal::Deal;
use super::list::Row;
use super::tree::{Node, tree};
use super::{clock, label, masked, render};
use crate::channels::sms;
use crate::ledger::{CallRecord, CallSummary, Delivery, Message, MessageState, TurnRow, Who};

/// One call.
pub fn call(zone: &TimeZone, record: &CallRecord) -> Result<String, minijinja::Error> {
    let offset_ms = record
        .recording
        .as_ref()
        .map_or(0, |recording| recording.offset_ms);
    let summary = &record.summary;
    let began = summary.started_at.to_zoned(zone.clone());
    let page = CallPage {
        call: Row::of(zone, summary),
        day: began.date().to_string(),
        day_shown: began.strftime("%d/%m/%Y").to_string(),
        from: masked(&record.from),
        to: masked(&record.to),
        script: format!("{} v{}", summary.script, summary.script_version),
        secondary: summary.secondary.iter().map(|code| label(code)).collect(),
        reason: summary.reason.clone(),
        recording: record.recording.is_some(),
        replay: record.input_log.is_some(),
        live: summary.ended_at.is_none(),
        agreement: record
            .agreement
            .as_ref()
            .map(|agreement| Deal::of(zone, agreement)),
        times: times(zone, summary),
        turns: record
            .turns
            .iter()
            .map(|turn| Turn::of(turn, offset_ms))
            .collect(),
        messages: record
            .messages
            .iter()
            .map(|message| Sms::of(zone, message))
            .collect(),
        notes: (!record.notes.is_null()).then(|| tree("notas", &record.notes)),
    };
    render("call.html", &page)
}

#[derive(Serialize)]
struct CallPage {
    call: Row,
    day: String,
    day_shown: String,
    from: String,
    to: String,
    script: String,
    secondary: Vec<String>,
    reason: Option<String>,
    recording: bool,
    replay: bool,
    live: bool,
    agreement: Option<Deal>,
    times: Vec<(&'static str, String, String)>,
    turns: Vec<Turn>,
    messages: Vec<Sms>,
    notes: Option<Node>,
}

/// A turn of the transcript.
#[derive(Serialize)]
struct Turn {
    n: u32,
    who: &'static str,
    speaker: &'static str,
    text: String,
    state: String,
    meaning: Option<String>,
    /// In per cent.
    confidence: Option<String>,
    doubtful: bool,
    /// Where it begins in the recording, in seconds.
    seek: String,
    from: String,
    latency: Option<u32>,
    stages: String,
}

impl Turn {
    fn of(turn: &TurnRow, offset_ms: u64) -> Self {
        let latency = turn.latency.unwrap_or_default();
        let stages = [
            ("fim da fala", latency.endpoint_ms),
            ("reconhecimento", latency.recognise_ms),
            ("decisão", latency.decide_ms),
            ("voz", latency.speak_ms),
        ];
        let stages: Vec<String> = stages
            .into_iter()
            .filter_map(|(name, ms)| ms.map(|ms| format!("{name} {ms} ms")))
            .collect();
        let seek_ms = turn.t0_ms.saturating_sub(offset_ms);
        Self {
            n: turn.n,
            who: turn.who.as_str(),
            speaker: match turn.who {
                Who::Agent => "Agente",
                Who::Debtor => "Cliente",
                Who::System => "Sistema",
            },
            text: turn.text.clone(),
            state: turn.state.clone(),
            meaning: turn.meaning.clone(),
            confidence: turn.confidence.map(|x| format!("{:.0} %", x * 100.0)),
            doubtful: turn.confidence.is_some_and(|x| x < 0.6),
            seek: format!("{}.{:03}", seek_ms / 1_000, seek_ms % 1_000),
            from: format!("{}:{:02}", turn.t0_ms / 60_000, turn.t0_ms / 1_000 % 60),
            latency: turn.latency.map(|latency| latency.total_ms),
            stages: stages.join(" · "),
        }
    }
}

/// A message.
#[derive(Serialize)]
struct Sms {
    to: String,
    text: String,
    state: &'static str,
    tone: &'static str,
    sent: Option<String>,
    delivery: Option<&'static str>,
    attempts: u32,
    error: Option<String>,
    cost: String,
}

impl Sms {
    fn of(zone: &TimeZone, message: &Message) -> Self {
        let (state, tone) = match message.state {
            MessageState::Queued => ("na fila", "quiet"),
            MessageState::Sending => ("enviando", "live"),
            MessageState::Sent => ("enviada", "good"),
            MessageState::Failed => ("falhou", "bad"),
        };
        let cost = sms::cost(&message.text);
        let encoding = match cost.encoding {
            sms::Encoding::Gsm7 => "GSM-7",
            sms::Encoding::Ucs2 => "UCS-2",
        };
        Self {
            to: masked(&message.to),
            text: message.text.clone(),
            state,
            tone,
            sent: message.sent_at.map(|at| clock(zone, at)),
            delivery: message.delivery.map(|delivery| match delivery {
                Delivery::Delivered => "entregue",
                Delivery::Undelivered => "não entregue",
                Delivery::Failed => "recusada pela rede",
            }),
            attempts: message.attempts,
            error: message.error.clone(),
            cost: format!(
                "{} · {} {}",
                encoding,
                cost.parts,
                if cost.parts == 1 { "parte" } else { "partes" }
            ),
        }
    }
}

/// The milestones of a call: name, time of day, and how long after the beginning.
fn times(zone: &TimeZone, call: &CallSummary) -> Vec<(&'static str, String, String)> {
    let t = &call.times;
    let all = [
        ("início", Some(call.started_at)),
        ("tocou", t.rang_at),
        ("atendida", t.answered_at),
        ("primeira fala", t.spoke_at),
        ("pessoa certa", t.right_party_at),
        ("primeira oferta", t.offered_at),
        ("fechamento", t.closed_at),
        ("pediu atendente", t.handoff_at),
        ("atendente assumiu", t.human_at),
        ("fim", call.ended_at),
        ("tabulação", call.tabulated_at),
    ];
    all.into_iter()
        .filter_map(|(name, at)| {
            at.map(|at| (name, clock(zone, at), seconds_after(call.started_at, at)))
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "seconds to be shown")]
fn seconds_after(start: Timestamp, at: Timestamp) -> String {
    let micros = at.as_microsecond() - start.as_microsecond();
    format!("+{:.2} s", micros as f64 / 1e6).replace('.', ",")
}
