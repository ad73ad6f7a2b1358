//! How Brazilian Portuguese is said and understood.

pub mod grammar;
pub mod verbalise;
