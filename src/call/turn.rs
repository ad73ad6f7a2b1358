//! Turns of both sides: what was said and heard, from when to when.

use super::barge::{is_clear, is_nod};
use super::core::Call;
use super::opinion::HeardPart;
use super::{Action, Event, Latency};
use crate::base::Moment;
use crate::ear::Voice;
use crate::ear::asr::Hypothesis;
use crate::language::meaning::{self, Meaning};
use crate::mind::dialogue::Utterance;

/// Below this the recogniser's best guess is not taken for an answer.
pub(super) const ACCEPT: f32 = 0.35;
/// Sound of the caller that is shorter than this and not understood is a noise, not an answer.
const NOISE_MS: u64 = 350;
/// So much of a prompt unheard means that "sim" was a nod, not an answer.
const BACKCHANNEL_MS: u64 = 1_500;

/// Who acts next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// The agent speaks.
    Agent,
    /// The caller may speak.
    Caller,
    /// An effect is awaited.
    World,
    /// The agent takes leave.
    Leaving,
    Over,
}

/// An utterance on its way to the line.
#[derive(Clone, Debug)]
pub struct Spoken {
    utterance: Utterance,
    /// The numbers of its clauses, in order.
    clauses: Vec<u32>,
    began: Option<Moment>,
    latency: Option<Latency>,
}

impl Call {
    /// Queues an utterance, clause by clause, and asks the voice for them.
    pub(super) fn say(&mut self, utterance: Utterance) {
        let clauses = clauses(&utterance.text);
        let Some(last_index) = clauses.len().checked_sub(1) else {
            return;
        };
        let mut numbers = Vec::with_capacity(clauses.len());
        for (index, text) in clauses.into_iter().enumerate() {
            let prepared = self.ahead.take(&text);
            let number = prepared.as_ref().map_or(self.clause + 1, |(id, _)| *id);
            self.clause = self.clause.max(number);
            numbers.push(number);
            let mandatory = utterance.mandatory || utterance.firm.contains(&text);
            self.playout
                .add(number, &text, mandatory, index == last_index);
            match prepared {
                Some((_, Some(sound))) => self.playout.supply(number, sound),
                // It was asked for, and is on its way.
                Some((_, None)) => {}
                None => self.actions.push_back(Action::Speak {
                    clause: number,
                    text,
                }),
            }
        }
        self.spoken.push_back(Spoken {
            utterance,
            clauses: numbers,
            began: None,
            latency: None,
        });
    }

    pub(super) fn clause_began(&mut self, clause: u32, now: Moment) {
        let answered = self.answered.take();
        let Some(spoken) = self
            .spoken
            .iter_mut()
            .find(|spoken| spoken.clauses.contains(&clause))
        else {
            return;
        };
        if spoken.clauses.first() != Some(&clause) {
            return;
        }
        let again = spoken.began.replace(now).is_some();
        if again {
            return;
        }
        spoken.latency = answered.map(|(ended, decided)| Latency {
            total_ms: to_ms(now.since(ended)),
            endpoint_ms: to_ms(decided.since(ended)),
            voice_ms: to_ms(now.since(decided)),
        });
        let (state, text) = (
            spoken.utterance.state.clone(),
            spoken.utterance.text.clone(),
        );
        self.tell(Event::Saying {
            state,
            text,
            at_ms: now.millis(),
        });
    }

    pub(super) fn utterance_ended(&mut self, clause: u32, now: Moment) {
        let Some(at) = self
            .spoken
            .iter()
            .position(|spoken| spoken.clauses.last() == Some(&clause))
        else {
            return;
        };
        if let Some(spoken) = self.spoken.remove(at) {
            self.close_utterance(spoken, now, false);
        }
        if self.floor == Floor::Leaving && self.spoken.is_empty() {
            self.await_drain(now);
        }
    }

    /// What was not said to its end is written down as far as it got; what never began is not.
    pub(super) fn drop_spoken(&mut self, now: Moment) {
        for spoken in std::mem::take(&mut self.spoken) {
            self.close_utterance(spoken, now, true);
        }
    }

