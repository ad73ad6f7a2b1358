//! Changes of sampling rate, for whole clips: what a voice rendered at 22,050 Hz becomes telephone speech.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

use super::RATE;

/// Input samples per FFT, at least. The filter's slope narrows as this grows; 1,024 leaves 100 Hz at 22,050 Hz.
const CHUNK: u32 = 1_024;
/// The lowest rate that still carries speech, and the highest that any sound card records.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResampleError {
    #[error("a sampling rate of {0} Hz is outside 4,000–192,000 Hz")]
    Rate(u32),
    #[error("changing {from} Hz to {to} Hz")]
    Failed {
        from: u32,
        to: u32,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A clip at `from` Hz, as it sounds at `to` Hz: same start, same length in time, the filter's delay taken off.
pub fn resample(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>, ResampleError> {
    for rate in [from, to] {
        if !RATES.contains(&rate) {
            return Err(ResampleError::Rate(rate));
        }
    }
    if from == to || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    filter(samples, from, to).map_err(|source| ResampleError::Failed { from, to, source })
}

/// A clip at `from` Hz as telephone speech at 8 kHz.
pub fn to_telephone(samples: &[f32], from: u32) -> Result<Vec<f32>, ResampleError> {
    resample(samples, from, RATE)
}

/// Telephone speech at another rate: 16,000 Hz for a recogniser, 48,000 Hz for a browser.
pub fn from_telephone(samples: &[i16], to: u32) -> Result<Vec<f32>, ResampleError> {
    resample(&floats(samples), RATE, to)
}

/// 16-bit samples as floats in −1…1.
pub fn floats(samples: &[i16]) -> Vec<f32> {
    samples
        .iter()
        .map(|&sample| f32::from(sample) / 32_768.0)
        .collect()
}

/// Floats in −1…1 as 16-bit samples; what lies outside is clipped, what is no number is silence.
pub fn shorts(samples: &[f32]) -> Vec<i16> {
    samples
        .iter()
        .map(|&sample| (sample * 32_768.0).round() as i16)
        .collect()
}

fn filter(
    samples: &[f32],
    from: u32,
    to: u32,
) -> Result<Vec<f32>, Box<dyn std::error::Error + Send + Sync>> {
    let mut engine = Fft::<f32>::new_custom(
        from as usize,
        to as usize,
        chunk(from, to),
        1,
        1,
        rubato::WindowFunction::BlackmanHarris2,
        FixedSync::Input,
    )?;
    let input = InterleavedSlice::new(samples, 1, samples.len())?;
    Ok(engine.process_all(&input, samples.len(), None)?.take_data())
}

/// The filter delays by half a chunk, which has to be whole at both rates: an even number of the shortest blocks.
fn chunk(from: u32, to: u32) -> usize {
    let (mut block, mut rest) = (from, to);
    while rest != 0 {
        (block, rest) = (rest, block % rest);
    }
    let shortest = 2 * (from / block);
    (shortest * CHUNK.div_ceil(shortest)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f32, rate: u32, millis: u32) -> Vec<f32> {
        let step = std::f32::consts::TAU * hertz / rate as f32;
        (0..rate * millis / 1_000)
            .map(|n| 0.5 * (step * n as f32).sin())
            .collect()
    }

    fn rms(samples: &[f32]) -> f32 {
        (samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn every_rate_keeps_length_level_and_phase() {
        for rate in [11_025, 16_000, 22_050, 24_000, 44_100, 48_000] {
            let out = to_telephone(&tone(1_000.0, rate, 500), rate).expect("rates are known");
            let want = tone(1_000.0, 8_000, 500);
            assert!(
                out.len().abs_diff(4_000) <= 1,
                "{rate}: {} samples",
                out.len()
            );
            let middle = 1_000..3_000;
            let error: Vec<f32> = middle.clone().map(|n| out[n] - want[n]).collect();
            assert!(rms(&error) < 0.01, "{rate}: error {}", rms(&error));
        }
    }

    #[test]
    fn what_the_telephone_cannot_carry_is_removed() {
        let out = to_telephone(&tone(5_000.0, 22_050, 500), 22_050).expect("rates are known");
        assert!(
            rms(&out[500..3_500]) < 0.001,
            "alias {}",
            rms(&out[500..3_500])
        );
    }

    #[test]
    fn there_and_back_is_the_same_sound() {
        let there =
            from_telephone(&shorts(&tone(800.0, 8_000, 300)), 16_000).expect("rates are known");
        let back = to_telephone(&there, 16_000).expect("rates are known");
        let want = tone(800.0, 8_000, 300);
        let error: Vec<f32> = (400..2_000).map(|n| back[n] - want[n]).collect();
        assert!(rms(&error) < 0.01);
    }

    #[test]
    fn clips_of_any_length_and_odd_rates_do_not_fail() {
        for length in [0, 1, 2, 159, 1_023, 1_025] {
            assert!(to_telephone(&vec![0.1; length], 22_050).is_ok(), "{length}");
        }
        assert!(matches!(
            to_telephone(&[0.0], 0),
            Err(ResampleError::Rate(0))
        ));
        assert!(to_telephone(&[0.0; 3], 37_813).is_ok());
        assert_eq!(shorts(&[2.0, -2.0, f32::NAN]), [32_767, -32_768, 0]);
    }
}
