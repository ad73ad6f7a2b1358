//! Keys heard as tones in the sound itself (ITU-T Q.23, Q.24), for lines that send no telephone events.

use std::f32::consts::PI;

use crate::media::{FRAME, Frame, RATE};

const LOW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HZ: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];
/// Samples that are looked at together, and from one look to the next: 20 ms and 10 ms.
const BLOCK: usize = FRAME;
const HOP: usize = FRAME / 2;
/// Quietest key, dB below full scale.
const QUIET_DB: f32 = -36.0;
/// The two tones hold at least so much of all power; speech spreads it.
const PURITY: f32 = 0.75;
/// Each tone stands out so far among the four of its group (power).
const LEAD: f32 = 6.0;
/// The high tone may be 4 dB stronger or 8 dB weaker than the low one (power).
const TWIST: (f32, f32) = (0.158, 2.51);
/// A voice that holds both tones has their octaves too (power).
const OCTAVE: f32 = 0.12;
/// Looks in a row that make a key (40 ms), and that end it.
const ON: u8 = 3;
const OFF: u8 = 3;

/// Finds keys in the sound of one line.
#[derive(Clone, Debug)]
pub struct ToneDetector {
    block: [f32; BLOCK],
    candidate: Option<char>,
    looks: u8,
    held: Option<char>,
    missing: u8,
}

impl Default for ToneDetector {
    fn default() -> Self {
        Self {
            block: [0.0; BLOCK],
            candidate: None,
            looks: 0,
            held: None,
            missing: 0,
        }
    }
}

impl ToneDetector {
    /// Takes a frame; gives the key that was recognised with it, once for each press.
    pub fn hear(&mut self, frame: &Frame) -> Option<char> {
        let mut key = None;
        for half in frame.chunks_exact(HOP) {
            self.block.copy_within(HOP.., 0);
            for (to, &from) in self.block[BLOCK - HOP..].iter_mut().zip(half) {
                *to = f32::from(from) / 32_768.0;
            }
            let seen = look(&self.block);
            key = key.or(self.follow(seen));
        }
        key
    }

    /// A tone is on the line at this moment, though perhaps not yet long enough to be a key.
    pub fn hears_tone(&self) -> bool {
        self.candidate.is_some() || self.held.is_some()
    }

    fn follow(&mut self, seen: Option<char>) -> Option<char> {
        self.looks = if seen == self.candidate {
            self.looks.saturating_add(1)
        } else {
            1
        };
        self.candidate = seen;
        if self.held.is_some() && seen != self.held {
            self.missing += 1;
            if self.missing >= OFF {
                self.held = None;
            }
        } else {
            self.missing = 0;
        }
        if seen.is_some() && seen != self.held && self.looks == ON {
            (self.held, self.missing) = (seen, 0);
            return seen;
        }
        None
    }
}

/// The key that sounds in a block.
fn look(block: &[f32; BLOCK]) -> Option<char> {
    let power: f32 = block.iter().map(|sample| sample * sample).sum::<f32>() / BLOCK as f32;
    if power < 10f32.powf(QUIET_DB / 10.0) {
        return None;
    }
    let (row, low) = strongest(block, &LOW_HZ)?;
    let (column, high) = strongest(block, &HIGH_HZ)?;
    let pure = low + high > PURITY * power;
    let balanced = (TWIST.0..=TWIST.1).contains(&(high / low));
    let octaves = || {
        tone(block, 2.0 * LOW_HZ[row]) > OCTAVE * low
            || tone(block, 2.0 * HIGH_HZ[column]) > OCTAVE * high
    };
    (pure && balanced && !octaves()).then(|| KEYS[row][column])
}

