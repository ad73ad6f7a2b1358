//! `combinado check`: every mistake of configuration, script, grammars and policy at once.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Exit, Output};
use crate::call::Graphs;
use crate::config::{self, Agent, Config};
use crate::mind::check::Finding;
use crate::run::{Sources, kit};

#[derive(clap::Args)]
pub struct Args {
    /// Pastas de roteiros ou de gramáticas; sem nada, o que a configuração usa / folders to check
    paths: Vec<PathBuf>,
    /// Compara duas versões: pastas de roteiro, ou arquivos scripts/VERSÃO.json da base / compare two versions
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"])]
    diff: Vec<PathBuf>,
}

pub fn run(args: &Args, file: Option<&Path>, config: &Config, out: Output) -> anyhow::Result<Exit> {
    if let [old, new] = args.diff.as_slice() {
        return compare(old, new, config, out);
    }
    let mut findings = check_config(file);
    let mut agent = config.agent.clone();
    for path in &args.paths {
        anyhow::ensure!(path.exists(), "{} does not exist", path.display());
        if has_grammars(path) {
            agent.grammars = Some(path.clone());
        } else if path.is_dir() {
            agent.script = Some(path.clone());
        } else {
            agent.policy = Some(path.clone());
        }
    }
    let sources = Sources::gather(&agent)?;
    findings.extend(mistakes(&sources, &agent)?);
    let record = serde_json::json!({ "findings": findings });
    out.record(&record, || text(&findings));
    Ok(if findings.is_empty() {
        Exit::Ok
    } else {
        Exit::Findings
    })
}

/// Every mistake of script, grammars and policy.
fn mistakes(sources: &Sources, agent: &Agent) -> anyhow::Result<Vec<Finding>> {
    let mut findings = sources.grammar_mistakes();
    let graphs = Graphs::new(
        sources.grammars.clone(),
        kit::acoustic_model(agent.model.as_deref())?,
    );
    findings.extend(sources.findings(&graphs, &|_| true));
    Ok(findings)
}

/// What differs between two versions, and what is wrong with the new one.
fn compare(old: &Path, new: &Path, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let read = |path: &Path| -> anyhow::Result<Sources> {
        if path.is_file() {
            let bytes = std::fs::read(path)?;
            return serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is no kept version of a script", path.display()));
        }
        anyhow::ensure!(path.is_dir(), "{} does not exist", path.display());
        let agent = Agent {
            script: Some(path.to_owned()),
            ..config.agent.clone()
        };
        Ok(Sources::gather(&agent)?)
    };
    let (old, new) = (read(old)?, read(new)?);
    let changes = new.changes_since(&old);
    let findings = mistakes(&new, &config.agent)?;
    let record = serde_json::json!({
        "old": old.version(), "new": new.version(), "changes": changes, "findings": findings,
    });
    out.record(&record, || {
        let lines: Vec<String> = changes
            .iter()
            .map(|change| match (&change.old, &change.new) {
                (Some(old), Some(new)) => format!("~ {}\n    - {old}\n    + {new}", change.key),
                (None, Some(new)) => format!("+ {}: {new}", change.key),
                (Some(old), None) => format!("- {}: {old}", change.key),
                (None, None) => change.key.clone(),
            })
            .collect();
        let said = if lines.is_empty() {
            "nenhuma diferença".to_owned()
        } else {
            lines.join("\n")
        };
        format!("{said}\n\n{}", text(&findings))
    });
    Ok(if findings.is_empty() {
        Exit::Ok
    } else {
        Exit::Findings
    })
}

fn check_config(file: Option<&Path>) -> Vec<Finding> {
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let here = Path::new("combinado.toml");
    let path = file.or_else(|| here.exists().then_some(here));
    let mistakes = config::load(path, &environment).err().unwrap_or_default();
    let finding = |mistake: config::Invalid| Finding {
        file: path.map_or_else(
            || "combinado.toml".into(),
            |path| path.display().to_string(),
        ),
        line: mistake.line,
        column: mistake.column,
        rule: "configuration",
        message: format!("{}: {}", mistake.key, mistake.message),
        remedy: mistake.remedy,
        path: Vec::new(),
    };
    mistakes.into_iter().map(finding).collect()
}

fn has_grammars(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| {
                entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "gram")
            })
        })
    })
}

fn text(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "nenhum erro".into();
    }
    let line = |finding: &Finding| {
        let way = if finding.path.is_empty() {
            String::new()
        } else {
            format!("\n    caminho: {}", finding.path.join(" → "))
        };
        format!(
            "{}:{}:{}: {} [{}]\n    {}{way}",
            finding.file,
            finding.line,
            finding.column,
            finding.message,
            finding.rule,
            finding.remedy
        )
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}
