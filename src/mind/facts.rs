//! The variables of prompts and messages: which exist, from when on, and in what words.

mod condition;
mod variables;

pub use condition::{Condition, ConditionError, CountFact, Flag, MoneyFact, Order, TextSlot};
pub use variables::{
    Kind, SPOKEN, Variable, WRITTEN_DEBT, WRITTEN_PUBLIC, is_amount, is_offer, variable,
};

use std::collections::BTreeMap;

use jiff::civil::Weekday;

use super::debt::Debtor;
use super::offer::{Offer, OfferKind, Offers};
use crate::base::{Centavos, Date};
use crate::language::verbalise;

/// Values by name, already in words (prompts) or in figures (messages).
pub type Facts = BTreeMap<String, String>;

/// `bom dia` from 5, `boa tarde` from 12, `boa noite` from 18 o'clock, in the debtor's local time.
pub const fn greeting(hour: i8) -> &'static str {
    match hour {
        5..=11 => "bom dia",
        12..=17 => "boa tarde",
        _ => "boa noite",
    }
}

/// What goodbye wishes, at this hour.
pub const fn farewell(hour: i8) -> &'static str {
    match hour {
        5..=11 => "um bom dia",
        12..=17 => "uma boa tarde",
        _ => "uma boa noite",
    }
}

/// Puts what is owed and offered into words.
pub fn tell_debt(facts: &mut Facts, offers: &Offers, cash: &Offer, today: Date) {
    let updated = &offers.updated;
    let mut put = |name: &str, text: String| facts.insert(name.to_owned(), text);
    put("v_original", verbalise::money(updated.original));
    put("v_multa", verbalise::money(updated.multa));
    put("v_juros", verbalise::money(updated.juros));
    put("v_total", verbalise::money(updated.total));
    put("v_oferta", verbalise::money(cash.total));
    put("v_desconto", verbalise::money(cash.discount));
    put("data_limite", verbalise::date(offers.last_day, today));
    put("opcoes", options(&offers.plans));
    put(
        "parcelas_max",
        verbalise::parcelas(u64::from(offers.most_instalments())),
    );
}

/// Puts what is owed, to whom, and on what terms into words.
pub fn tell_debtor(facts: &mut Facts, debtor: &Debtor, offers: &Offers, today: Date) {
    let mut put = |name: &str, text: String| facts.insert(name.to_owned(), text);
    put("credor", debtor.creditor.name.clone());
    // Prescribed contracts are not among what is owed, and are never spoken of.
    if let Some(oldest) = offers.owed.first() {
        put("descricao", oldest.contract.description.clone());
        put(
            "data_vencimento",
            verbalise::date(oldest.contract.due, today),
        );
        put("taxa_multa", verbalise::percent(oldest.contract.multa));
        let monthly = verbalise::percent(oldest.contract.juros_month);
        put("taxa_juros", format!("{monthly} ao mês"));
    }
    let days = u64::try_from(offers.updated.days).unwrap_or(0);
    put(
        "dias_atraso",
        verbalise::counted(days, "dia", "dias", verbalise::Gender::Masculine),
    );
    let count = offers.owed.len() as u64;
    put(
        "n_contratos",
        verbalise::count(count, verbalise::Gender::Feminine),
    );
    let example = offers.plans.first().map_or(2, Offer::count);
    put(
        "exemplo_parcelas",
        format!(
            "{} vezes",
            verbalise::count(example.into(), verbalise::Gender::Feminine)
        ),
    );
    let day = offers.last_day.day().unsigned_abs();
    put(
        "exemplo_dia",
        match day {
            1 => "dia primeiro".to_owned(),
            day => format!(
                "dia {}",
                verbalise::count(day.into(), verbalise::Gender::Masculine)
            ),
        },
    );
}

/// Puts the day that was named into words, and why it cannot be.
pub fn tell_wanted_day(facts: &mut Facts, wanted: Date, today: Date) {
    let mut put = |name: &str, text: String| facts.insert(name.to_owned(), text);
    put("data_pedida", verbalise::weekday_date(wanted, today));
    put(
        "dia_pedido",
        format!("dia {}", verbalise::date(wanted, today)),
    );
    let why = match wanted.weekday() {
        Weekday::Saturday => "cai num sábado",
        Weekday::Sunday => "cai num domingo",
        _ => "é feriado",
    };
    put("porque_nao", why.to_owned());
}

/// The plans that are named, the shortest and the longest.
pub fn spoken_options(plans: &[Offer]) -> Vec<&Offer> {
    match plans {
        [] => Vec::new(),
        [only] => vec![only],
        [first, .., last] => vec![first, last],
    }
}

/// Two ways to pay in instalments, the shorter first: "duas de cem reais, ou entrada de … e mais seis de …".
fn options(plans: &[Offer]) -> String {
    let spoken: Vec<String> = spoken_options(plans).into_iter().map(plan).collect();
    spoken.join(", ou ")
}

/// "duas de cem reais", "entrada de …, e mais …", or the amount for one payment.
pub fn plan(offer: &Offer) -> String {
    let part = offer
        .equal_parts()
        .next()
        .map_or(Centavos::ZERO, |instalment| instalment.amount);
    let parts = verbalise::count(
        offer.equal_parts().count() as u64,
        verbalise::Gender::Feminine,
    );
    match offer.kind {
        OfferKind::Cash => format!("{} à vista", verbalise::money(offer.total)),
        OfferKind::Plan if offer.entrada > Centavos::ZERO => {
            format!(
                "entrada de {} e mais {parts} de {}",
                verbalise::money(offer.entrada),
                verbalise::money(part)
            )
        }
        OfferKind::Plan => format!("{parts} de {}", verbalise::money(part)),
    }
}

/// Puts what was agreed into words.
pub fn tell_deal(facts: &mut Facts, offers: &Offers, offer: &Offer, today: Date) {
    let last_day = match offer.kind {
        OfferKind::Cash => offers.last_day,
        OfferKind::Plan => offers.plan_last_day,
    };
    facts.insert("data_limite".into(), verbalise::date(last_day, today));
    if let Some(cet) = offer.cet {
        let yearly = verbalise::percent(cet);
        facts.insert("cet".into(), format!("{yearly} ao ano"));
    }
    facts.insert("plano".into(), plan(offer));
    facts.insert("v_acordo".into(), verbalise::money(offer.total));
    if let Some(first) = offer.instalments.first() {
        facts.insert(
            "data_acordo".into(),
            verbalise::weekday_date(first.due, today),
        );
    }
}

/// `10/12/2026`, as messages write it.
pub fn written_date(date: Date) -> String {
    format!("{:02}/{:02}/{}", date.day(), date.month(), date.year())
}
