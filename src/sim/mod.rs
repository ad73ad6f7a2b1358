//! sim

pub mod client;
