//! From templates to words.

use minijinja::{Environment, UndefinedBehavior};

use super::{Brief, Dialogue, Utterance};
use crate::base::fold;
use crate::language::verbalise;
use crate::mind::facts::{self, Facts};
use crate::mind::hours::{self, Window};
use crate::mind::script::Script;

/// The name under which apologies stand before a question that is asked again.
pub const REPAIR: &str = "reparo";

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

/// A sentence begins with a capital, also where a variable begins it.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
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
        ("h_ini", hour_words(brief, |window| window.open)),
        ("h_fim", hour_words(brief, |window| window.close)),
        ("destino", brief.destination.clone()),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text))
    .collect()
}

/// An end of the hours of calling: today's, or those of the next open day.
fn hour_words(brief: &Brief, end: fn(Window) -> jiff::civil::Time) -> String {
    let window = hours::window_on(brief.uf, brief.today)
        .or_else(|| hours::window_on(brief.uf, hours::next_open(brief.uf, brief.today).date()));
    window.map_or_else(String::new, |window| {
        verbalise::time(end(window).hour().unsigned_abs(), 0)
    })
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
        let text = template
            .and_then(|template| fill(template, &self.facts))
            .map(|text| capitalised(&text));
        text.filter(|text| !text.is_empty())
            .map(|text| Utterance {
                state: state.to_owned(),
                firm: self.firm(&text),
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
            state: REPAIR.to_owned(),
            text,
            mandatory,
            firm: Vec::new(),
        })
    }

    /// The sentences of a prompt that give a notice.
    fn firm(&self, text: &str) -> Vec<String> {
        if self.script.notice.is_empty() {
            return Vec::new();
        }
        let words: Vec<String> = self
            .script
            .notice
            .values()
            .flat_map(|notice| &notice.words)
            .map(|words| fold(words))
            .collect();
        text.split_inclusive(['.', '!', '?', ';', ':'])
            .map(str::trim)
            .filter(|sentence| {
                let plain = fold(sentence);
                words.iter().any(|words| plain.contains(words))
            })
            .map(str::to_owned)
            .collect()
    }
}
