//! What follows from who has answered a call that we made.

use std::sync::Arc;
use std::time::Duration;

use super::core::Call;
use super::timers::Timer;
use super::turn::Floor;
use super::{DRAIN, Event};
use crate::base::Moment;
use crate::ear::amd::{Amd, Answer, GRAMMAR, Verdict};
use crate::language::meaning::Meaning;
use crate::mind::dialogue::Heard;

/// A person who is asked for by a screening telephone comes within this time, or not at all.
const SCREENED: Duration = Duration::from_secs(25);
/// What the dialogue hears when a machine asks who is calling: the same as when a person does.
const ASKS_WHO: &str = "QUEM_GOSTARIA";

/// What is known about the other end of a call that we made.
#[derive(Default)]
pub struct Callee {
    amd: Option<Amd>,
    /// How the call is filed because of what answered, when nobody did.
    pub filed: Option<&'static str>,
    /// Since when a telephone screens us, and nobody has come.
    screened: bool,
}

impl Call {
    /// Begins to listen for who answers.
    pub(super) fn watch_answer(&mut self) {
        let graph = self
            .graphs
            .get(&[GRAMMAR.to_owned()], &std::collections::BTreeMap::new());
        // An installation may have grammars of its own and none for this: tones and times are left.
        let recognizer = graph
            .ok()
            .map(|graph| (self.graphs.model(), Arc::new(graph)));
        self.callee.amd = Some(Amd::new(recognizer));
    }

    pub(super) fn classify_answer(&mut self, frame: &crate::media::Frame, now: Moment) {
        let Some(amd) = &mut self.callee.amd else {
            return;
        };
        let verdict = amd.hear(frame, self.ear.sound().voiced, now);
        if amd.is_done() {
            self.callee.amd = None;
        }
        if let Some(verdict) = verdict {
            self.answered_by(verdict, now);
        }
    }

    fn answered_by(&mut self, verdict: Verdict, now: Moment) {
        let answer = verdict.answer;
        let busy = verdict.evidence.rule == "busy tone";
        self.tell(Event::Answered(verdict));
        // Who gave the digits of the CPF is a person, whatever the line sounds like.
        if self.dialogue.is_verified() || !matches!(self.floor, Floor::Agent | Floor::Caller) {
            return;
        }
        match answer {
            Answer::Person | Answer::NotSure | Answer::Silence | Answer::Pbx => {}
            Answer::Screening => self.tell_screener(now),
            Answer::Voicemail => self.leave_machine("CAIXA_POSTAL", now),
            Answer::NoSuchNumber => self.leave_machine("NUM_INEXISTENTE", now),
            Answer::Unavailable if busy => self.leave_machine("OCUPADO", now),
            Answer::Unreachable | Answer::Unavailable => self.leave_machine("FORA_DE_AREA", now),
            Answer::Fax => self.leave_machine("FAX_MODEM", now),
        }
    }

    /// Nothing is said to a machine: whoever hears the recording need not be the person sought.
    fn leave_machine(&mut self, disposition: &'static str, now: Moment) {
        self.callee.filed = Some(disposition);
        self.withdraw();
        self.cut(now);
        self.ear.abandon();
        self.listen = None;
        self.floor = Floor::Leaving;
        self.timers.stop(Timer::NoInput);
        self.timers.set(Timer::Drain, now + self.in_flight + DRAIN);
    }

    /// Says who is calling, without a word about why, and waits for a person.
    fn tell_screener(&mut self, now: Moment) {
        self.callee.screened = true;
        self.cut(now);
        self.ear.abandon();
        self.speaking_since = None;
        let meaning = Meaning {
            intent: Some(ASKS_WHO.to_owned()),
            slots: Default::default(),
        };
        self.answer(&Heard::Meaning(meaning), now);
        self.timers.set(Timer::Screened, now + SCREENED);
    }

    /// Somebody said something that a person says.
    pub(super) fn person_came(&mut self) {
        if std::mem::take(&mut self.callee.screened) {
            self.timers.stop(Timer::Screened);
        }
    }

    /// Nobody came to a telephone that screens.
    pub(super) fn nobody_came(&mut self, now: Moment) {
        if self.callee.screened {
            self.leave_machine("TRIAGEM_APARELHO", now);
        }
    }

    /// How the call is filed when it was no conversation.
    pub(super) fn filed_by_answer(&self) -> Option<&'static str> {
        self.callee
            .filed
            .or_else(|| self.callee.screened.then_some("TRIAGEM_APARELHO"))
    }
}
