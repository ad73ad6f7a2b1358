//! Business days as Brazilian banks count them.

use jiff::civil::Weekday;

use super::{Date, Uf, holidays};

/// No run of closed days is this long; it bounds the search at the ends of the calendar.
const LONGEST_CLOSURE: i32 = 15;

/// Easter Sunday by the Gregorian computus (Meeus). `year` is 1583 to 9999.
pub fn easter(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k).rem_euclid(7);
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    date(year, (n / 31) as i8, (n % 31 + 1) as i8)
}

/// A day, and the state whose holidays count, where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Today {
    pub date: Date,
    pub uf: Option<Uf>,
}

impl From<Date> for Today {
    fn from(date: Date) -> Self {
        Self { date, uf: None }
    }
}

/// The name of the national holiday on this day.
pub fn national_holiday(day: Date) -> Option<&'static str> {
    let name = match (day.month(), day.day()) {
        (1, 1) => "Confraternização Universal",
        (4, 21) => "Tiradentes",
        (5, 1) => "Dia do Trabalho",
        (9, 7) => "Independência",
        (10, 12) => "Nossa Senhora Aparecida",
        (11, 2) => "Finados",
        (11, 15) => "Proclamação da República",
        // Lei 14.759/2023.
        (11, 20) if day.year() >= 2024 => "Dia da Consciência Negra",
        (12, 25) => "Natal",
        _ if days_from_easter(day) == -2 => "Sexta-feira da Paixão",
        _ => return None,
    };
    Some(name)
}

/// The name of the holiday that closes the banks on this day: national, Carnaval or Corpus Christi.
pub fn bank_holiday(day: Date) -> Option<&'static str> {
    national_holiday(day).or_else(|| match days_from_easter(day) {
        -48 | -47 => Some("Carnaval"),
        60 => Some("Corpus Christi"),
        _ => None,
    })
}

/// The name of a state's own holiday on this day, which closes its banks too.
pub fn state_holiday(uf: Uf, day: Date) -> Option<&'static str> {
    holidays::of(uf, day, days_from_easter(day))
}

/// Whether banks are open: neither a weekend nor a bank holiday, nor a holiday of the payer's state where it is known.
pub fn is_business_day(day: Date, uf: Option<Uf>) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
        && bank_holiday(day).is_none()
        && uf.is_none_or(|uf| state_holiday(uf, day).is_none())
}

/// This day when it is a business day, else the next one.
pub fn next_business_day(day: Date, uf: Option<Uf>) -> Date {
    (0..LONGEST_CLOSURE)
        .map(|n| add_days(day, n))
        .find(|&day| is_business_day(day, uf))
        .unwrap_or(day)
}

/// This day when it is a business day, else the one before.
pub fn previous_business_day(day: Date, uf: Option<Uf>) -> Date {
    (0..LONGEST_CLOSURE)
        .map(|n| add_days(day, -n))
        .find(|&day| is_business_day(day, uf))
        .unwrap_or(day)
}

/// The `n`th business day of the banks in a month, counted from 1; `None` when the month has fewer.
pub fn nth_business_day(year: i16, month: i8, n: usize) -> Option<Date> {
    days_of_month(year, month)
        .filter(|&day| is_business_day(day, None))
        .nth(n.checked_sub(1)?)
}

/// The `n`th working day as labour law counts pay day: Saturdays are in, only Sundays and holidays of the country and
/// the state are out.
pub fn nth_working_day(year: i16, month: i8, n: usize, uf: Option<Uf>) -> Option<Date> {
    let works = |day: &Date| {
        day.weekday() != Weekday::Sunday
            && national_holiday(*day).is_none()
            && uf.is_none_or(|uf| state_holiday(uf, *day).is_none())
    };
    days_of_month(year, month)
        .filter(works)
        .nth(n.checked_sub(1)?)
}

