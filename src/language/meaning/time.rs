//! Times of day: `+6 h +15 min noite`, `meia`, `meio_dia`, `meia_noite`.

use super::Value;
use super::number::Sum;

/// Hours from one to seven without "da manhã" are in the afternoon: nobody asks to be called at night.
const AFTERNOON: std::ops::RangeInclusive<i64> = 1..=7;

pub fn time(tags: &[&str]) -> Option<Value> {
    let mut sum = Sum::default();
    let mut hour = None;
    let mut minute = 0;
    let mut period = None;
    for tag in tags {
        match *tag {
            "h" => hour = sum.finish(),
            "meio_dia" => hour = Some(12),
            "meia_noite" => hour = Some(0),
            "meia" => minute = 30,
            "min" => minute = sum.finish().unwrap_or(0),
            "manha" | "tarde" | "noite" | "madrugada" => period = Some(*tag),
            tag => {
                sum.take(tag);
            }
        }
    }
    let hour = on_the_dial(hour.or_else(|| sum.finish())?, period);
    let (hour, minute) = (u8::try_from(hour).ok()?, u8::try_from(minute).ok()?);
    (hour < 24 && minute < 60).then_some(Value::Time { hour, minute })
}

fn on_the_dial(hour: i64, period: Option<&str>) -> i64 {
    match period {
        Some("manha" | "madrugada") => hour,
        Some(_) if hour < 12 && hour > 0 => hour + 12,
        None if AFTERNOON.contains(&hour) => hour + 12,
        _ => hour,
    }
}
