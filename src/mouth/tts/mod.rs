//! Voices. All of them turn text into telephone speech behind one trait.

mod chain;
#[cfg(feature = "espeak")]
mod data;
#[cfg(feature = "espeak")]
pub mod espeak;
pub mod finish;
#[cfg(feature = "piper")]
pub mod piper;

pub use chain::Chain;

use serde::{Deserialize, Serialize};

/// Turns words into sound. Slow and possibly blocking: never called on the media path.
pub trait Voice: Send + Sync {
    /// Its name in the configuration: `espeak`, `piper`.
    fn name(&self) -> &'static str;
    /// Speaks `text`, which holds words only (no digits, no symbols): 8 kHz mono, active level −20 ± 2 dBov, not clipped.
    fn speak(&self, text: &str, settings: &Settings) -> Result<Vec<i16>, VoiceError>;
}

/// How to speak. Part of the key of the cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Name of a voice or variant of the engine; empty for the engine's own choice in pt-BR.
    pub voice: String,
    /// Words a minute.
    pub rate: u32,
    /// 0–99; 50 is the voice's own.
    pub pitch: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            voice: String::new(),
            rate: 165,
            pitch: 50,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VoiceError {
    #[error("the voice {voice} is not available: {reason}. {remedy}")]
    Unavailable {
        voice: String,
        reason: String,
        remedy: String,
    },
    #[error("the voice {voice} could not say a text of {chars} characters: {reason}")]
    Failed {
        voice: String,
        chars: usize,
        reason: String,
    },
}
