//! Where the conversation goes.

use super::{
    Dialogue, Effect, Fault, HOPS_AT_MOST, Listen, NOINPUT_S, Then, Turn, Utterance, WAIT_S,
};
use crate::base::Centavos;
use crate::language::meaning::{Meaning, Value};
use crate::mind::disposition;
use crate::mind::facts::{Condition, CountFact, Flag, MoneyFact};
use crate::mind::script::{Route, State, Target};

impl Dialogue {
    pub(super) fn enter(&mut self, name: &str) -> Turn {
        let mut said = Vec::new();
        let then = self.walk(name.to_owned(), &mut said);
        self.last_said.clone_from(&said);
        Turn { say: said, then }
    }

    /// Follows states that ask nothing until one asks, acts on the world, or ends.
    fn walk(&mut self, mut name: String, said: &mut Vec<Utterance>) -> Then {
        for _ in 0..HOPS_AT_MOST {
            let script = self.script.clone();
            let Some(state) = script.state.get(&name) else {
                break;
            };
            self.state.clone_from(&name);
            let visits = self.visits.entry(name.clone()).or_default();
            *visits += 1;
            if state.at_most.is_some_and(|most| *visits > most) {
                match self.pick(state.beyond.as_ref()) {
                    Some(Target::State(next)) => name = next,
                    Some(Target::Back) => return self.back(said),
                    Some(Target::Repeat | Target::Wait) | None => break,
                }
                continue;
            }
            if let Some(code) = &state.mark {
                self.file_under(code);
            }
            if let Some(verb) = state.act {
                match self.act(verb) {
                    Step::Outcome(outcome) => {
                        said.extend(self.prompt(&name, 0));
                        match self.pick(state.on.get(outcome)) {
                            Some(Target::State(next)) => name = next,
                            Some(Target::Back) => return self.back(said),
                            Some(Target::Repeat | Target::Wait) | None => break,
                        }
                        continue;
                    }
                    Step::Effect(effect) => {
                        said.extend(self.prompt(&name, 0));
                        return Then::Perform(Box::new(effect));
                    }
                }
            }
            said.extend(self.prompt(&name, 0));
            if let Some(code) = &state.end {
                self.file_under(code);
                self.ended = true;
                return Then::End;
            }
            if state.next.is_some() {
                match self.pick(state.next.as_ref()) {
                    Some(Target::State(next)) => name = next,
                    Some(Target::Back) => return self.back(said),
                    Some(Target::Repeat | Target::Wait) | None => break,
                }
                continue;
            }
            self.asked = 0;
            // A question in passing leads back to the one before it.
            if !state.detour || self.question.is_none() {
                self.question = Some(name.clone());
            }
            return Then::Listen(self.listen());
        }
        // Only a script that `check` refuses comes here; the debtor is not kept waiting for it.
        self.file_under("ERRO_TECNICO");
        self.ended = true;
        Then::End
    }

    /// Back into the question that was left, asked shortly.
    fn back(&mut self, said: &mut Vec<Utterance>) -> Then {
        let Some(question) = self.question.clone() else {
            self.ended = true;
            return Then::End;
        };
        self.state.clone_from(&question);
        said.extend(self.prompt(&question, 1));
        Then::Listen(self.listen())
    }

    pub(super) fn understand(&mut self, meaning: &Meaning) -> Turn {
        self.waiting = 0;
        let Some(intent) = meaning.intent.clone() else {
            return self.repair(Fault::NoMatch);
        };
        self.deal.slots.clone_from(&meaning.slots);
        let script = self.script.clone();
        let own = script
            .state
            .get(&self.state)
            .and_then(|state| state.on.get(&intent));
        let route = own.or_else(|| script.global.on.get(&intent));
        match self.pick(route) {
            Some(target) => self.follow(&target),
            None => self.repair(Fault::NoMatch),
        }
    }

    pub(super) fn press(&mut self, keys: &str) -> Turn {
        let digits = self
            .script
            .state
            .get(&self.state)
            .and_then(|state| state.digits.or(state.keys));
        let meaning = match (digits, keys) {
            (Some(wanted), _) if keys.len() == wanted => Meaning {
                intent: Some("INFORMA_DIGITOS".to_owned()),
                slots: [("digitos".to_owned(), Value::Digits(keys.to_owned()))].into(),
            },
            (None, "1") => Meaning {
                intent: Some("SIM".to_owned()),
                slots: Default::default(),
            },
            (None, "2") => Meaning {
                intent: Some("NAO".to_owned()),
                slots: Default::default(),
            },
            (_, "3") => Meaning {
                intent: Some("REPETE".to_owned()),
                slots: Default::default(),
            },
            (_, "9") => Meaning {
                intent: Some("PEDE_HUMANO".to_owned()),
                slots: Default::default(),
            },
            _ => return self.repair(Fault::NoMatch),
        };
        self.understand(&meaning)
    }

