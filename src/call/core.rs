//! The state machine itself: who has the floor, and what follows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::ahead::Ahead;
use super::answer::Callee;
use super::barge::Barge;
use super::graphs::Graphs;
use super::keys::Source;
use super::ledger::PlayLedger;
use super::opinion::Opinion;
use super::timers::{Timer, Timers};
use super::turn::{Floor, Spoken};
use super::{Action, DRAIN, Ending, Event, Input};
use crate::base::Moment;
use crate::ear::asr::Hypothesis;
use crate::ear::{Ear, EarEvent};
use crate::media::Frame;
use crate::mind::dialogue::{
    Brief, Dialogue, Effect, Evidence, Heard, Listen, Outcome, Then, Turn,
};
use crate::mind::script::Script;
use crate::mouth::playout::{Played, Playout};

/// An effect that takes longer has failed, as far as this call is concerned.
const EFFECT: Duration = Duration::from_secs(20);
/// What takes longer is excused for.
pub(super) const FILLER: Duration = Duration::from_millis(700);
/// A call that the caller ends within this time was a short one (Anatel).
const SHORT: Duration = Duration::from_secs(6);

/// One call. Feed it inputs, drain its actions; it never waits.
pub struct Call {
    pub(super) dialogue: Dialogue,
    pub(super) graphs: Arc<Graphs>,
    pub(super) ear: Ear,
    pub(super) playout: Playout,
    pub(super) timers: Timers,
    pub(super) actions: VecDeque<Action>,
    pub(super) floor: Floor,
    /// What the present question listens for.
    pub(super) listen: Option<Listen>,
    /// What is being said, utterance by utterance.
    pub(super) spoken: VecDeque<Spoken>,
    pub(super) keys: String,
    pub(super) last_key: Option<(char, Source, Moment)>,
    /// When the caller's last turn ended, until the answer sounds.
    pub(super) answered: Option<(Moment, Moment)>,
    /// Words said while the last sentence of a mandatory prompt was read: they count when it was heard.
    pub(super) early: Option<(Moment, Moment, Vec<Hypothesis>)>,
    /// When the caller began to speak, while he does.
    pub(super) speaking_since: Option<Moment>,
    /// The caller has said something in this call.
    pub(super) caller_spoke: bool,
    /// Where the last mandatory utterance was read, for the evidence of the agreement.
    pub(super) read: Option<(u64, u64)>,
    /// Where, and how surely, the last answer was heard.
    pub(super) yes: Option<(u64, u64, f32)>,
    pub(super) effect: u32,
    pub(super) clause: u32,
    pub(super) ahead: Ahead,
    pub(super) barge: Barge,
    pub(super) in_flight: Duration,
    pub(super) ledger: PlayLedger,
    pub(super) callee: Callee,
    /// A key that was pressed while the last mandatory clause was read: it counts when that was heard.
    pub(super) early_key: Option<char>,
    /// Where a mandatory utterance was read that the wire has not confirmed yet, and its last clause.
    pub(super) reading: Option<(u64, u64, u32)>,
    pub(super) opinion: Opinion,
    told: Told,
}

/// Milestones that are told once.
#[derive(Debug, Default)]
struct Told {
    verified: bool,
    offered: bool,
    agreed: bool,
}

