//! Packet-loss concealment: the last pitch period goes on for a moment, then silence (after G.711 Appendix I).

/// Samples remembered: two periods of the lowest voice, and what is compared with them.
const HISTORY: usize = 400;
/// Shortest pitch period looked for, in samples: 200 Hz.
const SHORTEST: usize = 40;
/// Longest: 66 Hz.
const LONGEST: usize = 120;
/// Samples compared to find the period: 20 ms.
const COMPARED: usize = 160;
/// Concealed at full loudness: 10 ms.
const FULL: u32 = 80;
/// Nothing is invented beyond this: 60 ms.
const LIMIT: u32 = 480;
/// Samples over which the real sound takes over again: 4 ms.
const OVERLAP: u32 = 32;

/// Remembers what was played and invents what is missing.
#[derive(Clone, Debug)]
pub struct Concealer {
    history: [i16; HISTORY],
    /// Samples invented since the last real one.
    missing: u32,
    period: usize,
}

impl Default for Concealer {
    fn default() -> Self {
        Self {
            history: [0; HISTORY],
            missing: LIMIT,
            period: SHORTEST,
        }
    }
}

impl Concealer {
    /// Takes real sound; its beginning is blended when something was invented just before.
    pub fn hear(&mut self, samples: &mut [i16]) {
        if self.missing > 0 && self.missing < LIMIT {
            self.blend(samples);
        }
        self.missing = 0;
        self.remember(samples);
    }

    /// Invents what is missing.
    pub fn fill(&mut self, samples: &mut [i16]) {
        if self.missing == 0 {
            self.period = find_period(&self.history);
        }
        for sample in samples.iter_mut() {
            *sample = self.invent();
        }
        self.remember(samples);
    }

    /// The sender says that nothing sounds: what is missing from now on is silence.
    pub fn hush(&mut self) {
        self.missing = LIMIT;
    }

    fn invent(&mut self) -> i16 {
        if self.missing >= LIMIT {
            return 0;
        }
        let source = HISTORY - self.period + self.missing as usize % self.period;
        let gain = (LIMIT - self.missing.max(FULL)) as i32;
        self.missing += 1;
        (i32::from(self.history[source]) * gain / (LIMIT - FULL) as i32) as i16
    }

    fn blend(&mut self, samples: &mut [i16]) {
        for (i, sample) in samples.iter_mut().take(OVERLAP as usize).enumerate() {
            let (real, invented) = (i32::from(*sample), i32::from(self.invent()));
            let i = i as i32;
            *sample = ((real * i + invented * (OVERLAP as i32 - i)) / OVERLAP as i32) as i16;
        }
    }

    fn remember(&mut self, samples: &[i16]) {
        // While inventing, the period to repeat must stay where it is.
        if self.missing > 0 {
            return;
        }
        let samples = &samples[samples.len().saturating_sub(HISTORY)..];
        self.history.copy_within(samples.len().., 0);
        self.history[HISTORY - samples.len()..].copy_from_slice(samples);
    }
}

/// The lag at which the newest 20 ms resemble most what came before.
fn find_period(history: &[i16; HISTORY]) -> usize {
    let newest = &history[HISTORY - COMPARED..];
    let likeness = |lag: usize| {
        let earlier = &history[HISTORY - COMPARED - lag..HISTORY - lag];
        let (mut product, mut energy) = (0_f32, 1_f32);
        for (a, b) in newest.iter().zip(earlier) {
            product += f32::from(*a) * f32::from(*b);
            energy += f32::from(*b) * f32::from(*b);
        }
        product / energy.sqrt()
    };
    (SHORTEST..=LONGEST)
        .max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)))
        .unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FRAME;

    fn tone(from: usize) -> [i16; FRAME] {
        std::array::from_fn(|i| {
            ((from + i) as f32 * std::f32::consts::TAU / 64.0)
                .sin()
                .mul_add(8_000.0, 0.0) as i16
        })
    }

    /// A lost frame of a steady tone is hardly heard; after 60 ms there is silence.
    #[test]
    fn goes_on_then_fades() {
        let mut concealer = Concealer::default();
        for n in 0..4 {
            concealer.hear(&mut tone(n * FRAME));
        }
        let mut lost = [[0; FRAME]; 4];
        for frame in &mut lost {
            concealer.fill(frame);
        }
        let wanted = tone(4 * FRAME);
        assert!((0..80).all(|i| (lost[0][i] - wanted[i]).abs() < 100));
        let loudness = lost.map(|frame| {
            frame
                .iter()
                .map(|s| s.unsigned_abs())
                .max()
                .unwrap_or_default()
        });
        assert!(loudness[0] > loudness[1] && loudness[1] > loudness[2]);
        assert_eq!(loudness[3], 0);
    }

    /// Nothing is invented before the first sound, nor after the sender declared silence.
    #[test]
    fn invents_nothing_from_nothing() {
        let mut concealer = Concealer::default();
        let mut frame = [1; FRAME];
        concealer.fill(&mut frame);
        assert_eq!(frame, [0; FRAME]);
        concealer.hear(&mut tone(0));
        concealer.hush();
        concealer.fill(&mut frame);
        assert_eq!(frame, [0; FRAME]);
    }

    /// Without loss the sound passes untouched.
    #[test]
    fn real_sound_is_untouched() {
        let mut concealer = Concealer::default();
        for n in 0..10 {
            let mut frame = tone(n * FRAME);
            concealer.hear(&mut frame);
            assert_eq!(frame, tone(n * FRAME));
        }
    }
}
