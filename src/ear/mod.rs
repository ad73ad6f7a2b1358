//! Hearing: voice activity, end of turn, keys, and speech to meaning.

pub mod amd;
pub mod asr;
pub mod cadence;
pub mod clip;
pub mod dtmf;
pub mod echo;
pub mod endpoint;
mod event;
mod listener;
pub mod vad;

pub use endpoint::{Expect, Pace};
pub use event::{EarEvent, Sound, Utterance, Voice};
pub use listener::{Ear, Settings};
