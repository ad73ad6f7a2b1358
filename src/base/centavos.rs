//! Money. Never a float: R$ 0,10 has no exact `f64`.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Money in Brazilian centavos. Sums stop at the ends of `i64`: an absurd amount must not end a call.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Centavos(pub i64);

/// A rate in hundredths of a per cent: 200 is 2 %.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
)]
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
        let rounded = if numerator >= 0 {
            (numerator + half) / denominator
        } else {
            (numerator - half) / denominator
        };
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
        write!(
            f,
            "{}R$ {grouped},{cents:02}",
            if self.0 < 0 { "-" } else { "" }
        )
    }
}

impl Add for Centavos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Centavos {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Centavos {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for Centavos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Centavos {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Centavos {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// The text is not an amount such as `R$ 1.234,56`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("«{found}» não é um valor como «R$ 1.234,56»")]
pub struct MoneyError {
    found: String,
}

/// Reads `R$ 1.234,56`, `1234,56` and `1.234`; the comma is the decimal mark, two digits follow it.
impl FromStr for Centavos {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let error = || MoneyError {
            found: text.to_owned(),
        };
        let bare = text.trim();
        let bare = bare.strip_prefix("R$").unwrap_or(bare).trim();
        let (reais, cents) = bare.split_once(',').unwrap_or((bare, "00"));
        if cents.len() != 2 || !grouped_by_three(reais) {
            return Err(error());
        }
        let digits: String = reais
            .chars()
            .filter(|&c| c != '.')
            .chain(cents.chars())
            .collect();
        if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(error());
        }
        digits.parse().map(Self).map_err(|_| error())
    }
}

/// Whether every dot stands before exactly three digits.
fn grouped_by_three(reais: &str) -> bool {
    let mut groups = reais.split('.');
    groups.next().is_some_and(|first| !first.is_empty()) && groups.all(|group| group.len() == 3)
}

/// The text is not a rate such as `1,99%`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("«{found}» não é uma taxa como «1,99%»")]
pub struct RateError {
    found: String,
}

impl BasisPoints {
    pub const ZERO: Self = Self(0);
    /// 100 %.
    pub const WHOLE: Self = Self(10_000);
}

/// `1,99%`, as Brazilians write it.
impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        let sign = if self.0 < 0 { "-" } else { "" };
        match rest {
            0 => write!(f, "{sign}{whole}%"),
            _ if rest % 10 == 0 => write!(f, "{sign}{whole},{}%", rest / 10),
            _ => write!(f, "{sign}{whole},{rest:02}%"),
        }
    }
}

/// Reads `2%`, `1,99 %` and `0,5%`; at most two decimals.
impl FromStr for BasisPoints {
    type Err = RateError;
    fn from_str(text: &str) -> Result<Self, RateError> {
        let error = || RateError {
            found: text.to_owned(),
        };
        let bare = text.trim().strip_suffix('%').ok_or_else(error)?.trim_end();
        let (whole, rest) = bare.split_once(',').unwrap_or((bare, "0"));
        let is_number =
            |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
        if !is_number(whole) || !is_number(rest) || rest.len() > 2 {
            return Err(error());
        }
        format!("{whole}{rest:0<2}")
            .parse()
            .map(Self)
            .map_err(|_| error())
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

    #[test]
    fn is_read_as_it_is_written() {
        for amount in [0, 5, 99, 100, 123_456, 100_000_000, 999_999_999_999] {
            assert_eq!(Centavos(amount).to_string().parse(), Ok(Centavos(amount)));
        }
        assert_eq!("1234,56".parse(), Ok(Centavos(123_456)));
        assert_eq!("1.234".parse(), Ok(Centavos(123_400)));
        for wrong in [
            "", "R$", "1.23", "1,5", "1,234", "-1,00", "1e5", "12.34,00", "+1,00", "1 000,00",
        ] {
            assert!(wrong.parse::<Centavos>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_read_as_they_are_written() {
        for rate in [0, 5, 50, 100, 199, 1_050, 10_000] {
            assert_eq!(BasisPoints(rate).to_string().parse(), Ok(BasisPoints(rate)));
        }
        assert_eq!(BasisPoints(50).to_string(), "0,5%");
        for wrong in ["", "%", "2", "1.99%", "-1%", "1,999%", ",5%"] {
            assert!(wrong.parse::<BasisPoints>().is_err(), "{wrong}");
        }
    }
}
