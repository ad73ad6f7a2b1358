//! One call on one leg: 20 ms after 20 ms, on an absolute schedule.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::chronicle::Chronicle;
use super::exchange::Shared;
use crate::base::{CallId, Moment};
use crate::call::{
    Action, Call, Ending, Event, Input, Question, encode_action, encode_answer, encode_input,
};
use crate::ear::asr::transcribe::Ticket;
use crate::media::{FRAME, FRAME_MS};
use crate::wire::{Cause, Leg, LegEvent};

/// Answers of voices and effects that may wait for the next tick.
const WAITING: usize = 256;
/// Frames that go to the recorder together: one second.
const BATCH: usize = 50;
/// After our hang-up the leg may take this long to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

/// A running call.
pub struct Line {
    id: CallId,
    call: Call,
    leg: Box<dyn Leg>,
    shared: Arc<Shared>,
    chronicle: Chronicle,
    sender: mpsc::Sender<Input>,
    inputs: mpsc::Receiver<Input>,
    /// Inputs that were answered at once, such as a clause that was in the cache.
    ready: VecDeque<Input>,
    /// What is being written down; without it the transcriber gives up.
    ticket: Option<Ticket>,
    now: Moment,
    tape: Tape,
    /// How long the core took for the last input, and for the one with which the caller's last turn ended.
    cost: Duration,
    deciding: Duration,
    hung_up: bool,
}

/// What goes to the recorder, a second at a time.
#[derive(Default)]
struct Tape {
    at: u64,
    caller: Vec<i16>,
    agent: Vec<i16>,
    log: Vec<u8>,
}

impl Line {
    pub fn new(
        id: CallId,
        call: Call,
        leg: Box<dyn Leg>,
        shared: Arc<Shared>,
        chronicle: Chronicle,
    ) -> Self {
        let (sender, inputs) = mpsc::channel(WAITING);
        let (ready, tape) = (VecDeque::new(), Tape::default());
        Self {
            id,
            call,
            leg,
            shared,
            chronicle,
            sender,
            inputs,
            ready,
            ticket: None,
            now: Moment::ZERO,
            tape,
            cost: Duration::ZERO,
            deciding: Duration::ZERO,
            hung_up: false,
        }
    }

