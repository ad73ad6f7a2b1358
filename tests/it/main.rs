//! The parts together, in one binary: a module for each subject.

mod audiosocket;
mod sip;
mod twilio;
mod voices;
mod wires;
mod layers;
mod voices;
#[cfg(feature = "whisper")]
mod whisper;
