//! The boleto of a bank: 44 positions in the barcode, 47 digits in the line.

use std::fmt;

use super::check::{modulo10, modulo11_bank};
use super::due::{Due, DueError, decode_factor, encode_factor};
use super::{CampoLivre, Fault, number, put_number, write_digits};
use crate::base::{Centavos, Date};

/// A bank boleto whose check digits are right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Boleto {
    barcode: [u8; 44],
}

/// What a new boleto is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Issue {
    /// The compe code of the bank, 1 to 999; not 800 to 899, which would read as arrecadação.
    pub bank: u16,
    pub campo_livre: CampoLivre,
    /// `None` prints no date: payable on presentation.
    pub due: Option<Date>,
    /// Zero prints no amount.
    pub amount: Centavos,
}

/// Why a boleto cannot be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    #[error("o banco {bank} não cabe em um boleto")]
    Bank { bank: u16 },
    #[error("{amount} não cabe nos dez dígitos do valor")]
    Amount { amount: Centavos },
    #[error("o vencimento não pode ser escrito")]
    Due(#[from] DueError),
}

impl Boleto {
    /// Makes the code of a new boleto.
    pub fn issue(issue: &Issue) -> Result<Self, IssueError> {
        if !matches!(issue.bank, 1..=799 | 900..=999) {
            return Err(IssueError::Bank { bank: issue.bank });
        }
        let amount = u64::try_from(issue.amount.0)
            .ok()
            .filter(|&amount| amount < 10_000_000_000);
        let amount = amount.ok_or(IssueError::Amount {
            amount: issue.amount,
        })?;
        let factor = issue.due.map(encode_factor).transpose()?.unwrap_or(0);
        let mut barcode = [0; 44];
        put_number(&mut barcode[..3], u64::from(issue.bank));
        barcode[3] = 9;
        put_number(&mut barcode[5..9], u64::from(factor));
        put_number(&mut barcode[9..19], amount);
        barcode[19..].copy_from_slice(issue.campo_livre.digits());
        barcode[4] = general_check(&barcode);
        Ok(Self { barcode })
    }

    /// The compe code of the bank.
    pub fn bank(&self) -> u16 {
        number(&self.barcode[..3]) as u16
    }

    pub fn factor(&self) -> u16 {
        number(&self.barcode[5..9]) as u16
    }

    /// The due date as read on `reference` (the factor repeats every 9000 days).
    pub fn due(&self, reference: Date) -> Due {
        decode_factor(self.factor(), reference).unwrap_or(Due::OnPresentation)
    }

    /// The printed amount; zero when none was printed.
    pub fn amount(&self) -> Centavos {
        Centavos(number(&self.barcode[9..19]) as i64)
    }

    pub fn campo_livre(&self) -> CampoLivre {
        let mut digits = [0; 25];
        digits.copy_from_slice(&self.barcode[19..]);
        CampoLivre::new(digits)
    }

    /// The 44 digits under the bars.
    pub fn barcode(&self) -> String {
        write_digits(&self.barcode)
    }

    /// The linha digitável, 47 bare digits: the form to be copied from a message.
    pub fn line(&self) -> String {
        write_digits(&line_digits(&self.barcode))
    }

    /// The linha digitável as it is printed: `AAABC.CCCCX DDDDD.DDDDDY EEEEE.EEEEEZ K UUUUVVVVVVVVVV`.
    pub fn formatted_line(&self) -> String {
        let line = self.line();
        let field =
            |from: usize, dot: usize, to: usize| format!("{}.{}", &line[from..dot], &line[dot..to]);
        format!(
            "{} {} {} {} {}",
            field(0, 5, 10),
            field(10, 15, 21),
            field(21, 26, 32),
            &line[32..33],
            &line[33..]
        )
    }

    /// The groups in which the line is read aloud, with the field (1 to 5) each belongs to: 5·5, 5·6, 5·6, 1, 4·5·5.
    pub fn spoken_groups(&self) -> Vec<(u8, String)> {
        let line = self.line();
        let groups = [
            (1, 5),
            (1, 5),
            (2, 5),
            (2, 6),
            (3, 5),
            (3, 6),
            (4, 1),
            (5, 4),
            (5, 5),
            (5, 5),
        ];
        let mut at = 0;
        let cut = |(field, length): (u8, usize)| {
            at += length;
            (field, line[at - length..at].to_owned())
        };
        groups.into_iter().map(cut).collect()
    }
}

/// A line is personal: it leads to a payment of one debtor.
impl fmt::Debug for Boleto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Boleto(bank {:03}, {})", self.bank(), self.amount())
    }
}

/// Reads 44 or 47 digits; the caller has looked at the length.
pub(super) fn read_bank(digits: &[u8]) -> Result<Boleto, Vec<Fault>> {
    let mut faults = Vec::new();
    let barcode = match digits.len() {
        47 => {
            faults.extend(field_faults(digits));
            barcode_digits(digits)
        }
        _ => digits.try_into().map_err(|_| {
            vec![Fault::Length {
                found: digits.len(),
            }]
        })?,
    };
    faults.extend(barcode_faults(&barcode));
    if faults.is_empty() {
        Ok(Boleto { barcode })
    } else {
        Err(faults)
    }
}

fn field_faults(line: &[u8]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (field, from, to) in [(1, 0, 9), (2, 10, 20), (3, 21, 31)] {
        let (found, expected) = (line[to], modulo10(&line[from..to]));
        if found != expected {
            faults.push(Fault::FieldCheck {
                field,
                found,
                expected,
            });
        }
    }
    faults
}

fn barcode_faults(barcode: &[u8; 44]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if barcode[..3] == [0, 0, 0] {
        faults.push(Fault::Bank);
    }
    if barcode[3] != 9 {
        faults.push(Fault::Currency { found: barcode[3] });
    }
    let factor = number(&barcode[5..9]) as u16;
    if (1..1_000).contains(&factor) {
        faults.push(Fault::Factor { found: factor });
    }
    let (found, expected) = (barcode[4], general_check(barcode));
    if found != expected {
        faults.push(Fault::GeneralCheck { found, expected });
    }
    faults
}

/// Over all digits but the fifth, which holds it.
fn general_check(barcode: &[u8; 44]) -> u8 {
    modulo11_bank(barcode[..4].iter().chain(&barcode[5..]).copied())
}

/// Line positions `1-4 | 33 | 34-47 | 5-9 | 11-20 | 22-31`.
fn barcode_digits(line: &[u8]) -> [u8; 44] {
    let mut barcode = [0; 44];
    let parts = [
        &line[..4],
        &line[32..33],
        &line[33..47],
        &line[4..9],
        &line[10..20],
        &line[21..31],
    ];
    for (digit, given) in barcode.iter_mut().zip(parts.into_iter().flatten()) {
        *digit = *given;
    }
    barcode
}

fn line_digits(barcode: &[u8; 44]) -> Vec<u8> {
    let mut line = Vec::with_capacity(47);
    line.extend_from_slice(&barcode[..4]);
    line.extend_from_slice(&barcode[19..24]);
    line.push(modulo10(&line));
    for field in [&barcode[24..34], &barcode[34..44]] {
        line.extend_from_slice(field);
        line.push(modulo10(field));
    }
    line.extend_from_slice(&barcode[4..19]);
    line
}
