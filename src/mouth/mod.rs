//! What the agent says, and how: prompts, voices, cache, playout.

pub mod tts;
