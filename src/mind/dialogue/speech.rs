//! From templates to words.

use minijinja::{Environment, UndefinedBehavior};

use super::{Brief, Dialogue, Utterance};
use crate::language::verbalise;
use crate::mind::facts::{self, Facts};
use crate::mind::script::Script;

/// Fills in a template. A variable without a value is a mistake of the script that `check` reports; at run time the
/// sentence is dropped rather than spoken with a hole.
pub fn fill(template: &str, facts: &Facts) -> Option<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
        .render_str(template, facts)
        .ok()
        .map(|text| text.trim().to_owned())
}

/// What anybody may hear, from the first word on.
pub fn public_facts(script: &Script, brief: &Brief) -> Facts {
    let mut greeting = facts::greeting(brief.hour).to_owned();
    if let Some(first) = greeting.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    [
        ("saudacao", greeting),
        ("bot", script.script.bot.clone()),
        ("marca", brief.marca.clone()),
        ("nome", brief.name.clone()),
        ("telefone_oficial", brief.official_phone.clone()),
        ("canal_oficial", brief.official_channel.clone()),
        ("protocolo", verbalise::protocol(&brief.protocol)),
        ("bom_periodo", facts::farewell(brief.hour).to_owned()),
        ("h_ini", "oito da manhã".to_owned()),
        ("h_fim", "oito da noite".to_owned()),
        ("destino", brief.destination.clone()),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text))
    .collect()
}

/// How the person sought may be named in an answer: "maria", "maria clara".
pub fn name_phrases(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let first = lower
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned();
    if first == lower {
        vec![lower]
    } else {
        vec![lower, first]
    }
}

impl Dialogue {
    /// One prompt of a state, by attempt: `say` first, `again` later, the last of them from then on.
    pub(super) fn prompt(&self, state: &str, attempt: u32) -> Vec<Utterance> {
        let Some(found) = self.script.state.get(state) else {
            return Vec::new();
        };
        let again = attempt.checked_sub(1).map(|nth| nth as usize);
        let template = match again {
            Some(nth) if !found.again.is_empty() => found.again.get(nth).or(found.again.last()),
            // Variants of the first prompt alternate with visits, so that nobody hears the same words twice.
            _ => found.say.get(
                self.visits.get(state).map_or(0, |n| *n as usize - 1) % found.say.len().max(1),
            ),
        };
        let text = template.and_then(|template| fill(template, &self.facts));
        text.filter(|text| !text.is_empty())
            .map(|text| Utterance {
                state: state.to_owned(),
                text,
                mandatory: found.mandatory,
            })
            .into_iter()
            .collect()
    }

    pub(super) fn preface(
        &self,
        templates: &[String],
        attempt: u32,
        mandatory: bool,
    ) -> Option<Utterance> {
        let nth = (attempt.max(1) - 1) as usize;
        let template = templates.get(nth).or(templates.last())?;
        let text = fill(template, &self.facts)?;
        Some(Utterance {
            state: "reparo".to_owned(),
            text,
            mandatory,
        })
    }
}
