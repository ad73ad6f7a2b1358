//! Dates and times of day.

use jiff::ToSpan;
use jiff::civil::Weekday;

use super::number::{Gender, integer};
use crate::base::Date;

const MONTHS: [&str; 12] = [
    "janeiro",
    "fevereiro",
    "março",
    "abril",
    "maio",
    "junho",
    "julho",
    "agosto",
    "setembro",
    "outubro",
    "novembro",
    "dezembro",
];

/// "dez de dezembro", "primeiro de dezembro"; the year only when it is neither the current nor the next, or when the
/// same day of an earlier year is still to come and would be understood.
pub fn date(date: Date, today: Date) -> String {
    let day = match date.day() {
        1 => "primeiro".to_owned(),
        day => integer(day.unsigned_abs().into(), Gender::Masculine),
    };
    let text = format!("{day} de {}", month(date));
    let near = (0..=1).contains(&(date.year() - today.year()));
    let sooner = date
        .checked_sub(1.year())
        .is_ok_and(|before| before >= today);
    if near && !sooner {
        return text;
    }
    format!(
        "{text} de {}",
        integer(date.year().unsigned_abs().into(), Gender::Masculine)
    )
}

/// "quinta-feira, dez de dezembro": how a promise is read back.
pub fn weekday_date(day: Date, today: Date) -> String {
    format!("{}, {}", weekday(day), date(day, today))
}

/// "quinta-feira".
pub fn weekday(date: Date) -> &'static str {
    match date.weekday() {
        Weekday::Monday => "segunda-feira",
        Weekday::Tuesday => "terça-feira",
        Weekday::Wednesday => "quarta-feira",
        Weekday::Thursday => "quinta-feira",
        Weekday::Friday => "sexta-feira",
        Weekday::Saturday => "sábado",
        Weekday::Sunday => "domingo",
    }
}

/// "dezembro".
pub fn month(date: Date) -> &'static str {
    MONTHS[usize::from(date.month().unsigned_abs()).clamp(1, 12) - 1]
}

/// "duas e meia da tarde", "meio-dia", "nove e quinze da manhã". Hours and minutes beyond a day are taken modulo.
pub fn time(hour: u8, minute: u8) -> String {
    let (hour, minute) = (hour % 24, minute % 60);
    let (name, period) = match hour {
        0 => ("meia-noite".to_owned(), ""),
        12 => ("meio-dia".to_owned(), ""),
        _ => (
            integer(u64::from(hour % 12), Gender::Feminine),
            period_of(hour),
        ),
    };
    let minutes = match minute {
        0 => String::new(),
        30 => " e meia".to_owned(),
        _ => format!(" e {}", integer(minute.into(), Gender::Masculine)),
    };
    format!("{name}{minutes}{period}")
}

/// The time with its preposition: "às duas e meia da tarde", "à uma da tarde", "ao meio-dia".
pub fn at_time(hour: u8, minute: u8) -> String {
    let preposition = match hour % 24 {
        0 | 1 | 13 => "à",
        12 => "ao",
        _ => "às",
    };
    format!("{preposition} {}", time(hour, minute))
}

const fn period_of(hour: u8) -> &'static str {
    match hour {
        0..=4 => " da madrugada",
        5..=11 => " da manhã",
        12..=18 => " da tarde",
        _ => " da noite",
    }
}
