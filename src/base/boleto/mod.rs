//! Payment slips: the bank's boleto (47 digits) and the slip of utilities and government (48 digits).
//!
//! Positions are 1-based in the comments, as FEBRABAN prints them. The amount and the due date in a code are
//! only what was printed: the registration at the bank decides what is paid.

mod arrecadacao;
mod bank;
mod campo_livre;
mod check;
mod due;

pub use arrecadacao::{Arrecadacao, ArrecadacaoParts, Modulo, Segment, Value};
pub use bank::{Boleto, Issue, IssueError};
pub use campo_livre::{CampoLivre, Issuer, Itau};
pub use due::{Due, DueError, decode_factor, encode_factor};

use bank::read_bank;

/// A code that passed every check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Slip {
    Bank(Boleto),
    Arrecadacao(Arrecadacao),
}

/// Which of the two families a code claims to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    Bank,
    Arrecadacao,
}

/// One thing that is wrong with a code.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    #[error("há algo que não é dígito: «{found}»")]
    Character { found: char },
    #[error(
        "tem {found} dígitos; a linha de um boleto tem 47, a de arrecadação 48 e o código de barras 44"
    )]
    Length { found: usize },
    #[error("uma linha de 48 dígitos começa com 8, e esta começa com {found}")]
    Product { found: u8 },
    #[error("o banco 000 não existe")]
    Bank,
    #[error("a moeda é {found}, e o real é 9")]
    Currency { found: u8 },
    #[error("o dígito do campo {field} é {found}, e deveria ser {expected}")]
    FieldCheck { field: u8, found: u8, expected: u8 },
    #[error("o dígito do bloco {block} é {found}, e deveria ser {expected}")]
    BlockCheck { block: u8, found: u8, expected: u8 },
    #[error("o dígito verificador geral é {found}, e deveria ser {expected}")]
    GeneralCheck { found: u8, expected: u8 },
    #[error("o fator de vencimento {found:04} não existe")]
    Factor { found: u16 },
    #[error("o segmento {found} não existe")]
    Segment { found: u8 },
    #[error("o identificador de valor {found} não existe; são 6, 7, 8 e 9")]
    Identifier { found: u8 },
}

impl Fault {
    /// The part of the code in which it lies, by a stable name.
    pub fn field(&self) -> String {
        match self {
            Self::Character { .. } => "codigo".to_owned(),
            Self::Length { .. } => "tamanho".to_owned(),
            Self::Product { .. } => "produto".to_owned(),
            Self::Bank => "banco".to_owned(),
            Self::Currency { .. } => "moeda".to_owned(),
            Self::FieldCheck { field, .. } => format!("campo_{field}"),
            Self::BlockCheck { block, .. } => format!("bloco_{block}"),
            Self::GeneralCheck { .. } => "dv_geral".to_owned(),
            Self::Factor { .. } => "fator_vencimento".to_owned(),
            Self::Segment { .. } => "segmento".to_owned(),
            Self::Identifier { .. } => "identificador".to_owned(),
        }
    }
}

/// Reads a linha digitável or a barcode of either family; every fault is told, not only the first.
pub fn parse(text: &str) -> Result<Slip, Vec<Fault>> {
    let digits = read_digits(text).map_err(|fault| vec![fault])?;
    match (digits.len(), digits.first()) {
        (44 | 47, Some(&first)) if first != 8 => read_bank(&digits).map(Slip::Bank),
        (44 | 48, Some(8)) => arrecadacao::read_slip(&digits).map(Slip::Arrecadacao),
        (48, Some(&found)) if family_of(&digits) == Family::Arrecadacao => {
            Err(vec![Fault::Product { found }])
        }
        (found, _) => Err(vec![Fault::Length { found }]),
    }
}

/// The family that a code, right or wrong, most likely belongs to.
pub fn family(text: &str) -> Family {
    read_digits(text).map_or(Family::Bank, |digits| family_of(&digits))
}

fn family_of(digits: &[u8]) -> Family {
    let blocks_agree = digits.len() == 48 && arrecadacao::agreeing_blocks(digits) >= 3;
    if digits.first() == Some(&8) || blocks_agree {
        Family::Arrecadacao
    } else {
        Family::Bank
    }
}

/// The digits of a code in which dots, dashes and spaces stand as printed.
fn read_digits(text: &str) -> Result<Vec<u8>, Fault> {
    let mut digits = Vec::with_capacity(48);
    for found in text.chars() {
        match found {
            '0'..='9' => digits.push(found as u8 - b'0'),
            '.' | '-' => {}
            _ if found.is_whitespace() => {}
            _ => return Err(Fault::Character { found }),
        }
    }
    Ok(digits)
}

fn write_digits(digits: &[u8]) -> String {
    digits
        .iter()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}

/// The digits as a number. Callers pass at most 18 of them.
fn number(digits: &[u8]) -> u64 {
    digits
        .iter()
        .fold(0, |sum, &digit| sum * 10 + u64::from(digit))
}

/// Writes `value` over all of `digits`, with zeros in front; what does not fit is lost.
fn put_number(digits: &mut [u8], mut value: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests;
