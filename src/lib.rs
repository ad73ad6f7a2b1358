//! `combinado`: a telephone agent that negotiates overdue debts in Brazilian Portuguese.
//!
//! The modules stand in the order in which a call meets them; `ARCHITECTURE.md` tells who may use whom.

pub mod base;
pub mod language;

pub mod media;
pub mod wire;

pub mod ear;
pub mod mind;
pub mod mouth;

pub mod call;
pub mod run;

pub mod channels;
pub mod desk;
pub mod ledger;

pub mod cli;
pub mod config;
#[doc(hidden)]
pub mod fuzz;
pub mod sim;
pub mod telemetry;
