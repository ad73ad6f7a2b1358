//! The ear of one line: sound in, what was heard out. The same frames always give the same events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::asr::{AcousticModel, Graph, Hypothesis, Partial, Recognizer};
use super::cadence::{self, cadence};
use super::dtmf::ToneDetector;
use super::echo::Echo;
use super::endpoint::{Edge, Endpointer, Expect, Pace, Standing};
use super::event::{EarEvent, Sound, UNSURE, Utterance, Voice};
use super::vad::{self, Vad};
use crate::base::Moment;
use crate::language::meaning::{self, Value};
use crate::media::{FRAME, FRAME_MS, Frame};

/// Frames before the first voiced one that the recogniser hears too: 260 ms.
const PRE_ROLL: usize = 13;
/// Silence behind the voice that the recogniser hears too. In long noise the network would hear phones.
const TRAIL: Duration = Duration::from_millis(240);
/// Milliseconds of silence after which the end is tried, each on a copy of the decoder: at once where an answer may
/// stand already, seldom once it has not come.
const PEEKS_MS: [u64; 7] = [60, 80, 100, 120, 160, 200, 240];
/// Frames that are kept for the melody of the voice, with the silence behind it.
const KEPT: usize = cadence::SPAN.div_ceil(FRAME) + 4;
/// A voice so far above the line's noise interrupts with its second frame, in dB.
const CLEARLY_DB: f32 = 15.0;
/// Digits that are this sure are taken to be all of them.
const CLEAR: f32 = 0.85;
/// How far a voice may fall below its mean, and for how many frames, after the detector has let it go.
const LINGERS_DB: f32 = 14.0;
const LINGERS: u32 = 8;
/// No background; how fast one is forgotten, 1 dB a second; and how far a caller rises above it, in dB.
const NO_BACKGROUND_DB: f32 = -90.0;
const BACKGROUND_FALL_DB: f32 = 0.02;
const ABOVE_BACKGROUND_DB: f32 = 6.0;
/// A turn longer than this is cut; the decoder hears no more than 30 s.
const LONGEST: Duration = Duration::from_secs(29);

