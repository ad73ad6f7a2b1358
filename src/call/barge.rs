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
use crate::language::meaning;

/// Speech over a prompt is decided on after so long.
const DECIDE: Duration = Duration::from_millis(480);
/// Somebody who speaks into the telephone is at least so loud, in dB below full scale.
const NEAR_DB: f32 = -40.0;
/// And at most so much weaker than the caller was before.
const WEAKER_DB: f32 = 9.0;
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
        self.barge.judged = false;
        self.timers.stop(Timer::NoInput);
        if !self.may_interrupt() {
            return;
        }
        if self.barge.in_vain < PATIENCE {
            self.hold_prompt(now);
        }
        self.timers.set(Timer::BargeIn, at + DECIDE);
    }

    /// Half a second of sound over the prompt: an interruption, or something that goes on beside us.
    pub(super) fn decide_interruption(&mut self, now: Moment) {
        if self.speaking_since.is_none() {
            self.go_on_talking();
        } else if self.is_meant() {
            self.cut(now);
        } else {
            self.barge.judged = true;
            self.ear.fade_background();
            self.speaking_since = None;
            self.go_on_talking();
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

    /// Words of the question, or a voice as near and as lively as the caller's.
    fn is_meant(&mut self) -> bool {
        let Some(voice) = self.ear.voice() else {
            return false;
        };
        let near = voice.level_db >= NEAR_DB
            && self
                .barge
                .caller_db
                .is_none_or(|usual| voice.level_db >= usual - WEAKER_DB);
        let understood = self.ear.understood().is_some_and(|tags| {
            let meaning = meaning::read(&tags, self.dialogue.today());
            self.takes_floor(Some(&meaning))
        });
        near && (understood || voice.is_speech())
    }
}
