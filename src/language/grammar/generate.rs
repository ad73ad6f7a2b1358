//! Sentences that a grammar says: for tests, training texts and examples.

use std::collections::BTreeMap;

use super::Automaton;

/// One thing that can be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    pub words: Vec<String>,
    /// The tags on the way, in order.
    pub tags: Vec<String>,
}

/// After this many steps the shortest way to the end is taken: loops would otherwise go on for ever.
const WANDERING: usize = 200;

impl Automaton {
    /// `n` sentences chosen at random, always the same ones for the same `seed`. None if nothing can be said.
    pub fn sentences(&self, seed: u64, n: usize) -> Vec<Sentence> {
        let distance = self.distances();
        if distance
            .get(self.start as usize)
            .is_none_or(|steps| *steps == u32::MAX)
        {
            return Vec::new();
        }
        let edges = self.edges();
        let mut random = Xorshift::new(seed);
        (0..n)
            .map(|_| self.walk(&edges, &distance, &mut random))
            .collect()
    }

    fn walk(
        &self,
        edges: &BTreeMap<u32, Vec<Edge>>,
        distance: &[u32],
        random: &mut Xorshift,
    ) -> Sentence {
        let mut sentence = Sentence {
            words: Vec::new(),
            tags: Vec::new(),
        };
        let mut at = self.start;
        let mut steps = 0;
        while at != self.end {
            let mut open: Vec<&Edge> = edges
                .get(&at)
                .into_iter()
                .flatten()
                .filter(|edge| distance[edge.to as usize] != u32::MAX)
                .collect();
            steps += 1;
            if steps > WANDERING {
                open.retain(|edge| distance[edge.to as usize] < distance[at as usize]);
            }
            let Some(edge) = random.choose(&open) else {
                break;
            };
            sentence
                .words
                .extend(edge.word.map(|word| self.words[word as usize].clone()));
            sentence
                .tags
                .extend(edge.tag.map(|tag| self.tags[tag as usize].clone()));
            at = edge.to;
        }
        sentence
    }

    fn edges(&self) -> BTreeMap<u32, Vec<Edge>> {
        let mut edges: BTreeMap<u32, Vec<Edge>> = BTreeMap::new();
        for arc in &self.arcs {
            edges.entry(arc.from).or_default().push(Edge {
                to: arc.to,
                word: Some(arc.word),
                tag: None,
            });
        }
        for jump in &self.jumps {
            edges.entry(jump.from).or_default().push(Edge {
                to: jump.to,
                word: None,
                tag: jump.tag,
            });
        }
        edges
    }

    /// Steps from each state to the end; `u32::MAX` where there is no way.
    fn distances(&self) -> Vec<u32> {
        let mut before: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (from, to) in self
            .arcs
            .iter()
            .map(|arc| (arc.from, arc.to))
            .chain(self.jumps.iter().map(|jump| (jump.from, jump.to)))
        {
            before.entry(to).or_default().push(from);
        }
        let mut distance = vec![u32::MAX; self.states as usize];
        let mut ring = vec![self.end];
        let mut steps = 0;
        while !ring.is_empty() {
            ring.retain(|&state| distance.get(state as usize) == Some(&u32::MAX));
            ring.iter()
                .for_each(|&state| distance[state as usize] = steps);
            ring = ring
                .iter()
                .filter_map(|state| before.get(state))
                .flatten()
                .copied()
                .collect();
            steps += 1;
        }
        distance
    }
}

struct Edge {
    to: u32,
    word: Option<u32>,
    tag: Option<u32>,
}

/// Marsaglia's xorshift64: enough to choose sentences, the same on every machine.
struct Xorshift(u64);

impl Xorshift {
    fn new(seed: u64) -> Self {
        // Spread small seeds, and never start at zero, where the generator stays.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn choose<'a, T>(&mut self, list: &[&'a T]) -> Option<&'a T> {
        let length = u64::try_from(list.len())
            .ok()
            .filter(|&length| length > 0)?;
        usize::try_from((self.next() >> 16) % length)
            .ok()
            .and_then(|index| list.get(index).copied())
    }
}
