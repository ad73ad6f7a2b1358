//! A grammar made ready for the decoder: words become phones, jumps disappear.
//!
//! A *position* is a place between two phones. Each position has a node that hears the blank, and each phone that
//! leads to it has a node that hears that phone; all of them go on along the arcs of the position. So arcs are stored
//! once for a position, however many phones lead there. Spellings with the same rest share it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::model::AcousticModel;
use crate::language::g2p;
use crate::language::grammar::automaton::{Automaton, Jump, WordArc};

/// The blank's number among the network's outputs.
pub const BLANK: u8 = 0;
/// An arc that says nothing.
pub const NOTHING: u32 = 0;
/// Ways through the jumps behind one state that are followed at most; a grammar with a loop of tags has no end of them.
const MAX_WAYS: usize = 20_000;
/// Tags between two words at most, for the same reason.
const MAX_TAGS: usize = 48;

/// A compiled grammar; share it by `Arc`.
#[derive(Debug, Default)]
pub struct Graph {
    positions: Vec<Position>,
    nodes: Vec<Node>,
    arcs: Vec<PhoneArc>,
    endings: Vec<Ending>,
    sayings: Vec<Saying>,
    words: Vec<String>,
    tags: Vec<String>,
    phone_counts: Vec<u16>,
}

#[derive(Debug, Default)]
struct Position {
    arcs: Range<u32>,
    endings: Range<u32>,
    /// Another word may follow, once the one at hand is over.
    goes_on: bool,
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
    /// Compiles a grammar for the phones that the model was trained on.
    pub fn compile(automaton: &Automaton, _model: &AcousticModel) -> Self {
        Compiler::new(automaton).compile()
    }

    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    pub fn arcs(&self) -> usize {
        self.arcs.len()
    }

    /// Words that no rule can pronounce, so that nobody can be heard to say them (`"123"`).
    pub fn silent_words(&self) -> impl Iterator<Item = &str> {
        self.words
            .iter()
            .zip(&self.phone_counts)
            .filter(|(_, count)| **count == 0)
            .map(|(word, _)| word.as_str())
    }

    pub(super) fn has_tags(&self) -> bool {
        !self.tags.is_empty()
    }

    pub(super) fn word(&self, word: u32) -> &str {
        &self.words[word as usize]
    }

    pub(super) fn tag(&self, tag: u32) -> &str {
        &self.tags[tag as usize]
    }

    pub(super) fn phone_count(&self, word: u32) -> u16 {
        self.phone_counts[word as usize]
    }

    pub(super) fn node(&self, node: u32) -> Node {
        self.nodes[node as usize]
    }

    /// Where an utterance begins; the blank nodes come first, so a position and its blank have one number.
    pub(super) fn start(&self) -> u32 {
        0
    }

    pub(super) fn arcs_of(&self, position: u32) -> &[PhoneArc] {
        let Range { start, end } = self.positions[position as usize].arcs;
        &self.arcs[start as usize..end as usize]
    }

    pub(super) fn endings_of(&self, position: u32) -> &[Ending] {
        let Range { start, end } = self.positions[position as usize].endings;
        &self.endings[start as usize..end as usize]
    }

    pub(super) fn can_go_on(&self, position: u32) -> bool {
        self.positions[position as usize].goes_on
    }

    pub(super) fn saying(&self, saying: u32) -> &Saying {
        &self.sayings[saying as usize]
    }
}

/// A state behind jumps, and what the way there says and weighs.
#[derive(Clone)]
struct Way {
    state: u32,
    tags: Vec<u32>,
    weight: f32,
}

/// A position that has still to be made: before a state, or inside a word.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    State(u32),
    /// The rests of the pronunciations, sorted, and the state behind the word.
    Inside(Vec<String>, u32),
}

#[derive(Clone, Copy)]
struct Step {
    place: u32,
    label: u8,
    weight: f32,
    saying: u32,
}

