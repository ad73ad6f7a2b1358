//! What is computed and chosen in the course of a call.

use std::collections::BTreeMap;

use super::route::Step;
use super::{Dialogue, Effect, Means};
use crate::base::{Centavos, Date, calendar};
use crate::language::meaning::{DateValue, Value};
use crate::language::verbalise;
use crate::mind::facts::{self, Facts};
use crate::mind::hours;
use crate::mind::offer::{self, Counter, Offer, OfferKind, OutsideWindow};
use crate::mind::script::Verb;
use crate::mind::verified::Verified;

/// Wrong digits that are forgiven.
const MISMATCHES_AT_MOST: u32 = 1;
/// How far ahead a call is promised, in days.
const SCHEDULE_AT_MOST_DAYS: i32 = 30;

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
            Verb::ConfereNascimento => Step::Outcome(self.compare_birth()),
            Verb::EsquecePessoa => Step::Outcome(self.forget_person()),
            Verb::CalculaOfertas => Step::Outcome(self.compute_offers()),
            Verb::MelhoraOferta => Step::Outcome(self.improve()),
            Verb::EscolheAvista => {
                let cash = self.offers.as_ref().map(|offers| self.cash(offers).clone());
                Step::Outcome(self.choose(cash))
            }
            Verb::EscolheParcelas => Step::Outcome(self.choose_plan()),
            Verb::MenorParcela => Step::Outcome(self.smallest_plan()),
            Verb::Contraproposta => Step::Outcome(self.counter()),
            Verb::MarcaDia => Step::Outcome(self.set_date()),
            Verb::AceitaDia => Step::Outcome(self.accept_date()),
            Verb::EscolheMeio => {
                let means = self.deal.means;
                Step::Outcome(self.choose_means(means))
            }
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
            Verb::Envia => self.send(),
            Verb::Transfere => Step::Effect(Effect::Transfer),
            Verb::Agenda => self.schedule(),
            Verb::Anota => self.note(),
        }
    }

    fn compare_digits(&mut self) -> &'static str {
        let given = match self.deal.slots.get("digitos") {
            // Somebody who says the whole CPF has said its first three digits as well.
            Some(Value::Digits(digits)) if digits.len() == 11 => digits[..3].to_owned(),
            Some(Value::Digits(digits)) => digits.clone(),
            _ => String::new(),
        };
        let proof = Verified::by_digits(&given, &self.brief.cpf_start);
        self.compared(proof)
    }

    fn compare_birth(&mut self) -> &'static str {
        let given = match self.deal.slots.get("nascimento") {
            Some(Value::Birth { day, month, .. }) => Some((*day, *month)),
            _ => None,
        };
        let proof = Verified::by_birth(given, self.brief.birth);
        self.compared(proof)
    }

    fn compared(&mut self, proof: Option<Verified>) -> &'static str {
        if proof.is_some() {
            self.verified = proof;
            return "confere";
        }
        self.mismatches += 1;
        if self.mismatches > MISMATCHES_AT_MOST {
            "esgotou"
        } else {
            "nao_confere"
        }
    }

    /// Somebody else has the telephone now: what was told is told no more.
    fn forget_person(&mut self) -> &'static str {
        self.verified = None;
        self.offers = None;
        self.improvement = 0;
        self.deal = Deal {
            closed: self.deal.closed,
            code: self.deal.code,
            ..Deal::default()
        };
        self.facts.retain(|name, _| {
            facts::variable(name).is_none_or(|variable| variable.after.is_empty())
        });
        "ok"
    }

    fn compute_offers(&mut self) -> &'static str {
        let Some(proof) = self.verified else {
            return "sem_oferta";
        };
        let debtor = self.brief.account.open(&proof);
        let Ok(offers) = offer::offers(&self.brief.policy, debtor, self.brief.today) else {
            return "sem_oferta";
        };
        facts::tell_debtor(&mut self.facts, debtor, &offers, self.brief.today);
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
        let n = match (
            self.deal.slots.get("parcelas"),
            self.deal.slots.get("opcao"),
        ) {
            (Some(Value::Count(n)), _) => *n,
            // By the order in which they were read out.
            (_, Some(Value::Text(which))) => {
                let spoken = facts::spoken_options(&offers.plans);
                let nth = match which.as_str() {
                    "ultima" => spoken.len(),
                    other => other.parse().unwrap_or(0),
                };
                match nth.checked_sub(1).and_then(|nth| spoken.get(nth)) {
                    Some(plan) => plan.count(),
                    None => return "falta",
                }
            }
            _ => return "falta",
        };
        if n <= 1 {
            let cash = self.cash(&offers).clone();
            return self.choose(Some(cash));
        }
        self.choose(offers.plan_with(n))
    }

    fn smallest_plan(&mut self) -> &'static str {
        let Some(offers) = self.offers.clone() else {
            return "fora";
        };
        let Some(plan) = offers.plan_with(offers.most_instalments().max(2)) else {
            return "fora";
        };
        self.facts.insert("v_min".into(), facts::plan(&plan));
        self.choose(Some(plan))
    }

    fn counter(&mut self) -> &'static str {
        let Some(offers) = self.offers.clone() else {
            return "fora";
        };
        let amount = match self.deal.slots.get("valor") {
            Some(Value::Money { centavos, .. }) => Some(Centavos(*centavos)),
            _ => None,
        };
        let monthly = matches!(self.deal.slots.get("por"), Some(Value::Text(_)));
        let n = match self.deal.slots.get("parcelas") {
            Some(Value::Count(n)) => Some(*n),
            _ => None,
        };
        if amount.is_none() && n.is_none() {
            return "falta";
        }
        let counter = match (amount, n, monthly) {
            // "Cem por mês": as many months as it takes.
            (Some(amount), None, true) => offers.counter(Some(amount), Some(2)),
            _ => offers.counter(amount, n),
        };
        match counter {
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
        facts::tell_wanted_day(&mut self.facts, wanted, today);
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
        let other = match means {
            Means::Boleto => "Pix",
            Means::Pix => "boleto",
        };
        self.facts.insert("meio".into(), spoken.to_owned());
        self.facts.insert("outro_meio".into(), other.to_owned());
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

    /// A day and an hour for calling back; what was not said is filled in, what is outside the hours is refused.
    fn schedule(&mut self) -> Step {
        let today = self.brief.today;
        let day = match self.deal.slots.get("data") {
            Some(Value::Date(
                DateValue::Day(date)
                | DateValue::From(date)
                | DateValue::Either { likely: date, .. }
                | DateValue::Missing { nearest: date, .. },
            )) => Some(*date),
            _ => None,
        };
        let hour = match self.deal.slots.get("hora") {
            Some(Value::Time { hour, minute }) => Some((*hour, *minute)),
            _ => None,
        };
        // "De manhã", "à noite": a time that suits, inside the hours of everybody.
        let part = match self.deal.slots.get("quando") {
            Some(Value::Text(part)) => match part.as_str() {
                "manhã" => Some((9, 30)),
                "almoço" => Some((12, 0)),
                "tarde" => Some((15, 0)),
                "noite" => Some((18, 30)),
                _ => None,
            },
            _ => None,
        };
        let Some((hour, minute)) = hour.or(part).or(day.map(|_| (10, 0))) else {
            return Step::Outcome("falta");
        };
        let now = i32::from(self.brief.hour);
        let day = day.unwrap_or_else(|| {
            let tomorrow = i32::from(i32::from(hour) <= now);
            calendar::add_days(today, tomorrow)
        });
        let (Ok(hour8), Ok(minute8)) = (i8::try_from(hour), i8::try_from(minute)) else {
            return Step::Outcome("falta");
        };
        if !(0..24).contains(&hour8) || !(0..60).contains(&minute8) {
            return Step::Outcome("falta");
        }
        let at = day.at(hour8, minute8, 0, 0);
        let past = day < today || (day == today && i32::from(hour) <= now);
        let far = calendar::days_between(today, day) > SCHEDULE_AT_MOST_DAYS;
        if past || far || hours::may_call(self.brief.uf, at).is_err() {
            return Step::Outcome("fora");
        }
        let when = format!(
            "{}, {}",
            verbalise::weekday_date(day, today),
            verbalise::at_time(hour, minute)
        );
        self.facts.insert("quando".into(), when);
        self.effects += 1;
        Step::Effect(Effect::Note {
            nth: self.effects,
            kind: "agenda".to_owned(),
            text: at.to_string(),
        })
    }

    /// Writes down what the last answer held.
    fn note(&mut self) -> Step {
        self.effects += 1;
        let slots: Vec<String> = self
            .deal
            .slots
            .iter()
            .map(|(name, value)| {
                format!(
                    "{name}={}",
                    serde_json::to_string(value).unwrap_or_default()
                )
            })
            .collect();
        Step::Effect(Effect::Note {
            nth: self.effects,
            kind: self.state.clone(),
            text: slots.join(" "),
        })
    }

    /// A message of the script, to the number that is called.
    fn send(&mut self) -> Step {
        let script = self.script.clone();
        let name = script
            .state
            .get(&self.state)
            .and_then(|state| state.message.clone())
            .unwrap_or_default();
        let template = script.message.get(&name).map_or("", String::as_str);
        let Some(text) = super::fill(template, &self.written()).filter(|text| !text.is_empty())
        else {
            return Step::Outcome("falhou");
        };
        self.effects += 1;
        Step::Effect(Effect::Send {
            name,
            nth: self.effects,
            text,
        })
    }

    /// The figures of messages: of the debt only once there is an agreement.
    fn written(&self) -> Facts {
        let brief = &self.brief;
        let mut facts: Facts = [
            ("marca", brief.marca.to_uppercase()),
            ("nome", brief.name.clone()),
            ("canal", brief.official_channel.clone()),
            ("protocolo", brief.protocol.clone()),
        ]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text))
        .collect();
        if let Some(offers) = &self.offers {
            facts.insert("data".into(), facts::written_date(offers.cash.valid_until));
        }
        if let (Some(proof), Some((_, offer))) = (&self.verified, self.agreement()) {
            let first = offer.instalments.first();
            let amount = first.map_or(Centavos::ZERO, |one| one.amount);
            facts.insert("valor".into(), amount.to_string());
            facts.insert("total".into(), offer.total.to_string());
            facts.insert("vencimento".into(), facts::written_date(offer.first_due()));
            facts.insert("parcelas".into(), offer.instalments.len().to_string());
            let creditor = &brief.account.open(proof).creditor;
            facts.insert("credor".into(), creditor.name.clone());
        }
        facts
    }
}
