//! sim

pub mod client;
pub mod portfolio;
