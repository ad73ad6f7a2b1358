//! The script as a graph of everything that a call may have done: where it stands, which question it would come back
//! to, and what is known by then. Small enough to be walked whole, so that what is said of all calls is said of each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::words;
use crate::mind::facts::{Condition, Flag};
use crate::mind::known::Known;
use crate::mind::script::{Route, Script, State, Target, Verb};

/// A script that gives rise to more is not one that a person wrote; what was walked until then is checked.
const NODES_AT_MOST: usize = 400_000;

/// A call on the point of entering a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    pub state: usize,
    /// The question that a detour comes back to.
    question: Option<usize>,
    /// What is known before the state says anything.
    pub known: Known,
}

/// One way out of a node.
#[derive(Clone, Copy, Debug)]
struct Edge {
    to: usize,
}

#[derive(Debug, Default)]
pub struct Graph {
    pub names: Vec<String>,
    pub nodes: Vec<Node>,
    parents: Vec<Option<usize>>,
    edges: Vec<Vec<Edge>>,
    /// Nodes in which a call may end.
    ends: BTreeSet<usize>,
    /// Nodes from which the caller is asked something.
    asks: Vec<bool>,
    /// Nodes that go back to a question when none was asked.
    pub lost: Vec<usize>,
}

impl Graph {
    /// Follows every route from the start.
    pub fn of(script: &Script) -> Self {
        let names: Vec<String> = script.state.keys().cloned().collect();
        let mut walker = Walker {
            script,
            numbers: names
                .iter()
                .enumerate()
                .map(|(number, name)| (name.as_str(), number))
                .collect(),
            given: names
                .iter()
                .map(|name| given(script, &script.state[name]))
                .collect(),
            index: BTreeMap::new(),
            open: VecDeque::new(),
            graph: Self::default(),
        };
        walker.walk();
        let graph = walker.graph;
        Self { names, ..graph }
    }

    /// The name of a node's state.
    pub fn name(&self, node: usize) -> &str {
        &self.names[self.nodes[node].state]
    }

    /// The nodes of a state, the nearest to the start first.
    pub fn of_state<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        (0..self.nodes.len()).filter(move |&node| self.name(node) == name)
    }

    /// The states of a call that gets to a node, by the shortest way.
    pub fn path(&self, node: usize) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = Some(node);
        while let Some(node) = at {
            let name = self.name(node);
            if path.last().is_none_or(|last| last != name) {
                path.push(name.to_owned());
            }
            at = self.parents[node];
        }
        path.reverse();
        path
    }

    /// The nodes that a node leads to.
    pub fn next(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.edges[node].iter().map(|edge| edge.to)
    }

    pub fn asks(&self, node: usize) -> bool {
        self.asks[node]
    }

    /// Nodes from which no path leads to an end.
    pub fn endless(&self) -> Vec<usize> {
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (from, edges) in self.edges.iter().enumerate() {
            for edge in edges {
                before[edge.to].push(from);
            }
        }
        let mut ending = vec![false; self.nodes.len()];
        let mut open: Vec<usize> = self.ends.iter().copied().collect();
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut ending[node], true) {
                open.extend(&before[node]);
            }
        }
        (0..self.nodes.len())
            .filter(|&node| !ending[node])
            .collect()
    }

    /// Circles in which nobody is asked anything: a call would stay in them for ever. Each as the nodes on it.
    pub fn silent_circles(&self) -> Vec<Vec<usize>> {
        // 0 new, 1 on the way, 2 done.
        let mut colour = vec![0_u8; self.nodes.len()];
        let mut circles = Vec::new();
        for start in 0..self.nodes.len() {
            if colour[start] != 0 || self.asks(start) {
                continue;
            }
            let mut way: Vec<(usize, usize)> = vec![(start, 0)];
            colour[start] = 1;
            while let Some((node, nth)) = way.last().copied() {
                let Some(edge) = self.edges[node].get(nth) else {
                    colour[node] = 2;
                    way.pop();
                    continue;
                };
                if let Some(last) = way.last_mut() {
                    last.1 += 1;
                }
                if self.asks(edge.to) {
                    continue;
                }
                match colour[edge.to] {
                    0 => {
                        colour[edge.to] = 1;
                        way.push((edge.to, 0));
                    }
                    1 => {
                        let nodes = way.iter().map(|(node, _)| *node);
                        circles.push(nodes.skip_while(|&node| node != edge.to).collect());
                    }
                    _ => {}
                }
            }
        }
        circles
    }
}

