//! How much a hypothesis deserves belief.

/// What is known about a hypothesis beside its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Evidence {
    /// How far it stays behind the best phones without any grammar, in nats for each of its phones; 0 is perfect.
    pub gap: f32,
    /// Lead over the best hypothesis with another meaning, in nats; `NO_RIVAL` without one.
    pub margin: f32,
    /// Its phones for each phone that was heard without any grammar; 1 is perfect.
    pub coverage: f32,
    /// Its phones.
    pub phones: u16,
}

/// The lead of a hypothesis without rivals.
pub const NO_RIVAL: f32 = 30.0;

impl Evidence {
    /// Probability, between 0 and 1, that this was said.
    ///
    /// The weights are a logistic fit on 12,800 pairs of recording and small grammar, two thirds of them with speech
    /// that the grammar does not know: synthetic callers and a prompt speaker, clean and as in a call, heard with the
    /// model and with one that knows such callers less well, to stand for strangers. 2.5 % of either kind end up on
    /// the wrong side of the best threshold; real strangers will do worse.
    pub fn confidence(&self) -> f32 {
        let gap = self.gap.clamp(0.0, 20.0);
        let margin = self.margin.clamp(0.0, NO_RIVAL).ln_1p();
        // More phones than were heard are made up; fewer are already paid for in the gap.
        let excess = self.coverage.clamp(1.0, 10.0).ln();
        let belief = 1.4 - 1.5 * gap + 1.2 * margin - 2.2 * excess;
        1.0 / (1.0 + (-belief).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Evidence = Evidence {
        gap: 0.1,
        margin: 12.0,
        coverage: 1.0,
        phones: 6,
    };

    #[test]
    fn every_doubt_lowers_it() {
        let good = GOOD.confidence();
        for doubt in [
            Evidence { gap: 2.0, ..GOOD },
            Evidence {
                margin: 0.5,
                ..GOOD
            },
            Evidence {
                coverage: 3.0,
                ..GOOD
            },
        ] {
            assert!(doubt.confidence() < good, "{doubt:?}");
        }
        assert!((0.0..=1.0).contains(&good));
    }

    #[test]
    fn stays_a_probability() {
        let wild = Evidence {
            gap: f32::INFINITY,
            margin: -5.0,
            coverage: 0.0,
            phones: 0,
        };
        assert!((0.0..=1.0).contains(&wild.confidence()));
    }
}