/// The strongest tone of a group, when it leads the others clearly.
fn strongest(block: &[f32; BLOCK], group: &[f32; 4]) -> Option<(usize, f32)> {
    let powers = group.map(|hz| tone(block, hz));
    let best = (0..4).max_by(|&i, &j| powers[i].total_cmp(&powers[j]))?;
    let clear = (0..4).all(|i| i == best || powers[i] * LEAD < powers[best]);
    clear.then_some((best, powers[best]))
}

/// Power of a tone in a block, by Goertzel's recursion.
fn tone(block: &[f32; BLOCK], hz: f32) -> f32 {
    let turn = 2.0 * (2.0 * PI * hz / RATE as f32).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for &sample in block {
        (last, before) = (sample + turn * last - before, last);
    }
    2.0 * (last * last + before * before - turn * last * before) / (BLOCK * BLOCK) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sound of two tones between two moments, in samples; silence around it.
    fn press(key: char, from: usize, to: usize, frames: usize) -> Vec<Frame> {
        let row = KEYS
            .iter()
            .position(|row| row.contains(&key))
            .expect("a key");
        let column = KEYS[row].iter().position(|k| *k == key).expect("a key");
        sound(
            &[(LOW_HZ[row], 6_000.0), (HIGH_HZ[column], 7_000.0)],
            from,
            to,
            frames,
        )
    }

    fn sound(tones: &[(f32, f32)], from: usize, to: usize, frames: usize) -> Vec<Frame> {
        let sample = |n: usize| {
            let wave: f32 = tones
                .iter()
                .map(|(hz, loud)| loud * (2.0 * PI * hz * n as f32 / 8_000.0).sin())
                .sum();
            if (from..to).contains(&n) {
                wave as i16
            } else {
                0
            }
        };
        (0..frames)
            .map(|f| std::array::from_fn(|i| sample(f * FRAME + i)))
            .collect()
    }

    fn keys(frames: &[Frame]) -> String {
        let mut detector = ToneDetector::default();
        frames
            .iter()
            .filter_map(|frame| detector.hear(frame))
            .collect()
    }

    #[test]
    fn hears_every_key_once_wherever_it_begins() {
        for key in KEYS.as_flattened() {
            for start in [160, 203, 275] {
                assert_eq!(keys(&press(*key, start, start + 800, 12)), key.to_string());
            }
        }
    }

    #[test]
    fn hears_forty_milliseconds_and_not_twenty() {
        for start in (160..320).step_by(10) {
            assert_eq!(
                keys(&press('5', start, start + 352, 10)),
                "5",
                "from {start}"
            );
            assert_eq!(
                keys(&press('5', start, start + 160, 10)),
                "",
                "from {start}"
            );
        }
    }

    #[test]
    fn the_same_key_twice_is_two_keys() {
        let frames: Vec<Frame> = [press('7', 0, 480, 6), press('7', 0, 480, 6)].concat();
        assert_eq!(keys(&frames), "77");
    }

    #[test]
    fn one_tone_or_uneven_tones_are_no_key() {
        assert_eq!(keys(&sound(&[(697.0, 9_000.0)], 0, 4_000, 25)), "");
        assert_eq!(keys(&sound(&[(425.0, 9_000.0)], 0, 4_000, 25)), "");
        assert_eq!(
            keys(&sound(&[(697.0, 9_000.0), (1209.0, 1_500.0)], 0, 4_000, 25)),
            ""
        );
    }

    /// A voice, even at the right pitch, has harmonics.
    #[test]
    fn speech_is_no_key() {
        let wav = include_bytes!("../../models/golden/golden.wav");
        let samples: Vec<i16> = wav[44..]
            .as_chunks::<2>()
            .0
            .iter()
            .map(|bytes| i16::from_le_bytes(*bytes))
            .collect();
        assert_eq!(keys(samples.as_chunks::<FRAME>().0), "");
        let buzz: Vec<(f32, f32)> = (1..20).map(|k| (232.5 * k as f32, 4_000.0)).collect();
        assert_eq!(keys(&sound(&buzz, 0, 4_000, 25)), "");
    }
}
