//! The slip of utilities, telecom and government: 44 positions in the barcode, 48 digits in the line.

use std::fmt;

use super::check::{modulo10, modulo11_arrecadacao};
use super::{Fault, number, put_number, write_digits};
use crate::base::{Centavos, Date};

/// A slip of arrecadação whose check digits are right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Arrecadacao {
    barcode: [u8; 44],
}

/// What a slip is made of, its check digits aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArrecadacaoParts {
    pub segment: Segment,
    pub value: Value,
    /// Positions 20–44 after a company of four digits, or 24–44 after the root of a CNPJ: 29 digits in all.
    pub rest: [u8; 29],
}

/// Who issued it (position 2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Segment {
    Prefeitura = 1,
    Saneamento = 2,
    EnergiaGas = 3,
    Telecomunicacoes = 4,
    Governo = 5,
    Carne = 6,
    Transito = 7,
    Banco = 9,
}

/// What the eleven digits of the value mean (position 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// Reais, with modulo 10 or 11.
    Price { amount: Centavos, modulo: Modulo },
    /// A quantity of some reference currency: never money to be spoken.
    Reference { quantity: u64, modulo: Modulo },
}

/// The rule of every check digit in the slip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modulo {
    Ten,
    Eleven,
}

impl Modulo {
    fn check(self, digits: impl DoubleEndedIterator<Item = u8>) -> u8 {
        match self {
            Self::Ten => modulo10(&digits.collect::<Vec<u8>>()),
            Self::Eleven => modulo11_arrecadacao(digits),
        }
    }

    fn of(identifier: u8) -> Option<Self> {
        match identifier {
            6 | 7 => Some(Self::Ten),
            8 | 9 => Some(Self::Eleven),
            _ => None,
        }
    }
}

impl Segment {
    fn of(digit: u8) -> Option<Self> {
        Some(match digit {
            1 => Self::Prefeitura,
            2 => Self::Saneamento,
            3 => Self::EnergiaGas,
            4 => Self::Telecomunicacoes,
            5 => Self::Governo,
            6 => Self::Carne,
            7 => Self::Transito,
            9 => Self::Banco,
            _ => return None,
        })
    }

    /// As it is told to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prefeitura => "prefeitura",
            Self::Saneamento => "saneamento",
            Self::EnergiaGas => "energia elétrica e gás",
            Self::Telecomunicacoes => "telecomunicações",
            Self::Governo => "órgão governamental",
            Self::Carne => "carnês e demais",
            Self::Transito => "multa de trânsito",
            Self::Banco => "uso exclusivo do banco",
        }
    }
}

impl Arrecadacao {
    /// Makes the code. A value above eleven digits loses its leading ones.
    pub fn encode(parts: &ArrecadacaoParts) -> Self {
        let (identifier, value, modulo) = match parts.value {
            Value::Price { amount, modulo } => (6, u64::try_from(amount.0).unwrap_or(0), modulo),
            Value::Reference { quantity, modulo } => (7, quantity, modulo),
        };
        let mut barcode = [0; 44];
        barcode[0] = 8;
        barcode[1] = parts.segment as u8;
        barcode[2] = if modulo == Modulo::Ten {
            identifier
        } else {
            identifier + 2
        };
        put_number(&mut barcode[4..15], value);
        barcode[15..].copy_from_slice(&parts.rest.map(|digit| digit % 10));
        barcode[3] = general_check(&barcode, modulo);
        Self { barcode }
    }

    pub fn segment(&self) -> Segment {
        Segment::of(self.barcode[1]).unwrap_or(Segment::Banco)
    }

    pub fn value(&self) -> Value {
        let (quantity, modulo) = (number(&self.barcode[4..15]), self.modulo());
        match self.barcode[2] {
            6 | 8 => Value::Price {
                amount: Centavos(quantity as i64),
                modulo,
            },
            _ => Value::Reference { quantity, modulo },
        }
    }

    /// The price in reais; `None` when the digits are a reference value.
    pub fn amount(&self) -> Option<Centavos> {
        match self.value() {
            Value::Price { amount, .. } => Some(amount),
            Value::Reference { .. } => None,
        }
    }

    /// The issuer: four digits of the FEBRABAN code, or the eight of a CNPJ root in segment 6.
    pub fn company(&self) -> String {
        write_digits(&self.barcode[15..self.free_from()])
    }

