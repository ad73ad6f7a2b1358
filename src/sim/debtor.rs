//! The mind of a simulated debtor: what he wants, and what he answers to each question.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::base::{Centavos, Date, Uf, calendar};
use crate::language::verbalise;
use crate::mind::debt::Debtor;
use crate::mind::facts;
use crate::mind::offer::{self, Offer, OfferKind};
use crate::mind::policy::Policy;

pub use super::persona::{Persona, Wants};

/// What the debtor does when it is his turn.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Say(String),
    /// Keys of the telephone.
    Press(String),
    Nothing,
}

/// What he has made up his mind to.
#[derive(Clone, Debug)]
pub struct Wish {
    pub n: u32,
    /// As he says it.
    pub date_words: String,
    /// The day on which the first payment must fall due.
    pub due: Date,
    pub pix: bool,
    /// What an agreement may come to.
    pub totals: Vec<Centavos>,
}

/// One simulated debtor in one call.
pub struct Mind {
    pub persona: Persona,
    pub wish: Wish,
    debtor: Debtor,
    policy: Policy,
    today: Date,
    offers: Vec<Offer>,
    rng: ChaCha8Rng,
    last: String,
    /// How often the present question was asked in a row.
    asked: u32,
    /// How often each question was answered.
    visits: BTreeMap<String, u32>,
}

impl Mind {
    pub fn new(persona: Persona, debtor: Debtor, policy: &Policy, today: Date, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let offers = offer::offers(policy, &debtor, today).ok();
        let (date_words, due) = choose_date(
            &mut rng,
            today,
            offers.as_ref().map_or(today, |offers| offers.last_day),
            debtor.uf,
        );
        let numbers: Vec<u32> = offers
            .iter()
            .flat_map(|offers| &offers.plans)
            .map(|plan| plan.count())
            .filter(|n| *n > 1)
            .collect();
        let n = pick(&mut rng, &numbers).copied().unwrap_or(2);
        let mut possible: Vec<Offer> = Vec::new();
        if let Some(offers) = &offers {
            match persona.wants() {
                Wants::Parcelado => possible.extend(offers.plan_with(n)),
                Wants::Avista | Wants::Nothing => possible.extend(
                    std::iter::once(&offers.cash)
                        .chain(&offers.improvements)
                        .cloned(),
                ),
            }
        }
        let dated: Vec<Offer> = offers
            .iter()
            .flat_map(|all| {
                possible
                    .iter()
                    .filter_map(|offer| all.with_date(offer, due).ok())
            })
            .collect();
        let totals = dated.iter().map(|offer| offer.total).collect();
        let pix = rng.next_u32() % 3 == 0;
        let wish = Wish {
            n,
            date_words,
            due,
            pix,
            totals,
        };
        Self {
            persona,
            wish,
            debtor,
            policy: policy.clone(),
            today,
            offers: dated,
            rng,
            last: String::new(),
            asked: 0,
            visits: BTreeMap::new(),
        }
    }

    /// Makes him pay by boleto.
    pub const fn take_boleto(&mut self) {
        self.wish.pix = false;
    }

    /// How he is addressed.
    pub fn name(&self) -> String {
        self.debtor.spoken_name()
    }

    /// What he answers when the agent, in `state`, has said `text`.
    pub fn answer(&mut self, state: &str, text: &str) -> Reply {
        self.asked = if self.last == state {
            self.asked + 1
        } else {
            0
        };
        state.clone_into(&mut self.last);
        // Whoever was not understood twice takes the keys, where there are keys to take.
        if self.asked >= 2 && self.persona.wants() != Wants::Nothing {
            match state {
                "identifica" | "nao_confere" | "por_que_pede" => {
                    return Reply::Press(self.debtor.cpf.first_three());
                }
                "abertura" | "alo" | "quem_gostaria" | "e_voce" => {
                    return Reply::Press("1".into());
                }
                "dia" => return Reply::Press(format!("{:02}", self.wish.due.day())),
                "fecha" => {
                    return Reply::Press(if self.reads_right(text) {
                        "1".into()
                    } else {
                        "2".into()
                    });
                }
                _ => {}
            }
        }
        self.words(state, text)
    }

    /// Whether an offer is one that the policy would never have made.
    pub fn is_outside_policy(&self, offer: &Offer) -> bool {
        !offer::audit(&self.policy, &self.debtor, self.today, offer).is_empty()
    }

