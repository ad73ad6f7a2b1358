//! One conversation: where it stands, what was agreed, what comes next. Text in, text out; no sound, no clock.
//!
//! The same dialogue serves the telephone, the terminal and the simulation.

mod deal;
mod route;
mod speech;

pub use speech::fill;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::deal::Deal;
use super::debt::Debtor;
use super::facts::Facts;
use super::offer::{Offer, Offers};
use super::policy::Policy;
use super::script::{Script, Verb};
use super::verified::{Sealed, Verified};
use crate::base::calendar::Today;
use crate::base::{AgreementId, CallId, Date, Uf};
use crate::language::meaning::Meaning;

/// A script whose states lead on without a question for longer than this runs in a circle.
const HOPS_AT_MOST: u32 = 32;
/// Silence allowed after "um minuto", in seconds.
const WAIT_S: u32 = 30;
/// Silence allowed after a question, in seconds, where the state does not say.
const NOINPUT_S: u32 = 5;

/// Everything a conversation knows when it begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Brief {
    pub call: CallId,
    /// What the debtor may quote later; digits only.
    pub protocol: String,
    /// The debtor's local date and hour.
    pub today: Date,
    pub hour: i8,
    /// How the person sought is addressed.
    pub name: String,
    /// The first three digits of the CPF, to compare with.
    pub cpf_start: String,
    /// Day and month of birth, to compare with; `None` where they are not on file.
    #[serde(default)]
    pub birth: Option<(i8, i8)>,
    /// The state whose hours and holidays hold.
    #[serde(default = "sao_paulo")]
    pub uf: Uf,
    /// Whether there is an address for e-mail on file.
    #[serde(default)]
    pub has_email: bool,
    pub marca: String,
    pub official_phone: String,
    pub official_channel: String,
    /// Whether somebody could take the call over.
    pub staffed: bool,
    /// Where the message goes, as the debtor may hear it ("final quatro três dois um").
    pub destination: String,
    /// What is owed and by whom: readable only with the proof.
    pub account: Sealed<Debtor>,
    pub policy: Policy,
    /// We have called; who answers has still to be found out.
    #[serde(default)]
    pub outbound: bool,
}

const fn sao_paulo() -> Uf {
    Uf::SP
}

/// What the other side did.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Words with a meaning, spoken or typed.
    Meaning(Meaning),
    /// Keys of the telephone.
    Keys(String),
    /// Speech outside the grammar.
    NoMatch,
    /// Nothing, for as long as the question allows.
    Silence,
    /// The call has lasted as long as the script allows.
    Overtime,
}

/// What the agent does next.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub say: Vec<Utterance>,
    pub then: Then,
}

/// A prompt, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utterance {
    /// The state whose prompt this is.
    pub state: String,
    pub text: String,
    /// Heard to the end, or said again.
    pub mandatory: bool,
    /// Sentences of a prompt that may be cut which may not: the notices that the law wants heard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firm: Vec<String>,
}

impl Turn {
    /// The question is asked again because what was heard was no answer to it.
    pub fn is_repair(&self) -> bool {
        self.say
            .first()
            .is_some_and(|utterance| utterance.state == speech::REPAIR)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    Listen(Listen),
    /// Do this, and come back with [`Dialogue::done`].
    Perform(Box<Effect>),
    /// Say goodbye and hang up.
    End,
}

/// What is listened for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listen {
    pub state: String,
    /// `file.gram#rule`.
    pub rules: Vec<String>,
    /// How many digits, spoken or keyed, make the answer complete.
    pub digits: Option<usize>,
    /// How many keys do.
    pub keys: Option<usize>,
    /// Seconds until silence counts as an answer.
    pub noinput_s: u32,
}

/// What the conversation asks the world to do. Each has a key, so that doing it twice does it once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Write the agreement, issue its instrument, queue its message: all or nothing.
    Close {
        agreement: AgreementId,
        offer: Offer,
        means: Means,
        evidence: Option<Evidence>,
    },
    /// Send the message of the agreement once more.
    Resend { agreement: AgreementId, nth: u32 },
    /// Send a message of the script to the number that is called. `name` and `nth` make its key.
    Send {
        name: String,
        nth: u32,
        text: String,
    },
    /// Hand the call to a person.
    Transfer,
    /// Write down what was said: a day, a number, a reason.
    Note {
        nth: u32,
        kind: String,
        text: String,
    },
}

/// How the debtor pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Means {
    #[default]
    Boleto,
    Pix,
}

/// Where in the recording the agreement was read and accepted, in milliseconds of the call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub read_t0_ms: u64,
    pub read_t1_ms: u64,
    pub yes_t0_ms: u64,
    pub yes_t1_ms: u64,
    /// 0–1, the recogniser's.
    pub confidence: f32,
}

/// What became of an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Done,
    Failed,
}

/// One conversation. Feed it what was heard; it answers with a [`Turn`].
#[derive(Clone, Debug)]
pub struct Dialogue {
    script: Arc<Script>,
    brief: Brief,
    state: String,
    /// The question that a detour comes back to.
    question: Option<String>,
    /// How often the present question went unanswered.
    asked: u32,
    visits: BTreeMap<String, u32>,
    repairs: u32,
    /// Wrong digits given so far.
    mismatches: u32,
    verified: Option<Verified>,
    offers: Option<Offers>,
    improvement: usize,
    deal: Deal,
    facts: Facts,
    disposition: Option<String>,
    secondary: Vec<String>,
    last_said: Vec<Utterance>,
    /// How often silence was allowed since the caller asked for it.
    waiting: u32,
    resent: u32,
    /// Effects asked for so far: part of the keys of messages and notes.
    effects: u32,
    /// Answers taken so far.
    turns: u32,
    ended: bool,
}

