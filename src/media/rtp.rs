//! RTP packets (RFC 3550, 3551): checked reading, writing, and the reports of RTCP. No sockets.

use super::FRAME;

/// Octets before the payload when there are neither contributing sources nor an extension.
pub const HEADER: usize = 12;
/// Static payload type of µ-law (RFC 3551 §6).
pub const PCMU: u8 = 0;
/// Static payload type of A-law.
pub const PCMA: u8 = 8;
/// Comfort noise (RFC 3389).
pub const COMFORT_NOISE: u8 = 13;

/// Why a datagram is no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    #[error("{0} octets are too few")]
    Short(usize),
    #[error("version {0}, not 2")]
    Version(u8),
    #[error("contributing sources or extension beyond the end")]
    Header,
    #[error("padding beyond the payload, or of length zero")]
    Padding,
    /// Both protocols may share a port (RFC 5761).
    #[error("an RTCP packet")]
    Rtcp,
}

/// The fixed part of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    /// In units of the sampling clock: 1/8000 s for all our payloads.
    pub timestamp: u32,
    pub ssrc: u32,
}

/// A packet as it lies in the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub header: Header,
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram, with all lengths checked (RFC 3550 §5.1, A.1).
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RtpError> {
        let (fixed, rest) = datagram
            .split_first_chunk::<HEADER>()
            .ok_or(RtpError::Short(datagram.len()))?;
        let version = fixed[0] >> 6;
        if version != 2 {
            return Err(RtpError::Version(version));
        }
        // 192–223 in the second octet is RTCP on the same port (RFC 5761 §4).
        if (192..=223).contains(&fixed[1]) {
            return Err(RtpError::Rtcp);
        }
        let payload = skip_extension(fixed[0], skip_sources(fixed[0], rest)?)?;
        Ok(Self {
            header: Header::read(fixed),
            payload: strip_padding(fixed[0], payload)?,
        })
    }
}

impl Header {
    fn read(fixed: &[u8; HEADER]) -> Self {
        Self {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7F,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        }
    }

    /// The twelve octets on the wire.
    pub fn encode(&self) -> [u8; HEADER] {
        let mut octets = [0; HEADER];
        octets[0] = 0x80;
        octets[1] = self.payload_type & 0x7F | if self.marker { 0x80 } else { 0 };
        octets[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        octets[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        octets[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        octets
    }
}

fn skip_sources(first: u8, rest: &[u8]) -> Result<&[u8], RtpError> {
    rest.get(4 * usize::from(first & 0x0F)..)
        .ok_or(RtpError::Header)
}

fn skip_extension(first: u8, rest: &[u8]) -> Result<&[u8], RtpError> {
    if first & 0x10 == 0 {
        return Ok(rest);
    }
    let ([_, _, high, low], rest) = rest.split_first_chunk::<4>().ok_or(RtpError::Header)?;
    rest.get(4 * usize::from(u16::from_be_bytes([*high, *low]))..)
        .ok_or(RtpError::Header)
}

fn strip_padding(first: u8, payload: &[u8]) -> Result<&[u8], RtpError> {
    if first & 0x20 == 0 {
        return Ok(payload);
    }
    let padding = usize::from(*payload.last().ok_or(RtpError::Padding)?);
    if padding == 0 || padding > payload.len() {
        return Err(RtpError::Padding);
    }
    Ok(&payload[..payload.len() - padding])
}

/// The numbering of what we send: one packet every 20 ms, without a hole from the answer to the end.
#[derive(Clone, Debug)]
pub struct Sequencer {
    next: Header,
    started: bool,
    packets: u32,
    octets: u32,
}

impl Sequencer {
    /// Starts must be random (RFC 3550 §5.1), so that they come from outside.
    pub fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        let next = Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc,
        };
        Self {
            next,
            started: false,
            packets: 0,
            octets: 0,
        }
    }

    /// The header of the next packet of sound. The marker stands on the very first one only.
    pub fn audio(&mut self, payload_type: u8, octets: usize) -> Header {
        let header = Header {
            marker: !self.started,
            payload_type,
            ..self.next
        };
        self.count(octets);
        header
    }

    /// The header of a packet of another payload that began at `timestamp` (RFC 4733 §2.5.1.2).
    pub fn event(
        &mut self,
        payload_type: u8,
        timestamp: u32,
        marker: bool,
        octets: usize,
    ) -> Header {
        let header = Header {
            marker,
            payload_type,
            timestamp,
            ..self.next
        };
        self.count(octets);
        header
    }

    /// Lets 20 ms pass: to be called once a frame, whether a packet was sent or not.
    pub fn tick(&mut self) {
        self.next.timestamp = self.next.timestamp.wrapping_add(FRAME as u32);
    }

    /// The timestamp of the current 20 ms.
    pub fn timestamp(&self) -> u32 {
        self.next.timestamp
    }

    /// What a sender report tells.
    pub fn report(&self) -> SenderReport {
        SenderReport {
            ssrc: self.next.ssrc,
            timestamp: self.next.timestamp,
            packets: self.packets,
            octets: self.octets,
        }
    }

    fn count(&mut self, octets: usize) {
        self.started = true;
        self.next.sequence = self.next.sequence.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(octets as u32);
    }
}

/// The sender's half of an RTCP report (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport {
    pub ssrc: u32,
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// What we tell about the stream we receive (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptionReport {
    pub ssrc: u32,
    /// Packets lost since the beginning; 24 bits on the wire.
    pub lost: u32,
    /// Highest sequence number, with its cycles in the upper half.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
}

