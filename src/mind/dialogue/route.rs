//! Where the conversation goes.

use super::{
    ASKED_AT_MOST, Dialogue, Effect, Fault, HOPS_AT_MOST, Listen, NOINPUT_S, Then, Turn, Utterance,
    WAIT_S,
};
use crate::language::meaning::{Meaning, Value};
use crate::mind::facts::Condition;
use crate::mind::script::{Route, Target};

/// Which code stands when several apply: the first in this list.
const PRECEDENCE: &[&str] = &[
    "RISCO_VIDA",
    "FALECIDO",
    "OPTOUT_TITULAR",
    "OPTOUT_TERCEIRO",
    "JURIDICO",
    "SUSPEITA_FRAUDE",
    "CONTESTA",
    "PRESCRICAO_ALEGADA",
    "ALEGA_PAGAMENTO",
    "JA_NEGOCIADO",
    "ACORDO_AVISTA",
    "ACORDO_PARCELADO",
    "PROMESSA",
    "CALLBACK",
    "SUPERENDIVIDAMENTO",
    "SEM_CONDICOES",
    "DESEMPREGO",
    "DOENCA_LUTO",
    "RECUSA",
    "PEDIU_HUMANO",
];

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
            *self.visits.entry(name.clone()).or_default() += 1;
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
            self.question = Some(name.clone());
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
        self.waiting = false;
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
                self.waiting = true;
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
        if fault == Fault::Silence && std::mem::take(&mut self.waiting) {
            return Turn {
                say: self.prompt(&self.state, 1),
                then: Then::Listen(self.listen()),
            };
        }
        self.asked += 1;
        self.repairs += 1;
        let state = script.state.get(&self.state);
        if self.asked >= ASKED_AT_MOST || self.repairs > script.script.repairs {
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
        let prefaces = match fault {
            Fault::Silence => &script.global.noinput,
            Fault::NoMatch => &script.global.nomatch,
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
                .find(|case| case.when.is_none_or(|condition| self.holds(condition)))
                .map(|case| case.to.clone()),
        }
    }

    fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::TemMelhora => self
                .offers
                .as_ref()
                .is_some_and(|offers| self.improvement < offers.improvements.len()),
            Condition::TemParcelas => self
                .offers
                .as_ref()
                .is_some_and(|offers| !offers.plans.is_empty()),
            Condition::TemHumano => self.brief.staffed,
            Condition::Identificado => self.verified.is_some(),
            Condition::TemAcordo => self.deal.closed,
        }
    }

    /// Files the call under `code`, unless a stronger code stands already.
    pub(super) fn file_under(&mut self, code: &str) {
        // An end of the script that only says goodbye keeps what was reached before.
        if code == "@mantem" {
            return;
        }
        let rank = |code: &str| {
            PRECEDENCE
                .iter()
                .position(|known| *known == code)
                .unwrap_or(PRECEDENCE.len())
        };
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
pub(super) enum Step {
    /// At once: the route of this name is taken.
    Outcome(&'static str),
    /// Later: the world has to do something first.
    Effect(Effect),
}
