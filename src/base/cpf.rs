//! The number of a person in the federal tax registry.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A CPF whose two check digits are right. `Debug` shows the last two digits only (LGPD).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Cpf([u8; 11]);

/// Why a text is not a CPF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CpfError {
    #[error("tem {found} dígitos, e um CPF tem 11")]
    Length { found: usize },
    #[error("o caractere «{found}» não cabe em um CPF")]
    Character { found: char },
    #[error("os onze dígitos são iguais")]
    AllEqual,
    #[error("dígito verificador {which} é {found}, e deveria ser {expected}")]
    CheckDigit { which: u8, found: u8, expected: u8 },
}

/// Whether a spreadsheet had eaten the leading zeros of a CPF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    Whole,
    Restored,
}

impl Cpf {
    /// Reads `NNN.NNN.NNN-DD` or eleven bare digits.
    pub fn parse(text: &str) -> Result<Self, CpfError> {
        let digits = read_digits(text)?;
        let digits: [u8; 11] = digits.as_slice().try_into().map_err(|_| CpfError::Length {
            found: digits.len(),
        })?;
        Self::checked(digits)
    }

    /// Like [`Cpf::parse`], but puts back the zeros that numeric columns lose: 9 or 10 digits are padded when
    /// the check digits then agree.
    pub fn parse_padded(text: &str) -> Result<(Self, Zeros), CpfError> {
        let digits = read_digits(text)?;
        let missing = 11_usize.saturating_sub(digits.len());
        if !(1..=2).contains(&missing) {
            return Self::parse(text).map(|cpf| (cpf, Zeros::Whole));
        }
        let mut padded = [0; 11];
        padded[missing..].copy_from_slice(&digits);
        Self::checked(padded)
            .map(|cpf| (cpf, Zeros::Restored))
            .map_err(|_| CpfError::Length {
                found: digits.len(),
            })
    }

    /// The CPF that begins with these nine digits (each taken modulo 10); `None` when all eleven would be equal.
    pub fn from_base(base: [u8; 9]) -> Option<Self> {
        let mut digits = [0; 11];
        for (digit, given) in digits.iter_mut().zip(base) {
            *digit = given % 10;
        }
        digits[9] = check_digit(&digits[..9]);
        digits[10] = check_digit(&digits[..10]);
        Self::checked(digits).ok()
    }

    fn checked(digits: [u8; 11]) -> Result<Self, CpfError> {
        if digits.iter().all(|&digit| digit == digits[0]) {
            return Err(CpfError::AllEqual);
        }
        for (which, at) in [(1, 9), (2, 10)] {
            let (found, expected) = (digits[at], check_digit(&digits[..at]));
            if found != expected {
                return Err(CpfError::CheckDigit {
                    which,
                    found,
                    expected,
                });
            }
        }
        Ok(Self(digits))
    }

    /// The eleven digits, bare.
    pub fn digits(&self) -> String {
        self.0
            .iter()
            .map(|digit| char::from(b'0' + digit))
            .collect()
    }

    /// `NNN.NNN.NNN-DD`, for documents that go to the person alone.
    pub fn formatted(&self) -> String {
        let digits = self.digits();
        format!(
            "{}.{}.{}-{}",
            &digits[..3],
            &digits[3..6],
            &digits[6..9],
            &digits[9..]
        )
    }

    /// The three digits that the person says or keys to be verified.
    pub fn first_three(&self) -> String {
        self.digits()[..3].to_owned()
    }

    /// `***.***.***-DD`.
    pub fn masked(&self) -> String {
        format!("***.***.***-{}{}", self.0[9], self.0[10])
    }
}

/// Modulo 11 with weights that fall to 2 at the last digit; a remainder below 2 gives 0.
fn check_digit(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .zip(2..)
        .map(|(&digit, weight)| u32::from(digit) * weight)
        .sum();
    match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest as u8,
    }
}

fn read_digits(text: &str) -> Result<Vec<u8>, CpfError> {
    let mut digits = Vec::with_capacity(11);
    for found in text.trim().chars() {
        match found {
            '0'..='9' => digits.push(found as u8 - b'0'),
            '.' | '-' | '/' | ' ' | '\u{a0}' => {}
            _ => return Err(CpfError::Character { found }),
        }
    }
    Ok(digits)
}

impl fmt::Debug for Cpf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cpf({})", self.masked())
    }
}

impl FromStr for Cpf {
    type Err = CpfError;
    fn from_str(text: &str) -> Result<Self, CpfError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Cpf {
    type Error = CpfError;
    fn try_from(text: String) -> Result<Self, CpfError> {
        Self::parse(&text)
    }
}

impl From<Cpf> for String {
    fn from(cpf: Cpf) -> Self {
        cpf.digits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn well_known_numbers_are_valid() {
        for text in [
            "111.444.777-35",
            "529.982.247-25",
            "123.456.789-09",
            "390.533.447-05",
            "000.000.001-91",
            "987.654.321-00",
            "700.000.003-10",
            "012.345.678-90",
        ] {
            let cpf = Cpf::parse(text).expect(text);
            assert_eq!(cpf.formatted(), text);
        }
    }

    #[test]
    fn wrong_numbers_tell_why() {
        assert_eq!(
            Cpf::parse("111.444.777-36"),
            Err(CpfError::CheckDigit {
                which: 2,
                found: 6,
                expected: 5
            })
        );
        assert_eq!(
            Cpf::parse("529.982.247-24"),
            Err(CpfError::CheckDigit {
                which: 2,
                found: 4,
                expected: 5
            })
        );
        assert_eq!(Cpf::parse("111.111.111-11"), Err(CpfError::AllEqual));
        assert_eq!(Cpf::parse("000.000.000-00"), Err(CpfError::AllEqual));
        assert_eq!(
            Cpf::parse("1234567890"),
            Err(CpfError::Length { found: 10 })
        );
        assert_eq!(
            Cpf::parse("5299822472X"),
            Err(CpfError::Character { found: 'X' })
        );
        assert_eq!(Cpf::parse(""), Err(CpfError::Length { found: 0 }));
    }

    #[test]
    fn lost_zeros_are_put_back_only_when_the_digits_agree() {
        let (cpf, zeros) =
            Cpf::parse_padded("1234567890").expect("012.345.678-90 without its zero");
        assert_eq!(
            (cpf.digits().as_str(), zeros),
            ("01234567890", Zeros::Restored)
        );
        assert_eq!(
            Cpf::parse_padded("1234567891"),
            Err(CpfError::Length { found: 10 })
        );
        assert_eq!(Cpf::parse_padded("191"), Err(CpfError::Length { found: 3 }));
    }

    #[test]
    fn debug_hides_the_person() {
        let cpf = Cpf::parse("52998224725").expect("valid");
        assert_eq!(format!("{cpf:?}"), "Cpf(***.***.***-25)");
        assert_eq!(cpf.first_three(), "529");
    }

    proptest! {
        #[test]
        fn any_single_wrong_digit_is_found(base in prop::array::uniform9(0u8..10), at in 0usize..11, plus in 1u8..10) {
            let Some(cpf) = Cpf::from_base(base) else { return Ok(()) };
            let mut digits = cpf.0;
            digits[at] = (digits[at] + plus) % 10;
            // The two remainders that share the check digit 0 are the rule's own blind spot.
            let blind = digits[9] == 0 || digits[10] == 0;
            prop_assert!(blind || Cpf::checked(digits).is_err());
        }

        #[test]
        fn nothing_panics(text in ".{0,40}") {
            let _ = (Cpf::parse(&text), Cpf::parse_padded(&text));
        }
    }
}
