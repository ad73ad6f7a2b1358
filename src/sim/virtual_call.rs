//! A whole spoken call in virtual time: the core on one side, a simulated debtor with a voice on the other, a telephone
//! line with its codec, its noise and its losses between them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::debtor::{Mind, Reply};
use super::report::Finished;
use super::text::{judge, tells_debt};
use crate::base::Moment;
use crate::call::{
    Action, Call, Ending, Event, Input, Latency, encode_action, encode_answer, encode_input,
};
use crate::media::g711::Law;
use crate::media::jitter::{JitterBuffer, Place};
use crate::media::{FRAME, FRAME_MS, Frame, SILENCE};
use crate::mind::dialogue::{Effect, Outcome};

/// A call that lasts longer than this has not ended: a fault.
const LONGEST: Duration = Duration::from_secs(900);
/// How long an effect takes in the simulation.
const EFFECT_TIME: Duration = Duration::from_millis(120);

/// Speaks for the debtor: 8 kHz samples of the words, in the voice of this call.
pub type Speak<'a> = &'a dyn Fn(&str) -> Vec<i16>;

/// The line between the two.
#[derive(Clone, Copy, Debug)]
pub struct LineModel {
    /// Datagrams lost, in hundredths of a per cent.
    pub loss_bp: u32,
    /// Level of the background noise, peak in samples; 0 for none.
    pub noise: i16,
    pub seed: u64,
}

/// What a virtual call leaves behind.
pub struct Outcomes {
    pub finished: Finished,
    /// The input log's records, as the server would write them.
    pub log: Vec<u8>,
    pub events: Vec<Event>,
    /// What the debtor did at his turns, and when.
    pub replies: Vec<(Moment, Reply)>,
    pub caller: Vec<i16>,
    pub agent: Vec<i16>,
}

/// Lives through a call. `voice` is the agent's.
pub fn run(
    mut call: Call,
    mind: &mut Mind,
    voice: &dyn Fn(&str) -> Option<Arc<[i16]>>,
    speak: Speak<'_>,
    line: LineModel,
) -> Outcomes {
    let mut wire = VirtualLine::new(line);
    let mut side = Side {
        mind,
        speak,
        queue: VecDeque::new(),
        keys: VecDeque::new(),
        turn_at: None,
        asked: None,
        said: Vec::new(),
        replies: Vec::new(),
    };
    let mut world = World {
        log: Vec::new(),
        pending: Vec::new(),
        effects: Vec::new(),
        events: Vec::new(),
        agent: Vec::new(),
        ready: VecDeque::new(),
    };
    let mut caller = Vec::new();
    let mut rng = ChaCha8Rng::seed_from_u64(line.seed ^ 0x5eed);
    world.drain(&mut call, voice, None);
    let mut tick = 0_u64;
    while !call.is_over() && Duration::from_millis(tick * FRAME_MS) < LONGEST {
        let now = Moment::from_millis(tick * FRAME_MS);
        while let Some(input) = world.due(now) {
            world.feed(&mut call, input, now, voice);
        }
        let sent = side.next_frame(now);
        let heard = wire.carry(&sent, now);
        caller.extend_from_slice(&heard);
        world.feed(&mut call, Input::Frame(Box::new(heard)), now, voice);
        if let Some(key) = side.keys.pop_front() {
            world.feed(&mut call, Input::Key(key), now, voice);
        }
        side.listen(&mut world.events, now, &mut rng);
        tick += 1;
    }
    if !call.is_over() {
        world.feed(
            &mut call,
            Input::HungUp(Ending::Timeout),
            Moment::from_millis(tick * FRAME_MS),
            voice,
        );
    }
    let events = std::mem::take(&mut side.said);
    let mut finished = judge(
        side.mind,
        call.dialogue(),
        &world.effects,
        ended(&events),
        disclosures(&events),
    );
    finished.audio_ms = tick * FRAME_MS;
    finished.latencies = events.iter().filter_map(latency).collect();
    Outcomes {
        finished,
        log: world.log,
        events,
        replies: side.replies,
        caller,
        agent: world.agent,
    }
}

fn ended(events: &[Event]) -> Option<String> {
    events.iter().find_map(|event| match event {
        Event::Ended {
            disposition, by, ..
        } if *by != Ending::Timeout => Some(disposition.clone()),
        _ => None,
    })
}

fn latency(event: &Event) -> Option<Latency> {
    match event {
        Event::Said {
            latency: Some(split),
            ..
        } => Some(*split),
        _ => None,
    }
}

fn disclosures(events: &[Event]) -> u32 {
    let before = events
        .iter()
        .take_while(|event| !matches!(event, Event::Verified { .. }));
    before
        .filter(|event| matches!(event, Event::Saying { text, .. } if tells_debt(text)))
        .count() as u32
}

/// What stands around the core: voices, effects, the log.
struct World {
    log: Vec<u8>,
    pending: Vec<(Moment, Input)>,
    effects: Vec<Effect>,
    events: Vec<Event>,
    agent: Vec<i16>,
    ready: VecDeque<Input>,
}

impl World {
    fn feed(
        &mut self,
        call: &mut Call,
        input: Input,
        now: Moment,
        voice: &dyn Fn(&str) -> Option<Arc<[i16]>>,
    ) {
        self.ready.push_back(input);
        while let Some(input) = self.ready.pop_front() {
            encode_input(&input, now, &mut self.log);
            call.handle(input, now);
            self.drain(call, voice, Some(now));
        }
    }

