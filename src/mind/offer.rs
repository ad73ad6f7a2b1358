//! What is owed today and what may be offered for it, with the whole computation.
//!
//! Speech, message, boleto, Pix, portal and ledger all come from the same [`Offer`].

mod audit;
pub mod breach;
mod cet;
mod computation;
mod plan;
mod update;

use serde::{Deserialize, Serialize};

use super::debt::{Contract, Debtor};
use super::policy::{Discount, Policy, Unlawful};
use crate::base::{BasisPoints, Centavos, Date, Uf, calendar};

pub use audit::{Breach, audit};
pub use cet::{Iof, cet};
pub use computation::Computation;
pub use plan::{price, split};
pub use update::{Updated, update};

/// One way to settle.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Offer {
    pub kind: OfferKind,
    /// What is paid in all; the instalments sum to it exactly.
    #[serde(rename = "total_centavos")]
    pub total: Centavos,
    /// Taken off what is owed today.
    #[serde(rename = "discount_centavos")]
    pub discount: Centavos,
    /// Added for paying in instalments; zero where the creditor asks none.
    #[serde(rename = "interest_centavos")]
    pub interest: Centavos,
    /// The part paid first, ahead of the equal instalments; zero when there is none.
    #[serde(rename = "entrada_centavos")]
    pub entrada: Centavos,
    /// All payments in order, the entrada among them.
    pub instalments: Vec<Instalment>,
    /// The last day on which it may be accepted.
    pub valid_until: Date,
    /// The effective cost a year, where a lender asks interest: it is told before anything is agreed.
    #[serde(default, rename = "cet_bp", skip_serializing_if = "Option::is_none")]
    pub cet: Option<BasisPoints>,
    pub computation: Computation,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferKind {
    /// One payment.
    Cash,
    /// Several.
    Plan,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Instalment {
    /// A business day.
    pub due: Date,
    #[serde(rename = "centavos")]
    pub amount: Centavos,
}

/// A contract that is negotiated, brought to today.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Owed {
    pub contract: Contract,
    pub updated: Updated,
}

/// Everything that may be offered to a debtor today.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Offers {
    pub today: Date,
    /// What is owed, summed over [`Offers::owed`].
    pub updated: Updated,
    /// The contracts negotiated, the oldest first.
    pub owed: Vec<Owed>,
    /// Numbers of the contracts whose claim is prescribed: they are never spoken of.
    pub prescribed: Vec<String>,
    /// The first offer for one payment.
    pub cash: Offer,
    /// At most two, each below the one before.
    pub improvements: Vec<Offer>,
    /// The plans that are named, the shortest first.
    pub plans: Vec<Offer>,
    /// The last day for one payment.
    pub last_day: Date,
    /// The last day for the first payment of a plan.
    pub plan_last_day: Date,
    #[serde(default)]
    score: Option<u8>,
    /// Whose holidays move a due date.
    #[serde(default)]
    uf: Option<Uf>,
    policy: Policy,
}

/// Why there is nothing to offer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoOffer {
    #[error("every claim is prescribed")]
    Prescribed,
    #[error("nothing is overdue")]
    NotOverdue,
    #[error("contract {number} asks for more than is allowed")]
    Unlawful {
        number: String,
        #[source]
        source: Unlawful,
    },
}

/// The answer to a proposal of the debtor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Counter {
    /// The policy allows it.
    Inside(Offer),
    /// It does not; this is the nearest that it allows.
    Nearest(Offer),
}

/// The day lies before today or after the last one allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the last day for the first payment is {last_day}")]
pub struct OutsideWindow {
    pub last_day: Date,
}

/// Computes what is owed and everything that the policy allows to be offered for it.
pub fn offers(policy: &Policy, debtor: &Debtor, today: Date) -> Result<Offers, NoOffer> {
    let owed = owed_today(policy, debtor, today)?;
    let uf = Some(debtor.uf);
    let last_day = last_business_day(today, policy.terms.cash_days, uf);
    let builder = Builder {
        policy,
        owed: &owed,
        today,
        first: last_day,
        score: debtor.score,
        uf,
    };
    let mut ladder = builder.ladder().into_iter();
    let cash = ladder.next().unwrap_or_else(|| builder.cash(0));
    let mut offers = Offers {
        today,
        updated: update::sum(owed.iter().map(|owed| &owed.updated)),
        prescribed: prescribed(debtor, today),
        cash,
        improvements: ladder.collect(),
        plans: Vec::new(),
        last_day,
        plan_last_day: last_business_day(today, policy.terms.plan_days, uf),
        score: debtor.score,
        uf,
        policy: policy.clone(),
        owed,
    };
    offers.plans = policy
        .instalments
        .options
        .iter()
        .filter_map(|&n| offers.plan_with(n))
        .collect();
    Ok(offers)
}

