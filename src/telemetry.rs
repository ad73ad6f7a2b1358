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
            expose_latency(&mut text);
            text
        }
    };
}

counters! {
    BEGAN => "calls_begun_total",
    ENDED => "calls_ended_total",
    REFUSED => "calls_refused_total",
    VOICE => "voice_failures_total",
    TRANSCRIBER => "transcriber_failures_total",
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

/// Upper bounds of the histogram of answers, in milliseconds; the last bucket has none.
const BOUNDS_MS: [u32; 8] = [100, 150, 200, 300, 500, 800, 1_200, 2_000];
static ANSWERS: [AtomicU64; BOUNDS_MS.len() + 1] =
    [const { AtomicU64::new(0) }; BOUNDS_MS.len() + 1];
static ANSWER_MS: AtomicU64 = AtomicU64::new(0);
static ENDPOINT_MS: AtomicU64 = AtomicU64::new(0);
static DECIDE_US: AtomicU64 = AtomicU64::new(0);
static VOICE_MS: AtomicU64 = AtomicU64::new(0);

/// The time of an answer and its parts, in the text form of Prometheus.
fn expose_latency(text: &mut String) {
    let _ = writeln!(text, "# TYPE combinado_turn_latency_ms histogram");
    let mut below = 0;
    for (bucket, count) in ANSWERS.iter().enumerate() {
        below += count.load(Ordering::Relaxed);
        let bound = BOUNDS_MS
            .get(bucket)
            .map_or("+Inf".to_owned(), u32::to_string);
        let _ = writeln!(
            text,
            "combinado_turn_latency_ms_bucket{{le=\"{bound}\"}} {below}"
        );
    }
    let sum = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let _ = writeln!(text, "combinado_turn_latency_ms_sum {}", sum(&ANSWER_MS));
    let _ = writeln!(text, "combinado_turn_latency_ms_count {below}");
    let _ = writeln!(text, "# TYPE combinado_turn_stage_ms_total counter");
    for (stage, ms) in [
        ("endpoint", sum(&ENDPOINT_MS)),
        ("decide", sum(&DECIDE_US) / 1_000),
        ("voice", sum(&VOICE_MS)),
    ] {
        let _ = writeln!(
            text,
            "combinado_turn_stage_ms_total{{stage=\"{stage}\"}} {ms}"
        );
    }
}

/// The caller's turn was answered: from the end of his speech, by the parts of that time.
pub struct TurnAnswered {
    pub total_ms: u32,
    pub endpoint_ms: u32,
    pub decide_us: u64,
    pub voice_ms: u32,
}

impl TurnAnswered {
    pub fn emit(self) {
        let bucket = BOUNDS_MS
            .iter()
            .take_while(|bound| self.total_ms > **bound)
            .count();
        count(&ANSWERS[bucket]);
        let add = |counter: &AtomicU64, value: u64| counter.fetch_add(value, Ordering::Relaxed);
        add(&ANSWER_MS, self.total_ms.into());
        add(&ENDPOINT_MS, self.endpoint_ms.into());
        add(&DECIDE_US, self.decide_us);
        add(&VOICE_MS, self.voice_ms.into());
        tracing::debug!(
            total_ms = self.total_ms,
            endpoint_ms = self.endpoint_ms,
            decide_us = self.decide_us,
            voice_ms = self.voice_ms,
            "turn answered"
        );
    }
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

/// A second opinion could not be had; the caller is asked again.
pub struct TranscriberFailed {
    pub reason: String,
}

impl TranscriberFailed {
    pub fn emit(self) {
        count(&TRANSCRIBER);
        tracing::warn!(reason = self.reason, "nothing was written down");
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
