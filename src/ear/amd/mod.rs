//! Who, or what, has answered a call that we made. It listens beside the conversation and never holds it up.
//!
//! Three witnesses: tones of the network, of a fax, of a recording that begins; phrases that give announcements away
//! (`grammars/atende.gram`); and how long it talks before it waits for an answer. Being wrong is not the same both
//! ways: a person called a machine is lost, so whoever is in doubt is a person.

mod tones;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::tones::{Tone, Tones};
use super::asr::{AcousticModel, Graph, Hypothesis, Recognizer};
use crate::base::Moment;
use crate::media::{FRAME_MS, Frame};

/// The grammar of phrases that give away who answers.
pub const GRAMMAR: &str = "atende.gram";

/// Voiced frames that begin a piece of speech, and silent ones that end it: 60 ms, 300 ms.
const BEGINS: u32 = 3;
const ENDS: u32 = 15;
/// Frames before the voice that the recogniser hears too.
const PRE_ROLL: usize = 12;
/// A piece that goes on is understood anew every so often.
const LOOK_EVERY_MS: u64 = 1_200;
/// Longest piece that one turn of the recogniser takes.
const PIECE_MS: u64 = 20_000;
/// Pieces this near to each other are one utterance.
const BREATH_MS: u64 = 650;
/// A phrase counts when it explains the sound better than any syllables do, by so many nats.
const CLEARLY: f32 = 4.0;
/// A person says hello within this time, and then waits.
const HELLO_MS: u64 = 2_200;
const HELLO_WITH_WORDS_MS: u64 = 3_600;
const WAITS_MS: u64 = 700;
/// One phrase of a machine counts when it talks for at least so long; without any phrase it has to talk for longer.
const TALKS_MS: u64 = 2_200;
const TALKS_ON_MS: u64 = 7_500;
/// Nobody says anything.
const SILENT_MS: u64 = 6_000;
/// Then nothing new is to be expected.
const LISTENS_MS: u64 = 15_000;
/// Voice before a beep that makes it a voicemail's.
const BEFORE_BEEP_MS: u64 = 1_200;

/// What answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Person,
    /// Cannot be told; to be treated as a person.
    NotSure,
    /// A mailbox, the carrier's or the person's own.
    Voicemail,
    /// The telephone asks who is calling before it rings.
    Screening,
    /// A switchboard that wants keys, or plays while one waits.
    Pbx,
    /// The network says that the number does not exist.
    NoSuchNumber,
    /// The network says that the telephone is off or out of reach.
    Unreachable,
    /// The network or its tones say that the call cannot be put through now.
    Unavailable,
    Fax,
    Silence,
}

impl Answer {
    /// Nobody is there to talk to.
    pub const fn is_machine(self) -> bool {
        match self {
            Self::Person | Self::NotSure | Self::Silence => false,
            Self::Voicemail
            | Self::Screening
            | Self::Pbx
            | Self::NoSuchNumber
            | Self::Unreachable
            | Self::Unavailable
            | Self::Fax => true,
        }
    }

    /// The phrases of this class carry this tag.
    fn of_tag(tag: &str) -> Option<Self> {
        Some(match tag {
            "PESSOA" => Self::Person,
            "CAIXA" => Self::Voicemail,
            "TRIAGEM" => Self::Screening,
            "URA" => Self::Pbx,
            "INEXISTENTE" => Self::NoSuchNumber,
            "FORA" => Self::Unreachable,
            "INDISPONIVEL" => Self::Unavailable,
            _ => return None,
        })
    }
}

/// Why it was decided so; kept with the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// From the answer to the first voice.
    pub first_voice_ms: Option<u64>,
    /// How long the first utterance was, and the longest one.
    pub first_ms: u64,
    pub longest_ms: u64,
    /// All voice.
    pub voice_ms: u64,
    pub utterances: u32,
    /// Phrases that were recognised, by their class; never the words.
    pub phrases: Vec<String>,
    pub tones: Vec<String>,
    /// The rule that decided.
    pub rule: String,
}

