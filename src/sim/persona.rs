//! Personas: what simulated debtors are like, as data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// One of the personas of `personas.toml`. The name is stable: reports are by persona.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Persona(usize);

/// What a persona would agree to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wants {
    #[default]
    Nothing,
    /// One payment.
    Avista,
    /// Several.
    Parcelado,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    base: Base,
    persona: Vec<Character>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Base {
    says: Phrases,
    /// What those say who want no agreement, to questions that would lead to one.
    refuses: Phrases,
}

/// Phrases by the state that asks.
type Phrases = BTreeMap<String, Vec<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Character {
    name: String,
    about: String,
    /// Of all calls, in relation to the shares of the others.
    share: usize,
    /// Whether the person sought is on the line.
    #[serde(default = "yes")]
    titular: bool,
    #[serde(default)]
    wants: Wants,
    /// The dispositions that are right for such a call.
    right: Vec<String>,
    #[serde(default)]
    says: Phrases,
    #[serde(default)]
    then: Phrases,
}

const fn yes() -> bool {
    true
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    toml::from_str(include_str!("personas.toml")).expect("the test `the_file_is_right` reads it")
});

/// All personas, each as often as its share says, well mixed.
static MIX: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let mut places: Vec<(u64, usize)> = Vec::new();
    for (number, character) in FILE.persona.iter().enumerate() {
        for nth in 0..character.share {
            // Spread evenly over the round, with an offset of its own.
            let at = (nth * 1_000_000 + number * 37_119 % 1_000_000) / character.share;
            places.push((at as u64, number));
        }
    }
    places.sort_unstable();
    places.into_iter().map(|(_, number)| number).collect()
});

impl Persona {
    /// The persona of this name.
    pub fn named(name: &str) -> Option<Self> {
        FILE.persona
            .iter()
            .position(|character| character.name == name)
            .map(Self)
    }

    /// Every persona, in the order of the file.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FILE.persona.len()).map(Self)
    }

    /// The persona of the `nth` call of many.
    pub fn of_call(nth: u64) -> Self {
        Self(MIX[(nth % MIX.len() as u64) as usize])
    }

    fn character(self) -> &'static Character {
        &FILE.persona[self.0]
    }

    pub fn name(self) -> &'static str {
        &self.character().name
    }

    /// One sentence for people.
    pub fn about(self) -> &'static str {
        &self.character().about
    }

    pub fn wants(self) -> Wants {
        self.character().wants
    }

    pub fn is_titular(self) -> bool {
        self.character().titular
    }

    /// Whether an agreement is what such a call should come to.
    pub fn cooperates(self) -> bool {
        self.wants() != Wants::Nothing
    }

    /// The dispositions that are right for such a call.
    pub fn dispositions(self) -> &'static [String] {
        &self.character().right
    }

    /// Whether the persona has words of its own for a question.
    pub fn says_of(self, state: &str) -> bool {
        self.character().says.contains_key(state)
    }

    /// What may be said to a question: the first time, or `again`. A question that nobody has thought of is answered
    /// with yes by who cooperates, and with no by the others.
    pub fn phrases(self, state: &str, again: bool) -> &'static [String] {
        let character = self.character();
        // Who says nothing at first says nothing at all.
        if character
            .says
            .get("abertura")
            .is_some_and(|says| says == &["{silencio}"])
        {
            return &character.says["abertura"];
        }
        let own = again
            .then(|| character.then.get(state))
            .flatten()
            .or_else(|| character.says.get(state));
        let refuses = || FILE.base.refuses.get(state).filter(|_| !self.cooperates());
        own.or_else(refuses)
            .or_else(|| FILE.base.says.get(state))
            .unwrap_or(if self.cooperates() { &YES } else { &NO })
    }
}

static YES: LazyLock<Vec<String>> = LazyLock::new(|| vec!["sim".to_owned()]);
static NO: LazyLock<Vec<String>> = LazyLock::new(|| vec!["não".to_owned()]);

impl std::fmt::Display for Persona {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// No persona has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no persona `{0}`")]
pub struct UnknownPersona(String);

impl TryFrom<String> for Persona {
    type Error = UnknownPersona;

    fn try_from(name: String) -> Result<Self, UnknownPersona> {
        Self::named(&name).ok_or(UnknownPersona(name))
    }
}

impl From<Persona> for String {
    fn from(persona: Persona) -> Self {
        persona.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mind::disposition;

    #[test]
    fn the_file_is_right() {
        assert!(Persona::all().count() >= 16);
        for persona in Persona::all() {
            assert_eq!(Persona::named(persona.name()), Some(persona));
            for code in persona.dispositions() {
                // Only the telephone gives the other code of silence.
                assert!(
                    code == "ATENDIDA_MUDA" || disposition::codes().any(|known| known == code),
                    "{code}"
                );
            }
        }
        let calls: Vec<Persona> = (0..MIX.len() as u64).map(Persona::of_call).collect();
        for persona in Persona::all() {
            let share = calls.iter().filter(|one| **one == persona).count();
            assert_eq!(share, persona.character().share, "{persona}");
        }
    }
}
