//! The script as a graph: what leads where, and what is surely known there.

use std::collections::{BTreeMap, BTreeSet};

use crate::mind::facts::Condition;
use crate::mind::script::{Route, Script, State, Target, Verb};

/// What is known on every path into a state. Ordered: each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knowledge {
    /// Anybody may be on the line.
    Nobody,
    /// The right party was verified.
    Verified,
    /// What is owed and offered was computed.
    Debt,
    /// Something was chosen.
    Deal,
}

/// How a state is reached with the least knowledge.
#[derive(Clone, Debug)]
pub struct Reached {
    pub knowledge: Knowledge,
    from: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub reached: BTreeMap<String, Reached>,
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Follows every route from the start, keeping for each state the least that may be known there.
    pub fn of(script: &Script) -> Self {
        let mut graph = Self::default();
        let mut open = vec![(
            script.script.start.clone(),
            Reached {
                knowledge: Knowledge::Nobody,
                from: None,
            },
        )];
        while let Some((name, reached)) = open.pop() {
            let Some(state) = script.state.get(&name) else {
                continue;
            };
            if graph
                .reached
                .get(&name)
                .is_some_and(|known| known.knowledge <= reached.knowledge)
            {
                continue;
            }
            graph.reached.insert(name.clone(), reached.clone());
            for Edge { key, when, target } in routes(script, state) {
                graph
                    .edges
                    .entry(name.clone())
                    .or_default()
                    .insert(target.to_owned());
                let knowledge = after(state.act, key, reached.knowledge).max(implied(when));
                open.push((
                    target.to_owned(),
                    Reached {
                        knowledge,
                        from: Some(name.clone()),
                    },
                ));
            }
        }
        graph
    }

    /// The states of a call that gets to `state` knowing least.
    pub fn path_to(&self, state: &str) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = Some(state.to_owned());
        while let Some(name) = at {
            if path.contains(&name) {
                break;
            }
            at = self
                .reached
                .get(&name)
                .and_then(|reached| reached.from.clone());
            path.push(name);
        }
        path.reverse();
        path
    }

    /// Reached states from which no path leads to an end. A way back leads to the question that was left.
    pub fn without_end(&self, script: &Script) -> Vec<String> {
        let mut ends: BTreeSet<&str> = script
            .state
            .iter()
            .filter(|(_, s)| s.end.is_some() || comes_back(s))
            .map(|(n, _)| n.as_str())
            .collect();
        loop {
            let grown: Vec<&str> = self
                .edges
                .iter()
                .filter(|(from, to)| {
                    !ends.contains(from.as_str()) && to.iter().any(|to| ends.contains(to.as_str()))
                })
                .map(|(from, _)| from.as_str())
                .collect();
            if grown.is_empty() {
                break;
            }
            ends.extend(grown);
        }
        self.reached
            .keys()
            .filter(|name| !ends.contains(name.as_str()))
            .cloned()
            .collect()
    }
}

fn comes_back(state: &State) -> bool {
    state
        .next
        .iter()
        .flat_map(targets)
        .any(|target| *target == Target::Back)
}

fn targets(route: &Route) -> Vec<&Target> {
    super::targets(route)
}

/// One way out of a state.
struct Edge<'a> {
    /// The intent or outcome that leads along it.
    key: &'a str,
    /// What holds whenever it is taken.
    when: Option<Condition>,
    target: &'a str,
}

/// What is surely known where a condition holds.
const fn implied(when: Option<Condition>) -> Knowledge {
    match when {
        Some(Condition::Identificado) => Knowledge::Verified,
        Some(Condition::TemMelhora | Condition::TemParcelas) => Knowledge::Debt,
        Some(Condition::TemAcordo) => Knowledge::Deal,
        Some(Condition::TemHumano) | None => Knowledge::Nobody,
    }
}

fn cases(route: &Route) -> Vec<(Option<Condition>, &Target)> {
    match route {
        Route::Target(target) => vec![(None, target)],
        Route::Cases(cases) => cases.iter().map(|case| (case.when, &case.to)).collect(),
    }
}

/// Every state that `state` may lead to.
fn routes<'a>(script: &'a Script, state: &'a State) -> Vec<Edge<'a>> {
    let own = state.on.iter().map(|(key, route)| (key.as_str(), route));
    let next = state.next.iter().map(|route| ("next", route));
    let exits = [&state.silence, &state.confusion]
        .into_iter()
        .flatten()
        .map(|route| ("exit", route));
    let is_question = !state.listen.is_empty();
    let global = &script.global;
    let general = global
        .on
        .iter()
        .map(|(key, route)| (key.as_str(), route))
        .chain(
            [&global.silence, &global.confusion, &global.overtime]
                .into_iter()
                .flatten()
                .map(|route| ("exit", route)),
        )
        .filter(|_| is_question);
    own.chain(next)
        .chain(exits)
        .chain(general)
        .flat_map(|(key, route)| {
            cases(route)
                .into_iter()
                .map(move |(when, target)| (key, when, target))
        })
        .filter_map(|(key, when, target)| match target {
            Target::State(name) => Some(Edge {
                key,
                when,
                target: name,
            }),
            Target::Repeat | Target::Back | Target::Wait => None,
        })
        .collect()
}

/// What is known after a verb came out as `outcome`.
fn after(verb: Option<Verb>, outcome: &str, before: Knowledge) -> Knowledge {
    let gained = match (verb, outcome) {
        (Some(Verb::ConfereCpf), "confere") => Knowledge::Verified,
        (Some(Verb::CalculaOfertas), "ok") if before >= Knowledge::Verified => Knowledge::Debt,
        (Some(Verb::EscolheAvista | Verb::EscolheParcelas), "ok") if before >= Knowledge::Debt => {
            Knowledge::Deal
        }
        (Some(Verb::Contraproposta), "dentro" | "fora") if before >= Knowledge::Debt => {
            Knowledge::Deal
        }
        _ => before,
    };
    before.max(gained)
}
