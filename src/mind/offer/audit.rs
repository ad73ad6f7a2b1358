//! A second look at an offer, written apart from the one that makes it: nothing outside the policy may leave.

use serde::Serialize;

use super::{Offer, OfferKind, update};
use crate::base::{Centavos, Date, Uf, calendar};
use crate::mind::debt::Debtor;
use crate::mind::policy::Policy;

/// One way in which an offer leaves the policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Breach {
    #[error("the instalments do not sum to the total")]
    Sum,
    #[error("the total is below what the policy allows")]
    TooCheap,
    #[error("the total is above what is owed")]
    TooDear,
    #[error("more instalments than the policy allows")]
    TooMany,
    #[error("an instalment is below the minimum")]
    TooSmall,
    #[error("a payment is not on a business day, or out of order")]
    Dates,
    #[error("the first payment is outside the window")]
    Window,
    #[error("the computation does not add up to the total")]
    Computation,
    #[error("nothing may be collected")]
    Nothing,
}

/// Every way in which `offer`, made to `debtor` on `today`, leaves the policy. Empty is right.
pub fn audit(policy: &Policy, debtor: &Debtor, today: Date, offer: &Offer) -> Vec<Breach> {
    let Some(bounds) = Bounds::of(policy, debtor, today, offer.kind) else {
        return vec![Breach::Nothing];
    };
    let terms = [
        (
            Breach::Sum,
            offer
                .instalments
                .iter()
                .map(|instalment| instalment.amount)
                .sum::<Centavos>()
                == offer.total,
        ),
        (Breach::TooCheap, offer.total >= bounds.cheapest),
        (Breach::TooDear, offer.total <= bounds.owed + offer.interest),
        (
            Breach::TooDear,
            offer.interest == Centavos::ZERO || policy.instalments.juros_month.0 > 0,
        ),
        (Breach::TooMany, offer.count() <= bounds.instalments),
        (
            Breach::TooSmall,
            offer.kind == OfferKind::Cash || parts_fit(policy, offer),
        ),
        (Breach::Dates, dates_rise(offer, debtor.uf)),
        (Breach::Window, in_window(policy, today, offer, debtor.uf)),
        (
            Breach::Computation,
            offer.computation.adds_up() && offer.computation.value == offer.total,
        ),
    ];
    terms
        .into_iter()
        .filter(|(_, kept)| !kept)
        .map(|(breach, _)| breach)
        .collect()
}

/// The limits for one debtor.
struct Bounds {
    owed: Centavos,
    cheapest: Centavos,
    instalments: u32,
}

impl Bounds {
    fn of(policy: &Policy, debtor: &Debtor, today: Date, kind: OfferKind) -> Option<Self> {
        let mut bounds = Self {
            owed: Centavos::ZERO,
            cheapest: Centavos::ZERO,
            instalments: u32::MAX,
        };
        for contract in debtor
            .contracts
            .iter()
            .filter(|contract| !contract.is_prescribed(today))
        {
            let updated = update(contract, today, Some(debtor.uf));
            let Some(band) = policy.band(updated.days) else {
                continue;
            };
            let discount = match kind {
                OfferKind::Cash => band.best(),
                OfferKind::Plan => band.plan,
            };
            let encargos = updated.multa + updated.juros;
            let off =
                encargos.share(discount.encargos) + updated.original.share(discount.principal);
            bounds.owed += updated.total;
            bounds.cheapest += updated.total - off;
            let most = if kind == OfferKind::Cash {
                1
            } else {
                band.instalments_max
            };
            bounds.instalments = bounds.instalments.min(most);
        }
        (bounds.owed > Centavos::ZERO).then_some(bounds)
    }
}

fn parts_fit(policy: &Policy, offer: &Offer) -> bool {
    offer
        .instalments
        .iter()
        .all(|instalment| instalment.amount >= Centavos(1))
        && offer
            .equal_parts()
            .all(|part| part.amount >= policy.instalments.minimum)
}

fn dates_rise(offer: &Offer, uf: Uf) -> bool {
    offer
        .instalments
        .iter()
        .all(|instalment| calendar::is_business_day(instalment.due, Some(uf)))
        && offer
            .instalments
            .windows(2)
            .all(|pair| pair[0].due < pair[1].due)
}

fn in_window(policy: &Policy, today: Date, offer: &Offer, uf: Uf) -> bool {
    let days = match offer.kind {
        OfferKind::Cash => policy.terms.cash_days,
        OfferKind::Plan => policy.terms.plan_days,
    };
    let limit = calendar::add_days(today, i32::try_from(days).unwrap_or(i32::MAX));
    // A window that holds no business day is stretched to the next one.
    (today..=limit.max(calendar::next_business_day(today, Some(uf)))).contains(&offer.first_due())
}
