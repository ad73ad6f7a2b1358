//! sim

pub mod client;
pub mod load;
pub mod portfolio;
