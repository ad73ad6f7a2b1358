//! Turn taking, case by case: sounds over a prompt that mean something and sounds that do not, in virtual time.
//!
//! Every case is made from its seed: which voice, how loud, when, after how long an echo. What is counted is whether
//! the agent gave up its turn, not whether it paused.

use std::collections::BTreeMap;

use serde::Serialize;

use super::hesitation::render;
use super::noises::{self, Dice};
use super::stage::Stage;
use crate::call::Event;
use crate::media::RATE;

/// Speaks words in the `n`th of the callers' voices.
pub type Voices<'a> = &'a dyn Fn(&str, u64) -> Vec<i16>;

/// What happens over the prompt, or in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Cough,
    MainsHum,
    HummedNote,
    Music,
    TvBabble,
    OwnEcho,
    Nod,
    /// Words that mean something, over a prompt.
    Interruption,
    /// The same while our echo comes back.
    DoubleTalk,
    Key,
    /// A nod after the question: an answer.
    NodAfterQuestion,
    /// Words over a sentence that must be heard.
    OverMandatory,
    /// Three digits with pauses of 0.3 to 1.5 s.
    PausedDigits,
}

/// Every kind, and how many cases there are of it.
pub const CASES: [(Kind, u64); 13] = [
    (Kind::Cough, 30),
    (Kind::MainsHum, 20),
    (Kind::HummedNote, 20),
    (Kind::Music, 30),
    (Kind::TvBabble, 30),
    (Kind::OwnEcho, 40),
    (Kind::Nod, 30),
    (Kind::Interruption, 50),
    (Kind::DoubleTalk, 30),
    (Kind::Key, 10),
    (Kind::NodAfterQuestion, 20),
    (Kind::OverMandatory, 10),
    (Kind::PausedDigits, 40),
];

/// What became of a case.
#[derive(Clone, Debug, Serialize)]
pub struct Result {
    pub kind: Kind,
    pub nth: u64,
    pub right: bool,
    /// From the first sound to the agent's silence, where there was to be one.
    pub silent_ms: Option<u64>,
    /// From there to the decision, in either direction.
    pub note: String,
}

/// Keys that lead to a long statement with a question at its end, to the digits, and to the reading of the terms.
const STATEMENT: &[&str] = &["1", "111"];
const DIGITS: &[&str] = &["1"];
const READING: &[&str] = &["1", "111", "1", "1", "30"];

/// Words with which callers interrupt.
const INTERRUPTIONS: [&str; 10] = [
    "não quero",
    "quero falar com atendente",
    "já paguei",
    "quero parcelar",
    "não vou pagar",
    "não devo nada",
    "quero falar com uma pessoa",
    "me liga depois",
    "tem desconto",
    "não quero falar com máquina",
];
const NODS: [&str; 6] = ["aham", "tá", "sei", "oi", "uhum", "certo"];
const ANSWERING_NODS: [&str; 4] = ["aham", "uhum", "pode", "tá bom"];
const DIGIT_WORDS: [&str; 6] = [
    "um| um| um",
    "um um| um",
    "um| um um",
    "cinco| dois| nove",
    "três| nove zero",
    "quatro| sete| dois",
];

