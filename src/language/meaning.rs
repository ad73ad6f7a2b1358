//! From the literal tags of a grammar to an intent with typed slots.
//!
//! Conventions of the tags, which `grammars/*.gram` keep:
//! - `INFORMA_DATA`: capitals and underscores name an intent. Of several the last one holds, except that a mere yes or a
//!   greeting does not replace an intent that says more ("dia cinco, pode ser").
//! - `canal=zap`: a slot with this text.
//! - `data(` … `)`: a slot whose value is made of the tags between. Its name tells its type ([`Kind`]).
//!
//! A slot said twice keeps the later value: "dia cinco, não, dia dez".

mod date;
mod number;
#[cfg(test)]
mod tests;
mod time;

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::base::calendar::Today;
use crate::base::{BasisPoints, Cpf};

pub use date::DateValue;

/// What one turn of the caller means.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Meaning {
    pub intent: Option<String>,
    pub slots: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// As dictated, leading zeros kept.
    Digits(String),
    Date(DateValue),
    Money {
        centavos: i64,
        /// "uns trezentos", "um e meio": to be confirmed.
        approximate: bool,
    },
    Count(u32),
    /// A rate.
    Rate(BasisPoints),
    #[serde(serialize_with = "clock_face")]
    Time {
        hour: u8,
        minute: u8,
    },
    /// A date of birth; people often leave the year out.
    Birth {
        day: u8,
        month: u8,
        year: Option<i16>,
    },
    Text(String),
}

impl Value {
    /// As tables write it: `10000` centavos, `~10000` if they are rough, `2026-12-10`, `14:30`, `1985-04-09` or
    /// `--04-09` (ISO 8601) for a birthday.
    pub fn plain(&self) -> String {
        match self {
            Self::Money {
                centavos,
                approximate,
            } => format!("{}{centavos}", if *approximate { "~" } else { "" }),
            Self::Text(text) | Self::Digits(text) => text.clone(),
            Self::Time { hour, minute } => format!("{hour:02}:{minute:02}"),
            Self::Count(count) => count.to_string(),
            Self::Rate(rate) => rate.0.to_string(),
            Self::Date(date) => date.day().map_or_else(String::new, |day| day.to_string()),
            Self::Birth { day, month, year } => {
                let year = year.map_or_else(|| "-".to_owned(), |year| format!("{year:04}"));
                format!("{year}-{month:02}-{day:02}")
            }
        }
    }
}

/// What the tags inside a slot are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Digits,
    /// Eleven digits of which the last two agree with the others.
    Cpf,
    /// A day to come: the next that fits.
    Date,
    /// A day gone by: the last that fits.
    PastDate,
    Birth,
    Money,
    Count,
    Rate,
    Time,
    Text,
}

impl Kind {
    /// The kind of the slot called `name`.
    pub fn of(name: &str) -> Self {
        match name {
            "digitos" | "telefone" => Self::Digits,
            "cpf" => Self::Cpf,
            "data" => Self::Date,
            "pago_em" => Self::PastDate,
            "nascimento" => Self::Birth,
            "valor" | "entrada" => Self::Money,
            "parcelas" | "n" => Self::Count,
            "taxa" => Self::Rate,
            "hora" => Self::Time,
            _ => Self::Text,
        }
    }
}

/// Reads the tags of one turn, said on the day `today`.
pub fn read(tags: &[String], today: impl Into<Today>) -> Meaning {
    read_for(tags, today, &|_| true)
}

/// As [`read`], for a question that can do something with the intents that `answers` knows: of several, one of these
/// holds.
pub fn read_for(
    tags: &[String],
    today: impl Into<Today>,
    answers: &dyn Fn(&str) -> bool,
) -> Meaning {
    let today = today.into();
    let mut meaning = Meaning::default();
    let mut capture: Option<(&str, Vec<&str>)> = None;
    for tag in tags {
        match (&mut capture, tag.as_str()) {
            (Some((name, inside)), ")") => {
                let value = evaluate(Kind::of(name), inside, today);
                meaning
                    .slots
                    .extend(value.map(|value| ((*name).to_owned(), value)));
                capture = None;
            }
            (Some((_, inside)), tag) => inside.push(tag),
            (None, tag) => match tag.strip_suffix('(') {
                Some(name) => capture = Some((name, Vec::new())),
                None => meaning.add(tag, answers),
            },
        }
    }
    meaning
}

