//! From whom we take sound: the first source that sends a consistent stream, and nobody else.
//!
//! The address in the session description is often wrong behind address translation, and anybody may send to an open
//! port. So the described address is believed at once, another only after several packets in a row; then it is locked.

use super::rtp::Header;

/// Packets in a row that make an unknown source believable.
const BELIEVED: usize = 4;
/// Packets in a row from a new address that continue the locked stream: its translation has changed.
const MOVED: usize = 2;
/// Sequence numbers by which a stream may be ahead after it has moved.
const GAP: u16 = 50;

/// Which packets of a datagram's source are taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Admitted {
    Yes,
    /// Not yet, or never.
    No,
    /// Now, and these before it: the source has just been believed.
    WithEarlier(Vec<Vec<u8>>),
}

/// The choice of the source. `S` is an address; the latch only compares it.
#[derive(Clone, Debug)]
pub struct Latch<S> {
    expected: Option<S>,
    locked: Option<Locked<S>>,
    candidate: Option<Candidate<S>>,
}

#[derive(Clone, Copy, Debug)]
struct Locked<S> {
    source: S,
    last: Header,
}

#[derive(Clone, Debug)]
struct Candidate<S> {
    source: S,
    last: Header,
    needed: usize,
    held: Vec<Vec<u8>>,
}

impl<S: Copy + PartialEq> Latch<S> {
    /// `expected`: the address that the session description names, if it names one.
    pub fn new(expected: Option<S>) -> Self {
        Self {
            expected,
            locked: None,
            candidate: None,
        }
    }

    /// A new description has moved the stream; the lock opens when it names another address.
    pub fn expect(&mut self, expected: Option<S>) {
        if self.expected != expected {
            *self = Self::new(expected);
        }
    }

    /// The source that was chosen, where our own packets go too.
    pub fn source(&self) -> Option<S> {
        self.locked.as_ref().map(|locked| locked.source)
    }

    /// Decides about one well-formed packet of a payload that was agreed on.
    pub fn admit(&mut self, source: S, header: &Header, datagram: &[u8]) -> Admitted {
        match &mut self.locked {
            Some(locked) if locked.source == source => {
                locked.last = *header;
                self.candidate
                    .take_if(|candidate| candidate.needed == MOVED);
                Admitted::Yes
            }
            Some(locked) if continues(&locked.last, header, GAP) => {
                self.weigh(source, header, datagram, MOVED)
            }
            Some(_) => Admitted::No,
            None if self.expected == Some(source) => self.lock(source, header),
            None => self.weigh(source, header, datagram, BELIEVED),
        }
    }

    fn lock(&mut self, source: S, header: &Header) -> Admitted {
        self.locked = Some(Locked {
            source,
            last: *header,
        });
        let held = self
            .candidate
            .take_if(|candidate| candidate.source == source)
            .map(|candidate| candidate.held);
        self.candidate = None;
        held.map_or(Admitted::Yes, Admitted::WithEarlier)
    }

    fn weigh(&mut self, source: S, header: &Header, datagram: &[u8], needed: usize) -> Admitted {
        match &mut self.candidate {
            Some(known) if known.source == source && continues(&known.last, header, 1) => {
                if known.held.len() + 1 >= known.needed {
                    return self.lock(source, header);
                }
                known.last = *header;
                known.held.push(datagram.to_vec());
            }
            other => {
                *other = Some(Candidate {
                    source,
                    last: *header,
                    needed,
                    held: vec![datagram.to_vec()],
                })
            }
        }
        Admitted::No
    }
}

fn continues(last: &Header, next: &Header, gap: u16) -> bool {
    last.ssrc == next.ssrc && (1..=gap).contains(&next.sequence.wrapping_sub(last.sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16, ssrc: u32) -> Header {
        Header {
            marker: false,
            payload_type: 8,
            sequence,
            timestamp: u32::from(sequence) * 160,
            ssrc,
        }
    }

    #[test]
    fn described_address_is_taken_at_once() {
        let mut latch = Latch::new(Some('a'));
        assert_eq!(latch.admit('a', &packet(1, 7), &[1]), Admitted::Yes);
        assert_eq!(latch.source(), Some('a'));
    }

    /// Behind address translation the fourth packet in a row convinces, and none of the four is lost.
    #[test]
    fn unknown_source_must_be_consistent() {
        let mut latch = Latch::new(Some('a'));
        for n in 0..3 {
            assert_eq!(latch.admit('b', &packet(n, 7), &[n as u8]), Admitted::No);
        }
        assert_eq!(
            latch.admit('b', &packet(3, 7), &[3]),
            Admitted::WithEarlier(vec![vec![0], vec![1], vec![2]])
        );
        assert_eq!(latch.admit('a', &packet(9, 8), &[]), Admitted::No);
    }

    #[test]
    fn random_packets_convince_nobody() {
        let mut latch = Latch::new(None);
        for n in 0..100_u16 {
            assert_eq!(
                latch.admit('x', &packet(n.wrapping_mul(7_919), u32::from(n % 3)), &[]),
                Admitted::No
            );
        }
    }

    /// A stream that goes on from another port has moved; one that only knows the port has not.
    #[test]
    fn stream_may_move_but_not_be_stolen() {
        let mut latch = Latch::new(Some('a'));
        assert_eq!(latch.admit('a', &packet(10, 7), &[]), Admitted::Yes);
        for n in 0..20 {
            assert_eq!(latch.admit('x', &packet(500 + n, 66), &[]), Admitted::No);
        }
        assert_eq!(latch.admit('b', &packet(11, 7), &[11]), Admitted::No);
        assert_eq!(
            latch.admit('b', &packet(12, 7), &[12]),
            Admitted::WithEarlier(vec![vec![11]])
        );
        assert_eq!(latch.source(), Some('b'));
    }

    #[test]
    fn new_description_opens_the_lock() {
        let mut latch = Latch::new(Some('a'));
        latch.admit('a', &packet(1, 7), &[]);
        latch.expect(Some('a'));
        assert_eq!(latch.source(), Some('a'));
        latch.expect(Some('c'));
        assert_eq!(latch.source(), None);
        assert_eq!(latch.admit('c', &packet(1, 9), &[]), Admitted::Yes);
    }
}
