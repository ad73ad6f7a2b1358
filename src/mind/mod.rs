//! What to say next: script, policy, offers, dialogue. Pure computation on what was heard.

pub mod check;
pub mod debt;
pub mod dialogue;
pub mod disposition;
pub mod facts;
pub mod hours;
pub mod known;
pub mod offer;
pub mod policy;
pub mod script;
pub mod verified;