impl Call {
    /// A call that was just answered. `in_flight` is how much sound the wire holds that cannot be taken back.
    pub fn new(
        script: Arc<Script>,
        graphs: Arc<Graphs>,
        brief: Brief,
        in_flight: Duration,
    ) -> Self {
        let model = graphs.model();
        let mut call = Self {
            dialogue: Dialogue::new(script, brief),
            graphs,
            ear: Ear::new(Some(model), crate::ear::Settings::default()),
            playout: Playout::default(),
            timers: Timers::default(),
            actions: VecDeque::new(),
            floor: Floor::Agent,
            listen: None,
            spoken: VecDeque::new(),
            keys: String::new(),
            last_key: None,
            answered: None,
            early: None,
            speaking_since: None,
            caller_spoke: false,
            read: None,
            yes: None,
            effect: 0,
            clause: 0,
            ahead: Ahead::default(),
            barge: Barge::default(),
            in_flight,
            ledger: PlayLedger::new(in_flight, false),
            callee: Callee::default(),
            early_key: None,
            reading: None,
            opinion: Opinion::default(),
            told: Told::default(),
        };
        if call.dialogue.is_outbound() {
            call.watch_answer();
        }
        let limit = Duration::from_secs(u64::from(call.dialogue.limit_s()));
        call.timers.set(Timer::Limit, Moment::ZERO + limit);
        let turn = call.dialogue.begin();
        call.take_turn(turn, Moment::ZERO);
        call
    }

    /// The wire of this call says what it has played ([`Input::Played`]).
    #[must_use]
    pub fn confirmed_by_wire(mut self) -> Self {
        self.ledger.marks = true;
        self
    }

    /// Takes in one thing that happened at `now`. Time never runs backwards.
    pub fn handle(&mut self, input: Input, now: Moment) {
        match input {
            Input::Frame(frame) => self.hear_frame(&frame, now),
            Input::Key(key) => self.hear_key(key, Source::Wire, now),
            Input::Played { clause } => {
                let heard = self.ledger.confirm(clause, now);
                self.were_heard(&heard, now);
            }
            Input::Voice { clause, sound } => self.supply(clause, sound),
            // Without a voice the call goes on: the clause is skipped as if it had been said.
            Input::Mute { clause } => self.supply(clause, Arc::from([0_i16; 1])),
            Input::Effect { id, outcome } => self.hear_effect(id, &outcome, now),
            Input::Written { id, writing } => self.hear_opinion(id, writing.as_ref(), now),
            Input::HungUp(ending) => self.hang_up(ending, now),
            Input::Wake => {}
        }
        while let Some(timer) = self.timers.expired(now) {
            self.expire(timer, now);
        }
        match self.ledger.next_due() {
            Some(due) => self.timers.set(Timer::Heard, due),
            None => self.timers.stop(Timer::Heard),
        }
        while let Some(span) = self.ledger.take() {
            self.tell(Event::Clause(span));
        }
    }

    /// The next thing to do, until `None`.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When `handle` wants to be called at the latest, if nothing happens.
    pub fn wake_at(&self) -> Option<Moment> {
        if self.is_over() {
            None
        } else {
            self.timers.earliest()
        }
    }

    pub const fn is_over(&self) -> bool {
        matches!(self.floor, Floor::Over)
    }

    /// Something is left to say, or to do first.
    pub fn is_talking(&self) -> bool {
        !self.playout.is_empty() || matches!(self.floor, Floor::World | Floor::Leaving)
    }

    /// What is being said must be heard to its end.
    pub fn is_mandatory(&self) -> bool {
        self.playout.is_mandatory()
    }

    pub const fn dialogue(&self) -> &Dialogue {
        &self.dialogue
    }

    pub const fn graphs(&self) -> &Arc<Graphs> {
        &self.graphs
    }

    fn supply(&mut self, clause: u32, sound: Arc<[i16]>) {
        if !self.ahead.supply(clause, &sound) {
            self.playout.supply(clause, sound);
        }
    }

    fn hear_frame(&mut self, frame: &Frame, now: Moment) {
        if self.is_over() {
            self.actions
                .push_back(Action::Send(Box::new(crate::media::SILENCE)));
            return;
        }
        for event in self.ear.hear(frame, now) {
            self.hear_event(event, now);
        }
        self.classify_answer(frame, now);
        let mut played = Vec::new();
        let mandatory = self.playout.is_mandatory();
        let out = self.playout.next_frame(&mut played);
        self.ear.say(&out);
        for event in &played {
            match *event {
                Played::Began(clause) => self.ledger.begin(clause, mandatory, now),
                Played::Ended { id, last } => self.ledger.hand_over(id, last, now),
            }
        }
        self.ledger.send();
        self.actions.push_back(Action::Send(Box::new(out)));
        for event in played {
            self.follow_playout(event, now);
        }
        if self.floor == Floor::Agent && self.playout.is_empty() && self.spoken.is_empty() {
            self.yield_floor(now);
        }
    }

