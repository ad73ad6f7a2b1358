//! sim

pub mod portfolio;
