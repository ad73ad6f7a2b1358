//! Hearing: voice activity, end of turn, keys, and speech to meaning.

pub mod asr;
