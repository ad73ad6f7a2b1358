//! The commands. Data goes to stdout, everything else to stderr; `--json` prints one object a line.

pub mod inspect;
pub mod models;
pub mod say;

use serde::Serialize;

/// How a command ended (`design.md` §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    Failure = 1,
    Usage = 2,
    Configuration = 3,
    Findings = 4,
    Unavailable = 5,
}

/// Where results go, and in which form.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// Prints one record: as a line of JSON, or as `human` would read it.
    pub fn record<T: Serialize>(self, value: &T, human: impl FnOnce() -> String) {
        let text = if self.json {
            serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
        } else {
            human()
        };
        // A closed pipe (`| head`) is the reader's choice, not a failure.
        let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), format!("{text}\n").as_bytes());
    }
}
