//! From an automaton over words to positions and phones.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{BLANK, Ending, NOTHING, Node, PhoneArc, Position, Saying, Slot, Tables};
use crate::language::g2p;
use crate::language::grammar::automaton::{Automaton, Jump, SLOT, WordArc};
use crate::language::grammar::text;

/// Ways through the jumps behind one state that are followed at most; a grammar with a loop of tags has no end of them.
const MAX_WAYS: usize = 20_000;
/// Tags between two words at most, for the same reason.
const MAX_TAGS: usize = 48;

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

pub struct Compiler<'a> {
    automaton: &'a Automaton,
    words_from: Vec<Vec<&'a WordArc>>,
    jumps_from: Vec<Vec<&'a Jump>>,
    pronunciations: Vec<Vec<String>>,
    places: BTreeMap<Place, u32>,
    waiting: Vec<Place>,
    sayings: BTreeMap<Saying, u32>,
    slots: Vec<Slot>,
    first: First,
}

/// Where numbers begin.
#[derive(Clone, Copy, Default)]
struct First {
    position: u32,
    saying: u32,
    word: u32,
}

/// What compiling leaves behind: positions in the order of their numbers.
#[derive(Default)]
struct Compiled {
    steps: Vec<Vec<Step>>,
    endings: Vec<Vec<Ending>>,
    /// The position before the next word.
    behind: Vec<Option<u32>>,
}

impl<'a> Compiler<'a> {
    pub fn new(automaton: &'a Automaton) -> Self {
        let states = automaton.states as usize;
        let (mut words_from, mut jumps_from) = (vec![Vec::new(); states], vec![Vec::new(); states]);
        for arc in &automaton.arcs {
            words_from[arc.from as usize].push(arc);
        }
        for jump in &automaton.jumps {
            jumps_from[jump.from as usize].push(jump);
        }
        let pronunciations = automaton.words.iter().map(|word| variants(word)).collect();
        Self {
            automaton,
            words_from,
            jumps_from,
            pronunciations,
            places: BTreeMap::new(),
            waiting: Vec::new(),
            sayings: BTreeMap::new(),
            slots: Vec::new(),
            first: First::default(),
        }
    }

    /// The whole grammar.
    pub fn compile(mut self) -> Tables {
        self.sayings.insert(Saying::default(), NOTHING);
        self.place(Place::State(self.automaton.start));
        let mut compiled = Compiled::default();
        self.make(&mut compiled);
        let Compiled {
            steps,
            endings,
            behind,
        } = compiled;
        let mut tables = Tables {
            words: self.automaton.words.clone(),
            tags: self.automaton.tags.clone(),
            phone_counts: phone_counts(&self.automaton.words),
            sayings: in_order(self.sayings, 0),
            nodes: blanks(0, steps.len()),
            ..Tables::default()
        };
        let mut nodes = Nodes::default();
        for (steps, endings) in steps.iter().zip(endings) {
            let arcs = nodes.arcs(steps, &mut tables.nodes, 0);
            tables.positions.push(Position {
                arcs: extend(&mut tables.arcs, arcs),
                endings: extend(&mut tables.endings, endings),
                goes_on: false,
                has_slot: false,
            });
        }
        for slot in &self.slots {
            tables.positions[slot.from as usize].has_slot = true;
        }
        tables.slots = self.slots;
        for (at, behind) in behind.into_iter().enumerate() {
            tables.positions[at].goes_on =
                behind.is_some_and(|place| tables.positions[place as usize].leads_on());
        }
        tables
    }