struct Compiler<'a> {
    automaton: &'a Automaton,
    words_from: Vec<Vec<&'a WordArc>>,
    jumps_from: Vec<Vec<&'a Jump>>,
    pronunciations: Vec<Vec<String>>,
    places: BTreeMap<Place, u32>,
    waiting: Vec<Place>,
    sayings: BTreeMap<Saying, u32>,
}

impl<'a> Compiler<'a> {
    fn new(automaton: &'a Automaton) -> Self {
        let states = automaton.states as usize;
        let (mut words_from, mut jumps_from) = (vec![Vec::new(); states], vec![Vec::new(); states]);
        for arc in &automaton.arcs {
            words_from[arc.from as usize].push(arc);
        }
        for jump in &automaton.jumps {
            jumps_from[jump.from as usize].push(jump);
        }
        let pronunciations = automaton
            .words
            .iter()
            .map(|word| g2p::variants(word))
            .collect();
        let sayings = BTreeMap::from([(Saying::default(), NOTHING)]);
        Self {
            automaton,
            words_from,
            jumps_from,
            pronunciations,
            places: BTreeMap::new(),
            waiting: Vec::new(),
            sayings,
        }
    }

    fn compile(mut self) -> Graph {
        let mut steps: Vec<Vec<Step>> = Vec::new();
        let mut endings: Vec<Vec<Ending>> = Vec::new();
        self.place(Place::State(self.automaton.start));
        let mut done = 0;
        while let Some(place) = self.waiting.get(done).cloned() {
            let (step, ending) = match &place {
                Place::State(state) => self.leaving(*state),
                Place::Inside(rests, state) => {
                    (self.inside(rests, *state, NOTHING, 0.0), Vec::new())
                }
            };
            steps.push(step);
            endings.push(ending);
            done += 1;
        }
        self.assemble(&steps, endings)
    }

    /// The number of a place, which is made later if it is new.
    fn place(&mut self, place: Place) -> u32 {
        let next = self.waiting.len() as u32;
        let number = *self.places.entry(place.clone()).or_insert(next);
        if number == next {
            self.waiting.push(place);
        }
        number
    }

    fn leaving(&mut self, state: u32) -> (Vec<Step>, Vec<Ending>) {
        let (mut steps, mut endings) = (Vec::new(), Vec::new());
        for way in self.ways(state) {
            if way.state == self.automaton.end {
                endings.push(Ending {
                    tags: way.tags.clone(),
                    weight: way.weight,
                });
            }
            for arc in self.words_from[way.state as usize].clone() {
                let saying = self.saying(Saying {
                    tags: way.tags.clone(),
                    word: Some(arc.word),
                });
                let rests = self.pronunciations[arc.word as usize].clone();
                steps.extend(self.inside(&rests, arc.to, saying, way.weight));
            }
        }
        (steps, endings)
    }

    /// The first phones of `rests`, and the places behind them.
    fn inside(&mut self, rests: &[String], state: u32, saying: u32, weight: f32) -> Vec<Step> {
        let mut by_phone: BTreeMap<u8, Vec<String>> = BTreeMap::new();
        for rest in rests {
            if let Some((&first, _)) = rest.as_bytes().split_first() {
                by_phone
                    .entry(label_of(first))
                    .or_default()
                    .push(rest[1..].to_owned());
            }
        }
        let mut steps = Vec::new();
        for (label, rests) in by_phone {
            let longer: Vec<String> = rests
                .iter()
                .filter(|rest| !rest.is_empty())
                .cloned()
                .collect();
            if longer.len() < rests.len() {
                steps.push(Step {
                    place: self.place(Place::State(state)),
                    label,
                    weight,
                    saying,
                });
            }
            if !longer.is_empty() {
                steps.push(Step {
                    place: self.place(Place::Inside(longer, state)),
                    label,
                    weight,
                    saying,
                });
            }
        }
        steps
    }

