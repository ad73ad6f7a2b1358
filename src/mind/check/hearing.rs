//! What each question can hear: that what it hears leads somewhere, that what leads somewhere can be heard, and that
//! its answers can be told apart.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;

use super::{Report, apart};
use crate::base::Date;
use crate::language::grammar::Automaton;
use crate::language::meaning::{Meaning, Value};
use crate::mind::facts::Condition;
use crate::mind::known::Known;
use crate::mind::script::{Route, State};

/// Dates are read as on this day; any does.
const TODAY: Date = date(2026, 11, 23);
/// Intents that keys give.
const KEYED: &[&str] = &["SIM", "NAO", "REPETE", "PEDE_HUMANO"];

pub fn check(report: &mut Report<'_>) {
    let Some(compile) = report.senses.automaton else {
        return;
    };
    let mut known: BTreeMap<Vec<String>, Option<Heard>> = BTreeMap::new();
    let script = report.script;
    let mut told = BTreeSet::new();
    for (name, state) in script.state.iter().filter(|(_, s)| !s.listen.is_empty()) {
        let rules: Vec<String> = state
            .listen
            .iter()
            .chain(&script.global.listen)
            .cloned()
            .collect();
        let heard = known
            .entry(rules.clone())
            .or_insert_with(|| compile(&rules).map(|automaton| Heard::of(&automaton)));
        let Some(heard) = heard else { continue };
        routes(report, name, state, &heard.intents);
        for conflict in &heard.conflicts {
            let [one, other] = &conflict.words;
            let named = |nth: usize| {
                let meaning = &conflict.meanings[nth];
                meaning.intent.clone().unwrap_or_else(|| "nothing".into())
            };
            // Where both lead to the same place it does not matter which one was heard; and two readings of the same
            // words are the parser's to choose between.
            let route = |nth: usize| {
                let intent = conflict.meanings[nth].intent.as_ref();
                intent.and_then(|intent| {
                    state
                        .on
                        .get(intent)
                        .or_else(|| script.global.on.get(intent))
                })
            };
            let same_intent = conflict.meanings[0].intent == conflict.meanings[1].intent;
            let harmless = if same_intent {
                one == other || same_for(route(0), &conflict.meanings)
            } else {
                route(0) == route(1)
            };
            if harmless {
                continue;
            }
            // What two questions share is told once.
            if !told.insert((one.clone(), other.clone(), named(0), named(1))) {
                continue;
            }
            let message = if named(0) == named(1) {
                format!(
                    "“{one}” and “{other}” sound alike, and give {} with other slots",
                    named(0)
                )
            } else {
                format!(
                    "“{one}” ({}) and “{other}” ({}) sound alike",
                    named(0),
                    named(1)
                )
            };
            let remedy = "say one of them otherwise, or give one a weight: /0.5/ $rule";
            report.add(
                &format!("state.{name}.listen"),
                "",
                "same-sound",
                message,
                remedy,
            );
        }
    }
}

/// Whether two meanings differ only in words that the route does not ask about.
fn same_for(route: Option<&Route>, meanings: &[Meaning; 2]) -> bool {
    let asked: Vec<&str> = match route {
        Some(Route::Cases(cases)) => cases
            .iter()
            .filter_map(|case| match &case.when {
                Some(Condition::Slot(slot, _)) => Some(slot.name()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let [one, other] = meanings;
    let names = one.slots.keys().chain(other.slots.keys());
    names
        .filter(|name| one.slots.get(*name) != other.slots.get(*name))
        .all(|name| {
            let is_word = [one, other]
                .iter()
                .all(|meaning| matches!(meaning.slots.get(name), Some(Value::Text(_))));
            is_word && !asked.contains(&name.as_str())
        })
}

/// What one set of rules understands.
struct Heard {
    intents: BTreeSet<String>,
    conflicts: Vec<apart::Conflict>,
}

impl Heard {
    fn of(automaton: &Automaton) -> Self {
        let is_intent = |tag: &&String| {
            tag.len() > 1
                && tag.starts_with(|c: char| c.is_ascii_uppercase())
                && tag
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        };
        Self {
            intents: automaton.tags.iter().filter(is_intent).cloned().collect(),
            conflicts: apart::conflicts(automaton, TODAY),
        }
    }
}

fn routes(report: &mut Report<'_>, name: &str, state: &State, intents: &BTreeSet<String>) {
    let path = format!("state.{name}");
    let global = &report.script.global;
    let by_key = |intent: &str| match state.digits.or(state.keys) {
        Some(_) => intent == "INFORMA_DIGITOS",
        None => KEYED.contains(&intent),
    };
    for intent in state.on.keys() {
        if !intents.contains(intent) && !by_key(intent) && report.senses.intents.contains(intent) {
            let message = format!("[{path}] never hears {intent}: its grammars do not give it");
            let remedy = "add the grammar rule that gives it to `listen`, or delete the route";
            report.add(
                &format!("{path}.on.{intent}"),
                "",
                "unheard-intent",
                message,
                remedy,
            );
        }
    }
    for intent in intents {
        if !state.on.contains_key(intent) && !global.on.contains_key(intent) {
            let message = format!("[{path}] hears {intent} and does nothing about it");
            let remedy = format!("add {intent} = \"…\" under [{path}.on] or [global.on]");
            report.add(
                &format!("{path}.listen"),
                "",
                "unhandled-intent",
                message,
                remedy,
            );
        }
    }
    if !intents.contains("PEDE_HUMANO") {
        let message = format!("[{path}] does not hear that somebody wants a person");
        let remedy = "add global.gram to `listen`";
        report.add(
            &format!("{path}.listen"),
            "",
            "missing-human",
            message,
            remedy,
        );
    }
    let graph = report.graph;
    let stranger = graph
        .of_state(name)
        .find(|&node| !graph.nodes[node].known.has(Known::VERIFIED));
    let Some(stranger) = stranger else { return };
    for (intent, rule) in [
        ("ENGANO", "abertura.gram#engano"),
        ("TERCEIRO_ATENDEU", "abertura.gram#terceiro"),
    ] {
        if !intents.contains(intent) {
            let message = format!("[{path}] is asked of strangers too, and does not hear {intent}");
            let remedy = format!("add {rule} to `listen`");
            let way = graph.path(stranger);
            report.add_with_path(
                &format!("{path}.listen"),
                "",
                "missing-not-me",
                message,
                remedy,
                way,
            );
        }
    }
}
