//! The jitter buffer: packets in whenever they come, a frame out every 20 ms. No clock, no socket.
//!
//! Samples lie in a ring at the place that their RTP timestamp names, so that packets of any length, order and
//! alignment become frames of 160. While packets arrive on schedule nothing is dropped or inserted: what comes out is
//! what was sent. Time is stretched only when the newest packet comes too late to be played, and is made up for in
//! silence when the delay stays far above what it was meant to be.

use super::conceal::Concealer;
use super::{FRAME, Frame, RATE};
use crate::base::Moment;

/// Samples the ring holds: 1,024 s.
const RING: usize = 8_192;
/// A packet further ahead than this has jumped: 0,8 s.
const FURTHEST: i64 = 6_400;
/// Stretching makes up for lateness up to 200 ms; a longer pause begins a new delay.
const STRETCH: i64 = 1_600;
/// Sequence numbers further ahead belong to another numbering (RFC 3550 A.1, `MAX_DROPOUT`).
const DROPOUT: i16 = 3_000;
/// Older ones than this, too (`MAX_MISORDER`).
const MISORDER: i16 = -100;
/// Above this it is removed even while somebody speaks: 300 ms.
const FORCED: i64 = 2_400;
/// Frames over which the smallest delay is sought: 2 s.
const WINDOW: u32 = 100;
/// A frame whose peak is below this may be left out unheard (about -50 dBov).
const QUIET: u16 = 100;

/// What the buffer has to know of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

/// Counters since the beginning, over all sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets, repeats not counted.
    pub received: u64,
    /// Packets that never came.
    pub missing: u64,
    /// Packets that came when their time was over.
    pub late: u64,
    pub duplicates: u64,
    /// Frames of time inserted because the newest packet was late.
    pub stretched: u64,
    /// Frames of time left out because the delay had grown.
    pub skipped: u64,
    /// Frames in which something had to be invented or was silent for want of packets.
    pub concealed: u64,
    /// Sources and numberings after the first.
    pub restarts: u64,
    /// Interarrival jitter in samples (RFC 3550 §6.4.1, A.8).
    pub jitter: u32,
}

impl Stats {
    /// Packets whose sound was not played.
    pub fn lost(&self) -> u64 {
        self.missing + self.late
    }

    pub fn jitter_ms(&self) -> u32 {
        self.jitter * 1_000 / RATE
    }
}

/// Puts the packets of one peer in order.
pub struct JitterBuffer {
    /// Samples between the arrival of the first packet and its play.
    delay: i64,
    ring: Box<[i16; RING]>,
    filled: Box<[bool; RING]>,
    /// The next sample to play.
    cursor: i64,
    /// One past the newest sample received.
    head: i64,
    stream: Option<Stream>,
    /// The first packet of what may be a new source, until the second confirms it.
    probation: Option<Probation>,
    concealer: Concealer,
    /// Nothing sounds after the head, by the sender's own word.
    declared_silent: bool,
    surplus: Surplus,
    stats: Stats,
}

/// One numbering of one source.
struct Stream {
    ssrc: u32,
    /// Highest sequence number with its cycles, and the lowest.
    highest: u64,
    base: u64,
    received: u64,
    /// Which of the 64 numbers up to the highest have come; bit 0 is the highest.
    seen: u64,
    /// A timestamp and the position it stands for.
    anchor: (u32, i64),
    transit: Option<i64>,
    jitter: f64,
}

struct Probation {
    place: Place,
    samples: Vec<i16>,
    position: i64,
}

/// The smallest delay within a window.
#[derive(Default)]
struct Surplus {
    frames: u32,
    least: Option<i64>,
    /// Samples to be left out.
    excess: i64,
}

impl JitterBuffer {
    /// `delay_ms`: how long the first packet waits, and so how late any other may be. Whole frames up to 400 ms; with
    /// none, a packet is played with the frame after its arrival.
    pub fn new(delay_ms: u32) -> Self {
        Self {
            delay: i64::from(delay_ms.min(400) / 20) * FRAME as i64,
            ring: Box::new([0; RING]),
            filled: Box::new([false; RING]),
            cursor: 0,
            head: 0,
            stream: None,
            probation: None,
            concealer: Concealer::default(),
            declared_silent: false,
            surplus: Surplus::default(),
            stats: Stats::default(),
        }
    }

    /// Takes a packet of sound.
    pub fn push(&mut self, place: Place, samples: &[i16], arrival: Moment) {
        let Some(stream) = &mut self.stream else {
            return self.begin(place, samples, arrival);
        };
        let ahead = stream.ahead(place);
        match ahead {
            Some(MISORDER..=DROPOUT) => {}
            _ => return self.doubt(place, samples, arrival),
        }
        self.probation = None;
        if !stream.count(ahead.unwrap_or_default()) {
            self.stats.duplicates += 1;
            return;
        }
        stream.hear_jitter(place.timestamp, arrival);
        let position = stream.position(place.timestamp);
        if ahead.is_some_and(|ahead| ahead > 0) {
            self.append(place, samples, position);
        } else {
            self.insert(samples, position);
        }
    }