/// The same day `months` later, clipped to the end of a shorter month.
pub fn add_months(day: Date, months: i32) -> Date {
    let month = i32::from(day.year()) * 12 + i32::from(day.month()) - 1 + months;
    let first = clamped(month.div_euclid(12), month.rem_euclid(12) + 1);
    first
        .with()
        .day(day.day().min(first.days_in_month()))
        .build()
        .unwrap_or(first)
}

/// The last day of a term of `years` that begins at `day`: the same day number, or the next day where it is
/// missing (Civil Code art. 132 §3).
pub fn add_years(day: Date, years: i16) -> Date {
    let year = day
        .year()
        .saturating_add(years)
        .clamp(Date::MIN.year(), Date::MAX.year());
    Date::new(year, day.month(), day.day()).unwrap_or_else(|_| date(year, 3, 1))
}

/// `days` later, or earlier when negative; stops at the ends of the calendar.
pub fn add_days(day: Date, days: i32) -> Date {
    let span = jiff::Span::new().try_days(days).unwrap_or_default();
    day.saturating_add(span)
}

/// The next day with this number in its month, today included; `None` for a number that no coming month has.
pub fn coming_day(today: Date, number: i8) -> Option<Date> {
    (0..3).find_map(|months| {
        let month = add_months(today.first_of_month(), months);
        Date::new(month.year(), month.month(), number)
            .ok()
            .filter(|day| *day >= today)
    })
}

/// Days from `from` to `to`; negative when `to` is earlier.
pub fn days_between(from: Date, to: Date) -> i32 {
    from.duration_until(to).as_hours() as i32 / 24
}

fn days_from_easter(day: Date) -> i32 {
    // No movable feast lies outside these months.
    if day.year() < 1583 || !(2..=6).contains(&day.month()) {
        return i32::MIN;
    }
    days_between(easter(day.year()), day)
}

fn days_of_month(year: i16, month: i8) -> impl Iterator<Item = Date> {
    (1..=31).filter_map(move |day| Date::new(year, month, day).ok())
}

/// The first day of a month whose year may lie outside the calendar.
fn clamped(year: i32, month: i32) -> Date {
    let year = year.clamp(i32::from(Date::MIN.year()), i32::from(Date::MAX.year()));
    date(year as i16, month as i8, 1)
}

