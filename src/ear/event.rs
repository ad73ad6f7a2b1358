//! What the ear tells.

use std::time::Duration;

use super::asr::{Hypothesis, Partial};
use super::cadence::Liveliness;
use crate::base::Moment;

/// Below this confidence an answer does not count as complete: the caller may be saying something else.
pub(super) const UNSURE: f32 = 0.35;
/// No word that is not understood is shorter.
const SHORTEST: Duration = Duration::from_millis(140);

/// What was heard.
#[derive(Clone, Debug, PartialEq)]
pub enum EarEvent {
    /// Someone may be about to speak: enough to pause for, not to act on. Speech, or [`EarEvent::Calmed`], follows.
    Stirring { at: Moment },
    /// It was nothing.
    Calmed,
    /// Someone began to speak.
    SpeechStarted { at: Moment },
    /// The voice is silent, and this is what the turn will have been if it stays so.
    Foreseen(Vec<Hypothesis>),
    /// What seems to be said changed.
    Partial(Partial),
    /// A turn is over.
    SpeechEnded(Utterance),
    /// A key was pressed.
    Key { key: char, at: Moment },
}

/// A turn of the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Utterance {
    /// Begin and end of the voice.
    pub started: Moment,
    pub ended: Moment,
    /// The moment from which the times of words count.
    pub origin: Moment,
    /// How long someone really spoke.
    pub voiced: Duration,
    pub voice: Voice,
    /// Best first; empty when nothing the grammar allows was heard.
    pub hypotheses: Vec<Hypothesis>,
    /// From `origin` on, 8 kHz; empty unless it was to be kept.
    pub sound: Vec<i16>,
}

impl Utterance {
    /// Hardly any voice, and nothing understood: a cough, a door, a crackle.
    pub fn is_noise(&self) -> bool {
        let understood = self
            .hypotheses
            .first()
            .is_some_and(|best| best.confidence >= UNSURE);
        self.voiced < SHORTEST && !understood
    }
}

/// The voice of a turn, before it is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voice {
    /// Mean level of its voiced frames, dB below full scale.
    pub level_db: f32,
    /// How long it was voiced.
    pub voiced: Duration,
    /// What its pitch does.
    pub melody: Liveliness,
}

impl Voice {
    /// Enough of it, with a pitch that moves as a voice's does.
    pub fn is_speech(&self) -> bool {
        self.voiced >= Duration::from_millis(280) && self.melody == Liveliness::Lively
    }
}

/// What a frame sounded like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sound {
    pub voiced: bool,
    /// Our own voice, sent back.
    pub echo: bool,
    /// dB below full scale.
    pub level_db: f32,
}
