//! `combinado listen`: what was said in a recording.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;

use super::{Exit, Output, parse};
use crate::base::Date;
use crate::ear::asr::{AcousticModel, Graph, Hypothesis, Recognizer};
use crate::ear::clip;
use crate::language::meaning::{self, Value};
use crate::media::{RATE, wav};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Gravação WAV, qualquer taxa | Recording, WAV of any rate
    pub file: PathBuf,
    /// Gramática: FILE[#regra] | Grammar file, and a rule other than its root
    #[arg(long, value_name = "FILE[#rule]")]
    pub grammar: String,
    /// Modelo acústico em vez do embutido | Acoustic model instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Dia em que se fala, para "amanhã" (padrão: hoje) | The day of speaking, for "amanhã" (default: today)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub today: Option<Date>,
}

/// What is printed.
#[derive(Debug, Default, Serialize)]
struct Record {
    text: String,
    /// The intent; where the grammar names none, its literal tags.
    meaning: Option<String>,
    slots: BTreeMap<String, Value>,
    tags: Vec<String>,
    confidence: f32,
    nbest: Vec<Candidate>,
    words: Vec<Timed>,
    audio_ms: usize,
    cpu_ms: f64,
}

#[derive(Debug, Serialize)]
struct Candidate {
    text: String,
    tags: Vec<String>,
    confidence: f32,
}

#[derive(Debug, Serialize)]
struct Timed {
    text: String,
    t0_ms: u32,
    t1_ms: u32,
}

#[expect(
    clippy::disallowed_methods,
    reason = "today is read from the clock where none is given"
)]
pub fn run(args: &Args, out: Output) -> anyhow::Result<Exit> {
    let automaton = match parse::compile(&args.grammar, &BTreeMap::new()) {
        Ok(automaton) => automaton,
        Err(errors) => {
            errors.iter().for_each(|error| eprintln!("{error}"));
            return Ok(Exit::Configuration);
        }
    };
    let model = model(args.model.as_deref())?;
    let graph = Arc::new(Graph::compile(&automaton, &model));
    graph.silent_words().for_each(|word| {
        eprintln!("no rule tells how {word:?} is pronounced; it will not be heard")
    });
    let samples = samples(&args.file)?;
    let mut recognizer = Recognizer::thorough(model);
    let started = now();
    let hypotheses = clip::recognise(&mut recognizer, &graph, &samples);
    let cpu_ms = started.elapsed().as_secs_f64() * 1e3;
    let today = args.today.unwrap_or_else(|| jiff::Zoned::now().date());
    let record = Record {
        audio_ms: samples.len() * 1_000 / RATE as usize,
        cpu_ms,
        ..record(&hypotheses, today)
    };
    out.record(&record, || human(&record));
    Ok(Exit::Ok)
}

/// The acoustic model from a file, or the one that is built in.
pub(super) fn model(file: Option<&Path>) -> anyhow::Result<Arc<AcousticModel>> {
    let Some(file) = file else {
        return AcousticModel::built_in().context("the built-in acoustic model");
    };
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    AcousticModel::from_bytes(&bytes)
        .map(Arc::new)
        .with_context(|| format!("reading {}", file.display()))
}

/// A recording as telephone speech.
pub(super) fn samples(file: &Path) -> anyhow::Result<Vec<i16>> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    wav::read(&bytes).with_context(|| format!("reading {}", file.display()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command measures its own cost; the core never sees this clock"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}

fn record(hypotheses: &[Hypothesis], today: Date) -> Record {
    let Some(best) = hypotheses.first() else {
        return Record::default();
    };
    let meaning = meaning::read(&best.tags, today);
    let timed = |word: &crate::ear::asr::Word| Timed {
        text: word.text.clone(),
        t0_ms: word.t0_ms,
        t1_ms: word.t1_ms,
    };
    Record {
        text: text(best),
        meaning: meaning
            .intent
            .or_else(|| (!best.tags.is_empty()).then(|| best.tags.join(" "))),
        slots: meaning.slots,
        tags: best.tags.clone(),
        confidence: best.confidence,
        nbest: hypotheses.iter().map(candidate).collect(),
        words: best.words.iter().map(timed).collect(),
        ..Record::default()
    }
}

fn candidate(hypothesis: &Hypothesis) -> Candidate {
    Candidate {
        text: text(hypothesis),
        tags: hypothesis.tags.clone(),
        confidence: hypothesis.confidence,
    }
}

pub(super) fn text(hypothesis: &Hypothesis) -> String {
    hypothesis
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

fn human(record: &Record) -> String {
    let meaning = record.meaning.as_deref().unwrap_or("–");
    format!(
        "{}  [{meaning}]  {:.0} %",
        if record.text.is_empty() {
            "…"
        } else {
            &record.text
        },
        record.confidence * 100.0
    )
}
