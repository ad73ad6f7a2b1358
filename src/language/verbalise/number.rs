//! Quantities: money, counts, ordinals, rates.

use crate::base::{BasisPoints, Centavos};

/// Reais and months are masculine, parcelas and horas feminine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gender {
    Masculine,
    Feminine,
}

use Gender::{Feminine, Masculine};

const TEENS: [&str; 20] = [
    "zero",
    "um",
    "dois",
    "três",
    "quatro",
    "cinco",
    "seis",
    "sete",
    "oito",
    "nove",
    "dez",
    "onze",
    "doze",
    "treze",
    "catorze",
    "quinze",
    "dezesseis",
    "dezessete",
    "dezoito",
    "dezenove",
];
const TENS: [&str; 10] = [
    "",
    "dez",
    "vinte",
    "trinta",
    "quarenta",
    "cinquenta",
    "sessenta",
    "setenta",
    "oitenta",
    "noventa",
];
const HUNDREDS: [&str; 10] = [
    "",
    "cento",
    "duzent",
    "trezent",
    "quatrocent",
    "quinhent",
    "seiscent",
    "setecent",
    "oitocent",
    "novecent",
];
/// The classes of three digits above the thousands, in the singular and the plural.
const SCALES: [(&str, &str); 5] = [
    ("milhão", "milhões"),
    ("bilhão", "bilhões"),
    ("trilhão", "trilhões"),
    ("quatrilhão", "quatrilhões"),
    ("quintilhão", "quintilhões"),
];

/// "mil duzentos e trinta e quatro": no comma between the classes, and "e" before the last one when it is below
/// 100 or a round hundred.
pub fn integer(n: u64, gender: Gender) -> String {
    if n == 0 {
        return TEENS[0].to_owned();
    }
    let classes = classes_of(n);
    let mut text = String::new();
    for (nth, &(scale, class)) in classes.iter().enumerate() {
        let last = nth + 1 == classes.len();
        if nth > 0 {
            text += if last && (class < 100 || class.is_multiple_of(100)) {
                " e "
            } else {
                " "
            };
        }
        text += &class_words(scale, class, gender);
    }
    text
}

/// The non-zero groups of three digits with their scale, the highest first.
fn classes_of(n: u64) -> Vec<(usize, u64)> {
    let mut classes = Vec::new();
    let (mut rest, mut scale) = (n, 0);
    while rest > 0 {
        if !rest.is_multiple_of(1_000) {
            classes.push((scale, rest % 1_000));
        }
        rest /= 1_000;
        scale += 1;
    }
    classes.reverse();
    classes
}

fn class_words(scale: usize, class: u64, gender: Gender) -> String {
    match (scale, class) {
        (0, _) => below_thousand(class, gender),
        // Never "um mil".
        (1, 1) => "mil".to_owned(),
        (1, _) => format!("{} mil", below_thousand(class, gender)),
        _ => {
            let (singular, plural) = SCALES[(scale - 2).min(SCALES.len() - 1)];
            let name = if class == 1 { singular } else { plural };
            format!("{} {name}", below_thousand(class, Masculine))
        }
    }
}

fn below_thousand(n: u64, gender: Gender) -> String {
    let (hundreds, rest) = ((n / 100) as usize, n % 100);
    match (hundreds, rest) {
        (0, _) => below_hundred(rest, gender),
        (1, 0) => "cem".to_owned(),
        (_, 0) => hundred(hundreds, gender),
        _ => format!(
            "{} e {}",
            hundred(hundreds, gender),
            below_hundred(rest, gender)
        ),
    }
}

fn hundred(hundreds: usize, gender: Gender) -> String {
    let ending = match (hundreds, gender) {
        (1, _) => "",
        (_, Masculine) => "os",
        (_, Feminine) => "as",
    };
    format!("{}{ending}", HUNDREDS[hundreds])
}

