//! The mind of a simulated debtor: what he wants, and what he answers to each question.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::base::{Centavos, Date, calendar};
use crate::language::verbalise;
use crate::mind::debt::Debtor;
use crate::mind::facts;
use crate::mind::offer::{self, Offer, OfferKind};
use crate::mind::policy::Policy;

/// What a debtor is like. The name is stable: reports are by persona.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Persona {
    /// Takes the cash offer.
    Avista,
    /// Wants instalments.
    Parcelado,
    /// Haggles, then pays cash.
    Desconto,
    /// Has paid already.
    JaPagou,
    /// Somebody else answers.
    Terceiro,
    /// The wrong number.
    Engano,
    /// Wants to talk to a person.
    Humano,
    /// Does not want to pay.
    Recusa,
    /// Has no time now.
    Ocupado,
    /// Says nothing.
    Mudo,
}

impl Persona {
    /// In the share in which a campaign meets them: six of ten cooperate.
    pub const MIX: [Self; 20] = [
        Self::Avista,
        Self::Parcelado,
        Self::Desconto,
        Self::Avista,
        Self::JaPagou,
        Self::Parcelado,
        Self::Avista,
        Self::Terceiro,
        Self::Parcelado,
        Self::Engano,
        Self::Avista,
        Self::Desconto,
        Self::Humano,
        Self::Parcelado,
        Self::Recusa,
        Self::Avista,
        Self::Ocupado,
        Self::Parcelado,
        Self::Mudo,
        Self::Avista,
    ];

    pub const fn cooperates(self) -> bool {
        match self {
            Self::Avista | Self::Parcelado | Self::Desconto => true,
            Self::JaPagou
            | Self::Terceiro
            | Self::Engano
            | Self::Humano
            | Self::Recusa
            | Self::Ocupado
            | Self::Mudo => false,
        }
    }

    /// The dispositions that are right for such a call.
    pub const fn dispositions(self) -> &'static [&'static str] {
        match self {
            Self::Avista | Self::Desconto => &["ACORDO_AVISTA"],
            Self::Parcelado => &["ACORDO_PARCELADO"],
            Self::JaPagou => &["ALEGA_PAGAMENTO"],
            Self::Terceiro => &["TERCEIRO_RECADO", "TERCEIRO_SEM_RECADO"],
            Self::Engano => &["ENGANO"],
            Self::Humano => &["PEDIU_HUMANO"],
            Self::Recusa => &["RECUSA"],
            Self::Ocupado => &["LIGAR_DEPOIS", "CALLBACK"],
            Self::Mudo => &["SILENCIO", "ATENDIDA_MUDA"],
        }
    }
}

impl std::fmt::Display for Persona {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned));
        f.write_str(&name.unwrap_or_default())
    }
}

/// What the debtor does when it is his turn.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    asked: u32,
    haggled: u32,
}

