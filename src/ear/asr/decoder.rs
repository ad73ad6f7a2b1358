//! Token passing: the best ways through the graph so far, four at each node with different meanings, moved on with
//! every row of probabilities.

use std::cell::Cell as Slot;

use super::graph::{BLANK, Ending, Graph, NOTHING};
use super::network::LogProbs;

/// Ways with different meanings that are kept at one node.
const TOKENS: usize = 4;
/// Ways that are worse than the best by more than this, in nats, are given up. A sentence of thirty words pays so much
/// for one of them that is swallowed; at 28 one phrase in forty was lost, at 60 one in five hundred.
const BEAM: f32 = 100.0;
/// A rival within so many nats keeps a word from counting as settled.
const UNSETTLED: f32 = 9.0;
/// A way that ends here may stay behind the leader by so many nats, less than one phone that was not said: alternatives
/// of a grammar weigh differently, and the leader may wait for a word that never comes.
const ENDS: f32 = 8.0;
/// A way that says the same and goes on counts when it is no further behind.
const GOES_ON: f32 = 14.0;
/// So much likelier, in nats, must more words be than the end: twice.
const EXPECTS: f32 = 0.7;
/// Rows after which a turn takes no more sound: 30 s.
pub const MAX_ROWS: u16 = 1_000;
/// Entries of the history after which those that nobody remembers are thrown away.
const HISTORY: usize = 512;
/// Nodes that hold ways at most in a call, and in a recording. Of 488 simulated debtors 482 come to their agreement with
/// 1,024 in a call, 480 with these, 479 with 640, at 1.4, 1.15 and 1.05 % of a core.
pub const CALL_CELLS: usize = 768;
pub const RECORDING_CELLS: usize = 2_048;
/// A place of the table without a cell.
const FREE: u16 = u16::MAX;
/// The history before the first word.
const BEGINNING: u32 = u32::MAX;

/// One way through the graph.
#[derive(Clone, Copy, Debug)]
struct Token {
    score: f32,
    /// Index of what it said last.
    history: u32,
    /// What it says with this row; entered into the history once it has survived.
    saying: u32,
    /// Tells meanings apart: a hash of the tags so far.
    meaning: u32,
    /// The row of its last phone.
    heard: u16,
}

/// The tokens of one node, best first.
#[derive(Clone, Copy, Debug)]
struct Cell {
    node: u32,
    count: u16,
    tokens: [Token; TOKENS],
}

impl Cell {
    fn new(node: u32, token: Token) -> Self {
        Self {
            node,
            count: 1,
            tokens: [token; TOKENS],
        }
    }

    fn alive(&self) -> &[Token] {
        &self.tokens[..usize::from(self.count)]
    }

    fn alive_mut(&mut self) -> &mut [Token] {
        &mut self.tokens[..usize::from(self.count)]
    }
}

/// A word or tags that some way said.
#[derive(Clone, Copy, Debug)]
struct Said {
    before: u32,
    saying: u32,
    /// The row in which the word begins, and that in which the word before it ended.
    row: u16,
    ended: u16,
}

/// What a way said from the beginning on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    pub words: Vec<Spoken>,
    pub tags: Vec<u32>,
    pub score: f32,
}

/// A word of a path and its first and last row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spoken {
    pub word: u32,
    pub first: u16,
    pub last: u16,
}

/// The best way so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leader {
    pub path: Path,
    /// Words that no rival disputes.
    pub settled: usize,
    /// The grammar may end here.
    pub is_final: bool,
    /// Nothing can follow.
    pub complete: bool,
    /// By the weights of the grammar, more words are likelier than the end.
    pub expects_more: bool,
}

/// The decoder of one turn.
#[derive(Debug)]
pub struct Decoder {
    /// So many nodes hold ways at most.
    most: usize,
    cells: Vec<Cell>,
    scratch: Scratch,
    /// Score that the best `most` cells of `next` have at least, once there were too many.
    floor: f32,
    history: Vec<Said>,
    tidy_at: usize,
    row: u16,
    best: f32,
    /// Score of the best phones without any grammar.
    filler: f32,
    /// Phones heard without any grammar.
    phones: u16,
    loudest: u8,
    saved: Saved,
}

/// Room that is needed for one row, empty before and after. It is lent by the thread: decoders that take turns on it
/// need it once.
#[derive(Debug, Default)]
struct Scratch {
    next: Vec<Cell>,
    /// Where the cell of a node stands in `next`: by a hash of the node, or in the next free place behind it.
    table: Vec<u16>,
}

