//! A grammar made ready for the decoder: words become phones, jumps disappear.
//!
//! A *position* is a place between two phones. Each position has a node that hears the blank, and each phone that
//! leads to it has a node that hears that phone; all of them go on along the arcs of the position. So arcs are stored
//! once for a position, however many phones lead there. Spellings with the same rest share it.
//!
//! Rules that each call fills in, names of people, are slots. The grammar around them is compiled once for all calls;
//! a call adds the few nodes of its own phrases ([`Graph::with`]).

mod compile;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use self::compile::Compiler;
use super::model::AcousticModel;
use crate::language::grammar::automaton::{Automaton, SLOT};

/// The blank's number among the network's outputs.
pub const BLANK: u8 = 0;
/// An arc that says nothing.
pub const NOTHING: u32 = 0;

/// A compiled grammar. Copies are cheap: what is large is shared.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// What all calls share.
    shared: Arc<Tables>,
    /// What this call put into the slots; its numbers go on where the shared ones end.
    own: Tables,
    /// The arcs of shared positions with a slot, the way through it included: ranges of `own.arcs`.
    detours: BTreeMap<u32, Range<u32>>,
}

#[derive(Clone, Debug, Default)]
struct Tables {
    positions: Vec<Position>,
    nodes: Vec<Node>,
    arcs: Vec<PhoneArc>,
    endings: Vec<Ending>,
    sayings: Vec<Saying>,
    words: Vec<String>,
    tags: Vec<String>,
    phone_counts: Vec<u16>,
    slots: Vec<Slot>,
}

#[derive(Clone, Debug, Default)]
struct Position {
    arcs: Range<u32>,
    endings: Range<u32>,
    /// Another word may follow, once the one at hand is over.
    goes_on: bool,
    has_slot: bool,
}

impl Position {
    /// A word may follow here.
    const fn leads_on(&self) -> bool {
        self.arcs.start < self.arcs.end || self.has_slot
    }
}

/// A word that each call has its own phrases for.
#[derive(Clone, Debug)]
struct Slot {
    rule: String,
    /// The positions before and behind it.
    from: u32,
    to: u32,
    /// What leads to it.
    tags: Vec<u32>,
    weight: f32,
}

/// What hears one 30 ms row.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub position: u32,
    /// Number of the network's output.
    pub label: u8,
}

/// Leads from a position to the node of a phone.
#[derive(Clone, Copy, Debug)]
pub struct PhoneArc {
    pub node: u32,
    /// Natural logarithm.
    pub weight: f32,
    /// Index into the sayings; [`NOTHING`] inside a word.
    pub saying: u32,
    pub label: u8,
}

/// The end of the grammar, behind a position.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    pub tags: Vec<u32>,
    pub weight: f32,
}

/// What passing an arc says: tags, then the word that begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Saying {
    pub tags: Vec<u32>,
    pub word: Option<u32>,
}

impl Graph {
    /// Compiles a grammar for the phones that the model was trained on. Words that begin with [`SLOT`] stay open.
    pub fn compile(automaton: &Automaton, _model: &AcousticModel) -> Self {
        let tables = Compiler::new(automaton).compile();
        Self {
            shared: Arc::new(tables),
            ..Self::default()
        }
    }

    /// The same with phrases in the slots, given by the name of the rule that was left open.
    pub fn with(&self, phrases: &BTreeMap<String, Vec<String>>) -> Self {
        let (own, detours) = compile::fill(&self.shared, phrases);
        Self {
            shared: self.shared.clone(),
            own,
            detours,
        }
    }

    pub fn nodes(&self) -> usize {
        self.shared.nodes.len() + self.own.nodes.len()
    }

    pub fn arcs(&self) -> usize {
        self.shared.arcs.len() + self.own.arcs.len()
    }

    /// Words that no rule can pronounce, so that nobody can be heard to say them (`"123"`).
    pub fn silent_words(&self) -> impl Iterator<Item = &str> {
        self.shared
            .words
            .iter()
            .zip(&self.shared.phone_counts)
            .filter(|(word, count)| **count == 0 && !word.starts_with(SLOT))
            .map(|(word, _)| word.as_str())
    }

    pub(super) fn has_tags(&self) -> bool {
        !self.shared.tags.is_empty()
    }

    pub(super) fn word(&self, word: u32) -> &str {
        either::<String>(&self.shared.words, &self.own.words, word)
    }

    /// Only the shared grammar has tags.
    pub(super) fn tag(&self, tag: u32) -> &str {
        &self.shared.tags[tag as usize]
    }

    pub(super) fn phone_count(&self, word: u32) -> u16 {
        *either(&self.shared.phone_counts, &self.own.phone_counts, word)
    }

    pub(super) fn node(&self, node: u32) -> Node {
        *either(&self.shared.nodes, &self.own.nodes, node)
    }

    /// Where an utterance begins.
    pub(super) fn start(&self) -> u32 {
        self.blank_of(0)
    }

    /// The node that hears the blank at a position: these come first, in the order of the positions.
    pub(super) fn blank_of(&self, position: u32) -> u32 {
        let shared = self.shared.positions.len() as u32;
        match position < shared {
            true => position,
            false => position - shared + self.shared.nodes.len() as u32,
        }
    }

    pub(super) fn arcs_of(&self, position: u32) -> &[PhoneArc] {
        let all = self.shared.positions.len();
        let (arcs, Range { start, end }) = match self.shared.positions.get(position as usize) {
            Some(shared) => match self.detours.get(&position).filter(|_| shared.has_slot) {
                Some(detour) => (&self.own.arcs, detour.clone()),
                None => (&self.shared.arcs, shared.arcs.clone()),
            },
            None => (
                &self.own.arcs,
                self.own.positions[position as usize - all].arcs.clone(),
            ),
        };
        &arcs[start as usize..end as usize]
    }

