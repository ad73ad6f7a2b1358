//! A debt brought to today: correção, multa, juros.

use serde::{Deserialize, Serialize};

use super::Computation;
use crate::base::{Centavos, Date, Uf, calendar};
use crate::mind::debt::{Contract, JurosBasis};

/// What is owed on a day, by component; each is rounded once and the total is their sum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Updated {
    #[serde(rename = "original_centavos")]
    pub original: Centavos,
    #[serde(rename = "correcao_centavos")]
    pub correcao: Centavos,
    #[serde(rename = "multa_centavos")]
    pub multa: Centavos,
    #[serde(rename = "juros_centavos")]
    pub juros: Centavos,
    /// Days of delay; of several contracts the most.
    pub days: i32,
    #[serde(rename = "total_centavos")]
    pub total: Centavos,
    pub computation: Computation,
}

/// What is owed on `today`. The multa and the juros are on the corrected principal.
pub fn update(contract: &Contract, today: Date, uf: Option<Uf>) -> Updated {
    let days = days_late(contract.due, today, uf);
    let original = contract.principal;
    if days == 0 {
        let computation = Computation::sum("total atualizado", original, vec![principal(contract)]);
        let zero = Centavos::ZERO;
        return Updated {
            original,
            correcao: zero,
            multa: zero,
            juros: zero,
            days,
            total: original,
            computation,
        };
    }
    let correcao = original.share(contract.correcao);
    let corrected = original + correcao;
    let multa = corrected.share(contract.multa);
    let juros = juros(contract, corrected, days);
    let total = corrected + multa + juros;
    let computation = tree(contract, &[correcao, multa, juros], corrected, days);
    Updated {
        original,
        correcao,
        multa,
        juros,
        days,
        total,
        computation,
    }
}

/// Days from the original due date. A due date on a closed day that is paid on the next open one is not late
/// (Lei 7.089/1983); from the day after, the days count from the original date.
fn days_late(due: Date, today: Date, uf: Option<Uf>) -> i32 {
    if today <= calendar::next_business_day(due, uf) {
        0
    } else {
        calendar::days_between(due, today)
    }
}

/// Simple interest, pro rata die.
fn juros(contract: &Contract, corrected: Centavos, days: i32) -> Centavos {
    let (amount, bp, days) = (
        i128::from(corrected.0),
        i128::from(contract.juros_month.0),
        i128::from(days),
    );
    match contract.juros_basis {
        JurosBasis::MonthOf30 => Centavos::ratio(amount * bp * days, 10_000 * 30),
        JurosBasis::YearOf365 => Centavos::ratio(amount * bp * 12 * days, 10_000 * 365),
        // The daily rate in thousandths of a per cent, cut.
        JurosBasis::DailyCut => Centavos::ratio(amount * (bp * 10 / 30) * days, 100_000),
    }
}

fn principal(contract: &Contract) -> Computation {
    Computation::given(
        "valor original",
        contract.principal,
        &format!("vencido em {}", contract.due),
    )
}

fn tree(
    contract: &Contract,
    [correcao, multa, juros]: &[Centavos; 3],
    corrected: Centavos,
    days: i32,
) -> Computation {
    let mut parts = vec![principal(contract)];
    if *correcao != Centavos::ZERO {
        let formula = format!("{} × {}", contract.correcao, contract.principal);
        parts.push(Computation::given("correção", *correcao, &formula));
    }
    parts.push(Computation::given(
        "multa",
        *multa,
        &format!("{} × {corrected}", contract.multa),
    ));
    let rate = match contract.juros_basis {
        JurosBasis::MonthOf30 => format!("{} ao mês ÷ 30", contract.juros_month),
        JurosBasis::YearOf365 => format!("{} ao mês × 12 ÷ 365", contract.juros_month),
        JurosBasis::DailyCut => format!(
            "{} ao mês ÷ 30, truncado em três casas",
            contract.juros_month
        ),
    };
    parts.push(Computation::given(
        "juros de mora",
        *juros,
        &format!("{rate} × {days} dias × {corrected}"),
    ));
    Computation::sum(
        "total atualizado",
        parts.iter().map(|part| part.value).sum(),
        parts,
    )
}

/// Several contracts as one.
pub(super) fn sum<'a>(all: impl Iterator<Item = &'a Updated> + Clone) -> Updated {
    let of = |component: fn(&Updated) -> Centavos| all.clone().map(component).sum::<Centavos>();
    let total = of(|updated| updated.total);
    let parts = all
        .clone()
        .map(|updated| updated.computation.clone())
        .collect();
    Updated {
        original: of(|updated| updated.original),
        correcao: of(|updated| updated.correcao),
        multa: of(|updated| updated.multa),
        juros: of(|updated| updated.juros),
        days: all.clone().map(|updated| updated.days).max().unwrap_or(0),
        total,
        computation: Computation::sum("total atualizado", total, parts),
    }
}
