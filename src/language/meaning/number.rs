//! Digits, counts and sums from number tags.
//!
//! `+20` adds to the number being said, `*1000` multiplies it, `7` or `100` are digits as dictated, `x3` repeats the
//! digits that follow, `r` ends the reais, `c` ends the centavos, `aprox` says that the sum is rough.

use super::Value;

/// Larger than any sum of a telephone call, small enough never to overflow.
const LIMIT: i64 = 1_000_000_000_000;

/// A number being said.
#[derive(Clone, Copy, Default)]
pub struct Sum {
    value: i64,
    said: bool,
}

impl Sum {
    /// Takes a number tag; false if it is none.
    pub fn take(&mut self, tag: &str) -> bool {
        if let Some(more) = after('+', tag) {
            self.value = self.value.saturating_add(more).min(LIMIT);
        } else if let Some(factor) = after('*', tag) {
            self.value = self.value.max(1).saturating_mul(factor).min(LIMIT);
        } else {
            return false;
        }
        self.said = true;
        true
    }

    /// The number, if one was said; the next one starts from zero.
    pub fn finish(&mut self) -> Option<i64> {
        let finished = std::mem::take(self);
        finished.said.then_some(finished.value)
    }
}

/// The number behind `sign`. Nobody says a negative one.
fn after(sign: char, tag: &str) -> Option<i64> {
    let digits = tag.strip_prefix(sign)?;
    digits.parse::<u32>().ok().map(i64::from)
}

/// "cento e onze, três zeros, um": each number is written down as it is said.
pub fn digits(tags: &[&str]) -> Option<String> {
    let mut digits = String::new();
    let mut sum = Sum::default();
    let mut last = 0_i64;
    let mut repeat = 1_usize;
    for tag in tags {
        if let Some(more) = after('+', tag) {
            if !joins(last, more) {
                write_down(&mut digits, sum.finish(), &mut repeat);
            }
            sum.take(tag);
            last = more;
            continue;
        }
        write_down(&mut digits, sum.finish(), &mut repeat);
        last = 0;
        if let Some(times) = tag.strip_prefix('x').and_then(|times| times.parse().ok()) {
            repeat = times;
        } else if tag.bytes().all(|b| b.is_ascii_digit()) {
            digits.push_str(&tag.repeat(std::mem::replace(&mut repeat, 1).min(9)));
        }
    }
    write_down(&mut digits, sum.finish(), &mut repeat);
    (!digits.is_empty()).then_some(digits)
}

fn write_down(digits: &mut String, number: Option<i64>, repeat: &mut usize) {
    if let Some(number) = number {
        let times = std::mem::replace(repeat, 1).min(9);
        digits.push_str(&number.to_string().repeat(times));
    }
}

/// Whether `more` goes on with a number whose last part was `last`: hundreds take what is below, tens take units.
fn joins(last: i64, more: i64) -> bool {
    matches!((last, more), (100.., 1..100) | (20..=90, 1..10))
}

pub fn count(tags: &[&str]) -> Option<u32> {
    let mut sum = Sum::default();
    for tag in tags {
        sum.take(tag);
    }
    sum.finish().and_then(|count| u32::try_from(count).ok())
}

/// A rate in hundredths of a per cent: `%` ends the whole part, `v` and `w` what stands behind the comma.
pub fn rate(tags: &[&str]) -> Option<i32> {
    let mut sum = Sum::default();
    let mut rate = 0_i64;
    for tag in tags {
        let part = match *tag {
            "%" => sum.finish()? * 100,
            "v" => sum.finish()? * 10,
            "w" => sum.finish().unwrap_or(0),
            "meio" => 50,
            tag => {
                sum.take(tag);
                0
            }
        };
        rate = part.saturating_add(rate);
    }
    i32::try_from(rate).ok()
}

/// A sum of money, or `metade` as it was said: half of what, the dialogue knows.
pub fn money(tags: &[&str]) -> Option<Value> {
    if tags.contains(&"metade") {
        return Some(Value::Text("metade".into()));
    }
    let mut sum = Sum::default();
    let mut centavos = None;
    for tag in tags {
        let part = match *tag {
            "r" => sum.finish().map(|reais| reais * 100),
            "c" => sum.finish(),
            _ => {
                sum.take(tag);
                None
            }
        };
        centavos = add(centavos, part);
    }
    centavos = add(centavos, sum.finish().map(|reais| reais * 100));
    centavos.map(|centavos| Value::Money {
        centavos,
        approximate: tags.contains(&"aprox"),
    })
}

fn add(before: Option<i64>, more: Option<i64>) -> Option<i64> {
    match (before, more) {
        (Some(before), Some(more)) => Some(before.saturating_add(more)),
        (before, more) => before.or(more),
    }
}
