//! Small grammars for tests, built by hand.

use std::sync::{Arc, LazyLock};

use super::AcousticModel;
use crate::language::g2p;
use crate::language::grammar::automaton::{Automaton, Jump, WordArc};

static MODEL: LazyLock<Arc<AcousticModel>> =
    LazyLock::new(|| AcousticModel::built_in().expect("the model is good"));

pub fn model() -> Arc<AcousticModel> {
    MODEL.clone()
}

#[derive(Default)]
pub struct Toy(Automaton);

impl Toy {
    /// One of the phrases, each with its tag.
    pub fn choice(phrases: &[(&str, &str)]) -> Automaton {
        let mut toy = Self(Automaton {
            states: 2,
            start: 0,
            end: 1,
            ..Automaton::default()
        });
        toy.alternatives(0, 1, phrases);
        toy.0
    }

    /// From `least` to `most` phrases one after the other.
    pub fn repeat(phrases: &[(&str, &str)], least: u32, most: u32) -> Automaton {
        let mut toy = Self(Automaton {
            states: most + 2,
            start: 0,
            end: most + 1,
            ..Automaton::default()
        });
        for i in 0..most {
            toy.alternatives(i, i + 1, phrases);
        }
        for from in least..=most {
            toy.0.jumps.push(Jump {
                from,
                to: most + 1,
                tag: None,
                weight: 0.0,
            });
        }
        toy.0
    }

    /// An automaton as the training tool's grammar compiler writes it: `states start end`, then `arc a b word` and
    /// `jump a b [tag]`.
    pub fn read(text: &str) -> Automaton {
        let mut toy = Self::default();
        for line in text.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["states", states, start, end] => {
                    [toy.0.states, toy.0.start, toy.0.end] = [states, start, end].map(number)
                }
                ["arc", from, to, word] => toy.arc(number(from), number(to), word),
                ["jump", from, to] => toy.jump(number(from), number(to), None),
                ["jump", from, to, tag] => toy.jump(number(from), number(to), Some(tag)),
                _ => panic!("a line of an automaton: {line}"),
            }
        }
        toy.0
    }

    fn alternatives(&mut self, from: u32, to: u32, phrases: &[(&str, &str)]) {
        for (phrase, tag) in phrases {
            let mut at = from;
            for word in phrase.split(' ') {
                let next = self.state();
                self.arc(at, next, word);
                at = next;
            }
            self.jump(at, to, Some(tag));
        }
    }

    fn state(&mut self) -> u32 {
        self.0.states += 1;
        self.0.states - 1
    }

    fn arc(&mut self, from: u32, to: u32, word: &str) {
        let word = index(&mut self.0.words, word);
        self.0.arcs.push(WordArc { from, to, word });
    }

    fn jump(&mut self, from: u32, to: u32, tag: Option<&str>) {
        let tag = tag.map(|tag| index(&mut self.0.tags, tag));
        self.0.jumps.push(Jump {
            from,
            to,
            tag,
            weight: 0.0,
        });
    }
}

fn index(all: &mut Vec<String>, item: &str) -> u32 {
    let found = all.iter().position(|known| known == item);
    found.unwrap_or_else(|| {
        all.push(item.to_owned());
        all.len() - 1
    }) as u32
}

fn number(text: &str) -> u32 {
    text.parse().expect("a number")
}

/// Rows in which every phone of `text` is heard for two rows, with blanks between.
pub fn spoken(text: &str) -> Vec<super::network::LogProbs> {
    let quiet = 0.02f32.ln() - 3.0;
    let row = |label: usize| std::array::from_fn(|i| if i == label { -0.05 } else { quiet });
    let mut rows = vec![row(0); 3];
    for phone in g2p::phones(text).concat().bytes() {
        let label = g2p::PHONES
            .bytes()
            .position(|known| known == phone)
            .expect("a phone")
            + 1;
        rows.extend([row(label), row(label), row(0)]);
    }
    rows.extend([row(0); 3]);
    rows
}
