//! SRGS 1.0 grammars in ABNF form: one source for the decoder, free text, meanings and test sentences.
//!
//! A grammar is loaded with every file it refers to, checked whole, and compiled to an [`Automaton`] of the rules
//! that are active in a state of the conversation. Tags are literals (`semantics/1.0-literals`); what they mean is
//! said in [`crate::language::meaning`].

mod address;
pub mod automaton;
mod compile;
mod error;
mod generate;
mod lex;
pub mod loose;
pub mod parse;
mod price;
mod reduce;
pub mod shipped;
mod stem;
mod syntax;
pub mod text;

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use automaton::{Automaton, Jump, WordArc};
pub use error::{GrammarError, Problem};
pub use generate::Sentence;
pub use shipped::Shipped;

use lex::Place;
use syntax::{Node, Rule, Tree};

/// Where grammar files come from: a folder, the program itself, a test.
pub trait Files {
    /// The text of the file, or `None` if there is none of that name.
    fn read(&self, name: &str) -> Option<String>;
}

impl Files for BTreeMap<String, String> {
    fn read(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }
}

/// Any function from names to texts, such as one that asks an embedded folder.
impl<F: Fn(&str) -> Option<String>> Files for F {
    fn read(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// A grammar file and all files it refers to, without mistakes.
#[derive(Clone, Debug)]
pub struct Grammar {
    main: String,
    trees: BTreeMap<String, Tree>,
}

impl Grammar {
    /// Loads `name` and what it refers to. On failure all mistakes of all files are returned, in order of file and place.
    pub fn load(files: &dyn Files, name: &str) -> Result<Self, Vec<GrammarError>> {
        let mut loader = Loader::default();
        loader.read(files, name);
        loader.resolve();
        if loader.errors.is_empty() {
            loader.find_circles();
        }
        let Loader { trees, mut errors } = loader;
        if errors.is_empty() {
            return Ok(Self {
                main: name.to_owned(),
                trees,
            });
        }
        errors.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        Err(errors)
    }

    /// Compiles the alternatives of `rules`, or the root if there are none. A rule is named as in the main file, or
    /// `file.gram#rule`. A rule that stands in `dynamic` is replaced by these phrases, in whichever file it is defined.
    pub fn automaton(
        &self,
        rules: &[&str],
        dynamic: &BTreeMap<String, Vec<String>>,
    ) -> Result<Automaton, GrammarError> {
        let starts = match rules {
            [] => vec![self.start(&self.main, None)?],
            _ => rules
                .iter()
                .map(|rule| match rule.split_once('#') {
                    Some((file, rule)) => self.start(file, Some(rule)),
                    None => self.start(&self.main, Some(rule)),
                })
                .collect::<Result<_, _>>()?,
        };
        compile::compile(self, &starts, dynamic, &[])
    }

    /// Compiles the root with the rules of these names left open: the word `$name` stands where the phrases will.
    pub fn automaton_with_slots(&self, slots: &[&str]) -> Result<Automaton, GrammarError> {
        let start = self.start(&self.main, None)?;
        compile::compile(self, &[start], &BTreeMap::new(), slots)
    }

    /// Compiles the alternatives of several grammars, each `file.gram` (its root) or `file.gram#rule`, as the states of
    /// a script list them.
    pub fn automaton_of(
        files: &dyn Files,
        grammars: &[&str],
        dynamic: &BTreeMap<String, Vec<String>>,
    ) -> Result<Automaton, Vec<GrammarError>> {
        let mut together = Self {
            main: String::new(),
            trees: BTreeMap::new(),
        };
        let mut errors = Vec::new();
        let mut starts = Vec::new();
        for grammar in grammars {
            let (file, rule) = grammar
                .split_once('#')
                .map_or((*grammar, None), |(file, rule)| (file, Some(rule)));
            match Self::load(files, file).and_then(|loaded| {
                Ok((
                    loaded.start(file, rule).map_err(|error| vec![error])?,
                    loaded,
                ))
            }) {
                Ok((start, loaded)) => {
                    starts.push(start);
                    together.trees.extend(loaded.trees);
                }
                Err(more) => errors.extend(more),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        compile::compile(&together, &starts, dynamic, &[]).map_err(|error| vec![error])
    }

    /// The names of the rules of the main file.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.trees
            .get(&self.main)
            .into_iter()
            .flat_map(|tree| tree.rules.keys())
            .map(String::as_str)
    }

    /// The name of the rule that stands for the whole grammar.
    pub fn root(&self) -> Option<&str> {
        self.trees.get(&self.main).and_then(root_of)
    }

    /// All literal tags that the grammar and its files can say.
    pub fn tags(&self) -> BTreeSet<&str> {
        let mut tags = BTreeSet::new();
        for rule in self.trees.values().flat_map(|tree| tree.rules.values()) {
            each_node(&rule.body, &mut |node| {
                if let Node::Tag(tag) = node {
                    tags.insert(tag.as_str());
                }
            });
        }
        tags
    }

    fn start(&self, file: &str, rule: Option<&str>) -> Result<Target, GrammarError> {
        let tree = self.trees.get(file).ok_or_else(|| {
            error_at(
                file,
                Place::default(),
                Problem::UnknownFile(file.to_owned()),
            )
        })?;
        find(tree, file, rule)
            .map_err(|problem| error_at(file, Place { line: 1, column: 1 }, problem))
    }

    /// The rule that a reference in `file` means. Loading has made sure that there is one.
    fn target(&self, from: &str, file: Option<&str>, rule: Option<&str>) -> Option<Target> {
        let file = file.map_or_else(|| from.to_owned(), |file| beside(from, file));
        find(self.trees.get(&file)?, &file, rule).ok()
    }

    fn rule(&self, target: &Target) -> Option<&Rule> {
        self.trees.get(&target.file)?.rules.get(&target.rule)
    }
}

/// A rule of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    file: String,
    rule: String,
}

fn root_of(tree: &Tree) -> Option<&str> {
    tree.root
        .as_ref()
        .map(|(_, name)| name.as_str())
        .or(tree.first.as_deref())
}

fn find(tree: &Tree, file: &str, rule: Option<&str>) -> Result<Target, Problem> {
    let name = rule.or_else(|| root_of(tree)).ok_or(Problem::NoRules)?;
    if tree.rules.contains_key(name) {
        return Ok(Target {
            file: file.to_owned(),
            rule: name.to_owned(),
        });
    }
    let similar = tree
        .rules
        .keys()
        .find(|known| text::differ_slightly(known, name))
        .cloned();
    Err(Problem::UnknownRule {
        file: file.to_owned(),
        rule: name.to_owned(),
        similar,
    })
}

/// The name of a file referred to as `name` in file `from`: relative to its folder.
fn beside(from: &str, name: &str) -> String {
    let name = name.trim_start_matches("./");
    match from.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    }
}

fn error_at(file: &str, place: Place, problem: Problem) -> GrammarError {
    GrammarError {
        file: file.to_owned(),
        line: place.line,
        column: place.column,
        problem,
    }
}

fn each_node<'a>(node: &'a Node, visit: &mut dyn FnMut(&'a Node)) {
    visit(node);
    match node {
        Node::Sequence(nodes) => nodes.iter().for_each(|node| each_node(node, visit)),
        Node::Choice(nodes) => nodes.iter().for_each(|(_, node)| each_node(node, visit)),
        Node::Repeat { node, .. } => each_node(node, visit),
        Node::Words(_) | Node::Tag(_) | Node::Reference { .. } | Node::Void => {}
    }
}

/// The references in a rule, with their places.
fn references(rule: &Rule) -> Vec<(Place, Option<&str>, Option<&str>)> {
    let mut found = Vec::new();
    each_node(&rule.body, &mut |node| {
        if let Node::Reference { place, file, rule } = node {
            found.push((*place, file.as_deref(), rule.as_deref()));
        }
    });
    found
}

#[derive(Default)]
struct Loader {
    trees: BTreeMap<String, Tree>,
    errors: Vec<GrammarError>,
}

impl Loader {
    fn read(&mut self, files: &dyn Files, name: &str) {
        let mut waiting = vec![(
            name.to_owned(),
            name.to_owned(),
            Place { line: 1, column: 1 },
        )];
        while let Some((file, from, place)) = waiting.pop() {
            if self.trees.contains_key(&file) {
                continue;
            }
            let Some(text) = files.read(&file) else {
                self.errors
                    .push(error_at(&from, place, Problem::UnknownFile(file)));
                continue;
            };
            let (tree, mistakes) = syntax::parse(&text);
            self.errors.extend(
                mistakes
                    .into_iter()
                    .map(|(place, problem)| error_at(&file, place, problem)),
            );
            for rule in tree.rules.values() {
                for (place, other, _) in references(rule) {
                    waiting.extend(other.map(|other| (beside(&file, other), file.clone(), place)));
                }
            }
            self.trees.insert(file, tree);
        }
    }