thread_local! {
    static SCRATCH: Slot<Scratch> = Slot::default();
    /// Of [`Decoder::tidy`].
    static NUMBERS: Slot<Vec<u32>> = Slot::default();
    /// A look ahead goes on in here.
    static AHEAD: Slot<Ways> = Slot::default();
}

/// Ways, and what they said.
#[derive(Debug, Default)]
struct Ways {
    cells: Vec<Cell>,
    history: Vec<Said>,
}

/// What a look ahead must put back.
#[derive(Debug, Default)]
struct Saved {
    ways: Ways,
    row: u16,
    best: f32,
    filler: f32,
    phones: u16,
    loudest: u8,
}

impl Decoder {
    /// Keeps ways at `most` nodes; memory and time grow with it.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            cells: Vec::with_capacity(most),
            scratch: Scratch::default(),
            floor: f32::NEG_INFINITY,
            history: Vec::with_capacity(2 * HISTORY),
            tidy_at: HISTORY,
            row: 0,
            best: 0.0,
            filler: 0.0,
            phones: 0,
            loudest: BLANK,
            saved: Saved::default(),
        }
    }

    /// Begins a turn.
    pub fn start(&mut self, graph: &Graph) {
        let token = Token {
            score: 0.0,
            history: BEGINNING,
            saying: NOTHING,
            heard: 0,
            meaning: 0,
        };
        self.cells.clear();
        self.cells.push(Cell::new(graph.start(), token));
        self.history.clear();
        self.tidy_at = HISTORY;
        (self.row, self.best, self.filler, self.phones, self.loudest) = (0, 0.0, 0.0, 0, BLANK);
    }

    /// Moves every way on by one row; `row` already has the blank discounted.
    pub fn step(&mut self, graph: &Graph, row: &LogProbs) {
        if self.row >= MAX_ROWS {
            return;
        }
        self.note_filler(row);
        self.scratch = SCRATCH.take();
        let places = (4 * self.most).next_power_of_two();
        if self.scratch.table.len() != places {
            self.scratch.table.clear();
            self.scratch.table.resize(places, FREE);
        }
        let threshold = self.best - BEAM;
        (self.best, self.floor) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        let cells = std::mem::take(&mut self.cells);
        for cell in &cells {
            self.leave(graph, row, cell, threshold);
        }
        self.cells = cells;
        self.settle();
        SCRATCH.set(std::mem::take(&mut self.scratch));
        self.row += 1;
    }

    fn note_filler(&mut self, row: &LogProbs) {
        let (label, top) = row
            .iter()
            .enumerate()
            .fold((0, f32::NEG_INFINITY), |best, (i, &p)| {
                if p > best.1 { (i, p) } else { best }
            });
        self.filler += top;
        let label = label as u8;
        if label != BLANK && label != self.loudest {
            self.phones = self.phones.saturating_add(1);
        }
        self.loudest = label;
    }

    /// Sends the tokens of one node to all nodes that may follow.
    fn leave(&mut self, graph: &Graph, row: &LogProbs, cell: &Cell, threshold: f32) {
        let node = graph.node(cell.node);
        for token in cell.alive() {
            if token.score < threshold {
                break;
            }
            let token = Token {
                saying: NOTHING,
                ..*token
            };
            self.arrive(cell.node, token, row[usize::from(node.label)], node.label);
            if node.label != BLANK {
                self.arrive(
                    graph.blank_of(node.position),
                    token,
                    row[usize::from(BLANK)],
                    BLANK,
                );
            }
            for arc in graph.arcs_of(node.position) {
                // The same phone twice needs a blank between; without one it is the same phone, held.
                if arc.label != node.label {
                    let acoustic = row[usize::from(arc.label)];
                    if token.score + arc.weight + acoustic < self.floor.max(self.best - BEAM) {
                        continue;
                    }
                    let mut token = Token {
                        score: token.score + arc.weight,
                        saying: arc.saying,
                        ..token
                    };
                    if arc.saying != NOTHING {
                        token.meaning = meaning_after(graph, token.meaning, arc.saying);
                    }
                    self.arrive(arc.node, token, acoustic, arc.label);
                }
            }
        }
    }

    fn arrive(&mut self, node: u32, mut token: Token, acoustic: f32, label: u8) {
        token.score += acoustic;
        if token.score < self.floor.max(self.best - BEAM) {
            return;
        }
        self.best = self.best.max(token.score);
        if label != BLANK && token.saying == NOTHING {
            token.heard = self.row;
        }
        let place = self.place(node);
        match self.scratch.table[place] {
            FREE if self.scratch.next.len() < self.most + self.most / 2 => {
                self.scratch.table[place] = self.scratch.next.len() as u16;
                self.scratch.next.push(Cell::new(node, token));
            }
            FREE => {
                self.thin();
                if token.score >= self.floor {
                    let place = self.place(node);
                    self.scratch.table[place] = self.scratch.next.len() as u16;
                    self.scratch.next.push(Cell::new(node, token));
                }
            }
            known => self.scratch.next[usize::from(known)].insert(token),
        }
    }

    /// Where the table holds the cell of a node, or could.
    fn place(&self, node: u32) -> usize {
        let mask = self.scratch.table.len() - 1;
        let mut place = node.wrapping_mul(0x9e37_79b1) as usize >> 7 & mask;
        while self.scratch.table[place] != FREE
            && self.scratch.next[usize::from(self.scratch.table[place])].node != node
        {
            place = (place + 1) & mask;
        }
        place
    }

    /// Keeps the best cells of `next` only.
    fn thin(&mut self) {
        keep_best(&mut self.scratch.next, self.most);
        let lowest = self.scratch.next.iter().map(|cell| cell.tokens[0].score);
        self.floor = lowest.fold(f32::INFINITY, f32::min);
        self.scratch.table.fill(FREE);
        for at in 0..self.scratch.next.len() {
            let place = self.place(self.scratch.next[at].node);
            self.scratch.table[place] = at as u16;
        }
    }

    /// Gives up what fell behind, writes down what the others said, and makes their cells the present ones.
    fn settle(&mut self) {
        let threshold = self.best - BEAM;
        for cell in &mut self.scratch.next {
            let alive = cell.alive().iter();
            cell.count = alive.take_while(|token| token.score >= threshold).count() as u16;
        }
        self.scratch.next.retain(|cell| cell.count > 0);
        keep_best(&mut self.scratch.next, self.most);
        self.cells.clear();
        self.cells.extend_from_slice(&self.scratch.next);
        self.scratch.next.clear();
        self.scratch.table.fill(FREE);
        for token in self.cells.iter_mut().flat_map(Cell::alive_mut) {
            if token.saying != NOTHING {
                self.history.push(Said {
                    before: token.history,
                    saying: token.saying,
                    row: self.row,
                    ended: token.heard,
                });
                token.history = self.history.len() as u32 - 1;
                token.saying = NOTHING;
                token.heard = self.row;
            }
        }
    }

    /// Throws away the history that no living way remembers. Not while looking ahead.
    pub fn tidy(&mut self) {
        if self.history.len() < self.tidy_at {
            return;
        }
        // First a mark for each entry that is remembered, then its new number.
        let mut numbers = NUMBERS.take();
        numbers.clear();
        numbers.resize(self.history.len(), 0);
        for token in self.cells.iter().flat_map(Cell::alive) {
            let mut at = token.history;
            while at != BEGINNING && std::mem::replace(&mut numbers[at as usize], 1) == 0 {
                at = self.history[at as usize].before;
            }
        }
        let renumber = |at: &mut u32, numbers: &[u32]| {
            if *at != BEGINNING {
                *at = numbers[*at as usize];
            }
        };
        // What an entry follows stands before it, and so has its new number already.
        let mut kept = 0;
        for at in 0..self.history.len() {
            if std::mem::replace(&mut numbers[at], kept) == 1 {
                let mut said = self.history[at];
                renumber(&mut said.before, &numbers);
                self.history[kept as usize] = said;
                kept += 1;
            }
        }
        self.history.truncate(kept as usize);
        for token in self.cells.iter_mut().flat_map(Cell::alive_mut) {
            renumber(&mut token.history, &numbers);
        }
        NUMBERS.set(numbers);
        self.tidy_at = HISTORY.max(2 * self.history.len());
    }

    /// Bytes that this decoder holds beside itself.
    pub fn memory(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>() + self.history.capacity() * size_of::<Said>()
    }

    /// Remembers the present, for [`Decoder::restore`], which must follow on the same thread.
    pub fn save(&mut self) {
        let mut ahead = AHEAD.take();
        ahead.cells.clone_from(&self.cells);
        ahead.history.clone_from(&self.history);
        self.saved.ways = self.exchange(ahead);
        (self.saved.row, self.saved.best) = (self.row, self.best);
        (self.saved.filler, self.saved.phones, self.saved.loudest) =
            (self.filler, self.phones, self.loudest);
    }

    /// Goes back to the moment of [`Decoder::save`].
    pub fn restore(&mut self) {
        let present = std::mem::take(&mut self.saved.ways);
        AHEAD.set(self.exchange(present));
        (self.row, self.best) = (self.saved.row, self.saved.best);
        (self.filler, self.phones, self.loudest) =
            (self.saved.filler, self.saved.phones, self.saved.loudest);
    }

    fn exchange(&mut self, ways: Ways) -> Ways {
        Ways {
            cells: std::mem::replace(&mut self.cells, ways.cells),
            history: std::mem::replace(&mut self.history, ways.history),
        }
    }

    pub fn filler(&self) -> f32 {
        self.filler
    }

    pub fn phones(&self) -> u16 {
        self.phones
    }

    pub fn rows(&self) -> u16 {
        self.row
    }

    /// The best ways that may end here, best first, no two with the same meaning.
    pub fn endings(&self, graph: &Graph, most: usize) -> Vec<Path> {
        let mut found: Vec<(f32, Token, &[u32])> = Vec::new();
        for cell in &self.cells {
            for ending in graph.endings_of(graph.node(cell.node).position) {
                let tokens = cell.alive().iter();
                found.extend(
                    tokens.map(|token| (token.score + ending.weight, *token, &ending.tags[..])),
                );
            }
        }
        found.sort_by(|left, right| right.0.total_cmp(&left.0));
        let mut paths: Vec<Path> = Vec::new();
        for (score, token, tags) in found {
            let path = Path {
                score,
                ..self.path(graph, &token, tags)
            };
            let same = |known: &Path| {
                known.tags == path.tags && (graph.has_tags() || known.said().eq(path.said()))
            };
            if !path.words.is_empty() && !paths.iter().any(same) {
                paths.push(path);
            }
            if paths.len() == most {
                break;
            }
        }
        paths
    }

    /// The best way so far, whether or not it may end here.
    pub fn leader(&self, graph: &Graph) -> Option<Leader> {
        let best = self
            .cells
            .iter()
            .map(|cell| cell.tokens[0].score)
            .max_by(f32::total_cmp)?;
        let first = self
            .cells
            .iter()
            .max_by(|left, right| left.tokens[0].score.total_cmp(&right.tokens[0].score))?;
        let ended = self.ended(graph, best - ENDS);
        let is_final = ended.is_some();
        let (end, path) = ended.unwrap_or_else(|| (best, self.path(graph, &first.tokens[0], &[])));
        let going_on = self.going_on(graph, &path, best - GOES_ON);
        Some(Leader {
            settled: self.settled(graph, &path, best),
            is_final,
            complete: is_final && going_on.is_none(),
            expects_more: is_final && going_on.is_some_and(|score| score > end + EXPECTS),
            path,
        })
    }

    /// The best way that ends here and its score, when that is no less than `least`.
    fn ended(&self, graph: &Graph, least: f32) -> Option<(f32, Path)> {
        let mut found: Option<(f32, &Token, &Ending)> = None;
        for cell in &self.cells {
            for ending in graph.endings_of(graph.node(cell.node).position) {
                let score = cell.tokens[0].score + ending.weight;
                if score >= least && found.is_none_or(|(top, ..)| score > top) {
                    found = Some((score, &cell.tokens[0], ending));
                }
            }
        }
        found.map(|(score, token, ending)| (score, self.path(graph, token, &ending.tags)))
    }

    /// The score of the best way with the words of `path` that another word may follow, if it is at least `least`.
    fn going_on(&self, graph: &Graph, path: &Path, least: f32) -> Option<f32> {
        let goes_on = |cell: &&Cell| {
            cell.tokens[0].score >= least
                && graph.can_go_on(graph.node(cell.node).position)
                && self
                    .path(graph, &cell.tokens[0], &[])
                    .said()
                    .eq(path.said())
        };
        let scores = self.cells.iter().filter(goes_on);
        scores
            .map(|cell| cell.tokens[0].score)
            .max_by(f32::total_cmp)
    }

    /// How many words of `path` every rival shares.
    fn settled(&self, graph: &Graph, path: &Path, best: f32) -> usize {
        let mut settled = path.words.len();
        for token in self.cells.iter().flat_map(Cell::alive) {
            if token.score >= best - UNSETTLED && settled > 0 {
                let rival = self.path(graph, token, &[]);
                let shared = rival
                    .said()
                    .zip(path.said())
                    .take_while(|(left, right)| left == right)
                    .count();
                settled = settled.min(shared);
            }
        }
        settled
    }

    fn path(&self, graph: &Graph, token: &Token, ending: &[u32]) -> Path {
        let mut path = Path {
            score: token.score,
            ..Path::default()
        };
        path.tags.extend(ending.iter().rev());
        let (mut at, mut last) = (token.history, token.heard);
        while at != BEGINNING {
            let said = self.history[at as usize];
            let saying = graph.saying(said.saying);
            path.words.extend(saying.word.map(|word| Spoken {
                word,
                first: said.row,
                last,
            }));
            path.tags.extend(saying.tags.iter().rev());
            (at, last) = (said.before, said.ended);
        }
        path.words.reverse();
        path.tags.reverse();
        path
    }
}

