//! Calls without sound: what is typed goes through the same grammar, script and policy as what is spoken.

use std::sync::Arc;

use crate::call::{GraphError, Graphs};
use crate::language::meaning;
use crate::mind::dialogue::{
    Brief, Dialogue, Effect, Heard, Listen, Outcome, Then, Turn, Utterance,
};
use crate::mind::script::Script;

use super::debtor::{Mind, Reply, Wants};
use super::report::Finished;

/// Turns after which a conversation in text is taken to run in a circle.
const TURNS_AT_MOST: usize = 80;

/// A conversation in text.
pub struct Chat {
    dialogue: Dialogue,
    script: Arc<Script>,
    graphs: Arc<Graphs>,
    listen: Option<Listen>,
    /// Effects that were asked for, in order. In text they always succeed.
    pub effects: Vec<Effect>,
}

/// What a typed line came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    pub intent: Option<String>,
    pub confidence: f32,
}

impl Chat {
    pub fn new(script: Arc<Script>, graphs: Arc<Graphs>, brief: Brief) -> (Self, Vec<Utterance>) {
        let mut chat = Self {
            dialogue: Dialogue::new(script.clone(), brief),
            script,
            graphs,
            listen: None,
            effects: Vec::new(),
        };
        let turn = chat.dialogue.begin();
        let said = chat.settle(turn);
        (chat, said)
    }

    /// Takes in a line: words, keys if it is all digits, silence if it is empty.
    ///
    /// # Errors
    /// A grammar of the script that does not compile.
    pub fn type_line(&mut self, line: &str) -> Result<(Understood, Vec<Utterance>), GraphError> {
        let line = line.trim();
        let (understood, heard) = if line.is_empty() {
            (
                Understood {
                    intent: None,
                    confidence: 0.0,
                },
                Heard::Silence,
            )
        } else if line
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'))
        {
            (
                Understood {
                    intent: None,
                    confidence: 1.0,
                },
                Heard::Keys(line.to_owned()),
            )
        } else {
            self.understand(line)?
        };
        let turn = self.dialogue.hear(&heard);
        Ok((understood, self.settle(turn)))
    }

    fn understand(&self, line: &str) -> Result<(Understood, Heard), GraphError> {
        let rules = self
            .listen
            .as_ref()
            .map(|listen| listen.rules.clone())
            .unwrap_or_default();
        let parses = self.graphs.read(&rules, &self.dialogue.phrases(), line)?;
        let best = parses.first().filter(|best| best.is_accepted());
        let confidence = parses.first().map_or(0.0, |best| best.confidence);
        Ok(match best {
            Some(best) => {
                let meaning = meaning::read_for(&best.tags, self.dialogue.here(), &|intent| {
                    self.listen
                        .as_ref()
                        .is_some_and(|listen| self.script.answers(&listen.state, intent))
                });
                (
                    Understood {
                        intent: meaning.intent.clone(),
                        confidence,
                    },
                    Heard::Meaning(meaning),
                )
            }
            None => (
                Understood {
                    intent: None,
                    confidence,
                },
                Heard::NoMatch,
            ),
        })
    }

    /// Follows a turn to the next question, doing what it asks on the way.
    fn settle(&mut self, mut turn: Turn) -> Vec<Utterance> {
        let mut said = turn.say;
        loop {
            match turn.then {
                Then::Listen(listen) => {
                    self.listen = Some(listen);
                    return said;
                }
                Then::Perform(effect) => {
                    self.effects.push(*effect);
                    turn = self.dialogue.done(&Outcome::Done);
                    said.append(&mut turn.say);
                }
                Then::End => {
                    self.listen = None;
                    return said;
                }
            }
        }
    }

    pub const fn is_over(&self) -> bool {
        self.listen.is_none()
    }

    pub const fn dialogue(&self) -> &Dialogue {
        &self.dialogue
    }
}

/// A whole simulated call in text.
///
/// # Errors
/// A grammar of the script that does not compile.
pub fn run(
    script: Arc<Script>,
    graphs: Arc<Graphs>,
    brief: Brief,
    mind: &mut Mind,
) -> Result<Finished, GraphError> {
    let (mut chat, mut said) = Chat::new(script, graphs, brief);
    let mut disclosures = count_disclosures(&chat, &said);
    for _ in 0..TURNS_AT_MOST {
        if chat.is_over() {
            break;
        }
        let text: Vec<&str> = said
            .iter()
            .map(|utterance| utterance.text.as_str())
            .collect();
        let line = match mind.answer(chat.dialogue.state(), &text.join(" ")) {
            Reply::Say(words) => words,
            Reply::Press(keys) => keys,
            Reply::Nothing => String::new(),
        };
        said = chat.type_line(&line)?.1;
        disclosures += count_disclosures(&chat, &said);
    }
    let finished = chat.is_over().then(|| chat.dialogue.disposition(false));
    Ok(judge(
        mind,
        chat.dialogue(),
        &chat.effects,
        finished,
        disclosures,
    ))
}

/// Compares what was agreed with what the debtor wanted.
pub fn judge(
    mind: &Mind,
    dialogue: &Dialogue,
    effects: &[Effect],
    disposition: Option<String>,
    disclosures: u32,
) -> Finished {
    let closed = effects.iter().find_map(|effect| match effect {
        Effect::Close { offer, .. } => Some(offer),
        Effect::Resend { .. } | Effect::Send { .. } | Effect::Transfer | Effect::Note { .. } => {
            None
        }
    });
    let agreed = dialogue.agreement().is_some();
    let due = closed
        .and_then(|offer| offer.instalments.first())
        .map(|first| first.due);
    Finished {
        persona: mind.persona,
        disposition,
        agreed,
        wrong_amount: closed.is_some_and(|offer| {
            !mind.persona.cooperates()
                || !mind.wish.totals.contains(&offer.total)
                || plan_differs(mind, offer.count())
        }),
        wrong_date: due.is_some_and(|due| due != mind.wish.due),
        disclosures,
        outside_policy: closed.is_some_and(|offer| mind.is_outside_policy(offer)),
        audio_ms: 0,
        latencies: Vec::new(),
    }
}

fn plan_differs(mind: &Mind, instalments: u32) -> bool {
    mind.persona.wants() == Wants::Parcelado && instalments != mind.wish.n
}

/// Prompts that name an amount before the proof.
fn count_disclosures(chat: &Chat, said: &[Utterance]) -> u32 {
    if chat.dialogue.is_verified() {
        0
    } else {
        said.iter()
            .filter(|utterance| tells_debt(&utterance.text))
            .count() as u32
    }
}

/// Whether a sentence tells of a debt: an amount, or one of its words.
pub fn tells_debt(text: &str) -> bool {
    let lower = text.to_lowercase();
    [
        "reais",
        "real ",
        "centavos",
        "dívida",
        "débito",
        "em aberto",
        "vencimento",
        "vencida",
        "multa",
        "juros",
        "boleto",
    ]
    .iter()
    .any(|word| lower.contains(word))
}
