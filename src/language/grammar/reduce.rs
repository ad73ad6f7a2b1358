//! Makes an automaton smaller without changing what it says: dead states go, jumps that say nothing are short-cut,
//! common beginnings and common ends of phrases are joined.

use std::collections::{BTreeMap, BTreeSet};

use super::{Automaton, Jump, WordArc};

/// Finds states to be joined: for each state the class that it belongs to.
type Classes = fn(&Automaton) -> Vec<u32>;

/// The smaller automaton. Words and tags keep their numbers.
pub fn reduce(automaton: Automaton) -> Automaton {
    // Silent jumps last: to join over them first gives states edges of their own, and so makes equals of fewer.
    const PASSES: [Classes; 3] = [ends, beginnings, silent_classes];
    let mut automaton = trim(automaton);
    // Done when each has found nothing since the last that did.
    let mut idle = 0;
    for classes in PASSES.iter().cycle() {
        let before = automaton.states;
        let classes = classes(&automaton);
        automaton = join(automaton, &classes);
        idle = if automaton.states == before {
            idle + 1
        } else {
            0
        };
        if idle == PASSES.len() {
            break;
        }
    }
    automaton
}

fn ends(automaton: &Automaton) -> Vec<u32> {
    equal_classes(automaton, Side::Ends)
}

fn beginnings(automaton: &Automaton) -> Vec<u32> {
    equal_classes(automaton, Side::Beginnings)
}

/// Keeps the states on a way from start to end, and these two.
fn trim(automaton: Automaton) -> Automaton {
    let edges = || {
        let arcs = automaton.arcs.iter().map(|arc| (arc.from, arc.to));
        arcs.chain(automaton.jumps.iter().map(|jump| (jump.from, jump.to)))
    };
    let forward = reachable(automaton.states, automaton.start, edges());
    let backward = reachable(
        automaton.states,
        automaton.end,
        edges().map(|(from, to)| (to, from)),
    );
    let keep = |state: u32| {
        state == automaton.start
            || state == automaton.end
            || forward[state as usize] && backward[state as usize]
    };
    let mut numbers = vec![None; automaton.states as usize];
    let mut states = 0;
    for state in (0..automaton.states).filter(|&state| keep(state)) {
        numbers[state as usize] = Some(states);
        states += 1;
    }
    let new = |state: u32| numbers[state as usize];
    let arcs = automaton.arcs.iter().filter_map(|arc| {
        Some(WordArc {
            from: new(arc.from)?,
            to: new(arc.to)?,
            ..*arc
        })
    });
    let jumps = automaton.jumps.iter().filter_map(|jump| {
        Some(Jump {
            from: new(jump.from)?,
            to: new(jump.to)?,
            ..*jump
        })
    });
    Automaton {
        arcs: arcs.collect(),
        jumps: jumps.collect(),
        states,
        start: new(automaton.start).unwrap_or_default(),
        end: new(automaton.end).unwrap_or_default(),
        words: automaton.words,
        tags: automaton.tags,
    }
}

fn reachable(states: u32, start: u32, edges: impl Iterator<Item = (u32, u32)>) -> Vec<bool> {
    let mut next = vec![Vec::new(); states as usize];
    for (from, to) in edges {
        next[from as usize].push(to);
    }
    let mut seen = vec![false; states as usize];
    let mut waiting = vec![start];
    while let Some(state) = waiting.pop() {
        if !std::mem::replace(&mut seen[state as usize], true) {
            waiting.extend(&next[state as usize]);
        }
    }
    seen
}

/// Renames states to their classes; edges that become equal, and jumps to themselves that say nothing, are dropped.
fn join(automaton: Automaton, class: &[u32]) -> Automaton {
    let states = class.iter().max().map_or(0, |last| last + 1);
    let class_of = |state: u32| class[state as usize];
    let mut arcs: Vec<_> = automaton
        .arcs
        .iter()
        .map(|arc| (class_of(arc.from), class_of(arc.to), arc.word))
        .collect();
    arcs.sort_unstable();
    arcs.dedup();
    let mut jumps: Vec<Jump> = automaton
        .jumps
        .iter()
        .map(|jump| Jump {
            from: class_of(jump.from),
            to: class_of(jump.to),
            ..*jump
        })
        .collect();
    jumps.retain(|jump| jump.from != jump.to || jump.tag.is_some());
    let edge = |jump: &Jump| (jump.from, jump.to, jump.tag);
    // Of equal jumps the likeliest comes first and stays.
    jumps.sort_unstable_by(|a, b| edge(a).cmp(&edge(b)).then(b.weight.total_cmp(&a.weight)));
    jumps.dedup_by_key(|jump| edge(jump));
    Automaton {
        states,
        start: class_of(automaton.start),
        end: class_of(automaton.end),
        arcs: arcs
            .into_iter()
            .map(|(from, to, word)| WordArc { from, to, word })
            .collect(),
        jumps,
        words: automaton.words,
        tags: automaton.tags,
    }
}

