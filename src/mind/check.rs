//! The compiler of scripts: every mistake of every file in one go, each with its place and its remedy, and proofs on
//! the graph of the conversation, each with the path of a call that breaks it.

pub mod apart;
pub mod diff;
mod form;
mod graph;
mod hearing;
mod messages;
mod places;
mod prompts;
mod proofs;
mod routes;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::graph::Graph;
use self::places::Places;
use super::script::Script;
use crate::language::grammar::Automaton;

/// One mistake. Line and column count from 1; `path` shows how a call gets there, where that explains it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub rule: &'static str,
    pub message: String,
    pub remedy: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
}

/// What the rules of a question understand, where they compile.
pub type Automata<'a> = dyn Fn(&[String]) -> Option<Automaton> + 'a;

/// What the checker asks of the rest of the installation.
pub struct Senses<'a> {
    /// Whether a grammar rule (`file.gram#rule`) exists.
    pub rule: &'a dyn Fn(&str) -> bool,
    /// Every intent that some grammar gives.
    pub intents: BTreeSet<String>,
    /// Whether the voices have a spelling for an abbreviation.
    pub spelling: &'a dyn Fn(&str) -> bool,
    /// What the rules of a question understand. Without it the checks of hearing are left out: they take seconds.
    pub automaton: Option<&'a Automata<'a>>,
}

/// Reads a script and checks it. What can be read is checked even where another part cannot.
pub fn check(
    files: &BTreeMap<String, String>,
    senses: &Senses<'_>,
) -> (Option<Script>, Vec<Finding>) {
    let form::Form {
        places,
        script,
        mut findings,
        whole,
    } = form::read(files);
    if let Some(script) = &script {
        let graph = Graph::of(script);
        let mut report = Report {
            places: &places,
            script,
            graph: &graph,
            senses,
            findings: Vec::new(),
        };
        // Where part of a file is missing, what leads there and what it leads to cannot be told from a mistake.
        if whole {
            routes::check(&mut report);
            proofs::check(&mut report);
        }
        prompts::check(&mut report, whole);
        messages::check(&mut report, whole);
        if whole {
            hearing::check(&mut report);
        }
        findings.append(&mut report.findings);
    }
    findings.sort_by(|a, b| {
        (&a.file, a.line, a.column, a.rule).cmp(&(&b.file, b.line, b.column, b.rule))
    });
    findings.dedup();
    (script, findings)
}

/// What is checked, and what was found so far.
struct Report<'a> {
    places: &'a Places,
    script: &'a Script,
    graph: &'a Graph,
    senses: &'a Senses<'a>,
    findings: Vec<Finding>,
}

impl Report<'_> {
    /// A mistake at the value of a key, or at `needle` in it. `key` is a path: `state.abertura.on.SIM`.
    fn add(
        &mut self,
        key: &str,
        needle: &str,
        rule: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add_with_path(key, needle, rule, message, remedy, Vec::new());
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a finding has these parts, and no part of it is optional"
    )]
    fn add_with_path(
        &mut self,
        key: &str,
        needle: &str,
        rule: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
        path: Vec<String>,
    ) {
        let place = self.places.find(key, needle);
        self.findings.push(Finding {
            file: place.file,
            line: place.line,
            column: place.column,
            rule,
            message: message.into(),
            remedy: remedy.into(),
            path,
        });
    }
}

/// "did you mean": the known name with the fewest edits, if it is close.
pub fn nearest<T: AsRef<str>>(name: &str, known: impl Iterator<Item = T>) -> String {
    closest(name, known).map_or_else(
        || "correct the name".to_owned(),
        |candidate| format!("did you mean `{candidate}`?"),
    )
}

fn closest<T: AsRef<str>>(name: &str, known: impl Iterator<Item = T>) -> Option<String> {
    known
        .map(|candidate| {
            let candidate = candidate.as_ref();
            (distance(name, candidate), candidate.to_owned())
        })
        .min()
        .filter(|(edits, _)| *edits <= name.chars().count() / 2 + 1)
        .map(|(_, candidate)| candidate)
}

/// Edit distance (Levenshtein), in characters.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (corner + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
