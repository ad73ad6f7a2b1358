//! What a call is made of, loaded and checked once: script, grammars, policy, acoustic model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_embed::Embed;
use sha2::{Digest, Sha256};

use crate::call::Graphs;
use crate::config;
use crate::ear::asr::AcousticModel;
use crate::language::grammar::Grammar;
use crate::mind::check::diff::Change;
use crate::mind::check::{self, Finding};
use crate::mind::policy::Policy;
use crate::mind::script::Script;
use crate::mouth::lexicon;

#[derive(Embed)]
#[folder = "prompts/"]
struct Prompts;

#[derive(Embed)]
#[folder = "grammars/"]
struct Grammars;

#[derive(Embed)]
#[folder = "models/"]
#[include = "acoustic.bin"]
struct Models;

/// The name of the built-in script.
pub const BUILT_IN: &str = "cobranca";
/// What holds in every question stands in a file of its own.
const REPAIRS: &str = "reparos.toml";
/// The policy stands beside the script, in a file of its own.
const POLICY: &str = "politica.toml";

/// The files a script and its grammars were read from, by name. Stored once per version, so that old calls replay.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sources {
    pub script: BTreeMap<String, String>,
    pub grammars: BTreeMap<String, String>,
    pub policy: String,
}

/// Everything a call needs that is the same for all calls.
pub struct Kit {
    pub sources: Sources,
    pub script: Arc<Script>,
    pub policy: Policy,
    pub graphs: Arc<Graphs>,
    /// SHA-256 of the sources, in hexadecimal: the version a call keeps.
    pub version: String,
}

/// Why no kit could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KitError {
    #[error("{path} cannot be read; name a folder with the files of a script")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the acoustic model cannot be used: {reason}")]
    Model { reason: String },
    #[error("{} mistakes; the first: {}", .0.len(), .0.first().map_or(String::new(), |f| format!("{}:{}:{} {}", f.file, f.line, f.column, f.message)))]
    Findings(Vec<Finding>),
}

impl Sources {
    /// The built-in script, grammars and policy, with what the configuration names in their place.
    ///
    /// # Errors
    /// A folder or file that cannot be read.
    pub fn gather(agent: &config::Agent) -> Result<Self, KitError> {
        let mut script = match &agent.script {
            Some(folder) => read_folder(folder, "toml")?,
            None => embedded::<Prompts>(&format!("{BUILT_IN}/")),
        };
        // A script without repair patterns takes those of the box.
        if !script.is_empty()
            && !script.contains_key(REPAIRS)
            && !script.values().any(|text| has_global(text))
        {
            let own = embedded::<Prompts>(&format!("{BUILT_IN}/")).remove(REPAIRS);
            script.extend(own.map(|text| (REPAIRS.to_owned(), text)));
        }
        let own_policy = script.remove(POLICY);
        let policy = match &agent.policy {
            Some(path) => std::fs::read_to_string(path).map_err(|source| KitError::Read {
                path: path.clone(),
                source,
            })?,
            None => own_policy
                .or_else(|| embedded::<Prompts>(&format!("{BUILT_IN}/")).remove(POLICY))
                .unwrap_or_default(),
        };
        let grammars = match &agent.grammars {
            Some(folder) => read_folder(folder, "gram")?,
            None => embedded::<Grammars>(""),
        };
        Ok(Self {
            script,
            grammars,
            policy,
        })
    }

