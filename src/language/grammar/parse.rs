//! Finds in free text what a grammar understands.
//!
//! The text may say more than the grammar knows, and say several things: "bom, dia cinco… não, dia dez, tá?" The parser
//! looks for the cheapest cover of the text by *islands*, each a whole sentence of the grammar, where words between and
//! inside islands may be left out at a price. Filler words cost almost nothing, a negation costs most, because leaving
//! it out turns the meaning round. The tags of all islands stand one after the other; later ones correct earlier ones.

use std::collections::BTreeMap;

use super::Automaton;
use super::price::{self, FILLER};
use super::text;

/// One reading of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Parse {
    /// Literal tags in the order said.
    pub tags: Vec<String>,
    /// The words of the grammar that were found, in its spelling.
    pub words: Vec<String>,
    /// 0 to 1: how much of what was said is explained.
    pub confidence: f32,
    /// The price of the words that are explained: what the reading rests on, however much else was said.
    pub weight: f32,
    /// The words that the grammar did not explain, without fillers.
    pub rest: Vec<String>,
}

/// From this confidence on a reading is taken as understood.
pub const ACCEPTED: f32 = 0.45;
/// A reading that rests on more than one word of content needs less.
const ACCEPTED_AT_LENGTH: f32 = 0.35;
const AT_LENGTH: f32 = 1.5;

impl Parse {
    /// Whether this should be taken as understood.
    pub fn is_accepted(&self) -> bool {
        self.confidence >= ACCEPTED
            || self.confidence >= ACCEPTED_AT_LENGTH && self.weight >= AT_LENGTH
    }
}

/// Readings returned at most.
const READINGS: usize = 5;
/// Histories kept for one state at one word.
const KEPT: usize = 4;
/// Words read at most; what follows counts as unexplained.
const TEXT_LIMIT: usize = 150;

/// The price of one more island: a little below that of a word of content.
const ISLAND: f32 = 0.9;
/// What leaving a word out costs more inside an island than between two.
const INSIDE: f32 = 0.15;
/// The word of the grammar has other accents ("nao" for "não").
const ACCENTS: f32 = 0.03;
/// The word of the grammar is another form of the same ("estou" for "tô").
const FORM: f32 = 0.02;
/// The word of the grammar is spelt slightly differently.
const SLIP: f32 = 0.5;
/// How much a natural logarithm of a weight counts; it only decides between equals.
const WEIGHT: f32 = 0.01;

/// The readings of `text`, the best first, each with other tags; empty if nothing was found.
pub fn parse(automaton: &Automaton, text: &str) -> Vec<Parse> {
    Parser::new(automaton).parse(text)
}

/// A grammar made ready for many texts.
pub struct Parser {
    automaton: Automaton,
    /// Indexes of arcs and jumps by the state that they leave.
    arcs: Vec<Vec<u32>>,
    jumps: Vec<Vec<u32>>,
    words: BTreeMap<String, u32>,
    keys: BTreeMap<String, Vec<u32>>,
    stems: BTreeMap<String, Vec<u32>>,
    /// Ways into the grammar by the word that they begin with.
    entries: BTreeMap<u32, Vec<Entry>>,
}

/// The first step of an island: where a word leads from the start, at what price, and what is tagged on the way.
struct Entry {
    to: u32,
    cost: f32,
    tags: Vec<u32>,
}

/// A word of the text with what it may stand for: words of the grammar and their prices.
struct Heard {
    word: String,
    candidates: Vec<(u32, f32)>,
    price: f32,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    cost: f32,
    islands: u16,
    /// Price of the words that were left out.
    skipped: f32,
    /// The last link of the history in the arena; 0 is the empty history.
    history: u32,
    /// Of the tags alone, so that histories with equal tags compete.
    tags: u64,
}

impl Token {
    /// Before the first word.
    const NONE: Self = Self {
        cost: 0.0,
        islands: 0,
        skipped: 0.0,
        history: 0,
        tags: 0,
    };
}

#[derive(Clone, Copy)]
enum Item {
    Tag(u32),
    Word(u32),
    Skipped(u32),
}

