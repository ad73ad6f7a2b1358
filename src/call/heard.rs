//! What follows once something was heard by the caller: his turn, the next try, the end.

use std::time::Duration;

use super::DRAIN;
use super::core::Call;
use super::keys::Source;
use super::ledger::Confirmed;
use super::timers::Timer;
use super::turn::Floor;
use crate::base::Moment;
use crate::media::FRAME_MS;
use crate::mind::dialogue::Utterance;

/// Longest wait for the wire to say that the last word was heard.
const DRAIN_CAP: Duration = Duration::from_millis(1_500);
impl Call {
    /// Everything was said: the caller has the floor, or the call ends.
    pub(super) fn yield_floor(&mut self, now: Moment) {
        let heard = now + self.in_flight + Duration::from_millis(FRAME_MS);
        let Some(listen) = self.listen.clone() else {
            return;
        };
        // What was said while the last words were read counts once they were heard.
        if (self.early.is_some() || self.early_key.is_some()) && !self.ledger.is_settled() {
            return;
        }
        self.floor = Floor::Caller;
        if let Some(key) = self.early_key.take() {
            self.hear_key(key, Source::Wire, now);
            return;
        }
        if let Some((began, ended, hypotheses)) = self.early.take() {
            self.speech_ended(began, ended, &hypotheses, None, now);
            return;
        }
        if self.speaking_since.is_none() {
            self.timers.set(
                Timer::NoInput,
                heard + Duration::from_secs(u64::from(listen.noinput_s)),
            );
        }
    }

    /// The wire, or time, confirms that clauses were heard. What waits for the end of a prompt counts from here.
    pub(super) fn were_heard(&mut self, heard: &[Confirmed], now: Moment) {
        for confirmed in heard {
            if let Some((t0_ms, t1_ms, last)) = self.reading
                && last == confirmed.clause
            {
                self.read = Some((t0_ms, t1_ms));
                self.reading = None;
            }
        }
        if heard.is_empty() || !self.ledger.is_settled() || !self.spoken.is_empty() {
            return;
        }
        match self.floor {
            Floor::Caller if self.timers.is_set(Timer::NoInput) => {
                let wait = self.listen.as_ref().map_or(0, |listen| listen.noinput_s);
                self.timers
                    .set(Timer::NoInput, now + Duration::from_secs(u64::from(wait)));
            }
            Floor::Leaving => self.timers.set(Timer::Drain, now + DRAIN),
            Floor::Agent | Floor::Caller | Floor::World | Floor::Over => {}
        }
    }

    /// The last word was handed to the line; it is released when that was heard, or must have been.
    pub(super) fn await_drain(&mut self, now: Moment) {
        let wait = if self.ledger.marks { DRAIN_CAP } else { DRAIN };
        self.timers.set(Timer::Drain, now + self.in_flight + wait);
    }

    /// Begins a mandatory clause anew that was cut.
    pub(super) fn say_again(&mut self, now: Moment) {
        self.playout.begin_again();
        self.ledger.stop(now);
    }

    /// The world takes its time: the caller is told that somebody is still there.
    pub(super) fn fill_wait(&mut self) {
        if self.floor != Floor::World || !self.playout.is_empty() {
            return;
        }
        if let Some(text) = self.dialogue.filler() {
            self.say(Utterance {
                state: self.dialogue.state().to_owned(),
                text,
                mandatory: false,
                firm: Vec::new(),
            });
        }
    }
}
