//! Compiled grammars, shared by all calls: each set of rules is compiled once.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::ear::asr::{AcousticModel, Graph};
use crate::language::grammar::loose::{self, Loose};
use crate::language::grammar::parse::{Parse, Parser};
use crate::language::grammar::{Automaton, Grammar, GrammarError};

/// Parsers with phrases of one call in them (names), kept at most.
const DYNAMIC_AT_MOST: usize = 512;
/// Texts whose readings are kept at most, and the longest of them in bytes.
const PARSES_AT_MOST: usize = 20_000;
const LONGEST_KEPT: usize = 200;
/// The name of the grammar that joins the rules of a question.
const JOINED: &str = "(question)";

/// The grammars of an installation, the acoustic model, and what was compiled of them.
pub struct Graphs {
    files: BTreeMap<String, String>,
    model: Arc<AcousticModel>,
    /// Without the phrases of any call.
    compiled: Mutex<BTreeMap<Vec<String>, Graph>>,
    /// Which rules were found to exist.
    rules: Mutex<BTreeMap<String, bool>>,
    /// The same without sound, for text.
    words: Mutex<BTreeMap<Key, Arc<Parser>>>,
    /// Looser wording by the rules of a question; `None` where it does not compile.
    loose: Mutex<BTreeMap<Vec<String>, Option<Arc<Loose>>>>,
    /// What texts were read as. Many callers say the same.
    parses: Mutex<BTreeMap<Key, Readings>>,
}

/// The rules, and the phrases that stand in them.
type Key = (Vec<String>, Vec<(String, Vec<String>)>);

/// What texts were read as.
type Readings = BTreeMap<String, Arc<Vec<Parse>>>;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    #[error("{0}")]
    Grammar(#[from] GrammarError),
    #[error("no grammar is listened for")]
    Nothing,
}

impl Graphs {
    /// `files` are grammar files, name by text; they were loaded once, without mistakes.
    pub fn new(files: BTreeMap<String, String>, model: Arc<AcousticModel>) -> Self {
        Self {
            files,
            model,
            compiled: Mutex::default(),
            words: Mutex::default(),
            loose: Mutex::default(),
            rules: Mutex::default(),
            parses: Mutex::default(),
        }
    }

    pub fn model(&self) -> Arc<AcousticModel> {
        self.model.clone()
    }

    /// Whether `file.gram#rule` (or `file.gram`, its root) exists.
    pub fn has(&self, reference: &str) -> bool {
        if let Some(known) = self.rules.lock().get(reference) {
            return *known;
        }
        let exists = join(&[reference.to_owned()]).is_some_and(|text| self.load(text).is_ok());
        self.rules.lock().insert(reference.to_owned(), exists);
        exists
    }

    /// The rules in one graph, with the phrases of this call in the places left open for them.
    ///
    /// # Errors
    /// A grammar or rule that does not exist, or one that is too large.
    pub fn get(
        &self,
        rules: &[String],
        phrases: &BTreeMap<String, Vec<String>>,
    ) -> Result<Graph, GraphError> {
        let known = self.compiled.lock().get(rules).cloned();
        let shared = match known {
            Some(known) => known,
            None => {
                let grammar = self.load(join(rules).ok_or(GraphError::Nothing)?)?;
                let automaton = grammar.automaton_with_slots(&[loose::NAME_RULE])?;
                let compiled = Graph::compile(&automaton, &self.model);
                let mut cache = self.compiled.lock();
                cache.entry(rules.to_vec()).or_insert(compiled).clone()
            }
        };
        Ok(shared.with(phrases))
    }

