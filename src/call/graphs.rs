//! Compiled grammars, shared by all calls: each set of rules is compiled once.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::ear::asr::{AcousticModel, Graph};
use crate::language::grammar::{Automaton, Grammar, GrammarError};

/// Graphs with phrases of one call in them (names), kept at most.
const DYNAMIC_AT_MOST: usize = 512;

/// The grammars of an installation, the acoustic model, and what was compiled of them.
pub struct Graphs {
    grammars: BTreeMap<String, Grammar>,
    model: Arc<AcousticModel>,
    compiled: Mutex<BTreeMap<Key, Arc<Compiled>>>,
}

type Key = (Vec<String>, Vec<(String, Vec<String>)>);

/// One set of rules: for words, and for sound.
pub struct Compiled {
    pub automaton: Automaton,
    pub graph: Arc<Graph>,
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    #[error("the grammar {file} does not exist")]
    Unknown { file: String },
    #[error("{0}")]
    Grammar(#[from] GrammarError),
}

impl Graphs {
    pub fn new(grammars: BTreeMap<String, Grammar>, model: Arc<AcousticModel>) -> Self {
        Self { grammars, model, compiled: Mutex::default() }
    }

    pub fn model(&self) -> Arc<AcousticModel> {
        self.model.clone()
    }

    /// Whether `file.gram#rule` (or `file.gram`, its root) exists.
    pub fn has(&self, reference: &str) -> bool {
        let (file, rule) = split(reference);
        self.grammars.get(file).is_some_and(|grammar| rule.is_none_or(|rule| grammar.has_rule(rule)))
    }

    /// The rules in one graph, with the phrases of this call in the places left open for them.
    ///
    /// # Errors
    /// A grammar or rule that does not exist, or one that is too large.
    pub fn get(&self, rules: &[String], phrases: &BTreeMap<String, Vec<String>>) -> Result<Arc<Compiled>, GraphError> {
        let used: Vec<(String, Vec<String>)> = phrases
            .iter()
            .filter(|(name, _)| rules.iter().any(|rule| self.mentions(rule, name)))
            .map(|(name, phrases)| (name.clone(), phrases.clone()))
            .collect();
        let key = (rules.to_vec(), used);
        if let Some(known) = self.compiled.lock().get(&key) {
            return Ok(known.clone());
        }
        let mut whole: Option<Automaton> = None;
        for reference in rules {
            let (file, rule) = split(reference);
            let grammar = self.grammars.get(file).ok_or_else(|| GraphError::Unknown { file: file.to_owned() })?;
            let root = grammar.root().to_owned();
            let part = grammar.automaton(&[rule.unwrap_or(&root)], phrases)?;
            whole = Some(match whole {
                Some(sum) => sum.either(&part),
                None => part,
            });
        }
        let automaton = whole.unwrap_or_default();
        let graph = Arc::new(Graph::compile(&automaton, &self.model));
        let compiled = Arc::new(Compiled { automaton, graph });
        let mut cache = self.compiled.lock();
        if cache.len() > DYNAMIC_AT_MOST {
            cache.retain(|(_, phrases), _| phrases.is_empty());
        }
        cache.insert(key, compiled.clone());
        Ok(compiled)
    }

    fn mentions(&self, reference: &str, name: &str) -> bool {
        let (file, _) = split(reference);
        self.grammars.get(file).is_some_and(|grammar| grammar.mentions(name))
    }
}

fn split(reference: &str) -> (&str, Option<&str>) {
    match reference.split_once('#') {
        Some((file, rule)) => (file, Some(rule)),
        None => (reference, None),
    }
}
