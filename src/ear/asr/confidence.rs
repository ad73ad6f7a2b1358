//! How much a hypothesis deserves belief.

/// What is known about a hypothesis beside its words.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// How far it stays behind the best phones without any grammar, in nats for each of its phones; 0 is perfect.
    pub gap: f32,
    /// Lead over the best hypothesis with another meaning, in nats; [`NO_RIVAL`] without one.
    pub margin: f32,
    /// Its phones for each phone that was heard without any grammar; 1 is perfect.
    pub coverage: f32,
    /// Its phones. Short answers fit to many sounds.
    pub phones: u16,
}

/// The lead of a hypothesis without rivals.
pub const NO_RIVAL: f32 = 30.0;

impl Evidence {
    /// Probability, between 0 and 1, that this was said. The weights were fitted on synthetic speech inside and
    /// outside of small grammars (`docs/recogniser.md`).
    pub fn confidence(&self) -> f32 {
        let margin = self.margin.clamp(0.0, NO_RIVAL).ln_1p();
        let coverage = self.coverage.clamp(0.1, 10.0).ln().abs();
        let length = f32::from(self.phones.clamp(1, 20)).ln();
        let belief = 2.0 - 1.6 * self.gap.clamp(0.0, 10.0) + 0.5 * margin - 2.0 * coverage + 0.3 * length;
        1.0 / (1.0 + (-belief).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Evidence = Evidence { gap: 0.1, margin: 12.0, coverage: 1.0, phones: 6 };

    #[test]
    fn every_doubt_lowers_it() {
        let good = GOOD.confidence();
        for doubt in [Evidence { gap: 2.0, ..GOOD }, Evidence { margin: 0.5, ..GOOD }, Evidence { coverage: 0.3, ..GOOD }] {
            assert!(doubt.confidence() < good, "{doubt:?}");
        }
        assert!((0.0..=1.0).contains(&good));
    }

    #[test]
    fn stays_a_probability() {
        let wild = Evidence { gap: f32::INFINITY, margin: -5.0, coverage: 0.0, phones: 0 };
        assert!((0.0..=1.0).contains(&wild.confidence()));
    }
}
