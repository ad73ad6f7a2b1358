//! Speech over a prompt: paused at once, decided within half a second, taken back when it was nothing.
//!
//! A pause is no decision. The prompt falls silent with the second clearly voiced frame; it goes on one frame early
//! when the sound was a click, a cough, a nod, music or somebody in the background, and is dropped when it was meant.
//! Our own voice that comes back never gets here: the ear takes it out.

use std::time::Duration;

use super::Action;
use super::core::Call;
use super::timers::Timer;
use super::turn::Floor;
use crate::base::Moment;
use crate::ear::cadence::Liveliness;
use crate::language::meaning::{self, Meaning};

/// Speech over a prompt is decided on after so long, when what was said by then is clear; a voice that says something
/// else is waited for a little longer, in silence; and what goes on for much longer is the background.
const DECIDE: Duration = Duration::from_millis(480);
const DOUBT: Duration = Duration::from_millis(940);
const BACKGROUND: Duration = Duration::from_millis(3_000);
/// Between the looks at something that was judged to be no interruption, and goes on.
const AGAIN: Duration = Duration::from_millis(400);
/// Somebody who speaks into the telephone is at least so loud, in dB below full scale.
const NEAR_DB: f32 = -40.0;
/// And at most so much weaker than the caller was before.
const WEAKER_DB: f32 = 9.0;
/// What is understood over a prompt must be this sure, in a lively voice.
pub(super) const SURE: f32 = 0.5;
/// And this sure in a voice whose melody tells nothing: hums, music and televisions are hardly ever heard to say anything
/// but "uhum" or "está" so clearly.
pub(super) const CERTAIN: f32 = 0.98;
/// Pauses for nothing within one prompt, after which it takes more than a sound to pause again.
const PATIENCE: u32 = 2;

/// How the present prompt is being interrupted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Barge {
    /// The prompt is paused, since this moment.
    pub since: Option<Moment>,
    /// Pauses of this prompt that were for nothing.
    pub in_vain: u32,
    /// The sound that is on was judged to be no interruption.
    pub judged: bool,
    /// It was looked at once, and could not be told.
    pub doubted: bool,
    /// How loud the caller speaks when he is understood, dB below full scale.
    pub caller_db: Option<f32>,
}

impl Call {
    /// A sound that may become speech.
    pub(super) fn stirred(&mut self, now: Moment) {
        if self.barge.in_vain < PATIENCE && self.may_interrupt() {
            self.hold_prompt(now);
        }
    }

    /// It did not.
    pub(super) fn calmed(&mut self) {
        if self.barge.since.is_some() && self.speaking_since.is_none() {
            self.go_on_talking();
        }
    }

    pub(super) fn speech_started(&mut self, at: Moment, now: Moment) {
        self.caller_spoke = true;
        self.speaking_since = Some(at);
        (self.barge.judged, self.barge.doubted) = (false, false);
        self.timers.stop(Timer::NoInput);
        if !self.may_interrupt() {
            return;
        }
        if self.barge.in_vain < PATIENCE {
            self.hold_prompt(now);
        }
        self.timers.set(Timer::BargeIn, at + DECIDE);
    }

    /// Sound over the prompt that does not end: an interruption, or something that goes on beside us.
    pub(super) fn decide_interruption(&mut self, now: Moment) {
        let Some(began) = self.speaking_since else {
            self.go_on_talking();
            return;
        };
        if self.barge.judged {
            self.decide_again(began, now);
            return;
        }
        match self.is_meant() {
            Some(true) => self.cut(now),
            None if !self.barge.doubted => {
                self.barge.doubted = true;
                self.timers.set(Timer::BargeIn, (began + DOUBT).max(now));
            }
            None => self.cut(now),
            Some(false) => {
                self.barge.judged = true;
                self.go_on_talking();
                self.timers.set(Timer::BargeIn, now + AGAIN);
            }
        }
    }

    /// What was taken for a nod or a noise goes on while we talk: it may become a sentence.
    fn decide_again(&mut self, began: Moment, now: Moment) {
        if self.may_interrupt() && self.is_meant() == Some(true) {
            self.cut(now);
        } else if now >= began + BACKGROUND {
            self.ear.fade_background();
            self.speaking_since = None;
        } else {
            let again = (now + AGAIN).min(began + BACKGROUND);
            self.timers.set(Timer::BargeIn, again);
        }
    }

    /// Goes on one frame before the place where the prompt was paused.
    pub(super) fn go_on_talking(&mut self) {
        self.timers.stop(Timer::BargeIn);
        if self.barge.since.take().is_some() {
            self.barge.in_vain += 1;
        }
        self.playout.resume();
    }

    fn hold_prompt(&mut self, now: Moment) {
        if self.barge.since.is_none() {
            self.barge.since = Some(now);
            self.playout.pause();
            self.actions.push_back(Action::Flush);
        }
    }

    fn may_interrupt(&self) -> bool {
        self.floor == Floor::Agent
            && self.listen.is_some()
            && !self.playout.is_empty()
            && !self.playout.is_mandatory()
    }

    /// Words of the question are meant, a nod is not; a voice as near and as lively as the caller's may be (`None`).
    fn is_meant(&mut self) -> Option<bool> {
        let voice = self.ear.voice()?;
        if !self.is_near(voice.level_db) {
            return Some(false);
        }
        if let Some((tags, confidence)) = self.ear.understood() {
            let meaning = meaning::read(&tags, self.dialogue.here());
            let nod = !self.takes_floor(&meaning);
            if !nod && is_clear(confidence, &meaning, voice.melody) {
                return Some(true);
            }
            // While the voice goes on, "não" and "quero" may become a sentence.
            if nod && confidence >= SURE && (self.barge.doubted || !voice.is_speech()) {
                return Some(false);
            }
        }
        if voice.is_speech() { None } else { Some(false) }
    }

    /// Loud enough to be meant for us.
    pub(super) fn is_near(&self, level_db: f32) -> bool {
        level_db >= NEAR_DB
            && self
                .barge
                .caller_db
                .is_none_or(|usual| level_db >= usual - WEAKER_DB)
    }
}

/// Whether words over a prompt are clear enough to be an answer. Music and televisions have words, too.
pub(super) fn is_clear(confidence: f32, meaning: &Meaning, melody: Liveliness) -> bool {
    match melody {
        Liveliness::Lively => confidence >= SURE,
        // A nod is too short to be told from a hum by its words.
        Liveliness::Still | Liveliness::Noisy => confidence >= CERTAIN && !is_nod(meaning),
    }
}

/// What people say while they go on listening.
pub(super) fn is_nod(meaning: &Meaning) -> bool {
    matches!(
        meaning.intent.as_deref(),
        Some("SIM" | "ATENDE_ALO" | "REPETE")
    )
}