impl Path {
    fn said(&self) -> impl Iterator<Item = u32> {
        self.words.iter().map(|spoken| spoken.word)
    }
}

impl Cell {
    /// Takes the token when it is among the best, one for each meaning.
    fn insert(&mut self, token: Token) {
        let count = usize::from(self.count);
        let same = self
            .alive()
            .iter()
            .position(|known| known.meaning == token.meaning);
        let mut at = match same {
            Some(at) if self.tokens[at].score >= token.score => return,
            Some(at) => at,
            None if count < TOKENS => {
                self.count += 1;
                count
            }
            None if self.tokens[TOKENS - 1].score >= token.score => return,
            None => TOKENS - 1,
        };
        while at > 0 && self.tokens[at - 1].score < token.score {
            self.tokens[at] = self.tokens[at - 1];
            at -= 1;
        }
        self.tokens[at] = token;
    }
}

/// Gives up the worst when there are more than `most`.
fn keep_best(cells: &mut Vec<Cell>, most: usize) {
    if cells.len() > most {
        cells.select_nth_unstable_by(most - 1, |left, right| {
            let by_score = right.tokens[0].score.total_cmp(&left.tokens[0].score);
            by_score.then(left.node.cmp(&right.node))
        });
        cells.truncate(most);
    }
}

