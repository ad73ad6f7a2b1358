//! Between 16 and 8 kHz with one half-band filter, 63 taps: flat to 3.4 kHz, 60 dB down from 4.6 kHz.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Taps on each side of the middle; every second of them is zero.
const REACH: usize = 31;
/// Distance of the taps that are not zero from the middle: 1, 3, … 31.
const ARMS: usize = REACH.div_ceil(2);
/// Kaiser's beta for 60 dB.
const BETA: f64 = 5.65;

/// Taps at 1, 3, 5 … from the middle; the middle itself is one half.
static TAPS: LazyLock<[f32; ARMS]> = LazyLock::new(|| {
    std::array::from_fn(|arm| {
        let distance = (2 * arm + 1) as f64;
        let ideal = (PI * distance / 2.0).sin() / (PI * distance);
        let within = 1.0 - (distance / (REACH as f64 + 1.0)).powi(2);
        (ideal * bessel(BETA * within.sqrt()) / bessel(BETA)) as f32
    })
});

/// The modified Bessel function of order zero, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..40 {
        term *= (x / (2.0 * f64::from(n))).powi(2);
        sum += term;
    }
    sum
}

/// 16 kHz to 8 kHz.
#[derive(Debug)]
pub(super) struct Halver {
    /// The last samples of the past, then those of the present.
    window: Vec<f32>,
}

impl Default for Halver {
    fn default() -> Self {
        // One less than the filter reaches: its delay is then whole at both rates.
        Self {
            window: vec![0.0; 2 * REACH - 1],
        }
    }
}

impl Halver {
    /// One sample for two. An odd sample at the end waits for its twin.
    pub fn run(&mut self, wide: &[i16], narrow: &mut Vec<i16>) {
        narrow.clear();
        self.window
            .extend(wide.iter().map(|sample| f32::from(*sample)));
        let mut middle = REACH;
        while middle + REACH < self.window.len() {
            narrow.push(to_sample(
                self.window[middle] * 0.5 + arms(&self.window, middle),
            ));
            middle += 2;
        }
        self.window.drain(..middle - REACH);
    }
}

fn arms(window: &[f32], middle: usize) -> f32 {
    TAPS.iter()
        .enumerate()
        .map(|(arm, tap)| {
            let distance = 2 * arm + 1;
            tap * (window[middle - distance] + window[middle + distance])
        })
        .sum()
}

/// 8 kHz to 16 kHz.
#[derive(Debug)]
pub(super) struct Doubler {
    window: Vec<f32>,
}

impl Default for Doubler {
    fn default() -> Self {
        Self {
            window: vec![0.0; 2 * ARMS - 1],
        }
    }
}

impl Doubler {
    /// Two samples for one: the sample itself, and the one between it and the next.
    pub fn run(&mut self, narrow: &[i16], wide: &mut Vec<i16>) {
        wide.clear();
        self.window
            .extend(narrow.iter().map(|sample| f32::from(*sample)));
        for at in ARMS - 1..self.window.len() - ARMS {
            let between: f32 = TAPS
                .iter()
                .enumerate()
                .map(|(arm, tap)| tap * (self.window[at - arm] + self.window[at + 1 + arm]))
                .sum();
            wide.push(to_sample(self.window[at]));
            wide.push(to_sample(2.0 * between));
        }
        self.window.drain(..narrow.len());
    }
}

fn to_sample(value: f32) -> i16 {
    // A float beyond the range becomes the range's end.
    value.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| (8_000.0 * (2.0 * PI * hz * n as f64 / rate).sin()).round() as i16)
            .collect()
    }

    fn level(samples: &[i16]) -> f64 {
        (samples
            .iter()
            .map(|sample| f64::from(*sample).powi(2))
            .sum::<f64>()
            / samples.len() as f64)
            .sqrt()
    }

    fn halved(hz: f64) -> f64 {
        let (mut halver, mut narrow, mut all) = (Halver::default(), Vec::new(), Vec::new());
        for frame in tone(hz, 16_000.0, 16_000).chunks(320) {
            halver.run(frame, &mut narrow);
            assert_eq!(narrow.len(), 160);
            all.extend_from_slice(&narrow);
        }
        20.0 * (level(&all[200..]) / level(&tone(hz, 16_000.0, 16_000))).log10()
    }

    #[test]
    fn speech_passes_and_what_would_fold_does_not() {
        for hz in [300.0, 1_000.0, 3_000.0, 3_400.0] {
            assert!(halved(hz).abs() < 0.2, "{hz}: {}", halved(hz));
        }
        for hz in [4_700.0, 6_000.0, 7_500.0] {
            assert!(halved(hz) < -50.0, "{hz}: {}", halved(hz));
        }
    }

    /// Doubled and halved again, speech is the same but for the delay of both filters.
    #[test]
    fn there_and_back() {
        let sound = tone(1_000.0, 8_000.0, 8_000);
        let (mut doubler, mut halver) = (Doubler::default(), Halver::default());
        let (mut wide, mut narrow, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for frame in sound.chunks(160) {
            doubler.run(frame, &mut wide);
            assert_eq!(wide.len(), 320);
            halver.run(&wide, &mut narrow);
            all.extend_from_slice(&narrow);
        }
        // Doubler: 16 samples; halver: 30 samples at the double rate.
        let delay = (0..64)
            .min_by_key(|delay| error(&sound, &all, *delay))
            .expect("delays");
        assert!(
            error(&sound, &all, delay) <= 200,
            "{}",
            error(&sound, &all, delay)
        );
    }

    fn error(sound: &[i16], back: &[i16], delay: usize) -> i32 {
        (1_000..7_000)
            .map(|n| (i32::from(sound[n]) - i32::from(back[n + delay])).abs())
            .max()
            .unwrap_or(0)
    }
}