type Tokens = BTreeMap<u32, Vec<Token>>;

impl Parser {
    pub fn new(automaton: &Automaton) -> Self {
        let mut arcs = vec![Vec::new(); automaton.states as usize];
        let mut jumps = arcs.clone();
        for (number, arc) in automaton.arcs.iter().enumerate() {
            arcs[arc.from as usize].push(number as u32);
        }
        for (number, jump) in automaton.jumps.iter().enumerate() {
            jumps[jump.from as usize].push(number as u32);
        }
        let words = automaton
            .words
            .iter()
            .zip(0..)
            .map(|(word, number)| (word.clone(), number))
            .collect();
        let mut keys: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (word, number) in automaton.words.iter().zip(0..) {
            keys.entry(text::key(word)).or_default().push(number);
        }
        let mut stems: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (word, number) in automaton.words.iter().zip(0..) {
            if let Some(stem) = text::stem(word) {
                stems.entry(stem).or_default().push(number);
            }
        }
        let mut parser = Self {
            automaton: automaton.clone(),
            arcs,
            jumps,
            words,
            keys,
            stems,
            entries: BTreeMap::new(),
        };
        parser.entries = parser.find_entries();
        parser
    }

    fn find_entries(&self) -> BTreeMap<u32, Vec<Entry>> {
        let mut entries: BTreeMap<u32, Vec<Entry>> = BTreeMap::new();
        if self.automaton.states == 0 {
            return entries;
        }
        let mut search = Search::new(self);
        let starts = Tokens::from([(self.automaton.start, vec![Token::NONE])]);
        for (state, tokens) in search.close(starts) {
            for &number in &self.arcs[state as usize] {
                let arc = self.automaton.arcs[number as usize];
                entries
                    .entry(arc.word)
                    .or_default()
                    .extend(tokens.iter().map(|token| Entry {
                        to: arc.to,
                        cost: token.cost,
                        tags: search.tags(token),
                    }));
            }
        }
        entries
    }

    /// As [`parse`].
    pub fn parse(&self, text: &str) -> Vec<Parse> {
        if self.automaton.states == 0 {
            return Vec::new();
        }
        let heard = self.listen(text);
        let read = heard.len().min(TEXT_LIMIT);
        let mut search = Search::new(self);
        let found = search.run(&heard[..read]);
        let readings = found
            .iter()
            .filter(|token| token.islands > 0)
            .take(READINGS);
        readings
            .map(|token| search.reading(token, &heard))
            .collect()
    }

    fn listen(&self, text: &str) -> Vec<Heard> {
        let words = text::words(text);
        let prices = price::prices(&words);
        words
            .into_iter()
            .zip(prices)
            .map(|(word, price)| Heard {
                candidates: self.candidates(&word),
                price,
                word,
            })
            .collect()
    }

    fn candidates(&self, word: &str) -> Vec<(u32, f32)> {
        let exact = self.words.get(word).copied();
        let folded = text::fold(word);
        let mut found: Vec<(u32, f32)> = exact.map(|number| (number, 0.0)).into_iter().collect();
        for &number in self
            .keys
            .get(&text::key(word))
            .into_iter()
            .flatten()
            .filter(|&&number| Some(number) != exact)
        {
            let known = &self.automaton.words[number as usize];
            found.push((
                number,
                if text::fold(known) == folded {
                    ACCENTS
                } else {
                    FORM
                },
            ));
        }
        if found.is_empty() {
            found.extend(self.slips(&folded));
        }
        if found.is_empty() {
            let kin = text::stem(word).and_then(|stem| self.stems.get(&stem));
            found.extend(kin.into_iter().flatten().map(|&number| (number, SLIP)));
        }
        found
    }

    /// Words of the grammar that differ by one letter, not the first nor in the ending, which carries the meaning
    /// ("pago", "pagou").
    fn slips(&self, folded: &str) -> Vec<(u32, f32)> {
        let long = folded.len() >= 6 && folded.is_ascii();
        let alike = |known: &str| {
            known.is_ascii()
                && known.len() >= 5
                && known.as_bytes()[0] == folded.as_bytes()[0]
                && known.as_bytes()[known.len() - 2..] == folded.as_bytes()[folded.len() - 2..]
                && text::differ_slightly(known, folded)
        };
        let known = self.keys.iter().filter(|(known, _)| long && alike(known));
        known
            .flat_map(|(_, numbers)| numbers.iter().map(|&number| (number, SLIP)))
            .collect()
    }
}