    fn hear_event(&mut self, event: EarEvent, now: Moment) {
        match event {
            EarEvent::SpeechStarted { at } => self.speech_started(at, now),
            EarEvent::Stirring { .. } => self.stirred(now),
            EarEvent::Calmed => self.calmed(),
            EarEvent::Partial(_) => {}
            EarEvent::Foreseen(hypotheses) => self.foresee(&hypotheses),
            EarEvent::SpeechEnded(turn) => {
                self.note_level(&turn);
                let voice = Some(turn.voice);
                self.keep_turn(turn.sound);
                self.speech_ended(turn.started, turn.ended, &turn.hypotheses, voice, now);
            }
            EarEvent::Key { key, .. } => self.hear_key(key, Source::Tone, now),
        }
    }

    fn expire(&mut self, timer: Timer, now: Moment) {
        if self.is_over() {
            return;
        }
        match timer {
            Timer::NoInput => {
                let state = self.dialogue.state().to_owned();
                self.tell(Event::Silent {
                    state,
                    at_ms: now.millis(),
                });
                self.answer(&Heard::Silence, now);
            }
            Timer::BargeIn => self.decide_interruption(now),
            Timer::Keys => self.keys.clear(),
            Timer::Heard => {
                let heard = self.ledger.overdue(now);
                self.were_heard(&heard, now);
            }
            Timer::Filler => self.fill_wait(),
            Timer::Screened => self.nobody_came(now),
            Timer::Opinion => self.miss_opinion(now),
            Timer::Effect => {
                let id = self.effect;
                self.hear_effect(id, &Outcome::Failed, now);
            }
            Timer::Limit => {
                if matches!(self.floor, Floor::World | Floor::Leaving) {
                    // What was promised is finished first; goodbye is on its way.
                    self.timers.set(Timer::Limit, now + EFFECT);
                } else {
                    self.cut(now);
                    self.answer(&Heard::Overtime, now);
                }
            }
            Timer::Drain => self.finish(Ending::Local, now),
        }
    }

    fn hear_effect(&mut self, id: u32, outcome: &Outcome, now: Moment) {
        if id != self.effect || self.floor != Floor::World || self.is_over() {
            return;
        }
        self.timers.stop(Timer::Effect);
        self.timers.stop(Timer::Filler);
        let turn = self.dialogue.done(outcome);
        self.take_turn(turn, now);
    }

    /// Goes on from what was heard.
    pub(super) fn answer(&mut self, heard: &Heard, now: Moment) {
        let turn = self.dialogue.hear(heard);
        self.take_turn(turn, now);
    }

    /// Says a turn, and remembers what follows it.
    pub(super) fn take_turn(&mut self, turn: Turn, now: Moment) {
        self.timers.stop(Timer::NoInput);
        self.timers.stop(Timer::BargeIn);
        self.tell_milestones(now);
        self.listen = None;
        self.early = None;
        self.early_key = None;
        self.floor = Floor::Agent;
        self.barge = Barge {
            caller_db: self.barge.caller_db,
            ..Barge::default()
        };
        for utterance in turn.say {
            self.say(utterance);
        }
        self.ahead.clear();
        match turn.then {
            Then::Listen(listen) => {
                self.open_ear(&listen);
                self.listen = Some(listen);
            }
            Then::Perform(effect) => self.perform(*effect, now),
            Then::End => self.floor = Floor::Leaving,
        }
        if self.floor == Floor::Leaving && self.spoken.is_empty() {
            self.timers.set(Timer::Drain, now + self.in_flight + DRAIN);
        }
    }