    /// SHA-256 over all files, names included.
    pub fn version(&self) -> String {
        let mut hash = Sha256::new();
        for (name, text) in self.script.iter().chain(&self.grammars) {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        hash.update(self.policy.as_bytes());
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Every mistake in every file of script and policy. What a question hears is checked where `hears` wants it for
    /// the question's rules: all of them take seconds.
    pub fn findings(&self, graphs: &Graphs, hears: &dyn Fn(&[String]) -> bool) -> Vec<Finding> {
        let automaton = |rules: &[String]| {
            if !hears(rules) {
                return None;
            }
            let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
            Grammar::automaton_of(&self.grammars, &rules, &BTreeMap::new()).ok()
        };
        let senses = check::Senses {
            rule: &|rule| graphs.has(rule),
            intents: self.intents(),
            spelling: &lexicon::knows,
            automaton: Some(&automaton),
        };
        let (_, mut findings) = check::check(&self.script, &senses);
        let policy = Policy::parse(&self.policy);
        if policy
            .as_ref()
            .is_ok_and(|policy| policy.instalments.lender && policy.instalments.juros_month.0 > 0)
            && !self.script.values().any(|text| text.contains("{{ cet }}"))
        {
            let at = self.policy.find("lender").unwrap_or(0);
            let (line, column) = crate::mind::script::place(&self.policy, at);
            findings.push(Finding {
                file: POLICY.to_owned(),
                line,
                column,
                rule: "missing-notice",
                message: "a lender states the effective cost (CET) before anything is agreed, and no prompt says it (CDC, art. 54-B)".to_owned(),
                remedy: "say {{ cet }} in a state before the reading, when tem_cet".to_owned(),
                path: Vec::new(),
            });
        }
        if let Err(mistakes) = policy {
            findings.extend(mistakes.into_iter().map(|mistake| Finding {
                file: POLICY.to_owned(),
                line: mistake.line,
                column: mistake.column,
                rule: "policy",
                message: format!("{}: {}", mistake.key, mistake.message),
                remedy: mistake.remedy,
                path: Vec::new(),
            }));
        }
        findings
    }

    /// What differs from an older version: states and their keys, policy, and the grammars that changed.
    pub fn changes_since(&self, old: &Self) -> Vec<Change> {
        let read = |sources: &Self| Script::read(&sources.script).ok();
        let mut changes = match (read(old), read(self)) {
            (Some(old), Some(new)) => check::diff::scripts(&old, &new),
            // What cannot be read is compared as text.
            _ => texts(&old.script, &self.script),
        };
        let policy =
            |text: &str| toml::from_str::<serde_json::Value>(text).unwrap_or_else(|_| text.into());
        let values = check::diff::values(&policy(&old.policy), &policy(&self.policy));
        changes.extend(values.into_iter().map(|change| Change {
            key: format!("policy.{}", change.key),
            ..change
        }));
        changes.extend(texts(&old.grammars, &self.grammars));
        changes
    }

    /// Every intent that the grammars name in their tags.
    fn intents(&self) -> BTreeSet<String> {
        let tags = self
            .grammars
            .values()
            .flat_map(|text| text.split('{').skip(1));
        tags.filter_map(|rest| rest.split_once('}'))
            .map(|(tag, _)| tag.trim())
            .filter(|tag| {
                tag.len() > 1
                    && tag.starts_with(|c: char| c.is_ascii_uppercase())
                    && tag
                        .bytes()
                        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
            })
            .map(str::to_owned)
            .collect()
    }

    /// Every mistake of every grammar file.
    pub fn grammar_mistakes(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for file in self.grammars.keys() {
            let Err(errors) = Grammar::load(&self.grammars, file) else {
                continue;
            };
            findings.extend(errors.into_iter().map(|error| Finding {
                file: error.file.clone(),
                line: error.line as usize,
                column: error.column as usize,
                rule: error.problem.code(),
                message: error.problem.to_string(),
                remedy: error.problem.remedy(),
                path: Vec::new(),
            }));
        }
        findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        findings.dedup();
        findings
    }
}

/// The files that differ, line by line where they are told apart.
fn texts(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<Change> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let lines = |files: &BTreeMap<String, String>| -> BTreeSet<String> {
            let text = files.get(name).map_or("", String::as_str);
            text.lines().map(str::to_owned).collect()
        };
        let (before, after) = (lines(old), lines(new));
        changes.extend(before.difference(&after).map(|line| Change {
            key: name.clone(),
            old: Some(line.clone()),
            new: None,
        }));
        changes.extend(after.difference(&before).map(|line| Change {
            key: name.clone(),
            old: None,
            new: Some(line.clone()),
        }));
    }
    changes
}

impl Kit {
    /// Loads, checks and compiles. A script with mistakes does not load.
    ///
    /// # Errors
    /// What cannot be read, and every mistake that was found.
    pub fn load(agent: &config::Agent) -> Result<Self, KitError> {
        let model = acoustic_model(agent.model.as_deref())?;
        Self::build(Sources::gather(agent)?, model)
    }

