//! Answers with and without pauses in them, and how soon, or how much too soon, the agent replies.

use super::stage::{Stage, trim};
use crate::call::Event;
use crate::media::RATE;

/// An answer: pieces of speech with pauses between them, in milliseconds, said to a question that was reached by keys.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What leads to the question, a turn of keys each.
    pub keys: &'static [&'static str],
    /// The words; `|` is a pause.
    pub words: &'static str,
    /// Whether the answer belongs to the closed questions whose time is promised.
    pub closed: bool,
}

/// Keys that lead past each question.
const OPENING: &[&str] = &[];
const DIGITS: &[&str] = &["1"];
const DEBT: &[&str] = &["1", "111"];
const OFFER: &[&str] = &["1", "111", "1"];
const DAY: &[&str] = &["1", "111", "1", "1"];

const fn answer(keys: &'static [&'static str], words: &'static str) -> Answer {
    Answer {
        keys,
        words,
        closed: true,
    }
}

const fn paused(keys: &'static [&'static str], words: &'static str) -> Answer {
    Answer {
        keys,
        words,
        closed: false,
    }
}

/// Answers as people give them, and the same with the pauses of people who think.
pub const ANSWERS: &[Answer] = &[
    answer(OPENING, "sim"),
    answer(OPENING, "sou eu"),
    answer(OPENING, "é ele"),
    answer(OPENING, "sou eu mesmo"),
    answer(OPENING, "não"),
    answer(OPENING, "quem gostaria"),
    answer(DIGITS, "um um um"),
    answer(DIGITS, "cento e onze"),
    answer(DEBT, "sim"),
    answer(DEBT, "pode"),
    answer(DEBT, "pode ser"),
    answer(DEBT, "não"),
    answer(DEBT, "já paguei"),
    answer(OFFER, "sim"),
    answer(OFFER, "fica bom"),
    answer(OFFER, "aceito"),
    answer(OFFER, "quero parcelar"),
    answer(OFFER, "não"),
    answer(DAY, "dia dez"),
    answer(DAY, "amanhã"),
    answer(DAY, "sexta feira"),
    paused(OPENING, "sim| sou eu"),
    paused(OPENING, "não| não sou eu"),
    paused(OPENING, "sou| sou eu"),
    paused(DIGITS, "um| um um"),
    paused(DIGITS, "um um| um"),
    paused(DIGITS, "um| um| um"),
    paused(DEBT, "sim| pode"),
    paused(DEBT, "não| não quero"),
    paused(OFFER, "quero| quero parcelar"),
    paused(OFFER, "não| quero parcelar"),
    paused(DAY, "dia| dez"),
    paused(DAY, "pode ser| dia dez"),
    paused(DAY, "dia vinte| e cinco"),
];

/// How pauses get into an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// One sentence, spoken with its melody and lengthened at its comma.
    Spoken,
    /// Words that were recorded one by one, each with the melody of an end.
    Pasted,
}

/// What became of an answer.
#[derive(Clone, Debug)]
pub struct Replied {
    /// End of the answer to the first sound of the reply; `None` without a reply.
    pub response_ms: Option<u64>,
    /// The agent spoke before the answer was at its end.
    pub early: bool,
    /// Milliseconds from the end as the ear believes it to the decision.
    pub endpoint_ms: Option<u64>,
    /// What was understood.
    pub intent: Option<String>,
}

/// The sound of an answer. `speak` says words in the caller's voice.
pub fn render(
    words: &str,
    pause_ms: u64,
    joint: Joint,
    speak: &dyn Fn(&str) -> Vec<i16>,
) -> Vec<i16> {
    let pause = vec![0; (pause_ms * u64::from(RATE) / 1_000) as usize];
    if !words.contains('|') {
        return trim(&speak(words)).to_vec();
    }
    match joint {
        Joint::Pasted => {
            let pieces: Vec<Vec<i16>> = words
                .split('|')
                .map(|piece| trim(&speak(piece.trim())).to_vec())
                .collect();
            pieces.join(&pause[..])
        }
        Joint::Spoken => stretch(&words.replace('|', ","), &pause, speak),
    }
}

/// Speaks a sentence with commas and makes each of its silences as long as `pause`.
fn stretch(sentence: &str, pause: &[i16], speak: &dyn Fn(&str) -> Vec<i16>) -> Vec<i16> {
    /// Silence between two clauses is longer than a closure within one: 90 ms in blocks of 10.
    const GAP: usize = 9;
    const STEP: usize = RATE as usize / 100;
    let whole = speak(sentence);
    let spoken = trim(&whole);
    let quiet: Vec<bool> = spoken
        .chunks(STEP)
        .map(|step| !super::stage::is_loud(step))
        .collect();
    let mut sound = Vec::new();
    let mut at = 0;
    while at < quiet.len() {
        let run = quiet[at..].iter().take_while(|quiet| **quiet).count();
        if run >= GAP {
            sound.extend_from_slice(pause);
            at += run;
        } else {
            let upto = at + run.max(1);
            sound.extend_from_slice(&spoken[at * STEP..spoken.len().min(upto * STEP)]);
            at = upto;
        }
    }
    sound
}

/// Leads a call to the question, gives the answer, and waits for the reply.
pub fn try_answer(stage: &mut Stage<'_>, keys: &[&str], sound: &[i16]) -> Option<Replied> {
    if !stage.hear_out(40_000) {
        return None;
    }
    for turn in keys {
        turn.chars().for_each(|key| stage.press(key));
        if !stage.hear_out(60_000) {
            return None;
        }
    }
    let told = stage.events.len();
    let begins = stage.elapsed_ms();
    stage.play(sound);
    let ends = begins + sound.len() as u64 * 1_000 / u64::from(RATE);
    for _ in 0..150 {
        stage.tick(&[0; 160]);
    }
    let heard = stage.events[told..]
        .iter()
        .find_map(|(_, event)| match event {
            Event::Heard(heard) => Some(heard),
            _ => None,
        });
    Some(Replied {
        response_ms: stage.sounds_from(ends).map(|at| at - ends),
        early: stage.is_heard(begins, ends),
        endpoint_ms: heard.map(|heard| heard.endpoint_ms),
        intent: heard.and_then(|heard| heard.intent.clone()),
    })
}
