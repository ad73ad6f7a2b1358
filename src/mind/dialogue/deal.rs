//! What is computed and chosen in the course of a call.

use std::collections::BTreeMap;

use super::route::Step;
use super::{Dialogue, Effect, Means};
use crate::base::{Centavos, Date, calendar};
use crate::language::meaning::{DateValue, Value};
use crate::language::verbalise;
use crate::mind::facts;
use crate::mind::offer::{self, Counter, Offer, OfferKind, OutsideWindow};
use crate::mind::script::Verb;
use crate::mind::verified::Verified;

/// Wrong digits that are forgiven.
const MISMATCHES_AT_MOST: u32 = 1;

/// What the debtor has chosen so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Deal {
    pub offer: Option<Offer>,
    pub means: Means,
    /// A day that was proposed instead of the one named.
    pub proposed: Option<Date>,
    pub closed: bool,
    /// What the call is filed under once the agreement is written.
    pub code: &'static str,
    /// Slots of the last answer.
    pub slots: BTreeMap<String, Value>,
}

impl Dialogue {
    pub(super) fn act(&mut self, verb: Verb) -> Step {
        match verb {
            Verb::ConfereCpf => Step::Outcome(self.compare_digits()),
            Verb::CalculaOfertas => Step::Outcome(self.compute_offers()),
            Verb::MelhoraOferta => Step::Outcome(self.improve()),
            Verb::EscolheAvista => {
                let cash = self.offers.as_ref().map(|offers| self.cash(offers).clone());
                Step::Outcome(self.choose(cash))
            }
            Verb::EscolheParcelas => Step::Outcome(self.choose_plan()),
            Verb::Contraproposta => Step::Outcome(self.counter()),
            Verb::MarcaDia => Step::Outcome(self.set_date()),
            Verb::AceitaDia => Step::Outcome(self.accept_date()),
            Verb::EscolheBoleto => Step::Outcome(self.choose_means(Means::Boleto)),
            Verb::EscolhePix => Step::Outcome(self.choose_means(Means::Pix)),
            Verb::FechaAcordo => self.close(),
            Verb::Reenvia => {
                self.resent += 1;
                Step::Effect(Effect::Resend {
                    agreement: self.agreement_id(),
                    nth: self.resent,
                })
            }
            Verb::Agenda => Step::Outcome(self.schedule()),
        }
    }

