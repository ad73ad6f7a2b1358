//! The ear of one line: sound in, what was heard out. The same frames always give the same events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::asr::{AcousticModel, Graph, Hypothesis, Partial, Recognizer};
use super::dtmf::ToneDetector;
use super::endpoint::{Edge, Endpointer, Expect, Pace, Standing};
use super::vad::{self, Vad};
use crate::base::Moment;
use crate::media::{FRAME_MS, Frame};

/// Frames before the first voiced one that the recogniser hears too: 260 ms.
const PRE_ROLL: usize = 13;
/// Silence behind the voice that the recogniser hears too. In long noise the network would hear phones.
const TRAIL: Duration = Duration::from_millis(240);
/// While it is silent, the end is tried every so often.
const PEEK_EVERY_MS: u64 = 40;
/// A turn longer than this is cut; the decoder hears no more than 30 s.
const LONGEST: Duration = Duration::from_secs(29);
/// No word that is not understood is shorter.
const SHORTEST: Duration = Duration::from_millis(140);
/// Below this confidence an answer does not count as complete: the caller may be saying something else.
const UNSURE: f32 = 0.35;

/// How a line is listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    pub vad: vad::Settings,
    pub pace: Pace,
    /// Keep the sound of a turn, for a second recogniser.
    pub keep_sound: bool,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq)]
pub enum EarEvent {
    /// Someone began to speak.
    SpeechStarted { at: Moment },
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

/// Voice detector, key detector, endpointer and recogniser of one line.
pub struct Ear {
    settings: Settings,
    vad: Vad,
    tones: ToneDetector,
    endpointer: Endpointer,
    recognizer: Option<Recognizer>,
    graph: Option<Arc<Graph>>,
    expect: Expect,
    recent: VecDeque<Frame>,
    turn: Option<Turn>,
}

#[derive(Default)]
struct Turn {
    origin: Moment,
    sound: Vec<i16>,
    /// Frames of silence that the recogniser did not hear, in case that the voice goes on.
    unheard: Vec<Frame>,
    partial: Option<Partial>,
    /// How much the decoder had heard at that partial.
    partial_ms: u32,
    standing: Standing,
    hypotheses: Vec<Hypothesis>,
}

impl Ear {
    /// Without a model the ear still hears voice and keys.
    pub fn new(model: Option<Arc<AcousticModel>>, settings: Settings) -> Self {
        Self {
            settings,
            vad: Vad::new(settings.vad),
            tones: ToneDetector::default(),
            endpointer: Endpointer::new(settings.pace),
            recognizer: model.map(Recognizer::new),
            graph: None,
            expect: Expect::default(),
            recent: VecDeque::with_capacity(PRE_ROLL + 8),
            turn: None,
        }
    }

    /// Listens for what `graph` allows from now on. A turn that is on is heard anew from here.
    pub fn listen(&mut self, graph: Arc<Graph>, expect: Expect) {
        self.graph = Some(graph);
        self.expect = expect;
        self.abandon();
    }

    /// Gives up the turn that is on, if any; nothing will be reported of it.
    pub fn abandon(&mut self) {
        self.turn = None;
        self.endpointer.reset();
    }

    /// Forgets the line.
    pub fn reset(&mut self) {
        self.abandon();
        self.vad.reset();
        self.tones = ToneDetector::default();
        self.recent.clear();
        self.graph = None;
    }

    pub fn is_speaking(&self) -> bool {
        self.turn.is_some()
    }

    /// Takes the frame that ended at `now`.
    pub fn hear(&mut self, frame: &Frame, now: Moment) -> Vec<EarEvent> {
        let mut events = Vec::new();
        events.extend(
            self.tones
                .hear(frame)
                .map(|key| EarEvent::Key { key, at: now }),
        );
        let voiced = self.vad.hear(frame) && !self.tones.hears_tone();
        self.remember(frame);
        match self.endpointer.hear(voiced, now) {
            Edge::Idle => {}
            Edge::Started(at) => {
                self.start_turn(now);
                events.push(EarEvent::SpeechStarted { at });
            }
            Edge::Speaking => self.go_on(frame),
            Edge::Silent(since) => self.wait(frame, since, now),
        }
        self.report(now, &mut events);
        events
    }

