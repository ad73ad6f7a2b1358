//! Brazilian telephone numbers in E.164.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Uf;

/// A number that may be dialled to reach a person: area code and 8 digits (fixed) or 9 (mobile).
/// `Debug` shows the last four digits only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Phone {
    ddd: u8,
    number: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhoneKind {
    Fixed,
    Mobile,
}

/// A number as it came out of the cleaning of a mailing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Normalised {
    pub phone: Phone,
    pub ninth_digit: NinthDigit,
}

/// Old bases hold mobiles without the ninth digit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NinthDigit {
    AsGiven,
    Inserted,
}

/// Why a text is not a number that may be dialled. The reason goes back to who sent the mailing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhoneError {
    #[error("sem dígitos")]
    Empty,
    #[error("o caractere «{found}» não cabe em um telefone")]
    Character { found: char },
    #[error("tem {found} dígitos; com o DDD são 10 (fixo) ou 11 (celular)")]
    Length { found: usize },
    #[error("falta o DDD")]
    MissingDdd,
    #[error("o DDD {found} não existe")]
    UnknownDdd { found: u8 },
    #[error("número de outro país")]
    Foreign,
    #[error("número de serviço público ou de emergência")]
    Service,
    #[error("número não geográfico (0300, 0303, 0500, 0800, 0900)")]
    NonGeographic,
    #[error("número único de tarifa local (300x, 400x)")]
    LocalRate,
    #[error("depois do DDD, um fixo começa com 2 a 5 e um celular de nove dígitos começa com 9")]
    NotASubscriber,
}

impl Phone {
    /// Reads a number in any of the usual ways; the ninth digit is inserted where an old base lacks it.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        Self::normalise(text).map(|normalised| normalised.phone)
    }

    /// Like [`Phone::parse`], and tells whether the number had to be corrected.
    pub fn normalise(text: &str) -> Result<Normalised, PhoneError> {
        let (digits, plus) = read_digits(text)?;
        if plus {
            return national(
                digits
                    .strip_prefix("55")
                    .ok_or(PhoneError::Foreign)?
                    .trim_start_matches('0'),
            );
        }
        if let Some(digits) = digits.strip_prefix("0055") {
            return national(digits);
        }
        refuse_service(&digits)?;
        match (digits.len(), digits.starts_with('0')) {
            (11 | 12, true) => national(&digits[1..]),
            // Zero, carrier code, area code.
            (13 | 14, true) => national(&digits[3..]),
            (12 | 13, false) if digits.starts_with("55") => national(&digits[2..]),
            (8 | 9, _) => Err(PhoneError::MissingDdd),
            _ => national(&digits),
        }
    }

    pub const fn ddd(self) -> u8 {
        self.ddd
    }

    /// The 8 or 9 digits after the area code.
    pub fn subscriber(self) -> String {
        self.number.to_string()
    }

    pub const fn kind(self) -> PhoneKind {
        if self.number >= 900_000_000 {
            PhoneKind::Mobile
        } else {
            PhoneKind::Fixed
        }
    }

    /// The state of the area code. A mobile's is no proof of residence.
    pub fn uf(self) -> Uf {
        uf_of(self.ddd).unwrap_or(Uf::SP)
    }

    /// `+5511987654321`.
    pub fn e164(self) -> String {
        format!("+55{}{}", self.ddd, self.number)
    }

    /// `(11) 98765-4321`.
    pub fn formatted(self) -> String {
        let number = self.subscriber();
        let (head, tail) = number.split_at(number.len() - 4);
        format!("({}) {head}-{tail}", self.ddd)
    }

    /// `(11) *****-4321`.
    pub fn masked(self) -> String {
        let number = self.subscriber();
        let (head, tail) = number.split_at(number.len() - 4);
        format!("({}) {}-{tail}", self.ddd, "*".repeat(head.len()))
    }

    /// The last four digits, by which an agent names the number it writes to.
    pub fn last_four(self) -> String {
        format!("{:04}", self.number % 10_000)
    }
}