fn date(year: i16, month: i8, day: i8) -> Date {
    Date::new(year, month, day).unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn movable_feasts() {
        for (easter_day, carnaval, corpus) in [
            (date(2025, 4, 20), date(2025, 3, 3), date(2025, 6, 19)),
            (date(2026, 4, 5), date(2026, 2, 16), date(2026, 6, 4)),
            (date(2027, 3, 28), date(2027, 2, 8), date(2027, 5, 27)),
            (date(2028, 4, 16), date(2028, 2, 28), date(2028, 6, 15)),
            (date(2029, 4, 1), date(2029, 2, 12), date(2029, 5, 31)),
            (date(2030, 4, 21), date(2030, 3, 4), date(2030, 6, 20)),
        ] {
            assert_eq!(easter(easter_day.year()), easter_day);
            assert_eq!(
                national_holiday(add_days(easter_day, -2)),
                Some("Sexta-feira da Paixão")
            );
            assert_eq!(bank_holiday(carnaval), Some("Carnaval"));
            assert_eq!(bank_holiday(add_days(carnaval, 1)), Some("Carnaval"));
            assert_eq!(bank_holiday(corpus), Some("Corpus Christi"));
            assert_eq!(national_holiday(corpus), None);
        }
    }

    #[test]
    fn states_have_holidays_of_their_own() {
        for (uf, day, name) in [
            (Uf::SP, date(2026, 7, 9), "Revolução Constitucionalista"),
            (Uf::RJ, date(2026, 4, 23), "São Jorge"),
            (Uf::ES, date(2026, 4, 13), "Nossa Senhora da Penha"),
            (Uf::ES, date(2027, 4, 5), "Nossa Senhora da Penha"),
            (Uf::AC, date(2027, 11, 19), "Tratado de Petrópolis"),
            (Uf::AC, date(2028, 9, 8), "Dia da Amazônia"),
            (Uf::DF, date(2026, 11, 30), "Dia do Evangélico"),
        ] {
            assert_eq!(state_holiday(uf, day), Some(name), "{uf:?} {day}");
            assert!(!is_business_day(day, Some(uf)) && is_business_day(day, None));
            let next = next_business_day(day, Some(uf));
            assert!(next > day && is_business_day(next, Some(uf)), "{next}");
        }
        let fifth = |uf| nth_working_day(2027, 1, 5, uf);
        assert_eq!(fifth(None), Some(date(2027, 1, 7)));
        assert_eq!(fifth(Some(Uf::RO)), Some(date(2027, 1, 8)));
        assert_eq!(state_holiday(Uf::AC, date(2027, 11, 17)), None);
        assert_eq!(state_holiday(Uf::MG, date(2026, 7, 9)), None);
        assert_eq!(
            previous_business_day(date(2026, 11, 30), Some(Uf::DF)),
            date(2026, 11, 27)
        );
    }

    #[test]
    fn holidays_move_due_dates_forward() {
        assert_eq!(
            next_business_day(date(2026, 11, 20), None),
            date(2026, 11, 23)
        );
        assert_eq!(
            next_business_day(date(2026, 12, 5), None),
            date(2026, 12, 7)
        );
        assert_eq!(
            next_business_day(date(2026, 12, 25), None),
            date(2026, 12, 28)
        );
        assert_eq!(
            next_business_day(date(2021, 8, 28), None),
            date(2021, 8, 30)
        );
        assert_eq!(
            previous_business_day(date(2026, 11, 22), None),
            date(2026, 11, 19)
        );
        assert!(
            is_business_day(date(2023, 11, 20), None),
            "not yet a national holiday"
        );
    }

    #[test]
    fn fifth_business_day() {
        let pay_days = [(2026, 12, 5), (2027, 1, 7), (2027, 2, 5), (2027, 5, 7)];
        for (year, month, day) in pay_days {
            assert_eq!(
                nth_working_day(year, month, 5, None),
                Some(date(year, month, day))
            );
        }
        let bank_days = [
            (2026, 12, 7),
            (2027, 1, 8),
            (2027, 2, 5),
            (2027, 4, 7),
            (2027, 5, 7),
        ];
        for (year, month, day) in bank_days {
            assert_eq!(
                nth_business_day(year, month, 5),
                Some(date(year, month, day))
            );
        }
        assert_eq!(nth_business_day(2026, 2, 30), None);
        assert_eq!(nth_business_day(2026, 2, 0), None);
    }

    #[test]
    fn months_are_clipped_and_years_are_not() {
        let first = date(2027, 1, 31);
        let months: Vec<Date> = (0..5).map(|n| add_months(first, n)).collect();
        assert_eq!(
            months,
            [
                first,
                date(2027, 2, 28),
                date(2027, 3, 31),
                date(2027, 4, 30),
                date(2027, 5, 31)
            ]
        );
        assert_eq!(add_months(date(2026, 1, 15), -1), date(2025, 12, 15));
        assert_eq!(add_years(date(2020, 2, 29), 5), date(2025, 3, 1));
        assert_eq!(add_years(date(2021, 11, 20), 5), date(2026, 11, 20));
    }

    proptest! {
        #[test]
        fn nothing_panics(days in -700_000i32..2_900_000, months in -200_000i32..200_000, years in any::<i16>()) {
            let day = add_days(date(1, 1, 1), days);
            let _ = (is_business_day(day, Some(Uf::AC)), add_months(day, months), add_years(day, years));
        }

        #[test]
        fn easter_is_a_sunday_in_spring_time(year in 1583i16..9999) {
            let day = easter(year);
            prop_assert_eq!(day.weekday(), Weekday::Sunday);
            prop_assert!(day >= date(year, 3, 22) && day <= date(year, 4, 25));
        }
    }
}
