//! Whether what a question listens for can be heard apart: two answers of different meaning that sound the same, or
//! nearly, cannot, unless a weight says which one is meant.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::base::Date;
use crate::language::g2p;
use crate::language::grammar::Automaton;
use crate::language::meaning::{self, Meaning};

/// Pairs of places looked at in one question at most.
const PAIRS_AT_MOST: usize = 150_000;
/// Ways through tags from one place followed at most.
const WAYS_AT_MOST: usize = 20_000;
/// Weights that differ by less, as natural logarithms, decide nothing.
const DECISIVE: f32 = 0.02;

/// Two answers that sound alike and mean different things.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    pub words: [String; 2],
    pub meanings: [Meaning; 2],
}

/// The conflicts of a question, one for each pair of intents.
pub fn conflicts(automaton: &Automaton, today: Date) -> Vec<Conflict> {
    Search::new(automaton, today).run()
}

/// How a word sounds on a telephone line, where voiced and unvoiced consonants are easily taken for each other.
fn sound(word: &str) -> String {
    g2p::word(word)
        .chars()
        .map(|phone| match phone {
            'b' => 'p',
            'd' => 't',
            'g' => 'k',
            'v' => 'f',
            'z' => 's',
            'Z' => 'S',
            'j' => 'c',
            other => other,
        })
        .collect()
}

/// A way from a place over tags to a word, or to the end.
#[derive(Clone)]
struct Way {
    tags: Vec<u32>,
    weight: f32,
    /// The word and the place behind it; `None` at the end of the sentence.
    arc: Option<(u32, u32)>,
}

struct Pair {
    at: [u32; 2],
    from: Option<usize>,
    /// What was passed on the way here from the pair before.
    words: [u32; 2],
    tags: [Vec<u32>; 2],
    weight: f32,
    differ: bool,
}

struct Search<'a> {
    automaton: &'a Automaton,
    today: Date,
    arcs: Vec<Vec<(u32, u32)>>,
    jumps: Vec<Vec<(u32, Option<u32>, f32)>>,
    sounds: Vec<u32>,
    ways: BTreeMap<u32, Vec<Way>>,
    pairs: Vec<Pair>,
    /// Pairs seen, whether their tags differ, and whether a weight decides between them.
    known: BTreeSet<(u32, u32, bool, bool)>,
    found: BTreeMap<[Option<String>; 2], Conflict>,
}

impl<'a> Search<'a> {
    fn new(automaton: &'a Automaton, today: Date) -> Self {
        let mut arcs = vec![Vec::new(); automaton.states as usize];
        let mut jumps = vec![Vec::new(); automaton.states as usize];
        for arc in &automaton.arcs {
            arcs[arc.from as usize].push((arc.word, arc.to));
        }
        for jump in &automaton.jumps {
            jumps[jump.from as usize].push((jump.to, jump.tag, jump.weight));
        }
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        let sounds = automaton
            .words
            .iter()
            .map(|word| {
                let next = numbers.len() as u32;
                *numbers.entry(sound(word)).or_insert(next)
            })
            .collect();
        Self {
            automaton,
            today,
            arcs,
            jumps,
            sounds,
            ways: BTreeMap::new(),
            pairs: Vec::new(),
            known: BTreeSet::new(),
            found: BTreeMap::new(),
        }
    }

    fn run(mut self) -> Vec<Conflict> {
        let start = self.automaton.start;
        self.pairs.push(Pair {
            at: [start, start],
            from: None,
            words: [0, 0],
            tags: [Vec::new(), Vec::new()],
            weight: 0.0,
            differ: false,
        });
        let mut open = VecDeque::from([0]);
        while let Some(number) = open.pop_front() {
            self.step(number, &mut open);
        }
        self.found.into_values().collect()
    }