/// The state of an area code, `None` for the 33 that do not exist.
pub fn uf_of(ddd: u8) -> Option<Uf> {
    Some(match ddd {
        11..=19 => Uf::SP,
        21 | 22 | 24 => Uf::RJ,
        27 | 28 => Uf::ES,
        31..=35 | 37 | 38 => Uf::MG,
        41..=46 => Uf::PR,
        47..=49 => Uf::SC,
        51 | 53..=55 => Uf::RS,
        61 => Uf::DF,
        62 | 64 => Uf::GO,
        63 => Uf::TO,
        65 | 66 => Uf::MT,
        67 => Uf::MS,
        68 => Uf::AC,
        69 => Uf::RO,
        71 | 73 | 74 | 75 | 77 => Uf::BA,
        79 => Uf::SE,
        81 | 87 => Uf::PE,
        82 => Uf::AL,
        83 => Uf::PB,
        84 => Uf::RN,
        85 | 88 => Uf::CE,
        86 | 89 => Uf::PI,
        91 | 93 | 94 => Uf::PA,
        92 | 97 => Uf::AM,
        95 => Uf::RR,
        96 => Uf::AP,
        98 | 99 => Uf::MA,
        _ => return None,
    })
}

fn read_digits(text: &str) -> Result<(String, bool), PhoneError> {
    let mut digits = String::with_capacity(14);
    let mut plus = false;
    for found in text.trim().chars() {
        match found {
            '0'..='9' => digits.push(found),
            '+' if digits.is_empty() && !plus => plus = true,
            '(' | ')' | '-' | '.' | '/' | ' ' | '\u{a0}' | '\t' => {}
            _ => return Err(PhoneError::Character { found }),
        }
    }
    if digits.is_empty() {
        Err(PhoneError::Empty)
    } else {
        Ok((digits, plus))
    }
}

/// Numbers that nobody owes money at. None of 30, 50, 80, 90 is an area code, so the prefixes cannot be people.
fn refuse_service(digits: &str) -> Result<(), PhoneError> {
    let prefixed = |prefixes: &[&str]| prefixes.iter().any(|prefix| digits.starts_with(prefix));
    match digits.len() {
        ..=5 if digits.starts_with('1') => Err(PhoneError::Service),
        ..=12 if prefixed(&["0300", "0303", "0500", "0800", "0900"]) => {
            Err(PhoneError::NonGeographic)
        }
        8 if prefixed(&["300", "400"]) => Err(PhoneError::LocalRate),
        _ => Ok(()),
    }
}