    /// Makes every place that waits, and those that they lead to.
    fn make(&mut self, compiled: &mut Compiled) {
        let mut done = 0;
        while let Some(place) = self.waiting.get(done).cloned() {
            let (steps, endings) = match &place {
                Place::State(state) => self.leaving(*state, done as u32),
                Place::Inside(rests, state) => {
                    (self.inside(rests, *state, NOTHING, 0.0), Vec::new())
                }
            };
            compiled.steps.push(steps);
            compiled.endings.push(endings);
            done += 1;
        }
        let behind = |place: &Place| {
            let (Place::State(state) | Place::Inside(_, state)) = place;
            self.places.get(&Place::State(*state)).copied()
        };
        compiled.behind.extend(self.waiting.iter().map(behind));
    }

    /// The number of a place, which is made later if it is new.
    fn place(&mut self, place: Place) -> u32 {
        let next = self.first.position + self.waiting.len() as u32;
        let number = *self.places.entry(place.clone()).or_insert(next);
        if number == next {
            self.waiting.push(place);
        }
        number
    }

    /// What leaves the state at `position`.
    fn leaving(&mut self, state: u32, position: u32) -> (Vec<Step>, Vec<Ending>) {
        let (mut steps, mut endings) = (Vec::new(), Vec::new());
        for way in self.ways(state) {
            if way.state == self.automaton.end {
                endings.push(Ending {
                    tags: way.tags.clone(),
                    weight: way.weight,
                });
            }
            for arc in self.words_from[way.state as usize].clone() {
                match self.automaton.words[arc.word as usize].strip_prefix(SLOT) {
                    Some(rule) => {
                        let to = self.place(Place::State(arc.to));
                        self.slots.push(Slot {
                            rule: rule.to_owned(),
                            from: position,
                            to,
                            tags: way.tags.clone(),
                            weight: way.weight,
                        });
                    }
                    None => steps.extend(self.word(arc, &way.tags, way.weight)),
                }
            }
        }
        (steps, endings)
    }