impl Dialogue {
    pub fn new(script: Arc<Script>, brief: Brief) -> Self {
        let facts = speech::public_facts(&script, &brief);
        let state = script.script.start.clone();
        Self {
            script,
            brief,
            state,
            question: None,
            asked: 0,
            visits: BTreeMap::new(),
            repairs: 0,
            mismatches: 0,
            verified: None,
            offers: None,
            improvement: 0,
            deal: Deal::default(),
            facts,
            disposition: None,
            secondary: Vec::new(),
            last_said: Vec::new(),
            waiting: 0,
            resent: 0,
            effects: 0,
            turns: 0,
            ended: false,
        }
    }

    /// The first turn: the greeting.
    pub fn begin(&mut self) -> Turn {
        let start = self.script.script.start.clone();
        self.enter(&start)
    }

    /// Goes on from what was heard.
    pub fn hear(&mut self, heard: &Heard) -> Turn {
        if self.ended {
            return Turn {
                say: Vec::new(),
                then: Then::End,
            };
        }
        self.turns += 1;
        if self.turns > self.script.script.turns {
            let route = self.script.global.overtime.clone();
            return self.take_leave(route.as_ref());
        }
        match heard {
            Heard::Meaning(meaning) => self.understand(meaning),
            Heard::Keys(keys) => self.press(keys),
            Heard::NoMatch => self.repair(Fault::NoMatch),
            Heard::Silence => self.repair(Fault::Silence),
            Heard::Overtime => {
                let route = self.script.global.overtime.clone();
                self.take_leave(route.as_ref())
            }
        }
    }

    /// Goes on from what became of an effect.
    pub fn done(&mut self, outcome: &Outcome) -> Turn {
        let verb = self
            .script
            .state
            .get(&self.state)
            .and_then(|state| state.act);
        let name = match (verb, outcome) {
            (Some(Verb::FechaAcordo), Outcome::Done) => {
                self.deal.closed = true;
                let code = self.deal.code;
                self.file_under(code);
                "emitido"
            }
            (Some(Verb::Reenvia | Verb::Envia), Outcome::Done) => "enviado",
            (Some(Verb::Transfere), Outcome::Done) => "transferido",
            // What could not be written down is the operator's to know, not the caller's.
            (Some(Verb::Anota | Verb::Agenda), _) => "ok",
            (_, Outcome::Failed) => "falhou",
            (_, Outcome::Done) => "ok",
        };
        self.outcome(name)
    }

    /// What this call will be filed under, as things stand. `hung_up` when the debtor left.
    pub fn disposition(&self, hung_up: bool) -> String {
        if let Some(code) = &self.disposition {
            return code.clone();
        }
        let verified = self.verified.is_some();
        match (hung_up, verified, self.offers.is_some()) {
            (true, true, true) => "DESLIGOU_APOS_OFERTA".into(),
            (true, true, false) => "DESLIGOU_APOS_ID".into(),
            (true, false, _) => "DESLIGOU_ANTES_ID".into(),
            (false, ..) => "NAO_ENTENDIDO".into(),
        }
    }

    /// Other codes that applied, weaker than the first.
    pub fn secondary(&self) -> &[String] {
        &self.secondary
    }

    pub fn state(&self) -> &str {
        &self.state
    }

    pub const fn is_verified(&self) -> bool {
        self.verified.is_some()
    }

    /// The agreement of this call, once it was written.
    pub fn agreement(&self) -> Option<(AgreementId, &Offer)> {
        self.deal.closed.then(|| {
            self.deal
                .offer
                .as_ref()
                .map(|offer| (self.agreement_id(), offer))
        })?
    }

    /// What is on the table: chosen, or offered last. Needs the proof, as everything about the debt.
    pub fn on_the_table(&self) -> Option<&Offer> {
        self.verified.as_ref()?;
        self.deal
            .offer
            .as_ref()
            .or_else(|| self.offers.as_ref().map(|offers| self.cash(offers)))
    }

    /// Phrases that the grammar takes from this call: the name of the person sought.
    pub fn phrases(&self) -> BTreeMap<String, Vec<String>> {
        BTreeMap::from([(
            "nome_titular".to_owned(),
            speech::name_phrases(&self.brief.name),
        )])
    }

    pub const fn today(&self) -> Date {
        self.brief.today
    }

    /// The day of the call, where the person lives.
    pub const fn here(&self) -> Today {
        Today {
            date: self.brief.today,
            uf: Some(self.brief.uf),
        }
    }

    pub const fn is_outbound(&self) -> bool {
        self.brief.outbound
    }

    /// Whether the present question can do something with an intent.
    pub fn answers(&self, intent: &str) -> bool {
        self.script.answers(&self.state, intent)
    }

    /// What is said when the world takes its time.
    pub fn filler(&self) -> Option<String> {
        let template = self.script.global.filler.as_ref()?;
        speech::fill(template, &self.facts)
    }

    /// Longest call, in seconds.
    pub fn limit_s(&self) -> u32 {
        self.script.script.limit_s
    }

    fn agreement_id(&self) -> AgreementId {
        AgreementId(uuid::Uuid::new_v5(&self.brief.call.0, b"acordo"))
    }

    fn cash<'a>(&'a self, offers: &'a Offers) -> &'a Offer {
        self.improvement
            .checked_sub(1)
            .and_then(|nth| offers.improvements.get(nth))
            .unwrap_or(&offers.cash)
    }
}

/// Why a question went unanswered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Silence,
    NoMatch,
}

#[cfg(test)]
mod tests;
