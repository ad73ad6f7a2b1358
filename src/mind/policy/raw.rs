//! The policy file as it is written, and its checking as a whole.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

use super::{
    Band, CONSUMER_MULTA_MAX, Charges, Discount, InstalmentRules, Invalid, Policy, ScoreRung, Terms,
};
use crate::base::{BasisPoints, Centavos};
use crate::mind::check::nearest;
use crate::mind::offer::Iof;
use crate::mind::script::place;

/// Price beyond ten per cent a month is a slip of the pen.
const JUROS_MAX: BasisPoints = BasisPoints(1_000);
/// The longest plan.
const INSTALMENTS_MAX: u32 = 120;

type Text = Option<Spanned<String>>;
type Number = Option<Spanned<i64>>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPolicy {
    charges: RawCharges,
    discount: RawFloor,
    band: Vec<RawBand>,
    score: Vec<RawScore>,
    instalments: RawInstalments,
    terms: RawTerms,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawCharges {
    consumer: Option<bool>,
    multa_max: Text,
    juros_month_max: Text,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawFloor {
    floor: Text,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawBand {
    from: Number,
    to: Number,
    cash: RawDiscount,
    improvements: Vec<RawDiscount>,
    plan: RawDiscount,
    instalments_max: Number,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawScore {
    from: Number,
    to: Number,
    rung: Number,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawDiscount {
    encargos: Text,
    principal: Text,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawInstalments {
    options: Vec<Spanned<i64>>,
    entrada: Text,
    entrada_from: Number,
    entrada_min: Text,
    minimum: Text,
    juros_month: Text,
    lender: Option<bool>,
    iof: Text,
    /// Millionths a day.
    iof_day_ppm: Number,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTerms {
    cash_days: Number,
    plan_days: Number,
    valid_days: Number,
}

pub(super) fn parse(text: &str) -> Result<Policy, Vec<Invalid>> {
    let raw: RawPolicy = toml::from_str(text).map_err(|error| vec![shape(text, &error)])?;
    let mut checker = Checker {
        text,
        invalid: Vec::new(),
    };
    let policy = checker.policy(&raw);
    if checker.invalid.is_empty() {
        Ok(policy)
    } else {
        Err(checker.invalid)
    }
}

/// A file that is no policy at all: a mistake of TOML, a key nobody knows, a number where a text belongs.
fn shape(text: &str, error: &toml::de::Error) -> Invalid {
    let span = error.span().unwrap_or_default();
    let (line, column) = place(text, span.start);
    Invalid {
        key: text
            .get(span.clone())
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
        line,
        column,
        message: error.message().to_owned(),
        remedy: suggestion(error.message())
            .unwrap_or_else(|| "compare com prompts/cobranca/politica.toml".to_owned()),
    }
}

/// For "unknown field `x`, expected one of `a`, `b`": the one that was probably meant.
fn suggestion(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut names = rest.split('`').skip(1).step_by(2);
    let given = names.next()?;
    Some(nearest(given, names))
}

/// The place of the section that a missing key belongs to: `band[2].from` stands in the second `[[band]]`.
fn section_of(text: &str, key: &str) -> (usize, usize) {
    let (section, nth) = match key.split_once('[') {
        Some((section, rest)) => {
            let nth = rest.split(']').next().and_then(|n| n.parse().ok());
            (section, nth.unwrap_or(1))
        }
        None => (key.split('.').next().unwrap_or(key), 1_usize),
    };
    let header = |line: &str| {
        let line = line.trim();
        line == format!("[{section}]") || line == format!("[[{section}]]")
    };
    let mut found = text.lines().enumerate().filter(|(_, line)| header(line));
    let last = text.lines().count().max(1);
    let line = found
        .nth(nth.saturating_sub(1))
        .map_or(last, |(at, _)| at + 1);
    (line, 1)
}

struct Checker<'a> {
    text: &'a str,
    invalid: Vec<Invalid>,
}

impl Checker<'_> {
    fn policy(&mut self, raw: &RawPolicy) -> Policy {
        let charges = self.charges(&raw.charges);
        let floor = self.rate(
            "discount.floor",
            &raw.discount.floor,
            BasisPoints::ZERO..=BasisPoints::WHOLE,
        );
        let bands: Vec<Band> = (1..)
            .zip(&raw.band)
            .map(|(n, band)| self.band(n, band, floor))
            .collect();
        self.bands_join(&bands);
        Policy {
            charges,
            floor,
            bands,
            scores: (1..)
                .zip(&raw.score)
                .map(|(n, score)| self.score(n, score))
                .collect(),
            instalments: self.instalments(&raw.instalments),
            terms: self.terms(&raw.terms),
        }
    }

    fn charges(&mut self, raw: &RawCharges) -> Charges {
        let consumer = raw.consumer.unwrap_or(true);
        let key = "charges.multa_max";
        let multa_max = self.rate(key, &raw.multa_max, BasisPoints::ZERO..=BasisPoints::WHOLE);
        if consumer && multa_max > CONSUMER_MULTA_MAX {
            let message = format!(
                "{multa_max} de multa em dívida de consumo; a lei permite até 2% (CDC, art. 52, § 1º)"
            );
            self.refuse(
                key,
                raw.multa_max.as_ref(),
                message,
                "escreva \"2%\" ou menos",
            );
        }
        let juros_month_max = self.rate(
            "charges.juros_month_max",
            &raw.juros_month_max,
            BasisPoints::ZERO..=JUROS_MAX,
        );
        Charges {
            consumer,
            multa_max,
            juros_month_max,
        }
    }

    fn band(&mut self, n: usize, raw: &RawBand, floor: BasisPoints) -> Band {
        let key = |name: &str| format!("band[{n}].{name}");
        let from = self.number(&key("from"), &raw.from, 1..=100_000);
        let to = raw
            .to
            .is_some()
            .then(|| self.number(&key("to"), &raw.to, from.max(1)..=100_000));
        let cash = self.discount(&key("cash"), &raw.cash, floor);
        let improvements: Vec<Discount> = (1..)
            .zip(&raw.improvements)
            .map(|(k, rung)| self.discount(&key(&format!("improvements[{k}]")), rung, floor))
            .collect();
        let plan = self.discount(&key("plan"), &raw.plan, floor);
        let instalments_max = self.number(
            &key("instalments_max"),
            &raw.instalments_max,
            1..=INSTALMENTS_MAX,
        );
        let band = Band {
            from,
            to,
            cash,
            improvements,
            plan,
            instalments_max,
        };
        self.ladder(&key, raw, &band);
        band
    }

    fn score(&mut self, n: usize, raw: &RawScore) -> ScoreRung {
        let key = |name: &str| format!("score[{n}].{name}");
        let from = self.number(&key("from"), &raw.from, 0..=100);
        let to = self.number(&key("to"), &raw.to, from..=100);
        let rung = self.number(&key("rung"), &raw.rung, 0..=2);
        let byte = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
        ScoreRung {
            from: byte(from),
            to: byte(to),
            rung: byte(rung),
        }
    }

    fn ladder(&mut self, key: &dyn Fn(&str) -> String, raw: &RawBand, band: &Band) {
        if let Some(third) = raw.improvements.get(2) {
            let message = "uma ligação melhora a oferta no máximo duas vezes".to_owned();
            self.refuse(
                &key("improvements"),
                third.encargos.as_ref(),
                message,
                "deixe no máximo duas",
            );
        }
        let ladder: Vec<Discount> = band.ladder().collect();
        for (k, (pair, rung)) in (1..).zip(ladder.windows(2).zip(&raw.improvements)) {
            if !pair[1].covers(&pair[0]) || pair[1] == pair[0] {
                let message = "não é melhor que a oferta anterior".to_owned();
                let remedy =
                    "aumente `encargos` ou `principal` sem baixar o outro, ou apague esta linha";
                self.refuse(
                    &key(&format!("improvements[{k}]")),
                    rung.encargos.as_ref(),
                    message,
                    remedy,
                );
            }
        }
        if !band.best().covers(&band.plan) {
            let message = "quem divide teria mais desconto do que quem paga de uma vez".to_owned();
            self.refuse(
                &key("plan"),
                raw.plan.encargos.as_ref(),
                message,
                "baixe até o da melhor oferta à vista",
            );
        }
    }

    /// Days of delay without a band could not be offered anything; days with two would depend on the order.
    fn bands_join(&mut self, bands: &[Band]) {
        let mut next = Some(1);
        for (n, band) in (1..).zip(bands) {
            match next {
                Some(day) if day == band.from => {}
                Some(day) => self.missing(
                    &format!("band[{n}].from"),
                    format!(
                        "começa no dia {}, e deveria começar no dia {day}",
                        band.from
                    ),
                    &format!("escreva from = {day}"),
                ),
                None => self.missing(
                    &format!("band[{n}]"),
                    "vem depois de uma faixa sem fim".to_owned(),
                    "dê um `to` à faixa anterior",
                ),
            }
            next = band.to.map(|to| to.saturating_add(1));
        }
        if let Some(day) = next {
            let message = format!("nenhuma faixa vale a partir do dia {day}");
            self.missing(
                "band",
                message,
                &format!("acrescente uma faixa com from = {day} e sem `to`"),
            );
        }
    }

    fn discount(&mut self, key: &str, raw: &RawDiscount, floor: BasisPoints) -> Discount {
        let all = BasisPoints::ZERO..=BasisPoints::WHOLE;
        let encargos = self.rate(&format!("{key}.encargos"), &raw.encargos, all.clone());
        let principal = self.rate(&format!("{key}.principal"), &raw.principal, all);
        if principal.0 > BasisPoints::WHOLE.0 - floor.0 {
            let message =
                format!("{principal} de desconto passa do piso de {floor} do valor original");
            let remedy = format!(
                "escreva \"{}\" ou menos, ou baixe discount.floor",
                BasisPoints(10_000 - floor.0)
            );
            self.refuse(
                &format!("{key}.principal"),
                raw.principal.as_ref(),
                message,
                &remedy,
            );
        }
        Discount {
            encargos,
            principal,
        }
    }

    fn instalments(&mut self, raw: &RawInstalments) -> InstalmentRules {
        let mut options = Vec::new();
        for option in &raw.options {
            let n = self.number(
                "instalments.options",
                &Some(option.clone()),
                2..=INSTALMENTS_MAX,
            );
            if options.last().is_some_and(|&last| last >= n) {
                let message = format!("{n} vem depois de um número maior ou igual");
                self.refuse(
                    "instalments.options",
                    Some(option),
                    message,
                    "escreva em ordem crescente",
                );
            }
            options.push(n);
        }
        InstalmentRules {
            options,
            entrada: self.rate(
                "instalments.entrada",
                &raw.entrada,
                BasisPoints::ZERO..=BasisPoints(9_000),
            ),
            entrada_from: self.number(
                "instalments.entrada_from",
                &raw.entrada_from,
                2..=INSTALMENTS_MAX + 1,
            ),
            entrada_min: self.money("instalments.entrada_min", &raw.entrada_min, Centavos(0)),
            minimum: self.money("instalments.minimum", &raw.minimum, Centavos(1)),
            juros_month: self.rate(
                "instalments.juros_month",
                &raw.juros_month,
                BasisPoints::ZERO..=JUROS_MAX,
            ),
            lender: raw.lender.unwrap_or(false),
            iof: Iof {
                fixed: match &raw.iof {
                    None => BasisPoints::ZERO,
                    rate => self.rate("instalments.iof", rate, BasisPoints::ZERO..=JUROS_MAX),
                },
                daily_ppm: match &raw.iof_day_ppm {
                    None => 0,
                    rate => self.number("instalments.iof_day_ppm", rate, 0..=10_000),
                },
            },
        }
    }

    fn terms(&mut self, raw: &RawTerms) -> Terms {
        Terms {
            cash_days: self.number("terms.cash_days", &raw.cash_days, 0..=90),
            plan_days: self.number("terms.plan_days", &raw.plan_days, 0..=90),
            valid_days: self.number("terms.valid_days", &raw.valid_days, 0..=90),
        }
    }

    fn rate(&mut self, key: &str, raw: &Text, range: RangeInclusive<BasisPoints>) -> BasisPoints {
        self.read(key, raw, &range, "escreva a taxa assim: \"1,99%\"")
    }

    fn money(&mut self, key: &str, raw: &Text, least: Centavos) -> Centavos {
        self.read(
            key,
            raw,
            &(least..=Centavos(100_000_000)),
            "escreva o valor assim: \"R$ 20,00\"",
        )
    }

    fn number(&mut self, key: &str, raw: &Number, range: RangeInclusive<u32>) -> u32 {
        let Some(spanned) = raw else {
            self.missing(
                key,
                "falta".to_owned(),
                &format!("escreva um número de {} a {}", range.start(), range.end()),
            );
            return *range.start();
        };
        let number = u32::try_from(*spanned.get_ref())
            .ok()
            .filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!(
                "é {}, e vai de {} a {}",
                spanned.get_ref(),
                range.start(),
                range.end()
            );
            self.refuse(
                key,
                Some(spanned),
                message,
                "escreva um número desse intervalo",
            );
        }
        number.unwrap_or(*range.start())
    }

    fn read<T>(&mut self, key: &str, raw: &Text, range: &RangeInclusive<T>, remedy: &str) -> T
    where
        T: FromStr<Err: Display> + PartialOrd + Display + Copy,
    {
        let Some(spanned) = raw else {
            self.missing(key, "falta".to_owned(), remedy);
            return *range.start();
        };
        let message = match spanned.get_ref().parse::<T>() {
            Ok(value) if range.contains(&value) => return value,
            Ok(value) => format!("é {value}, e vai de {} a {}", range.start(), range.end()),
            Err(error) => error.to_string(),
        };
        self.refuse(key, Some(spanned), message, remedy);
        *range.start()
    }

    fn refuse<T>(&mut self, key: &str, raw: Option<&Spanned<T>>, message: String, remedy: &str) {
        let (line, column) = raw.map_or_else(
            || section_of(self.text, key),
            |spanned| place(self.text, spanned.span().start),
        );
        self.invalid.push(Invalid {
            key: key.to_owned(),
            line,
            column,
            message,
            remedy: remedy.to_owned(),
        });
    }

    fn missing(&mut self, key: &str, message: String, remedy: &str) {
        self.refuse::<()>(key, None, message, remedy);
    }
}