    /// The rules as an automaton over words.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn automaton(
        &self,
        rules: &[String],
        phrases: &BTreeMap<String, Vec<String>>,
    ) -> Result<Automaton, GraphError> {
        let grammar = self.load(join(rules).ok_or(GraphError::Nothing)?)?;
        Ok(grammar.automaton(&[], phrases)?)
    }

    /// The readings of a written sentence, the best first: by the rules, and by looser wording where these do not
    /// explain it whole.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn read(
        &self,
        rules: &[String],
        phrases: &BTreeMap<String, Vec<String>>,
        text: &str,
    ) -> Result<Arc<Vec<Parse>>, GraphError> {
        // Looser wording may name the person where the rules of the question do not.
        let said: Vec<_> = phrases.clone().into_iter().collect();
        let whole = (rules.to_vec(), said);
        let known = self.parses.lock();
        if let Some(known) = known.get(&whole).and_then(|texts| texts.get(text)) {
            return Ok(known.clone());
        }
        drop(known);
        let parser = self.words(&self.key(rules, phrases), phrases)?;
        let names = phrases.get(loose::NAME_RULE).map_or(&[][..], Vec::as_slice);
        let parses = Arc::new(loose::read(&parser, || self.loose(rules), names, text));
        // Texts of unbounded length are not kept.
        if text.len() <= LONGEST_KEPT {
            let mut known = self.parses.lock();
            if known.values().map(BTreeMap::len).sum::<usize>() > PARSES_AT_MOST {
                known.clear();
            }
            known
                .entry(whole)
                .or_default()
                .insert(text.to_owned(), parses.clone());
        }
        Ok(parses)
    }

    fn loose(&self, rules: &[String]) -> Option<Arc<Loose>> {
        if let Some(known) = self.loose.lock().get(rules) {
            return known.clone();
        }
        let compiled = Loose::compile(&self.files, rules).ok().map(Arc::new);
        self.loose.lock().insert(rules.to_vec(), compiled.clone());
        compiled
    }

    fn words(
        &self,
        key: &Key,
        phrases: &BTreeMap<String, Vec<String>>,
    ) -> Result<Arc<Parser>, GraphError> {
        if let Some(known) = self.words.lock().get(key) {
            return Ok(known.clone());
        }
        let grammar = self.load(join(&key.0).ok_or(GraphError::Nothing)?)?;
        let parser = Arc::new(Parser::new(&grammar.automaton(&[], phrases)?));
        let mut cache = self.words.lock();
        if cache.len() > DYNAMIC_AT_MOST {
            cache.retain(|(_, phrases), _| phrases.is_empty());
        }
        cache.insert(key.clone(), parser.clone());
        Ok(parser)
    }

    /// The rules with those phrases of a call that stand in them.
    fn key(&self, rules: &[String], phrases: &BTreeMap<String, Vec<String>>) -> Key {
        let used: Vec<(String, Vec<String>)> = phrases
            .iter()
            .filter(|(name, _)| self.mentions(rules, name))
            .map(|(name, said)| (name.clone(), said.clone()))
            .collect();
        (rules.to_vec(), used)
    }

    fn load(&self, joined: String) -> Result<Grammar, GrammarError> {
        let files = |name: &str| {
            if name == JOINED {
                Some(joined.clone())
            } else {
                self.files.get(name).cloned()
            }
        };
        Grammar::load(&files, JOINED).map_err(|mut mistakes| mistakes.swap_remove(0))
    }

    /// Whether one of the rules' own files leaves a place for these phrases. Names are only ever asked for in the file
    /// that a question names.
    fn mentions(&self, rules: &[String], name: &str) -> bool {
        let place = format!("${name}");
        rules
            .iter()
            .filter_map(|rule| self.files.get(rule.split('#').next()?))
            .any(|text| text.contains(&place))
    }
}

/// A grammar whose root is any of the rules.
fn join(rules: &[String]) -> Option<String> {
    if rules.is_empty() {
        return None;
    }
    let references: Vec<String> = rules.iter().map(|rule| format!("$<{rule}>")).collect();
    Some(format!(
        "#ABNF 1.0 UTF-8;\nlanguage pt-BR;\nroot $question;\npublic $question = {};\n",
        references.join(" | ")
    ))
}
