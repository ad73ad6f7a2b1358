//! How the voice ended: whoever has finished lets it fall, whoever goes on holds it or lets it rise.
//!
//! Only the melody of the last third of a second is looked at, once, when the voice falls silent. It is a hint for
//! the endpointer, never a reason to answer something that was not understood.

use crate::media::RATE;

/// How the melody of the voice ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cadence {
    /// It fell, as at the end of a statement.
    Falls,
    /// It did neither clearly, or there is no melody to follow (a whisper, a noise).
    #[default]
    Level,
    /// It rose, as before something that is still to come.
    Rises,
}

/// What the pitch of a sound does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveliness {
    /// There is hardly any: a cough, breath, noise, many voices at once.
    Noisy,
    /// It stands still, or steps from note to note: hum, tones, music.
    Still,
    /// It glides as a voice does.
    Lively,
}

/// Sound that is looked at: 360 ms.
pub const SPAN: usize = RATE as usize * 36 / 100;
/// Samples compared with an earlier self, and the step from one look to the next: 40 ms and 10 ms.
const WINDOW: usize = RATE as usize / 25;
const STEP: usize = RATE as usize / 100;
/// Periods of voices: 70 to 400 Hz.
const PERIODS: std::ops::Range<usize> = RATE as usize / 400..RATE as usize / 70;
/// Least likeness to itself, one period earlier, of a sound that has a pitch.
const VOICED: f32 = 0.55;
/// A shorter period is preferred to a longer one that is hardly better: twice the period fits as well.
const NEARLY: f32 = 0.92;
/// Sound so far below the loudest of the span is no part of the melody, in dB.
const FAINT_DB: f32 = 26.0;
/// Looks with a pitch that are compared, the last of the voice; with fewer than the least nothing is said.
const END: usize = 14;
const LEAST: usize = 7;
/// Change of pitch that counts, in semitones for 100 ms.
const CLEAR: f32 = 0.6;

/// Listens to the end of a voice; `sound` ends where the voice did.
pub fn cadence(sound: &[i16]) -> Cadence {
    let sound = &sound[sound.len().saturating_sub(SPAN)..];
    let track = melody(sound);
    if track.len() < LEAST {
        return Cadence::Level;
    }
    match slope(&track[track.len().saturating_sub(END)..]) * (RATE as f32 / 10.0 / STEP as f32) {
        change if change <= -CLEAR => Cadence::Falls,
        change if change >= CLEAR => Cadence::Rises,
        _ => Cadence::Level,
    }
}

/// The median of the changes between any two looks that are not neighbours, for one step (Theil and Sen).
fn slope(track: &[f32]) -> f32 {
    let mut slopes = Vec::new();
    for (i, first) in track.iter().enumerate() {
        for (gap, later) in track[i..].iter().enumerate().skip(3) {
            slopes.push((later - first) / gap as f32);
        }
    }
    median(&slopes)
}

/// Least share of looks with a pitch in a voice, and least median change from one look to the next, in semitones.
const PITCHED: f32 = 0.35;
const GLIDES: f32 = 0.07;

/// Tells a voice from sounds that are none, by what the pitch does in `sound` (half a second or so).
pub fn liveliness(sound: &[i16]) -> Liveliness {
    let looks = sound.len().saturating_sub(WINDOW + PERIODS.end) / STEP;
    let track = melody(sound);
    if track.len() < LEAST || (track.len() as f32) < PITCHED * looks as f32 {
        return Liveliness::Noisy;
    }
    // A voice comes in syllables; hum and held notes do not change in loudness.
    let levels: Vec<f32> = samples_db(sound);
    if spread(&levels) < SYLLABLES_DB {
        return Liveliness::Still;
    }
    let changes: Vec<f32> = track
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .collect();
    if median(&changes) >= GLIDES {
        Liveliness::Lively
    } else {
        Liveliness::Still
    }
}

/// Between loud and soft parts of a voice, within half a second, in dB.
const SYLLABLES_DB: f32 = 3.5;

/// Level of each 20 ms, in dB, without what is nearly silent beside the loudest.
fn samples_db(sound: &[i16]) -> Vec<f32> {
    let levels: Vec<f32> = sound
        .chunks(WINDOW / 2)
        .map(|chunk| {
            let samples: Vec<f32> = chunk.iter().map(|&sample| f32::from(sample)).collect();
            10.0 * (power(&samples) + 1.0).log10()
        })
        .collect();
    let top = levels.iter().copied().fold(0.0, f32::max);
    levels
        .into_iter()
        .filter(|level| *level > top - FAINT_DB)
        .collect()
}

