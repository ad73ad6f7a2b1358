//! Every event the server emits, by name: a log line and a counter each. No name, number or word of a caller is among
//! them.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident => $metric:literal,)*) => {
        $($(#[$doc])* static $name: AtomicU64 = AtomicU64::new(0);)*

        /// All counters in the text form of Prometheus.
        pub fn exposition() -> String {
            let mut text = String::new();
            $(
                let value = $name.load(Ordering::Relaxed);
                // Writing to a string cannot fail.
                let _ = writeln!(text, concat!("# TYPE combinado_", $metric, " counter\ncombinado_", $metric, " {}"), value);
            )*
            text
        }
    };
}

counters! {
    BEGAN => "calls_begun_total",
    ENDED => "calls_ended_total",
    REFUSED => "calls_refused_total",
    VOICE => "voice_failures_total",
    RECORDING => "recording_seconds_lost_total",
    FILES => "file_failures_total",
    LEDGER => "ledger_failures_total",
    EFFECTS => "effect_failures_total",
    EVENTS => "events_lost_total",
    MESSAGES => "messages_settled_total",
    RELOADED => "scripts_reloaded_total",
    NOT_RELOADED => "scripts_refused_total",
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// An error and what caused it, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let _ = write!(text, ": {source}");
        cause = source.source();
    }
    text
}

/// A changed script was right, and new calls begin with it.
pub struct ScriptReloaded<'a> {
    pub version: &'a str,
}

impl ScriptReloaded<'_> {
    pub fn emit(self) {
        count(&RELOADED);
        tracing::info!(version = self.version, "script reloaded");
    }
}

/// A changed script has mistakes, and the old one goes on.
pub struct ScriptRefused<'a> {
    pub version: &'a str,
    pub reason: String,
}

impl ScriptRefused<'_> {
    pub fn emit(self) {
        count(&NOT_RELOADED);
        tracing::warn!(
            version = self.version,
            reason = self.reason,
            "script refused; the old one goes on; run combinado check"
        );
    }
}

/// A call was answered.
pub struct CallBegan;

impl CallBegan {
    pub fn emit(self) {
        count(&BEGAN);
        tracing::info!("call began");
    }
}

/// A call is over, and everything about it is written.
pub struct CallEnded;

impl CallEnded {
    pub fn emit(self) {
        count(&ENDED);
        tracing::info!("call ended");
    }
}

/// A call was not taken. The code stands in `docs/codes.md`.
pub struct CallRefused {
    pub code: &'static str,
}

impl CallRefused {
    pub fn emit(self) {
        count(&REFUSED);
        tracing::info!(code = self.code, "call refused");
    }
}

/// A voice could not speak; the clause was left out or another voice took over.
pub struct VoiceFailed {
    pub reason: String,
}

impl VoiceFailed {
    pub fn emit(self) {
        count(&VOICE);
        tracing::error!(reason = self.reason, "a voice failed");
    }
}

/// A phrase of the script was spoken ahead of the calls that will need it.
pub struct PhrasesPrepared {
    pub done: usize,
    pub of: usize,
}

impl PhrasesPrepared {
    pub fn emit(self) {
        if self.done == self.of {
            tracing::info!(phrases = self.of, "the script's own phrases are ready");
        } else if self.done.is_multiple_of(50) {
            tracing::info!(
                done = self.done,
                of = self.of,
                "speaking the script's own phrases"
            );
        }
    }
}

/// The recorder could not keep up: a second of a recording is missing.
pub struct RecordingLost;

impl RecordingLost {
    pub fn emit(self) {
        count(&RECORDING);
        tracing::error!("a second of a recording was lost: is the disk full or too slow?");
    }
}

/// A file could not be written.
pub struct FileFailed {
    pub what: &'static str,
    pub reason: String,
}

impl FileFailed {
    pub fn emit(self) {
        count(&FILES);
        tracing::error!(
            what = self.what,
            reason = self.reason,
            "a file could not be written"
        );
    }
}

/// The database refused something.
pub struct LedgerFailed<'a> {
    pub error: &'a dyn Error,
}

impl LedgerFailed<'_> {
    pub fn emit(self) {
        count(&LEDGER);
        tracing::error!(error = chain(self.error), "the ledger failed");
    }
}

/// An effect of a call could not be done.
pub struct EffectFailed<'a> {
    pub error: &'a dyn Error,
}

impl EffectFailed<'_> {
    pub fn emit(self) {
        count(&EFFECTS);
        tracing::error!(error = chain(self.error), "an effect failed");
    }
}

/// The database is so slow that an event of a call could not be kept.
pub struct EventLost;

impl EventLost {
    pub fn emit(self) {
        count(&EVENTS);
        tracing::error!("an event of a call was lost: the database does not keep up");
    }
}

/// An attempt to send a message is over.
pub struct MessageSettled {
    pub sent: bool,
}

impl MessageSettled {
    pub fn emit(self) {
        count(&MESSAGES);
        tracing::info!(sent = self.sent, "message settled");
    }
}

/// The script could not be loaded anew; the old one stays.
pub struct ScriptKept {
    pub mistakes: usize,
}

impl ScriptKept {
    pub fn emit(self) {
        tracing::warn!(
            mistakes = self.mistakes,
            "the new script has mistakes; the old one stays"
        );
    }
}
