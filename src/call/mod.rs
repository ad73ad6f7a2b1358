//! A call: one deterministic state machine. It is told the time, does no I/O, and answers every input with actions.
//!
//! `handle` takes one [`Input`]; `poll` then gives the [`Action`]s one by one until `None`; `wake_at` says when to come
//! back at the latest. The same inputs at the same moments give the same actions, bit for bit: `combinado replay`
//! relies on it.

mod ahead;
mod answer;
mod barge;
mod core;
mod graphs;
mod heard;
mod keys;
mod ledger;
mod log;
mod opinion;
mod timers;
mod turn;

pub use self::core::Call;
pub use graphs::{GraphError, Graphs};
pub use ledger::{Fate, Span};
pub use log::{LogError, Record, decode, encode_action, encode_answer, encode_input};
pub use opinion::{Question, Writing};
pub use timers::Timer;
pub use turn::clauses;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ear::amd::Verdict;
use crate::media::Frame;
use crate::mind::dialogue::{Effect, Outcome};

/// After the last word was heard, until the line is released.
const DRAIN: Duration = Duration::from_millis(200);

/// Everything that can happen to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The peer's next 20 ms. Each is answered by exactly one [`Action::Send`].
    Frame(Box<Frame>),
    /// A key of the telephone.
    Key(char),
    /// A clause was spoken by the voice: 8 kHz samples.
    Voice { clause: u32, sound: Arc<[i16]> },
    /// No voice could speak a clause.
    Mute { clause: u32 },
    /// The peer has heard a clause to its end, and with it all that was said before.
    Played { clause: u32 },
    /// What became of an effect. An answer with another id than the last effect's is late, and dropped.
    Effect { id: u32, outcome: Outcome },
    /// What a transcriber wrote down; `None` when it could not. An answer to another question than the last is dropped.
    Written { id: u32, writing: Option<Writing> },
    /// The leg has ended.
    HungUp(Ending),
    /// A deadline has come ([`Call::wake_at`]).
    Wake,
}

/// How the leg ended, as the core cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    Remote,
    Local,
    Timeout,
    Failure,
}

/// Everything a call asks of the outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send 20 ms to the peer.
    Send(Box<Frame>),
    /// Drop what the peer has not played yet.
    Flush,
    /// Ask the peer to say when everything sent so far was played: [`Input::Played`].
    Mark { clause: u32 },
    /// Have a clause spoken, and bring it back as [`Input::Voice`].
    Speak { clause: u32, text: String },
    /// Do this to the world, and bring back [`Input::Effect`].
    Perform { id: u32, effect: Box<Effect> },
    /// Have a turn written down that was not understood, and bring back [`Input::Written`].
    Transcribe { id: u32, question: Box<Question> },
    /// That is not wanted any more.
    Forget { id: u32 },
    /// Something worth writing down happened.
    Tell(Event),
    /// End the leg.
    HangUp,
}

/// What supervisors see of a call, as it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The agent begins to say something.
    Saying {
        state: String,
        text: String,
        at_ms: u64,
    },
    /// The agent has said something, or was cut.
    Said {
        state: String,
        text: String,
        t0_ms: u64,
        t1_ms: u64,
        cut: bool,
        latency: Option<Latency>,
    },
    /// The caller has said or keyed something.
    Heard(HeardTurn),
    /// The caller was silent for as long as the question allows.
    Silent { state: String, at_ms: u64 },
    /// What became of a clause on its way to the caller's ear.
    Clause(Span),
    /// Who or what has answered a call that we made.
    Answered(Verdict),
    /// The right party was verified.
    Verified { at_ms: u64 },
    /// An offer was named for the first time.
    Offered { at_ms: u64 },
    /// An agreement was written.
    Agreed { at_ms: u64 },
    /// The call is over.
    Ended {
        disposition: String,
        secondary: Vec<String>,
        at_ms: u64,
        by: Ending,
    },
}

/// One turn of the caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeardTurn {
    pub state: String,
    /// The words, or the keys. Empty when nothing of the grammar was heard.
    pub text: String,
    pub intent: Option<String>,
    /// 0–1.
    pub confidence: f32,
    pub keyed: bool,
    pub t0_ms: u64,
    pub t1_ms: u64,
    /// From the estimated end of speech to the decision that it had ended.
    pub endpoint_ms: u64,
}

/// From the estimated end of the caller's speech to the first sound of the answer, and its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    pub total_ms: u64,
    /// Until the turn was taken to be over.
    pub endpoint_ms: u64,
    /// From there until the first frame with sound was handed to the line.
    pub voice_ms: u64,
}