    fn perform(&mut self, effect: Effect, now: Moment) {
        let effect = match effect {
            Effect::Close {
                agreement,
                offer,
                means,
                evidence: _,
            } => {
                let evidence = self.read.zip(self.yes).map(
                    |((read_t0_ms, read_t1_ms), (yes_t0_ms, yes_t1_ms, confidence))| Evidence {
                        read_t0_ms,
                        read_t1_ms,
                        yes_t0_ms,
                        yes_t1_ms,
                        confidence,
                    },
                );
                Effect::Close {
                    agreement,
                    offer,
                    means,
                    evidence,
                }
            }
            other => other,
        };
        self.effect += 1;
        self.floor = Floor::World;
        self.timers.set(Timer::Effect, now + EFFECT);
        self.timers.set(Timer::Filler, now + FILLER);
        self.actions.push_back(Action::Perform {
            id: self.effect,
            effect: Box::new(effect),
        });
    }

    fn open_ear(&mut self, listen: &Listen) {
        let expect = crate::ear::Expect {
            digits: listen.digits,
            open: false,
        };
        if let Ok(graph) = self.graphs.get(&listen.rules, &self.dialogue.phrases()) {
            self.ear.listen(Arc::new(graph), expect);
        }
    }

    fn follow_playout(&mut self, played: Played, now: Moment) {
        match played {
            Played::Began(clause) => self.clause_began(clause, now),
            Played::Ended { id, last } => {
                self.actions.push_back(Action::Mark { clause: id });
                if last {
                    self.utterance_ended(id, now);
                }
            }
        }
    }

    /// Stops talking for good, and writes down how far it got.
    pub(super) fn cut(&mut self, now: Moment) {
        self.timers.stop(Timer::BargeIn);
        self.barge.since = None;
        if self.playout.is_empty() && self.spoken.is_empty() {
            return;
        }
        self.playout.cut();
        self.ledger.cut(now);
        self.actions.push_back(Action::Flush);
        self.drop_spoken(now);
        if self.floor == Floor::Agent {
            self.floor = Floor::Caller;
        }
    }

    fn hang_up(&mut self, ending: Ending, now: Moment) {
        if !self.is_over() {
            self.finish(ending, now);
        }
    }

    /// The call is over, whoever ended it.
    fn finish(&mut self, by: Ending, now: Moment) {
        self.withdraw();
        self.drop_spoken(now);
        self.playout.cut();
        self.ledger.cut(now);
        let hung_up = by != Ending::Local && self.floor != Floor::Leaving;
        let disposition = match hung_up {
            _ if self.filed_by_answer().is_some() => {
                self.filed_by_answer().unwrap_or_default().to_owned()
            }
            true if !self.dialogue.is_verified() && now.since(Moment::ZERO) <= SHORT => {
                "DESLIGOU_CURTO".to_owned()
            }
            true if !self.caller_spoke => "ATENDIDA_MUDA".to_owned(),
            _ => self.dialogue.disposition(hung_up),
        };
        let secondary = self.dialogue.secondary().to_vec();
        self.tell(Event::Ended {
            disposition,
            secondary,
            at_ms: now.millis(),
            by,
        });
        if by == Ending::Local {
            self.actions.push_back(Action::HangUp);
        }
        self.floor = Floor::Over;
    }

    fn tell_milestones(&mut self, now: Moment) {
        let at_ms = now.millis();
        if self.dialogue.is_verified()
            && !std::mem::replace(&mut self.told.verified, self.dialogue.is_verified())
        {
            self.tell(Event::Verified { at_ms });
        }
        let offered = self.dialogue.state().starts_with("oferta");
        if offered && !std::mem::replace(&mut self.told.offered, true) {
            self.tell(Event::Offered { at_ms });
        }
        if self.dialogue.agreement().is_some() && !std::mem::replace(&mut self.told.agreed, true) {
            self.tell(Event::Agreed { at_ms });
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.actions.push_back(Action::Tell(event));
    }
}
