//! Compiled grammars, shared by all calls: each set of rules is compiled once.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::ear::asr::{AcousticModel, Graph};
use crate::language::grammar::loose::{self, Loose};
use crate::language::grammar::parse::{Parse, Parser};
use crate::language::grammar::{Automaton, Grammar, GrammarError};

/// Graphs with phrases of one call in them (names), kept at most.
const DYNAMIC_AT_MOST: usize = 512;
/// The name of the grammar that joins the rules of a question.
const JOINED: &str = "(question)";

/// The grammars of an installation, the acoustic model, and what was compiled of them.
pub struct Graphs {
    files: BTreeMap<String, String>,
    model: Arc<AcousticModel>,
    compiled: Mutex<BTreeMap<Key, Arc<Compiled>>>,
    /// Looser wording by the rules of a question; `None` where it does not compile.
    loose: Mutex<BTreeMap<Vec<String>, Option<Arc<Loose>>>>,
}

/// The rules, and the phrases that stand in them.
type Key = (Vec<String>, Vec<(String, Vec<String>)>);

/// One set of rules: for words, and for sound.
pub struct Compiled {
    pub automaton: Automaton,
    pub graph: Arc<Graph>,
    /// For words, made when text is first read.
    parser: OnceLock<Parser>,
}

impl Compiled {
    pub fn parser(&self) -> &Parser {
        self.parser.get_or_init(|| Parser::new(&self.automaton))
    }
}

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
            loose: Mutex::default(),
        }
    }

    pub fn model(&self) -> Arc<AcousticModel> {
        self.model.clone()
    }

    /// Whether `file.gram#rule` (or `file.gram`, its root) exists.
    pub fn has(&self, reference: &str) -> bool {
        join(&[reference.to_owned()]).is_some_and(|text| self.load(text).is_ok())
    }

    /// The rules in one graph, with the phrases of this call in the places left open for them.
    ///
    /// # Errors
    /// A grammar or rule that does not exist, or one that is too large.
    pub fn get(
        &self,
        rules: &[String],
        phrases: &BTreeMap<String, Vec<String>>,
    ) -> Result<Arc<Compiled>, GraphError> {
        let used: Vec<(String, Vec<String>)> = phrases
            .iter()
            .filter(|(name, _)| self.mentions(rules, name))
            .map(|(name, said)| (name.clone(), said.clone()))
            .collect();
        let key = (rules.to_vec(), used);
        if let Some(known) = self.compiled.lock().get(&key) {
            return Ok(known.clone());
        }
        let grammar = self.load(join(rules).ok_or(GraphError::Nothing)?)?;
        let automaton = grammar.automaton(&[], phrases)?;
        let graph = Arc::new(Graph::compile(&automaton, &self.model));
        let compiled = Arc::new(Compiled {
            automaton,
            graph,
            parser: OnceLock::new(),
        });
        let mut cache = self.compiled.lock();
        if cache.len() > DYNAMIC_AT_MOST {
            cache.retain(|(_, phrases), _| phrases.is_empty());
        }
        cache.insert(key, compiled.clone());
        Ok(compiled)
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
    ) -> Result<Vec<Parse>, GraphError> {
        let compiled = self.get(rules, phrases)?;
        let names = phrases.get(loose::NAME_RULE).map_or(&[][..], Vec::as_slice);
        Ok(loose::read(
            compiled.parser(),
            || self.loose(rules),
            names,
            text,
        ))
    }

    fn loose(&self, rules: &[String]) -> Option<Arc<Loose>> {
        if let Some(known) = self.loose.lock().get(rules) {
            return known.clone();
        }
        let compiled = Loose::compile(&self.files, rules).ok().map(Arc::new);
        self.loose.lock().insert(rules.to_vec(), compiled.clone());
        compiled
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