/// From the lower to the upper decile.
fn spread(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = |share: usize| {
        sorted
            .get(sorted.len() * share / 10)
            .copied()
            .unwrap_or_default()
    };
    at(9) - at(1)
}

/// Pitch in semitones wherever there is one, in order of time.
fn melody(sound: &[i16]) -> Vec<f32> {
    let samples: Vec<f32> = sound.iter().map(|&sample| f32::from(sample)).collect();
    let longest = PERIODS.end;
    // The last look ends where the sound does.
    let skipped = samples.len().saturating_sub(WINDOW + longest) % STEP;
    let looks = samples[skipped.min(samples.len())..]
        .windows(WINDOW + longest)
        .step_by(STEP);
    let loudest = samples
        .windows(WINDOW)
        .step_by(STEP)
        .map(power)
        .fold(1.0, f32::max);
    let faint = loudest * 10f32.powf(-FAINT_DB / 10.0);
    let mut track: Vec<f32> = Vec::new();
    for look in looks {
        if power(&look[longest..]) < faint {
            continue;
        }
        if let Some(period) = period(look) {
            let semitones = 12.0 * (RATE as f32 / period).log2();
            track.push(same_octave(semitones, track.last().copied()));
        }
    }
    track
}

/// The period of a sound, in samples; `None` when it has none.
fn period(look: &[f32]) -> Option<f32> {
    let reach = look.len() - WINDOW;
    let last = &look[reach..];
    let mine = power(last);
    let likeness: Vec<f32> = PERIODS
        .map(|lag| {
            let before = &look[reach - lag..reach - lag + WINDOW];
            let product: f32 = last.iter().zip(before).map(|(a, b)| a * b).sum();
            product / (WINDOW as f32 * (mine * power(before)).sqrt()).max(1.0)
        })
        .collect();
    let best = likeness.iter().copied().fold(0.0, f32::max);
    if best < VOICED {
        return None;
    }
    // The first peak that is nearly as high as the highest.
    let at = (1..likeness.len() - 1).find(|&i| {
        likeness[i] >= NEARLY * best
            && likeness[i] >= likeness[i - 1]
            && likeness[i] >= likeness[i + 1]
    })?;
    let (before, top, after) = (likeness[at - 1], likeness[at], likeness[at + 1]);
    let bend = before - 2.0 * top + after;
    let shift = if bend < 0.0 {
        (before - after) / (2.0 * bend)
    } else {
        0.0
    };
    Some((PERIODS.start + at) as f32 + shift.clamp(-0.5, 0.5))
}

/// Moves a pitch by octaves next to the one before it.
fn same_octave(semitones: f32, before: Option<f32>) -> f32 {
    let Some(before) = before else {
        return semitones;
    };
    semitones - 12.0 * ((semitones - before) / 12.0).round()
}

fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32
}

fn median(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    /// A voice that glides from one pitch to another in 400 ms.
    fn glide(from: f32, to: f32) -> Vec<i16> {
        let mut phase = 0.0_f32;
        (0..3_200)
            .map(|i| {
                let hz = from + (to - from) * i as f32 / 3_200.0;
                phase += TAU * hz / RATE as f32;
                let wave: f32 = (2..12).map(|k| (phase * k as f32).sin() / k as f32).sum();
                (wave * 3_000.0) as i16
            })
            .collect()
    }

    #[test]
    fn hears_whether_a_voice_falls_or_rises() {
        for pitch in [90.0, 130.0, 210.0, 300.0] {
            assert_eq!(
                cadence(&glide(pitch, pitch * 0.75)),
                Cadence::Falls,
                "{pitch}"
            );
            assert_eq!(
                cadence(&glide(pitch, pitch * 1.3)),
                Cadence::Rises,
                "{pitch}"
            );
            assert_eq!(cadence(&glide(pitch, pitch)), Cadence::Level, "{pitch}");
        }
    }

    #[test]
    fn a_sound_without_pitch_tells_nothing() {
        let mut seed = 5_u32;
        let noise: Vec<i16> = (0..3_000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 18) as i16 - 8_192
            })
            .collect();
        assert_eq!(cadence(&noise), Cadence::Level);
        assert_eq!(cadence(&[]), Cadence::Level);
        assert_eq!(cadence(&[0; 4_000]), Cadence::Level);
    }
}