    pub(super) fn leave(&mut self, route: Option<&Route>) -> Turn {
        match self.pick(route) {
            Some(target) => self.follow(&target),
            None => {
                self.ended = true;
                Turn {
                    say: Vec::new(),
                    then: Then::End,
                }
            }
        }
    }

    /// Leaves for the end: what asks something on the way is not asked any more.
    pub(super) fn take_leave(&mut self, route: Option<&Route>) -> Turn {
        let mut turn = self.leave(route);
        if matches!(turn.then, Then::Listen(_)) {
            self.ended = true;
            turn.then = Then::End;
        }
        turn
    }

    pub(super) fn outcome(&mut self, name: &str) -> Turn {
        let script = self.script.clone();
        let route = script
            .state
            .get(&self.state)
            .and_then(|state| state.on.get(name))
            .cloned();
        self.leave(route.as_ref())
    }

    fn follow(&mut self, target: &Target) -> Turn {
        match target {
            Target::State(name) => self.enter(name),
            Target::Repeat => Turn {
                say: self.last_said.clone(),
                then: Then::Listen(self.listen()),
            },
            Target::Back => {
                let mut said = Vec::new();
                let then = self.back(&mut said);
                Turn { say: said, then }
            }
            Target::Wait => {
                self.waiting = 1;
                let listen = Listen {
                    noinput_s: WAIT_S,
                    ..self.listen()
                };
                Turn {
                    say: Vec::new(),
                    then: Then::Listen(listen),
                }
            }
        }
    }

    /// A question went unanswered: ask again, or leave it.
    pub(super) fn repair(&mut self, fault: Fault) -> Turn {
        let script = self.script.clone();
        if fault == Fault::Silence && self.waiting > 0 {
            return self.wait_on();
        }
        self.waiting = 0;
        self.asked += 1;
        self.repairs += 1;
        let state = script.state.get(&self.state);
        let attempts = state
            .and_then(|state| state.attempts)
            .unwrap_or(script.script.attempts);
        if self.asked >= attempts || self.repairs > script.script.repairs {
            let own = state.and_then(|state| match fault {
                Fault::Silence => state.silence.as_ref(),
                Fault::NoMatch => state.confusion.as_ref(),
            });
            let general = match fault {
                Fault::Silence => script.global.silence.as_ref(),
                Fault::NoMatch => script.global.confusion.as_ref(),
            };
            return self.leave(own.or(general));
        }
        let global = &script.global;
        let own =
            |list: fn(&State) -> &Vec<String>| state.map(list).filter(|texts| !texts.is_empty());
        let prefaces = match fault {
            Fault::Silence => own(|state| &state.noinput).unwrap_or(&global.noinput),
            Fault::NoMatch => own(|state| &state.nomatch).unwrap_or(&global.nomatch),
        };
        let mandatory = state.is_some_and(|state| state.mandatory);
        let mut say: Vec<Utterance> = self
            .preface(prefaces, self.asked, mandatory)
            .into_iter()
            .collect();
        say.extend(self.prompt(&self.state, self.asked));
        self.last_said = self.prompt(&self.state, self.asked);
        Turn {
            say,
            then: Then::Listen(self.listen()),
        }
    }

    /// The silence that the caller asked for is over: a word once, then another while, then the way out.
    fn wait_on(&mut self) -> Turn {
        let script = self.script.clone();
        self.waiting += 1;
        if self.waiting <= 2 && !script.global.hold.is_empty() {
            let listen = Listen {
                noinput_s: WAIT_S,
                ..self.listen()
            };
            return Turn {
                say: self
                    .preface(&script.global.hold, 1, false)
                    .into_iter()
                    .collect(),
                then: Then::Listen(listen),
            };
        }
        self.waiting = 0;
        match &script.global.patience {
            Some(route) => self.leave(Some(route)),
            None => Turn {
                say: self.prompt(&self.state, 1),
                then: Then::Listen(self.listen()),
            },
        }
    }