/// What a state's own prompt tells, in each of its variants.
fn given(script: &Script, state: &State) -> Known {
    let mut given = Known::NOTHING;
    if state.say.is_empty() {
        return given;
    }
    let all = |words: &[&str]| {
        state
            .say
            .iter()
            .all(|text| words.iter().all(|word| words::has_variable(text, word)))
    };
    if all(&["v_original", "v_multa", "v_juros"]) {
        given |= Known::COMPOSITION;
    }
    if all(&["credor"]) {
        given |= Known::CREDITOR;
    }
    for (nth, notice) in script.notice.values().enumerate() {
        if state.say.iter().all(|text| words::gives(text, notice)) {
            given |= Known::notice(nth);
        }
    }
    given
}

/// Whether a state reads an agreement out whole, in every way it may ask, and does not let itself be interrupted.
pub fn reads_out(state: &State) -> bool {
    let whole = |text: &String| {
        ["plano", "v_acordo", "data_acordo"]
            .iter()
            .all(|variable| words::has_variable(text, variable))
    };
    state.mandatory
        && !state.listen.is_empty()
        && !state.say.is_empty()
        && state.say.iter().chain(&state.again).all(whole)
}

/// What is known after a verb came out as `outcome`.
fn after(verb: Verb, outcome: &str, before: Known) -> Known {
    let chosen = Known::CHOSEN;
    let changed = before.without(Known::ACCEPTED | Known::DAY_TAKEN);
    match (verb, outcome) {
        (Verb::ConfereCpf | Verb::ConfereNascimento, "confere") => before | Known::VERIFIED,
        (Verb::EsquecePessoa, _) => before.without(
            Known::VERIFIED
                | Known::OFFERS
                | chosen
                | Known::NEAREST
                | Known::DAY_ASKED
                | Known::DAY_PROPOSED
                | Known::DAY_TAKEN
                | Known::ACCEPTED,
        ),
        (Verb::CalculaOfertas, "ok") if before.has(Known::VERIFIED) => before | Known::OFFERS,
        (Verb::MenorParcela, "ok") if before.has(Known::OFFERS) => {
            changed | chosen | Known::NEAREST
        }
        (Verb::EscolheAvista | Verb::EscolheParcelas, "ok") if before.has(Known::OFFERS) => {
            changed | chosen
        }
        (Verb::Contraproposta, "dentro") if before.has(Known::OFFERS) => changed | chosen,
        (Verb::Contraproposta, "fora") if before.has(Known::OFFERS) => {
            changed | chosen | Known::NEAREST
        }
        (Verb::MarcaDia, "ok") => changed | Known::DAY_ASKED | Known::DAY_TAKEN,
        (Verb::MarcaDia, "mudou") => changed | Known::DAY_ASKED | Known::DAY_PROPOSED,
        (Verb::MarcaDia, "fora") => changed | Known::DAY_ASKED,
        (Verb::AceitaDia, _) if before.has(Known::DAY_PROPOSED) => before | Known::DAY_TAKEN,
        (Verb::EscolheMeio | Verb::EscolheBoleto | Verb::EscolhePix, _) => {
            before.without(Known::ACCEPTED) | Known::MEANS
        }
        (Verb::FechaAcordo, "emitido") => before.without(Known::ACCEPTED) | Known::CLOSED,
        (Verb::Agenda, "ok") => before | Known::WHEN,
        _ => before,
    }
}

/// What must have happened before a verb is of use.
pub const fn wants(verb: Verb) -> Known {
    match verb {
        Verb::CalculaOfertas => Known::VERIFIED,
        Verb::MelhoraOferta
        | Verb::EscolheAvista
        | Verb::EscolheParcelas
        | Verb::MenorParcela
        | Verb::Contraproposta => Known::OFFERS,
        Verb::MarcaDia => Known::CHOSEN,
        Verb::AceitaDia => Known::DAY_PROPOSED,
        Verb::Reenvia => Known::CLOSED,
        Verb::ConfereCpf
        | Verb::ConfereNascimento
        | Verb::EsquecePessoa
        | Verb::EscolheMeio
        | Verb::EscolheBoleto
        | Verb::EscolhePix
        | Verb::FechaAcordo
        | Verb::Envia
        | Verb::Transfere
        | Verb::Agenda
        | Verb::Anota => Known::NOTHING,
    }
}

/// Whether a condition holds where this much is known; `None` when it may and may not.
fn holds(condition: &Condition, known: Known) -> Option<bool> {
    let computed = known.has(Known::OFFERS);
    let exactly = |fact| Some(known.has(fact));
    match condition {
        Condition::Flag(flag, wanted) => {
            let is = match flag {
                Flag::Identificado => exactly(Known::VERIFIED),
                Flag::TemAcordo => exactly(Known::CLOSED),
                Flag::TemEscolha => exactly(Known::CHOSEN),
                Flag::TemMelhora | Flag::TemParcelas if !computed => Some(false),
                _ => None,
            };
            is.map(|is| is == *wanted)
        }
        Condition::Money(..) if !computed => Some(false),
        Condition::Money(..) | Condition::Count(..) | Condition::Slot(..) => None,
    }
}