/// Joins a state with the only one it leads to, or the only one that leads to it, by a jump that says nothing, until
/// there is no such jump.
fn silent_classes(automaton: &Automaton) -> Vec<u32> {
    let mut out = vec![0_u32; automaton.states as usize];
    let mut into = out.clone();
    for (from, to) in automaton
        .arcs
        .iter()
        .map(|arc| (arc.from, arc.to))
        .chain(automaton.jumps.iter().map(|jump| (jump.from, jump.to)))
    {
        out[from as usize] += 1;
        into[to as usize] += 1;
    }
    // The start is entered from outside and the end left to it; nothing shall follow behind the end.
    into[automaton.start as usize] += 1;
    out[automaton.end as usize] += 1;
    into[automaton.end as usize] += 1;
    let mut silent: Vec<&Jump> = automaton
        .jumps
        .iter()
        .filter(|jump| jump.tag.is_none() && jump.weight == 0.0)
        .collect();
    let mut parents: Vec<u32> = (0..automaton.states).collect();
    loop {
        let left = silent.len();
        silent.retain(|jump| {
            let (from, to) = (root(&mut parents, jump.from), root(&mut parents, jump.to));
            let (first, last) = (from.min(to) as usize, from.max(to) as usize);
            if from != to && out[from as usize] != 1 && into[to as usize] != 1 {
                return true;
            }
            if from != to {
                parents[last] = first as u32;
                out[first] += out[last];
                into[first] += into[last];
            }
            // The jump leads from the joined state to itself now.
            out[first] -= 1;
            into[first] -= 1;
            false
        });
        if silent.len() == left {
            break;
        }
    }
    let roots: Vec<u32> = (0..automaton.states)
        .map(|state| root(&mut parents, state))
        .collect();
    number_classes(&roots)
}

/// The first state of those joined with this one.
fn root(parents: &mut [u32], mut state: u32) -> u32 {
    while parents[state as usize] != state {
        // Halving the way keeps it short.
        let next = parents[parents[state as usize] as usize];
        parents[state as usize] = next;
        state = next;
    }
    state
}

/// Numbers classes, each known by its first state, in the order of these.
fn number_classes(first: &[u32]) -> Vec<u32> {
    let mut numbers = vec![0_u32; first.len()];
    let mut next = 0;
    for (state, &first) in first.iter().enumerate() {
        if state == first as usize {
            numbers[state] = next;
            next += 1;
        } else {
            numbers[state] = numbers[first as usize];
        }
    }
    numbers
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// States from which the same can follow.
    Ends,
    /// States before which the same can stand.
    Beginnings,
}

/// The coarsest bisimulation: states are equal while their edges are.
///
/// Classes are split until all their states have equal edges. A state is looked at again only when the class at the
/// other end of one of its edges was split, and its signature follows from the one it had.
fn equal_classes(automaton: &Automaton, side: Side) -> Vec<u32> {
    let edges = Edges::new(automaton, side);
    let mut class: Vec<u32> = (0..automaton.states)
        .map(|state| u32::from(state == automaton.start) + 2 * u32::from(state == automaton.end))
        .collect();
    let mut sizes = vec![0_u32; 4];
    class.iter().for_each(|&class| sizes[class as usize] += 1);
    // The signature of the states of a class, as of when they were last compared.
    let mut known = vec![0_u64; sizes.len()];
    let mut signatures = vec![0_u64; class.len()];
    for there in 0..automaton.states {
        for &(here, label) in edges.to(there) {
            let sum = &mut signatures[here as usize];
            *sum = sum.wrapping_add(edge(label, class[there as usize]));
        }
    }
    let mut doubtful: Vec<u32> = (0..automaton.states).collect();
    let mut is_doubtful = vec![true; class.len()];
    let mut moved: Vec<(u32, u32)> = Vec::new();
    while !doubtful.is_empty() {
        let key = |state: u32| (class[state as usize], signatures[state as usize]);
        doubtful.sort_unstable_by_key(|&state| key(state));
        for doubtful in doubtful.chunk_by(|&a, &b| class[a as usize] == class[b as usize]) {
            let here = class[doubtful[0] as usize] as usize;
            // The states that are in no doubt keep the number of the class; without any, the first do.
            if doubtful.len() as u32 == sizes[here] {
                known[here] = signatures[doubtful[0] as usize];
            }
            let equals = |&a: &u32, &b: &u32| signatures[a as usize] == signatures[b as usize];
            for equals in doubtful.chunk_by(equals) {
                let signature = signatures[equals[0] as usize];
                if signature != known[here] {
                    let new = sizes.len() as u32;
                    sizes.push(equals.len() as u32);
                    sizes[here] -= equals.len() as u32;
                    known.push(signature);
                    moved.extend(equals.iter().map(|&state| (state, new)));
                }
            }
        }
        doubtful
            .drain(..)
            .for_each(|state| is_doubtful[state as usize] = false);
        for (there, new) in moved.drain(..) {
            let old = std::mem::replace(&mut class[there as usize], new);
            for &(here, label) in edges.to(there) {
                let sum = &mut signatures[here as usize];
                *sum = sum
                    .wrapping_sub(edge(label, old))
                    .wrapping_add(edge(label, new));
                if !std::mem::replace(&mut is_doubtful[here as usize], true) {
                    doubtful.push(here);
                }
            }
        }
    }
    let mut first = vec![u32::MAX; sizes.len()];
    for (state, &class) in class.iter().enumerate() {
        let first = &mut first[class as usize];
        *first = (*first).min(state as u32);
    }
    let firsts: Vec<u32> = class.iter().map(|&class| first[class as usize]).collect();
    number_classes(&firsts)
}

