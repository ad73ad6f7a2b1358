//! Voice activity, frame by frame: WebRTC's detector in its strictest mode, and loud enough beside the line's noise.
//!
//! Modes 0 to 2 stick in "speech" for seconds on clean speech followed by faint noise; mode 3 lets go within 160 ms.
//! Its hangover would still cost time at the end of a turn, so the energy decides there.

use std::f32::consts::PI;

use webrtc_vad::{SampleRate, VadMode};

use crate::media::Frame;

/// Quietest sound that counts, dB below full scale.
const QUIET_DB: f32 = -58.0;
/// What is assumed of the line's noise before it was heard, and the bounds of what is believed of it.
const FLOOR_DB: f32 = -62.0;
const FLOOR_BOUNDS_DB: (f32, f32) = (-80.0, -30.0);
/// Speech rises so far above the noise, and falls at most so far below its own peak.
const ABOVE_FLOOR_DB: f32 = 8.0;
const BELOW_PEAK_DB: f32 = 32.0;
/// The peak is forgotten by so much with each frame: 2.5 dB a second.
const PEAK_FALL_DB: f32 = 0.05;

/// What the line's noise is believed to be at most while the detector warms up.
const WARM_UP_FLOOR_DB: f32 = -45.0;

/// How strict the detector is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Frames at the beginning of a line in which nothing counts: the detector takes any noise for a voice then.
    pub warm_up_frames: u32,
    /// Least belief (0 to 1) of the neural second judge, which rejects more noise and costs 0.5 ms of CPU a second;
    /// `None` does without it. 0.7 is a good value.
    pub second_judge: Option<f32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            warm_up_frames: 10,
            second_judge: None,
        }
    }
}

/// The voice detector of one line.
pub struct Vad {
    gate: Gate,
    judge: Option<Judge>,
    warm_up_frames: u32,
    cold_frames: u32,
    floor: f32,
    peak: f32,
}

impl Default for Vad {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Vad {
    pub fn new(settings: Settings) -> Self {
        let judge = settings.second_judge.map(Judge::new);
        let cold = settings.warm_up_frames;
        Self {
            gate: Gate::new(),
            judge,
            warm_up_frames: cold,
            cold_frames: cold,
            floor: FLOOR_DB,
            peak: QUIET_DB,
        }
    }

    /// Forgets the line.
    pub fn reset(&mut self) {
        self.gate.reset();
        if let Some(judge) = &mut self.judge {
            judge.reset();
        }
        self.cold_frames = self.warm_up_frames;
        (self.floor, self.peak) = (FLOOR_DB, QUIET_DB);
    }

    /// Whether someone speaks in this frame.
    pub fn hear(&mut self, frame: &Frame) -> bool {
        let level = level_db(frame);
        let gate = self.gate.hear(frame);
        if self.cold_frames > 0 {
            return self.warm_up(level);
        }
        self.follow_floor(level, gate);
        self.peak = (self.peak - PEAK_FALL_DB).max(QUIET_DB);
        let loud = level
            > QUIET_DB
                .max(self.floor + ABOVE_FLOOR_DB)
                .max(self.peak - BELOW_PEAK_DB);
        let agreed = self.judge.as_mut().is_none_or(|judge| judge.hear(frame));
        let voiced = gate && loud && agreed;
        if voiced {
            self.peak = self.peak.max(level);
        }
        voiced
    }

    /// The line's noise, dB below full scale.
    pub fn floor_db(&self) -> f32 {
        self.floor
    }

    fn warm_up(&mut self, level: f32) -> bool {
        self.cold_frames -= 1;
        self.floor =
            (self.floor + 0.3 * (level - self.floor)).clamp(FLOOR_BOUNDS_DB.0, WARM_UP_FLOOR_DB);
        false
    }

    /// Down at once; up slowly, and next to not at all while the gate hears speech.
    fn follow_floor(&mut self, level: f32, gate: bool) {
        let step = match level - self.floor {
            down if down < 0.0 => 0.2 * down,
            up if gate => (0.05 * up).min(0.02),
            up => (0.05 * up).min(0.4),
        };
        self.floor = (self.floor + step).clamp(FLOOR_BOUNDS_DB.0, FLOOR_BOUNDS_DB.1);
    }
}

/// Mean power of a frame, dB below that of a full-scale square wave; -100 for digital silence.
pub fn level_db(frame: &[i16]) -> f32 {
    let power: f32 = frame
        .iter()
        .map(|&sample| (f32::from(sample) / 32_768.0).powi(2))
        .sum();
    10.0 * (power / frame.len().max(1) as f32 + 1e-10).log10()
}

/// WebRTC's detector.
struct Gate(webrtc_vad::Vad);

// SAFETY: the detector is a plain C structure behind a pointer that nothing else holds; it has no tie to the thread
// that made it, and it is used through `&mut` only.
#[expect(
    unsafe_code,
    reason = "the binding holds a raw pointer and so is not Send by itself"
)]
unsafe impl Send for Gate {}

