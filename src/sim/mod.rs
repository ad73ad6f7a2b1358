//! Simulated debtors: they listen to what the agent asks and answer in their own voice. For trials, tests and figures.

pub mod client;
pub mod debtor;
pub mod hesitation;
pub mod live;
pub mod load;
pub mod noises;
pub mod openings;
mod persona;
pub mod portfolio;
pub mod repertoire;
pub mod report;
pub mod stage;
pub mod text;
pub mod turns;
pub mod virtual_call;
