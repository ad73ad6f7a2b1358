//! Days from tags, by the rules of how debtors name days.
//!
//! `hoje amanha depois ontem anteontem`; `d1` Monday to `d6` Saturday, `d0` Sunday, with `que_vem` or `semana_que_vem`;
//! numbers ended by `dia`, `mes`, `ano` (a number alone is a day); `m12`; `mes_que_vem`; `fim_mes`; `util` after the
//! number of a business day; `apos` before a day; `daqui` with a number and `dias`, `semanas`, `meses`; `vago=…` for
//! what names no day.

use jiff::ToSpan;
use jiff::civil::Weekday;
use serde::{Serialize, Serializer};

use super::Value;
use super::number::Sum;
use crate::base::Date;
use crate::base::calendar::{self, Today};

/// A day as far as it was said. Moving it to a business day is left to who offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DateValue {
    Day(Date),
    /// "depois do dia dez": this day or a later one.
    From(Date),
    /// "sexta que vem": the likelier reading and the other one; to be confirmed.
    Either {
        likely: Date,
        other: Date,
    },
    /// "dia trinta e um" in a month of thirty days: the last day is proposed instead.
    Missing {
        said: u8,
        nearest: Date,
    },
    /// "semana que vem", "quando eu receber": which day is to be asked.
    Range {
        text: String,
    },
}

impl DateValue {
    /// The day to propose, if one can be named.
    pub fn day(&self) -> Option<Date> {
        match self {
            Self::Day(day)
            | Self::From(day)
            | Self::Either { likely: day, .. }
            | Self::Missing { nearest: day, .. } => Some(*day),
            Self::Range { .. } => None,
        }
    }

    /// True if only one day can be meant.
    pub fn is_certain(&self) -> bool {
        matches!(self, Self::Day(_) | Self::From(_))
    }
}

/// The day, or the words that name none.
impl Serialize for DateValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Range { text } => to.serialize_str(text),
            other => to.collect_str(&other.day().unwrap_or_default()),
        }
    }
}

