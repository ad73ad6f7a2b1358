//! What is surely known at a place of a script: a set of small facts, of which the checker makes its proofs.

use std::ops::{BitOr, BitOrAssign};

/// A set of things that have happened on every way to a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known(u32);

impl Known {
    pub const NOTHING: Self = Self(0);
    /// The right party was verified.
    pub const VERIFIED: Self = Self(1);
    /// What is owed and may be offered was computed.
    pub const OFFERS: Self = Self(1 << 1);
    /// Something was chosen: an amount, a number, dates.
    pub const CHOSEN: Self = Self(1 << 2);
    /// The nearest that the policy allows was computed for a proposal.
    pub const NEAREST: Self = Self(1 << 3);
    /// A day was named.
    pub const DAY_ASKED: Self = Self(1 << 4);
    /// Another day was proposed in its place.
    pub const DAY_PROPOSED: Self = Self(1 << 5);
    /// Boleto or Pix.
    pub const MEANS: Self = Self(1 << 6);
    /// An hour for calling back was noted.
    pub const WHEN: Self = Self(1 << 7);
    /// The agreement was written.
    pub const CLOSED: Self = Self(1 << 8);
    /// The agreement was just read out, and answered with yes.
    pub const ACCEPTED: Self = Self(1 << 9);
    /// Original value, fine and interest were told apart by name.
    pub const COMPOSITION: Self = Self(1 << 10);
    /// The creditor was named.
    pub const CREDITOR: Self = Self(1 << 11);
    /// A day on which the first payment falls was taken.
    pub const DAY_TAKEN: Self = Self(1 << 12);
    /// The first of the notices that a script declares; the others follow.
    const FIRST_NOTICE: u32 = 16;
    /// Notices that a script may declare.
    pub const NOTICES_AT_MOST: usize = 12;

    /// The notice `nth` of the script was heard.
    pub const fn notice(nth: usize) -> Self {
        Self(1 << (Self::FIRST_NOTICE + nth as u32 % Self::NOTICES_AT_MOST as u32))
    }

    /// Whether all of `other` is known.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What of `wanted` is missing.
    pub const fn missing(self, wanted: Self) -> Self {
        Self(wanted.0 & !self.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Known {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Known {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_joined_and_compared() {
        let both = Known::VERIFIED | Known::OFFERS;
        assert!(both.has(Known::OFFERS) && !Known::OFFERS.has(both));
        assert_eq!(Known::OFFERS.missing(both), Known::VERIFIED);
        assert_eq!(both.without(Known::OFFERS), Known::VERIFIED);
        assert_ne!(Known::notice(0), Known::notice(1));
    }
}
