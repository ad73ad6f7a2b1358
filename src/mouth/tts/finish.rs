//! What every voice's raw sound goes through before it is telephone speech.

use crate::media::RATE;
use crate::media::level;
use crate::media::resample::{self, ResampleError};

/// Below this the telephone carries nothing of a voice, only hum.
const LOW_CUT_HZ: f64 = 200.0;
/// Above this the telephone carries nothing.
const HIGH_CUT_HZ: f64 = 3_500.0;
/// What lies this far below the loudest 10 ms is silence.
const SILENCE_DB: f64 = 45.0;
/// Silence left before and after the speech: soft beginnings, and the last vowel's decay.
const LEAD_MS: u32 = 10;
const TAIL_MS: u32 = 40;
const FADE_MS: u32 = 5;
/// Looking for silence goes in steps of 10 ms.
const STEP: usize = RATE as usize / 100;

/// Sound at `rate` Hz, in −1…1, as 8 kHz telephone speech: band-limited, silence cut off, −20 dBov, faded in and out.
pub fn finish(samples: &[f32], rate: u32) -> Result<Vec<i16>, ResampleError> {
    let mut narrow = resample::to_telephone(samples, rate)?;
    band_limit(&mut narrow);
    // Headroom, so that rounding to 16 bits clips nothing before the level is set.
    let top = narrow
        .iter()
        .fold(1.0_f32, |top, sample| top.max(sample.abs()));
    narrow.iter_mut().for_each(|sample| *sample /= top);
    let mut speech = trim(&resample::shorts(&narrow)).to_vec();
    level::normalise(&mut speech, level::TARGET_DBOV);
    level::fade(&mut speech, FADE_MS);
    Ok(speech)
}

/// The part in which something sounds, with a little silence around it.
pub fn trim(samples: &[i16]) -> &[i16] {
    let energy: Vec<f64> = samples
        .chunks(STEP)
        .map(|step| step.iter().map(|&s| f64::from(s).powi(2)).sum())
        .collect();
    let floor =
        energy.iter().fold(0.0, |top: f64, &e| top.max(e)) * 10_f64.powf(-SILENCE_DB / 10.0);
    let Some(first) = energy.iter().position(|&e| e > floor) else {
        return &[];
    };
    let last = energy.iter().rposition(|&e| e > floor).unwrap_or(first);
    let lead = (RATE * LEAD_MS / 1_000) as usize;
    let tail = (RATE * TAIL_MS / 1_000) as usize;
    &samples[(first * STEP).saturating_sub(lead)..((last + 1) * STEP + tail).min(samples.len())]
}

fn band_limit(samples: &mut [f32]) {
    // Two sections of the fourth-order Butterworth low-pass, one second-order high-pass.
    let sections = [
        Section::low_pass(HIGH_CUT_HZ, 0.541_2),
        Section::low_pass(HIGH_CUT_HZ, 1.306_6),
        Section::high_pass(LOW_CUT_HZ, std::f64::consts::FRAC_1_SQRT_2),
    ];
    for mut section in sections {
        for sample in samples.iter_mut() {
            *sample = section.step(f64::from(*sample)) as f32;
        }
    }
}

/// A second-order filter, after R. Bristow-Johnson's audio equaliser cookbook.
struct Section {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Section {
    fn low_pass(hertz: f64, q: f64) -> Self {
        let (cos, alpha) = angle(hertz, q);
        Self::normalised(
            [(1.0 - cos) / 2.0, 1.0 - cos, (1.0 - cos) / 2.0],
            cos,
            alpha,
        )
    }

    fn high_pass(hertz: f64, q: f64) -> Self {
        let (cos, alpha) = angle(hertz, q);
        Self::normalised(
            [
                f64::midpoint(1.0, cos),
                -(1.0 + cos),
                f64::midpoint(1.0, cos),
            ],
            cos,
            alpha,
        )
    }

    fn normalised(b: [f64; 3], cos: f64, alpha: f64) -> Self {
        let a0 = 1.0 + alpha;
        Self {
            b: b.map(|b| b / a0),
            a: [-2.0 * cos / a0, (1.0 - alpha) / a0],
            state: [0.0; 2],
        }
    }

    fn step(&mut self, input: f64) -> f64 {
        let output = self.b[0] * input + self.state[0];
        self.state[0] = self.b[1] * input - self.a[0] * output + self.state[1];
        self.state[1] = self.b[2] * input - self.a[1] * output;
        output
    }
}

fn angle(hertz: f64, q: f64) -> (f64, f64) {
    let omega = std::f64::consts::TAU * hertz / f64::from(RATE);
    (omega.cos(), omega.sin() / (2.0 * q))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, amplitude: f64) -> Vec<f32> {
        (0..22_050)
            .map(|n| {
                (amplitude * (f64::from(n) * std::f64::consts::TAU * hertz / 22_050.0).sin()) as f32
            })
            .collect()
    }

    #[test]
    fn silence_around_speech_goes_and_the_level_is_right() {
        let mut sound = vec![0.0; 11_025];
        sound.extend(tone(600.0, 0.05));
        sound.extend(vec![0.0; 22_050]);
        let out = finish(&sound, 22_050).expect("the rate is known");
        assert!((8_000..8_700).contains(&out.len()), "{}", out.len());
        let level = level::active_dbov(&out).expect("sound");
        assert!((level - level::TARGET_DBOV).abs() < 0.5, "{level}");
        assert_eq!((out[0], out[out.len() - 1]), (0, 0));
    }

    #[test]
    fn hum_is_taken_away() {
        let mut sound = tone(50.0, 0.3);
        sound
            .iter_mut()
            .zip(tone(1_000.0, 0.1))
            .for_each(|(a, b)| *a += b);
        let mut narrow = resample::to_telephone(&sound, 22_050).expect("the rate is known");
        band_limit(&mut narrow);
        let power = narrow[2_000..6_000].iter().map(|s| s * s).sum::<f32>() / 4_000.0;
        assert!((power / 0.005 - 1.0).abs() < 0.25, "{power}");
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(finish(&[], 22_050).expect("the rate is known").is_empty());
        assert!(
            finish(&[0.0; 5_000], 22_050)
                .expect("the rate is known")
                .is_empty()
        );
    }
}
