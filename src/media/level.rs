//! How loud speech is, and making it as loud as it should be.

use super::RATE;

/// Active level at which the agent speaks, in dB relative to overload (ITU-T G.100.1): 6 dB above the nominal −26 dBov of
/// ITU-T P.56 material, as announcements are, and far enough from overload for the peaks of speech.
pub const TARGET_DBOV: f64 = -20.0;

/// Peaks stay below this part of full scale, so that no codec on the way clips them.
const CEILING: f64 = 0.89;
/// The limiter bends what lies above this part of full scale.
const KNEE: f64 = 0.6;

/// Smoothing of the envelope in ITU-T P.56 method B, in seconds.
const SMOOTHING: f64 = 0.03;
/// How long speech counts as active after the envelope fell below a threshold, in samples (200 ms).
const HANGOVER: u32 = RATE / 5;
/// How far the threshold of activity lies below the active level, in dB.
const MARGIN: f64 = 15.9;
/// Thresholds are powers of two of the 16-bit scale.
const THRESHOLDS: usize = 15;

/// Active speech level in dBov after ITU-T P.56 method B; `None` when nothing is active.
///
/// Pauses do not count, so that a sentence and the same sentence with a second of silence behind it are equally loud.
pub fn active_dbov(samples: &[i16]) -> Option<f64> {
    let (energy, activity) = envelope(samples);
    if energy == 0.0 {
        return None;
    }
    let mut before: Option<(f64, f64)> = None;
    for (exponent, &active) in activity.iter().enumerate() {
        if active == 0 {
            break;
        }
        let level = 10.0 * (energy / f64::from(active)).log10();
        let margin = level - 20.0 * f64::from(1_u32 << exponent).log10();
        if margin <= MARGIN {
            return Some(dbov(between(before, (level, margin))));
        }
        before = Some((level, margin));
    }
    before.map(|(level, _)| dbov(level))
}

/// The highest sample as a part of full scale, 0–1.
pub fn peak(samples: &[i16]) -> f64 {
    samples
        .iter()
        .map(|sample| f64::from(sample.unsigned_abs()))
        .fold(0.0, f64::max)
        / 32_768.0
}

/// Brings speech to `target` dBov active level; peaks are bent, never clipped. Silence stays silence.
pub fn normalise(samples: &mut [i16], target: f64) {
    // The limiter takes a little energy away; the second pass gives it back.
    for _ in 0..2 {
        let Some(level) = active_dbov(samples) else {
            return;
        };
        let gain = 10_f64.powf((target - level) / 20.0);
        for sample in samples.iter_mut() {
            *sample = limit(f64::from(*sample) / 32_768.0 * gain);
        }
    }
}

/// Lets the first and last `millis` rise from and fall to silence, so that no clip starts or ends with a click.
pub fn fade(samples: &mut [i16], millis: u32) {
    let length = ((RATE * millis / 1_000) as usize).min(samples.len() / 2);
    let last = samples.len();
    for n in 0..length {
        let gain = 0.5 - 0.5 * (std::f64::consts::PI * n as f64 / length as f64).cos();
        for at in [n, last - 1 - n] {
            samples[at] = (f64::from(samples[at]) * gain).round() as i16;
        }
    }
}

/// Sum of squares, and for each threshold the number of samples during which speech counted as active.
fn envelope(samples: &[i16]) -> (f64, [u32; THRESHOLDS]) {
    let keep = (-1.0 / (f64::from(RATE) * SMOOTHING)).exp();
    let (mut energy, mut first, mut second) = (0.0, 0.0, 0.0);
    let mut activity = [0; THRESHOLDS];
    let mut hang = [HANGOVER; THRESHOLDS];
    for &sample in samples {
        let value = f64::from(sample);
        energy += value * value;
        first = keep * first + (1.0 - keep) * value.abs();
        second = keep * second + (1.0 - keep) * first;
        for (exponent, (active, hang)) in activity.iter_mut().zip(&mut hang).enumerate() {
            if second >= f64::from(1_u32 << exponent) {
                *hang = 0;
            } else if *hang >= HANGOVER {
                continue;
            } else {
                *hang += 1;
            }
            *active += 1;
        }
    }
    (energy, activity)
}

/// The level at which the margin is exactly `MARGIN`, on the line between two thresholds.
fn between(before: Option<(f64, f64)>, after: (f64, f64)) -> f64 {
    let Some((level, margin)) = before else {
        return after.0;
    };
    let part = (margin - MARGIN) / (margin - after.1);
    level + part * (after.0 - level)
}

/// dB of a square on the 16-bit scale, relative to overload.
fn dbov(decibel: f64) -> f64 {
    decibel - 20.0 * 32_768_f64.log10()
}

/// Straight up to the knee, then ever flatter towards the ceiling.
fn limit(value: f64) -> i16 {
    let size = value.abs();
    let bent = if size <= KNEE {
        size
    } else {
        KNEE + (CEILING - KNEE) * ((size - KNEE) / (CEILING - KNEE)).tanh()
    };
    (bent.copysign(value) * 32_768.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(amplitude: f64, millis: u32) -> Vec<i16> {
        (0..RATE * millis / 1_000)
            .map(|n| (amplitude * (f64::from(n) * 0.785).sin()).round() as i16)
            .collect()
    }

    #[test]
    fn a_tone_has_the_level_of_its_effective_value() {
        // A sine of amplitude A has A/√2; 16,384 is half of overload: −6.02 − 3.01 dB.
        let level = active_dbov(&tone(16_384.0, 1_000)).expect("a tone is active");
        // The envelope needs some 50 ms to rise, which do not count as active.
        assert!((level + 9.03).abs() < 0.4, "{level}");
    }

    #[test]
    fn pauses_do_not_make_speech_quieter() {
        let speech = tone(8_000.0, 1_000);
        let mut paused = speech.clone();
        paused.extend(vec![0; 24_000]);
        let (a, b) = (active_dbov(&speech), active_dbov(&paused));
        assert!(
            (a.expect("active") - b.expect("active")).abs() < 1.5,
            "{a:?} {b:?}"
        );
    }

    #[test]
    fn silence_has_no_level_and_stays_silence() {
        assert_eq!(active_dbov(&[]), None);
        let mut silence = vec![0; 8_000];
        normalise(&mut silence, TARGET_DBOV);
        assert_eq!(active_dbov(&silence), None);
    }

    #[test]
    fn peaky_sound_reaches_its_level_without_clipping() {
        let mut clicks = tone(500.0, 2_000);
        for n in (0..clicks.len()).step_by(80) {
            clicks[n] = 9_000;
        }
        normalise(&mut clicks, TARGET_DBOV);
        let level = active_dbov(&clicks).expect("active");
        assert!((level - TARGET_DBOV).abs() < 2.0, "{level}");
        assert!(peak(&clicks) < 0.9);
    }

    #[test]
    fn fading_begins_and_ends_in_silence() {
        for length in [0, 1, 2, 50, 4_000] {
            let mut samples = vec![10_000; length];
            fade(&mut samples, 5);
            if length > 2 {
                assert_eq!((samples[0], samples[length - 1]), (0, 0));
            }
        }
    }
}