    /// What the issuer wrote for itself.
    pub fn free_field(&self) -> String {
        write_digits(&self.barcode[self.free_from()..])
    }

    /// The due date, when the free field begins with a plausible AAAAMMDD as FEBRABAN recommends.
    pub fn due(&self) -> Option<Date> {
        let from = self.free_from();
        let part = |at: usize, length: usize| number(&self.barcode[from + at..from + at + length]);
        let due = Date::new(part(0, 4) as i16, part(4, 2) as i8, part(6, 2) as i8).ok()?;
        (2000..2100).contains(&due.year()).then_some(due)
    }

    /// The 44 digits under the bars.
    pub fn barcode(&self) -> String {
        write_digits(&self.barcode)
    }

    /// The line of 48 bare digits.
    pub fn line(&self) -> String {
        self.blocks().concat()
    }

    /// The line as it is printed: four times eleven digits, a dash and the check digit.
    pub fn formatted_line(&self) -> String {
        let blocks = self.blocks();
        let printed: Vec<String> = blocks
            .iter()
            .map(|block| format!("{}-{}", &block[..11], &block[11..]))
            .collect();
        printed.join(" ")
    }

    fn blocks(&self) -> Vec<String> {
        let modulo = self.modulo();
        let block = |digits: &[u8]| {
            format!(
                "{}{}",
                write_digits(digits),
                modulo.check(digits.iter().copied())
            )
        };
        self.barcode.chunks(11).map(block).collect()
    }

    fn modulo(&self) -> Modulo {
        Modulo::of(self.barcode[2]).unwrap_or(Modulo::Ten)
    }

    fn free_from(&self) -> usize {
        if self.segment() == Segment::Carne {
            23
        } else {
            19
        }
    }
}

impl fmt::Debug for Arrecadacao {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Arrecadacao({}, {:?})",
            self.segment().name(),
            self.value()
        )
    }
}

/// Reads 44 or 48 digits that begin with 8; the caller has looked at both.
pub(super) fn read_slip(digits: &[u8]) -> Result<Arrecadacao, Vec<Fault>> {
    let bare = if digits.len() == 48 {
        without_checks(digits)
    } else {
        digits.to_vec()
    };
    let barcode: [u8; 44] = bare.try_into().map_err(|_| {
        vec![Fault::Length {
            found: digits.len(),
        }]
    })?;
    let mut faults = Vec::new();
    if Segment::of(barcode[1]).is_none() {
        faults.push(Fault::Segment { found: barcode[1] });
    }
    match Modulo::of(barcode[2]) {
        // Without the identifier nobody knows by which rule the other digits are checked.
        None => faults.push(Fault::Identifier { found: barcode[2] }),
        Some(modulo) => {
            if digits.len() == 48 {
                faults.extend(block_faults(digits, modulo));
            }
            let (found, expected) = (barcode[3], general_check(&barcode, modulo));
            if found != expected {
                faults.push(Fault::GeneralCheck { found, expected });
            }
        }
    }
    if faults.is_empty() {
        Ok(Arrecadacao { barcode })
    } else {
        Err(faults)
    }
}

/// How many of the four blocks of a line agree with their check digit under the better of the two rules.
pub(super) fn agreeing_blocks(line: &[u8]) -> usize {
    let agreeing = |modulo| 4_usize.saturating_sub(block_faults(line, modulo).len());
    agreeing(Modulo::Ten).max(agreeing(Modulo::Eleven))
}

fn block_faults(line: &[u8], modulo: Modulo) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (block, digits) in (1..).zip(line.chunks_exact(12)) {
        let (found, expected) = (digits[11], modulo.check(digits[..11].iter().copied()));
        if found != expected {
            faults.push(Fault::BlockCheck {
                block,
                found,
                expected,
            });
        }
    }
    faults
}

fn without_checks(line: &[u8]) -> Vec<u8> {
    line.chunks_exact(12)
        .flat_map(|block| &block[..11])
        .copied()
        .collect()
}

/// Over all digits but the fourth, which holds it.
fn general_check(barcode: &[u8; 44], modulo: Modulo) -> u8 {
    modulo.check(
        barcode[..3]
            .iter()
            .chain(&barcode[4..])
            .copied()
            .collect::<Vec<u8>>()
            .into_iter(),
    )
}
