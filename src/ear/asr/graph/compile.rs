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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    State(u32),
    /// The number of what is left to say, and the state behind the word.
    Inside(u32, u32),
}

/// What is left to say of words: rests of their pronunciations, each set of them once.
#[derive(Default)]
struct Rests {
    /// The sets by number: first phones, and what follows them.
    all: Vec<Vec<First>>,
    known: BTreeMap<Vec<String>, u32>,
}

/// A phone, and what may follow it in the word.
#[derive(Clone, Copy)]
struct First {
    label: u8,
    /// The word may be over.
    ends: bool,
    longer: Option<u32>,
}

impl Rests {
    /// The number of a sorted set.
    fn number(&mut self, rests: Vec<String>) -> u32 {
        if let Some(&known) = self.known.get(&rests) {
            return known;
        }
        let mut by_phone: BTreeMap<u8, Vec<String>> = BTreeMap::new();
        for rest in &rests {
            if let Some((&first, _)) = rest.as_bytes().split_first() {
                let behind = by_phone.entry(label_of(first)).or_default();
                behind.push(rest[1..].to_owned());
            }
        }
        let firsts = by_phone
            .into_iter()
            .map(|(label, mut behind)| {
                let all = behind.len();
                behind.retain(|rest| !rest.is_empty());
                First {
                    label,
                    ends: behind.len() < all,
                    longer: (!behind.is_empty()).then(|| self.number(behind)),
                }
            })
            .collect();
        self.all.push(firsts);
        let number = self.all.len() as u32 - 1;
        self.known.insert(rests, number);
        number
    }
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
    rests: Rests,
    /// By word, the number of all that there is to say.
    pronunciations: Vec<u32>,
    places: BTreeMap<Place, u32>,
    waiting: Vec<Place>,
    sayings: BTreeMap<Saying, u32>,
    slots: Vec<Slot>,
    offsets: Offsets,
}

/// Where numbers begin.
#[derive(Clone, Copy, Default)]
struct Offsets {
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
        let mut rests = Rests::default();
        let words = automaton.words.iter();
        let pronunciations = words.map(|word| rests.number(variants(word))).collect();
        Self {
            automaton,
            words_from,
            jumps_from,
            rests,
            pronunciations,
            places: BTreeMap::new(),
            waiting: Vec::new(),
            sayings: BTreeMap::new(),
            slots: Vec::new(),
            offsets: Offsets::default(),
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
        while let Some(&place) = self.waiting.get(done) {
            let (steps, endings) = match place {
                Place::State(state) => self.leaving(state, done as u32),
                Place::Inside(rests, state) => {
                    let mut steps = Vec::new();
                    self.inside(rests, state, (NOTHING, 0.0), &mut steps);
                    (steps, Vec::new())
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
        let next = self.offsets.position + self.waiting.len() as u32;
        let number = *self.places.entry(place).or_insert(next);
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
                    None => self.word(arc, &way.tags, way.weight, &mut steps),
                }
            }
        }
        (steps, endings)
    }

    /// Adds the first phones of a word, said behind these tags.
    fn word(&mut self, arc: &WordArc, tags: &[u32], weight: f32, steps: &mut Vec<Step>) {
        let saying = self.saying(Saying {
            tags: tags.to_vec(),
            word: Some(self.offsets.word + arc.word),
        });
        let rests = self.pronunciations[arc.word as usize];
        self.inside(rests, arc.to, (saying, weight), steps);
    }

    /// Adds the first phones of `rests`, with what passing them says and weighs.
    fn inside(&mut self, rests: u32, state: u32, passing: (u32, f32), steps: &mut Vec<Step>) {
        let (saying, weight) = passing;
        for nth in 0..self.rests.all[rests as usize].len() {
            let First {
                label,
                ends,
                longer,
            } = self.rests.all[rests as usize][nth];
            let over = ends.then_some(Place::State(state));
            let behind = longer.map(|rests| Place::Inside(rests, state));
            for place in over.into_iter().chain(behind) {
                steps.push(Step {
                    place: self.place(place),
                    label,
                    weight,
                    saying,
                });
            }
        }
    }

    fn saying(&mut self, saying: Saying) -> u32 {
        let next = self.offsets.saying + self.sayings.len() as u32;
        *self.sayings.entry(saying).or_insert(next)
    }

    /// All states that jumps lead to, each with every sequence of tags, at its best weight.
    fn ways(&self, state: u32) -> Vec<Way> {
        if self.jumps_from[state as usize].is_empty() {
            return vec![Way {
                state,
                tags: Vec::new(),
                weight: 0.0,
            }];
        }
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
            compiler.offsets = Offsets {
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
                    compiler.word(arc, &slot.tags, slot.weight, steps);
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

/// An automaton with one row of words for each phrase.
fn choice(phrases: &[String]) -> Automaton {
    let mut automaton = Automaton {
        states: 2,
        start: 0,
        end: 1,
        ..Automaton::default()
    };
    for phrase in phrases {
        let words = text::words(phrase);
        let mut from = automaton.start;
        for (left, word) in (0..words.len()).rev().zip(&words) {
            let known = automaton.words.iter().position(|known| known == word);
            let number = known.unwrap_or_else(|| {
                automaton.words.push(word.clone());
                automaton.words.len() - 1
            });
            let to = match left {
                0 => automaton.end,
                _ => {
                    automaton.states += 1;
                    automaton.states - 1
                }
            };
            automaton.arcs.push(WordArc {
                from,
                to,
                word: number as u32,
            });
            from = to;
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
        let arc = |step: &Step| {
            let node = *self.0.entry((step.place, step.label)).or_insert_with(|| {
                nodes.push(Node {
                    position: step.place,
                    label: step.label,
                });
                first + nodes.len() as u32 - 1
            });
            PhoneArc {
                node,
                weight: step.weight,
                saying: step.saying,
                label: step.label,
            }
        };
        let mut arcs: Vec<PhoneArc> = steps.iter().map(arc).collect();
        let passed = |arc: &PhoneArc| (arc.node, arc.saying);
        arcs.sort_by(|a, b| {
            passed(a)
                .cmp(&passed(b))
                .then(b.weight.total_cmp(&a.weight))
        });
        arcs.dedup_by_key(|arc| passed(arc));
        arcs
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