    /// Takes note of a packet without sound, a key or comfort noise, so that it does not count as missing.
    pub fn note(&mut self, place: Place) {
        if let Some(stream) = &mut self.stream
            && let Some(ahead @ MISORDER..=DROPOUT) = stream.ahead(place)
        {
            stream.count(ahead);
        }
    }

    /// The sender declares silence until the next packet of sound (RFC 3389).
    pub fn hush(&mut self) {
        self.declared_silent = true;
    }

    /// The next 20 ms.
    pub fn pop(&mut self) -> Frame {
        if self.stream.is_none() {
            return super::SILENCE;
        }
        self.trim();
        let mut frame = [0; FRAME];
        let mut at = 0;
        while at < FRAME {
            at = self.play_run(&mut frame, at);
        }
        self.cursor += FRAME as i64;
        frame
    }

    pub fn stats(&self) -> Stats {
        let mut stats = self.stats;
        if let Some(stream) = &self.stream {
            stream.add_to(&mut stats);
        }
        stats
    }

    /// What a reception report needs: source, highest sequence number with its cycles.
    pub fn source(&self) -> Option<(u32, u32)> {
        self.stream
            .as_ref()
            .map(|stream| (stream.ssrc, stream.highest as u32))
    }

    fn begin(&mut self, place: Place, samples: &[i16], arrival: Moment) {
        let position = self.cursor + self.delay;
        let mut stream = Stream::new(place, position);
        stream.hear_jitter(place.timestamp, arrival);
        self.stream = Some(stream);
        self.write(samples, position);
    }

    /// A packet that continues nothing: the second in a row makes it the beginning of something new.
    fn doubt(&mut self, place: Place, samples: &[i16], arrival: Moment) {
        if let Some(first) = self.probation.take_if(|first| first.is_followed_by(place)) {
            self.restart(&first);
            return self.push(place, samples, arrival);
        }
        let position = self.head.max(self.cursor + self.delay);
        self.probation = Some(Probation {
            place,
            samples: samples.to_vec(),
            position,
        });
    }

    fn restart(&mut self, first: &Probation) {
        if let Some(stream) = &self.stream {
            stream.add_to(&mut self.stats);
        }
        self.stats.restarts += 1;
        self.stats.jitter = 0;
        self.stream = Some(Stream::new(first.place, first.position));
        self.write(&first.samples, first.position);
    }

    /// The newest packet: it may bend time.
    fn append(&mut self, place: Place, samples: &[i16], position: i64) {
        let bent = self.bend(position);
        if bent - self.cursor > FURTHEST {
            // More than the ring holds, without a jump to explain it: a flood.
            self.stats.late += 1;
            return;
        }
        if let Some(stream) = &mut self.stream {
            stream.anchor = (place.timestamp, bent);
        }
        self.write(samples, bent);
    }

    fn bend(&mut self, position: i64) -> i64 {
        let lead = position - self.cursor;
        if (0..=FURTHEST).contains(&lead) || position == self.head && lead > 0 {
            return position;
        }
        if (-STRETCH..0).contains(&lead) {
            self.stats.stretched += lead.unsigned_abs().div_ceil(FRAME as u64);
            return self.cursor;
        }
        // The timestamps have jumped, or time stood still at the sender.
        if self.head >= self.cursor {
            self.head
        } else {
            self.cursor + self.delay
        }
    }

    /// A packet that others have overtaken: played if its time is not over.
    fn insert(&mut self, samples: &[i16], position: i64) {
        if position + samples.len() as i64 <= self.cursor || position - self.cursor > FURTHEST {
            self.stats.late += 1;
            return;
        }
        self.write(samples, position);
    }

    fn write(&mut self, samples: &[i16], position: i64) {
        self.declared_silent = false;
        let skipped = (self.cursor - position).clamp(0, samples.len() as i64);
        let start = position + skipped;
        let room = (self.cursor + RING as i64 - start).max(0) as usize;
        let samples = &samples[skipped as usize..];
        for (at, sample) in (start..).zip(samples.iter().take(room)) {
            let slot = slot(at);
            self.ring[slot] = *sample;
            self.filled[slot] = true;
        }
        self.head = self.head.max(start + samples.len().min(room) as i64);
    }