impl Offers {
    /// The offer in `n` instalments, beside an entrada where the policy asks for one; one "instalment" is the first
    /// offer in one payment. `None` where the policy does not allow it.
    pub fn plan_with(&self, n: u32) -> Option<Offer> {
        match n {
            0 => None,
            1 => Some(self.cash.clone()),
            _ => self.builder().plan(n),
        }
    }

    /// The most instalments that the policy allows; 1 when none.
    pub fn most_instalments(&self) -> u32 {
        let builder = self.builder();
        (2..=builder.instalments_max())
            .rev()
            .find(|&n| builder.plan(n).is_some())
            .unwrap_or(1)
    }

    /// The best offer for one payment.
    pub fn best(&self) -> &Offer {
        self.improvements.last().unwrap_or(&self.cash)
    }

    /// What the debtor proposes: an amount at once, a number of instalments, or both (`n` of `amount`).
    pub fn counter(&self, amount: Option<Centavos>, n: Option<u32>) -> Counter {
        match (amount, n.filter(|&n| n != 1)) {
            (Some(amount), Some(n)) => self.counter_plan(n, amount),
            (Some(amount), None) => self.counter_cash(amount),
            (None, Some(n)) => match self.plan_with(n) {
                Some(plan) => Counter::Inside(plan),
                None => Counter::Nearest(self.nearest_plan(n)),
            },
            (None, None) => Counter::Nearest(self.best().clone()),
        }
    }

    /// The same offer with its first payment on `first_due`, or on the next business day; the others follow on the
    /// same day of the months after.
    pub fn with_date(&self, offer: &Offer, first_due: Date) -> Result<Offer, OutsideWindow> {
        let last_day = match offer.kind {
            OfferKind::Cash => self.last_day,
            OfferKind::Plan => self.plan_last_day,
        };
        let due = calendar::next_business_day(first_due, self.uf);
        if first_due < self.today || due > last_day {
            return Err(OutsideWindow { last_day });
        }
        let mut dated = offer.clone();
        for (nth, instalment) in (0..).zip(&mut dated.instalments) {
            instalment.due = plan::due_date(first_due, nth, self.uf);
        }
        dated.cet = self.builder().cost(&dated);
        Ok(dated)
    }

    /// An amount between the best offer and the first is taken as it is; nobody is asked for more than was offered.
    fn counter_cash(&self, amount: Centavos) -> Counter {
        if amount >= self.cash.total {
            return Counter::Inside(self.cash.clone());
        }
        if amount < self.best().total {
            return Counter::Nearest(self.best().clone());
        }
        Counter::Inside(self.builder().at_amount(amount, self.updated.total))
    }

    /// "Dez de cem": allowed when ten instalments are, and none is above a hundred.
    fn counter_plan(&self, n: u32, amount: Centavos) -> Counter {
        let dearest = |plan: &Offer| {
            plan.equal_parts()
                .map(|part| part.amount)
                .max()
                .unwrap_or_default()
        };
        if let Some(plan) = self.plan_with(n).filter(|plan| dearest(plan) <= amount) {
            return Counter::Inside(plan);
        }
        // Longer plans first bring the instalment down to what the debtor can pay.
        let mut longer = (n..=self.most_instalments()).filter_map(|n| self.plan_with(n));
        let nearest = longer.find(|plan| dearest(plan) <= amount);
        Counter::Nearest(nearest.unwrap_or_else(|| self.nearest_plan(u32::MAX)))
    }

    /// The allowed number of instalments closest to `n`; one payment when there is no plan.
    fn nearest_plan(&self, n: u32) -> Offer {
        let most = self.most_instalments();
        let candidates =
            (2..=most).filter_map(|k| self.plan_with(k).map(|plan| (k.abs_diff(n), plan)));
        candidates
            .min_by_key(|(distance, _)| *distance)
            .map_or_else(|| self.best().clone(), |(_, plan)| plan)
    }

