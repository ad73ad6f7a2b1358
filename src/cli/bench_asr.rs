//! `combinado bench asr`: how many recordings are understood, and at what cost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{Exit, Output, listen, parse};
use crate::ear::asr::{AcousticModel, Graph, Hypothesis, Recognizer};
use crate::ear::clip;
use crate::media::RATE;

/// Below this confidence nothing counts as heard. Low, because it is understanding that is measured, not caution.
const REJECTED: f32 = 0.000_5;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Manifesto: uma linha JSON por gravação | Manifest, one line {file, grammar, expect} a recording
    #[arg(value_name = "M.jsonl")]
    pub manifest: PathBuf,
    /// Pasta das gramáticas NAME.gram | Folder of the grammars NAME.gram
    #[arg(long, value_name = "DIR", default_value = "grammars")]
    pub grammars: PathBuf,
    /// Modelo acústico em vez do embutido | Acoustic model instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Mostra cada erro | Print every recording that was misunderstood, on stderr
    #[arg(long)]
    pub errors: bool,
}

/// A recording and what it means.
#[derive(Debug, Deserialize)]
struct Row {
    /// Relative to the manifest.
    file: PathBuf,
    /// `NAME` or `NAME#rule`.
    grammar: String,
    /// Literal tags in order, joined by one space.
    #[serde(default)]
    expect: String,
}

/// What is printed.
#[derive(Debug, Default, Serialize)]
struct Report {
    grammars: BTreeMap<String, Score>,
    /// Seconds of computing for each second of sound.
    rtf: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Score {
    n: usize,
    right: usize,
    wrong: usize,
    rejected: usize,
}

pub fn run(args: &Args, out: Output) -> anyhow::Result<Exit> {
    let rows = rows(&args.manifest)?;
    let model = listen::model(args.model.as_deref())?;
    let graphs = match graphs(&args.grammars, &rows, &model) {
        Ok(graphs) => graphs,
        Err(messages) => {
            messages.iter().for_each(|message| eprintln!("{message}"));
            return Ok(Exit::Configuration);
        }
    };
    let folder = args.manifest.parent().unwrap_or(Path::new(""));
    let mut recognizer = Recognizer::new(model);
    let mut report = Report::default();
    let (mut computing, mut sound) = (0.0, 0.0);
    for row in &rows {
        let samples = listen::samples(&folder.join(&row.file))?;
        let started = listen::now();
        let heard = clip::recognise(&mut recognizer, &graphs[&row.grammar], &samples);
        computing += started.elapsed().as_secs_f64();
        sound += samples.len() as f64 / f64::from(RATE);
        let verdict = report
            .grammars
            .entry(row.grammar.clone())
            .or_default()
            .count(&row.expect, heard.first());
        if args.errors && verdict != Verdict::Right {
            eprintln!("{}", misheard(row, heard.first()));
        }
    }
    report.rtf = if sound > 0.0 { computing / sound } else { 0.0 };
    out.record(&report, || human(&report));
    Ok(Exit::Ok)
}

fn rows(manifest: &Path) -> anyhow::Result<Vec<Row>> {
    let text = std::fs::read_to_string(manifest)
        .with_context(|| format!("reading {}", manifest.display()))?;
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(i, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}, line {}", manifest.display(), i + 1))
        })
        .collect()
}

/// Every grammar that the rows name, compiled once; or all mistakes in them.
fn graphs(
    folder: &Path,
    rows: &[Row],
    model: &AcousticModel,
) -> Result<BTreeMap<String, Arc<Graph>>, Vec<String>> {
    let (mut graphs, mut mistakes) = (BTreeMap::new(), Vec::new());
    for row in rows {
        if graphs.contains_key(&row.grammar) {
            continue;
        }
        let graph = match parse::compile(&path(folder, &row.grammar), &BTreeMap::new()) {
            Ok(automaton) => Graph::compile(&automaton, model),
            Err(errors) => {
                mistakes.extend(errors.iter().map(ToString::to_string));
                Graph::default()
            }
        };
        graphs.insert(row.grammar.clone(), Arc::new(graph));
    }
    if mistakes.is_empty() {
        Ok(graphs)
    } else {
        Err(mistakes)
    }
}

/// `NAME` is DIR/NAME.gram, `NAME#rule` a rule of it.
fn path(folder: &Path, grammar: &str) -> String {
    let (name, rule) = grammar
        .split_once('#')
        .map_or((grammar, String::new()), |(name, rule)| {
            (name, format!("#{rule}"))
        });
    format!("{}{rule}", folder.join(format!("{name}.gram")).display())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Wrong,
    Rejected,
}

impl Score {
    fn count(&mut self, expect: &str, heard: Option<&Hypothesis>) -> Verdict {
        self.n += 1;
        match heard.filter(|heard| heard.confidence >= REJECTED) {
            None => {
                self.rejected += 1;
                Verdict::Rejected
            }
            Some(heard) if heard.tags.join(" ") == expect => {
                self.right += 1;
                Verdict::Right
            }
            Some(_) => {
                self.wrong += 1;
                Verdict::Wrong
            }
        }
    }
}

fn misheard(row: &Row, heard: Option<&Hypothesis>) -> String {
    let (tags, confidence) = heard.map_or((String::new(), 0.0), |heard| {
        (heard.tags.join(" "), heard.confidence)
    });
    format!(
        "{}: expected {:?}, heard {tags:?} ({confidence:.2})",
        row.file.display(),
        row.expect
    )
}

fn human(report: &Report) -> String {
    let line = |(name, score): (&String, &Score)| {
        let share = 100.0 * score.right as f64 / score.n.max(1) as f64;
        format!(
            "{name:20} {:4} of {:4} right ({share:5.1} %), {} wrong, {} rejected",
            score.right, score.n, score.wrong, score.rejected
        )
    };
    let lines: Vec<String> = report.grammars.iter().map(line).collect();
    format!(
        "{}\n{:.1} ms of computing a second of sound",
        lines.join("\n"),
        report.rtf * 1e3
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grammar_is_a_file_of_the_folder() {
        assert_eq!(path(Path::new("g"), "sim_nao"), "g/sim_nao.gram");
        assert_eq!(path(Path::new("g"), "numeros#cpf"), "g/numeros.gram#cpf");
    }

    #[test]
    fn nothing_heard_is_rejected() {
        let mut score = Score::default();
        assert_eq!(score.count("SIM", None), Verdict::Rejected);
        assert_eq!(
            score,
            Score {
                n: 1,
                rejected: 1,
                ..Score::default()
            }
        );
    }
}