impl Gate {
    fn new() -> Self {
        Self(webrtc_vad::Vad::new_with_rate_and_mode(
            SampleRate::Rate8kHz,
            VadMode::VeryAggressive,
        ))
    }

    /// The library's own reset would also go back to mode 0.
    fn reset(&mut self) {
        *self = Self::new();
    }

    fn hear(&mut self, frame: &Frame) -> bool {
        self.0.is_voice_segment(frame).unwrap_or(false)
    }
}

/// Samples at 16 kHz that the neural judge takes at a time.
const JUDGED: usize = 256;
/// Neighbours on each side from which a sample between two is made.
const REACH: usize = 4;

/// A small neural detector, which wants 16 kHz.
struct Judge {
    detector: Box<earshot::Detector>,
    least: f32,
    belief: f32,
    past: [i16; 2 * REACH],
    waiting: Vec<i16>,
    taps: [f32; REACH],
}

impl Judge {
    fn new(least: f32) -> Self {
        let tap = |i: usize| {
            let x = i as f32 + 0.5;
            (PI * x).sin() / (PI * x) * (0.5 + 0.5 * (PI * x / (REACH as f32 + 0.5)).cos())
        };
        let detector = earshot::Detector::default_boxed();
        let waiting = Vec::with_capacity(2 * JUDGED + 64);
        Self {
            detector,
            least,
            belief: 0.0,
            past: [0; 2 * REACH],
            waiting,
            taps: std::array::from_fn(tap),
        }
    }

    fn reset(&mut self) {
        self.detector.reset();
        self.belief = 0.0;
        self.past = [0; 2 * REACH];
        self.waiting.clear();
    }

    fn hear(&mut self, frame: &Frame) -> bool {
        for &sample in frame {
            self.past.rotate_left(1);
            self.past[2 * REACH - 1] = sample;
            let between = self.between();
            self.waiting.extend([self.past[REACH], between]);
        }
        while self.waiting.len() >= JUDGED {
            self.belief = self.detector.predict_i16(&self.waiting[..JUDGED]);
            self.waiting.drain(..JUDGED);
        }
        self.belief >= self.least
    }

    /// The sample half way behind the one in the middle.
    fn between(&self) -> i16 {
        let pair = |(i, tap): (usize, &f32)| {
            tap * (f32::from(self.past[REACH - i])
                + f32::from(self.past[(REACH + 1 + i).min(2 * REACH - 1)]))
        };
        self.taps
            .iter()
            .enumerate()
            .map(pair)
            .sum::<f32>()
            .clamp(-32_768.0, 32_767.0) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::SILENCE;

    /// A buzz of 120 Hz with many harmonics: to a detector, a voice.
    pub fn buzz(frame: usize, loudness: f32) -> Frame {
        std::array::from_fn(|i| {
            let t = (frame * crate::media::FRAME + i) as f32 / 8_000.0;
            let wave: f32 = (1..=20)
                .map(|k| (2.0 * PI * 120.0 * k as f32 * t).sin() / k as f32)
                .sum();
            (wave * loudness) as i16
        })
    }

    #[test]
    fn silence_is_no_voice() {
        let mut vad = Vad::default();
        assert!((0..100).all(|_| !vad.hear(&SILENCE)));
    }

    #[test]
    fn hears_a_voice_and_its_end_within_two_frames() {
        let mut vad = Vad::default();
        (0..25).for_each(|_| assert!(!vad.hear(&SILENCE)));
        let voiced = (0..50).filter(|&i| vad.hear(&buzz(i, 3_000.0))).count();
        assert!(voiced > 40, "{voiced}");
        assert_eq!((0..25).filter(|_| vad.hear(&SILENCE)).count(), 0);
    }

    /// As when a noisy line is opened.
    #[test]
    fn noise_at_the_beginning_is_no_voice() {
        let mut seed = 7u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((seed >> 16) as i16) / 64
        };
        let mut vad = Vad::default();
        assert_eq!(
            (0..100)
                .filter(|_| vad.hear(&std::array::from_fn(|_| noise())))
                .count(),
            0
        );
    }

    #[test]
    fn steady_hum_becomes_noise() {
        let mut vad = Vad::default();
        let hum: Vec<bool> = (0..1_000).map(|i| vad.hear(&buzz(i, 60.0))).collect();
        assert!(hum[900..].iter().filter(|voiced| **voiced).count() < 50);
    }

    #[test]
    fn the_second_judge_can_only_refuse() {
        let mut strict = Vad::new(Settings {
            second_judge: Some(0.7),
            ..Settings::default()
        });
        let mut plain = Vad::default();
        for i in 0..100 {
            let frame = buzz(i, 2_000.0);
            let (strict, plain) = (strict.hear(&frame), plain.hear(&frame));
            assert!(plain || !strict);
        }
    }

    #[test]
    fn can_move_to_another_thread() {
        fn movable<T: Send>(_: T) {}
        movable(Vad::default());
    }
}