    fn builder(&self) -> Builder<'_> {
        Builder {
            policy: &self.policy,
            owed: &self.owed,
            today: self.today,
            first: self.last_day,
            score: self.score,
            uf: self.uf,
        }
    }
}

impl Offer {
    /// The equal instalments, without the entrada.
    pub fn equal_parts(&self) -> impl Iterator<Item = &Instalment> {
        self.instalments
            .iter()
            .skip(usize::from(self.entrada > Centavos::ZERO))
    }

    /// How many equal instalments there are, without the entrada: the number that people say.
    pub fn count(&self) -> u32 {
        self.equal_parts().count() as u32
    }

    /// The day of the first payment.
    pub fn first_due(&self) -> Date {
        self.instalments
            .first()
            .map_or(self.valid_until, |first| first.due)
    }
}

/// Contracts that are overdue and not prescribed.
fn owed_today(policy: &Policy, debtor: &Debtor, today: Date) -> Result<Vec<Owed>, NoOffer> {
    let mut owed = Vec::new();
    for contract in debtor.collectable(today) {
        let unlawful = |source| NoOffer::Unlawful {
            number: contract.number.clone(),
            source,
        };
        policy.check_contract(contract).map_err(unlawful)?;
        let updated = update(contract, today, Some(debtor.uf));
        if updated.days > 0 {
            owed.push(Owed {
                contract: contract.clone(),
                updated,
            });
        }
    }
    owed.sort_by_key(|owed| owed.contract.due);
    if !owed.is_empty() {
        return Ok(owed);
    }
    let all_prescribed = !debtor.contracts.is_empty() && debtor.collectable(today).next().is_none();
    Err(if all_prescribed {
        NoOffer::Prescribed
    } else {
        NoOffer::NotOverdue
    })
}

fn prescribed(debtor: &Debtor, today: Date) -> Vec<String> {
    let prescribed = debtor
        .contracts
        .iter()
        .filter(|contract| contract.is_prescribed(today));
    prescribed.map(|contract| contract.number.clone()).collect()
}

/// The last business day within `days` of today; where there is none, the first after.
fn last_business_day(today: Date, days: u32, uf: Option<Uf>) -> Date {
    let limit = calendar::add_days(today, i32::try_from(days).unwrap_or(i32::MAX));
    calendar::previous_business_day(limit, uf).max(calendar::next_business_day(today, uf))
}

/// Makes offers out of contracts and policy.
struct Builder<'a> {
    policy: &'a Policy,
    owed: &'a [Owed],
    today: Date,
    /// The first payment, until the debtor names a day.
    first: Date,
    score: Option<u8>,
    uf: Option<Uf>,
}

