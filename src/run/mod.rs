//! run

pub mod phrases;