    /// Only the shared grammar ends.
    pub(super) fn endings_of(&self, position: u32) -> &[Ending] {
        let Some(position) = self.shared.positions.get(position as usize) else {
            return &[];
        };
        let Range { start, end } = position.endings;
        &self.shared.endings[start as usize..end as usize]
    }

    pub(super) fn can_go_on(&self, position: u32) -> bool {
        either(&self.shared.positions, &self.own.positions, position).goes_on
    }

    pub(super) fn saying(&self, saying: u32) -> &Saying {
        either(&self.shared.sayings, &self.own.sayings, saying)
    }
}

fn either<'a, T>(shared: &'a [T], own: &'a [T], number: u32) -> &'a T {
    let number = number as usize;
    shared
        .get(number)
        .unwrap_or_else(|| &own[number - shared.len()])
}

#[cfg(test)]
mod tests {
    use super::super::decoder::{CALL_CELLS, Decoder};
    use super::super::toy::{Toy, model, spoken};
    use super::*;
    use crate::language::grammar::{Grammar, Jump};

    #[test]
    fn spellings_share_their_ends() {
        // "dez" and "deys" and their hushed twins: a start, one place inside each, one end.
        let graph = Graph::compile(&Toy::choice(&[("dez", "10")]), &model());
        assert_eq!(graph.arcs_of(graph.start()).len(), 1);
        assert!(graph.nodes() < 14, "{}", graph.nodes());
    }

    #[test]
    fn a_loop_of_tags_ends() {
        let mut automaton = Toy::choice(&[("sim", "SIM")]);
        automaton.jumps.push(Jump {
            from: automaton.start,
            to: automaton.start,
            tag: Some(0),
            weight: 0.0,
        });
        assert!(Graph::compile(&automaton, &model()).arcs() > 0);
    }

    #[test]
    fn tells_which_words_nobody_can_say() {
        let graph = Graph::compile(&Toy::choice(&[("sim", "SIM"), ("123", "N")]), &model());
        assert_eq!(graph.silent_words().collect::<Vec<_>>(), ["123"]);
    }

    /// What is heard of a text: words and tags.
    fn heard(graph: &Graph, text: &str) -> Option<(String, Vec<String>)> {
        let mut decoder = Decoder::new(CALL_CELLS);
        decoder.start(graph);
        spoken(text).iter().for_each(|row| decoder.step(graph, row));
        let best = decoder.endings(graph, 4).into_iter().next()?;
        let words: Vec<&str> = best
            .words
            .iter()
            .map(|spoken| graph.word(spoken.word))
            .collect();
        let tags = best
            .tags
            .iter()
            .map(|&tag| graph.tag(tag).to_owned())
            .collect();
        Some((words.join(" "), tags))
    }

    fn named() -> Graph {
        let text = "#ABNF 1.0 UTF-8;\nlanguage pt-BR;\nroot $r;\n$nome = $VOID;\n\
            public $r = {SIM} [sim | é] $nome [mesmo] | {FOI} $nome saiu | {NAO} não (tem | conheço) [nenhum] $nome | {OI} alô;\n";
        let files = |name: &str| (name == "g").then(|| text.to_owned());
        let grammar = Grammar::load(&files, "g").expect("a grammar");
        let automaton = grammar
            .automaton_with_slots(&["nome"])
            .expect("an automaton");
        Graph::compile(&automaton, &model())
    }

    #[test]
    fn each_call_fills_in_its_own_names() {
        let graph = named();
        let of = |names: &[&str]| {
            let names = names.iter().copied().map(String::from).collect();
            graph.with(&BTreeMap::from([("nome".to_owned(), names)]))
        };
        let (ana, joao) = (
            of(&["ana", "ana maria"]),
            of(&["joão", "joão silva", "silva"]),
        );
        for (graph, text, tag) in [
            (&ana, "sim ana", "SIM"),
            (&ana, "ana maria", "SIM"),
            (&ana, "ana maria mesmo", "SIM"),
            (&ana, "ana saiu", "FOI"),
            (&ana, "não conheço nenhum ana", "NAO"),
            (&ana, "alô", "OI"),
            (&joao, "é joão silva", "SIM"),
            (&joao, "silva saiu", "FOI"),
            (&joao, "não tem joão", "NAO"),
        ] {
            let found = heard(graph, text).expect(text);
            assert_eq!(found, (text.to_owned(), vec![tag.to_owned()]));
        }
        // Nobody's name: only what has none can be heard.
        assert_eq!(heard(&graph, "alô").expect("heard").0, "alô");
        assert_ne!(heard(&graph, "ana saiu"), heard(&ana, "ana saiu"));
        // What a call holds for itself is small beside the grammar that all share.
        let own = (ana.nodes() - graph.nodes(), ana.arcs() - graph.arcs());
        assert!(own.0 < 100 && own.1 < 500, "nodes and arcs: {own:?}");
    }

    /// "ana" may go on; "ana saiu" may not.
    #[test]
    fn a_name_goes_on_behind_its_slot() {
        let graph = named().with(&BTreeMap::from([(
            "nome".to_owned(),
            vec!["ana".to_owned()],
        )]));
        for (text, goes_on) in [("ana", true), ("ana saiu", false)] {
            let mut decoder = Decoder::new(CALL_CELLS);
            decoder.start(&graph);
            spoken(text)
                .iter()
                .for_each(|row| decoder.step(&graph, row));
            let leader = decoder.leader(&graph).expect("a leader");
            assert!(leader.is_final);
            assert_eq!(leader.complete, !goes_on, "{text}");
        }
    }
}
