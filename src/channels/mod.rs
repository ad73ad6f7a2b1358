//! Writing to debtors. Messages come from the ledger's outbox; each is sent once, whatever happens to the process.

pub mod local;
pub mod outbox;
pub mod sms;
pub mod twilio;

use std::sync::Once;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

/// A message as a channel sees it. Debug shows neither text nor number.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// The ledger's id of it.
    pub id: uuid::Uuid,
    /// E.164.
    pub to: String,
    pub text: String,
    /// When the first attempt to send it began.
    pub tried_at: Timestamp,
    /// Provider ids of other messages with the same number and text.
    pub twins: Vec<String>,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What a provider made of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has it, under this id.
    Taken { provider_id: String },
    /// It has surely not taken it, and may later.
    Later {
        error: String,
        after: Option<std::time::Duration>,
    },
    /// It may or may not have it: the answer was lost, late or unreadable.
    Unknown { error: String },
    /// It will never take it.
    Never { error: String },
}

/// What a provider knows of a letter that may have reached it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has it, under this id.
    There { provider_id: String },
    /// It does not have it.
    Nothing,
    /// It could not be asked.
    Unavailable { error: String },
}

/// A way to send letters of one channel.
pub trait Sender: Send + Sync {
    /// The channel whose messages it takes, as `sms`.
    fn channel(&self) -> &'static str;
    /// Hands one letter to the provider.
    fn send<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Answer>;
    /// Asks the provider whether it has this letter already.
    fn find<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Found>;
}

/// Chooses the program's implementation of TLS. Must have happened before the first HTTPS request; repeats do nothing.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    // An error says that another part of the program has chosen already, which is as good.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}
