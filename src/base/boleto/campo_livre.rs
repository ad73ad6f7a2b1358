//! The 25 positions that each bank fills in its own way.

use serde::{Deserialize, Serialize};

use super::check::modulo10;
use super::{Boleto, Issue, IssueError, put_number, write_digits};
use crate::base::{Centavos, Date};

/// The last 25 digits of a bank barcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CampoLivre([u8; 25]);

/// The layout of bank 341 for the common portfolios (109, 175…).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Itau {
    /// Three digits.
    pub carteira: u16,
    /// Eight digits, unique per boleto.
    pub nosso_numero: u32,
    /// Four digits.
    pub agencia: u16,
    /// Five digits.
    pub conta: u32,
}

/// The account at bank 341 in whose name boletos are made without asking a bank: for demonstrations and tests. A
/// boleto that nobody registered cannot be paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    pub carteira: u16,
    pub agencia: u16,
    pub conta: u32,
}

impl Issuer {
    /// The issuer of the demonstration.
    pub const DEMO: Self = Self {
        carteira: 109,
        agencia: 57,
        conta: 12_345,
    };

    /// Makes the boleto with this number of the issuer's own (eight digits).
    pub fn issue(
        &self,
        nosso_numero: u32,
        due: Date,
        amount: Centavos,
    ) -> Result<Boleto, IssueError> {
        let Self {
            carteira,
            agencia,
            conta,
        } = *self;
        let campo_livre = Itau {
            carteira,
            nosso_numero,
            agencia,
            conta,
        }
        .campo_livre();
        Boleto::issue(&Issue {
            bank: 341,
            campo_livre,
            due: Some(due),
            amount,
        })
    }
}

impl Itau {
    /// 1–3 carteira · 4–11 nosso número · 12 DAC · 13–16 agência · 17–21 conta · 22 DAC · 23–25 `000`.
    /// Numbers too long for their place lose their leading digits.
    pub fn campo_livre(&self) -> CampoLivre {
        let mut digits = [0; 25];
        put_number(&mut digits[..3], u64::from(self.carteira));
        put_number(&mut digits[3..11], u64::from(self.nosso_numero));
        put_number(&mut digits[12..16], u64::from(self.agencia));
        put_number(&mut digits[16..21], u64::from(self.conta));
        digits[21] = modulo10(&digits[12..21]);
        let covered: Vec<u8> = match self.carteira {
            112 | 126 | 131 | 146 | 150 | 168 => digits[..11].to_vec(),
            _ => digits[12..21]
                .iter()
                .chain(&digits[..11])
                .copied()
                .collect(),
        };
        digits[11] = modulo10(&covered);
        CampoLivre(digits)
    }
}

impl CampoLivre {
    /// Each digit is taken modulo 10.
    pub fn new(digits: [u8; 25]) -> Self {
        Self(digits.map(|digit| digit % 10))
    }

    pub fn digits(&self) -> &[u8; 25] {
        &self.0
    }

    /// The bank's own number of the boleto, where the layout of `bank` is known.
    pub fn nosso_numero(&self, bank: u16) -> Option<String> {
        let part = |from: usize, to: usize| write_digits(&self.0[from - 1..to]);
        match bank {
            341 => Some(part(4, 11)),
            237 => Some(part(7, 17)),
            1 if self.0[..6] == [0; 6] => Some(part(14, 23)),
            33 => Some(part(9, 20)),
            104 => {
                Some(part(11, 11) + &part(15, 15) + &part(8, 10) + &part(12, 14) + &part(16, 24))
            }
            77 => Some(part(15, 24)),
            _ => None,
        }
    }
}

impl std::fmt::Display for CampoLivre {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&write_digits(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstration_issues_the_first_vector() {
        let due = jiff::civil::date(2026, 12, 10);
        let boleto = Issuer::DEMO
            .issue(98_712_345, due, Centavos(123_456))
            .expect("in range");
        assert_eq!(
            boleto.formatted_line(),
            "34191.09982 71234.500057 71234.570001 9 16560000123456"
        );
    }

    #[test]
    fn itau_fills_its_check_digits() {
        let itau = Itau {
            carteira: 109,
            nosso_numero: 98_712_345,
            agencia: 57,
            conta: 12_345,
        };
        let campo_livre = itau.campo_livre();
        assert_eq!(campo_livre.to_string(), "1099871234500057123457000");
        assert_eq!(campo_livre.nosso_numero(341).as_deref(), Some("98712345"));
        assert_eq!(campo_livre.nosso_numero(999), None);
    }
}