/// Plays one case on a fresh call.
pub fn play(kind: Kind, nth: u64, seed: u64, stage: &mut Stage<'_>, voices: Voices<'_>) -> Result {
    let mut dice = Dice::new(seed ^ (kind as u64) << 32 ^ nth.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (right, silent_ms, note) = match kind {
        Kind::PausedDigits => paused_digits(&mut dice, stage, voices),
        Kind::NodAfterQuestion => nod_after_question(&mut dice, stage, voices),
        Kind::OverMandatory => over_mandatory(&mut dice, stage, voices),
        _ => over_statement(kind, &mut dice, stage, voices),
    };
    Result {
        kind,
        nth,
        right,
        silent_ms,
        note,
    }
}

/// Presses keys until the wanted prompt has begun.
fn lead(stage: &mut Stage<'_>, keys: &[&str]) {
    wait(stage, 400);
    for turn in keys {
        turn.chars().for_each(|key| stage.press(key));
        wait(stage, 500);
    }
}

fn wait(stage: &mut Stage<'_>, ms: u64) {
    (0..ms / 20).for_each(|_| {
        stage.tick(&[0; 160]);
    });
}

/// A sound in the middle of a long statement.
fn over_statement(
    kind: Kind,
    dice: &mut Dice,
    stage: &mut Stage<'_>,
    voices: Voices<'_>,
) -> (bool, Option<u64>, String) {
    lead(stage, STATEMENT);
    wait(stage, 1_000 + dice.below(4_000));
    let voice = dice.below(64);
    let told = stage.events.len();
    let begins = stage.elapsed_ms();
    let meant = matches!(kind, Kind::Interruption | Kind::DoubleTalk | Kind::Key);
    let line = noises::white(RATE as usize * 8, dice.below(14) as f64 - 74.0, dice);
    let words = match kind {
        Kind::Nod => pick(&NODS, dice),
        Kind::Interruption | Kind::DoubleTalk => pick(&INTERRUPTIONS, dice),
        _ => "",
    };
    let sound = match kind {
        Kind::Cough => noises::cough(dice),
        Kind::MainsHum => noises::hum(dice),
        Kind::HummedNote => noises::hummed(dice),
        Kind::Music => noises::music(dice),
        Kind::TvBabble => noises::babble(dice, voices),
        Kind::Nod | Kind::Interruption | Kind::DoubleTalk => level(voices(words, voice), dice),
        _ => Vec::new(),
    };
    let echo = matches!(kind, Kind::OwnEcho | Kind::DoubleTalk).then(|| Echo {
        delay: 160 + dice.below(2_240) as usize,
        gain: 10_f64.powf(-(12.0 + dice.below(19) as f64) / 20.0),
    });
    if kind == Kind::Key {
        stage.press('9');
    }
    let frames = (sound.len() / 160 + 40).max(if kind == Kind::OwnEcho { 250 } else { 60 });
    for n in 0..frames {
        let mut frame = [0_i16; 160];
        for (i, sample) in frame.iter_mut().enumerate() {
            let at = n * 160 + i;
            let mut value = f64::from(sound.get(at).copied().unwrap_or_default());
            value += f64::from(line.get(at % line.len()).copied().unwrap_or_default());
            if let Some(echo) = &echo {
                value += echo.sample(&stage.agent, i);
            }
            *sample = value.clamp(-32_768.0, 32_767.0) as i16;
        }
        stage.tick(&frame);
    }
    let gave_up = stage.events[told..]
        .iter()
        .any(|(_, event)| matches!(event, Event::Said { cut: true, .. } | Event::Heard(_)));
    // What was cut is silent at once, or has an answer after it.
    let silent = meant
        .then(|| stage.silent_from(begins, 200))
        .flatten()
        .map(|at| at - begins);
    let echo = echo.map_or_else(String::new, |echo| echo.to_string());
    let note = format!("{words}{echo} / {}", heard(stage, told));
    (gave_up == meant, silent, note)
}

/// The agent's own voice, on its way back.
struct Echo {
    delay: usize,
    gain: f64,
}

impl std::fmt::Display for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (decibels, ms) = (20.0 * self.gain.log10(), self.delay / 8);
        write!(f, " / echo of {decibels:.0} dB after {ms} ms")
    }
}

impl Echo {
    /// The `i`th sample of the frame that arrives now.
    fn sample(&self, agent: &[i16], i: usize) -> f64 {
        let at = (agent.len() + i).checked_sub(self.delay);
        at.and_then(|at| agent.get(at))
            .map_or(0.0, |sample| f64::from(*sample) * self.gain)
    }
}

fn nod_after_question(
    dice: &mut Dice,
    stage: &mut Stage<'_>,
    voices: Voices<'_>,
) -> (bool, Option<u64>, String) {
    lead(stage, STATEMENT);
    stage.hear_out(60_000);
    wait(stage, 200 + dice.below(800));
    let told = stage.events.len();
    let word = pick(&ANSWERING_NODS, dice);
    let nod = level(voices(word, dice.below(64)), dice);
    stage.play(&nod);
    wait(stage, 1_500);
    let answered = stage.events[told..]
        .iter()
        .any(|(_, event)| matches!(event, Event::Heard(heard) if heard.intent.is_some()));
    (answered, None, format!("{word} / {}", heard(stage, told)))
}

fn over_mandatory(
    dice: &mut Dice,
    stage: &mut Stage<'_>,
    voices: Voices<'_>,
) -> (bool, Option<u64>, String) {
    lead(stage, READING);
    // Whatever is asked before the terms are read is answered with the first key.
    for _ in 0..40 {
        if stage.call.is_mandatory() {
            break;
        }
        stage.press('1');
        wait(stage, 600);
    }
    if !stage.call.is_mandatory() {
        return (false, None, "no reading".to_owned());
    }
    wait(stage, 500 + dice.below(2_000));
    let told = stage.events.len();
    let words = level(voices(pick(&INTERRUPTIONS, dice), dice.below(64)), dice);
    stage.play(&words);
    wait(stage, 300);
    let cut = stage.events[told..]
        .iter()
        .any(|(_, event)| matches!(event, Event::Said { cut: true, .. }));
    (!cut, None, heard(stage, told))
}

