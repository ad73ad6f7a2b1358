//! A call in virtual time against a score: the caller's sound is laid down beforehand, frame by frame, and what the
//! agent sends is looked at afterwards. No clock, no socket; load cannot disturb a figure.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::Moment;
use crate::call::{Action, Call, Event, Input, Question, Writing};
use crate::media::g711::Law;
use crate::media::{FRAME, FRAME_MS, Frame, RATE, SILENCE};
use crate::mind::dialogue::Outcome;

/// Speaks for the agent.
pub type AgentVoice<'a> = &'a dyn Fn(&str) -> Option<Arc<[i16]>>;

/// Sound above which somebody is heard, as a mean over [`BLOCK`]: about -45 dB of full scale.
const LOUD: f64 = 180.0;
/// Sound is looked at in blocks of 5 ms.
const BLOCK: usize = RATE as usize / 200;

/// How long the world takes to do what it is asked.
#[derive(Clone, Copy, Debug)]
pub struct World {
    pub effect_ms: u64,
    /// After how long the wire says that it has played something; `None` when it never does.
    pub marks_ms: Option<u64>,
    /// After how long a transcriber answers with what [`Stage::writes`] holds; `None` when it never does.
    pub writes_ms: Option<u64>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            effect_ms: 120,
            marks_ms: None,
            writes_ms: None,
        }
    }
}

/// One call, its clock and its recording.
pub struct Stage<'a> {
    pub call: Call,
    voice: AgentVoice<'a>,
    world: World,
    now: Moment,
    ready: VecDeque<Input>,
    pending: Vec<(Moment, Input)>,
    /// What either side sent, frame by frame.
    pub caller: Vec<i16>,
    pub agent: Vec<i16>,
    pub events: Vec<(Moment, Event)>,
    pub flushes: Vec<Moment>,
    /// What a transcriber writes down, whatever it hears.
    pub writes: Option<Writing>,
    /// The questions that were asked of it, and those that were taken back.
    pub asked: Vec<(u32, Question)>,
    pub forgotten: Vec<u32>,
}

impl<'a> Stage<'a> {
    pub fn new(call: Call, voice: AgentVoice<'a>, world: World) -> Self {
        let mut stage = Self {
            call,
            voice,
            world,
            now: Moment::ZERO,
            ready: VecDeque::new(),
            pending: Vec::new(),
            caller: Vec::new(),
            agent: Vec::new(),
            events: Vec::new(),
            flushes: Vec::new(),
            writes: None,
            asked: Vec::new(),
            forgotten: Vec::new(),
        };
        stage.drain();
        stage.settle();
        stage
    }

    pub const fn now(&self) -> Moment {
        self.now
    }

    /// Lets 20 ms pass in which the caller sends `frame`; gives what the agent sends.
    pub fn tick(&mut self, frame: &Frame) -> Frame {
        self.now = Moment::from_millis(self.caller.len() as u64 / FRAME as u64 * FRAME_MS);
        while let Some(at) = self.pending.iter().position(|(at, _)| *at <= self.now) {
            let (_, input) = self.pending.remove(at);
            self.feed(input);
        }
        let heard: Frame = frame.map(|sample| Law::A.decode(Law::A.encode(sample)));
        self.caller.extend_from_slice(frame);
        self.feed(Input::Frame(Box::new(heard)));
        let sent = self.agent.len().saturating_sub(FRAME);
        self.agent[sent..].try_into().unwrap_or(SILENCE)
    }

    /// Plays the caller's sound, padded to whole frames.
    pub fn play(&mut self, sound: &[i16]) {
        for chunk in sound.chunks(FRAME) {
            let mut frame = SILENCE;
            frame[..chunk.len()].copy_from_slice(chunk);
            self.tick(&frame);
        }
    }

    pub fn press(&mut self, key: char) {
        self.feed(Input::Key(key));
        self.tick(&SILENCE);
    }

    /// Listens in silence until the agent has said everything, or `limit_ms` have passed; `true` when it has.
    pub fn hear_out(&mut self, limit_ms: u64) -> bool {
        let mut quiet = 0;
        for _ in 0..limit_ms / FRAME_MS {
            if self.call.is_over() {
                return true;
            }
            let sent = self.tick(&SILENCE);
            quiet = if is_loud(&sent) { 0 } else { quiet + 1 };
            if quiet >= 25 && !self.call.is_talking() {
                return true;
            }
        }
        false
    }

