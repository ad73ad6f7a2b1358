//! Turns rules into an automaton: a reference becomes a copy of the rule, a repeat a row of copies or a loop.

use std::collections::BTreeMap;

use super::automaton::SLOT;
use super::lex::Place;
use super::syntax::Node;
use super::{
    Automaton, Grammar, GrammarError, Jump, Problem, Target, WordArc, error_at, reduce, text,
};

/// More states than this can neither be decoded in time nor have been meant.
const STATE_LIMIT: u32 = 200_000;
/// References may be this deep, far above what a person can follow.
const REFERENCE_LIMIT: u32 = 200;

pub fn compile(
    grammar: &Grammar,
    starts: &[Target],
    dynamic: &BTreeMap<String, Vec<String>>,
    slots: &[&str],
) -> Result<Automaton, GrammarError> {
    let mut compiler = Compiler::new(grammar, dynamic, slots);
    let start = compiler.state();
    let end = compiler.state();
    for target in starts {
        let inner = compiler.rule(start, target)?;
        compiler.jump(inner, end, None);
    }
    let automaton = Automaton {
        start,
        end,
        ..compiler.automaton
    };
    let automaton = Automaton {
        words: compiler.words.list,
        tags: compiler.tags.list,
        ..automaton
    };
    Ok(reduce::drop_unused(reduce::reduce(automaton)))
}

struct Compiler<'a> {
    grammar: &'a Grammar,
    dynamic: &'a BTreeMap<String, Vec<String>>,
    /// Rules that are left open.
    slots: &'a [&'a str],
    /// What is being built, without its words and tags.
    automaton: Automaton,
    words: Numbered,
    tags: Numbered,
    /// Rules that have been compiled, made small: they are copied where they are referred to.
    known: BTreeMap<Target, Automaton>,
    /// Where the reference being compiled stands, for messages.
    file: String,
    place: Place,
    depth: u32,
}

