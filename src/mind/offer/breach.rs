//! What becomes of an agreement: kept, late, or broken, and what is owed again then.

use super::{Offer, update};
use crate::base::{Centavos, Date, Uf, calendar};
use crate::mind::debt::Contract;

/// Days an instalment may be late before the agreement is broken (a default of the trade).
pub const BREAK_AFTER_DAYS: i32 = 5;
/// Broken promises after which the agent offers no discount by itself.
pub const TRUSTED_BREACHES: u32 = 2;

/// How an agreement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Every instalment is paid.
    Settled,
    /// Nothing that is due is missing.
    Kept,
    /// The instalment of this day is missing, but not for long.
    Late { due: Date },
    /// The instalment of this day is missing for longer than is forgiven: the agreement is cancelled.
    Broken { due: Date },
}

/// How an agreement stands on `today`, after `paid` in all: payments settle the oldest instalments first. An instalment
/// is late from the day after its due date; one that is paid in part is missing.
pub fn standing(offer: &Offer, paid: Centavos, today: Date) -> Standing {
    let mut left = paid;
    for instalment in &offer.instalments {
        if left >= instalment.amount {
            left -= instalment.amount;
            continue;
        }
        let late = calendar::days_between(instalment.due, today);
        return match late {
            ..=0 => Standing::Kept,
            1..=BREAK_AFTER_DAYS => Standing::Late {
                due: instalment.due,
            },
            _ => Standing::Broken {
                due: instalment.due,
            },
        };
    }
    Standing::Settled
}

/// What is owed again when an agreement is cancelled: the debt as it would stand on `today` without it, less what was
/// paid. Payments settle the oldest contracts first; what a payment leaves over nobody owes.
pub fn owed_again(
    contracts: &[Contract],
    paid: Centavos,
    today: Date,
    uf: Option<Uf>,
) -> Vec<(String, Centavos)> {
    let mut sorted: Vec<&Contract> = contracts.iter().collect();
    sorted.sort_by_key(|contract| contract.due);
    let mut left = paid;
    sorted
        .into_iter()
        .map(|contract| {
            let total = update(contract, today, uf).total;
            let off = left.min(total);
            left -= off;
            (contract.number.clone(), total - off)
        })
        .collect()
}