    fn remember(&mut self, frame: &Frame) {
        let most = PRE_ROLL + self.settings.pace.onset_frames as usize;
        if self.recent.len() >= most {
            self.recent.pop_front();
        }
        self.recent.push_back(*frame);
    }

    fn start_turn(&mut self, now: Moment) {
        let origin = now - Duration::from_millis(FRAME_MS) * self.recent.len() as u32;
        let mut turn = Turn {
            origin,
            ..Turn::default()
        };
        if let (Some(recognizer), Some(graph)) = (&mut self.recognizer, &self.graph) {
            recognizer.start(graph.clone());
        }
        let sound: Vec<i16> = self.recent.iter().flatten().copied().collect();
        self.feed(&sound, &mut turn);
        self.turn = Some(turn);
    }

    fn feed(&mut self, sound: &[i16], turn: &mut Turn) {
        if self.settings.keep_sound {
            turn.sound.extend_from_slice(sound);
        }
        if let (Some(recognizer), Some(_)) = (&mut self.recognizer, &self.graph) {
            recognizer.feed(sound);
        }
    }

    /// The voice is on, perhaps again.
    fn go_on(&mut self, frame: &Frame) {
        let Some(mut turn) = self.turn.take() else {
            return;
        };
        let unheard = std::mem::take(&mut turn.unheard);
        self.feed(unheard.as_flattened(), &mut turn);
        self.feed(frame, &mut turn);
        turn.hypotheses.clear();
        turn.standing = Standing::default();
        self.turn = Some(turn);
    }

    /// The voice is silent: perhaps the turn is over.
    fn wait(&mut self, frame: &Frame, since: Moment, now: Moment) {
        let Some(mut turn) = self.turn.take() else {
            return;
        };
        let silence = now.since(since);
        if silence > TRAIL {
            turn.unheard.push(*frame);
        } else {
            self.feed(frame, &mut turn);
            let ms = silence.as_millis() as u64;
            if silence >= self.settings.pace.complete && ms.is_multiple_of(PEEK_EVERY_MS) {
                self.peek(&mut turn);
            }
        }
        self.turn = Some(turn);
    }

    /// Understands the turn as if it ended here.
    fn peek(&mut self, turn: &mut Turn) {
        let (Some(recognizer), Some(_)) = (&mut self.recognizer, &self.graph) else {
            return;
        };
        let (partial, hypotheses) = recognizer.peek();
        let sure = hypotheses
            .first()
            .is_some_and(|best| best.confidence >= UNSURE);
        turn.standing = Standing {
            is_final: sure && partial.as_ref().is_some_and(|partial| partial.is_final),
            complete: sure && partial.as_ref().is_some_and(|partial| partial.complete),
            digits: partial.as_ref().map_or(0, digits),
        };
        turn.hypotheses = hypotheses;
    }

    /// Tells what changed, and ends the turn when it is over.
    fn report(&mut self, now: Moment, events: &mut Vec<EarEvent>) {
        let Some(turn) = &mut self.turn else { return };
        if self.graph.is_some() {
            events.extend(
                self.recognizer
                    .as_ref()
                    .and_then(|recognizer| turn.news(recognizer))
                    .map(EarEvent::Partial),
            );
        }
        let over = self.endpointer.is_over(turn.standing, self.expect, now);
        if over || now.since(turn.origin) >= LONGEST {
            events.extend(self.end_turn().map(EarEvent::SpeechEnded));
        }
    }

    fn end_turn(&mut self) -> Option<Utterance> {
        let mut turn = self.turn.take()?;
        let (started, ended) = self.endpointer.span()?;
        if turn.hypotheses.is_empty() {
            self.peek(&mut turn);
        }
        let voiced = self.endpointer.voiced();
        self.endpointer.reset();
        Some(Utterance {
            started,
            ended,
            origin: turn.origin,
            voiced,
            hypotheses: turn.hypotheses,
            sound: turn.sound,
        })
    }
}

impl Turn {
    /// The partial result, when it is another than last time.
    fn news(&mut self, recognizer: &Recognizer) -> Option<Partial> {
        if recognizer.heard_ms() == self.partial_ms {
            return None;
        }
        self.partial_ms = recognizer.heard_ms();
        let partial = recognizer.partial()?;
        if self.partial.as_ref() == Some(&partial) {
            return None;
        }
        self.partial = Some(partial.clone());
        Some(partial)
    }
}

/// Digits that were said, each a tag of its own.
fn digits(partial: &Partial) -> usize {
    partial
        .tags
        .iter()
        .filter(|tag| matches!(tag.as_bytes(), [b'0'..=b'9']))
        .count()
}

#[cfg(test)]
mod tests {
    use super::super::asr::toy::{Toy, model};
    use super::*;
    use crate::media::{FRAME, SILENCE};