impl Builder<'_> {
    /// The offers for one payment, the first and then those that are better.
    fn ladder(&self) -> Vec<Offer> {
        let bands = self
            .owed
            .iter()
            .filter_map(|owed| self.policy.band(owed.updated.days));
        let rungs = bands.map(|band| band.improvements.len()).max().unwrap_or(0);
        // Who is less likely to pay is offered a later rung at once.
        let first = self.policy.first_rung(self.score).min(rungs);
        let mut ladder: Vec<Offer> = (first..=rungs).map(|nth| self.cash(nth)).collect();
        // A discount on charges of nothing improves nothing.
        ladder.dedup_by_key(|offer| offer.total);
        ladder
    }

    fn cash(&self, rung: usize) -> Offer {
        let (total, discount, computation) = self.reduced("à vista", |owed| {
            self.policy
                .band(owed.updated.days)
                .map(|band| band.rung(rung))
        });
        self.single(total, discount, computation)
    }

    /// One payment of an amount that the debtor named.
    fn at_amount(&self, amount: Centavos, owed: Centavos) -> Offer {
        let discount = owed - amount;
        let parts = vec![
            Computation::given("total atualizado", owed, "soma dos contratos"),
            Computation::given("desconto", -discount, "valor proposto, dentro da alçada"),
        ];
        self.single(
            amount,
            discount,
            Computation::sum("à vista, valor proposto", amount, parts),
        )
    }

    fn single(&self, total: Centavos, discount: Centavos, computation: Computation) -> Offer {
        Offer {
            kind: OfferKind::Cash,
            total,
            discount,
            interest: Centavos::ZERO,
            entrada: Centavos::ZERO,
            instalments: vec![Instalment {
                due: self.first,
                amount: total,
            }],
            valid_until: self.valid_until(),
            cet: None,
            computation,
        }
    }

    fn plan(&self, n: u32) -> Option<Offer> {
        if n > self.instalments_max() {
            return None;
        }
        let (base, discount, reduced) = self.reduced("valor a parcelar", |owed| {
            self.policy.band(owed.updated.days).map(|band| band.plan)
        });
        let payments = plan::payments(&self.policy.instalments, base, n)?;
        let total: Centavos = payments.amounts.iter().copied().sum();
        let first = self.first.min(last_business_day(
            self.today,
            self.policy.terms.plan_days,
            self.uf,
        ));
        let dated = (0..).zip(&payments.amounts);
        let mut offer = Offer {
            kind: OfferKind::Plan,
            total,
            discount,
            interest: total - base,
            entrada: payments.entrada,
            instalments: dated
                .map(|(k, &amount)| Instalment {
                    due: plan::due_date(first, k, self.uf),
                    amount,
                })
                .collect(),
            valid_until: self.valid_until(),
            cet: None,
            computation: payments.computation(&self.policy.instalments, reduced),
        };
        offer.cet = self.cost(&offer);
        Some(offer)
    }

    /// The effective cost of a plan with interest of a lender: of what is left after the entrada and the tax, in the
    /// days of its instalments.
    fn cost(&self, offer: &Offer) -> Option<BasisPoints> {
        let rules = &self.policy.instalments;
        if !rules.lender || offer.interest == Centavos::ZERO {
            return None;
        }
        let released = offer.total - offer.interest - offer.entrada;
        let days = |due: Date| u32::try_from(calendar::days_between(self.today, due)).unwrap_or(0);
        let payments: Vec<(u32, Centavos)> = offer
            .equal_parts()
            .map(|part| (days(part.due), part.amount))
            .collect();
        let amortised = plan::amortised(released, rules.juros_month, &payments);
        let tax = rules.iof.on(released, &amortised);
        cet(released - tax, &payments)
    }

    /// No contract gets more instalments than its own band allows.
    fn instalments_max(&self) -> u32 {
        let bands = self
            .owed
            .iter()
            .map(|owed| self.policy.band(owed.updated.days));
        bands
            .map(|band| band.map_or(1, |band| band.instalments_max))
            .min()
            .unwrap_or(1)
    }

    /// What is left of the debt after each contract's discount, and how that came about.
    fn reduced(
        &self,
        label: &str,
        discount_of: impl Fn(&Owed) -> Option<Discount>,
    ) -> (Centavos, Centavos, Computation) {
        let (mut total, mut taken, mut parts) = (Centavos::ZERO, Centavos::ZERO, Vec::new());
        for owed in self.owed {
            let (off, computation) =
                self.reduced_contract(owed, discount_of(owed).unwrap_or_default());
            total += owed.updated.total - off;
            taken += off;
            parts.push(computation);
        }
        (total, taken, Computation::sum(label, total, parts))
    }

    /// Discounts are rounded and then subtracted.
    fn reduced_contract(&self, owed: &Owed, discount: Discount) -> (Centavos, Computation) {
        let Updated {
            original,
            multa,
            juros,
            total,
            ..
        } = owed.updated;
        let encargos = multa + juros;
        let off_encargos = encargos.share(discount.encargos);
        let allowed = self.policy.principal_discount_max(original);
        let off_principal = original.share(discount.principal).min(allowed);
        let off = off_encargos + off_principal;
        let mut parts = vec![owed.updated.computation.clone()];
        if off_encargos > Centavos::ZERO {
            let formula = format!("{} × {encargos} (multa e juros)", discount.encargos);
            parts.push(Computation::given(
                "desconto nos encargos",
                -off_encargos,
                &formula,
            ));
        }
        if off_principal > Centavos::ZERO {
            let formula = format!("{} × {original}", discount.principal);
            parts.push(Computation::given(
                "desconto no valor original",
                -off_principal,
                &formula,
            ));
        }
        let label = format!("contrato de final {}", owed.contract.tail());
        (off, Computation::sum(&label, total - off, parts))
    }

    fn valid_until(&self) -> Date {
        let days = i32::try_from(self.policy.terms.valid_days).unwrap_or(i32::MAX);
        calendar::add_days(self.today, days)
    }
}

#[cfg(test)]
mod tests;