struct Search<'a> {
    parser: &'a Parser,
    /// Histories as a tree of links; the first is the root.
    arena: Vec<(u32, Item)>,
}

impl<'a> Search<'a> {
    fn new(parser: &'a Parser) -> Self {
        Self {
            parser,
            arena: vec![(0, Item::Skipped(0))],
        }
    }

    /// All tokens after the last word, cheapest first.
    fn run(&mut self, heard: &[Heard]) -> Vec<Token> {
        let mut between = vec![Token::NONE];
        let mut inside = Tokens::new();
        for (position, word) in heard.iter().enumerate() {
            let open = self.close(inside.clone());
            self.leave(&open, &mut between);
            let mut next = self.step(&open, word);
            self.enter(&between, word, &mut next);
            self.skip_inside(&inside, word, position, &mut next);
            between = between
                .into_iter()
                .map(|token| self.skip(token, word.price, word.price, position))
                .collect();
            inside = next;
        }
        let open = self.close(inside);
        self.leave(&open, &mut between);
        between
    }

    /// Follows jumps as far as they lead.
    fn close(&mut self, tokens: Tokens) -> Tokens {
        let automaton = &self.parser.automaton;
        let mut closed = Tokens::new();
        let mut waiting: Vec<(u32, Token)> = tokens
            .into_iter()
            .flat_map(|(state, tokens)| tokens.into_iter().map(move |token| (state, token)))
            .collect();
        // Taken from the back: the first in, so that equal readings keep the order of the grammar.
        waiting.reverse();
        while let Some((state, token)) = waiting.pop() {
            if !keep(closed.entry(state).or_default(), token) {
                continue;
            }
            for &number in self.parser.jumps[state as usize].iter().rev() {
                let jump = automaton.jumps[number as usize];
                let mut next = Token {
                    cost: token.cost - WEIGHT * jump.weight,
                    ..token
                };
                if let Some(tag) = jump.tag {
                    next.tags = mix(token.tags, tag);
                    next.history = self.link(token.history, Item::Tag(tag));
                }
                waiting.push((jump.to, next));
            }
        }
        closed
    }

    /// Islands that end here.
    fn leave(&self, open: &Tokens, between: &mut Vec<Token>) {
        let ended = open.get(&self.parser.automaton.end).into_iter().flatten();
        ended.for_each(|token| {
            keep(between, *token);
        });
    }

    /// Islands that begin with this word.
    fn enter(&mut self, between: &[Token], heard: &Heard, next: &mut Tokens) {
        let parser = self.parser;
        for (word, price) in &heard.candidates {
            for entry in parser.entries.get(word).into_iter().flatten() {
                for token in between {
                    let mut token = Token {
                        cost: token.cost + ISLAND + entry.cost + price,
                        islands: token.islands + 1,
                        ..*token
                    };
                    for &tag in &entry.tags {
                        token.tags = mix(token.tags, tag);
                        token.history = self.link(token.history, Item::Tag(tag));
                    }
                    token.history = self.link(token.history, Item::Word(*word));
                    keep(next.entry(entry.to).or_default(), token);
                }
            }
        }
    }

    /// The tags of a history, in the order said.
    fn tags(&self, token: &Token) -> Vec<u32> {
        let mut tags = Vec::new();
        let mut at = token.history;
        while at != 0 {
            let (before, item) = self.arena[at as usize];
            if let Item::Tag(tag) = item {
                tags.push(tag);
            }
            at = before;
        }
        tags.reverse();
        tags
    }

