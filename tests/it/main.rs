//! One test binary: a module per subject.

mod audiosocket;
mod channels;
mod desk;
mod layers;
mod ledger;
mod load;
mod postgres;
mod sip;
mod twilio;
mod voices;
#[cfg(feature = "whisper")]
mod whisper;
mod wires;
