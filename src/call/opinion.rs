//! A second opinion: what the recogniser could not make out is written down by a slower one while the caller waits, and
//! read by the rules of the question. Who does not answer in time is not waited for, and the question is asked again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::core::{Call, FILLER};
use super::timers::Timer;
use super::turn::Floor;
use super::{Action, Event, HeardTurn};
use crate::base::Moment;
use crate::language::meaning::{self, Meaning};
use crate::mind::dialogue::Heard;

/// As long as this the caller waits, with a word of excuse on the way.
const PATIENCE: Duration = Duration::from_millis(2_000);
/// Words with a lower mean probability than this were not written down, but made up.
const LEGIBLE: f32 = 0.4;

/// What a transcriber wrote down, and what the rules of the question made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Writing {
    pub text: String,
    /// Literal tags of the grammar, in order; `None` when its rules do not explain the text.
    pub tags: Option<Vec<String>>,
    /// 0 to 1.
    pub confidence: f32,
}

/// What is asked of a transcriber.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Sound of the turn, 8 kHz.
    pub sound: Vec<i16>,
    /// What the answer is read by, as [`super::Graphs::read`] takes it.
    pub rules: Vec<String>,
    pub phrases: BTreeMap<String, Vec<String>>,
}

/// Whom this call may ask, and what it waits for.
#[derive(Debug, Default)]
pub struct Opinion {
    on: bool,
    asked: u32,
    /// The sound of the turn that has just ended.
    sound: Vec<i16>,
    pending: Option<HeardPart>,
}

/// Where something was heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeardPart {
    pub began: Moment,
    pub ended: Moment,
    /// How sure the recogniser was.
    pub confidence: f32,
}

impl Call {
    /// A transcriber may be asked ([`Action::Transcribe`]).
    #[must_use]
    pub fn with_transcriber(mut self) -> Self {
        self.opinion.on = true;
        self.ear.keep_sound();
        self
    }

    pub(super) fn keep_turn(&mut self, sound: Vec<i16>) {
        self.opinion.sound = sound;
    }

    pub(super) const fn awaits_opinion(&self) -> bool {
        self.opinion.pending.is_some()
    }

    /// Has the last turn written down; `false` when nobody can.
    pub(super) fn ask_opinion(&mut self, part: HeardPart, now: Moment) -> bool {
        let sound = std::mem::take(&mut self.opinion.sound);
        let Some(listen) = self.listen.as_ref().filter(|_| self.opinion.on) else {
            return false;
        };
        if sound.is_empty() {
            return false;
        }
        let question = Question {
            sound,
            rules: listen.rules.clone(),
            phrases: self.dialogue.phrases(),
        };
        self.cut(now);
        self.floor = Floor::World;
        self.timers.stop(Timer::NoInput);
        self.timers.set(Timer::Opinion, now + PATIENCE);
        self.timers.set(Timer::Filler, now + FILLER);
        self.opinion.asked += 1;
        self.opinion.pending = Some(part);
        self.actions.push_back(Action::Transcribe {
            id: self.opinion.asked,
            question: Box::new(question),
        });
        true
    }

    /// The transcriber answers; `None` when it could not write anything down.
    pub(super) fn hear_opinion(&mut self, id: u32, writing: Option<&Writing>, now: Moment) {
        if id != self.opinion.asked {
            return;
        }
        let Some(part) = self.opinion.pending.take() else {
            return;
        };
        self.stop_waiting();
        self.hear_writing(part, writing, now);
    }

    /// The transcriber has not answered in time.
    pub(super) fn miss_opinion(&mut self, now: Moment) {
        if let Some(part) = self.withdraw() {
            self.hear_writing(part, None, now);
        }
    }

    /// Whatever the transcriber writes is not wanted any more: the caller has the floor.
    pub(super) fn withdraw(&mut self) -> Option<HeardPart> {
        let part = self.opinion.pending.take()?;
        self.stop_waiting();
        self.actions.push_back(Action::Forget {
            id: self.opinion.asked,
        });
        Some(part)
    }

    fn stop_waiting(&mut self) {
        self.timers.stop(Timer::Opinion);
        self.timers.stop(Timer::Filler);
        self.floor = Floor::Caller;
    }

    fn hear_writing(&mut self, part: HeardPart, writing: Option<&Writing>, now: Moment) {
        let legible = writing.filter(|writing| writing.confidence >= LEGIBLE);
        let read = legible.and_then(|writing| Some((writing, writing.tags.as_ref()?)));
        let Some((writing, tags)) = read else {
            self.conclude(part, String::new(), None, now);
            return;
        };
        let meaning = meaning::read_for(tags, self.dialogue.here(), &|intent| {
            self.dialogue.answers(intent)
        });
        let part = HeardPart {
            confidence: writing.confidence,
            ..part
        };
        self.conclude(part, writing.text.clone(), Some(meaning), now);
    }

    /// Goes on from a turn of the caller, understood or not.
    pub(super) fn conclude(
        &mut self,
        part: HeardPart,
        text: String,
        meaning: Option<Meaning>,
        now: Moment,
    ) {
        let (began, ended) = (part.began.millis(), part.ended.millis());
        self.answered = Some((part.ended, now));
        self.yes = Some((began, ended, part.confidence));
        let intent = meaning.as_ref().and_then(|meaning| meaning.intent.clone());
        if intent.is_some() {
            self.person_came();
        }
        self.tell(Event::Heard(HeardTurn {
            state: self.dialogue.state().to_owned(),
            text,
            intent,
            confidence: part.confidence,
            keyed: false,
            t0_ms: began,
            t1_ms: ended,
            endpoint_ms: super::turn::to_ms(now.since(part.ended)),
        }));
        let heard = meaning.map_or(Heard::NoMatch, Heard::Meaning);
        self.answer(&heard, now);
    }
}
