//! `combinado bench asr`: how many recordings are understood, and at what cost.

mod cost;
mod measure;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use self::cost::Cost;
use self::measure::{Rejection, Share};
use super::{Exit, Output, listen, parse};
use crate::ear::asr::{AcousticModel, Evidence, Graph, Hypothesis, Recognizer};
use crate::ear::clip;
use crate::media::RATE;

/// Below this confidence nothing counts as heard. Low, because it is understanding that is measured, not caution.
const REJECTED: f32 = 0.000_5;
/// Recordings whose sound is kept to measure the cost of a call with it.
const KEPT: usize = 40;
/// The grammar of that call.
const DATES: &str = "grammars/dia.gram";

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
    /// Confiança abaixo da qual nada foi ouvido | Confidence below which nothing counts as heard
    #[arg(long, value_name = "0..1", default_value_t = REJECTED)]
    pub reject: f32,
    /// Ouve cada gravação também com as outras gramáticas | Hear each recording with the other grammars too, for the figures of rejection
    #[arg(long)]
    pub foreign: bool,
    /// Gramática do custo de uma ligação | Grammar with which the cost of a call is measured
    #[arg(long, value_name = "FILE", default_value = DATES)]
    pub cost_grammar: PathBuf,
    /// Mostra cada erro | Print every recording that was misunderstood, on stderr
    #[arg(long)]
    pub errors: bool,
    /// Escreve o que se ouviu em cada gravação | Write what was heard in every recording, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub rows: Option<PathBuf>,
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
    /// Lines whose recording or grammar could not be read; they are in no figure.
    unreadable: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Cost>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Score {
    n: usize,
    right: usize,
    wrong: usize,
    rejected: usize,
    /// Share that is right, with its 95 % interval.
    accuracy: Share,
    /// Mistaken tags of a hundred, where the meanings are strings of digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    digit_error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejection: Option<Rejection>,
    #[serde(skip)]
    digits: (usize, usize),
    #[serde(skip)]
    own: Vec<f32>,
    #[serde(skip)]
    foreign: Vec<f32>,
}

/// What was heard in one recording with one grammar.
#[derive(Serialize)]
struct Heard<'a> {
    file: &'a Path,
    grammar: &'a str,
    /// The recording answers another question.
    foreign: bool,
    expect: &'a str,
    heard: String,
    words: String,
    confidence: f32,
    #[serde(flatten)]
    evidence: Evidence,
}

pub fn run(args: &Args, out: Output) -> anyhow::Result<Exit> {
    let text = std::fs::read_to_string(&args.manifest)
        .with_context(|| format!("reading {}", args.manifest.display()))?;
    let model = listen::model(args.model.as_deref())?;
    let mut bench = Bench {
        args,
        folder: args.manifest.parent().unwrap_or(Path::new("")),
        recognizer: Recognizer::thorough(model.clone()),
        graphs: BTreeMap::new(),
        report: Report::default(),
        rows: args.rows.as_ref().map(File::create).transpose()?,
        kept: Vec::new(),
        seconds: (0.0, 0.0),
    };
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let rows: Vec<(usize, Row)> = lines
        .filter(|(_, line)| !line.trim().is_empty())
        .filter_map(|(i, line)| bench.parsed(i + 1, line))
        .collect();
    for (_, row) in &rows {
        bench.compile(&row.grammar, &model);
    }
    for (number, row) in &rows {
        bench.hear(*number, row)?;
    }
    let Bench {
        mut report,
        kept,
        seconds: (computing, sound),
        ..
    } = bench;
    report.rtf = if sound > 0.0 { computing / sound } else { 0.0 };
    report.grammars.values_mut().for_each(Score::conclude);
    report.call = cost::measure(&args.cost_grammar, &model, &kept);
    out.record(&report, || human(&report));
    Ok(if report.unreadable > 0 {
        Exit::Failure
    } else {
        Exit::Ok
    })
}

/// A measurement that is going on.
struct Bench<'a> {
    args: &'a Args,
    folder: &'a Path,
    recognizer: Recognizer,
    /// Compiled once; `None` where a grammar has mistakes.
    graphs: BTreeMap<String, Option<Arc<Graph>>>,
    report: Report,
    rows: Option<File>,
    kept: Vec<Vec<i16>>,
    /// Computing, and sound.
    seconds: (f64, f64),
}