/// A compound packet: sender report, the reception report when there is one, and the canonical name (RFC 3550 §6.1).
pub fn encode_report(
    sent: &SenderReport,
    ntp: u64,
    heard: Option<&ReceptionReport>,
    name: &str,
) -> Vec<u8> {
    let mut packet = Vec::with_capacity(96);
    put_header(
        &mut packet,
        u8::from(heard.is_some()),
        200,
        6 + if heard.is_some() { 6 } else { 0 },
    );
    packet.extend(sent.ssrc.to_be_bytes());
    packet.extend(ntp.to_be_bytes());
    for word in [sent.timestamp, sent.packets, sent.octets] {
        packet.extend(word.to_be_bytes());
    }
    if let Some(heard) = heard {
        put_reception(&mut packet, heard);
    }
    put_name(&mut packet, sent.ssrc, name);
    packet
}

/// The farewell of a source (RFC 3550 §6.6), to follow a report.
pub fn encode_bye(ssrc: u32) -> Vec<u8> {
    let mut packet = Vec::with_capacity(8);
    put_header(&mut packet, 1, 203, 1);
    packet.extend(ssrc.to_be_bytes());
    packet
}

/// Whether a datagram is well-formed RTCP: every packet of version 2 and the lengths adding up exactly (RFC 3550 A.2).
pub fn is_rtcp(mut datagram: &[u8]) -> bool {
    let first_is_report = matches!(datagram.get(1), Some(200..=207));
    while let Some(([first, kind, high, low], _)) = datagram.split_first_chunk::<4>() {
        let octets = 4 * (usize::from(u16::from_be_bytes([*high, *low])) + 1);
        if first >> 6 != 2
            || octets > datagram.len()
            || !is_whole(*first, *kind, &datagram[4..octets])
        {
            return false;
        }
        datagram = &datagram[octets..];
    }
    first_is_report && datagram.is_empty()
}

/// Whether the blocks that the header counts fit into the packet.
fn is_whole(first: u8, kind: u8, body: &[u8]) -> bool {
    let count = usize::from(first & 0x1F);
    match kind {
        200 => 24 + 24 * count <= body.len(),
        201 => 4 + 24 * count <= body.len(),
        202 => is_description(count, body),
        203 => 4 * count <= body.len(),
        _ => true,
    }
}

/// Source descriptions: per source its number and items, ended by a zero and padded to a word (RFC 3550 §6.5).
fn is_description(count: usize, body: &[u8]) -> bool {
    let mut at = 0;
    for _ in 0..count {
        at += 4;
        while let Some(1..) = body.get(at) {
            let Some(length) = body.get(at + 1) else {
                return false;
            };
            at += 2 + usize::from(*length);
        }
        at = at / 4 * 4 + 4;
        if at > body.len() {
            return false;
        }
    }
    true
}

fn put_header(packet: &mut Vec<u8>, count: u8, kind: u8, words: u16) {
    packet.extend([0x80 | count, kind]);
    packet.extend(words.to_be_bytes());
}

fn put_reception(packet: &mut Vec<u8>, heard: &ReceptionReport) {
    packet.extend(heard.ssrc.to_be_bytes());
    // The fraction lost since the last report stays zero: the total says more, and nobody acts on the fraction.
    packet.extend((heard.lost.min(0x7F_FFFF)).to_be_bytes());
    for word in [heard.highest_sequence, heard.jitter, 0, 0] {
        packet.extend(word.to_be_bytes());
    }
}

fn put_name(packet: &mut Vec<u8>, ssrc: u32, name: &str) {
    let name = &name.as_bytes()[..name.len().min(64)];
    let mut item = vec![1, name.len() as u8];
    item.extend(name);
    // The list ends with at least one zero, and on a word boundary.
    item.resize((item.len() / 4 + 1) * 4, 0);
    put_header(packet, 1, 202, 1 + (item.len() / 4) as u16);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(item);
}

#[cfg(test)]
#[path = "rtp_tests.rs"]
mod tests;