impl<'a> Compiler<'a> {
    fn new(
        grammar: &'a Grammar,
        dynamic: &'a BTreeMap<String, Vec<String>>,
        slots: &'a [&'a str],
    ) -> Self {
        Self {
            grammar,
            dynamic,
            slots,
            automaton: Automaton::default(),
            words: Numbered::default(),
            tags: Numbered::default(),
            known: BTreeMap::new(),
            file: grammar.main.clone(),
            place: Place { line: 1, column: 1 },
            depth: 0,
        }
    }

    fn state(&mut self) -> u32 {
        self.automaton.states += 1;
        self.automaton.states - 1
    }

    fn jump(&mut self, from: u32, to: u32, tag: Option<u32>) {
        self.automaton.jumps.push(Jump {
            from,
            to,
            tag,
            weight: 0.0,
        });
    }

    /// Adds `target` behind `from`; the state behind it.
    fn rule(&mut self, from: u32, target: &Target) -> Result<u32, GrammarError> {
        if let Some(phrases) = self.dynamic.get(&target.rule) {
            return Ok(self.phrases(from, phrases));
        }
        if self.slots.contains(&target.rule.as_str()) {
            let word = self.words.number(&format!("{SLOT}{}", target.rule));
            return Ok(self.word(from, word));
        }
        if !self.known.contains_key(target) {
            let part = self.part(target)?;
            self.known.insert(target.clone(), part);
        }
        Ok(self.copy(from, target))
    }

    /// Compiles a rule on its own.
    fn part(&mut self, target: &Target) -> Result<Automaton, GrammarError> {
        let outer = std::mem::take(&mut self.automaton);
        let file = std::mem::replace(&mut self.file, target.file.clone());
        let place = self.place;
        let start = self.state();
        let mut end = start;
        if let Some(rule) = self.grammar.rule(target) {
            self.place = rule.place;
            self.depth += 1;
            if self.depth > REFERENCE_LIMIT {
                return Err(error_at(
                    &target.file,
                    rule.place,
                    Problem::Depth {
                        limit: REFERENCE_LIMIT,
                    },
                ));
            }
            let last = self.node(start, &rule.body)?;
            end = self.state();
            self.jump(last, end, None);
            self.depth -= 1;
        }
        let inner = std::mem::replace(&mut self.automaton, outer);
        self.file = file;
        self.place = place;
        Ok(reduce::reduce(Automaton {
            start,
            end,
            ..inner
        }))
    }

    fn copy(&mut self, from: u32, target: &Target) -> u32 {
        let offset = self.automaton.states;
        let Some(part) = self.known.get(target) else {
            return from;
        };
        let (start, end) = (part.start + offset, part.end + offset);
        self.automaton.states += part.states;
        self.automaton
            .arcs
            .extend(part.arcs.iter().map(|arc| WordArc {
                from: arc.from + offset,
                to: arc.to + offset,
                ..*arc
            }));
        self.automaton
            .jumps
            .extend(part.jumps.iter().map(|jump| Jump {
                from: jump.from + offset,
                to: jump.to + offset,
                ..*jump
            }));
        self.jump(from, start, None);
        end
    }

    fn phrases(&mut self, from: u32, phrases: &[String]) -> u32 {
        let end = self.state();
        for phrase in phrases
            .iter()
            .filter(|phrase| phrase.chars().any(char::is_alphanumeric))
        {
            let last = self.row(from, phrase);
            self.jump(last, end, None);
        }
        end
    }

    /// The words of `phrase` one after the other.
    fn row(&mut self, from: u32, phrase: &str) -> u32 {
        let mut at = from;
        for word in text::words(phrase) {
            let word = self.words.number(&word);
            at = self.word(at, word);
        }
        at
    }

    fn word(&mut self, from: u32, word: u32) -> u32 {
        let to = self.state();
        self.automaton.arcs.push(WordArc { from, to, word });
        to
    }

    fn node(&mut self, from: u32, node: &Node) -> Result<u32, GrammarError> {
        if self.automaton.states > STATE_LIMIT {
            return Err(error_at(
                &self.file,
                self.place,
                Problem::TooLarge { limit: STATE_LIMIT },
            ));
        }
        match node {
            Node::Words(words) => Ok(self.row(from, words)),
            Node::Tag(tag) => {
                let to = self.state();
                let tag = self.tags.number(tag);
                self.jump(from, to, Some(tag));
                Ok(to)
            }
            Node::Reference { file, rule, .. } => {
                match self
                    .grammar
                    .target(&self.file, file.as_deref(), rule.as_deref())
                {
                    Some(target) => self.rule(from, &target),
                    None => Ok(self.state()),
                }
            }
            Node::Sequence(nodes) => nodes.iter().try_fold(from, |at, node| self.node(at, node)),
            Node::Choice(alternatives) => self.choice(from, alternatives),
            Node::Repeat { node, min, max } => self.repeat(from, node, *min, *max),
            Node::Void => Ok(self.state()),
        }
    }

    fn choice(
        &mut self,
        from: u32,
        alternatives: &[(Option<f32>, Node)],
    ) -> Result<u32, GrammarError> {
        // A factor of the likelihood, and 1 is as good as none (SRGS 1.0 §2.4.1): that one alternative has a weight costs
        // its sisters nothing. No way may earn anything, or a loop of them would; so one above 1 lowers its sisters.
        let heaviest = alternatives
            .iter()
            .map(|(weight, _)| weight.unwrap_or(1.0))
            .fold(1.0, f32::max);
        let end = self.state();
        for (weight, node) in alternatives {
            let share = weight.unwrap_or(1.0) / heaviest;
            // A weight of zero forbids the alternative (SRGS 1.0 §2.4.1).
            if share > 0.0 {
                let begin = self.state();
                self.automaton.jumps.push(Jump {
                    from,
                    to: begin,
                    tag: None,
                    weight: share.ln(),
                });
                let last = self.node(begin, node)?;
                self.jump(last, end, None);
            }
        }
        Ok(end)
    }

    fn repeat(
        &mut self,
        from: u32,
        node: &Node,
        min: u32,
        max: Option<u32>,
    ) -> Result<u32, GrammarError> {
        // A state of its own, because loops and ways around must not leak into what stands before.
        let mut at = self.state();
        self.jump(from, at, None);
        for _ in 0..min {
            at = self.node(at, node)?;
        }
        let end = self.state();
        match max {
            None => {
                let hub = self.state();
                self.jump(at, hub, None);
                let last = self.node(hub, node)?;
                self.jump(last, hub, None);
                self.jump(hub, end, None);
            }
            Some(max) => {
                for _ in min..max {
                    self.jump(at, end, None);
                    at = self.node(at, node)?;
                }
                self.jump(at, end, None);
            }
        }
        Ok(end)
    }
}

/// Texts, each with its number.
#[derive(Default)]
struct Numbered {
    list: Vec<String>,
    numbers: BTreeMap<String, u32>,
}

impl Numbered {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(&known) = self.numbers.get(text) {
            return known;
        }
        let new = self.list.len() as u32;
        self.numbers.insert(text.to_owned(), new);
        self.list.push(text.to_owned());
        new
    }
}