/// A grammar without tags means its words.
fn meaning_after(graph: &Graph, meaning: u32, saying: u32) -> u32 {
    let saying = graph.saying(saying);
    let mix = |hash: u32, item: u32| {
        let mixed = (hash.rotate_left(5) ^ (item + 1)).wrapping_mul(0x9e37_79b1);
        mixed ^ mixed >> 15
    };
    if graph.has_tags() {
        saying
            .tags
            .iter()
            .fold(meaning, |hash, &tag| mix(hash, tag))
    } else {
        saying
            .word
            .iter()
            .fold(meaning, |hash, &word| mix(hash, word))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::toy::{Toy, model, spoken};
    use super::*;
    use crate::language::grammar::Grammar;

    const DIGITS: &[(&str, &str)] = &[
        ("zero", "0"),
        ("um", "1"),
        ("dois", "2"),
        ("três", "3"),
        ("quatro", "4"),
        ("cinco", "5"),
        ("seis", "6"),
        ("meia", "6"),
        ("sete", "7"),
        ("oito", "8"),
        ("nove", "9"),
    ];

    fn graph(phrases: &[(&str, &str)]) -> Graph {
        Graph::compile(&Toy::choice(phrases), &model())
    }

    fn decoded(graph: &Graph, rows: &[LogProbs]) -> Decoder {
        let mut decoder = Decoder::new(CALL_CELLS);
        decoder.start(graph);
        rows.iter().for_each(|row| decoder.step(graph, row));
        decoder
    }

    fn tags(graph: &Graph, path: &Path) -> String {
        path.tags
            .iter()
            .map(|&tag| graph.tag(tag))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn hears_what_was_said() {
        let graph = graph(&[
            ("sim", "SIM"),
            ("não", "NAO"),
            ("não sou eu", "OUTRO"),
            ("sou eu", "SIM"),
        ]);
        for (text, meaning) in [
            ("sim", "SIM"),
            ("não", "NAO"),
            ("não sou eu", "OUTRO"),
            ("sou eu", "SIM"),
        ] {
            let best = &decoded(&graph, &spoken(text)).endings(&graph, 4)[0];
            assert_eq!(tags(&graph, best), meaning, "{text}");
            let words: Vec<&str> = best
                .words
                .iter()
                .map(|spoken| graph.word(spoken.word))
                .collect();
            assert_eq!(words.join(" "), text);
        }
    }

    #[test]
    fn digit_strings_come_back_whole() {
        let graph = Graph::compile(&Toy::repeat(DIGITS, 1, 11), &model());
        let text = "cinco dois nove nove oito dois dois quatro sete dois cinco";
        let best = &decoded(&graph, &spoken(text)).endings(&graph, 4)[0];
        assert_eq!(tags(&graph, best), "5 2 9 9 8 2 2 4 7 2 5");
    }

    #[test]
    fn alternatives_differ_in_meaning() {
        let graph = Graph::compile(&Toy::repeat(DIGITS, 1, 3), &model());
        let paths = decoded(&graph, &spoken("meia sete")).endings(&graph, 8);
        let meanings: Vec<String> = paths.iter().map(|path| tags(&graph, path)).collect();
        assert_eq!(meanings[0], "6 7");
        assert!(meanings.len() > 1);
        assert!(
            meanings.iter().all(|meaning| meanings
                .iter()
                .filter(|other| *other == meaning)
                .count()
                == 1)
        );
        assert!(paths.is_sorted_by(|left, right| left.score >= right.score));
    }

    #[test]
    fn words_lie_one_after_the_other() {
        let graph = graph(&[("dia dois de abril", "D")]);
        let best = &decoded(&graph, &spoken("dia dois de abril")).endings(&graph, 1)[0];
        assert!(
            best.words
                .windows(2)
                .all(|pair| pair[0].first <= pair[0].last && pair[0].last < pair[1].first)
        );
    }

    /// Weights tell which words are seldom the last ones.
    #[test]
    fn knows_when_more_is_expected() {
        let text = "#ABNF 1.0 UTF-8; root $x; public $x = /0.3/ sou | sou eu | claro [sim];";
        let files = BTreeMap::from([("x.gram".to_owned(), text.to_owned())]);
        let grammar = Grammar::load(&files, "x.gram").expect("a grammar");
        let automaton = grammar.automaton(&[], &BTreeMap::new()).expect("one");
        let graph = Graph::compile(&automaton, &model());
        for (words, expects_more) in [("sou", true), ("sou eu", false), ("claro", false)] {
            let leader = decoded(&graph, &spoken(words)).leader(&graph).expect("one");
            assert!(leader.is_final, "{words}");
            assert_eq!(leader.expects_more, expects_more, "{words}");
        }
    }

    /// "sim" may go on as "sim quero"; "não" cannot go on.
    #[test]
    fn knows_when_nothing_can_follow() {
        let graph = graph(&[("sim", "SIM"), ("sim quero", "SIM"), ("não", "NAO")]);
        let sim = decoded(&graph, &spoken("sim"))
            .leader(&graph)
            .expect("a leader");
        assert!(sim.is_final && !sim.complete, "{sim:?}");
        let nao = decoded(&graph, &spoken("não"))
            .leader(&graph)
            .expect("a leader");
        assert!(nao.is_final && nao.complete, "{nao:?}");
        assert_eq!(nao.settled, 1);
    }

    #[test]
    fn looking_ahead_leaves_no_trace() {
        let graph = Graph::compile(&Toy::repeat(DIGITS, 1, 6), &model());
        let rows = spoken("um dois três quatro");
        let plain = decoded(&graph, &rows).endings(&graph, 4);
        let mut decoder = Decoder::new(CALL_CELLS);
        decoder.start(&graph);
        for row in &rows {
            decoder.step(&graph, row);
            decoder.save();
            rows.iter()
                .take(7)
                .for_each(|row| decoder.step(&graph, row));
            decoder.restore();
            decoder.tidy();
        }
        assert_eq!(decoder.endings(&graph, 4), plain);
    }

    #[test]
    fn history_stays_small_and_true() {
        let graph = Graph::compile(&Toy::repeat(DIGITS, 1, 11), &model());
        let mut decoder = Decoder::new(CALL_CELLS);
        decoder.start(&graph);
        let flat = [-3.5; super::super::network::OUTPUTS];
        for row in std::iter::repeat_n(flat, 900).chain(spoken("sete")) {
            decoder.step(&graph, &row);
            decoder.tidy();
            assert!(
                decoder.history.len() < 16 * HISTORY,
                "{}",
                decoder.history.len()
            );
        }
        let best = &decoder.endings(&graph, 1)[0];
        assert!(tags(&graph, best).ends_with('7'));
    }
}
