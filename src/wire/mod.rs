//! Sockets and protocols: bytes in, frames and events out. Every wire offers the same [`Leg`].

pub mod audiosocket;
pub(crate) mod link;
pub mod paced;
pub mod sip;
pub mod twilio;

use std::fmt;

use crate::media::Frame;

/// One connection to a peer, driven by the line: every 20 ms it is pulled once and pushed once.
///
/// None of the methods waits. What a wire cannot do is told by [`Capabilities`] and emulated by the line.
pub trait Leg: Send {
    /// The peer's next 20 ms. Missing sound is concealed or silence: the line's clock never stops.
    fn pull(&mut self) -> Frame;
    /// Hands 20 ms to the line, to be sent at once.
    fn push(&mut self, frame: &Frame);
    /// What else happened since the last call: keys, marks, the end.
    fn poll_event(&mut self) -> Option<LegEvent>;
    /// Drops what the peer has buffered but not yet played, where the wire can (Twilio's `clear`).
    fn flush(&mut self);
    /// Asks to be told ([`LegEvent::Mark`]) when everything pushed so far has been played.
    fn mark(&mut self, id: u64);
    /// Ends the connection in the protocol's way. Repeated calls do nothing.
    fn hang_up(&mut self);
    fn capabilities(&self) -> Capabilities;
    fn quality(&self) -> Quality;
}

/// What a wire can do beyond carrying frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The peer confirms what it has played.
    pub marks: bool,
    /// The peer can drop its buffer.
    pub flush: bool,
    /// Sound in flight that cannot be taken back, in milliseconds.
    pub in_flight_ms: u32,
}

/// What happened on a leg, sound aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegEvent {
    /// A key of the telephone: `0`–`9`, `*`, `#`, `A`–`D`.
    Dtmf(char),
    /// Everything before this mark was played.
    Mark(u64),
    /// The peer has gone.
    HungUp(Cause),
}

/// Why a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The peer hung up.
    Remote,
    /// We did.
    Local,
    /// Nothing arrived for too long.
    Timeout,
    /// The peer broke its protocol, or the transport failed.
    Failure,
}

/// Counters of one leg since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    pub frames_received: u64,
    pub frames_sent: u64,
    /// Frames that never came, or came too late to be played.
    pub frames_lost: u64,
    /// Interarrival jitter in milliseconds (RFC 3550 §6.4.1).
    pub jitter_ms: u32,
    /// Datagrams or messages that were not understood and were dropped.
    pub malformed: u64,
}

/// Who calls whom, and how. The numbers are personal data: they never stand in a log.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub wire: Wire,
    /// The caller as the wire names it: a number in E.164 or a SIP user. Empty when withheld.
    pub from: String,
    /// The number or user called.
    pub to: String,
    /// The peer's own name of the call: Call-ID, CallSid, UUID.
    pub reference: String,
    /// What the wire passes along (Twilio's custom parameters, SIP's X- headers), names in lower case.
    pub parameters: std::collections::BTreeMap<String, String>,
}

/// The protocol of a leg.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Wire {
    Sip,
    Twilio,
    AudioSocket,
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sip => "sip",
            Self::Twilio => "twilio",
            Self::AudioSocket => "audiosocket",
        })
    }
}

/// Takes the calls that arrive on any wire. Answering is the wire's business; it calls this once media can flow.
pub trait Switchboard: Send + Sync {
    /// Whether one more call can be taken now. Asked before media is allocated.
    fn admits(&self, incoming: &Incoming) -> bool;
    /// Takes over an answered leg until its end. Must not block: it spawns the line.
    fn connect(&self, incoming: Incoming, leg: Box<dyn Leg>);
}
