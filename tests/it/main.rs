//! The parts together, in one binary: a module for each subject.

mod channels;
mod desk;
mod ledger;
mod postgres;