/// What was said of a day, before a calendar is asked.
#[derive(Default)]
struct Said<'a> {
    /// Days from today.
    offset: Option<i32>,
    weekday: Option<Weekday>,
    day: Option<i64>,
    month: Option<i64>,
    year: Option<i64>,
    business: bool,
    after: bool,
    next_month: bool,
    /// `que_vem` or `semana_que_vem`.
    next: Option<&'a str>,
    month_end: bool,
    ahead: Option<(i64, &'a str)>,
    vague: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn read(tags: &[&'a str]) -> Self {
        let mut said = Self::default();
        let mut sum = Sum::default();
        for tag in tags {
            match *tag {
                "dia" => said.day = sum.finish().or(said.day),
                "mes" => said.month = sum.finish(),
                "ano" => said.year = sum.finish(),
                "util" => {
                    said.day = sum.finish();
                    said.business = true;
                }
                "dias" | "semanas" | "meses" => {
                    said.ahead = sum.finish().map(|count| (count, *tag))
                }
                tag if sum.take(tag) => {}
                tag => said.mark(tag),
            }
        }
        said.day = said.day.or(sum.finish());
        said
    }

    fn mark(&mut self, tag: &'a str) {
        match tag {
            "anteontem" => self.offset = Some(-2),
            "ontem" => self.offset = Some(-1),
            "hoje" => self.offset = Some(0),
            "amanha" => self.offset = Some(1),
            "depois" => self.offset = Some(2),
            "apos" => self.after = true,
            "mes_que_vem" => self.next_month = true,
            "que_vem" | "semana_que_vem" => self.next = Some(tag),
            "fim_mes" => self.month_end = true,
            _ => {
                let number = |prefix: char| {
                    tag.strip_prefix(prefix)
                        .and_then(|digits| digits.parse::<i8>().ok())
                };
                if let Some(weekday) =
                    number('d').and_then(|day| Weekday::from_sunday_zero_offset(day).ok())
                {
                    self.weekday = Some(weekday);
                } else if let Some(month) = number('m') {
                    self.month = Some(i64::from(month));
                } else if let Some(text) = tag.strip_prefix("vago=") {
                    self.vague = Some(text);
                }
            }
        }
    }
}

/// The next day that fits, `today` included where a day of the month was said.
pub fn coming(tags: &[&str], today: Today) -> Option<DateValue> {
    let said = Said::read(tags);
    let value = resolve(&said, today)?;
    Some(match value {
        DateValue::Day(day) if said.after => DateValue::From(day.tomorrow().ok()?),
        value => value,
    })
}

fn resolve(said: &Said, here: Today) -> Option<DateValue> {
    let today = here.date;
    if let Some(offset) = said.offset {
        return today.checked_add(offset.days()).ok().map(DateValue::Day);
    }
    if let Some((count, unit)) = said.ahead {
        return ahead(today, count, unit).map(DateValue::Day);
    }
    if said.month_end {
        let month = if said.next_month {
            today.first_of_month().checked_add(1.month()).ok()?
        } else {
            today
        };
        return Some(DateValue::Day(month.last_of_month()));
    }
    match (said.day, said.weekday) {
        (Some(day), _) if said.business => {
            business_day(day, said.next_month, here).map(DateValue::Day)
        }
        (Some(day), _) => day_of_month(day, said, today),
        (None, Some(weekday)) => weekday_after(weekday, said.next, today),
        (None, None) => said.vague.map(|text| DateValue::Range {
            text: text.to_owned(),
        }),
    }
}

fn ahead(today: Date, count: i64, unit: &str) -> Option<Date> {
    let count = i32::try_from(count).ok().filter(|count| *count <= 400)?;
    let span = match unit {
        "semanas" => (count * 7).days(),
        "meses" => count.months(),
        _ => count.days(),
    };
    today.checked_add(span).ok()
}

fn day_of_month(day: i64, said: &Said, today: Date) -> Option<DateValue> {
    let day = i8::try_from(day)
        .ok()
        .filter(|day| (1..=31).contains(day))?;
    if let Some(month) = said.month {
        return day_and_month(day, i8::try_from(month).ok()?, said.year, today);
    }
    let this = today.first_of_month();
    let later = said.next_month || day < today.day();
    in_month(
        day,
        if later {
            this.checked_add(1.month()).ok()?
        } else {
            this
        },
    )
}

fn day_and_month(day: i8, month: i8, year: Option<i64>, today: Date) -> Option<DateValue> {
    if let Some(year) = year {
        let year = if year < 100 { 2000 + year } else { year };
        return in_month(day, Date::new(i16::try_from(year).ok()?, month, 1).ok()?);
    }
    let this_year = in_month(day, Date::new(today.year(), month, 1).ok()?)?;
    if this_year.day().is_some_and(|day| day >= today) {
        return Some(this_year);
    }
    in_month(day, Date::new(today.year().checked_add(1)?, month, 1).ok()?)
}

/// `day` in the month of `first`, or its last day where there is no such day.
fn in_month(day: i8, first: Date) -> Option<DateValue> {
    let last = first.last_of_month();
    if day > last.day() {
        return Some(DateValue::Missing {
            said: u8::try_from(day).ok()?,
            nearest: last,
        });
    }
    first.with().day(day).build().ok().map(DateValue::Day)
}

/// The next such weekday strictly after today. "que vem" is ambiguous while that day lies in this week.
fn weekday_after(weekday: Weekday, next: Option<&str>, today: Date) -> Option<DateValue> {
    let nearest = today.nth_weekday(1, weekday).ok()?;
    let week_later = nearest.checked_add(1.week()).ok()?;
    let days_left = 7 - i64::from(today.weekday().to_monday_one_offset());
    let this_week = today
        .until(nearest)
        .is_ok_and(|span| i64::from(span.get_days()) <= days_left);
    Some(match next {
        Some("semana_que_vem") if this_week => DateValue::Day(week_later),
        Some("que_vem") if this_week => DateValue::Either {
            likely: week_later,
            other: nearest,
        },
        _ => DateValue::Day(nearest),
    })
}

/// The `nth` business day as labour law counts pay days, Saturday among them.
fn business_day(nth: i64, next_month: bool, here: Today) -> Option<Date> {
    let Today { date: today, uf } = here;
    let nth = usize::try_from(nth).ok()?;
    let month = if next_month {
        calendar::add_months(today.first_of_month(), 1)
    } else {
        today
    };
    let day = calendar::nth_working_day(month.year(), month.month(), nth, uf)?;
    if day >= today {
        return Some(day);
    }
    let later = calendar::add_months(month.first_of_month(), 1);
    calendar::nth_working_day(later.year(), later.month(), nth, uf)
}

/// The last day that fits, `today` included: "paguei dia dez".
pub fn past(tags: &[&str], here: Today) -> Option<DateValue> {
    let today = here.date;
    let said = Said::read(tags);
    if let (Some(weekday), None) = (said.weekday, said.day) {
        return today.nth_weekday(-1, weekday).ok().map(DateValue::Day);
    }
    let (Some(day), None) = (said.day, said.year) else {
        return resolve(&said, here);
    };
    let day = i8::try_from(day)
        .ok()
        .filter(|day| (1..=31).contains(day))?;
    let mut month = match said.month {
        Some(month) => Date::new(today.year(), i8::try_from(month).ok()?, 1).ok()?,
        None => today.first_of_month(),
    };
    let step = if said.month.is_some() {
        1.year()
    } else {
        1.month()
    };
    // Two steps back reach a month with such a day from any other; leap days need not be found.
    for _ in 0..3 {
        match in_month(day, month)? {
            DateValue::Day(found) if found <= today => return Some(DateValue::Day(found)),
            _ => month = month.checked_sub(step).ok()?,
        }
    }
    None
}

/// Day and month of birth, with the year if it was said.
pub fn birth(tags: &[&str], today: Date) -> Option<Value> {
    let said = Said::read(tags);
    let day = u8::try_from(said.day?)
        .ok()
        .filter(|day| (1..=31).contains(day))?;
    let month = u8::try_from(said.month?)
        .ok()
        .filter(|month| (1..=12).contains(month))?;
    let year = said
        .year
        .and_then(|year| i16::try_from(year).ok())
        .map(|year| full_year(year, today));
    Some(Value::Birth { day, month, year })
}

/// "oitenta e cinco" is 1985: the last year that ends so.
fn full_year(year: i16, today: Date) -> i16 {
    match year {
        0..100 if year > today.year() % 100 => 1900 + year,
        0..100 => 2000 + year,
        _ => year,
    }
}