    fn close_utterance(&mut self, spoken: Spoken, now: Moment, cut: bool) {
        let Some(began) = spoken.began else { return };
        let (t0_ms, t1_ms) = (began.millis(), now.millis());
        if spoken.utterance.mandatory && !cut {
            let last = spoken.clauses.last().copied().unwrap_or_default();
            self.reading = Some((t0_ms, t1_ms, last));
        }
        let Utterance { state, text, .. } = spoken.utterance;
        self.tell(Event::Said {
            state,
            text,
            t0_ms,
            t1_ms,
            cut,
            latency: spoken.latency,
        });
    }

    /// Remembers how loud the caller is when he is understood.
    pub(super) fn note_level(&mut self, turn: &crate::ear::Utterance) {
        let understood = turn
            .hypotheses
            .first()
            .is_some_and(|best| best.confidence >= ACCEPT);
        if understood {
            let level = turn.voice.level_db;
            let usual = self.barge.caller_db.unwrap_or(level);
            self.barge.caller_db = Some(usual + 0.5 * (level - usual));
        }
    }

    /// The caller has finished a turn.
    pub(super) fn speech_ended(
        &mut self,
        began: Moment,
        ended: Moment,
        hypotheses: &[Hypothesis],
        voice: Option<Voice>,
        now: Moment,
    ) {
        self.speaking_since = None;
        let best = hypotheses
            .first()
            .filter(|hypothesis| hypothesis.confidence >= ACCEPT);
        // Who says it again, and is understood, need not wait for what he said before.
        if self.awaits_opinion() && best.is_some() {
            self.cut(now);
            self.withdraw();
        }
        if self.listen.is_none() || !matches!(self.floor, Floor::Agent | Floor::Caller) {
            return;
        }
        let meaning = best.map(|hypothesis| meaning::read(&hypothesis.tags, self.dialogue.here()));
        let over_prompt = self.floor == Floor::Agent && !self.playout.is_empty();
        if over_prompt
            && self.playout.is_mandatory()
            && self.playout.clauses_left() == 1
            && best.is_some()
        {
            self.early = Some((began, ended, hypotheses.to_vec()));
            return;
        }
        let is_answer = best.zip(meaning.as_ref()).is_some_and(|(best, meaning)| {
            self.takes_floor(meaning)
                && voice.is_none_or(|voice| {
                    self.is_near(voice.level_db) && is_clear(best.confidence, meaning, voice.melody)
                })
        });
        if over_prompt && !is_answer {
            self.go_on_talking();
            return;
        }
        let voiced = to_ms(ended.since(began));
        if best.is_none() && voiced < NOISE_MS {
            self.yield_floor(now);
            return;
        }
        let part = HeardPart {
            began,
            ended,
            confidence: hypotheses.first().map_or(0.0, |best| best.confidence),
        };
        if best.is_none() && self.ask_opinion(part, now) {
            return;
        }
        self.cut(now);
        self.conclude(part, best.map(words).unwrap_or_default(), meaning, now);
    }

    /// Whether words over a prompt are an answer. A nod in the middle of a statement is not, nor is a noise.
    pub(super) fn takes_floor(&self, meaning: &Meaning) -> bool {
        let nod = is_nod(meaning)
            && (self.playout.left_ms() > BACKCHANNEL_MS || self.playout.clauses_left() > 1);
        meaning.intent.is_some() && !nod && !self.playout.is_mandatory()
    }
}

fn words(hypothesis: &Hypothesis) -> String {
    hypothesis
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn to_ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Sentences of a prompt: the pieces in which it is spoken, cached and counted as heard.
pub fn clauses(text: &str) -> Vec<String> {
    let mut clauses = Vec::new();
    let mut clause = String::new();
    for c in text.chars() {
        clause.push(c);
        if matches!(c, '.' | '?' | '!' | ';' | ':') {
            clauses.push(std::mem::take(&mut clause));
        }
    }
    clauses.push(clause);
    clauses
        .iter()
        .map(|clause| clause.trim())
        .filter(|clause| clause.chars().any(char::is_alphanumeric))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_cut_at_its_sentences() {
        assert_eq!(
            clauses("Bom dia! Aqui é a Ana. Falo com João?"),
            ["Bom dia!", "Aqui é a Ana.", "Falo com João?"]
        );
        assert_eq!(clauses(" … "), Vec::<String>::new());
    }
}