/// The edges by the state at whose class they look.
struct Edges {
    /// Where the edges of each state begin; one more at the end.
    starts: Vec<u32>,
    /// The state that an edge counts for, and what it says.
    all: Vec<(u32, u64)>,
}

impl Edges {
    fn new(automaton: &Automaton, side: Side) -> Self {
        let arcs = automaton
            .arcs
            .iter()
            .map(|arc| (arc.from, arc.to, u64::from(arc.word) << 1));
        let jumps = automaton.jumps.iter().map(|jump| {
            let tag = jump.tag.map_or(0, |tag| u64::from(tag) + 1);
            let label = mix(tag << 32 | u64::from(jump.weight.to_bits())) | 1;
            (jump.from, jump.to, label)
        });
        let edges = arcs.chain(jumps).map(|(from, to, label)| match side {
            Side::Ends => (to, from, label),
            Side::Beginnings => (from, to, label),
        });
        let mut starts = vec![0_u32; automaton.states as usize + 2];
        for (there, ..) in edges.clone() {
            starts[there as usize + 2] += 1;
        }
        for state in 1..starts.len() {
            starts[state] += starts[state - 1];
        }
        let mut all = vec![(0, 0); automaton.arcs.len() + automaton.jumps.len()];
        for (there, here, label) in edges {
            let next = &mut starts[there as usize + 1];
            all[*next as usize] = (here, label);
            *next += 1;
        }
        Self { starts, all }
    }

    /// The edges that lead to `there`.
    fn to(&self, there: u32) -> &[(u32, u64)] {
        let there = there as usize;
        &self.all[self.starts[there] as usize..self.starts[there + 1] as usize]
    }
}

/// One edge, to a state of `class`, mixed to 64 bits. A state's signature is the sum of its edges: equal sets of edges
/// have equal sums, and others have equal sums so rarely (once in some 10^10 grammars) that comparing the sets is not
/// worth its time.
fn edge(label: u64, class: u32) -> u64 {
    mix(label ^ mix(u64::from(class)))
}

/// The finaliser of splitmix64.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// Words and tags that no edge carries any more are forgotten.
pub fn drop_unused(mut automaton: Automaton) -> Automaton {
    let used = automaton.arcs.iter().map(|arc| arc.word).collect();
    let (words, numbers) = keep(&automaton.words, &used);
    automaton.words = words;
    automaton
        .arcs
        .iter_mut()
        .for_each(|arc| arc.word = numbers[&arc.word]);
    let used = automaton.jumps.iter().filter_map(|jump| jump.tag).collect();
    let (tags, numbers) = keep(&automaton.tags, &used);
    automaton.tags = tags;
    automaton
        .jumps
        .iter_mut()
        .for_each(|jump| jump.tag = jump.tag.map(|tag| numbers[&tag]));
    automaton
}

fn keep(all: &[String], used: &BTreeSet<u32>) -> (Vec<String>, BTreeMap<u32, u32>) {
    let kept = used
        .iter()
        .map(|&number| all[number as usize].clone())
        .collect();
    (
        kept,
        used.iter()
            .enumerate()
            .map(|(new, &old)| (old, new as u32))
            .collect(),
    )
}