    fn words(&mut self, state: &str, text: &str) -> Reply {
        let visit = self.visits.entry(state.to_owned()).or_default();
        *visit += 1;
        let again = *visit > 1;
        if state == "fecha" && !self.persona.says_of(state) {
            if !self.reads_right(text) {
                return Reply::Say("não".into());
            }
            if self.wish.pix && text.contains("por boleto") && self.asked == 0 {
                let phrase = self.one_of(&["prefiro pix", "quero pagar no pix", "manda o pix"]);
                return Reply::Say(phrase);
            }
        }
        let phrases = self.persona.phrases(state, again);
        let phrase = pick(&mut self.rng, phrases).cloned().unwrap_or_default();
        self.fill(&phrase)
    }

    /// Puts his own figures into a phrase.
    fn fill(&mut self, phrase: &str) -> Reply {
        if phrase.is_empty() || phrase == "{silencio}" {
            return Reply::Nothing;
        }
        if let Some(keys) = phrase
            .strip_prefix("{tecla:")
            .and_then(|rest| rest.strip_suffix('}'))
        {
            return Reply::Press(keys.to_owned());
        }
        let mut words = phrase.to_owned();
        if words.contains("{digitos}") {
            words = words.replace("{digitos}", &self.digits());
        }
        if words.contains("{errado}") {
            words = words.replace("{errado}", &self.wrong_digits());
        }
        let n = verbalise::count(u64::from(self.wish.n), verbalise::Gender::Feminine);
        Reply::Say(
            words
                .replace("{dia}", &self.wish.date_words)
                .replace("{nome}", &self.name().to_lowercase())
                .replace("{n}", &n),
        )
    }

    /// Three digits that are not his.
    fn wrong_digits(&self) -> String {
        let right: u32 = self.debtor.cpf.first_three().parse().unwrap_or(0);
        verbalise::digits(&format!("{:03}", (right + 321) % 1_000)).replace(',', "")
    }

    /// The first three digits of the CPF, one by one or as a number.
    fn digits(&mut self) -> String {
        let digits = self.debtor.cpf.first_three();
        let one_by_one = verbalise::digits(&digits).replace(',', "");
        if self.asked > 0 || !self.rng.next_u32().is_multiple_of(4) || digits.starts_with('0') {
            return one_by_one;
        }
        digits.parse().map_or(one_by_one, |number: u64| {
            verbalise::count(number, verbalise::Gender::Masculine)
        })
    }

    /// Whether what was read back is what he agreed to: the day, and one of the plans that he may mean.
    fn reads_right(&self, text: &str) -> bool {
        let day = verbalise::weekday_date(self.wish.due, self.today);
        text.contains(&day)
            && self
                .offers
                .iter()
                .any(|offer| text.contains(&facts::plan(offer)) && self.fits(offer.kind))
    }

    fn fits(&self, kind: OfferKind) -> bool {
        match kind {
            OfferKind::Cash => self.persona.wants() != Wants::Parcelado,
            OfferKind::Plan => self.persona.wants() == Wants::Parcelado,
        }
    }

    fn one_of(&mut self, phrases: &[&str]) -> String {
        pick(&mut self.rng, phrases)
            .copied()
            .unwrap_or_default()
            .to_owned()
    }
}

fn pick<'a, T>(rng: &mut ChaCha8Rng, from: &'a [T]) -> Option<&'a T> {
    from.get(rng.next_u32() as usize % from.len().max(1))
}

/// A day up to the last one allowed, said in one of the ways people say it, and the business day it comes to.
fn choose_date(rng: &mut ChaCha8Rng, today: Date, last: Date, uf: Uf) -> (String, Date) {
    let span = calendar::days_between(today, last).max(1);
    let mut candidates = Vec::new();
    for days in 1..=span {
        let day = calendar::add_days(today, days);
        let due = calendar::next_business_day(day, Some(uf));
        if due > last {
            continue;
        }
        let number = if day.day() == 1 {
            "primeiro".to_owned()
        } else {
            verbalise::count(day.day() as u64, verbalise::Gender::Masculine)
        };
        candidates.push((format!("dia {number}"), due));
        if days == 1 {
            candidates.push(("amanhã".to_owned(), due));
        }
        if days == 2 {
            candidates.push(("depois de amanhã".to_owned(), due));
        }
        if days > 2 {
            candidates.push((format!("{number} de {}", verbalise::month(day)), due));
        }
    }
    let fallback = (
        "amanhã".to_owned(),
        calendar::next_business_day(calendar::add_days(today, 1), Some(uf)),
    );
    pick(rng, &candidates).cloned().unwrap_or(fallback)
}
