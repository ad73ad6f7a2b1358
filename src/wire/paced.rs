//! A small queue between bursty TCP arrival and the line's clock of 20 ms.
//!
//! TCP loses nothing but delivers in bursts. The queue starts with a cushion, gives one frame for each frame that came,
//! and slips only where nobody hears it: a standing backlog shrinks in quiet, a hopeless one is cut.

use std::collections::VecDeque;

use crate::media::{FRAME, Frame, SILENCE};

/// Sound that has to lie ready before the first frame is given: 40 ms ride out one late frame.
const CUSHION: usize = 2 * FRAME;
/// A backlog that never fell below this for a whole [`WATCH`] (60 ms) is delay without use.
const STANDING: usize = 3 * FRAME;
/// A standing backlog beyond this (400 ms) is cut even in the middle of a word: the call would be unusable.
const HOPELESS: usize = 20 * FRAME;
/// More than this (2 s) is never kept, whatever the peer does.
const CAPACITY: usize = 100 * FRAME;
/// Frames over which the smallest depth is watched: 2 s.
const WATCH: u32 = 100;
/// Peak below which a frame counts as quiet, about -50 dB of full scale: the noise of an idle line.
const QUIET_PEAK: u16 = 100;

/// Where a frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The peer sent it.
    Peer,
    /// Nothing was there yet: silence stands in.
    Concealed,
}

/// Samples in as they arrive, frames out every 20 ms.
#[derive(Debug, Default)]
pub struct Paced {
    sound: VecDeque<i16>,
    started: bool,
    /// Smallest depth after a frame was taken since the watch began, in samples.
    lowest: usize,
    watched: u32,
    /// Samples of standing backlog that may be skipped in quiet.
    slack: usize,
    received: u64,
    concealed: u64,
    dropped: u64,
}

impl Paced {
    /// Takes samples as they arrived, any number of them.
    pub fn push(&mut self, samples: &[i16]) {
        self.received += samples.len() as u64;
        self.sound.extend(samples);
        let excess = self.sound.len().saturating_sub(CAPACITY);
        self.skip(excess);
        self.dropped += excess as u64;
    }

    /// The next 20 ms. Called once for each tick of the line.
    pub fn pop(&mut self) -> (Frame, Origin) {
        if !self.started && !self.start() {
            return (SILENCE, Origin::Concealed);
        }
        self.spend_slack();
        let popped = self.take();
        self.watch();
        popped
    }

    /// Samples waiting.
    pub fn depth(&self) -> usize {
        self.sound.len()
    }

    /// Whole frames received so far.
    pub fn frames_received(&self) -> u64 {
        self.received / FRAME as u64
    }

    /// Frames that were not there in time, and frames cut because they came in hopeless excess.
    pub fn frames_lost(&self) -> u64 {
        self.concealed + self.dropped / FRAME as u64
    }

    /// Begins once the cushion lies ready. What gathered while the line was set up is trimmed where it is quiet.
    fn start(&mut self) -> bool {
        if self.sound.len() < CUSHION {
            return false;
        }
        while self.sound.len() >= CUSHION + FRAME && self.front_is_quiet() {
            self.skip(FRAME);
        }
        self.started = true;
        self.begin_watch();
        true
    }

    fn take(&mut self) -> (Frame, Origin) {
        if self.sound.len() < FRAME {
            self.concealed += 1;
            return (SILENCE, Origin::Concealed);
        }
        let mut frame = SILENCE;
        for (sample, next) in frame.iter_mut().zip(self.sound.drain(..FRAME)) {
            *sample = next;
        }
        (frame, Origin::Peer)
    }

    fn watch(&mut self) {
        self.lowest = self.lowest.min(self.sound.len());
        self.watched += 1;
        if self.watched < WATCH {
            return;
        }
        if self.lowest > HOPELESS {
            let excess = self.lowest - CUSHION;
            self.skip(excess);
            self.dropped += excess as u64;
            self.slack = 0;
        } else {
            self.slack = if self.lowest >= STANDING {
                self.lowest - FRAME
            } else {
                0
            };
        }
        self.begin_watch();
    }

    fn begin_watch(&mut self) {
        self.lowest = usize::MAX;
        self.watched = 0;
    }