/// A decision. It may be taken back once, when more is heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub answer: Answer,
    /// 0–1.
    pub confidence: f32,
    pub at_ms: u64,
    pub evidence: Evidence,
}

/// Listens to the first seconds of one call.
pub struct Amd {
    recognizer: Option<(Recognizer, Arc<Graph>)>,
    tones: Tones,
    recent: VecDeque<Frame>,
    voiced_run: u32,
    silent_run: u32,
    piece: Option<Piece>,
    /// Begin and end of each utterance, in milliseconds.
    utterances: Vec<(u64, u64)>,
    /// Phrases of pieces that are over.
    phrases: Vec<Answer>,
    /// Phrases of the piece that goes on.
    present: Vec<Answer>,
    heard_tones: Vec<Tone>,
    voice_ms: u64,
    verdict: Option<Answer>,
    done: bool,
}

struct Piece {
    began_ms: u64,
    looked_ms: u64,
}

impl Amd {
    /// Without a model and the grammar's graph, tones and times alone decide.
    pub fn new(recognizer: Option<(Arc<AcousticModel>, Arc<Graph>)>) -> Self {
        Self {
            recognizer: recognizer.map(|(model, graph)| (Recognizer::new(model), graph)),
            tones: Tones::default(),
            recent: VecDeque::with_capacity(PRE_ROLL + 1),
            voiced_run: 0,
            silent_run: 0,
            piece: None,
            utterances: Vec::new(),
            phrases: Vec::new(),
            present: Vec::new(),
            heard_tones: Vec::new(),
            voice_ms: 0,
            verdict: None,
            done: false,
        }
    }

    /// Nothing more will be decided.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Takes the frame that ended at `now`, counted from the answer, and whether somebody speaks in it.
    pub fn hear(&mut self, frame: &Frame, voiced: bool, now: Moment) -> Option<Verdict> {
        if self.done {
            return None;
        }
        let now_ms = now.millis();
        if let Some(tone) = self.tones.hear(frame)
            && self.heard_tones.len() < 8
        {
            self.heard_tones.push(tone);
        }
        self.follow_voice(frame, voiced && !self.tones.hears_tone(), now_ms);
        let decided = self.judge(now_ms);
        if now_ms >= LISTENS_MS {
            self.done = true;
            self.recognizer = None;
        }
        let (answer, confidence, rule) = decided?;
        if self.verdict == Some(answer) || !self.may_become(answer) {
            return None;
        }
        self.verdict = Some(answer);
        if answer.is_machine() {
            self.done = true;
            self.recognizer = None;
        }
        Some(Verdict {
            answer,
            confidence,
            at_ms: now_ms,
            evidence: self.evidence(rule),
        })
    }

    /// A person was mistaken for silence, or a recording for a person; a machine stays one.
    fn may_become(&self, answer: Answer) -> bool {
        match self.verdict {
            None => true,
            Some(Answer::Silence | Answer::NotSure) => true,
            Some(Answer::Person) => answer.is_machine(),
            Some(_) => false,
        }
    }

    fn follow_voice(&mut self, frame: &Frame, voiced: bool, now_ms: u64) {
        if voiced {
            self.voiced_run += 1;
            self.silent_run = 0;
            self.voice_ms += FRAME_MS;
        } else {
            self.voiced_run = 0;
            self.silent_run += 1;
        }
        self.recent.push_back(*frame);
        if self.recent.len() > PRE_ROLL {
            self.recent.pop_front();
        }
        if self.piece.is_some() {
            if let Some((recognizer, _)) = &mut self.recognizer {
                recognizer.feed(frame);
            }
            self.go_on(now_ms);
        } else if self.voiced_run >= BEGINS {
            self.begin(now_ms);
        }
    }

