//! The due date as a factor of four digits, which began again at 1000 on 2025-02-22.

use jiff::civil::date;

use super::super::Date;
use super::super::calendar::{add_days, days_between};

/// Day zero of the factor.
const ORIGIN: Date = date(1997, 10, 7);
/// Factors run from 1000 to 9999.
const CYCLE: i32 = 9_000;
/// How far back and ahead of the reading a due date may lie (FEBRABAN communication 082/2012).
const WINDOW: std::ops::RangeInclusive<i32> = -3_000..=5_500;

/// What a factor says when it is read on a certain day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Due {
    /// `0000`: payable on presentation.
    OnPresentation,
    On(Date),
    /// None of the dates that share the factor lies in the operating window; a guess would be worse.
    Ambiguous(Vec<Date>),
}

/// The due date cannot be written as a factor.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("o fator de vencimento começa em 3 de julho de 2000, e {due} é antes")]
pub struct DueError {
    pub due: Date,
}

/// The factor of a due date on or after 2000-07-03.
pub fn encode_factor(due: Date) -> Result<u16, DueError> {
    let days = days_between(ORIGIN, due);
    if days < 1_000 {
        return Err(DueError { due });
    }
    Ok(((days - 1_000) % CYCLE + 1_000) as u16)
}

/// The due date of a factor as read on `reference`; `None` for the factors 0001 to 0999, which do not exist.
pub fn decode_factor(factor: u16, reference: Date) -> Option<Due> {
    match factor {
        0 => return Some(Due::OnPresentation),
        1_000..=9_999 => {}
        _ => return None,
    }
    let candidates: Vec<Date> = (0..3)
        .map(|cycle| add_days(ORIGIN, i32::from(factor) + CYCLE * cycle))
        .collect();
    let near = |due: &&Date| WINDOW.contains(&days_between(reference, **due));
    Some(match candidates.iter().find(near) {
        Some(due) => Due::On(*due),
        None => Due::Ambiguous(candidates),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = date(2026, 11, 23);

    #[test]
    fn factors_of_the_rollover() {
        for (due, factor) in [
            (date(2000, 7, 3), 1000),
            (date(2010, 11, 17), 4789),
            (date(2025, 2, 21), 9999),
            (date(2025, 2, 22), 1000),
            (date(2025, 2, 23), 1001),
            (date(2026, 12, 10), 1656),
            (date(2049, 10, 13), 9999),
            (date(2049, 10, 14), 1000),
        ] {
            assert_eq!(encode_factor(due), Ok(factor));
        }
        assert_eq!(
            encode_factor(date(2000, 7, 2)),
            Err(DueError {
                due: date(2000, 7, 2)
            })
        );
    }

    #[test]
    fn factors_read_in_2026() {
        for (factor, due) in [
            (1000, date(2025, 2, 22)),
            (1001, date(2025, 2, 23)),
            (1656, date(2026, 12, 10)),
            (2000, date(2027, 11, 19)),
            (5555, date(2037, 8, 13)),
            (7000, date(2041, 7, 28)),
            (7139, date(2041, 12, 14)),
            (7639, date(2018, 9, 6)),
            (9476, date(2023, 9, 17)),
            (9999, date(2025, 2, 21)),
        ] {
            assert_eq!(decode_factor(factor, TODAY), Some(Due::On(due)), "{factor}");
        }
    }

    #[test]
    fn factors_in_the_guard_band_are_not_guessed() {
        let ambiguous =
            (1000..=9999).filter(|&f| matches!(decode_factor(f, TODAY), Some(Due::Ambiguous(_))));
        assert_eq!(
            ambiguous.collect::<Vec<_>>(),
            (7140..=7638).collect::<Vec<_>>()
        );
        assert_eq!(decode_factor(0, TODAY), Some(Due::OnPresentation));
        assert_eq!(decode_factor(999, TODAY), None);
        assert_eq!(decode_factor(10_000, TODAY), None);
    }

    #[test]
    fn every_day_of_the_window_is_read_back() {
        for days in -3_000..=5_500 {
            let due = add_days(TODAY, days);
            let factor = encode_factor(due).expect("after 2000");
            assert_eq!(decode_factor(factor, TODAY), Some(Due::On(due)));
        }
    }
}
