//! The effective annual cost of credit (CET), which a lender states before anything is agreed (CDC arts. 52 and 54-B;
//! Resolução CMN 4.881/2020), and the tax on credit (IOF). All in integers.

use serde::{Deserialize, Serialize};

use crate::base::{BasisPoints, Centavos};

/// Fixed point with eighteen decimals.
const ONE: u128 = 1_000_000_000_000_000_000;
/// A cost above this is a mistake of the data: a hundredfold a year.
const CET_MAX: i64 = 1_000_000;

/// The rates of the tax on credit. They change by decree: data, never constants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iof {
    /// Once, of what is released.
    pub fixed: BasisPoints,
    /// For each day until it is paid back, in millionths.
    pub daily_ppm: u32,
}

impl Iof {
    /// The tax on `released`, which is paid back in `amortisations`, each with its days; at most a year counts.
    pub fn on(&self, released: Centavos, amortisations: &[(u32, Centavos)]) -> Centavos {
        // Each part is a tax of its own, rounded by itself.
        let daily: Centavos = amortisations
            .iter()
            .map(|(days, part)| {
                let days = i128::from((*days).min(365));
                Centavos::ratio(
                    i128::from(part.0) * days * i128::from(self.daily_ppm),
                    1_000_000,
                )
            })
            .sum();
        released.share(self.fixed) + daily
    }
}

/// The yearly rate at which `payments`, each so many days after the release, are worth what was `released`:
/// `Σ FCj / (1 + CET)^(dj/365) = FC0`, to a hundredth of a per cent. `None` where there is no such rate.
pub fn cet(released: Centavos, payments: &[(u32, Centavos)]) -> Option<BasisPoints> {
    let sum: Centavos = payments.iter().map(|(_, amount)| *amount).sum();
    let sound = released > Centavos::ZERO && payments.iter().all(|(_, amount)| amount.0 >= 0);
    if !sound || sum < released {
        return None;
    }
    // The daily discount factor that makes both sides equal lies between 0 and 1; the worth rises with it.
    let (mut low, mut high) = (ONE * 95 / 100, ONE);
    for _ in 0..64 {
        let middle = low + (high - low) / 2;
        if worth(payments, middle)? < u128::try_from(released.0).ok()?.checked_mul(ONE)? {
            low = middle;
        } else {
            high = middle;
        }
    }
    let year = power(high, 365);
    let rate = (ONE * 10_000 + year / 2).checked_div(year)?;
    let rate = i64::try_from(rate).ok()? - 10_000;
    (0..=CET_MAX)
        .contains(&rate)
        .then(|| i32::try_from(rate).ok().map(BasisPoints))?
}

/// What payments are worth on the day of the release, times [`ONE`].
fn worth(payments: &[(u32, Centavos)], daily: u128) -> Option<u128> {
    payments.iter().try_fold(0_u128, |sum, (days, amount)| {
        let amount = u128::try_from(amount.0).ok()?;
        sum.checked_add(amount.checked_mul(power(daily, *days))?)
    })
}

/// `base` to the `n`, both times [`ONE`]; `base` is at most one.
fn power(mut base: u128, mut n: u32) -> u128 {
    let mut result = ONE;
    while n > 0 {
        if n & 1 == 1 {
            result = result * base / ONE;
        }
        base = base * base / ONE;
        n >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mind::offer::price;

    /// PR1: released on the first of December, paid on the firsts of the months after.
    const DAYS: [u32; 6] = [31, 62, 90, 121, 151, 182];

    fn payments() -> Vec<(u32, Centavos)> {
        let parts = price(Centavos(100_000), BasisPoints(199), 6).expect("six");
        DAYS.into_iter().zip(parts).collect()
    }

    #[test]
    fn worked_examples_of_the_cet() {
        assert_eq!(
            cet(Centavos(100_000), &payments()),
            Some(BasisPoints(2_675))
        );
        let amortised = [15_857, 16_173, 16_494, 16_823, 17_157, 17_496].map(Centavos);
        let amortised: Vec<(u32, Centavos)> = DAYS.into_iter().zip(amortised).collect();
        let iof = Iof {
            fixed: BasisPoints(38),
            daily_ppm: 82,
        };
        let tax = iof.on(Centavos(100_000), &amortised);
        assert_eq!(tax, Centavos(884 + 380));
        assert_eq!(
            cet(Centavos(100_000) - tax, &payments()),
            Some(BasisPoints(3_252))
        );
    }

    #[test]
    fn what_has_no_rate_has_none() {
        assert_eq!(
            cet(Centavos(100), &[(30, Centavos(100))]),
            Some(BasisPoints(0))
        );
        assert_eq!(cet(Centavos(100), &[(30, Centavos(99))]), None);
        assert_eq!(cet(Centavos(0), &[(30, Centavos(99))]), None);
        assert_eq!(cet(Centavos(100), &[]), None);
        assert_eq!(cet(Centavos(1), &[(1, Centavos(1_000_000))]), None);
    }
}