    fn begin(&mut self, now_ms: u64) {
        let began_ms = now_ms.saturating_sub(u64::from(BEGINS) * FRAME_MS);
        if let Some((recognizer, graph)) = &mut self.recognizer {
            recognizer.start(graph.clone());
            let sound: Vec<i16> = self.recent.iter().flatten().copied().collect();
            recognizer.feed(&sound);
        }
        match self.utterances.last_mut() {
            Some((_, ended)) if began_ms.saturating_sub(*ended) <= BREATH_MS => *ended = now_ms,
            _ => self.utterances.push((began_ms, now_ms)),
        }
        self.piece = Some(Piece {
            began_ms,
            looked_ms: now_ms,
        });
    }

    fn go_on(&mut self, now_ms: u64) {
        let Some(piece) = &mut self.piece else { return };
        if self.silent_run == 0
            && let Some((_, ended)) = self.utterances.last_mut()
        {
            *ended = now_ms;
        }
        let over = self.silent_run >= ENDS || now_ms - piece.began_ms >= PIECE_MS;
        if over || now_ms - piece.looked_ms >= LOOK_EVERY_MS {
            piece.looked_ms = now_ms;
            self.present = self.understand();
        }
        if over {
            self.phrases.append(&mut self.present);
            self.piece = None;
            self.voiced_run = 0;
        }
    }

    /// The phrases of the piece so far.
    fn understand(&mut self) -> Vec<Answer> {
        let Some((recognizer, _)) = &mut self.recognizer else {
            return Vec::new();
        };
        let hypotheses = recognizer.finish();
        let Some(best) = hypotheses.first() else {
            return Vec::new();
        };
        let plain = hypotheses.iter().find(|other| machine_tags(other) == 0);
        let clear = plain.is_none_or(|plain| best.score - plain.score >= CLEARLY);
        best.tags
            .iter()
            .filter_map(|tag| Answer::of_tag(tag))
            .filter(|answer| clear || *answer == Answer::Person)
            .collect()
    }

    fn judge(&self, now_ms: u64) -> Option<(Answer, f32, &'static str)> {
        self.by_tone()
            .or_else(|| self.by_phrases())
            .or_else(|| self.by_talking(now_ms))
            .or_else(|| self.by_hello(now_ms))
            .or_else(|| {
                let silent = self.utterances.is_empty() && now_ms >= SILENT_MS;
                silent.then_some((Answer::Silence, 0.9, "silence"))
            })
            .or_else(|| {
                let doubtful = self.verdict.is_none() && now_ms >= LISTENS_MS;
                doubtful.then_some((Answer::NotSure, 0.5, "doubt"))
            })
    }

    fn by_tone(&self) -> Option<(Answer, f32, &'static str)> {
        let has = |tone| self.heard_tones.contains(&tone);
        if has(Tone::Fax) {
            Some((Answer::Fax, 0.98, "fax tone"))
        } else if has(Tone::Information)
            && self.machine_phrases().is_empty()
            && self.voice_ms < 2_500
        {
            // The announcement behind the tones says what is wrong; they alone say that something is.
            (self.voice_ms > 2_000).then_some((Answer::Unavailable, 0.9, "information tones"))
        } else if has(Tone::Busy) {
            Some((Answer::Unavailable, 0.95, "busy tone"))
        } else if has(Tone::Beep) && self.voice_ms >= BEFORE_BEEP_MS && !self.is_small_talk() {
            Some((Answer::Voicemail, 0.95, "beep"))
        } else {
            None
        }
    }