    /// The first moment from `from_ms` on at which the agent is heard, in milliseconds.
    pub fn sounds_from(&self, from_ms: u64) -> Option<u64> {
        let from = (from_ms * u64::from(RATE) / 1_000) as usize;
        let blocks = self.agent.get(from..)?.chunks(BLOCK);
        let at = blocks.map(is_loud).position(|loud| loud)?;
        Some(from_ms + (at * BLOCK) as u64 * 1_000 / u64::from(RATE))
    }

    /// The first moment from `from_ms` on after which the agent is silent for `for_ms`.
    pub fn silent_from(&self, from_ms: u64, for_ms: u64) -> Option<u64> {
        let from = (from_ms * u64::from(RATE) / 1_000) as usize;
        let wanted = (for_ms * u64::from(RATE) / 1_000) as usize / BLOCK;
        let mut quiet = 0;
        for (n, block) in self.agent.get(from..)?.chunks(BLOCK).enumerate() {
            quiet = if is_loud(block) { 0 } else { quiet + 1 };
            if quiet == wanted {
                let at = (n + 1 - wanted) * BLOCK;
                return Some(from_ms + at as u64 * 1_000 / u64::from(RATE));
            }
        }
        None
    }

    /// Whether the agent is heard between two moments.
    pub fn is_heard(&self, from_ms: u64, to_ms: u64) -> bool {
        let at = |ms: u64| ((ms * u64::from(RATE) / 1_000) as usize).min(self.agent.len());
        self.agent[at(from_ms)..at(to_ms)]
            .chunks(BLOCK)
            .any(is_loud)
    }

    /// Milliseconds since the call began.
    pub fn elapsed_ms(&self) -> u64 {
        self.caller.len() as u64 * 1_000 / u64::from(RATE)
    }

    fn feed(&mut self, input: Input) {
        self.call.handle(input, self.now);
        self.drain();
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(input) = self.ready.pop_front() {
            self.call.handle(input, self.now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(action) = self.call.poll() {
            match action {
                Action::Send(frame) => self.agent.extend_from_slice(&*frame),
                Action::Flush => self.flushes.push(self.now),
                Action::Mark { clause } => {
                    if let Some(after) = self.world.marks_ms {
                        let at = self.now + std::time::Duration::from_millis(after);
                        self.pending.push((at, Input::Played { clause }));
                    }
                }
                Action::HangUp => {}
                Action::Speak { clause, text } => {
                    let sound = (self.voice)(&text);
                    self.ready.push_back(match sound {
                        Some(sound) => Input::Voice { clause, sound },
                        None => Input::Mute { clause },
                    });
                }
                Action::Perform { id, .. } => {
                    let at = self.now + std::time::Duration::from_millis(self.world.effect_ms);
                    let outcome = Outcome::Done;
                    self.pending.push((at, Input::Effect { id, outcome }));
                }
                Action::Transcribe { id, question } => {
                    self.asked.push((id, *question));
                    if let Some(after) = self.world.writes_ms {
                        let at = self.now + std::time::Duration::from_millis(after);
                        let writing = self.writes.clone();
                        self.pending.push((at, Input::Written { id, writing }));
                    }
                }
                Action::Forget { id } => self.forgotten.push(id),
                Action::Tell(event) => self.events.push((self.now, event)),
            }
        }
    }
}

/// Whether something is heard in a piece of sound.
pub fn is_loud(sound: &[i16]) -> bool {
    let energy: f64 = sound.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (energy / sound.len().max(1) as f64).sqrt() > LOUD
}

/// The part of a sound between its first and its last loud 5 ms.
pub fn trim(sound: &[i16]) -> &[i16] {
    let loud: Vec<bool> = sound.chunks(BLOCK).map(is_loud).collect();
    let first = loud.iter().position(|loud| *loud).unwrap_or_default();
    let last = loud.iter().rposition(|loud| *loud).unwrap_or_default();
    &sound[first * BLOCK..sound.len().min((last + 1) * BLOCK)]
}
