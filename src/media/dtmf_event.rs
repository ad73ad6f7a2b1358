//! Keys of the telephone as RTP events (RFC 4733), received and sent.

use std::collections::VecDeque;
use std::time::Duration;

use super::rtp::Header;
use crate::base::Moment;

/// The sixteen keys in the order of their event codes (RFC 4733 §3.2).
const KEYS: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D',
];
/// Without a packet for so long an event is over, even if its end was never seen: three packets of 50 ms and 100 ms.
const CLOSED_AFTER: Duration = Duration::from_millis(250);
/// How many past keys are remembered, against repeats that arrive late.
const REMEMBERED: usize = 4;
/// An event longer than 16 bits of duration goes on as a new segment that begins here (RFC 4733 §2.5.1.3).
const SEGMENT: u32 = 0xFFFF;
/// Frames of 20 ms in which a key sounds: 160 ms.
const KEY_FRAMES: u16 = 8;
/// Times the end is told (RFC 4733 §2.5.1.4).
const ENDS: u8 = 3;
/// Frames of silence between two keys: 60 ms.
const GAP_FRAMES: u8 = 3;
/// Keys that may wait to be sent.
const WAITING: usize = 64;
/// -10 dBm0, the usual loudness of a key.
const VOLUME: u8 = 10;

/// Why a telephone-event payload was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    #[error("{0} octets are too few for a telephone event")]
    Short(usize),
    #[error("event {0} is no key")]
    NotAKey(u8),
}

/// Tells each key once, at its first packet.
#[derive(Clone, Debug, Default)]
pub struct EventReceiver {
    recent: VecDeque<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    event: u8,
    ssrc: u32,
    timestamp: u32,
    sequence: u16,
    last: Moment,
}

impl EventReceiver {
    /// The key that begins with this packet, `None` when it repeats a key already told.
    ///
    /// A key is known by its source and RTP timestamp, never by the marker, which is often lost or wrong.
    pub fn receive(
        &mut self,
        header: &Header,
        payload: &[u8],
        now: Moment,
    ) -> Result<Option<char>, EventError> {
        let [event, ..] = *payload
            .first_chunk::<4>()
            .ok_or(EventError::Short(payload.len()))?;
        let key = *KEYS
            .get(usize::from(event))
            .ok_or(EventError::NotAKey(event))?;
        match self
            .recent
            .iter_mut()
            .find(|seen| seen.same_key(event, header))
        {
            Some(seen) if !seen.pressed_again(header, now) => {
                seen.goes_on(header, now);
                Ok(None)
            }
            Some(seen) => {
                seen.goes_on(header, now);
                Ok(Some(key))
            }
            None => {
                self.remember(event, header, now);
                Ok(Some(key))
            }
        }
    }

    fn remember(&mut self, event: u8, header: &Header, now: Moment) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        let Header {
            ssrc,
            timestamp,
            sequence,
            ..
        } = *header;
        self.recent.push_back(Seen {
            event,
            ssrc,
            timestamp,
            sequence,
            last: now,
        });
    }
}

impl Seen {
    fn same_key(&self, event: u8, header: &Header) -> bool {
        let later = header.timestamp.wrapping_sub(self.timestamp);
        self.event == event && self.ssrc == header.ssrc && (later == 0 || later == SEGMENT)
    }

    /// A gateway that plays each key from one recording repeats its timestamps: then the sequence starts over too.
    fn pressed_again(&self, header: &Header, now: Moment) -> bool {
        let ahead = header.sequence.wrapping_sub(self.sequence);
        now.since(self.last) > CLOSED_AFTER && !(1..=50).contains(&ahead)
    }

    fn goes_on(&mut self, header: &Header, now: Moment) {
        (self.timestamp, self.sequence, self.last) = (header.timestamp, header.sequence, now);
    }
}

/// Sends keys one after another, a packet every 20 ms, in the place of sound.
#[derive(Clone, Debug, Default)]
pub struct EventSender {
    waiting: VecDeque<u8>,
    sending: Option<Sending>,
}

#[derive(Clone, Copy, Debug)]
struct Sending {
    event: u8,
    /// Frames since the key began, at most [`KEY_FRAMES`].
    frames: u16,
    ends: u8,
    gap: u8,
}

/// What to put on the wire in these 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Sound, as always.
    Audio,
    /// Silence, which parts two keys.
    Gap,
    /// A packet of an event; `starts` when it is the first, whose timestamp all packets of the key carry.
    Event { payload: [u8; 4], starts: bool },
}

impl EventSender {
    /// Queues a key. `false` when it is none, or too many wait.
    pub fn press(&mut self, key: char) -> bool {
        let event = KEYS
            .iter()
            .position(|known| *known == key.to_ascii_uppercase());
        match event {
            Some(event) if self.waiting.len() < WAITING => {
                self.waiting.push_back(event as u8);
                true
            }
            _ => false,
        }
    }

    /// Whether keys are still to be sent.
    pub fn is_busy(&self) -> bool {
        self.sending.is_some() || !self.waiting.is_empty()
    }