    fn drain(
        &mut self,
        call: &mut Call,
        voice: &dyn Fn(&str) -> Option<Arc<[i16]>>,
        now: Option<Moment>,
    ) {
        let (mut actions, mut digest, mut bytes) = (0, crc32fast::Hasher::new(), Vec::new());
        while let Some(action) = call.poll() {
            bytes.clear();
            encode_action(&action, &mut bytes);
            digest.update(&bytes);
            actions += 1;
            match action {
                Action::Send(frame) => self.agent.extend_from_slice(&*frame),
                Action::Flush | Action::HangUp | Action::Mark { .. } => {}
                // Simulated calls have no transcriber.
                Action::Transcribe { .. } | Action::Forget { .. } => {}
                Action::Speak { clause, text } => {
                    let input = voice(&text).map_or(Input::Mute { clause }, |sound| Input::Voice {
                        clause,
                        sound,
                    });
                    self.pending
                        .push((now.unwrap_or_default() + Duration::from_millis(5), input));
                }
                Action::Perform { id, effect } => {
                    self.effects.push(*effect);
                    self.pending.push((
                        now.unwrap_or_default() + EFFECT_TIME,
                        Input::Effect {
                            id,
                            outcome: Outcome::Done,
                        },
                    ));
                }
                Action::Tell(event) => self.events.push(event),
            }
        }
        if now.is_some() {
            encode_answer(actions, digest.finalize(), &mut self.log);
        }
    }

    /// The first answer of voice or world that has come by `now`.
    fn due(&mut self, now: Moment) -> Option<Input> {
        let at = self.pending.iter().position(|(at, _)| *at <= now)?;
        Some(self.pending.remove(at).1)
    }
}

/// The debtor's end of the line.
struct Side<'a> {
    mind: &'a mut Mind,
    speak: Speak<'a>,
    queue: VecDeque<i16>,
    keys: VecDeque<char>,
    /// When he will answer.
    turn_at: Option<Moment>,
    /// The question he will answer: state and text.
    asked: Option<(String, String)>,
    said: Vec<Event>,
    replies: Vec<(Moment, Reply)>,
}

impl Side<'_> {
    fn next_frame(&mut self, now: Moment) -> Frame {
        if self.turn_at.is_some_and(|at| at <= now) {
            self.turn_at = None;
            if let Some((state, text)) = self.asked.take() {
                let reply = self.mind.answer(&state, &text);
                match &reply {
                    Reply::Say(words) => self.queue.extend((self.speak)(words)),
                    Reply::Press(keys) => self.keys.extend(keys.chars()),
                    Reply::Nothing => {}
                }
                self.replies.push((now, reply));
            }
        }
        let mut frame = SILENCE;
        for sample in &mut frame {
            *sample = self.queue.pop_front().unwrap_or(0);
        }
        frame
    }

    /// Hears what the agent says: a question that was said to its end is answered after a moment's thought.
    fn listen(&mut self, events: &mut Vec<Event>, now: Moment, rng: &mut ChaCha8Rng) {
        for event in events.drain(..) {
            match &event {
                Event::Saying { state, text, .. } => {
                    let (asked, whole) = match self.asked.take() {
                        Some((_, before)) if state == "reparo" || before.is_empty() => {
                            (state.clone(), text.clone())
                        }
                        Some((_, before)) => (state.clone(), format!("{before} {text}")),
                        None => (state.clone(), text.clone()),
                    };
                    self.asked = Some((asked, whole));
                    self.turn_at = None;
                }
                Event::Said { cut: false, .. } => {
                    self.turn_at =
                        Some(now + Duration::from_millis(300 + u64::from(rng.next_u32() % 600)));
                }
                Event::Heard(_) | Event::Silent { .. } => self.asked = None,
                Event::Said { .. }
                | Event::Clause(_)
                | Event::Answered(_)
                | Event::Verified { .. }
                | Event::Offered { .. }
                | Event::Agreed { .. }
                | Event::Ended { .. } => {}
            }
            self.said.push(event);
        }
    }
}

/// G.711 in RTP with losses, and a jitter buffer at the end.
struct VirtualLine {
    model: LineModel,
    rng: ChaCha8Rng,
    buffer: JitterBuffer,
    sequence: u16,
    timestamp: u32,
}

impl VirtualLine {
    fn new(model: LineModel) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(model.seed);
        Self {
            model,
            rng,
            buffer: JitterBuffer::new(40),
            sequence: 1_000,
            timestamp: 77_777,
        }
    }

    fn carry(&mut self, sent: &Frame, now: Moment) -> Frame {
        let mut samples = *sent;
        if self.model.noise > 0 {
            let peak = i32::from(self.model.noise);
            for sample in &mut samples {
                let noise = (self.rng.next_u32() % (2 * peak as u32 + 1)) as i32 - peak;
                *sample = (i32::from(*sample) + noise).clamp(-32_768, 32_767) as i16;
            }
        }
        for sample in &mut samples {
            *sample = Law::A.decode(Law::A.encode(*sample));
        }
        let lost = self.rng.next_u32() % 10_000 < self.model.loss_bp;
        let place = Place {
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: 0x1234_5678,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        if !lost {
            self.buffer.push(place, &samples, now);
        }
        self.buffer.pop()
    }
}
