//! Makes an automaton smaller without changing what it says: dead states go, jumps that say nothing are short-cut,
//! common beginnings and common ends of phrases are joined.

use std::collections::{BTreeMap, BTreeSet};

use super::{Automaton, Jump, WordArc};

/// The smaller automaton. Words and tags keep their numbers.
pub fn reduce(mut automaton: Automaton) -> Automaton {
    loop {
        let size = (
            automaton.states,
            automaton.arcs.len(),
            automaton.jumps.len(),
        );
        automaton = trim(automaton);
        for classes in [silent_classes, ends, beginnings] {
            let classes = classes(&automaton);
            automaton = join(automaton, &classes);
        }
        if (
            automaton.states,
            automaton.arcs.len(),
            automaton.jumps.len(),
        ) == size
        {
            return automaton;
        }
    }
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
        states: class.iter().max().map_or(0, |last| last + 1),
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

/// Joins a state with the only one it leads to, or the only one that leads to it, by a jump that says nothing.
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
    let mut parents: Vec<u32> = (0..automaton.states).collect();
    // A state joins at most once a round, so that its counts stay true.
    let mut touched = vec![false; automaton.states as usize];
    for jump in automaton
        .jumps
        .iter()
        .filter(|jump| jump.tag.is_none() && jump.weight == 0.0 && jump.from != jump.to)
    {
        let (from, to) = (jump.from as usize, jump.to as usize);
        if (out[from] == 1 || into[to] == 1) && !touched[from] && !touched[to] {
            touched[from] = true;
            touched[to] = true;
            parents[from.max(to)] = from.min(to) as u32;
        }
    }
    number_classes(&parents).0
}

/// Numbers classes, each known by its first state, in the order of these; also how many there are.
fn number_classes(first: &[u32]) -> (Vec<u32>, u32) {
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
    (numbers, next)
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// States from which the same can follow.
    Ends,
    /// States before which the same can stand.
    Beginnings,
}

/// A phrase longer than this is not worth joining with others: each word takes another round over all states.
const ROUNDS: usize = 200;

/// The coarsest bisimulation: states are equal while their edges are.
fn equal_classes(automaton: &Automaton, side: Side) -> Vec<u32> {
    let mut class: Vec<u32> = (0..automaton.states)
        .map(|state| u32::from(state == automaton.start) + 2 * u32::from(state == automaton.end))
        .collect();
    let mut count = 0;
    for _ in 0..ROUNDS {
        let signatures = signatures(automaton, &class, side);
        let (refined, classes) = number_equal(&class, &signatures);
        if classes == count {
            return refined;
        }
        count = classes;
        class = refined;
    }
    // Unfinished classes hold states that differ: nothing may be joined by them.
    (0..automaton.states).collect()
}

/// For each state the sum of its edges, each mixed to 64 bits: equal sets of edges have equal sums, and others have
/// equal sums so rarely (once in some 10^10 grammars) that comparing the sets is not worth its time.
fn signatures(automaton: &Automaton, class: &[u32], side: Side) -> Vec<u64> {
    let mut sums = vec![0_u64; class.len()];
    let mut add = |from: u32, to: u32, label: u64| {
        let (here, there) = if side == Side::Ends {
            (from, to)
        } else {
            (to, from)
        };
        let edge = mix(label ^ mix(u64::from(class[there as usize])));
        sums[here as usize] = sums[here as usize].wrapping_add(edge);
    };
    for arc in &automaton.arcs {
        add(arc.from, arc.to, u64::from(arc.word) << 1);
    }
    for jump in &automaton.jumps {
        let tag = jump.tag.map_or(0, |tag| u64::from(tag) + 1);
        add(
            jump.from,
            jump.to,
            mix(tag << 32 | u64::from(jump.weight.to_bits())) | 1,
        );
    }
    sums
}

/// The finaliser of splitmix64.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// Numbers the pairs of class and signature in the order of their first states; also how many there are.
fn number_equal(class: &[u32], signatures: &[u64]) -> (Vec<u32>, u32) {
    let key = |state: u32| (class[state as usize], signatures[state as usize]);
    let mut order: Vec<u32> = (0..class.len() as u32).collect();
    order.sort_unstable_by_key(|&state| (key(state), state));
    // Each state by the first of its equals.
    let mut first = vec![0_u32; class.len()];
    for equals in order.chunk_by(|&a, &b| key(a) == key(b)) {
        equals
            .iter()
            .for_each(|&state| first[state as usize] = equals[0]);
    }
    number_classes(&first)
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
