//! All that becomes of a datagram on the RTP port: checked, its source chosen, put in order, keys told. No socket.

use super::Frame;
use super::dtmf_event::EventReceiver;
use super::g711::Law;
use super::jitter::{JitterBuffer, Place, Stats};
use super::latch::{Admitted, Latch};
use super::rtp::{self, Packet, RtpError};
use crate::base::Moment;

/// Longest packet taken: 160 ms and some. More is cut.
const LONGEST: usize = 1_400;

/// The payload types agreed on, by the numbers the peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payloads {
    pub a_law: Option<u8>,
    pub mu_law: Option<u8>,
    /// telephone-event/8000.
    pub events: Option<u8>,
}

/// What a datagram was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Sound, or the declaration that there is none.
    Sound,
    /// A key that has just been pressed.
    Key(char),
    /// Another packet of a key that was told already.
    Repeat,
    /// From a source that is not, or not yet, ours.
    Stranger,
    /// Well-formed, but nothing we agreed on.
    UnknownPayload,
    /// RTCP on the same port.
    Report,
    /// Nothing that can be understood.
    Malformed,
}

/// The receiving half of an RTP session.
pub struct Receiver<S> {
    payloads: Payloads,
    latch: Latch<S>,
    buffer: JitterBuffer,
    events: EventReceiver,
    malformed: u64,
    last_packet: Option<Moment>,
}

impl<S: Copy + PartialEq> Receiver<S> {
    pub fn new(payloads: Payloads, expected: Option<S>, delay_ms: u32) -> Self {
        Self {
            payloads,
            latch: Latch::new(expected),
            buffer: JitterBuffer::new(delay_ms),
            events: EventReceiver::default(),
            malformed: 0,
            last_packet: None,
        }
    }

    /// The session was described anew.
    pub fn change(&mut self, payloads: Payloads, expected: Option<S>) {
        self.payloads = payloads;
        self.latch.expect(expected);
    }

    /// Takes a datagram.
    pub fn receive(&mut self, source: S, datagram: &[u8], now: Moment) -> Reaction {
        let packet = match Packet::parse(datagram) {
            Ok(packet) => packet,
            Err(RtpError::Rtcp) if rtp::is_rtcp(datagram) => return Reaction::Report,
            Err(_) => return self.refuse(Reaction::Malformed),
        };
        if !self.is_agreed(packet.header.payload_type) {
            return self.refuse(Reaction::UnknownPayload);
        }
        match self.latch.admit(source, &packet.header, datagram) {
            Admitted::Yes => self.take(&packet, now),
            Admitted::No => Reaction::Stranger,
            Admitted::WithEarlier(earlier) => self.take_all(&earlier, &packet, now),
        }
    }

    /// The peer's next 20 ms.
    pub fn pop(&mut self) -> Frame {
        self.buffer.pop()
    }

    /// Where the sound comes from.
    pub fn source(&self) -> Option<S> {
        self.latch.source()
    }

    /// When the last packet was taken.
    pub fn last_packet(&self) -> Option<Moment> {
        self.last_packet
    }

    /// Datagrams that were dropped because nobody understood them.
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    pub fn stats(&self) -> Stats {
        self.buffer.stats()
    }

    /// The other half of a sender report, once there is something to tell.
    pub fn report(&self) -> Option<rtp::ReceptionReport> {
        let (ssrc, highest_sequence) = self.buffer.source()?;
        let stats = self.stats();
        Some(rtp::ReceptionReport {
            ssrc,
            lost: u32::try_from(stats.missing).unwrap_or(u32::MAX),
            highest_sequence,
            jitter: stats.jitter,
        })
    }

    fn is_agreed(&self, payload_type: u8) -> bool {
        let Payloads {
            a_law,
            mu_law,
            events,
        } = self.payloads;
        [a_law, mu_law, events, Some(rtp::COMFORT_NOISE)].contains(&Some(payload_type))
    }

    fn take_all(&mut self, earlier: &[Vec<u8>], packet: &Packet<'_>, now: Moment) -> Reaction {
        for datagram in earlier {
            if let Ok(packet) = Packet::parse(datagram) {
                self.take(&packet, now);
            }
        }
        self.take(packet, now)
    }

    fn take(&mut self, packet: &Packet<'_>, now: Moment) -> Reaction {
        self.last_packet = Some(now);
        let header = &packet.header;
        let place = Place {
            sequence: header.sequence,
            timestamp: header.timestamp,
            ssrc: header.ssrc,
        };
        let kind = Some(header.payload_type);
        if kind == self.payloads.events {
            return self.take_event(packet, place, now);
        }
        let law = match kind {
            _ if kind == self.payloads.a_law => Law::A,
            _ if kind == self.payloads.mu_law => Law::Mu,
            _ => {
                self.buffer.note(place);
                self.buffer.hush();
                return Reaction::Sound;
            }
        };
        let mut samples = [0; LONGEST];
        let octets = &packet.payload[..packet.payload.len().min(LONGEST)];
        law.decode_into(octets, &mut samples);
        self.buffer.push(place, &samples[..octets.len()], now);
        Reaction::Sound
    }

    fn take_event(&mut self, packet: &Packet<'_>, place: Place, now: Moment) -> Reaction {
        self.buffer.note(place);
        match self.events.receive(&packet.header, packet.payload, now) {
            Ok(Some(key)) => Reaction::Key(key),
            Ok(None) => Reaction::Repeat,
            Err(_) => self.refuse(Reaction::Malformed),
        }
    }

    fn refuse(&mut self, reaction: Reaction) -> Reaction {
        self.malformed += 1;
        reaction
    }
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
