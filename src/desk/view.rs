//! From the ledger's records to pages: values are put into words here, the templates only place them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::{Centavos, Date};
use crate::channels::sms;
use crate::ledger::{
    Agreement, CallRecord, CallSummary, Delivery, Direction, Indicator, Instrument, Message, MessageState, Metrics,
    Percentiles, Reached, TurnRow, Who, tabulation,
};
use crate::mind::debt::first_name;
use crate::mind::offer::Computation;

/// Figures that stand above the list, in this order.
const CARDS: [&str; 6] = ["tma", "tmo", "cpc_alo", "conv_acordo", "conv_total", "ticket_medio"];

/// The list of a day's calls.
pub(super) fn calls(
    zone: &TimeZone,
    day: Date,
    calls: &[CallSummary],
    metrics: &Metrics,
) -> Result<String, minijinja::Error> {
    let page = CallsPage {
        day: day.to_string(),
        day_shown: day.strftime("%d/%m/%Y").to_string(),
        before: day.yesterday().ok().map(|day| day.to_string()),
        after: day.tomorrow().ok().map(|day| day.to_string()),
        active: metrics.active,
        counts: counts(metrics),
        latency: metrics.turn_latency_ms,
        rows: calls.iter().map(|call| Row::of(zone, call)).collect(),
        cards: CARDS.iter().filter_map(|key| Card::of(metrics, key)).collect(),
    };
    render("calls.html", &page)
}