    fn compare_digits(&mut self) -> &'static str {
        let given = match self.deal.slots.get("digitos") {
            // Somebody who says the whole CPF has said its first three digits as well.
            Some(Value::Digits(digits)) if digits.len() == 11 => digits[..3].to_owned(),
            Some(Value::Digits(digits)) => digits.clone(),
            _ => String::new(),
        };
        if let Some(proof) = Verified::by_digits(&given, &self.brief.cpf_start) {
            self.verified = Some(proof);
            return "confere";
        }
        self.mismatches += 1;
        if self.mismatches > MISMATCHES_AT_MOST {
            "esgotou"
        } else {
            "nao_confere"
        }
    }

    fn compute_offers(&mut self) -> &'static str {
        let Some(proof) = self.verified else {
            return "sem_oferta";
        };
        let debtor = self.brief.account.open(&proof);
        let Ok(offers) = offer::offers(&self.brief.policy, debtor, self.brief.today) else {
            return "sem_oferta";
        };
        self.facts
            .insert("credor".into(), debtor.creditor.name.clone());
        // Prescribed contracts are not among what is owed, and are never spoken of.
        if let Some(oldest) = offers.owed.first() {
            self.facts
                .insert("descricao".into(), oldest.contract.description.clone());
            self.facts.insert(
                "data_vencimento".into(),
                verbalise::date(oldest.contract.due, self.brief.today),
            );
        }
        let count = verbalise::count(offers.owed.len() as u64, verbalise::Gender::Feminine);
        self.facts.insert("n_contratos".into(), count);
        facts::tell_debt(&mut self.facts, &offers, &offers.cash, self.brief.today);
        self.offers = Some(offers);
        "ok"
    }

    fn improve(&mut self) -> &'static str {
        let Some(offers) = self.offers.clone() else {
            return "limite";
        };
        if self.improvement >= offers.improvements.len() {
            return "limite";
        }
        self.improvement += 1;
        let better = self.cash(&offers).clone();
        facts::tell_debt(&mut self.facts, &offers, &better, self.brief.today);
        "melhorou"
    }

    fn choose(&mut self, offer: Option<Offer>) -> &'static str {
        let (Some(offer), Some(offers)) = (offer, &self.offers) else {
            return "fora";
        };
        facts::tell_deal(&mut self.facts, offers, &offer, self.brief.today);
        self.deal.offer = Some(offer);
        "ok"
    }

    fn choose_plan(&mut self) -> &'static str {
        let Some(offers) = self.offers.clone() else {
            return "fora";
        };
        let n = match self.deal.slots.get("parcelas") {
            Some(Value::Count(n)) => *n,
            _ => return "falta",
        };
        if n <= 1 {
            let cash = self.cash(&offers).clone();
            return self.choose(Some(cash));
        }
        self.choose(offers.plan_with(n))
    }

    fn counter(&mut self) -> &'static str {
        let Some(offers) = self.offers.clone() else {
            return "fora";
        };
        let amount = match self.deal.slots.get("valor") {
            Some(Value::Money { centavos, .. }) => Some(Centavos(*centavos)),
            _ => None,
        };
        let n = match self.deal.slots.get("parcelas") {
            Some(Value::Count(n)) => Some(*n),
            _ => None,
        };
        match offers.counter(amount, n) {
            Counter::Inside(offer) => {
                self.choose(Some(offer));
                "dentro"
            }
            Counter::Nearest(offer) => {
                self.facts.insert("v_min".into(), facts::plan(&offer));
                self.choose(Some(offer));
                "fora"
            }
        }
    }

    fn set_date(&mut self) -> &'static str {
        let (Some(offers), Some(offer)) = (self.offers.clone(), self.deal.offer.clone()) else {
            return "falta";
        };
        let today = self.brief.today;
        let keyed = match self.deal.slots.get("digitos") {
            Some(Value::Digits(keys)) => keys
                .parse()
                .ok()
                .and_then(|day| calendar::coming_day(today, day)),
            _ => None,
        };
        let wanted = match self.deal.slots.get("data") {
            _ if keyed.is_some() => keyed.unwrap_or(today),
            Some(Value::Date(DateValue::Day(date))) => *date,
            // The likelier day is read back with its full date before anything is agreed.
            Some(Value::Date(
                DateValue::From(date)
                | DateValue::Either { likely: date, .. }
                | DateValue::Missing { nearest: date, .. },
            )) => *date,
            _ => return "falta",
        };
        self.facts
            .insert("data_pedida".into(), verbalise::weekday_date(wanted, today));
        match offers.with_date(&offer, wanted) {
            Ok(dated) => {
                let due = dated.instalments.first().map_or(wanted, |first| first.due);
                self.choose(Some(dated));
                if due == wanted {
                    return "ok";
                }
                self.deal.proposed = Some(due);
                self.facts
                    .insert("data_proposta".into(), verbalise::weekday_date(due, today));
                "mudou"
            }
            Err(OutsideWindow { last_day }) => {
                self.facts
                    .insert("data_limite".into(), verbalise::date(last_day, today));
                "fora"
            }
        }
    }

    fn accept_date(&mut self) -> &'static str {
        self.deal.proposed = None;
        "ok"
    }

    fn choose_means(&mut self, means: Means) -> &'static str {
        self.deal.means = means;
        let spoken = match means {
            Means::Boleto => "boleto",
            Means::Pix => "Pix",
        };
        self.facts.insert("meio".into(), spoken.to_owned());
        "ok"
    }

    fn close(&mut self) -> Step {
        let Some(offer) = self.deal.offer.clone() else {
            return Step::Outcome("falhou");
        };
        let code = match offer.kind {
            OfferKind::Cash => "ACORDO_AVISTA",
            OfferKind::Plan => "ACORDO_PARCELADO",
        };
        self.deal.code = code;
        Step::Effect(Effect::Close {
            agreement: self.agreement_id(),
            offer,
            means: self.deal.means,
            evidence: None,
        })
    }

    fn schedule(&mut self) -> &'static str {
        let when = match (self.deal.slots.get("data"), self.deal.slots.get("hora")) {
            (Some(Value::Date(DateValue::Day(date))), _) => {
                verbalise::weekday_date(*date, self.brief.today)
            }
            (_, Some(Value::Time { hour, minute })) => verbalise::time(*hour, *minute),
            _ => return "falta",
        };
        self.facts.insert("quando".into(), when);
        "ok"
    }
}
