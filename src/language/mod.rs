//! How Brazilian Portuguese is said and understood.

pub mod g2p;
pub mod grammar;
pub mod meaning;
pub mod verbalise;

#[cfg(test)]
mod roundtrip;