    /// Plays the samples from `at` on that are all there, or all missing; tells where the next run begins.
    fn play_run(&mut self, frame: &mut Frame, at: usize) -> usize {
        let present = self.filled[slot(self.cursor + at as i64)];
        let mut end = at;
        while end < FRAME && self.filled[slot(self.cursor + end as i64)] == present {
            let slot = slot(self.cursor + end as i64);
            frame[end] = self.ring[slot];
            self.filled[slot] = false;
            end += 1;
        }
        if present {
            self.concealer.hear(&mut frame[at..end]);
        } else {
            self.stats.concealed += u64::from(at == 0);
            if self.declared_silent && self.cursor + at as i64 >= self.head {
                self.concealer.hush();
            }
            self.concealer.fill(&mut frame[at..end]);
        }
        end
    }

    /// Leaves out a frame when the delay has stayed too long for two seconds.
    fn trim(&mut self) {
        let depth = self.head - self.cursor - FRAME as i64 - self.delay;
        self.surplus.note(depth, self.delay.max(FRAME as i64));
        if self.surplus.excess >= FRAME as i64 && (self.surplus.excess > FORCED || self.is_quiet())
        {
            for at in self.cursor..self.cursor + FRAME as i64 {
                self.filled[slot(at)] = false;
            }
            self.cursor += FRAME as i64;
            self.surplus.excess -= FRAME as i64;
            self.stats.skipped += 1;
        }
    }

    fn is_quiet(&self) -> bool {
        (self.cursor..self.cursor + FRAME as i64)
            .map(slot)
            .all(|slot| !self.filled[slot] || self.ring[slot].unsigned_abs() < QUIET)
    }
}

impl Surplus {
    /// Twice the wanted delay is tolerated, and a frame if none is wanted.
    fn note(&mut self, depth: i64, tolerated: i64) {
        self.least = Some(self.least.map_or(depth, |least| least.min(depth)));
        self.frames += 1;
        if self.frames == WINDOW {
            let least = self.least.take().unwrap_or_default();
            self.excess = if least > tolerated { least } else { 0 };
            self.frames = 0;
        }
    }
}

impl Probation {
    fn is_followed_by(&self, place: Place) -> bool {
        self.place.ssrc == place.ssrc && place.sequence == self.place.sequence.wrapping_add(1)
    }
}

impl Stream {
    fn new(place: Place, position: i64) -> Self {
        // A first cycle in hand, so that a packet older than the first has a number too.
        let highest = 0x1_0000 + u64::from(place.sequence);
        Self {
            ssrc: place.ssrc,
            highest,
            base: highest,
            received: 1,
            seen: 1,
            anchor: (place.timestamp, position),
            transit: None,
            jitter: 0.0,
        }
    }

    /// How far a packet is ahead of the newest; `None` when it is of another source.
    fn ahead(&self, place: Place) -> Option<i16> {
        (place.ssrc == self.ssrc).then(|| {
            place
                .sequence
                .wrapping_sub(self.highest as u16)
                .cast_signed()
        })
    }

    /// Counts a packet; `false` when it has come before.
    fn count(&mut self, ahead: i16) -> bool {
        let distance = u32::from(ahead.unsigned_abs());
        if ahead > 0 {
            self.highest += u64::from(distance);
            self.seen = self.seen.checked_shl(distance).unwrap_or_default() | 1;
        } else {
            // Beyond the 64 remembered, a packet is so late that it makes no difference whether it came twice.
            let bit = 1_u64.checked_shl(distance).unwrap_or_default();
            if self.seen & bit != 0 {
                return false;
            }
            self.seen |= bit;
            self.base = self.base.min(self.highest - u64::from(distance));
        }
        self.received += 1;
        true
    }

    fn position(&self, timestamp: u32) -> i64 {
        self.anchor.1 + i64::from(timestamp.wrapping_sub(self.anchor.0).cast_signed())
    }

    fn hear_jitter(&mut self, timestamp: u32, arrival: Moment) {
        let arrived = (arrival.0 as i64).wrapping_mul(i64::from(RATE)) / 1_000_000;
        // Both run on, so only the difference of two transits means anything; the timestamp may wrap.
        let transit = i64::from((arrived as u32).wrapping_sub(timestamp));
        if let Some(previous) = self.transit.replace(transit) {
            let difference = ((transit - previous) as i32).unsigned_abs();
            // A jump of the timestamps is no jitter.
            if difference < RATE {
                self.jitter += (f64::from(difference) - self.jitter) / 16.0;
            }
        }
    }

    fn add_to(&self, stats: &mut Stats) {
        stats.received += self.received;
        stats.missing += (self.highest - self.base + 1).saturating_sub(self.received);
        stats.jitter = self.jitter as u32;
    }
}

fn slot(position: i64) -> usize {
    position.rem_euclid(RING as i64) as usize
}

#[cfg(test)]
#[path = "jitter_tests.rs"]
mod tests;
