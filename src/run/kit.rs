//! What a call is made of, loaded and checked once: script, grammars, policy, acoustic model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_embed::Embed;
use sha2::{Digest, Sha256};

use crate::call::Graphs;
use crate::config;
use crate::ear::asr::AcousticModel;
use crate::language::grammar::Grammar;
use crate::mind::check::{self, Finding};
use crate::mind::policy::Policy;
use crate::mind::script::Script;

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

    /// Every mistake in every file.
    pub fn findings(&self, graphs: &Graphs) -> Vec<Finding> {
        let mut findings = Vec::new();
        match Script::read(&self.script) {
            Ok(script) => findings.extend(check::check(&self.script, &script, &|rule| {
                graphs.has(rule)
            })),
            Err(errors) => findings.extend(errors.into_iter().map(|error| Finding {
                file: error.file,
                line: error.line,
                column: error.column,
                rule: "syntax",
                message: error.message,
                remedy: "see docs/script.md".to_owned(),
                path: Vec::new(),
            })),
        }
        if let Err(mistakes) = Policy::parse(&self.policy) {
            findings.extend(mistakes.into_iter().map(|mistake| Finding {
                file: POLICY.to_owned(),
                line: mistake.line,
                column: 1,
                rule: "policy",
                message: format!("{}: {}", mistake.key, mistake.message),
                remedy: mistake.remedy,
                path: Vec::new(),
            }));
        }
        findings
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
        findings.extend(sources.findings(&graphs));
        if !findings.is_empty() {
            return Err(KitError::Findings(findings));
        }
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
