//! Money. Never a float: R$ 0,10 has no exact `f64`.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// Money in Brazilian centavos.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Centavos(pub i64);

/// A rate in hundredths of a per cent: 200 is 2 %.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BasisPoints(pub i32);

impl Centavos {
    pub const ZERO: Self = Self(0);

    /// `rate` of this amount, rounded half-up away from zero: the rounding of every component of a debt.
    pub fn share(self, rate: BasisPoints) -> Self {
        Self::ratio(i128::from(self.0) * i128::from(rate.0), 10_000)
    }

    /// `numerator / denominator` in centavos, rounded half-up away from zero. `denominator` is positive.
    pub fn ratio(numerator: i128, denominator: i128) -> Self {
        let half = denominator / 2;
        let rounded = if numerator >= 0 { (numerator + half) / denominator } else { (numerator - half) / denominator };
        Self(i64::try_from(rounded).unwrap_or(if rounded > 0 { i64::MAX } else { i64::MIN }))
    }

    /// Whole reais, towards zero.
    pub const fn reais(self) -> i64 {
        self.0 / 100
    }
}

/// `R$ 1.234,56`, as Brazilians write it.
impl fmt::Display for Centavos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, cents) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        let digits = whole.to_string();
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                grouped.push('.');
            }
            grouped.push(digit);
        }
        write!(f, "{}R$ {grouped},{cents:02}", if self.0 < 0 { "-" } else { "" })
    }
}

impl Add for Centavos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Centavos {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Centavos {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Centavos {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Centavos {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for Centavos {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up_away_from_zero() {
        let two_per_cent = BasisPoints(200);
        assert_eq!(Centavos(25).share(two_per_cent), Centavos(1));
        assert_eq!(Centavos(75).share(two_per_cent), Centavos(2));
        assert_eq!(Centavos(125).share(two_per_cent), Centavos(3));
        assert_eq!(Centavos(-25).share(two_per_cent), Centavos(-1));
        assert_eq!(Centavos(24).share(two_per_cent), Centavos(0));
    }

    #[test]
    fn is_written_as_brazilians_write_it() {
        assert_eq!(Centavos(123_456).to_string(), "R$ 1.234,56");
        assert_eq!(Centavos(5).to_string(), "R$ 0,05");
        assert_eq!(Centavos(-100_000_000).to_string(), "-R$ 1.000.000,00");
    }
}