    fn word(&mut self, arc: &WordArc, tags: &[u32], weight: f32) -> Vec<Step> {
        let saying = self.saying(Saying {
            tags: tags.to_vec(),
            word: Some(self.first.word + arc.word),
        });
        let rests = self.pronunciations[arc.word as usize].clone();
        self.inside(&rests, arc.to, saying, weight)
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
        let next = self.first.saying + self.sayings.len() as u32;
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
}

/// The phrases of one call for the slots of a grammar: what it adds, and the arcs of the positions with a slot.
pub fn fill(
    shared: &Tables,
    phrases: &BTreeMap<String, Vec<String>>,
) -> (Tables, BTreeMap<u32, Range<u32>>) {
    let mut own = Tables::default();
    if shared.slots.is_empty() {
        return (own, BTreeMap::new());
    }
    let mut compiled = Compiled::default();
    let mut sayings = BTreeMap::new();
    // What leaves a shared position through its slots.
    let mut leaving: BTreeMap<u32, Vec<Step>> = BTreeMap::new();
    for (rule, phrases) in phrases {
        let automaton = choice(phrases);
        let slots = || shared.slots.iter().filter(|slot| slot.rule == *rule);
        let ends: BTreeSet<u32> = slots().map(|slot| slot.to).collect();
        for to in ends {
            let mut compiler = Compiler::new(&automaton);
            compiler.first = First {
                position: (shared.positions.len() + compiled.steps.len()) as u32,
                saying: shared.sayings.len() as u32,
                word: (shared.words.len() + own.words.len()) as u32,
            };
            compiler.sayings = sayings;
            // What ends the phrase goes on behind the slot.
            compiler.places.insert(Place::State(automaton.end), to);
            for slot in slots().filter(|slot| slot.to == to) {
                let steps = leaving.entry(slot.from).or_default();
                for arc in compiler.words_from[automaton.start as usize].clone() {
                    steps.extend(compiler.word(arc, &slot.tags, slot.weight));
                }
            }
            compiler.make(&mut compiled);
            sayings = compiler.sayings;
        }
        own.phone_counts.extend(phone_counts(&automaton.words));
        own.words.extend(automaton.words);
    }
    own.sayings = in_order(sayings, shared.sayings.len() as u32);
    let first = shared.positions.len() as u32;
    own.nodes = blanks(first, compiled.steps.len());
    let mut nodes = Nodes::default();
    for steps in &compiled.steps {
        let arcs = nodes.arcs(steps, &mut own.nodes, shared.nodes.len() as u32);
        own.positions.push(Position {
            arcs: extend(&mut own.arcs, arcs),
            ..Position::default()
        });
    }
    for (at, behind) in compiled.behind.into_iter().enumerate() {
        own.positions[at].goes_on = behind.is_some_and(|place| {
            let shared = shared.positions.get(place as usize);
            shared
                .unwrap_or_else(|| &own.positions[(place - first) as usize])
                .leads_on()
        });
    }
    let mut detours = BTreeMap::new();
    for (from, steps) in leaving {
        let Range { start, end } = shared.positions[from as usize].arcs;
        let mut arcs = shared.arcs[start as usize..end as usize].to_vec();
        arcs.extend(nodes.arcs(&steps, &mut own.nodes, shared.nodes.len() as u32));
        detours.insert(from, extend(&mut own.arcs, arcs));
    }
    (own, detours)
}

/// An automaton of phrases that share their beginnings.
fn choice(phrases: &[String]) -> Automaton {
    let mut automaton = Automaton {
        states: 2,
        start: 0,
        end: 1,
        ..Automaton::default()
    };
    let mut words: BTreeMap<String, u32> = BTreeMap::new();
    let mut known: BTreeMap<(u32, u32, bool), u32> = BTreeMap::new();
    for phrase in phrases {
        let (mut at, phrase) = (automaton.start, text::words(phrase));
        for (nth, word) in phrase.iter().enumerate() {
            let next = words.len() as u32;
            let word = *words.entry(word.clone()).or_insert_with(|| {
                automaton.words.push(word.clone());
                next
            });
            let last = nth + 1 == phrase.len();
            at = *known.entry((at, word, last)).or_insert_with(|| {
                let to = match last {
                    true => automaton.end,
                    false => {
                        automaton.states += 1;
                        automaton.states - 1
                    }
                };
                automaton.arcs.push(WordArc { from: at, to, word });
                to
            });
        }
    }
    automaton
}

/// The ways to say a word; none for what stands for a rule.
fn variants(word: &str) -> Vec<String> {
    match word.starts_with(SLOT) {
        true => Vec::new(),
        false => g2p::variants(word),
    }
}

fn phone_counts(words: &[String]) -> Vec<u16> {
    let count = |word: &String| match word.starts_with(SLOT) {
        true => 0,
        false => g2p::word(word).len().min(999) as u16,
    };
    words.iter().map(count).collect()
}

fn in_order(sayings: BTreeMap<Saying, u32>, first: u32) -> Vec<Saying> {
    let mut ordered = vec![Saying::default(); sayings.len()];
    for (saying, number) in sayings {
        ordered[(number - first) as usize] = saying;
    }
    ordered
}

/// The nodes that hear the blank, one for each position.
fn blanks(first: u32, count: usize) -> Vec<Node> {
    let node = |i: usize| Node {
        position: first + i as u32,
        label: BLANK,
    };
    (0..count).map(node).collect()
}

/// The nodes of phones by the position behind and the phone.
#[derive(Default)]
struct Nodes(BTreeMap<(u32, u8), u32>);

impl Nodes {
    /// The arcs of one position: every node once for the same saying, at its best weight.
    fn arcs(&mut self, steps: &[Step], nodes: &mut Vec<Node>, first: u32) -> Vec<PhoneArc> {
        let mut best: BTreeMap<(u32, u32), PhoneArc> = BTreeMap::new();
        for step in steps {
            let node = *self.0.entry((step.place, step.label)).or_insert_with(|| {
                nodes.push(Node {
                    position: step.place,
                    label: step.label,
                });
                first + nodes.len() as u32 - 1
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
