//! The variables of prompts and messages: which exist, from when on, and in what words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::offer::{Offer, OfferKind, Offers};
use crate::base::{Centavos, Date};
use crate::language::verbalise;

/// Values by name, already in words (prompts) or in figures (messages).
pub type Facts = BTreeMap<String, String>;

/// What anybody on the line may hear.
pub const PUBLIC: &[&str] = &[
    "saudacao",
    "bot",
    "marca",
    "nome",
    "telefone_oficial",
    "canal_oficial",
    "protocolo",
    "bom_periodo",
    "h_ini",
    "h_fim",
];

/// What only the verified debtor may hear. They exist after `calcula_ofertas`.
pub const DEBT: &[&str] = &[
    "credor",
    "descricao",
    "data_vencimento",
    "v_original",
    "v_multa",
    "v_juros",
    "v_total",
    "v_oferta",
    "v_desconto",
    "data_limite",
    "opcoes",
    "n_contratos",
    "parcelas_max",
];

/// What exists once something was chosen, and is as secret as the debt.
pub const DEAL: &[&str] = &[
    "plano",
    "v_acordo",
    "data_acordo",
    "data_pedida",
    "data_proposta",
    "v_min",
    "meio",
    "destino",
    "quando",
];

/// Figures of messages: they are sent to the debtor's own telephone, in the name of the creditor.
pub const WRITTEN: &[&str] = &[
    "marca",
    "nome",
    "valor",
    "vencimento",
    "codigo",
    "parcelas",
    "protocolo",
];

/// What a route may ask about. Closed: the checker knows them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The policy has a better cash offer than the last one named.
    TemMelhora,
    /// The policy allows instalments.
    TemParcelas,
    /// A person can take the call now.
    TemHumano,
    /// The person on the line was verified.
    Identificado,
    /// An agreement was closed in this call.
    TemAcordo,
}

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

/// At most three ways to pay in instalments, the shortest first: "duas de cem reais, três de …, ou quatro de …".
fn options(plans: &[Offer]) -> String {
    let picked: Vec<&Offer> = match plans {
        [] => return String::new(),
        [first, .., last] if plans.len() > 3 => vec![first, &plans[plans.len() / 2], last],
        few => few.iter().collect(),
    };
    let spoken: Vec<String> = picked.iter().map(|offer| plan(offer)).collect();
    match spoken.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{}, ou {last}", rest.join(", ")),
        None => String::new(),
    }
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