fn below_hundred(n: u64, gender: Gender) -> String {
    let (tens, units) = ((n / 10) as usize, n % 10);
    match (n, gender) {
        (1, Feminine) => "uma".to_owned(),
        (2, Feminine) => "duas".to_owned(),
        (0..=19, _) => TEENS[n as usize].to_owned(),
        _ if units == 0 => TENS[tens].to_owned(),
        _ => format!("{} e {}", TENS[tens], below_hundred(units, gender)),
    }
}

/// A bare count: "duas", "vinte e uma".
pub fn count(n: u64, gender: Gender) -> String {
    integer(n, gender)
}

/// A count with what is counted: "uma parcela", "dois dias", "um milhão de parcelas".
pub fn counted(n: u64, singular: &str, plural: &str, gender: Gender) -> String {
    let noun = if n == 1 { singular } else { plural };
    format!("{} {}{noun}", integer(n, gender), of_after_million(n))
}

/// "duas parcelas", "vinte e uma parcelas".
pub fn parcelas(n: u64) -> String {
    counted(n, "parcela", "parcelas", Feminine)
}

/// "um milhão **de** reais", but "um milhão e cem reais".
const fn of_after_million(n: u64) -> &'static str {
    if n >= 1_000_000 && n.is_multiple_of(1_000_000) {
        "de "
    } else {
        ""
    }
}

/// "mil duzentos e trinta e quatro reais e cinquenta e seis centavos".
pub fn money(amount: Centavos) -> String {
    let (reais, cents) = (amount.0.unsigned_abs() / 100, amount.0.unsigned_abs() % 100);
    let sign = if amount.0 < 0 { "menos " } else { "" };
    let whole = counted(reais, "real", "reais", Masculine);
    let part = counted(cents, "centavo", "centavos", Masculine);
    match (reais, cents) {
        (_, 0) => format!("{sign}{whole}"),
        (0, _) => format!("{sign}{part}"),
        _ => format!("{sign}{whole} e {part}"),
    }
}

/// "dois por cento", "meio por cento", "um vírgula noventa e nove por cento".
pub fn percent(rate: BasisPoints) -> String {
    let (whole, rest) = (
        u64::from(rate.0.unsigned_abs() / 100),
        u64::from(rate.0.unsigned_abs() % 100),
    );
    let sign = if rate.0 < 0 { "menos " } else { "" };
    let whole_words = integer(whole, Masculine);
    let number = match (whole, rest) {
        (_, 0) => whole_words,
        (0, 50) => "meio".to_owned(),
        (_, 50) => format!("{whole_words} e meio"),
        _ => format!("{whole_words} vírgula {}", decimals(rest)),
    };
    format!("{sign}{number} por cento")
}

/// The two digits after a comma: "noventa e nove", "cinco" for 50, "zero cinco" for 05.
fn decimals(rest: u64) -> String {
    match (rest / 10, rest % 10) {
        (0, units) => format!("zero {}", integer(units, Masculine)),
        (tens, 0) => integer(tens, Masculine),
        _ => integer(rest, Masculine),
    }
}

const ORDINAL_UNITS: [&str; 10] = [
    "", "primeir", "segund", "terceir", "quart", "quint", "sext", "sétim", "oitav", "non",
];
const ORDINAL_TENS: [&str; 10] = [
    "",
    "décim",
    "vigésim",
    "trigésim",
    "quadragésim",
    "quinquagésim",
    "sexagésim",
    "septuagésim",
    "octogésim",
    "nonagésim",
];

/// "primeira", "décimo segundo"; above 99, and for zero, the cardinal, as people say it ("parcela cento e vinte").
pub fn ordinal(n: u64, gender: Gender) -> String {
    let (tens, units) = ((n / 10) as usize, (n % 10) as usize);
    if n == 0 || n > 99 {
        return integer(n, gender);
    }
    let ending = if gender == Masculine { "o" } else { "a" };
    let stems = [ORDINAL_TENS[tens], ORDINAL_UNITS[units]];
    let words: Vec<String> = stems
        .iter()
        .filter(|stem| !stem.is_empty())
        .map(|stem| format!("{stem}{ending}"))
        .collect();
    words.join(" ")
}
