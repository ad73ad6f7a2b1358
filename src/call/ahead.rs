//! What will probably be said next is spoken before it is needed: while the caller's silence is not yet long enough to
//! be an end, the answer to what he seems to have said is already under way to the voice.

use std::sync::Arc;

use super::Action;
use super::core::Call;
use super::turn::{ACCEPT, Floor, clauses};
use crate::ear::asr::Hypothesis;
use crate::language::meaning;
use crate::mind::dialogue::Heard;

/// Clauses of an answer that are spoken ahead; the others are spoken while these are heard.
const AHEAD: usize = 2;
/// Clauses that are kept in case that they are needed after all.
const KEPT: usize = 8;

/// A clause that was asked for before its turn.
#[derive(Clone, Debug)]
struct Prepared {
    id: u32,
    text: String,
    sound: Option<Arc<[i16]>>,
}

/// The clauses of answers that may come.
#[derive(Clone, Debug, Default)]
pub struct Ahead(Vec<Prepared>);

impl Ahead {
    /// Takes out a clause with these words: its number, and its sound if that has come.
    pub fn take(&mut self, text: &str) -> Option<(u32, Option<Arc<[i16]>>)> {
        let at = self.0.iter().position(|prepared| prepared.text == text)?;
        let prepared = self.0.remove(at);
        Some((prepared.id, prepared.sound))
    }

    /// Gives a clause its sound; `false` when it is not waited for here.
    pub fn supply(&mut self, id: u32, sound: &Arc<[i16]>) -> bool {
        let waiting = self.0.iter_mut().find(|prepared| prepared.id == id);
        waiting.is_some_and(|prepared| {
            prepared.sound = Some(sound.clone());
            true
        })
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn has(&self, text: &str) -> bool {
        self.0.iter().any(|prepared| prepared.text == text)
    }

    fn add(&mut self, id: u32, text: &str) {
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push(Prepared {
            id,
            text: text.to_owned(),
            sound: None,
        });
    }
}

impl Call {
    /// The caller has perhaps said this, and perhaps no more. Nothing is decided yet.
    pub(super) fn foresee(&mut self, hypotheses: &[Hypothesis]) {
        if self.listen.is_none() || !matches!(self.floor, Floor::Agent | Floor::Caller) {
            return;
        }
        let Some(best) = hypotheses.first().filter(|best| best.confidence >= ACCEPT) else {
            return;
        };
        let meaning = meaning::read(&best.tags, self.dialogue.here());
        let turn = self.dialogue.clone().hear(&Heard::Meaning(meaning));
        // "Pode ser" is no day: whoever says it to the question for one is about to name it.
        if turn.is_repair() {
            self.ear.expect_more();
            return;
        }
        let said = turn
            .say
            .iter()
            .flat_map(|utterance| clauses(&utterance.text));
        for text in said.take(AHEAD) {
            if !self.ahead.has(&text) {
                self.clause += 1;
                self.ahead.add(self.clause, &text);
                self.actions.push_back(Action::Speak {
                    clause: self.clause,
                    text,
                });
            }
        }
    }
}