/// How a line is listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    pub vad: vad::Settings,
    pub pace: Pace,
    /// Keep the sound of a turn, for a second recogniser.
    pub keep_sound: bool,
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
    stirring: bool,
    echo: Echo,
    /// Whether anybody spoke in the last frame, and how loud it was.
    last: Sound,
    /// Frames in a row that counts as voice though the detector hears none.
    lingering: u32,
    /// How loud something is that goes on beside the caller; it is forgotten slowly.
    background_db: f32,
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
    /// Tags that were foreseen last.
    foreseen: Option<Vec<String>>,
    /// Tags that do not answer the question.
    insufficient: Option<Vec<String>>,
    /// Sum of the levels of the voiced frames, and their number.
    loudness: (f32, u32),
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
            recent: VecDeque::with_capacity(KEPT),
            stirring: false,
            echo: Echo::default(),
            last: Sound::default(),
            lingering: 0,
            background_db: NO_BACKGROUND_DB,
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
        self.endpointer.forget();
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
        let sounding = self.vad.hear(frame) && !self.tones.hears_tone();
        self.echo.hear(frame);
        let echo = sounding && self.echo.is_own();
        let level_db = vad::level_db(frame);
        self.background_db = (self.background_db - BACKGROUND_FALL_DB).max(NO_BACKGROUND_DB);
        let near = !echo && level_db > self.background_db + ABOVE_BACKGROUND_DB;
        let voiced = near && (sounding || self.lingers(level_db));
        self.lingering = match sounding {
            true => 0,
            false => self.lingering + u32::from(voiced),
        };
        self.last = Sound {
            voiced,
            echo,
            level_db,
        };
        self.remember(frame);
        let edge = self.endpointer.hear(voiced, now);
        if let Some(turn) = self.turn.as_mut().filter(|_| voiced) {
            turn.loudness.0 += vad::level_db(frame);
            turn.loudness.1 += 1;
        }
        match edge {
            Edge::Idle => {
                if std::mem::take(&mut self.stirring) {
                    events.push(EarEvent::Calmed);
                }
            }
            Edge::Stirring(at) => {
                if vad::level_db(frame) >= self.vad.floor_db() + CLEARLY_DB {
                    self.stirring = true;
                    events.push(EarEvent::Stirring { at });
                }
            }
            Edge::Started(at) => {
                self.stirring = false;
                self.start_turn(frame, now);
                events.push(EarEvent::SpeechStarted { at });
            }
            Edge::Speaking => self.go_on(frame),
            Edge::Silent(since) => {
                let foreseen = self.wait(frame, since, now);
                events.extend(foreseen.map(EarEvent::Foreseen));
            }
        }
        self.report(now, &mut events);
        events
    }

    /// Whether a voice goes on that the detector has let go: nasals and soft vowels at the end of a word.
    fn lingers(&self, level_db: f32) -> bool {
        self.turn.as_ref().is_some_and(|turn| {
            let (sum, frames) = turn.loudness;
            self.lingering < LINGERS
                && level_db >= sum / frames.max(1) as f32 - LINGERS_DB
                && level_db >= self.vad.floor_db() + CLEARLY_DB
        })
    }

    /// Keeps the sound of each turn from now on.
    pub fn keep_sound(&mut self) {
        self.settings.keep_sound = true;
    }

    /// Takes the 20 ms that go out, after [`Ear::hear`]: they may come back.
    pub fn say(&mut self, frame: &Frame) {
        self.echo.send(frame);
    }

    /// What was foreseen would not answer the question: more is to come, or something else.
    pub fn expect_more(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.standing.is_final = false;
            turn.standing.complete = false;
            turn.insufficient = turn.foreseen.clone();
        }
    }

    /// What the last frame sounded like.
    pub fn sound(&self) -> Sound {
        self.last
    }

    /// What seems to be said in the turn that is on.
    pub fn partial(&self) -> Option<Partial> {
        self.turn.as_ref()?;
        self.graph.as_ref()?;
        self.recognizer.as_ref()?.partial()
    }

    /// The voice of the turn that is on.
    pub fn voice(&self) -> Option<Voice> {
        self.turn.as_ref().map(|turn| self.voice_of(turn))
    }

    fn voice_of(&self, turn: &Turn) -> Voice {
        let (sum, frames) = turn.loudness;
        let sound: Vec<i16> = self.recent.iter().flatten().copied().collect();
        Voice {
            level_db: sum / frames.max(1) as f32,
            voiced: self.endpointer.voiced(),
            melody: cadence::liveliness(&sound),
        }
    }

    /// The tags of what was said so far, and how likely it was said.
    pub fn understood(&mut self) -> Option<(Vec<String>, f32)> {
        self.turn.as_ref()?;
        self.graph.as_ref()?;
        let hypotheses = self.recognizer.as_mut()?.finish();
        let best = hypotheses.into_iter().next()?;
        Some((best.tags, best.confidence))
    }

    /// Gives up the turn: it is something that goes on beside the caller. What is not clearly louder is no voice for
    /// the next seconds.
    pub fn fade_background(&mut self) {
        if let Some(turn) = &self.turn {
            let (sum, frames) = turn.loudness;
            self.background_db = self.background_db.max(sum / frames.max(1) as f32);
        }
        self.abandon();
    }

    fn remember(&mut self, frame: &Frame) {
        if self.recent.len() >= KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(*frame);
    }

    fn start_turn(&mut self, frame: &Frame, now: Moment) {
        let most = PRE_ROLL + self.settings.pace.onset_frames as usize;
        let heard = self.recent.len().min(most);
        let mut turn = Turn {
            origin: now - Duration::from_millis(FRAME_MS) * heard as u32,
            loudness: (vad::level_db(frame), 1),
            ..Turn::default()
        };
        if let (Some(recognizer), Some(graph)) = (&mut self.recognizer, &self.graph) {
            recognizer.start(graph.clone());
        }
        let skipped = self.recent.len() - heard;
        let sound: Vec<i16> = self
            .recent
            .iter()
            .skip(skipped)
            .flatten()
            .copied()
            .collect();
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
        turn.foreseen = None;
        self.turn = Some(turn);
    }

    /// The voice is silent: perhaps the turn is over. Gives what it would be, when that is news.
    fn wait(&mut self, frame: &Frame, since: Moment, now: Moment) -> Option<Vec<Hypothesis>> {
        let mut turn = self.turn.take()?;
        let silence = now.since(since);
        let mut news = None;
        if silence > TRAIL {
            turn.unheard.push(*frame);
        } else {
            self.feed(frame, &mut turn);
            if PEEKS_MS.contains(&(silence.as_millis() as u64)) {
                self.peek(&mut turn, silence);
                news = turn.foresee();
            }
        }
        self.turn = Some(turn);
        news
    }

    /// Understands the turn as if it ended here.
    fn peek(&mut self, turn: &mut Turn, silence: Duration) {
        let cadence = match turn.standing.is_final {
            // The voice ended once; how it did does not change while it is silent.
            true => turn.standing.cadence,
            false => self.last_melody(silence),
        };
        let (Some(recognizer), Some(_)) = (&mut self.recognizer, &self.graph) else {
            return;
        };
        let (partial, hypotheses) = recognizer.peek();
        let sure = hypotheses
            .first()
            .is_some_and(|best| best.confidence >= UNSURE);
        let partial = partial.unwrap_or_default();
        let enough = turn.insufficient.is_none()
            || turn.insufficient.as_ref() != hypotheses.first().map(|best| &best.tags);
        turn.standing = Standing {
            is_final: sure && enough && partial.is_final,
            complete: sure && enough && partial.complete,
            expects_more: partial.expects_more,
            digits: match self.expect.digits {
                Some(_) => digits(&partial),
                None => 0,
            },
            has_value: partial.tags.iter().any(|tag| tag.ends_with('(')),
            clear: hypotheses
                .first()
                .is_some_and(|best| best.confidence >= CLEAR),
            voiced: self.endpointer.voiced(),
            cadence,
        };
        turn.hypotheses = hypotheses;
    }

    /// How the voice ended that has been silent for so long.
    fn last_melody(&self, silence: Duration) -> cadence::Cadence {
        let silent = silence.as_millis() as usize / FRAME_MS as usize;
        // The detector may let a soft ending go early; what is faint has no melody anyway.
        let wanted = cadence::SPAN.div_ceil(FRAME) + silent;
        let skipped = self.recent.len().saturating_sub(wanted);
        let sound: Vec<i16> = self
            .recent
            .iter()
            .skip(skipped)
            .flatten()
            .copied()
            .collect();
        cadence(&sound)
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
            self.peek(&mut turn, Duration::ZERO);
        }
        let voiced = self.endpointer.voiced();
        let voice = self.voice_of(&turn);
        self.endpointer.reset();
        Some(Utterance {
            started,
            ended,
            origin: turn.origin,
            voiced,
            voice,
            hypotheses: turn.hypotheses,
            sound: turn.sound,
        })
    }
}