    /// Checks and compiles sources that were read, or kept with an old call.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn build(sources: Sources, model: Arc<AcousticModel>) -> Result<Self, KitError> {
        let mut findings = sources.grammar_mistakes();
        let graphs = Graphs::new(sources.grammars.clone(), model);
        findings.extend(sources.findings(&graphs, &|_| false));
        if !findings.is_empty() {
            return Err(KitError::Findings(findings));
        }
        Self::assemble(sources, graphs)
    }

    /// Compiles sources that were right when an old call began with them. What was added to the checks since then does
    /// not keep the call from being run again.
    ///
    /// # Errors
    /// A script or policy that cannot be read at all.
    pub fn restore(sources: Sources, model: Arc<AcousticModel>) -> Result<Self, KitError> {
        let graphs = Graphs::new(sources.grammars.clone(), model);
        Self::assemble(sources, graphs)
    }

    fn assemble(sources: Sources, graphs: Graphs) -> Result<Self, KitError> {
        let script = Script::read(&sources.script).map_err(|_| KitError::Findings(Vec::new()))?;
        let policy = Policy::parse(&sources.policy).map_err(|_| KitError::Findings(Vec::new()))?;
        let version = sources.version();
        Ok(Self {
            sources,
            script: Arc::new(script),
            policy,
            graphs: Arc::new(graphs),
            version,
        })
    }

    /// The clauses of the script that are the same in all calls, in the order of its states.
    pub fn own_phrases(&self) -> Vec<String> {
        self.script
            .state
            .values()
            .flat_map(|state| state.say.iter().chain(&state.again))
            .chain(&self.script.global.noinput)
            .chain(&self.script.global.nomatch)
            .flat_map(|text| crate::call::clauses(text))
            .filter(|clause| !clause.contains("{{"))
            .collect()
    }

    /// Compiles every question of the script that needs nothing of a single call, so that no turn waits for it.
    pub fn warm(&self) {
        for state in self
            .script
            .state
            .values()
            .filter(|state| !state.listen.is_empty())
        {
            let rules: Vec<String> = state
                .listen
                .iter()
                .chain(&self.script.global.listen)
                .cloned()
                .collect();
            // A rule that does not compile was reported by the check.
            let _ = self.graphs.get(&rules, &BTreeMap::new());
        }
        let answers = [crate::ear::amd::GRAMMAR.to_owned()];
        let _ = self.graphs.get(&answers, &BTreeMap::new());
    }
}

/// The acoustic model: the built-in one, or a file.
///
/// # Errors
/// A file that cannot be read, or is no model.
pub fn acoustic_model(path: Option<&Path>) -> Result<Arc<AcousticModel>, KitError> {
    let bytes = match path {
        Some(path) => std::fs::read(path).map_err(|source| KitError::Read {
            path: path.to_owned(),
            source,
        })?,
        None => Models::get("acoustic.bin")
            .map(|file| file.data.into_owned())
            .unwrap_or_default(),
    };
    AcousticModel::from_bytes(&bytes)
        .map(Arc::new)
        .map_err(|error| KitError::Model {
            reason: error.to_string(),
        })
}

fn has_global(text: &str) -> bool {
    text.lines().any(|line| line.trim() == "[global]")
}

fn embedded<T: Embed>(prefix: &str) -> BTreeMap<String, String> {
    T::iter()
        .filter_map(|name| {
            let short = name.strip_prefix(prefix)?.to_owned();
            let file = T::get(&name)?;
            (!short.contains('/'))
                .then(|| (short, String::from_utf8_lossy(&file.data).into_owned()))
        })
        .filter(|(name, _)| name.ends_with(".toml") || name.ends_with(".gram"))
        .collect()
}

fn read_folder(folder: &Path, extension: &str) -> Result<BTreeMap<String, String>, KitError> {
    let failed = |source| KitError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|found| found == extension) {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            files.insert(name, std::fs::read_to_string(&path).map_err(failed)?);
        }
    }
    Ok(files)
}