impl Bench<'_> {
    fn skip(&mut self, number: usize, why: &str) {
        eprintln!("{}, line {number}: {why}", self.args.manifest.display());
        self.report.unreadable += 1;
    }

    fn parsed(&mut self, number: usize, line: &str) -> Option<(usize, Row)> {
        match serde_json::from_str(line) {
            Ok(row) => Some((number, row)),
            Err(error) => {
                self.skip(number, &error.to_string());
                None
            }
        }
    }

    fn compile(&mut self, grammar: &str, model: &AcousticModel) {
        if self.graphs.contains_key(grammar) {
            return;
        }
        let path = listen::grammar_path(&self.args.grammars, grammar);
        let graph = match parse::compile(&path, &BTreeMap::new()) {
            Ok(automaton) => {
                let graph = Graph::compile(&automaton, model);
                graph.silent_words().for_each(|word| {
                    eprintln!(
                        "{path}: no rule tells how {word:?} is pronounced; it will not be heard"
                    );
                });
                Some(Arc::new(graph))
            }
            Err(errors) => {
                errors.iter().for_each(|error| eprintln!("{error}"));
                None
            }
        };
        self.graphs.insert(grammar.to_owned(), graph);
    }

    fn hear(&mut self, number: usize, row: &Row) -> anyhow::Result<()> {
        let Some(graph) = self.graphs[&row.grammar].clone() else {
            self.skip(
                number,
                &format!("the grammar {} cannot be used", row.grammar),
            );
            return Ok(());
        };
        let samples = match listen::samples(&self.folder.join(&row.file)) {
            Ok(samples) => samples,
            Err(error) => {
                self.skip(number, &format!("{error:#}"));
                return Ok(());
            }
        };
        let started = listen::now();
        let heard = clip::recognise(&mut self.recognizer, &graph, &samples);
        self.seconds.0 += started.elapsed().as_secs_f64();
        self.seconds.1 += samples.len() as f64 / f64::from(RATE);
        let score = self.report.grammars.entry(row.grammar.clone()).or_default();
        let verdict = score.count(&row.expect, heard.first(), self.args.reject);
        if self.args.errors && verdict != Verdict::Right {
            eprintln!("{}", misheard(row, heard.first()));
        }
        self.write(row, &row.grammar, heard.first())?;
        if self.args.foreign {
            self.hear_elsewhere(row, &samples)?;
        }
        if self.kept.len() < KEPT {
            self.kept.push(samples);
        }
        Ok(())
    }

    /// Hears a recording with the grammars to which it is no answer. One that says so itself there is no stranger.
    fn hear_elsewhere(&mut self, row: &Row, samples: &[i16]) -> anyhow::Result<()> {
        let others: Vec<(String, Arc<Graph>)> = self
            .graphs
            .iter()
            .filter(|(name, _)| **name != row.grammar)
            .filter_map(|(name, graph)| Some((name.clone(), graph.clone()?)))
            .collect();
        for (name, graph) in others {
            let heard = clip::recognise(&mut self.recognizer, &graph, samples);
            let confidence = heard.first().map_or(0.0, |heard| heard.confidence);
            let score = self.report.grammars.entry(name.clone()).or_default();
            score.foreign.push(confidence);
            self.write(row, &name, heard.first())?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        row: &Row,
        grammar: &str,
        heard: Option<&Hypothesis>,
    ) -> anyhow::Result<()> {
        let Some(rows) = &mut self.rows else {
            return Ok(());
        };
        let line = Heard {
            file: &row.file,
            grammar,
            foreign: grammar != row.grammar,
            expect: &row.expect,
            heard: heard.map_or(String::new(), |heard| heard.tags.join(" ")),
            words: heard.map_or(String::new(), listen::text),
            confidence: heard.map_or(0.0, |heard| heard.confidence),
            evidence: heard.map_or(Evidence::default(), |heard| heard.evidence),
        };
        serde_json::to_writer(&mut *rows, &line)?;
        rows.write_all(b"\n")?;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Wrong,
    Rejected,
}

impl Score {
    fn count(&mut self, expect: &str, heard: Option<&Hypothesis>, reject: f32) -> Verdict {
        self.n += 1;
        let tags = heard.map_or(String::new(), |heard| heard.tags.join(" "));
        self.own.push(heard.map_or(0.0, |heard| heard.confidence));
        let (wanted, got): (Vec<&str>, Vec<&str>) = (
            expect.split_whitespace().collect(),
            tags.split_whitespace().collect(),
        );
        if wanted
            .iter()
            .all(|tag| matches!(tag.as_bytes(), [b'0'..=b'9']))
        {
            self.digits.0 += measure::distance(&wanted, &got);
            self.digits.1 += wanted.len();
        }
        match heard.filter(|heard| heard.confidence >= reject) {
            None => {
                self.rejected += 1;
                Verdict::Rejected
            }
            Some(_) if wanted == got => {
                self.right += 1;
                Verdict::Right
            }
            Some(_) => {
                self.wrong += 1;
                Verdict::Wrong
            }
        }
    }

    /// Works out what follows from the counts.
    fn conclude(&mut self) {
        self.accuracy = Share::of(self.right, self.n);
        let (mistaken, all) = self.digits;
        self.digit_error = (all > 0).then(|| mistaken as f64 / all as f64);
        self.rejection = measure::rejection(&self.own, &self.foreign);
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
    let mut lines: Vec<String> = report
        .grammars
        .iter()
        .map(|(name, score)| score_line(name, score))
        .collect();
    lines.push(format!(
        "{:.1} ms of computing a second of sound",
        report.rtf * 1e3
    ));
    if report.unreadable > 0 {
        lines.push(format!("{} lines could not be read", report.unreadable));
    }
    if let Some(call) = &report.call {
        lines.push(format!(
            "a call of continuous speech with {} ({} nodes, {}): {:.2} % of a core, {:.0} times real time, {:.0} KiB",
            call.grammar,
            call.nodes,
            call.vectors,
            call.rtf * 100.0,
            call.times_real_time,
            call.memory_bytes as f64 / 1024.0
        ));
    }
    lines.join("\n")
}

fn score_line(name: &str, score: &Score) -> String {
    let mut line = format!(
        "{name:20} {:4} of {:4} right ({:5.1} %, 95 % {:.1}–{:.1}), {} wrong, {} rejected",
        score.right,
        score.n,
        score.accuracy.of * 100.0,
        score.accuracy.low * 100.0,
        score.accuracy.high * 100.0,
        score.wrong,
        score.rejected
    );
    if let Some(error) = score.digit_error {
        line += &format!(", digit error {:.1} %", error * 100.0);
    }
    if let Some(rejection) = &score.rejection {
        line += &format!(
            "; of {} foreign answers {:.1} % pass at 5 % refused, equal error {:.1} %",
            rejection.foreign,
            rejection.passed_at_5 * 100.0,
            rejection.equal_error * 100.0
        );
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_heard_is_rejected() {
        let mut score = Score::default();
        assert_eq!(score.count("1 2", None, REJECTED), Verdict::Rejected);
        score.conclude();
        assert_eq!(
            (score.n, score.rejected, score.digit_error),
            (1, 1, Some(1.0))
        );
    }

    /// One line that is no JSON, one without a recording, one without a grammar, one that is heard.
    #[test]
    fn a_bad_line_does_not_stop_the_others() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).expect("writable");
        };
        write("g.gram", b"#ABNF 1.0 UTF-8; language pt-BR; root $m; public $m = dia dois de abril {D} | sim {S};");
        write("a.wav", include_bytes!("../../models/golden/golden.wav"));
        let rows = [
            "{",
            r#"{"file":"none.wav","grammar":"g","expect":"D"}"#,
            r#"{"file":"a.wav","grammar":"none","expect":"D"}"#,
            r#"{"file":"a.wav","grammar":"g","expect":"D"}"#,
        ];
        write("m.jsonl", rows.join("\r\n").as_bytes());
        let args = Args {
            manifest: folder.path().join("m.jsonl"),
            grammars: folder.path().to_owned(),
            model: None,
            reject: REJECTED,
            foreign: false,
            cost_grammar: folder.path().join("none.gram"),
            errors: false,
            rows: Some(folder.path().join("rows.jsonl")),
        };
        let exit = run(&args, Output { json: true }).expect("a report");
        assert_eq!(exit, Exit::Failure);
        let heard = std::fs::read_to_string(folder.path().join("rows.jsonl")).expect("rows");
        assert!(
            heard.lines().count() == 1 && heard.contains(r#""heard":"D""#),
            "{heard}"
        );
    }
}
