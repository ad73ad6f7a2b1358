//! What to say next: script, policy, offers, dialogue. Pure computation on what was heard.

pub mod check;
pub mod dialogue;
pub mod facts;
pub mod script;
pub mod verified;
