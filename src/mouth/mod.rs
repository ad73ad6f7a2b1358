//! What the agent says, and how: prompts, voices, cache, playout.

pub mod cache;
pub mod lexicon;
pub mod playout;
pub mod recorded;
pub mod spoken;
pub mod ssml;
pub mod tts;