    /// Reports references that lead nowhere.
    fn resolve(&mut self) {
        let mut found = Vec::new();
        for (from, tree) in &self.trees {
            if let Some((place, root)) = &tree.root {
                found.extend(
                    find(tree, from, Some(root))
                        .err()
                        .map(|problem| error_at(from, *place, problem)),
                );
            }
            for (place, file, rule) in tree.rules.values().flat_map(references) {
                let problem = self.reference(from, file, rule).err();
                found.extend(problem.map(|problem| error_at(from, place, problem)));
            }
        }
        self.errors.extend(found);
    }

    fn reference(&self, from: &str, file: Option<&str>, rule: Option<&str>) -> Result<(), Problem> {
        let name = file.map_or_else(|| from.to_owned(), |file| beside(from, file));
        // A missing file has been reported while reading.
        let Some(tree) = self.trees.get(&name) else {
            return Ok(());
        };
        let target = find(tree, &name, rule)?;
        let private = tree
            .rules
            .get(&target.rule)
            .is_some_and(|rule| !rule.public);
        // The root can always be referred to (SRGS 1.0 §2.2.2).
        if private && rule.is_some() && name != from {
            return Err(Problem::PrivateRule {
                file: target.file,
                rule: target.rule,
            });
        }
        Ok(())
    }