    fn listen(&self) -> Listen {
        let state = self.script.state.get(&self.state);
        let own = state.map(|state| state.listen.clone()).unwrap_or_default();
        Listen {
            state: self.state.clone(),
            rules: own
                .into_iter()
                .chain(self.script.global.listen.iter().cloned())
                .collect(),
            digits: state.and_then(|state| state.digits),
            keys: state.and_then(|state| state.digits.or(state.keys)),
            noinput_s: state.and_then(|state| state.noinput_s).unwrap_or(NOINPUT_S),
        }
    }

    fn pick(&self, route: Option<&Route>) -> Option<Target> {
        match route? {
            Route::Target(target) => Some(target.clone()),
            Route::Cases(cases) => cases
                .iter()
                .find(|case| case.when.as_ref().is_none_or(|when| self.holds(when)))
                .map(|case| case.to.clone()),
        }
    }

    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Flag(flag, wanted) => self.flag(*flag) == *wanted,
            Condition::Money(fact, order, amount) => self
                .amount(*fact)
                .is_some_and(|found| order.holds(&found, amount)),
            Condition::Count(fact, order, n) => order.holds(&self.number(*fact), n),
            Condition::Slot(slot, word) => self
                .deal
                .slots
                .get(slot.name())
                .is_some_and(|value| matches!(value, Value::Text(text) if text == word)),
        }
    }

    fn flag(&self, flag: Flag) -> bool {
        let said = |slot: &str| self.deal.slots.contains_key(slot);
        let offers = self.offers.as_ref();
        match flag {
            Flag::TemMelhora => {
                offers.is_some_and(|offers| self.improvement < offers.improvements.len())
            }
            Flag::TemParcelas => offers.is_some_and(|offers| !offers.plans.is_empty()),
            Flag::TemHumano => self.brief.staffed,
            Flag::Identificado => self.verified.is_some(),
            Flag::TemAcordo => self.deal.closed,
            Flag::TemEscolha => self.deal.offer.is_some(),
            Flag::TemCet => self
                .deal
                .offer
                .as_ref()
                .is_some_and(|offer| offer.cet.is_some()),
            Flag::TemEmail => self.brief.has_email,
            Flag::DisseDia => said("data"),
            Flag::DisseHora => said("hora"),
            Flag::DisseValor => said("valor") || said("entrada"),
            Flag::DisseParcelas => said("parcelas"),
            Flag::DisseTelefone => said("telefone"),
        }
    }

    fn amount(&self, fact: MoneyFact) -> Option<Centavos> {
        let offers = self.offers.as_ref()?;
        Some(match fact {
            MoneyFact::Original => offers.updated.original,
            MoneyFact::Total => offers.updated.total,
            MoneyFact::Oferta => self.cash(offers).total,
            MoneyFact::Desconto => self.cash(offers).discount,
            MoneyFact::Acordo => self.deal.offer.as_ref()?.total,
        })
    }

    fn number(&self, fact: CountFact) -> u32 {
        let offers = self.offers.as_ref();
        match fact {
            CountFact::Contratos => offers.map_or(0, |offers| offers.owed.len() as u32),
            CountFact::ParcelasMax => {
                offers.map_or(0, crate::mind::offer::Offers::most_instalments)
            }
            CountFact::DiasAtraso => {
                offers.map_or(0, |offers| u32::try_from(offers.updated.days).unwrap_or(0))
            }
            CountFact::Visitas => self.visits.get(&self.state).copied().unwrap_or(0),
            CountFact::Reparos => self.repairs,
        }
    }

    /// Files the call under `code`, unless a stronger code stands already.
    pub(super) fn file_under(&mut self, code: &str) {
        // An end of the script that only says goodbye keeps what was reached before.
        if code == "@mantem" {
            return;
        }
        let rank = disposition::rank;
        match &mut self.disposition {
            None => self.disposition = Some(code.to_owned()),
            Some(standing) if standing == code => {}
            Some(standing) if rank(code) <= rank(standing) => {
                let weaker = std::mem::replace(standing, code.to_owned());
                self.secondary.push(weaker);
            }
            Some(_) => self.secondary.push(code.to_owned()),
        }
    }
}

/// What came of an act.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, taken apart at once"
)]
pub(super) enum Step {
    /// At once: the route of this name is taken.
    Outcome(&'static str),
    /// Later: the world has to do something first.
    Effect(Effect),
}