    /// Runs the call to its end.
    #[expect(
        clippy::disallowed_methods,
        reason = "the line is where the core's clock comes from"
    )]
    pub async fn run(mut self) {
        let born = Instant::now();
        self.perform_actions();
        // A greeting that was spoken before goes out with the first frame.
        self.settle();
        let mut tick: u64 = 0;
        while !self.call.is_over() {
            let due = born + Duration::from_millis(tick * FRAME_MS);
            tokio::select! {
                biased;
                Some(input) = self.inputs.recv() => self.feed(input, born.elapsed().into()),
                () = tokio::time::sleep_until(due.into()) => {
                    self.tick(Moment::from_millis(tick * FRAME_MS));
                    tick += 1;
                }
            }
        }
        self.leg.hang_up();
        self.flush_tape();
        self.chronicle.close(self.leg.quality()).await;
        // Dropping the leg at once would take the goodbye of its protocol with it.
        let gone = Instant::now() + FAREWELL;
        while !self.hung_up && Instant::now() < gone {
            tokio::time::sleep(Duration::from_millis(FRAME_MS)).await;
            self.hung_up = std::iter::from_fn(|| self.leg.poll_event())
                .any(|event| matches!(event, LegEvent::HungUp(_)));
        }
    }

    fn tick(&mut self, at: Moment) {
        while let Some(event) = self.leg.poll_event() {
            match event {
                LegEvent::Dtmf(key) => self.feed(Input::Key(key), at),
                LegEvent::HungUp(cause) => {
                    self.hung_up = true;
                    self.feed(Input::HungUp(ending(cause)), at);
                }
                LegEvent::Mark(id) => {
                    if let Ok(clause) = u32::try_from(id) {
                        self.feed(Input::Played { clause }, at);
                    }
                }
            }
        }
        let frame = self.leg.pull();
        self.tape.caller.extend_from_slice(&frame);
        self.feed(Input::Frame(Box::new(frame)), at);
        if self.tape.caller.len() >= BATCH * FRAME {
            self.flush_tape();
        }
    }

    /// Hands one input to the core, and does what it answers.
    fn feed(&mut self, input: Input, at: Moment) {
        // An answer may have come in between two ticks, and a late tick bears its nominal time.
        self.now = self.now.max(at);
        self.take(input);
        self.settle();
    }

    /// Hands over what was answered at once.
    fn settle(&mut self) {
        while let Some(input) = self.ready.pop_front() {
            self.take(input);
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the time that a decision takes is measured where it is made"
    )]
    fn take(&mut self, input: Input) {
        encode_input(&input, self.now, &mut self.tape.log);
        let begun = Instant::now();
        self.call.handle(input, self.now);
        self.cost = begun.elapsed();
        self.perform_actions();
    }

    fn perform_actions(&mut self) {
        let (mut actions, mut bytes, mut digest) = (0_u32, Vec::new(), crc32fast::Hasher::new());
        let first = self.tape.log.is_empty() && self.now == Moment::ZERO;
        while let Some(action) = self.call.poll() {
            bytes.clear();
            encode_action(&action, &mut bytes);
            digest.update(&bytes);
            actions += 1;
            self.perform(action);
        }
        // The actions of the call's birth answer no input; they are the same whenever the brief is.
        if !first {
            encode_answer(actions, digest.finalize(), &mut self.tape.log);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Send(frame) => {
                self.tape.agent.extend_from_slice(&*frame);
                self.leg.push(&frame);
            }
            Action::Flush => self.leg.flush(),
            Action::Mark { clause } => self.leg.mark(clause.into()),
            Action::Speak { clause, text } => self.speak(clause, text),
            Action::Perform { id, effect } => {
                let (shared, sender, call) = (self.shared.clone(), self.sender.clone(), self.id);
                tokio::spawn(async move {
                    let outcome = shared.perform(call, &effect).await;
                    // A call that has ended asks for nothing more.
                    let _ = sender.send(Input::Effect { id, outcome }).await;
                });
            }
            Action::Transcribe { id, question } => self.transcribe(id, *question),
            Action::Forget { .. } => self.ticket = None,
            Action::Tell(event) => {
                if matches!(event, Event::Heard(_)) {
                    self.deciding = self.cost;
                }
                self.chronicle.tell(event, self.deciding);
            }
            Action::HangUp => self.leg.hang_up(),
        }
    }

    fn speak(&mut self, clause: u32, text: String) {
        if let Some(sound) = self.shared.voices.known(&text) {
            self.ready.push_back(Input::Voice { clause, sound });
            return;
        }
        let (voices, sender) = (self.shared.voices.clone(), self.sender.clone());
        tokio::spawn(async move {
            let input = match voices.speak_apart(text).await {
                Some(sound) => Input::Voice { clause, sound },
                None => Input::Mute { clause },
            };
            let _ = sender.send(input).await;
        });
    }

    fn transcribe(&mut self, id: u32, question: Question) {
        let (graphs, sender) = (self.call.graphs().clone(), self.sender.clone());
        let answer = move |writing| {
            // A call that has ended asks for nothing more; one that cannot take it in time has asked again.
            let _ = sender.try_send(Input::Written { id, writing });
        };
        let asked = self.shared.opinion.as_ref();
        self.ticket = asked.and_then(|opinion| opinion.ask(question, graphs, answer).ok());
        if self.ticket.is_none() {
            let writing = None;
            self.ready.push_back(Input::Written { id, writing });
        }
    }

    fn flush_tape(&mut self) {
        let samples = self.tape.caller.len() as u64;
        let (caller, agent) = (
            std::mem::take(&mut self.tape.caller),
            std::mem::take(&mut self.tape.agent),
        );
        let log = std::mem::take(&mut self.tape.log);
        self.shared
            .recorder
            .second(self.id, self.tape.at, caller, agent, log);
        self.tape.at += samples;
    }
}

/// What the end of a leg means to the core.
const fn ending(cause: Cause) -> Ending {
    match cause {
        Cause::Remote => Ending::Remote,
        Cause::Local => Ending::Local,
        Cause::Timeout => Ending::Timeout,
        Cause::Failure => Ending::Failure,
    }
}
