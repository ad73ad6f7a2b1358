//! From the ledger's records to pages: values are put into words here, the templates only place them.

mod call;
mod deal;
mod list;
mod tree;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::ledger::tabulation;

pub(super) use call::call;
pub(super) use list::calls;

pub(super) fn problem(title: &str, text: &str) -> Result<String, minijinja::Error> {
    render(
        "problem.html",
        &BTreeMap::from([("title", title), ("text", text)]),
    )
}

fn render(name: &str, page: &impl Serialize) -> Result<String, minijinja::Error> {
    static PAGES: OnceLock<Environment<'static>> = OnceLock::new();
    PAGES
        .get_or_init(environment)
        .get_template(name)?
        .render(minijinja::Value::from(Serde(page)))
}

/// The templates. What ends in `.html` is escaped.
fn environment() -> Environment<'static> {
    let mut pages = Environment::new();
    pages.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    for (name, text) in [
        ("layout.html", include_str!("pages/layout.html")),
        ("calls.html", include_str!("pages/calls.html")),
        ("call.html", include_str!("pages/call.html")),
        ("problem.html", include_str!("pages/problem.html")),
    ] {
        pages
            .add_template(name, text)
            .expect("a test renders every template");
    }
    pages
}

fn clock(zone: &TimeZone, at: Timestamp) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// `3:07`: minutes and seconds.
fn lasted(from: Timestamp, to: Timestamp) -> String {
    let seconds = (to.as_microsecond() - from.as_microsecond()).max(0) / 1_000_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn label(code: &str) -> String {
    tabulation(code)
        .map_or(code, |entry| entry.label)
        .to_owned()
}

/// A number of which only the last four digits are shown.
fn masked(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        0 => "–".to_owned(),
        // A SIP user such as `1001`: too short to mask, and nobody's number.
        1..=6 => number.to_owned(),
        n => format!("•••• {}", digits[n - 4..].iter().collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses() {
        environment();
    }

    #[test]
    fn numbers_are_masked() {
        assert_eq!(masked("+5511987654321"), "•••• 4321");
        assert_eq!(masked("1001"), "1001");
        assert_eq!(masked(""), "–");
    }
}
