//! What the creditor allows the agent to offer (its *alçada*). What is not allowed here cannot be offered.

mod raw;

use serde::{Deserialize, Serialize};

use super::debt::Contract;
use super::offer::Iof;
use super::offer::breach::TRUSTED_BREACHES;
use crate::base::{BasisPoints, Centavos};

/// The most a fine may be in a consumer contract (CDC art. 52 §1).
pub const CONSUMER_MULTA_MAX: BasisPoints = BasisPoints(200);
/// Ten thousand million reais: beyond it an amount is a mistake of the file.
const PRINCIPAL_MAX: Centavos = Centavos(1_000_000_000_000);

/// A checked policy. [`Policy::parse`] makes it from a file, and tells every mistake at once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy {
    pub charges: Charges,
    /// No offer falls below this share of the original principal.
    pub floor: BasisPoints,
    /// By days of delay: the first begins at 1, none overlap, no day is missing, the last has no end.
    pub bands: Vec<Band>,
    /// Which rung of the ladder is offered first, by score; 0 where nothing is said.
    #[serde(default)]
    pub scores: Vec<ScoreRung>,
    pub instalments: InstalmentRules,
    pub terms: Terms,
}

/// What a contract may charge at most. A contract above it gets no offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Charges {
    /// Whether the debts are of consumers, whom the law protects.
    pub consumer: bool,
    pub multa_max: BasisPoints,
    /// Per month.
    pub juros_month_max: BasisPoints,
}

/// What is allowed for a range of days of delay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Band {
    pub from: u32,
    /// Last day, `None` for no end.
    pub to: Option<u32>,
    /// The first offer in one payment.
    pub cash: Discount,
    /// At most two, each better than the one before.
    pub improvements: Vec<Discount>,
    /// For who pays in instalments: never better than the best in one payment.
    pub plan: Discount,
    /// Beside an entrada; 1 allows no instalments.
    pub instalments_max: u32,
}

/// The rung that a range of scores begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ScoreRung {
    pub from: u8,
    /// The last score.
    pub to: u8,
    /// 0 is the first offer, 1 and 2 its improvements.
    pub rung: u8,
}

/// Shares taken off.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Discount {
    /// Off multa and juros.
    pub encargos: BasisPoints,
    /// Off the original principal.
    pub principal: BasisPoints,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InstalmentRules {
    /// The numbers of instalments that are named; any other up to the band's maximum may be asked for.
    pub options: Vec<u32>,
    /// Share of the total that is paid first.
    pub entrada: BasisPoints,
    /// From this number of instalments on.
    pub entrada_from: u32,
    pub entrada_min: Centavos,
    /// The smallest instalment.
    pub minimum: Centavos,
    /// Interest per month on the balance, compound (Price); zero for none.
    pub juros_month: BasisPoints,
    /// Whether the creditor is a financial institution, which states the effective cost before anything is agreed.
    #[serde(default)]
    pub lender: bool,
    #[serde(default)]
    pub iof: Iof,
}

/// Calendar days from the day of the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// For a payment at once.
    pub cash_days: u32,
    /// For the first of several.
    pub plan_days: u32,
    /// How long an offer may be accepted.
    pub valid_days: u32,
}

/// One mistake in a policy file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, thiserror::Error)]
#[error("{key}: {message}")]
pub struct Invalid {
    /// The path of the key: `band[2].cash.principal`.
    pub key: String,
    /// From 1; of the section where the key is missing.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

/// Why no offer may be made on a contract.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unlawful {
    #[error("a multa é {found}, e a política permite até {allowed}")]
    Multa {
        found: BasisPoints,
        allowed: BasisPoints,
    },
    #[error("os juros de mora são {found} ao mês, e a política permite até {allowed}")]
    Juros {
        found: BasisPoints,
        allowed: BasisPoints,
    },
    #[error("o valor original é {found}")]
    Principal { found: Centavos },
    #[error("a correção acumulada é {found}")]
    Correcao { found: BasisPoints },
}

impl Policy {
    /// Reads a policy file.
    pub fn parse(text: &str) -> Result<Self, Vec<Invalid>> {
        raw::parse(text)
    }

    /// The policy that comes with the script `cobranca`.
    pub fn standard() -> Self {
        Self::parse(include_str!("../../prompts/cobranca/politica.toml"))
            .expect("the test `standard_is_right` reads it")
    }

    /// The band of a delay; `None` when nothing is overdue.
    pub fn band(&self, days: i32) -> Option<&Band> {
        let days = u32::try_from(days).ok().filter(|&days| days > 0)?;
        self.bands
            .iter()
            .find(|band| band.from <= days && band.to.is_none_or(|to| days <= to))
    }

    /// The rung of the ladder that is offered first.
    pub fn first_rung(&self, score: Option<u8>) -> usize {
        let rule = score.and_then(|score| {
            self.scores
                .iter()
                .find(|rule| (rule.from..=rule.to).contains(&score))
        });
        rule.map_or(0, |rule| usize::from(rule.rung))
    }

    /// What may be offered to somebody who has broken so many agreements: after two, no discount by the agent and an
    /// entrada in every plan.
    #[must_use]
    pub fn after_breaches(&self, broken: u32) -> Self {
        let mut policy = self.clone();
        if broken < TRUSTED_BREACHES {
            return policy;
        }
        for band in &mut policy.bands {
            band.cash = Discount::default();
            band.improvements.clear();
            band.plan = Discount::default();
        }
        policy.instalments.entrada_from = 2;
        policy
    }

    /// The most that may be taken off a principal.
    pub fn principal_discount_max(&self, principal: Centavos) -> Centavos {
        principal.share(BasisPoints(BasisPoints::WHOLE.0 - self.floor.0))
    }

    /// Whether the contract asks for no more than law and creditor allow. Imports refuse it, and so do offers.
    pub fn check_contract(&self, contract: &Contract) -> Result<(), Unlawful> {
        let Charges {
            multa_max,
            juros_month_max,
            ..
        } = self.charges;
        let within = |rate: BasisPoints, max: BasisPoints| (0..=max.0).contains(&rate.0);
        if !(Centavos(1)..=PRINCIPAL_MAX).contains(&contract.principal) {
            return Err(Unlawful::Principal {
                found: contract.principal,
            });
        }
        if !within(contract.multa, multa_max) {
            return Err(Unlawful::Multa {
                found: contract.multa,
                allowed: multa_max,
            });
        }
        if !within(contract.juros_month, juros_month_max) {
            return Err(Unlawful::Juros {
                found: contract.juros_month,
                allowed: juros_month_max,
            });
        }
        // Tenfold in some years is not a correction but a mistake of the table.
        if !within(contract.correcao, BasisPoints(100_000)) {
            return Err(Unlawful::Correcao {
                found: contract.correcao,
            });
        }
        Ok(())
    }
}

impl Band {
    /// All discounts for one payment, the first offer first.
    pub fn ladder(&self) -> impl Iterator<Item = Discount> {
        std::iter::once(self.cash).chain(self.improvements.iter().copied())
    }

    /// The rung `nth`, or the last one there is.
    pub fn rung(&self, nth: usize) -> Discount {
        self.ladder().take(nth + 1).last().unwrap_or(self.cash)
    }

    /// The best discount for one payment.
    pub fn best(&self) -> Discount {
        self.rung(self.improvements.len())
    }
}

impl Discount {
    /// Whether neither part is below the other's.
    pub fn covers(&self, other: &Self) -> bool {
        self.encargos >= other.encargos && self.principal >= other.principal
    }
}

#[cfg(test)]
mod tests;
