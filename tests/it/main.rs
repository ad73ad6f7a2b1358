//! One test binary: a module per subject.

mod audiosocket;
mod channels;
mod desk;
mod ledger;
mod postgres;
mod sip;
mod twilio;
mod wires;