    fn spend_slack(&mut self) {
        if self.slack >= FRAME && self.sound.len() >= CUSHION && self.front_is_quiet() {
            self.skip(FRAME);
            self.slack -= FRAME;
        }
    }

    fn front_is_quiet(&self) -> bool {
        self.sound
            .iter()
            .take(FRAME)
            .all(|sample| sample.unsigned_abs() < QUIET_PEAK)
    }

    fn skip(&mut self, samples: usize) {
        self.sound.drain(..samples.min(self.sound.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sound in which every sample is loud and tells where it stood.
    fn loud(from: usize, samples: usize) -> Vec<i16> {
        (from..from + samples)
            .map(|n| 1_000 + (n % 20_000) as i16)
            .collect()
    }

    fn peer(popped: (Frame, Origin)) -> Frame {
        assert_eq!(popped.1, Origin::Peer);
        popped.0
    }

    #[test]
    fn nothing_sounds_before_the_cushion() {
        let mut paced = Paced::default();
        paced.push(&loud(0, CUSHION - 1));
        assert_eq!(paced.pop(), (SILENCE, Origin::Concealed));
        paced.push(&loud(CUSHION - 1, 1));
        assert_eq!(peer(paced.pop())[..], loud(0, FRAME));
        assert_eq!(paced.frames_lost(), 0);
    }

    /// Two seconds in lumps of 37 samples come out as one unbroken sound.
    #[test]
    fn odd_lumps_come_out_whole() {
        let sound = loud(0, 100 * FRAME);
        let mut lumps = sound.chunks(37);
        let mut paced = Paced::default();
        let mut heard = Vec::new();
        while heard.len() + CUSHION < sound.len() {
            while paced.depth() < 2 * CUSHION
                && let Some(lump) = lumps.next()
            {
                paced.push(lump);
            }
            heard.extend(peer(paced.pop()));
        }
        assert_eq!(heard[..], sound[..heard.len()]);
    }

    /// A late burst costs silence once; afterwards the depth rides out the same lateness.
    #[test]
    fn late_burst_deepens_the_cushion() {
        let mut paced = Paced::default();
        let mut sent = 0;
        let mut send = |paced: &mut Paced, frames: usize| {
            paced.push(&loud(sent, frames * FRAME));
            sent += frames * FRAME;
        };
        send(&mut paced, 2);
        for round in 0..10 {
            for _ in 0..4 {
                paced.pop();
            }
            send(&mut paced, 4);
            if round == 0 {
                assert_eq!(paced.frames_lost(), 2);
            }
        }
        assert_eq!(paced.frames_lost(), 2);
    }

    #[test]
    fn standing_backlog_shrinks_in_quiet_only() {
        let mut paced = Paced::default();
        paced.push(&loud(0, 12 * FRAME));
        for n in 12..400 {
            paced.push(&loud(n * FRAME, FRAME));
            paced.pop();
        }
        assert_eq!(paced.depth(), 12 * FRAME, "speech is not shortened");
        for _ in 0..200 {
            paced.push(&SILENCE);
            paced.pop();
        }
        assert!(paced.depth() < STANDING, "{}", paced.depth());
        assert_eq!(paced.frames_lost(), 0);
    }

    #[test]
    fn hopeless_backlog_is_cut_and_counted() {
        let mut paced = Paced::default();
        paced.push(&loud(0, 60 * FRAME));
        for n in 60..300 {
            paced.push(&loud(n * FRAME, FRAME));
            paced.pop();
        }
        assert!(paced.depth() <= 3 * FRAME, "{}", paced.depth());
        assert!(paced.frames_lost() >= 50);
    }

    #[test]
    fn memory_is_bounded() {
        let mut paced = Paced::default();
        for n in 0..1_000 {
            paced.push(&loud(n * FRAME, FRAME));
        }
        assert_eq!(paced.depth(), CAPACITY);
    }

    /// What gathered while the line was set up does not become delay.
    #[test]
    fn quiet_before_the_first_frame_is_trimmed() {
        let mut paced = Paced::default();
        for _ in 0..30 {
            paced.push(&SILENCE);
        }
        paced.pop();
        assert_eq!(paced.depth(), FRAME);
    }
}
