//! Simulated debtors: they listen to what the agent asks and answer in their own voice. For trials, tests and figures.

pub mod client;
pub mod debtor;
pub mod hesitation;
pub mod live;
pub mod load;
pub mod portfolio;
pub mod report;
pub mod stage;
pub mod text;
pub mod virtual_call;
