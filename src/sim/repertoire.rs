//! What measuring callers say to which question, rendered beforehand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::hesitation::{Joint, render};
use super::stage::trim;

/// Something to say.
#[derive(Clone, Debug, Default)]
pub struct Clip {
    /// 8 kHz, loud at both ends.
    pub sound: Vec<i16>,
    /// A few words without a pause, to a question that calls for them: the time of its answer is promised.
    pub closed: bool,
    /// With a pause of 300 to 500 ms in it.
    pub paused: bool,
}

/// What a caller does next.
#[derive(Clone, Debug)]
pub enum Reply {
    Say(Arc<Clip>),
    Press(&'static str),
    HangUp,
}

/// Everything that callers say.
#[derive(Clone, Debug, Default)]
pub struct Repertoire {
    answers: BTreeMap<&'static str, Vec<Arc<Clip>>>,
    interruptions: BTreeMap<&'static str, Vec<Arc<Clip>>>,
    /// Said whatever is asked, and over every prompt when `interrupts`.
    always: Option<Arc<Clip>>,
    interrupts: bool,
}

/// Answers to the states of the built-in script; `|` is a pause.
const ANSWERS: &[(&str, &[&str])] = &[
    (
        "abertura",
        &["sou eu", "sim", "é ele", "sim| sou eu", "sou eu mesmo"],
    ),
    ("alo", &["sou eu", "sim", "é ele"]),
    (
        "oferta_avista",
        &[
            "fica bom",
            "aceito",
            "sim",
            "quero| quero parcelar",
            "pode ser",
        ],
    ),
    ("oferta_parcelado", &["em três vezes", "três vezes"]),
    (
        "dia",
        &["dia dez", "amanhã", "dia| dez", "sexta feira", "hoje"],
    ),
];
/// Words over a prompt, which lead on.
const INTERRUPTIONS: &[(&str, &[&str])] = &[("expoe", &["quero pagar à vista", "quero quitar"])];

impl Repertoire {
    /// Renders all of it; `speak` says words in the `n`th of `voices` voices.
    pub fn render(voices: u64, speak: &dyn Fn(&str, u64) -> Vec<i16>) -> Self {
        let mut repertoire = Self::default();
        for (state, answers) in ANSWERS {
            for (n, words) in answers.iter().enumerate() {
                for voice in 0..voices {
                    let pause = 300 + (n as u64 * 67 + voice * 41) % 201;
                    let sound = render(words, pause, Joint::Spoken, &|words| speak(words, voice));
                    let paused = words.contains('|');
                    let clip = Clip {
                        sound,
                        closed: !paused,
                        paused,
                    };
                    repertoire
                        .answers
                        .entry(state)
                        .or_default()
                        .push(clip.into());
                }
            }
        }
        for (state, words) in INTERRUPTIONS {
            for (n, words) in words.iter().enumerate() {
                let clip = Clip {
                    sound: trim(&speak(words, n as u64 % voices.max(1))).to_vec(),
                    ..Clip::default()
                };
                repertoire
                    .interruptions
                    .entry(state)
                    .or_default()
                    .push(clip.into());
            }
        }
        repertoire
    }

    /// The same words to everything.
    pub fn of_one(sound: Vec<i16>, interrupts: bool) -> Self {
        let clip = Clip {
            sound: trim(&sound).to_vec(),
            closed: true,
            paused: false,
        };
        Self {
            always: Some(clip.into()),
            interrupts,
            ..Self::default()
        }
    }

    /// What the `nth` caller answers in this state of the conversation.
    pub fn answer(&self, state: Option<&str>, nth: usize) -> Reply {
        if let Some(clip) = &self.always {
            return Reply::Say(clip.clone());
        }
        match state {
            Some("identifica" | "por_que_pede" | "nao_confere") => Reply::Press("111"),
            Some("expoe") => Reply::Press("1"),
            state => state
                .and_then(|state| pick(self.answers.get(state)?, nth))
                .map_or(Reply::HangUp, Reply::Say),
        }
    }

    /// What the `nth` caller does over a prompt of this state, if anything.
    pub fn interruption(&self, state: Option<&str>, nth: usize) -> Option<Reply> {
        if let Some(clip) = self.always.as_ref().filter(|_| self.interrupts) {
            return Some(Reply::Say(clip.clone()));
        }
        let clips = self.interruptions.get(state?)?;
        // Every other caller uses a key: a long prompt is cut by both.
        match nth % 2 {
            0 => Some(Reply::Press("1")),
            _ => pick(clips, nth).map(Reply::Say),
        }
    }
}

fn pick(clips: &[Arc<Clip>], nth: usize) -> Option<Arc<Clip>> {
    // Neighbouring callers differ in words and in voice.
    let at = nth.wrapping_mul(2_654_435_761) >> 7;
    clips.get(at % clips.len().max(1)).cloned()
}