#[derive(Serialize)]
struct CallsPage {
    day: String,
    day_shown: String,
    before: Option<String>,
    after: Option<String>,
    active: i64,
    counts: Vec<(&'static str, i64)>,
    latency: Option<Percentiles>,
    rows: Vec<Row>,
    cards: Vec<Card>,
}

/// One call.
pub(super) fn call(zone: &TimeZone, record: &CallRecord) -> Result<String, minijinja::Error> {
    let offset_ms = record.recording.as_ref().map_or(0, |recording| recording.offset_ms);
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
        agreement: record.agreement.as_ref().map(|agreement| Deal::of(zone, agreement)),
        times: times(zone, summary),
        turns: record.turns.iter().map(|turn| Turn::of(turn, offset_ms)).collect(),
        messages: record.messages.iter().map(|message| Sms::of(zone, message)).collect(),
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

pub(super) fn problem(title: &str, text: &str) -> Result<String, minijinja::Error> {
    render("problem.html", &BTreeMap::from([("title", title), ("text", text)]))
}

fn render(name: &str, page: &impl Serialize) -> Result<String, minijinja::Error> {
    static PAGES: OnceLock<Environment<'static>> = OnceLock::new();
    PAGES.get_or_init(environment).get_template(name)?.render(minijinja::Value::from(Serde(page)))
}

/// The templates. What ends in `.html` is escaped.
fn environment() -> Environment<'static> {
    let mut pages = Environment::new();
    pages.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    for (name, text) in [
        ("layout.html", include_str!("pages/layout.html")),
        ("calls.html", include_str!("pages/calls.html")),
        ("call.html", include_str!("pages/call.html")),
        ("problem.html", include_str!("pages/problem.html")),
    ] {
        pages.add_template(name, text).expect("a test renders every template");
    }
    pages
}

/// A figure above the list.
#[derive(Serialize)]
struct Card {
    label: &'static str,
    value: String,
    /// Formula, numerator and denominator.
    formula: String,
    /// "de 1.200 ALÔ": what it was counted over.
    sample: String,
}

impl Card {
    fn of(metrics: &Metrics, key: &str) -> Option<Self> {
        let figure = metrics.indicators.iter().find(|figure| figure.key == key)?;
        let over = figure.formula.rsplit(" / ").next().unwrap_or_default();
        Some(Self {
            label: figure.label,
            value: figure.shown(),
            formula: format!("{} = {} / {}", figure.formula, numerator(figure), figure.denominator),
            sample: format!("{} {over}", figure.denominator),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds to be shown")]
fn numerator(figure: &Indicator) -> String {
    match figure.unit {
        crate::ledger::Unit::Seconds => format!("{:.1} s", figure.numerator as f64 / 1e6).replace('.', ","),
        crate::ledger::Unit::Share => figure.numerator.to_string(),
        crate::ledger::Unit::Centavos => Centavos(figure.numerator).to_string(),
    }
}

/// The funnel of the day: name and number, both directions together where that makes sense.
fn counts(metrics: &Metrics) -> Vec<(&'static str, i64)> {
    let (out, inb) = (metrics.outbound, metrics.inbound);
    vec![
        ("tentativas", out.tentativas),
        ("recebidas", inb.atendidas),
        ("atendidas", out.atendidas + inb.atendidas),
        ("ALÔ", out.alo + inb.alo),
        ("CPC", out.cpc + inb.cpc),
        ("CPCA", out.cpca + inb.cpca),
        ("promessas", out.promessas + inb.promessas),
    ]
}

/// A line of the list.
#[derive(Serialize)]
struct Row {
    id: String,
    clock: String,
    wire: String,
    direction: &'static str,
    name: String,
    disposition: String,
    /// How the disposition is coloured.
    tone: &'static str,
    duration: String,
    agreement: String,
}

impl Row {
    fn of(zone: &TimeZone, call: &CallSummary) -> Self {
        let duration = call.times.answered_at.zip(call.ended_at).map(|(from, to)| lasted(from, to));
        let (disposition, tone) = match &call.disposition {
            Some(code) => (label(code), tone(call)),
            None => ("em andamento".to_owned(), "live"),
        };
        Self {
            id: call.id.to_string(),
            clock: clock(zone, call.started_at),
            wire: call.wire.clone(),
            direction: match call.direction {
                Direction::Inbound => "recebida",
                Direction::Outbound => "feita",
            },
            name: call.debtor_name.as_deref().map_or_else(|| "–".to_owned(), first_name),
            disposition,
            tone,
            duration: duration.unwrap_or_else(|| "–".to_owned()),
            agreement: call.agreement_total_centavos.map(|total| total.to_string()).unwrap_or_default(),
        }
    }
}

fn tone(call: &CallSummary) -> &'static str {
    if call.agreement_total_centavos.is_some() {
        "good"
    } else if call.disposition.as_deref() == Some("ERRO_TECNICO") {
        "bad"
    } else {
        match call.reached {
            Some(Reached::RightParty) => "right",
            Some(Reached::Person) => "person",
            _ => "quiet",
        }
    }
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
        let stages: Vec<String> =
            stages.into_iter().filter_map(|(name, ms)| ms.map(|ms| format!("{name} {ms} ms"))).collect();
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

/// An agreement.
#[derive(Serialize)]
struct Deal {
    protocol: String,
    kind: String,
    total: String,
    discount: Option<String>,
    closed: String,
    instalments: Vec<Part>,
    instruments: Vec<Payable>,
    computation: Node,
    evidence: Node,
}

#[derive(Serialize)]
struct Part {
    n: u32,
    due: String,
    amount: String,
}

#[derive(Serialize)]
struct Payable {
    title: String,
    line: Option<String>,
    line_digits: Option<String>,
    pix: Option<String>,
    /// The Pix code as SVG.
    qr: Option<String>,
}

impl Deal {
    fn of(zone: &TimeZone, agreement: &Agreement) -> Self {
        let instalments = agreement.instalments.iter().map(|part| Part {
            n: part.n,
            due: part.due.strftime("%d/%m/%Y").to_string(),
            amount: part.amount.to_string(),
        });
        Self {
            protocol: agreement.protocol.clone(),
            kind: match agreement.kind.as_str() {
                "avista" => "à vista".to_owned(),
                other => other.replace('_', " "),
            },
            total: agreement.total.to_string(),
            discount: (agreement.discount != Centavos::ZERO).then(|| agreement.discount.to_string()),
            closed: clock(zone, agreement.closed_at),
            instalments: instalments.collect(),
            instruments: agreement.instruments.iter().map(Payable::of).collect(),
            computation: tree("cálculo", &agreement.computation),
            evidence: tree("evidência", &agreement.evidence),
        }
    }
}

impl Payable {
    fn of(instrument: &Instrument) -> Self {
        let kind = match instrument.kind {
            crate::ledger::InstrumentKind::Boleto => "Boleto",
            crate::ledger::InstrumentKind::Pix => "Pix",
        };
        Self {
            title: format!("{kind} da parcela {}", instrument.instalment),
            line: instrument.line.as_deref().map(spaced_line),
            line_digits: instrument.line.clone(),
            qr: instrument.pix.as_deref().and_then(qr),
            pix: instrument.pix.clone(),
        }
    }
}

/// A linha digitável of 47 as it is printed; others as they are.
fn spaced_line(line: &str) -> String {
    if line.len() != 47 || !line.bytes().all(|byte| byte.is_ascii_digit()) {
        return line.to_owned();
    }
    let part = |from: usize, to: usize| &line[from..to];
    format!(
        "{}.{} {}.{} {}.{} {} {}",
        part(0, 5),
        part(5, 10),
        part(10, 15),
        part(15, 21),
        part(21, 26),
        part(26, 32),
        part(32, 33),
        part(33, 47)
    )
}

/// The code as a picture: error correction M, a quiet zone of four modules.
fn qr(payload: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(payload, EcLevel::M).ok()?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(220, 220).build();
    // An XML declaration has no place inside a page.
    picture.find("<svg").map(|start| picture[start..].to_owned())
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
            cost: format!("{} · {} {}", encoding, cost.parts, if cost.parts == 1 { "parte" } else { "partes" }),
        }
    }
}

/// What is shown as a tree: a value, what it consists of, or both.
#[derive(Serialize)]
struct Node {
    label: String,
    value: Option<String>,
    /// How the value came about.
    formula: Option<String>,
    children: Vec<Node>,
}

/// A JSON value as a tree. Keys tell the unit: `…_centavos`, `…_bp`, `…_ms`.
fn tree(key: &str, value: &Value) -> Node {
    let (label, unit) = ["_centavos", "_bp", "_ms"]
        .into_iter()
        .find_map(|unit| key.strip_suffix(unit).map(|label| (label, unit)))
        .unwrap_or((key, ""));
    let label = label.replace('_', " ");
    if let Ok(computation) = Computation::deserialize(value) {
        return sum(computation);
    }
    match value {
        Value::Object(fields) => {
            let children = fields.iter().map(|(key, value)| tree(key, value)).collect();
            Node { label, value: None, formula: None, children }
        }
        Value::Array(items) => {
            let children = (1..).zip(items).map(|(n, item)| tree(&format!("{n}{unit}"), item)).collect();
            Node { label, value: None, formula: None, children }
        }
        leaf => Node { label, value: Some(leaf_text(leaf, unit)), formula: None, children: Vec::new() },
    }
}

/// An amount and its parts.
fn sum(computation: Computation) -> Node {
    Node {
        label: computation.label,
        value: Some(computation.value.to_string()),
        formula: Some(computation.formula),
        children: computation.parts.into_iter().map(sum).collect(),
    }
}

fn leaf_text(leaf: &Value, unit: &str) -> String {
    match (leaf, leaf.as_i64(), unit) {
        (_, Some(n), "_centavos") => Centavos(n).to_string(),
        (_, Some(n), "_bp") => format!("{},{:02} %", n / 100, n.unsigned_abs() % 100),
        (_, Some(n), "_ms") => format!("{n} ms"),
        (Value::String(text), ..) => text.clone(),
        (Value::Null, ..) => "–".to_owned(),
        (Value::Bool(true), ..) => "sim".to_owned(),
        (Value::Bool(false), ..) => "não".to_owned(),
        (other, ..) => other.to_string(),
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
        .filter_map(|(name, at)| at.map(|at| (name, clock(zone, at), seconds_after(call.started_at, at))))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "seconds to be shown")]
fn seconds_after(start: Timestamp, at: Timestamp) -> String {
    let micros = at.as_microsecond() - start.as_microsecond();
    format!("+{:.2} s", micros as f64 / 1e6).replace('.', ",")
}

fn clock(zone: &TimeZone, at: Timestamp) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// `3:07`: minutes and seconds.
fn lasted(from: Timestamp, to: Timestamp) -> String {
    let seconds = (to.as_microsecond() - from.as_microsecond()).max(0) / 1_000_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn label(code: &str) -> String {
    tabulation(code).map_or(code, |entry| entry.label).to_owned()
}

/// A number of which only the last four digits are shown.
fn masked(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        0 => "–".to_owned(),
        // A SIP user such as `1001`: too short to mask, and nobody's number.
        1..=6 => number.to_owned(),
        n => format!("•••• {}", digits[n - 4..].iter().collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses() {
        environment();
    }

    #[test]
    fn a_line_is_printed_as_on_paper() {
        let printed = "34191.09982 71234.500057 71234.570001 9 16560000123456";
        assert_eq!(spaced_line("34191099827123450005771234570001916560000123456"), printed);
        assert_eq!(spaced_line("ç".repeat(24).as_str()), "ç".repeat(24));
    }

    #[test]
    fn keys_tell_the_unit_of_a_computation() {
        let node = tree("total_centavos", &serde_json::json!(127_653));
        assert_eq!((node.label.as_str(), node.value.as_deref()), ("total", Some("R$ 1.276,53")));
        assert_eq!(tree("multa_bp", &serde_json::json!(205)).value.as_deref(), Some("2,05 %"));
    }

    #[test]
    fn numbers_are_masked() {
        assert_eq!(masked("+5511987654321"), "•••• 4321");
        assert_eq!(masked("1001"), "1001");
        assert_eq!(masked(""), "–");
    }
}
