//! The parts together, in one binary: a module for each subject.

mod audiosocket;
mod channels;
mod desk;
mod ledger;
mod postgres;
mod twilio;
mod voices;
#[cfg(feature = "whisper")]
mod whisper;
mod wires;