fn paused_digits(
    dice: &mut Dice,
    stage: &mut Stage<'_>,
    voices: Voices<'_>,
) -> (bool, Option<u64>, String) {
    lead(stage, DIGITS);
    stage.hear_out(60_000);
    wait(stage, 300 + dice.below(600));
    let told = stage.events.len();
    let voice = dice.below(64);
    let pause = 300 + dice.below(1_200);
    let joint = if dice.below(2) == 0 {
        super::hesitation::Joint::Spoken
    } else {
        super::hesitation::Joint::Pasted
    };
    let words = pick(&DIGIT_WORDS, dice);
    let sound = render(words, pause, joint, &|text| voices(text, voice));
    let begins = stage.elapsed_ms();
    stage.play(&sound);
    let ends = stage.elapsed_ms();
    wait(stage, 2_500);
    let cut = stage.events[told..]
        .iter()
        .any(|(at, event)| matches!(event, Event::Heard(_)) && at.millis() + 40 < ends);
    let spoke = stage.is_heard(begins, ends);
    let note = format!("{words} / {pause} ms / {}", heard(stage, told));
    (!cut && !spoke, None, note)
}

fn heard(stage: &Stage<'_>, told: usize) -> String {
    let words = stage.events[told..]
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Heard(heard) => Some(format!(
                "{} ({:.2})",
                heard.intent.as_deref().unwrap_or("-"),
                heard.confidence
            )),
            Event::Said { cut: true, .. } => Some("cut".to_owned()),
            _ => None,
        });
    words.collect::<Vec<_>>().join(", ")
}

/// As loud as callers are: -32 to -18 dB of full scale.
fn level(sound: Vec<i16>, dice: &mut Dice) -> Vec<i16> {
    noises::at_level(&sound, -32.0 + dice.below(15) as f64)
}

fn pick<'a>(from: &[&'a str], dice: &mut Dice) -> &'a str {
    from[dice.below(from.len() as u64) as usize]
}

/// The counts of one kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    pub cases: u64,
    pub wrong: u64,
    pub silent_p50_ms: Option<u64>,
    pub silent_p95_ms: Option<u64>,
}

/// The counts of all, and the four shares that are promised.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TurnsReport {
    pub seed: u64,
    pub cases: u64,
    pub by_kind: BTreeMap<Kind, Tally>,
    pub false_interruptions_percent: f64,
    pub missed_interruptions_percent: f64,
    pub digits_cut_percent: f64,
    pub self_interruptions: u64,
}

impl TurnsReport {
    pub fn of(seed: u64, results: &[Result]) -> Self {
        let mut report = Self {
            seed,
            cases: results.len() as u64,
            ..Self::default()
        };
        let mut silent: BTreeMap<Kind, Vec<u64>> = BTreeMap::new();
        for result in results {
            let tally = report.by_kind.entry(result.kind).or_default();
            tally.cases += 1;
            tally.wrong += u64::from(!result.right);
            silent
                .entry(result.kind)
                .or_default()
                .extend(result.silent_ms);
        }
        for (kind, mut times) in silent {
            times.sort_unstable();
            let at = |percent: usize| {
                times
                    .get((times.len() * percent).div_ceil(100).saturating_sub(1))
                    .copied()
            };
            if let Some(tally) = report.by_kind.get_mut(&kind) {
                (tally.silent_p50_ms, tally.silent_p95_ms) = (at(50), at(95));
            }
        }
        use Kind::*;
        report.false_interruptions_percent = report.share(&[
            Cough,
            MainsHum,
            HummedNote,
            Music,
            TvBabble,
            OwnEcho,
            Nod,
            OverMandatory,
        ]);
        report.missed_interruptions_percent =
            report.share(&[Interruption, DoubleTalk, Key, NodAfterQuestion]);
        report.digits_cut_percent = report.share(&[PausedDigits]);
        report.self_interruptions = report.by_kind.get(&OwnEcho).map_or(0, |tally| tally.wrong);
        report
    }

    /// Wrong cases of these kinds, in per cent.
    fn share(&self, kinds: &[Kind]) -> f64 {
        let tallies = || kinds.iter().filter_map(|kind| self.by_kind.get(kind));
        let cases: u64 = tallies().map(|tally| tally.cases).sum();
        let wrong: u64 = tallies().map(|tally| tally.wrong).sum();
        100.0 * wrong as f64 / cases.max(1) as f64
    }

    pub fn text(&self) -> String {
        let mut lines = vec![format!(
            "{:<20} {:>6} {:>6}   {}",
            "case", "n", "wrong", "first sound -> silence p50 / p95"
        )];
        for (kind, tally) in &self.by_kind {
            let times = match (tally.silent_p50_ms, tally.silent_p95_ms) {
                (Some(p50), Some(p95)) => format!("{p50} / {p95} ms"),
                _ => "-".to_owned(),
            };
            let name = format!("{kind:?}");
            lines.push(format!(
                "{name:<20} {:>6} {:>6}   {times}",
                tally.cases, tally.wrong
            ));
        }
        lines.push(format!(
            "{} cases, seed {}: false interruptions {:.1} %, missed {:.1} %, digits cut {:.1} %, self-interruptions {}",
            self.cases,
            self.seed,
            self.false_interruptions_percent,
            self.missed_interruptions_percent,
            self.digits_cut_percent,
            self.self_interruptions
        ));
        lines.join("\n")
    }
}