impl Turn {
    /// The answer that stands, once for each that does.
    fn foresee(&mut self) -> Option<Vec<Hypothesis>> {
        let best = self.hypotheses.first().filter(|_| self.standing.is_final)?;
        if self.foreseen.as_ref() == Some(&best.tags) {
            return None;
        }
        self.foreseen = Some(best.tags.clone());
        Some(self.hypotheses.clone())
    }

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

/// Digits that were said: as the number they make, or, while it is not whole, each a tag of its own.
fn digits(partial: &Partial) -> usize {
    let whole = meaning::read(&partial.tags, jiff::civil::date(2000, 1, 1))
        .slots
        .into_values()
        .find_map(|value| match value {
            Value::Digits(digits) => Some(digits.len()),
            _ => None,
        });
    whole.unwrap_or_else(|| {
        let tags = partial.tags.iter();
        tags.filter(|tag| matches!(tag.as_bytes(), [b'0'..=b'9']))
            .count()
    })
}

#[cfg(test)]
mod tests {
    use super::super::asr::toy::{Toy, model};
    use super::*;
    use crate::media::SILENCE;

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
        assert!(matches!(events[0].1, EarEvent::Stirring { .. }));
        assert!(matches!(events[1].1, EarEvent::SpeechStarted { .. }));
        let foreseen = events.iter().find_map(|(at, event)| match event {
            EarEvent::Foreseen(hypotheses) => Some((*at, hypotheses[0].tags.clone())),
            _ => None,
        });
        assert_eq!(foreseen.expect("an answer in sight").1, ["+2", "m4"]);
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
            matches!(&events[..], [.., (_, EarEvent::SpeechStarted { .. }), (_, EarEvent::SpeechEnded(turn))] if turn.hypotheses.is_empty())
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
