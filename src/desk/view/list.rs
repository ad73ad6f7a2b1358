//! The list of a day's calls, with its figures.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{clock, label, lasted, render};
use crate::base::{Centavos, Date};
use crate::ledger::{CallSummary, Direction, Indicator, Metrics, Percentiles, Reached, Unit};
use crate::mind::debt::first_name;

/// Figures that stand above the list, in this order.
const CARDS: [&str; 6] = [
    "tma",
    "tmo",
    "cpc_alo",
    "conv_acordo",
    "conv_total",
    "ticket_medio",
];

/// The list of a day's calls.
pub fn calls(
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
        cards: CARDS
            .iter()
            .filter_map(|key| Card::of(metrics, key))
            .collect(),
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
            formula: format!(
                "{} = {} / {}",
                figure.formula,
                numerator(figure),
                figure.denominator
            ),
            sample: format!("{} {over}", figure.denominator),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds to be shown")]
fn numerator(figure: &Indicator) -> String {
    match figure.unit {
        Unit::Seconds => format!("{:.1} s", figure.numerator as f64 / 1e6).replace('.', ","),
        Unit::Share => figure.numerator.to_string(),
        Unit::Centavos => Centavos(figure.numerator).to_string(),
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
pub(super) struct Row {
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
    pub fn of(zone: &TimeZone, call: &CallSummary) -> Self {
        let duration = call
            .times
            .answered_at
            .zip(call.ended_at)
            .map(|(from, to)| lasted(from, to));
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
            name: call
                .debtor_name
                .as_deref()
                .map_or_else(|| "–".to_owned(), first_name),
            disposition,
            tone,
            duration: duration.unwrap_or_else(|| "–".to_owned()),
            agreement: call
                .agreement_total_centavos
                .map(|total| total.to_string())
                .unwrap_or_default(),
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