    /// Reports each circle of rules once, at its first rule.
    fn find_circles(&mut self) {
        let grammar = Grammar {
            main: String::new(),
            trees: std::mem::take(&mut self.trees),
        };
        let mut done = BTreeSet::new();
        for (file, tree) in &grammar.trees {
            for rule in tree.rules.keys() {
                let target = Target {
                    file: file.clone(),
                    rule: rule.clone(),
                };
                self.errors.extend(circle_from(&grammar, target, &mut done));
            }
        }
        self.trees = grammar.trees;
    }
}

/// Walks the references from `start` depth first; `done` holds the rules below which there is no further circle.
fn circle_from(
    grammar: &Grammar,
    start: Target,
    done: &mut BTreeSet<Target>,
) -> Option<GrammarError> {
    if done.contains(&start) {
        return None;
    }
    // A stack of its own: grammars come from outside, and the depth of references is theirs to choose.
    let mut path: Vec<(Target, Vec<Target>)> = vec![(start.clone(), below(grammar, &start))];
    let mut found = None;
    while let Some((_, waiting)) = path.last_mut() {
        let Some(next) = waiting.pop() else {
            done.extend(path.pop().map(|(target, _)| target));
            continue;
        };
        if let Some(begin) = path.iter().position(|(target, _)| *target == next) {
            let names = path[begin..]
                .iter()
                .map(|(target, _)| target)
                .chain([&next]);
            let path = names.map(|target| format!("${}", target.rule)).collect();
            let place = grammar
                .rule(&next)
                .map_or_else(Place::default, |rule| rule.place);
            found.get_or_insert_with(|| error_at(&next.file, place, Problem::Recursion { path }));
        } else if !done.contains(&next) {
            let waiting = below(grammar, &next);
            path.push((next, waiting));
        }
    }
    found
}

fn below(grammar: &Grammar, target: &Target) -> Vec<Target> {
    let references = grammar.rule(target).map(references).unwrap_or_default();
    references
        .iter()
        .rev()
        .filter_map(|(_, file, rule)| grammar.target(&target.file, *file, *rule))
        .collect()
}
