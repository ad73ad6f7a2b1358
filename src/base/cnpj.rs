//! The number of a company in the federal tax registry, with letters since July 2026.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A CNPJ whose two check digits are right: twelve letters or digits and two digits (IN RFB 2.229/2024).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Cnpj([u8; 14]);

/// Why a text is not a CNPJ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CnpjError {
    #[error("tem {found} caracteres, e um CNPJ tem 14")]
    Length { found: usize },
    #[error("o caractere «{found}» não cabe em um CNPJ")]
    Character { found: char },
    #[error("os dígitos verificadores são sempre números, e aqui está «{found}»")]
    LetterInCheckDigits { found: char },
    #[error("os catorze caracteres são iguais")]
    AllEqual,
    #[error("dígito verificador {which} é {found}, e deveria ser {expected}")]
    CheckDigit { which: u8, found: u8, expected: u8 },
}

impl Cnpj {
    /// Reads `RR.RRR.RRR/BBBB-DD` or fourteen bare characters; lower-case letters are raised first.
    pub fn parse(text: &str) -> Result<Self, CnpjError> {
        let characters = read_characters(text)?;
        let found = characters.len();
        let characters: [u8; 14] = characters
            .try_into()
            .map_err(|_| CnpjError::Length { found })?;
        if characters
            .iter()
            .all(|&character| character == characters[0])
        {
            return Err(CnpjError::AllEqual);
        }
        if let Some(&letter) = characters[12..]
            .iter()
            .find(|character| !character.is_ascii_digit())
        {
            return Err(CnpjError::LetterInCheckDigits {
                found: char::from(letter),
            });
        }
        for (which, at) in [(1, 12), (2, 13)] {
            let (found, expected) = (characters[at] - b'0', check_digit(&characters[..at]));
            if found != expected {
                return Err(CnpjError::CheckDigit {
                    which,
                    found,
                    expected,
                });
            }
        }
        Ok(Self(characters))
    }

    /// The fourteen characters, bare and in upper case.
    pub fn characters(&self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }

    /// `RR.RRR.RRR/BBBB-DD`.
    pub fn formatted(&self) -> String {
        let text = self.characters();
        format!(
            "{}.{}.{}/{}-{}",
            &text[..2],
            &text[2..5],
            &text[5..8],
            &text[8..12],
            &text[12..]
        )
    }

    /// The first eight characters: the company without its branch.
    pub fn root(&self) -> String {
        self.characters()[..8].to_owned()
    }

    /// Whether it is one of the numbers with letters.
    pub fn is_alphanumeric(&self) -> bool {
        self.0.iter().any(u8::is_ascii_alphabetic)
    }
}

/// Modulo 11 with weights 2…9 from the right; a character counts as its ASCII code minus 48.
fn check_digit(characters: &[u8]) -> u8 {
    let weights = (2..=9).cycle();
    let sum: u32 = characters
        .iter()
        .rev()
        .zip(weights)
        .map(|(&c, weight)| u32::from(c - b'0') * weight)
        .sum();
    match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest as u8,
    }
}

fn read_characters(text: &str) -> Result<Vec<u8>, CnpjError> {
    let mut characters = Vec::with_capacity(14);
    for found in text.trim().chars() {
        match found {
            _ if found.is_ascii_alphanumeric() => characters.push(found.to_ascii_uppercase() as u8),
            '.' | '-' | '/' | ' ' | '\u{a0}' => {}
            _ => return Err(CnpjError::Character { found }),
        }
    }
    Ok(characters)
}

impl fmt::Debug for Cnpj {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cnpj({})", self.formatted())
    }
}

impl FromStr for Cnpj {
    type Err = CnpjError;
    fn from_str(text: &str) -> Result<Self, CnpjError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Cnpj {
    type Error = CnpjError;
    fn try_from(text: String) -> Result<Self, CnpjError> {
        Self::parse(&text)
    }
}

impl From<Cnpj> for String {
    fn from(cnpj: Cnpj) -> Self {
        cnpj.characters()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_and_without_letters_are_valid() {
        for text in [
            "11.222.333/0001-81",
            "00.000.000/0001-91",
            "33.000.167/0001-01",
            "12.345.678/0001-95",
            "12.ABC.345/01DE-35",
            "AB.CDE.FGH/0001-95",
            "1A.2B3.C4D/0001-79",
            "A0.000.000/0001-13",
        ] {
            let cnpj = Cnpj::parse(text).expect(text);
            assert_eq!(cnpj.formatted(), text);
            assert_eq!(Cnpj::parse(&text.to_lowercase()), Ok(cnpj));
        }
    }

    #[test]
    fn wrong_numbers_tell_why() {
        assert_eq!(
            Cnpj::parse("12ABC34501DE36"),
            Err(CnpjError::CheckDigit {
                which: 2,
                found: 6,
                expected: 5
            })
        );
        assert_eq!(
            Cnpj::parse("12ABC34501DE3A"),
            Err(CnpjError::LetterInCheckDigits { found: 'A' })
        );
        assert_eq!(Cnpj::parse("11111111111111"), Err(CnpjError::AllEqual));
        assert_eq!(Cnpj::parse("AAAAAAAAAAAAAA"), Err(CnpjError::AllEqual));
        assert_eq!(
            Cnpj::parse("112223330001"),
            Err(CnpjError::Length { found: 12 })
        );
        assert_eq!(
            Cnpj::parse("11.222.333/0001_81"),
            Err(CnpjError::Character { found: '_' })
        );
    }
}