struct Walker<'a> {
    script: &'a Script,
    numbers: BTreeMap<&'a str, usize>,
    given: Vec<Known>,
    index: BTreeMap<Node, usize>,
    open: VecDeque<usize>,
    graph: Graph,
}

impl<'a> Walker<'a> {
    fn walk(&mut self) {
        let start = self.numbers.get(self.script.script.start.as_str()).copied();
        if let Some(state) = start {
            let node = Node {
                state,
                question: None,
                known: Known::NOTHING,
            };
            self.reach(node, None);
        }
        while let Some(at) = self.open.pop_front() {
            self.leave(at);
        }
    }

    fn reach(&mut self, node: Node, from: Option<usize>) -> usize {
        if let Some(&known) = self.index.get(&node) {
            return known;
        }
        let number = self.graph.nodes.len();
        self.index.insert(node, number);
        self.graph.nodes.push(node);
        self.graph.parents.push(from);
        self.graph.edges.push(Vec::new());
        let state = self.state(node.state);
        self.graph.asks.push(!state.listen.is_empty());
        if number < NODES_AT_MOST {
            self.open.push_back(number);
        } else {
            // Not walked on; it counts as an end, or every script of this size would seem endless.
            self.graph.ends.insert(number);
        }
        number
    }

    fn state(&self, number: usize) -> &'a State {
        self.script
            .state
            .values()
            .nth(number)
            .expect("the number of a state")
    }

    /// All ways out of a node.
    fn leave(&mut self, at: usize) {
        let node = self.graph.nodes[at];
        let state = self.state(node.state);
        let told = node.known | self.given[node.state];
        if let Some(route) = &state.beyond {
            self.follow(at, node, route, node.known);
        }
        if state.end.is_some() {
            self.graph.ends.insert(at);
        } else if let Some(verb) = state.act {
            for outcome in verb.outcomes() {
                if let Some(route) = state.on.get(*outcome) {
                    self.follow(at, node, route, after(verb, outcome, told));
                }
            }
        } else if let Some(route) = &state.next {
            self.follow(at, node, route, told);
        } else if !state.listen.is_empty() {
            self.answer(at, node, state, told);
        }
    }

    /// All answers to a question, and none.
    fn answer(&mut self, at: usize, node: Node, state: &'a State, told: Known) {
        let back = match node.question {
            Some(before) if state.detour => before,
            _ => node.state,
        };
        let asked = Node {
            question: Some(back),
            ..node
        };
        let told = told.without(Known::ACCEPTED);
        let global = &self.script.global;
        let yes = told | Known::ACCEPTED;
        let reading = reads_out(state);
        let own = state.on.iter();
        let general = global
            .on
            .iter()
            .filter(|(intent, _)| !state.on.contains_key(*intent));
        for (intent, route) in own.chain(general) {
            let known = if reading && intent == "SIM" {
                yes
            } else {
                told
            };
            self.follow(at, asked, route, known);
        }
        let silence = state.silence.as_ref().or(global.silence.as_ref());
        let confusion = state.confusion.as_ref().or(global.confusion.as_ref());
        for route in [
            silence,
            confusion,
            global.overtime.as_ref(),
            global.patience.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            self.follow(at, asked, route, told);
        }
    }

    fn follow(&mut self, at: usize, from: Node, route: &Route, known: Known) {
        match route {
            Route::Target(target) => self.go(at, from, target, known),
            Route::Cases(cases) => {
                for case in cases {
                    match case
                        .when
                        .as_ref()
                        .map_or(Some(true), |when| holds(when, known))
                    {
                        Some(false) => {}
                        Some(true) => return self.go(at, from, &case.to, known),
                        None => self.go(at, from, &case.to, known),
                    }
                }
            }
        }
    }

    fn go(&mut self, at: usize, from: Node, target: &Target, known: Known) {
        let to = match target {
            Target::State(name) => match self.numbers.get(name.as_str()) {
                Some(&state) => Node {
                    state,
                    question: from.question,
                    known,
                },
                None => return,
            },
            Target::Back => match from.question {
                Some(question) => Node {
                    state: question,
                    question: Some(question),
                    known,
                },
                None => {
                    self.graph.lost.push(at);
                    return;
                }
            },
            // The same question again, in the same place.
            Target::Repeat | Target::Wait => return,
        };
        let to = self.reach(to, Some(at));
        self.graph.edges[at].push(Edge { to });
    }
}
