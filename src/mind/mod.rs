//! What to say next: script, policy, offers, dialogue. Pure computation on what was heard.

pub mod debt;
pub mod offer;
pub mod policy;