fn national(digits: &str) -> Result<Normalised, PhoneError> {
    let found = digits.len();
    if !(10..=11).contains(&found) {
        return Err(PhoneError::Length { found });
    }
    let (ddd, subscriber) = digits.split_at(2);
    let ddd = ddd.parse().map_err(|_| PhoneError::Length { found })?;
    uf_of(ddd).ok_or(PhoneError::UnknownDdd { found: ddd })?;
    let number: u32 = subscriber
        .parse()
        .map_err(|_| PhoneError::Length { found })?;
    let (number, ninth_digit) = match (subscriber.len(), number) {
        (9, 900_000_000..) => (number, NinthDigit::AsGiven),
        (8, 60_000_000..) => (900_000_000 + number, NinthDigit::Inserted),
        (8, _) if subscriber.starts_with("300") || subscriber.starts_with("400") => {
            return Err(PhoneError::LocalRate);
        }
        (8, 20_000_000..) => (number, NinthDigit::AsGiven),
        _ => return Err(PhoneError::NotASubscriber),
    };
    Ok(Normalised {
        phone: Phone { ddd, number },
        ninth_digit,
    })
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

impl FromStr for Phone {
    type Err = PhoneError;
    fn from_str(text: &str) -> Result<Self, PhoneError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        Self::parse(&text)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.e164()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_normalised_from_any_writing() {
        for (text, e164, kind, uf) in [
            (
                "(11) 98765-4321",
                "+5511987654321",
                PhoneKind::Mobile,
                Uf::SP,
            ),
            (
                "011 98765-4321",
                "+5511987654321",
                PhoneKind::Mobile,
                Uf::SP,
            ),
            (
                "+55 11 98765-4321",
                "+5511987654321",
                PhoneKind::Mobile,
                Uf::SP,
            ),
            (
                "+55 (011) 98765-4321",
                "+5511987654321",
                PhoneKind::Mobile,
                Uf::SP,
            ),
            ("5511987654321", "+5511987654321", PhoneKind::Mobile, Uf::SP),
            (
                "00 55 11 98765-4321",
                "+5511987654321",
                PhoneKind::Mobile,
                Uf::SP,
            ),
            (
                "0 15 11 98765-4321",
                "+5511987654321",
                PhoneKind::Mobile,
                Uf::SP,
            ),
            ("11 3456-7890", "+551134567890", PhoneKind::Fixed, Uf::SP),
            (
                "(85) 9 9876-5432",
                "+5585998765432",
                PhoneKind::Mobile,
                Uf::CE,
            ),
            ("55 99988-7766", "+5555999887766", PhoneKind::Mobile, Uf::RS),
        ] {
            let normalised = Phone::normalise(text).expect(text);
            assert_eq!(normalised.phone.e164(), e164);
            assert_eq!(normalised.phone.kind(), kind);
            assert_eq!(normalised.phone.uf(), uf);
            assert_eq!(normalised.ninth_digit, NinthDigit::AsGiven);
        }
    }

    #[test]
    fn old_mobiles_get_their_ninth_digit() {
        let normalised = Phone::normalise("21 8765-4321").expect("an old mobile");
        assert_eq!(normalised.phone.e164(), "+5521987654321");
        assert_eq!(normalised.ninth_digit, NinthDigit::Inserted);
    }

    #[test]
    fn rejects_have_their_own_reasons() {
        for (text, reason) in [
            ("(20) 98765-4321", PhoneError::UnknownDdd { found: 20 }),
            ("(11) 1234-5678", PhoneError::NotASubscriber),
            ("(11) 88765-4321", PhoneError::NotASubscriber),
            ("98765-4321", PhoneError::MissingDdd),
            ("190", PhoneError::Service),
            ("0800 123 4567", PhoneError::NonGeographic),
            ("0303 123 4567", PhoneError::NonGeographic),
            ("4004-1234", PhoneError::LocalRate),
            ("(11) 4004-1234", PhoneError::LocalRate),
            ("+1 212 555 0100", PhoneError::Foreign),
            ("", PhoneError::Empty),
            ("onze", PhoneError::Character { found: 'o' }),
            ("123456", PhoneError::Length { found: 6 }),
        ] {
            assert_eq!(Phone::normalise(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn sixty_seven_area_codes() {
        assert_eq!((0..=255).filter(|&ddd| uf_of(ddd).is_some()).count(), 67);
        assert!(
            Uf::ALL
                .iter()
                .all(|uf| (11..100).any(|ddd| uf_of(ddd) == Some(*uf)))
        );
    }

    #[test]
    fn logs_see_four_digits() {
        let phone = Phone::parse("11987654321").expect("valid");
        assert_eq!(format!("{phone:?}"), "Phone((11) *****-4321)");
        assert_eq!(phone.formatted(), "(11) 98765-4321");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "[0-9+() -]{8,18}") {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(&phone.e164()), Ok(phone));
                prop_assert_eq!(Phone::parse(&phone.formatted()), Ok(phone));
            }
        }

        #[test]
        fn nothing_panics(text in ".{0,30}") {
            let _ = Phone::normalise(&text);
        }
    }
}
