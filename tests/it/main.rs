//! The parts together, in one binary: a module for each subject.

mod audiosocket;
mod broken;
mod calls;
mod channels;
mod crash;
mod desk;
mod heard;
mod layers;
mod ledger;
mod load;
mod mind;
mod opinion;
mod postgres;
mod reload;
mod sip;
mod turns;
mod twilio;
mod voices;
#[cfg(feature = "whisper")]
mod whisper;
mod wires;