    fn by_phrases(&self) -> Option<(Answer, f32, &'static str)> {
        let counts = self.machine_phrases();
        let total: usize = counts.values().sum();
        let (answer, most) = counts
            .iter()
            .max_by_key(|(answer, count)| (**count, weight(**answer)))
            .map(|(answer, count)| (*answer, *count))?;
        // A mailbox is reached because the telephone is out of reach: both are said, and the mailbox is what answers.
        let answer = if counts.contains_key(&Answer::Voicemail)
            && weight(answer) < weight(Answer::Voicemail)
        {
            Answer::Voicemail
        } else {
            answer
        };
        if total >= 2 && self.longest_ms() >= TALKS_MS {
            Some((answer, 0.97, "phrases"))
        } else if most == 1 && self.longest_ms() >= alone_ms(answer) {
            Some((answer, 0.85, "phrase"))
        } else {
            None
        }
    }

    fn by_talking(&self, now_ms: u64) -> Option<(Answer, f32, &'static str)> {
        let (began, ended) = *self.utterances.first()?;
        let early = began <= 2_500;
        (early && ended - began >= TALKS_ON_MS && now_ms - ended < 400).then_some((
            Answer::Voicemail,
            0.6,
            "talks on",
        ))
    }

    fn by_hello(&self, now_ms: u64) -> Option<(Answer, f32, &'static str)> {
        let (began, ended) = *self.utterances.last()?;
        let waits = self.piece.is_none() && now_ms.saturating_sub(ended) >= WAITS_MS;
        if !waits || !self.machine_phrases().is_empty() {
            return None;
        }
        let length = ended - began;
        let greets = self.phrases.contains(&Answer::Person);
        if length <= HELLO_MS {
            Some((Answer::Person, if greets { 0.97 } else { 0.85 }, "hello"))
        } else if length <= HELLO_WITH_WORDS_MS && greets {
            Some((Answer::Person, 0.85, "long hello"))
        } else {
            None
        }
    }

    /// A few words now and then, as in a conversation: a beep among them is a telephone's, not a recorder's.
    fn is_small_talk(&self) -> bool {
        self.longest_ms() < HELLO_MS && self.machine_phrases().is_empty()
    }

    fn machine_phrases(&self) -> BTreeMap<Answer, usize> {
        let mut counts = BTreeMap::new();
        for answer in self.phrases.iter().chain(&self.present) {
            if answer.is_machine() {
                *counts.entry(*answer).or_default() += 1;
            }
        }
        counts
    }

    fn longest_ms(&self) -> u64 {
        self.utterances
            .iter()
            .map(|(began, ended)| ended - began)
            .max()
            .unwrap_or_default()
    }

    fn evidence(&self, rule: &str) -> Evidence {
        let first = self.utterances.first();
        let name = |answer: &Answer| format!("{answer:?}").to_lowercase();
        Evidence {
            first_voice_ms: first.map(|(began, _)| *began),
            first_ms: first.map_or(0, |(began, ended)| ended - began),
            longest_ms: self.longest_ms(),
            voice_ms: self.voice_ms,
            utterances: self.utterances.len() as u32,
            phrases: self.phrases.iter().chain(&self.present).map(name).collect(),
            tones: self
                .heard_tones
                .iter()
                .map(|tone| format!("{tone:?}").to_lowercase())
                .collect(),
            rule: rule.to_owned(),
        }
    }
}

/// How long a machine must talk for one of its phrases to be enough. Short commands are easily misheard in what a
/// person says.
const fn alone_ms(answer: Answer) -> u64 {
    match answer {
        Answer::Pbx => 2 * TALKS_MS,
        _ => TALKS_MS,
    }
}

/// Among phrases of different classes, the more telling one.
const fn weight(answer: Answer) -> u8 {
    match answer {
        Answer::Screening => 6,
        Answer::NoSuchNumber => 5,
        Answer::Pbx => 4,
        Answer::Voicemail => 3,
        Answer::Unreachable => 2,
        _ => 1,
    }
}

fn machine_tags(hypothesis: &Hypothesis) -> usize {
    hypothesis
        .tags
        .iter()
        .filter_map(|tag| Answer::of_tag(tag))
        .filter(|answer| answer.is_machine())
        .count()
}
