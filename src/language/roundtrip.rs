//! What is put into words is read back as the same value, by the grammar that callers are heard with.

use std::collections::BTreeMap;

use super::grammar::parse::Parser;
use super::grammar::{Grammar, Shipped};
use super::meaning::{self, DateValue, Value};
use super::verbalise::{self, Gender};
use crate::base::{BasisPoints, Centavos, Date, Phone};

const TODAY: Date = jiff::civil::date(2026, 11, 23);

/// A rule of a shipped grammar and the slot that its tags are read as.
struct Rule {
    parser: Parser,
    slot: &'static str,
}

impl Rule {
    fn new(file: &str, rule: &str, slot: &'static str) -> Self {
        let grammar = Grammar::load(&Shipped, file).expect("shipped grammars load");
        let automaton = grammar.automaton(&[rule], &BTreeMap::new());
        Self {
            parser: Parser::new(&automaton.expect("shipped grammars compile")),
            slot,
        }
    }

    /// The value of a phrase that is understood whole.
    fn read(&self, words: &str) -> Option<Value> {
        let best = self.parser.parse(words).into_iter().next()?;
        let mut tags = vec![format!("{}(", self.slot)];
        tags.extend(best.tags);
        tags.push(")".to_owned());
        let whole = best.rest.is_empty();
        meaning::read(&tags, TODAY)
            .slots
            .remove(self.slot)
            .filter(|_| whole)
    }

    fn assert(&self, words: &str, wanted: &Value) {
        assert_eq!(self.read(words).as_ref(), Some(wanted), "«{words}»");
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

/// `n` amounts below a million reais, small ones as often as large ones.
fn amounts(n: usize, seed: u64) {
    let rule = Rule::new("numeros.gram", "dinheiro", "valor");
    let mut random = Random(seed);
    for _ in 0..n {
        let most = 10_u64.pow(2 + random.next(7) as u32);
        let centavos = 1 + random.next(most - 1) as i64;
        let wanted = Value::Money {
            centavos,
            approximate: false,
        };
        rule.assert(&verbalise::money(Centavos(centavos)), &wanted);
    }
}

/// `n` strings of 1 to 14 digits, and as many telephones.
fn digit_strings(n: usize, seed: u64) {
    let digits = Rule::new("numeros.gram", "digitos", "digitos");
    let phones = Rule::new("numeros.gram", "telefone", "telefone");
    let mut random = Random(seed);
    for _ in 0..n {
        let length = 1 + random.next(14) as usize;
        let text: String = (0..length)
            .filter_map(|_| char::from_digit(random.next(10) as u32, 10))
            .collect();
        digits.assert(&verbalise::digits(&text), &Value::Digits(text));
        let number = format!(
            "{}9{:08}",
            [11, 21, 31, 48, 71, 85][random.next(6) as usize],
            random.next(100_000_000)
        );
        let phone = Phone::parse(&number).expect("a mobile");
        phones.assert(&verbalise::phone(phone), &Value::Digits(number));
    }
}

/// Every `step`th day from five years back to five years ahead, in each way that days are said.
fn days(step: usize) {
    let coming = Rule::new("datas.gram", "data", "data");
    let past = Rule::new("datas.gram", "data_passada", "pago_em");
    let first = jiff::civil::date(2021, 11, 24);
    for day in first.series(jiff::ToSpan::days(1)).take(3652).step_by(step) {
        let words = verbalise::date(day, TODAY);
        let wanted = Value::Date(DateValue::Day(day));
        if day < TODAY {
            past.assert(&words, &wanted);
        } else {
            coming.assert(&words, &wanted);
            coming.assert(&verbalise::weekday_date(day, TODAY), &wanted);
        }
    }
}

/// All counts, hours and rates that are said.
fn counts_times_and_rates() {
    let counts = Rule::new("numeros.gram", "contagem", "parcelas");
    for n in 1..=99 {
        for gender in [Gender::Feminine, Gender::Masculine] {
            counts.assert(&verbalise::count(n, gender), &Value::Count(n as u32));
        }
    }
    let times = Rule::new("datas.gram", "hora", "hora");
    for minutes in 0..24 * 60_u16 {
        let (hour, minute) = ((minutes / 60) as u8, (minutes % 60) as u8);
        times.assert(
            &verbalise::time(hour, minute),
            &Value::Time { hour, minute },
        );
    }
    let rates = Rule::new("numeros.gram", "porcentagem", "taxa");
    for rate in 0..=10_000 {
        let rate = BasisPoints(rate);
        rates.assert(&verbalise::percent(rate), &Value::Rate(rate));
    }
}

#[test]
fn some_of_everything() {
    amounts(1_500, 1);
    digit_strings(400, 2);
    days(7);
}

#[test]
fn all_counts_times_and_rates() {
    counts_times_and_rates();
}

#[test]
#[ignore = "a million amounts, a million strings of digits, every day of ten years; minutes in release"]
fn a_million_of_everything() {
    std::thread::scope(|threads| {
        for seed in 0..4 {
            threads.spawn(move || {
                amounts(250_000, 100 + seed);
                digit_strings(250_000, 200 + seed);
            });
        }
    });
    days(1);
    println!(
        "1000000 amounts, 1000000 strings of digits, 1000000 telephones, 3652 days: all read back"
    );
}