impl Mind {
    pub fn new(persona: Persona, debtor: Debtor, policy: &Policy, today: Date, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let offers = offer::offers(policy, &debtor, today).ok();
        let (date_words, due) = choose_date(
            &mut rng,
            today,
            offers.as_ref().map_or(today, |offers| offers.last_day),
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
            match persona {
                Persona::Parcelado => possible.extend(offers.plan_with(n)),
                _ => possible.extend(
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
            haggled: 0,
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
        if self.persona == Persona::Mudo {
            return Reply::Nothing;
        }
        // Whoever was not understood twice takes the keys, where there are keys to take.
        if self.asked >= 2 {
            match state {
                "identifica" | "nao_confere" | "por_que_pede" => {
                    return Reply::Press(self.debtor.cpf.first_three());
                }
                "abertura" | "alo" | "quem_gostaria" if self.is_titular() => {
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
        match self.words(state, text) {
            Some(words) => Reply::Say(words),
            None => Reply::Nothing,
        }
    }

    /// Whether an offer is one that the policy would never have made.
    pub fn is_outside_policy(&self, offer: &Offer) -> bool {
        !offer::audit(&self.policy, &self.debtor, self.today, offer).is_empty()
    }

    fn is_titular(&self) -> bool {
        !matches!(self.persona, Persona::Terceiro | Persona::Engano)
    }

    fn words(&mut self, state: &str, text: &str) -> Option<String> {
        match state {
            "abertura" | "alo" | "quem_gostaria" => Some(self.opening()),
            "identifica" | "nao_confere" | "por_que_pede" => Some(match self.persona {
                Persona::Humano => self.one_of(&[
                    "quero falar com um atendente",
                    "quero falar com uma pessoa",
                    "me passa pra um humano",
                ]),
                _ => self.digits(),
            }),
            "terceiro" => Some(self.one_of(&["pode deixar recado", "eu anoto", "sim", "não"])),
            "expoe" => Some(self.exposition()),
            "oferta_avista" => Some(self.cash()),
            "oferta_parcelado" => Some(self.instalments()),
            "mais_proximo" | "dificuldade" | "calma" => Some("sim".into()),
            "dia" => Some(self.wish.date_words.clone()),
            "dia_util" => Some(self.one_of(&["sim", "pode ser", "pode"])),
            "meio" => Some(if self.wish.pix {
                self.one_of(&["pix", "quero pagar no pix", "manda o pix"])
            } else {
                self.one_of(&["boleto", "manda o boleto", "prefiro boleto"])
            }),
            "fecha" => Some(if self.reads_right(text) {
                self.one_of(&["sim", "sim aceito", "aceito", "sim"])
            } else {
                "não".into()
            }),
            "enviado" => Some(self.one_of(&["chegou", "recebi", "sim", "chegou aqui"])),
            "alega_pagamento" => {
                Some(self.one_of(&["ontem", "paguei ontem", "dia dez", "paguei semana passada"]))
            }
            "recusa" => Some(match self.persona {
                Persona::Recusa => {
                    self.one_of(&["não vou pagar", "não quero pagar", "não tenho interesse"])
                }
                Persona::Parcelado => "quero parcelar".into(),
                _ => "quero pagar à vista".into(),
            }),
            "liga_depois" => Some(self.one_of(&["amanhã", "segunda feira", "depois de amanhã"])),
            _ => None,
        }
    }

    fn opening(&mut self) -> String {
        match self.persona {
            Persona::Terceiro => self.one_of(&[
                "não é a esposa dele",
                "ele não está",
                "aqui é a mãe dele",
                "ela saiu",
                "ele foi trabalhar",
            ]),
            Persona::Engano => self.one_of(&[
                "é engano",
                "número errado",
                "não conheço essa pessoa",
                "ligou errado",
            ]),
            Persona::Ocupado => self.one_of(&[
                "agora não posso",
                "me liga depois",
                "estou no trabalho",
                "liga mais tarde",
            ]),
            _ => self.one_of(&["sim", "sou eu", "sou eu mesmo", "sim sou eu", "isso sou eu"]),
        }
    }

    fn exposition(&mut self) -> String {
        match self.persona {
            Persona::JaPagou => self.one_of(&[
                "já paguei",
                "isso já está pago",
                "já paguei essa conta",
                "paguei na lotérica",
            ]),
            Persona::Recusa => {
                self.one_of(&["não vou pagar", "não tenho interesse", "não quero pagar"])
            }
            Persona::Humano => "quero falar com um atendente".into(),
            _ => self.one_of(&["sim", "pode", "pode sim", "claro", "pode falar"]),
        }
    }

    fn cash(&mut self) -> String {
        match self.persona {
            Persona::Parcelado => self.one_of(&[
                "quero parcelar",
                "dá pra parcelar",
                "prefiro parcelado",
                "quero pagar parcelado",
            ]),
            Persona::Desconto if self.haggled < 1 => {
                self.haggled += 1;
                self.one_of(&[
                    "tem desconto",
                    "está muito caro",
                    "dá pra melhorar",
                    "tira os juros",
                ])
            }
            Persona::Recusa => self.one_of(&["não vou pagar", "não quero pagar"]),
            Persona::JaPagou => "já paguei".into(),
            _ => self.one_of(&[
                "sim",
                "quero quitar",
                "pode ser",
                "quero pagar à vista",
                "fechado",
                "fica bom",
            ]),
        }
    }

    fn instalments(&mut self) -> String {
        if self.persona != Persona::Parcelado {
            return match self.persona {
                Persona::Recusa => "não quero".into(),
                _ => "quero pagar à vista".into(),
            };
        }
        let n = verbalise::count(u64::from(self.wish.n), verbalise::Gender::Feminine);
        match self.rng.next_u32() % 3 {
            0 => format!("em {n} vezes"),
            1 => format!("{n} vezes"),
            _ => format!("quero {n} parcelas"),
        }
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
            OfferKind::Cash => self.persona != Persona::Parcelado,
            OfferKind::Plan => self.persona == Persona::Parcelado,
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
fn choose_date(rng: &mut ChaCha8Rng, today: Date, last: Date) -> (String, Date) {
    let span = calendar::days_between(today, last).max(1);
    let mut candidates = Vec::new();
    for days in 1..=span {
        let day = calendar::add_days(today, days);
        let due = calendar::next_business_day(day);
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
        let month = day.month();
        if days > 2 {
            candidates.push((
                format!(
                    "{number} de {}",
                    MONTHS[usize::from(month.unsigned_abs()) - 1]
                ),
                due,
            ));
        }
    }
    let fallback = (
        "amanhã".to_owned(),
        calendar::next_business_day(calendar::add_days(today, 1)),
    );
    pick(rng, &candidates).cloned().unwrap_or(fallback)
}

const MONTHS: [&str; 12] = [
    "janeiro",
    "fevereiro",
    "março",
    "abril",
    "maio",
    "junho",
    "julho",
    "agosto",
    "setembro",
    "outubro",
    "novembro",
    "dezembro",
];
