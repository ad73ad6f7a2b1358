//! One test binary: a module per subject.

mod audiosocket;
mod sip;
mod twilio;
mod wires;
