//! When people may be called: by state, weekday and holiday.
//!
//! Sources: SP 15.426/2014, RJ 7.868/2018, ES 10.626/2017, AM 306/2016, AL 7.782/2016; elsewhere the custom of the trade
//! that goes with CDC art. 71. The table is data with an owner: [`REVIEWED`] is the day somebody last looked at it.

use jiff::civil::{DateTime, Time, Weekday, date, time};

use crate::base::{Date, Uf, calendar};

/// When the table below was last compared with the laws.
pub const REVIEWED: Date = date(2026, 8, 1);
/// No call starts in the last minutes of a window: it would end outside.
const MARGIN_MIN: i64 = 5;

/// The hours of a day: from the first to the second, which is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub open: Time,
    pub close: Time,
}

const fn window(open: i8, close: i8) -> Option<Window> {
    Some(Window {
        open: time(open, 0, 0, 0),
        close: time(close, 0, 0, 0),
    })
}

/// The hours in which people of a state may be called on a day; `None` on a closed one.
pub fn window_on(uf: Uf, day: Date) -> Option<Window> {
    let holiday = calendar::bank_holiday(day).or_else(|| calendar::state_holiday(uf, day));
    if holiday.is_some() || day.weekday() == Weekday::Sunday {
        return None;
    }
    let saturday = day.weekday() == Weekday::Saturday;
    match (uf, saturday) {
        (Uf::RJ, false) => window(9, 19),
        (Uf::ES | Uf::AM, false) => window(8, 19),
        (Uf::RJ | Uf::ES | Uf::AM, true) => None,
        (_, true) => window(8, 14),
        (_, false) => window(8, 20),
    }
}

/// Whether a call may start at this local time, and when the next one may if not.
///
/// # Errors
/// The local time from which on it may.
pub fn may_call(uf: Uf, local: DateTime) -> Result<(), DateTime> {
    let today = window_on(uf, local.date());
    if let Some(window) = today {
        let last = window
            .close
            .saturating_sub(jiff::Span::new().minutes(MARGIN_MIN));
        if (window.open..last).contains(&local.time()) {
            return Ok(());
        }
        if local.time() < window.open {
            return Err(local.date().to_datetime(window.open));
        }
    }
    Err(next_open(uf, local.date()))
}

/// The first moment after `day` at which people of a state may be called.
pub fn next_open(uf: Uf, day: Date) -> DateTime {
    // Four closed days in a row are the most that the calendar has.
    (1..=10)
        .find_map(|days| {
            let next = calendar::add_days(day, days);
            window_on(uf, next).map(|window| next.to_datetime(window.open))
        })
        .unwrap_or_else(|| calendar::add_days(day, 1).to_datetime(time(9, 0, 0, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn the_gate_keeps_the_hours_of_each_state() {
        for (utc, uf, verdict) in [
            ("2026-11-23T11:30Z", Uf::SP, None),
            ("2026-11-23T11:30Z", Uf::RJ, Some("2026-11-23T09:00:00")),
            ("2026-11-23T11:30Z", Uf::AM, Some("2026-11-23T08:00:00")),
            ("2026-11-23T22:30Z", Uf::ES, Some("2026-11-24T08:00:00")),
            ("2026-11-23T22:50Z", Uf::SP, None),
            ("2026-11-23T22:59Z", Uf::SP, Some("2026-11-24T08:00:00")),
            ("2026-11-23T23:30Z", Uf::AC, None),
            ("2026-11-28T16:30Z", Uf::SP, None),
            ("2026-11-28T17:30Z", Uf::SP, Some("2026-11-30T08:00:00")),
            ("2026-11-28T14:00Z", Uf::RJ, Some("2026-11-30T09:00:00")),
            ("2026-11-20T15:00Z", Uf::MG, Some("2026-11-21T08:00:00")),
            ("2026-11-29T15:00Z", Uf::BA, Some("2026-11-30T08:00:00")),
            ("2026-02-17T15:00Z", Uf::SP, Some("2026-02-18T08:00:00")),
        ] {
            let at: Timestamp = utc.parse().expect(utc);
            let local = at.in_tz(uf.time_zone()).expect("a zone").datetime();
            let found = may_call(uf, local).err().map(|next| next.to_string());
            assert_eq!(found.as_deref(), verdict, "{utc} {uf:?}");
        }
    }
}
