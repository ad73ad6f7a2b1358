//! Tones that answer instead of people: the network's, a fax, the beep of a voicemail.
//!
//! A pure tone foretells each of its samples from the two before it: x\[n\] = 2 cos ω · x\[n−1\] − x\[n−2\]. The best
//! coefficient gives the frequency, what it leaves unexplained the impurity; speech and music leave far more.
//! Brazilian networks signal with 425 Hz alone: ringing 1 s in 5 s, busy 0.25 s in 0.5 s (ITU-T E.180, supplement 2).
//! Special information tones are three rising tones of 330 ms (ITU-T E.180); a calling fax sends 1,100 Hz for 0.5 s in
//! 3.5 s, an answering one 2,100 Hz for about 3 s (ITU-T T.30).

use crate::media::{FRAME_MS, Frame, RATE};

/// Quietest tone, mean power of 16-bit samples: about -42 dB below full scale.
const QUIET: f64 = 6.8e4;
/// Least share of a frame's power that one tone explains.
const PURITY: f64 = 0.985;
/// Frames of one tone stay this near to each other, in Hz.
const STEADY_HZ: f64 = 14.0;
/// What is no tone for so long ends one: 40 ms.
const GAP: u32 = 2;

/// What a tone means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// 425 Hz, a second long: it rings elsewhere.
    Ringing,
    /// 425 Hz, short and again, or without end: nobody is there.
    Busy,
    /// Three rising tones before an announcement of the network.
    Information,
    /// A fax or a modem.
    Fax,
    /// One clean tone: a recording begins.
    Beep,
}

/// A tone that has ended, or lasts.
#[derive(Clone, Copy, Debug)]
struct Held {
    hz: f64,
    frames: u32,
    missing: u32,
    told: bool,
}

/// Follows the tones of one line.
#[derive(Clone, Debug, Default)]
pub struct Tones {
    held: Option<Held>,
    /// Short tones of 425 Hz, one after the other.
    bursts: u32,
    /// Frames since the last of them.
    since_burst: u32,
    /// How many of the three information tones came, and frames since the last.
    information: (usize, u32),
}

/// The three tones, each within ±5 %.
const INFORMATION_HZ: [f64; 3] = [950.0, 1_400.0, 1_800.0];

impl Tones {
    /// Takes a frame; gives what became certain with it.
    pub fn hear(&mut self, frame: &Frame) -> Option<Tone> {
        self.since_burst = self.since_burst.saturating_add(1);
        self.information.1 = self.information.1.saturating_add(1);
        let seen = pure_tone(frame);
        let Some(held) = &mut self.held else {
            self.held = seen.map(Held::new);
            return None;
        };
        match seen {
            Some(hz) if (hz - held.hz).abs() <= STEADY_HZ => {
                held.frames += 1 + held.missing;
                held.missing = 0;
                held.hz += (hz - held.hz) / f64::from(held.frames.min(10));
                let held = *held;
                self.lasting(held)
            }
            other => {
                held.missing += 1;
                if other.is_none() && held.missing < GAP {
                    return None;
                }
                let ended = *held;
                self.held = other.map(Held::new);
                self.ended(ended)
            }
        }
    }

    /// What a tone is that has not ended: fax and dial tone need not be waited out.
    fn lasting(&mut self, held: Held) -> Option<Tone> {
        let ms = u64::from(held.frames) * FRAME_MS;
        let tone = if is_near(held.hz, 2_100.0, 20.0) && ms >= 500 {
            Tone::Fax
        } else if is_near(held.hz, 425.0, 12.0) && ms >= 2_500 {
            Tone::Busy
        } else {
            return None;
        };
        let held = self.held.as_mut().filter(|held| !held.told)?;
        held.told = true;
        Some(tone)
    }

    fn ended(&mut self, tone: Held) -> Option<Tone> {
        let ms = u64::from(tone.frames) * FRAME_MS;
        if tone.told {
            return None;
        }
        if is_near(tone.hz, 425.0, 12.0) {
            return self.network_tone(ms);
        }
        if is_near(tone.hz, 1_100.0, 15.0) && (400..=700).contains(&ms) {
            return Some(Tone::Fax);
        }
        let place = INFORMATION_HZ
            .iter()
            .position(|hz| is_near(tone.hz, *hz, hz * 0.05));
        if let Some(place) = place.filter(|_| (240..=420).contains(&ms)) {
            let follows = place == 0 || (self.information.0 == place && self.information.1 < 30);
            self.information = (if follows { place + 1 } else { 0 }, 0);
            if self.information.0 == 3 {
                return Some(Tone::Information);
            }
            if follows {
                return None;
            }
        }
        let beep = (350.0..2_050.0).contains(&tone.hz) && (280..=2_000).contains(&ms);
        beep.then_some(Tone::Beep)
    }

    fn network_tone(&mut self, ms: u64) -> Option<Tone> {
        match ms {
            120..=420 => {
                self.bursts = if self.since_burst <= 50 {
                    self.bursts + 1
                } else {
                    1
                };
                self.since_burst = 0;
                (self.bursts == 3).then_some(Tone::Busy)
            }
            700..=1_300 => Some(Tone::Ringing),
            _ => None,
        }
    }

    /// A clean tone is on the line at this moment.
    pub fn hears_tone(&self) -> bool {
        self.held.is_some_and(|held| held.frames >= 3)
    }
}