    fn step(&mut self, open: &Tokens, heard: &Heard) -> Tokens {
        let mut next = Tokens::new();
        for (&state, tokens) in open {
            for &number in &self.parser.arcs[state as usize] {
                let arc = self.parser.automaton.arcs[number as usize];
                let Some((_, price)) = heard.candidates.iter().find(|(word, _)| *word == arc.word)
                else {
                    continue;
                };
                for token in tokens {
                    let history = self.link(token.history, Item::Word(arc.word));
                    let token = Token {
                        cost: token.cost + price,
                        history,
                        ..*token
                    };
                    keep(next.entry(arc.to).or_default(), token);
                }
            }
        }
        next
    }

    fn skip_inside(&mut self, inside: &Tokens, word: &Heard, position: usize, next: &mut Tokens) {
        for (&state, tokens) in inside {
            for &token in tokens {
                let token = self.skip(token, word.price + INSIDE, word.price, position);
                keep(next.entry(state).or_default(), token);
            }
        }
    }

    fn skip(&mut self, token: Token, cost: f32, price: f32, position: usize) -> Token {
        let history = self.link(token.history, Item::Skipped(position as u32));
        Token {
            cost: token.cost + cost,
            skipped: token.skipped + price,
            history,
            ..token
        }
    }

    fn link(&mut self, before: u32, item: Item) -> u32 {
        self.arena.push((before, item));
        self.arena.len() as u32 - 1
    }

    fn reading(&self, token: &Token, heard: &[Heard]) -> Parse {
        let mut parse = Parse {
            tags: Vec::new(),
            words: Vec::new(),
            confidence: 0.0,
            weight: 0.0,
            rest: Vec::new(),
        };
        let mut skipped: Vec<&Heard> = heard.iter().skip(TEXT_LIMIT).rev().collect();
        let mut at = token.history;
        while at != 0 {
            let (before, item) = self.arena[at as usize];
            match item {
                Item::Tag(tag) => parse
                    .tags
                    .push(self.parser.automaton.tags[tag as usize].clone()),
                Item::Word(word) => parse
                    .words
                    .push(self.parser.automaton.words[word as usize].clone()),
                Item::Skipped(position) => skipped.push(&heard[position as usize]),
            }
            at = before;
        }
        parse.tags.reverse();
        parse.words.reverse();
        (parse.confidence, parse.weight) = confidence(token, heard, &skipped);
        let told = skipped.iter().rev().filter(|heard| heard.price > FILLER);
        parse.rest = told.map(|heard| heard.word.clone()).collect();
        parse
    }
}

/// The explained share of the price of the text, less what slips and islands cost; and the explained price. A negation that is explained says no
/// more than another word: "não" alone does not explain "não chegou".
fn confidence(token: &Token, heard: &[Heard], skipped: &[&Heard]) -> (f32, f32) {
    let priced = |heard: &Heard| heard.price.min(price::CONTENT);
    let most: f32 = heard.iter().map(priced).sum();
    let silent: f32 = skipped.iter().map(|heard| priced(heard)).sum();
    let lost: f32 = skipped.iter().map(|heard| heard.price).sum();
    let told = (most - silent).max(0.0);
    let share = told / (told + lost).max(0.1);
    let extra = f32::from(token.islands.saturating_sub(1));
    let slips = (token.cost - token.skipped - f32::from(token.islands) * ISLAND).max(0.0);
    let sure = share * 0.97_f32.powf(extra) * (1.0 - 0.1 * slips.min(5.0));
    (sure.clamp(0.0, 1.0), told)
}

/// Adds a token unless there are better ones; of two with equal tags the cheaper stays. True if it was added.
fn keep(tokens: &mut Vec<Token>, token: Token) -> bool {
    if let Some(same) = tokens
        .iter()
        .position(|other| other.tags == token.tags && (other.islands > 0) == (token.islands > 0))
    {
        if tokens[same].cost <= token.cost {
            return false;
        }
        tokens.remove(same);
    }
    let place = tokens.partition_point(|other| other.cost <= token.cost);
    if place >= KEPT {
        return false;
    }
    tokens.insert(place, token);
    tokens.truncate(KEPT);
    true
}

fn mix(tags: u64, tag: u32) -> u64 {
    (tags.rotate_left(5) ^ u64::from(tag + 1)).wrapping_mul(0x517c_c1b7_2722_0a95)
}