    fn saying(&mut self, saying: Saying) -> u32 {
        let next = self.sayings.len() as u32;
        *self.sayings.entry(saying).or_insert(next)
    }

    /// All states that jumps lead to, each with every sequence of tags, at its best weight.
    fn ways(&self, state: u32) -> Vec<Way> {
        let mut best: BTreeMap<(u32, Vec<u32>), f32> = BTreeMap::new();
        let mut open = vec![Way {
            state,
            tags: Vec::new(),
            weight: 0.0,
        }];
        while let Some(way) = open.pop() {
            let known = best
                .get(&(way.state, way.tags.clone()))
                .copied()
                .unwrap_or(f32::NEG_INFINITY);
            if known >= way.weight || best.len() >= MAX_WAYS {
                continue;
            }
            best.insert((way.state, way.tags.clone()), way.weight);
            for jump in &self.jumps_from[way.state as usize] {
                let mut tags = way.tags.clone();
                tags.extend(jump.tag);
                if tags.len() <= MAX_TAGS {
                    open.push(Way {
                        state: jump.to,
                        tags,
                        weight: way.weight + jump.weight,
                    });
                }
            }
        }
        best.into_iter()
            .map(|((state, tags), weight)| Way {
                state,
                tags,
                weight,
            })
            .collect()
    }

    fn assemble(self, steps: &[Vec<Step>], endings: Vec<Vec<Ending>>) -> Graph {
        let mut graph = Graph {
            words: self.automaton.words.clone(),
            tags: self.automaton.tags.clone(),
            ..Graph::default()
        };
        graph.phone_counts = self
            .automaton
            .words
            .iter()
            .map(|word| g2p::word(word).len().min(999) as u16)
            .collect();
        graph.sayings = vec![Saying::default(); self.sayings.len()];
        for (saying, number) in self.sayings {
            graph.sayings[number as usize] = saying;
        }
        graph.nodes = (0..steps.len() as u32)
            .map(|position| Node {
                position,
                label: BLANK,
            })
            .collect();
        let mut nodes = BTreeMap::new();
        for ((place, from), endings) in self.waiting.iter().zip(steps).zip(endings) {
            let (Place::State(state) | Place::Inside(_, state)) = place;
            let behind = self.places.get(&Place::State(*state)).copied();
            let arcs = arcs(from, &mut nodes, &mut graph.nodes);
            let position = Position {
                arcs: extend(&mut graph.arcs, arcs),
                endings: extend(&mut graph.endings, endings),
                goes_on: behind.is_some_and(|place| !steps[place as usize].is_empty()),
            };
            graph.positions.push(position);
        }
        graph
    }
}

/// The arcs of one position: every node once for the same saying, at its best weight.
fn arcs(
    steps: &[Step],
    numbers: &mut BTreeMap<(u32, u8), u32>,
    nodes: &mut Vec<Node>,
) -> Vec<PhoneArc> {
    let mut best: BTreeMap<(u32, u32), PhoneArc> = BTreeMap::new();
    for step in steps {
        let node = *numbers.entry((step.place, step.label)).or_insert_with(|| {
            nodes.push(Node {
                position: step.place,
                label: step.label,
            });
            nodes.len() as u32 - 1
        });
        let arc = PhoneArc {
            node,
            weight: step.weight,
            saying: step.saying,
            label: step.label,
        };
        let known = best.entry((node, step.saying)).or_insert(arc);
        known.weight = known.weight.max(step.weight);
    }
    best.into_values().collect()
}

fn extend<T>(all: &mut Vec<T>, new: Vec<T>) -> Range<u32> {
    let start = all.len() as u32;
    all.extend(new);
    start..all.len() as u32
}

/// The network's output for a phone.
fn label_of(phone: u8) -> u8 {
    let index = g2p::PHONES.bytes().position(|known| known == phone);
    index.expect("the rules spell with these phones only") as u8 + 1
}

#[cfg(test)]
mod tests {
    use super::super::toy::{Toy, model};
    use super::*;

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
}
