//! Payment in instalments: entrada, equal parts, Price, due dates.

use super::Computation;
use crate::base::{BasisPoints, Centavos, Date, Uf, calendar};
use crate::mind::policy::InstalmentRules;

/// `total` in `n` equal parts; the remainder goes to the last. Empty for `n` of zero.
pub fn split(total: Centavos, n: u32) -> Vec<Centavos> {
    let Some(others) = n.checked_sub(1) else {
        return Vec::new();
    };
    let part = Centavos(total.0 / i64::from(n));
    let mut parts = vec![part; n as usize];
    parts[others as usize] = Centavos(total.0 - part.0 * i64::from(others));
    parts
}

/// `principal` in `n` equal instalments with compound interest of `rate` a month (Price); the last clears the balance.
/// `None` when the rate is not positive or the numbers are beyond exact computation.
pub fn price(principal: Centavos, rate: BasisPoints, n: u32) -> Option<Vec<Centavos>> {
    let payment = price_payment(principal, rate, n)?;
    let mut balance = principal;
    let mut payments = Vec::with_capacity(n as usize);
    for _ in 1..n {
        balance = balance + balance.share(rate) - payment;
        payments.push(payment);
    }
    payments.push(balance + balance.share(rate));
    Some(payments)
}

/// `PV·i / (1 − (1+i)^−n)`, half-up. The power is kept to 22 decimals in integers, far below half a centavo.
fn price_payment(principal: Centavos, rate: BasisPoints, n: u32) -> Option<Centavos> {
    const ONE: i128 = 10_i128.pow(22);
    let rate = i128::from(rate.0);
    if rate <= 0 || n == 0 || principal <= Centavos::ZERO {
        return None;
    }
    let discounted = (0..n).fold(ONE, |power, _| power * 10_000 / (10_000 + rate));
    let numerator = i128::from(principal.0)
        .checked_mul(rate)?
        .checked_mul(ONE)?;
    Some(Centavos::ratio(numerator, 10_000 * (ONE - discounted)))
}

/// What each payment pays back of `principal`, beside the interest of its month; the last pays the rest.
pub(super) fn amortised(
    principal: Centavos,
    rate: BasisPoints,
    payments: &[(u32, Centavos)],
) -> Vec<(u32, Centavos)> {
    let mut balance = principal;
    let last = payments.len().saturating_sub(1);
    payments
        .iter()
        .enumerate()
        .map(|(nth, (days, payment))| {
            let part = if nth == last {
                balance
            } else {
                *payment - balance.share(rate)
            };
            balance -= part;
            (*days, part)
        })
        .collect()
}

/// The `nth` due date, counted from 0: the same day of the months after `first`, each from `first` and not from the one
/// before, then moved to a business day.
pub(super) fn due_date(first: Date, nth: i32, uf: Option<Uf>) -> Date {
    calendar::next_business_day(calendar::add_months(first, nth), uf)
}

/// The amounts of a plan, the entrada first.
pub(super) struct Payments {
    pub entrada: Centavos,
    pub amounts: Vec<Centavos>,
}

/// Splits `base` by the rules; `None` when an instalment would be below the minimum.
pub(super) fn payments(rules: &InstalmentRules, base: Centavos, n: u32) -> Option<Payments> {
    let entrada = match n >= rules.entrada_from && rules.entrada > BasisPoints::ZERO {
        true => base.share(rules.entrada).max(rules.entrada_min),
        false => Centavos::ZERO,
    };
    let rest = base - entrada;
    let equal = match rules.juros_month {
        BasisPoints(0) => split(rest, n),
        rate => price(rest, rate, n)?,
    };
    if equal.iter().any(|&part| part < rules.minimum) {
        return None;
    }
    let first = (entrada > Centavos::ZERO).then_some(entrada);
    Some(Payments {
        entrada,
        amounts: first.into_iter().chain(equal).collect(),
    })
}

impl Payments {
    /// The tree of the whole: what is split, the interest, and what is paid.
    pub(super) fn computation(&self, rules: &InstalmentRules, reduced: Computation) -> Computation {
        let total: Centavos = self.amounts.iter().copied().sum();
        let interest = total - reduced.value;
        let skip = usize::from(self.entrada > Centavos::ZERO);
        let equal = &self.amounts[skip..];
        let label = match skip {
            0 => format!("em {} parcelas", equal.len()),
            _ => format!("entrada e {} parcelas", equal.len()),
        };
        let mut parts = vec![reduced];
        if interest != Centavos::ZERO {
            let formula = format!("Tabela Price, {} ao mês", rules.juros_month);
            parts.push(Computation::given(
                "juros do parcelamento",
                interest,
                &formula,
            ));
        }
        let mut whole = Computation::sum(&label, total, parts);
        whole.formula = self.formula(equal);
        whole
    }

    fn formula(&self, equal: &[Centavos]) -> String {
        let mut terms = Vec::new();
        if self.entrada > Centavos::ZERO {
            terms.push(format!("{} de entrada", self.entrada));
        }
        match equal {
            [others @ .., last] if others.first().is_some_and(|part| part != last) => {
                terms.push(format!("{} × {}", others.len(), others[0]));
                terms.push(format!("1 × {last}"));
            }
            [part, ..] => terms.push(format!("{} × {part}", equal.len())),
            [] => {}
        }
        terms.join(" + ")
    }
}