    const CLOSED: Expect = Expect {
        digits: None,
        open: false,
    };

    fn golden() -> Vec<Frame> {
        let wav = include_bytes!("../../models/golden/golden.wav");
        let samples: Vec<i16> = wav[44..]
            .as_chunks::<2>()
            .0
            .iter()
            .map(|bytes| i16::from_le_bytes(*bytes))
            .collect();
        samples.as_chunks::<FRAME>().0.to_vec()
    }

    fn dates() -> Arc<Graph> {
        Arc::new(Graph::compile(
            &Toy::read(include_str!("../../tests/data/dates.nfa")),
            &model(),
        ))
    }

    fn call() -> Vec<Frame> {
        [vec![SILENCE; 50], golden(), vec![SILENCE; 75]].concat()
    }

    fn heard(ear: &mut Ear, frames: &[Frame]) -> Vec<(Moment, EarEvent)> {
        let moments = (1..).map(|i| Moment::from_millis(i * FRAME_MS));
        frames
            .iter()
            .zip(moments)
            .flat_map(|(frame, now)| ear.hear(frame, now).into_iter().map(move |e| (now, e)))
            .collect()
    }

    #[test]
    fn a_turn_is_heard_and_understood() {
        let mut ear = Ear::new(
            Some(model()),
            Settings {
                keep_sound: true,
                ..Settings::default()
            },
        );
        ear.listen(dates(), CLOSED);
        let events = heard(&mut ear, &call());
        assert!(matches!(events[0].1, EarEvent::SpeechStarted { .. }));
        let (at, EarEvent::SpeechEnded(turn)) = events.last().expect("events") else {
            panic!("{events:?}")
        };
        assert_eq!(turn.hypotheses[0].tags, ["+2", "m4"]);
        // "dia dois de abril" ends a date, and nothing can follow it.
        assert!(
            at.since(turn.ended) <= Duration::from_millis(160),
            "{:?}",
            at.since(turn.ended)
        );
        assert!(turn.sound.len() > 8_000 && turn.voiced > Duration::from_millis(500));
        assert!(events.iter().any(
            |(_, event)| matches!(event, EarEvent::Partial(partial) if partial.words.len() >= 3)
        ));
    }

    #[test]
    fn the_same_frames_give_the_same_events() {
        let mut ear = Ear::new(Some(model()), Settings::default());
        ear.listen(dates(), CLOSED);
        let first = heard(&mut ear, &call());
        ear.reset();
        ear.listen(dates(), CLOSED);
        assert_eq!(heard(&mut ear, &call()), first);
    }

    #[test]
    fn without_a_model_voice_is_still_heard() {
        let mut ear = Ear::new(None, Settings::default());
        let events = heard(&mut ear, &call());
        assert!(
            matches!(&events[..], [(_, EarEvent::SpeechStarted { .. }), (_, EarEvent::SpeechEnded(turn))] if turn.hypotheses.is_empty())
        );
    }

    #[test]
    fn a_key_is_no_speech() {
        let mut ear = Ear::new(None, Settings::default());
        let tone =
            |i: usize| (6_000.0 * ((i as f32 * 0.605).sin() + (i as f32 * 1.0493).sin())) as i16;
        let pressed: Vec<Frame> = (0..10)
            .map(|f| std::array::from_fn(|i| tone(f * FRAME + i)))
            .collect();
        let events = heard(
            &mut ear,
            &[vec![SILENCE; 20], pressed, vec![SILENCE; 60]].concat(),
        );
        assert!(
            matches!(events[..], [(_, EarEvent::Key { key: '5', .. })]),
            "{events:?}"
        );
    }
}