impl Meaning {
    fn add(&mut self, tag: &str, answers: &dyn Fn(&str) -> bool) {
        if let Some((slot, text)) = tag.split_once('=') {
            self.slots
                .insert(slot.to_owned(), Value::Text(text.to_owned()));
        } else if is_intent(tag)
            && self
                .intent
                .as_deref()
                .is_none_or(|before| match (answers(before), answers(tag)) {
                    (true, false) => false,
                    (false, true) => true,
                    _ => replaces(tag, before),
                })
        {
            self.intent = Some(tag.to_owned());
        }
    }

    /// The slots by the names of the catalogue of intents: `n` instalments, the `data` of a payment made or of a birth,
    /// `quando` to call again; beside them the names that the grammars use.
    pub fn catalogue(&self) -> BTreeMap<String, Value> {
        let mut slots = self.slots.clone();
        let names = [
            ("parcelas", "n"),
            ("pago_em", "data"),
            ("nascimento", "data"),
            ("hora", "quando"),
            ("data", "quando"),
        ];
        for (ours, theirs) in names {
            let wanted = theirs != "quando"
                || matches!(
                    self.intent.as_deref(),
                    Some("TITULAR_AUSENTE" | "LIGAR_DEPOIS")
                );
            if let (true, Some(value)) = (wanted, self.slots.get(ours)) {
                slots
                    .entry(theirs.to_owned())
                    .or_insert_with(|| value.clone());
            }
        }
        slots
    }

    pub fn is(&self, intent: &str) -> bool {
        self.intent.as_deref() == Some(intent)
    }
}

fn is_intent(tag: &str) -> bool {
    tag.len() > 1
        && tag.starts_with(|c: char| c.is_ascii_uppercase())
        && tag
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Whether an intent takes the place of one said before in the same turn.
fn replaces(later: &str, before: &str) -> bool {
    // "gera o boleto que eu pago": that it will be paid goes without saying.
    let said_so = matches!(
        before,
        "PEDE_BOLETO"
            | "PREFERE_PIX"
            | "ACEITA_AVISTA"
            | "QUER_PARCELAR"
            | "CONTRAPROPOSTA"
            | "INFORMA_PARCELAS"
            | "INFORMA_DATA"
    );
    // "é o marido dela que tá falando": who is not the person called does not become that person by a word.
    let another = matches!(
        before,
        "TERCEIRO_ATENDEU"
            | "TITULAR_AUSENTE"
            | "ENGANO"
            | "FALECIDO"
            | "MENOR_ATENDEU"
            | "EH_ROBO"
    );
    let nothing_new = later == "PROMESSA" && said_so || later == "CONFIRMA_IDENTIDADE" && another;
    rank(later) >= rank(before) && !nothing_new
}

/// How much an intent says. What says less does not replace what says more in the same turn.
fn rank(intent: &str) -> u8 {
    match intent {
        "ATENDE_ALO" | "DESPEDIDA" => 0,
        // "não, pode falar" is a yes, and "sim, não" a no; but a no after more than a yes takes nothing back.
        "SIM" | "NAO" => 1,
        // "o telefone dela é outro, peraí": what was said stands.
        "ESPERA" | "REPETE" | "OFENSA" => 2,
        // Danger to life is never talked over.
        "RISCO_VIDA" => 4,
        _ => 3,
    }
}

fn evaluate(kind: Kind, tags: &[&str], today: Today) -> Option<Value> {
    match kind {
        Kind::Digits => number::digits(tags).map(Value::Digits),
        Kind::Cpf => number::digits(tags)
            .filter(|digits| Cpf::parse(digits).is_ok())
            .map(Value::Digits),
        Kind::Date => date::coming(tags, today).map(Value::Date),
        Kind::PastDate => date::past(tags, today).map(Value::Date),
        Kind::Birth => date::birth(tags, today.date),
        Kind::Money => number::money(tags),
        Kind::Count => number::count(tags).map(Value::Count),
        Kind::Rate => number::rate(tags).map(|rate| Value::Rate(BasisPoints(rate))),
        Kind::Time => time::time(tags),
        Kind::Text => Some(Value::Text(tags.join(" "))),
    }
}

fn clock_face<S: Serializer>(hour: &u8, minute: &u8, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{hour:02}:{minute:02}"))
}
