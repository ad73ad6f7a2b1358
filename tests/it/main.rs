//! One test binary: a module per subject.

mod audiosocket;
mod twilio;
mod wires;
mod layers;
mod voices;
#[cfg(feature = "whisper")]
mod whisper;