    /// To be called once every 20 ms.
    pub fn next_slot(&mut self) -> Slot {
        if self.sending.is_none() {
            self.sending = self.waiting.pop_front().map(|event| Sending {
                event,
                frames: 0,
                ends: 0,
                gap: 0,
            });
        }
        let Some(sending) = &mut self.sending else {
            return Slot::Audio;
        };
        if sending.ends < ENDS {
            return sending.event_slot();
        }
        sending.gap += 1;
        if sending.gap == GAP_FRAMES {
            self.sending = None;
        }
        Slot::Gap
    }
}

impl Sending {
    fn event_slot(&mut self) -> Slot {
        let starts = self.frames == 0;
        self.frames = (self.frames + 1).min(KEY_FRAMES);
        let ending = self.frames == KEY_FRAMES;
        if ending {
            self.ends += 1;
        }
        let [high, low] = (self.frames * super::FRAME as u16).to_be_bytes();
        let end = if ending { 0x80 } else { 0 };
        Slot::Event {
            payload: [self.event, end | VOLUME, high, low],
            starts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16, timestamp: u32) -> Header {
        Header {
            marker: false,
            payload_type: 101,
            sequence,
            timestamp,
            ssrc: 7,
        }
    }

    fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    /// What we send is what we hear: each key once, through all its packets.
    #[test]
    fn keys_survive_the_wire() {
        let (mut sender, mut receiver, mut heard) = (
            EventSender::default(),
            EventReceiver::default(),
            String::new(),
        );
        assert!("12#a".chars().all(|key| sender.press(key)));
        let (mut sequence, mut timestamp, mut began) = (65_530_u16, 0_u32, 0);
        let mut slots = Vec::new();
        while sender.is_busy() {
            let slot = sender.next_slot();
            if let Slot::Event { payload, starts } = slot {
                began = if starts { timestamp } else { began };
                heard.extend(
                    receiver
                        .receive(
                            &header(sequence, began),
                            &payload,
                            at(u64::from(timestamp) / 8),
                        )
                        .unwrap(),
                );
                sequence = sequence.wrapping_add(1);
            }
            slots.push(slot);
            timestamp += 160;
        }
        assert_eq!(heard, "12#A");
        let ends = slots
            .iter()
            .filter(|slot| matches!(slot, Slot::Event { payload, .. } if payload[1] & 0x80 != 0))
            .count();
        assert_eq!(ends, 12);
        assert_eq!(slots.len(), 4 * (10 + 3));
    }

    #[test]
    fn repeats_count_once() {
        let mut receiver = EventReceiver::default();
        assert_eq!(
            receiver.receive(&header(1, 160), &[1, 10, 0, 160], at(0)),
            Ok(Some('1'))
        );
        assert_eq!(
            receiver.receive(&header(2, 160), &[1, 0x8A, 3, 0x20], at(20)),
            Ok(None)
        );
        // An end that the network delays does not press the key again, even after another key.
        assert_eq!(
            receiver.receive(&header(4, 2_000), &[1, 10, 0, 160], at(230)),
            Ok(Some('1'))
        );
        assert_eq!(
            receiver.receive(&header(3, 160), &[1, 0x8A, 3, 0x20], at(240)),
            Ok(None)
        );
    }

    /// The same recording played twice is two keys; a pause inside one event is not.
    #[test]
    fn replayed_recording_is_a_new_key() {
        let mut receiver = EventReceiver::default();
        assert_eq!(
            receiver.receive(&header(8_000, 160), &[2, 10, 0, 160], at(0)),
            Ok(Some('2'))
        );
        assert_eq!(
            receiver.receive(&header(8_001, 160), &[2, 10, 1, 160], at(400)),
            Ok(None)
        );
        assert_eq!(
            receiver.receive(&header(8_000, 160), &[2, 10, 0, 160], at(1_100)),
            Ok(Some('2'))
        );
    }

    /// A key held longer than 8,19 s goes on in a second segment.
    #[test]
    fn long_key_is_one_key() {
        let mut receiver = EventReceiver::default();
        assert_eq!(
            receiver.receive(&header(1, 100), &[5, 10, 0, 160], at(0)),
            Ok(Some('5'))
        );
        assert_eq!(
            receiver.receive(&header(2, 100 + 0xFFFF), &[5, 10, 0, 160], at(20)),
            Ok(None)
        );
    }

    #[test]
    fn nonsense_is_refused() {
        let mut receiver = EventReceiver::default();
        assert_eq!(
            receiver.receive(&header(1, 1), &[1, 10, 0], at(0)),
            Err(EventError::Short(3))
        );
        assert_eq!(
            receiver.receive(&header(1, 1), &[255, 10, 0, 160], at(0)),
            Err(EventError::NotAKey(255))
        );
        let mut sender = EventSender::default();
        assert!(!sender.press('x'));
        assert_eq!(sender.next_slot(), Slot::Audio);
        assert_eq!((0..100).filter(|_| sender.press('1')).count(), 64);
    }
}