impl Held {
    fn new(hz: f64) -> Self {
        Self {
            hz,
            frames: 1,
            missing: 0,
            told: false,
        }
    }
}

fn is_near(hz: f64, wanted: f64, by: f64) -> bool {
    (hz - wanted).abs() <= by
}

/// The frequency of a frame that is one tone, in Hz.
fn pure_tone(frame: &Frame) -> Option<f64> {
    let samples: Vec<f64> = frame.iter().map(|&sample| f64::from(sample)).collect();
    let power = samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64;
    if power < QUIET {
        return None;
    }
    // With u = x[n] + x[n−2] and v = x[n−1], the tone says u = c·v.
    let (mut uv, mut vv, mut uu) = (0.0, 0.0, 0.0);
    for three in samples.windows(3) {
        let (u, v) = (three[0] + three[2], three[1]);
        uv += u * v;
        vv += v * v;
        uu += u * u;
    }
    let c = uv / vv.max(1.0);
    if c.abs() >= 2.0 {
        return None;
    }
    let left = (uu - c * uv).max(0.0);
    // A tone near a quarter of the rate makes u small; what is left is measured against the sound itself.
    let pure = 1.0 - left / (4.0 * vv).max(1.0);
    let hz = (c / 2.0).acos() * f64::from(RATE) / std::f64::consts::TAU;
    (pure >= PURITY && (300.0..2_400.0).contains(&hz) && is_sinusoid(&samples, hz)).then_some(hz)
}

/// Whether a sinusoid of this frequency holds nearly all power: low sounds foretell themselves well, too.
fn is_sinusoid(samples: &[f64], hz: f64) -> bool {
    let omega = std::f64::consts::TAU * hz / f64::from(RATE);
    let (mut cs, mut cc, mut ss, mut xc, mut xs, mut xx) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (n, x) in samples.iter().enumerate() {
        let (s, c) = (omega * n as f64).sin_cos();
        cc += c * c;
        ss += s * s;
        cs += c * s;
        xc += x * c;
        xs += x * s;
        xx += x * x;
    }
    let determinant = cc * ss - cs * cs;
    if determinant.abs() < 1e-6 {
        return false;
    }
    let (a, b) = (
        (xc * ss - xs * cs) / determinant,
        (xs * cc - xc * cs) / determinant,
    );
    (a * xc + b * xs) / xx.max(1.0) >= 0.9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{FRAME, SILENCE};

    /// Tones and silences: frequency (0 for silence) and milliseconds.
    fn heard(score: &[(f64, u64)]) -> Vec<Tone> {
        let mut sound = Vec::new();
        for (hz, ms) in score {
            let from = sound.len();
            for n in 0..*ms as usize * 8 {
                let phase = std::f64::consts::TAU * hz * (from + n) as f64 / 8_000.0;
                sound.push((4_000.0 * phase.sin()) as i16);
            }
        }
        sound.extend([0; 10 * FRAME]);
        let mut tones = Tones::default();
        let frames = sound.as_chunks::<FRAME>().0;
        frames
            .iter()
            .filter_map(|frame| tones.hear(frame))
            .collect()
    }

    #[test]
    fn tones_of_the_network_are_known() {
        let busy = [(425.0, 250), (0.0, 250)].repeat(4);
        assert_eq!(heard(&busy), [Tone::Busy]);
        assert_eq!(heard(&[(425.0, 1_000), (0.0, 4_000)]), [Tone::Ringing]);
        assert_eq!(heard(&[(425.0, 3_000)]), [Tone::Busy]);
        let information = [(950.0, 330), (1_400.0, 330), (1_800.0, 330), (0.0, 500)];
        assert_eq!(heard(&information), [Tone::Information]);
    }

    #[test]
    fn fax_and_beep_are_known() {
        assert_eq!(heard(&[(1_100.0, 500), (0.0, 3_000)]), [Tone::Fax]);
        assert_eq!(heard(&[(2_100.0, 3_000)]), [Tone::Fax]);
        for hz in [400.0, 440.0, 620.0, 1_000.0, 1_400.0] {
            assert_eq!(
                heard(&[(0.0, 300), (hz, 500), (0.0, 300)]),
                [Tone::Beep],
                "{hz}"
            );
        }
        assert_eq!(
            heard(&[(1_000.0, 120), (0.0, 500)]),
            [],
            "a click is no beep"
        );
    }

    #[test]
    fn keys_and_voices_are_no_tones() {
        let mut tones = Tones::default();
        for f in 0..100 {
            let key: Frame = std::array::from_fn(|i| {
                let n = (f * FRAME + i) as f32;
                (4_000.0 * ((n * 0.605).sin() + (n * 1.049).sin())) as i16
            });
            assert_eq!(tones.hear(&key), None);
        }
        assert_eq!(tones.hear(&SILENCE), None);
        for f in 0..200 {
            let voice: Frame = std::array::from_fn(|i| {
                let t = (f * FRAME + i) as f32 / 8_000.0;
                let wave: f32 = (1..=20)
                    .map(|k| (754.0 * k as f32 * t).sin() / k as f32)
                    .sum();
                (wave * 3_000.0) as i16
            });
            assert_eq!(tones.hear(&voice), None);
        }
    }
}
