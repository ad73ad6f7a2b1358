//! Simulated debtors: they listen to what the agent asks and answer in their own voice. For trials, tests and figures.

pub mod client;
pub mod debtor;
pub mod live;
mod persona;
pub mod load;
pub mod portfolio;
pub mod report;
pub mod text;
pub mod virtual_call;