    fn step(&mut self, number: usize, open: &mut VecDeque<usize>) {
        let [p, q] = self.pairs[number].at;
        let (weight, differ) = (self.pairs[number].weight, self.pairs[number].differ);
        let (left, right) = (self.ways(p), self.ways(q));
        let mut by_sound: BTreeMap<Option<u32>, Vec<&Way>> = BTreeMap::new();
        for way in &right {
            let sound = way.arc.map(|(word, _)| self.sounds[word as usize]);
            by_sound.entry(sound).or_default().push(way);
        }
        for a in &left {
            let sound = a.arc.map(|(word, _)| self.sounds[word as usize]);
            for b in by_sound.get(&sound).into_iter().flatten() {
                let differ = differ || a.tags != b.tags;
                let weight = weight + a.weight - b.weight;
                let decided = weight.abs() >= DECISIVE;
                match (a.arc, b.arc) {
                    (Some((_, to)), Some((_, too)))
                        if self.pairs.len() >= PAIRS_AT_MOST
                            || self.known.contains(&(to, too, differ, decided)) => {}
                    (Some((v, to)), Some((w, too))) => {
                        self.known.insert((to, too, differ, decided));
                        self.known.insert((too, to, differ, decided));
                        open.push_back(self.pairs.len());
                        self.pairs.push(Pair {
                            at: [to, too],
                            from: Some(number),
                            words: [v, w],
                            tags: [a.tags.clone(), b.tags.clone()],
                            weight,
                            differ,
                        });
                    }
                    _ if differ && !decided => {
                        self.accept(number, [&a.tags, &b.tags]);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Both have come to their end.
    fn accept(&mut self, number: usize, last: [&Vec<u32>; 2]) {
        let (mut words, mut tags) = ([Vec::new(), Vec::new()], [last[0].clone(), last[1].clone()]);
        let mut at = Some(number);
        while let Some(pair) = at.map(|number| &self.pairs[number]) {
            for side in 0..2 {
                if pair.from.is_some() {
                    words[side].push(pair.words[side]);
                }
                tags[side].splice(0..0, pair.tags[side].iter().copied());
            }
            at = pair.from;
        }
        let read = |tags: &[u32]| {
            let tags: Vec<String> = tags
                .iter()
                .map(|tag| self.automaton.tags[*tag as usize].clone())
                .collect();
            meaning::read(&tags, self.today)
        };
        let meanings = [read(&tags[0]), read(&tags[1])];
        if meanings[0] == meanings[1] || words[0].is_empty() {
            return;
        }
        let spoken = |words: &[u32]| {
            let words: Vec<&str> = words
                .iter()
                .rev()
                .map(|word| self.automaton.words[*word as usize].as_str())
                .collect();
            words.join(" ")
        };
        let conflict = Conflict {
            words: [spoken(&words[0]), spoken(&words[1])],
            meanings: meanings.clone(),
        };
        let mut key = [meanings[0].intent.clone(), meanings[1].intent.clone()];
        key.sort();
        self.found.entry(key).or_insert(conflict);
    }

    /// The ways out of a place, over tags, to words and to the end.
    fn ways(&mut self, from: u32) -> Vec<Way> {
        if let Some(known) = self.ways.get(&from) {
            return known.clone();
        }
        let mut ways = Vec::new();
        // Many ways over the same tags to the same place are one.
        let mut seen: BTreeSet<(u32, Vec<u32>)> = BTreeSet::new();
        let mut open = vec![(from, Vec::new(), 0.0_f32, vec![from])];
        while let Some((at, tags, weight, passed)) = open.pop() {
            if ways.len() >= WAYS_AT_MOST {
                break;
            }
            if at == self.automaton.end {
                ways.push(Way {
                    tags: tags.clone(),
                    weight,
                    arc: None,
                });
            }
            for &(word, to) in &self.arcs[at as usize] {
                ways.push(Way {
                    tags: tags.clone(),
                    weight,
                    arc: Some((word, to)),
                });
            }
            for &(to, tag, more) in &self.jumps[at as usize] {
                if passed.contains(&to) {
                    continue;
                }
                let mut tags = tags.clone();
                tags.extend(tag);
                if !seen.insert((to, tags.clone())) {
                    continue;
                }
                let mut passed = passed.clone();
                passed.push(to);
                open.push((to, tags, weight + more, passed));
            }
        }
        self.ways.insert(from, ways.clone());
        ways
    }
}
