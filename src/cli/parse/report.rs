//! `combinado parse --report`: what each intent covers, and which intents a question takes for each other.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde::Serialize;

use super::{Args, Exit, Output, Questions, lines};
use crate::base::Date;
use crate::language::meaning::{self, Value};

/// State, intent and text of the phrasings that the grammars were written from.
const PHRASINGS: &str = include_str!("../../../grammars/tests/phrasings.tsv");
/// Sentences of its own grammars that each question is asked to understand again.
const GENERATED: usize = 300;

/// One line of the report.
#[derive(Serialize)]
#[serde(untagged)]
enum Line {
    Coverage {
        intent: String,
        phrasings: usize,
        understood: usize,
        share: f64,
    },
    Confusion {
        state: String,
        said: String,
        /// Empty if it was not understood.
        taken_for: String,
        count: usize,
        /// Of how many.
        of: usize,
        example: String,
        /// `phrasings`, or `generated` by the grammars of the question itself.
        source: &'static str,
    },
    Total {
        phrasings: usize,
        understood: usize,
        share: f64,
    },
}

/// What was said in a state and what it was taken for, with how often and an example.
#[derive(Default)]
struct Table {
    seen: BTreeMap<(String, String, String), (usize, String)>,
    said: BTreeMap<(String, String), usize>,
}

impl Table {
    fn add(&mut self, state: &str, said: &str, taken: &str, text: &str) {
        *self
            .said
            .entry((state.to_owned(), said.to_owned()))
            .or_default() += 1;
        if said != taken {
            let key = (state.to_owned(), said.to_owned(), taken.to_owned());
            let (count, _) = self.seen.entry(key).or_insert_with(|| (0, text.to_owned()));
            *count += 1;
        }
    }

    fn lines(self, source: &'static str) -> Vec<Line> {
        let said = self.said;
        let lines = self.seen.into_iter();
        lines
            .map(
                |((state, intent, taken_for), (count, example))| Line::Confusion {
                    of: said
                        .get(&(state.clone(), intent.clone()))
                        .copied()
                        .unwrap_or_default(),
                    state,
                    said: intent,
                    taken_for,
                    count,
                    example,
                    source,
                },
            )
            .collect()
    }
}

pub fn run(questions: &Questions, args: &Args, today: Date, out: Output) -> anyhow::Result<Exit> {
    let mut covered: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut table = Table::default();
    for Row {
        state,
        intent,
        text,
        slots,
    } in rows(args)?
    {
        let state = question(questions, &state);
        let read = questions.read(&state, &text, today)?;
        let mut taken = read.intent.unwrap_or_default();
        for (name, wanted) in &slots {
            let found = read.slots.get(name).map(Value::plain).unwrap_or_default();
            if found != *wanted {
                taken.push_str(&format!(" {name}={found}"));
            }
        }
        let (understood, all) = covered.entry(intent.clone()).or_default();
        *understood += usize::from(taken == intent);
        *all += 1;
        table.add(&state, &intent, &taken, &text);
    }
    let (understood, phrasings) = covered
        .values()
        .fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
    let mut report: Vec<Line> = covered
        .into_iter()
        .map(|(intent, (understood, phrasings))| Line::Coverage {
            intent,
            phrasings,
            understood,
            share: share(understood, phrasings),
        })
        .collect();
    report.extend(table.lines("phrasings"));
    report.extend(generated(questions, args.seed, today)?.lines("generated"));
    report.push(Line::Total {
        phrasings,
        understood,
        share: share(understood, phrasings),
    });
    for line in &report {
        out.record(line, || human(line));
    }
    Ok(Exit::Ok)
}

/// What each question's own sentences are taken for. Questions that listen to the same rules are asked once.
fn generated(questions: &Questions, seed: u64, today: Date) -> anyhow::Result<Table> {
    let mut table = Table::default();
    let mut asked = BTreeSet::new();
    let states = questions.script.state.iter();
    for (name, _) in states.filter(|(_, state)| !state.listen.is_empty()) {
        if !asked.insert(questions.rules(name)?) {
            continue;
        }
        for sentence in questions.sentences(name, seed, GENERATED)? {
            let Some(said) = meaning::read(&sentence.tags, today).intent else {
                continue;
            };
            let text = sentence.words.join(" ");
            let taken = questions.read(name, &text, today)?.intent;
            table.add(name, &said, &taken.unwrap_or_default(), &text);
        }
    }
    Ok(table)
}

/// A line of a table.
struct Row {
    state: String,
    /// Empty where nothing should be understood.
    intent: String,
    text: String,
    /// Slots that must have these values; others may be there.
    slots: Vec<(String, String)>,
}

fn rows(args: &Args) -> anyhow::Result<Vec<Row>> {
    let table: Vec<String> = match &args.file {
        Some(file) => lines(file)?
            .collect::<Result<_, _>>()
            .with_context(|| format!("reading {}", file.display()))?,
        None => PHRASINGS.lines().map(String::from).collect(),
    };
    let told = table
        .iter()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    told.map(|line| {
        let mut parts = line.split('\t');
        let mut next = || {
            parts.next().map(String::from).with_context(|| {
                format!(
                    "`{line}` is not STATE, INTENT (or -), TEXT and perhaps SLOTS with tabs between"
                )
            })
        };
        let [state, intent, text] = [next()?, next()?, next()?];
        let intent = intent.trim_start_matches('-').to_owned();
        let slots = parts.next().unwrap_or_default();
        let slots = slots.split([';', ' ']).filter(|slot| !slot.is_empty());
        let slots = slots.map(|slot| {
            let (name, value) = slot
                .split_once('=')
                .with_context(|| format!("`{slot}` is not NAME=VALUE, in `{line}`"))?;
            Ok((name.to_owned(), value.to_owned()))
        });
        Ok(Row {
            slots: slots.collect::<anyhow::Result<_>>()?,
            state,
            intent,
            text,
        })
    })
    .collect()
}

/// The state that is meant: by its name, or by the grammar that it listens to first.
fn question(questions: &Questions, name: &str) -> String {
    let states = &questions.script.state;
    if states.contains_key(name) && questions.rules(name).is_ok() {
        return name.to_owned();
    }
    let file = format!("{name}.gram");
    let listens = |rules: &Vec<String>| rules.first().is_some_and(|rule| rule.starts_with(&file));
    states
        .iter()
        .find(|(_, state)| listens(&state.listen))
        .map_or(name, |(state, _)| state)
        .to_owned()
}

fn share(understood: usize, all: usize) -> f64 {
    if all == 0 {
        return 0.0;
    }
    understood as f64 / all as f64
}

fn human(line: &Line) -> String {
    match line {
        Line::Coverage {
            intent,
            phrasings,
            understood,
            share,
        } => {
            let intent = if intent.is_empty() { "-" } else { intent };
            format!("{intent}\t{understood}/{phrasings}\t{:.1} %", share * 100.0)
        }
        Line::Confusion {
            state,
            said,
            taken_for,
            count,
            of,
            example,
            source,
        } => {
            let [said, taken] =
                [said, taken_for].map(|intent| if intent.is_empty() { "-" } else { intent });
            format!("{state}\t{said} → {taken}\t{count}/{of}\t{source}\t«{example}»")
        }
        Line::Total {
            phrasings,
            understood,
            share,
        } => format!("total\t{understood}/{phrasings}\t{:.1} %", share * 100.0),
    }
}
