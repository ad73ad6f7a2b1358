//! `combinado listen`: what was said in recordings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{Exit, Output, parse};
use crate::base::Date;
use crate::ear::asr::{AcousticModel, Graph, Hypothesis, Recognizer};
use crate::ear::clip;
use crate::language::meaning::{self, Value};
use crate::media::{RATE, wav};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Gravações WAV, qualquer taxa, ou pastas delas, com manifest.jsonl ou sem | Recordings, WAV of any rate, or folders
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Gramática: FILE[#regra] (padrão: a que o manifesto diz) | Grammar (default: what the manifest names)
    #[arg(long, value_name = "FILE[#rule]")]
    pub grammar: Option<String>,
    /// Modelo acústico em vez do embutido | Acoustic model instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Dia em que se fala, para "amanhã" (padrão: hoje) | The day of speaking, for "amanhã" (default: today)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub today: Option<Date>,
}

/// What is printed of a recording.
#[derive(Debug, Default, Serialize)]
struct Record {
    file: PathBuf,
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
    /// Seconds of computing for each second of sound.
    rtf: f64,
}

/// A line of a folder's manifest. Other keys are for others.
#[derive(Deserialize)]
struct Row {
    /// Relative to the folder.
    file: PathBuf,
    /// `NAME` or `NAME#rule`, in the folder's own `grammars`, else in that of the working directory.
    grammar: String,
}

/// A recording and the grammar that it is heard with.
#[derive(Debug, PartialEq)]
struct Recording {
    file: PathBuf,
    grammar: String,
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
    let recordings = recordings(&args.paths, args.grammar.as_deref())?;
    let model = model(args.model.as_deref())?;
    let today = args.today.unwrap_or_else(|| jiff::Zoned::now().date());
    let mut graphs: BTreeMap<&str, Arc<Graph>> = BTreeMap::new();
    for Recording { grammar, .. } in &recordings {
        if graphs.contains_key(grammar.as_str()) {
            continue;
        }
        let automaton = match parse::compile(grammar, &BTreeMap::new()) {
            Ok(automaton) => automaton,
            Err(errors) => {
                errors.iter().for_each(|error| eprintln!("{error}"));
                return Ok(Exit::Configuration);
            }
        };
        let graph = Graph::compile(&automaton, &model);
        graph.silent_words().for_each(|word| {
            eprintln!("no rule tells how {word:?} is pronounced; it will not be heard")
        });
        graphs.insert(grammar, Arc::new(graph));
    }
    let mut recognizer = Recognizer::thorough(model);
    let mut exit = Exit::Ok;
    for Recording { file, grammar } in &recordings {
        let samples = match samples(file) {
            Ok(samples) => samples,
            Err(error) if recordings.len() == 1 => return Err(error),
            Err(error) => {
                eprintln!("{error:#}");
                exit = Exit::Failure;
                continue;
            }
        };
        let started = now();
        let hypotheses = clip::recognise(&mut recognizer, &graphs[grammar.as_str()], &samples);
        let cpu_ms = started.elapsed().as_secs_f64() * 1e3;
        let audio_ms = samples.len() * 1_000 / RATE as usize;
        let record = Record {
            file: file.clone(),
            audio_ms,
            cpu_ms,
            rtf: cpu_ms / audio_ms.max(1) as f64,
            ..record(&hypotheses, today)
        };
        out.record(&record, || match recordings.len() {
            1 => human(&record),
            _ => format!("{}: {}", file.display(), human(&record)),
        });
    }
    Ok(exit)
}

/// Every recording that is meant, folders opened, with its grammar.
fn recordings(paths: &[PathBuf], grammar: Option<&str>) -> anyhow::Result<Vec<Recording>> {
    let mut found = Vec::new();
    for path in paths {
        let manifest = path.join("manifest.jsonl");
        match () {
            () if manifest.is_file() => found.extend(listed(path, &manifest, grammar)?),
            () if path.is_dir() => {
                let before = found.len();
                for file in waves(path)? {
                    found.push(recording(file, grammar)?);
                }
                anyhow::ensure!(
                    found.len() > before,
                    "{} holds no WAV files and no manifest.jsonl",
                    path.display()
                );
            }
            () => found.push(recording(path.clone(), grammar)?),
        }
    }
    Ok(found)
}

fn recording(file: PathBuf, grammar: Option<&str>) -> anyhow::Result<Recording> {
    let grammar = grammar.map(str::to_owned).with_context(|| {
        format!(
            "no manifest tells what {} is heard with: name a grammar with --grammar",
            file.display()
        )
    })?;
    Ok(Recording { file, grammar })
}

/// The recordings of a manifest; `grammar` overrides the ones that it names.
fn listed(folder: &Path, manifest: &Path, grammar: Option<&str>) -> anyhow::Result<Vec<Recording>> {
    let text = std::fs::read_to_string(manifest)
        .with_context(|| format!("reading {}", manifest.display()))?;
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let rows = lines.filter(|(_, line)| !line.trim().is_empty());
    rows.map(|(i, line)| {
        let row: Row = serde_json::from_str(line)
            .with_context(|| format!("{}, line {}", manifest.display(), i + 1))?;
        let own = folder.join("grammars");
        let name = row.grammar.split('#').next().unwrap_or_default();
        let from = match own.join(format!("{name}.gram")).is_file() {
            true => own,
            false => PathBuf::from("grammars"),
        };
        Ok(Recording {
            file: folder.join(&row.file),
            grammar: grammar.map_or_else(|| grammar_path(&from, &row.grammar), str::to_owned),
        })
    })
    .collect()
}

/// The WAV files of a folder, by name.
fn waves(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|ext| ext.eq_ignore_ascii_case("wav"))
        })
        .collect();
    files.sort();
    Ok(files)
}

/// `NAME` is DIR/NAME.gram, `NAME#rule` a rule of it.
pub(super) fn grammar_path(folder: &Path, grammar: &str) -> String {
    let (name, rule) = grammar
        .split_once('#')
        .map_or((grammar, String::new()), |(name, rule)| {
            (name, format!("#{rule}"))
        });
    format!("{}{rule}", folder.join(format!("{name}.gram")).display())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grammar_is_a_file_of_the_folder() {
        let path = |grammar| grammar_path(Path::new("dir"), grammar);
        assert_eq!(path("dia"), "dir/dia.gram");
        assert_eq!(path("dia#quando"), "dir/dia.gram#quando");
    }

    #[test]
    fn folders_are_opened_and_manifests_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let meant = |paths: &[PathBuf], grammar| recordings(paths, grammar);
        let empty = meant(&[folder.path().to_owned()], Some("x.gram")).unwrap_err();
        assert!(empty.to_string().contains("no WAV files"), "{empty}");
        for name in ["b.WAV", "a.wav", "c.txt"] {
            std::fs::write(at(name), b"").unwrap();
        }
        let plain = meant(&[folder.path().to_owned()], Some("x.gram")).unwrap();
        assert_eq!(plain.len(), 2);
        assert_eq!(plain[0].file, at("a.wav"));
        let nameless = meant(&[at("a.wav")], None).unwrap_err();
        assert!(nameless.to_string().contains("--grammar"), "{nameless}");
        std::fs::create_dir(at("grammars")).unwrap();
        std::fs::write(at("grammars/own.gram"), b"").unwrap();
        let rows = "{\"file\": \"b.WAV\", \"grammar\": \"own#r\", \"expect\": \"\"}\n\n{\"file\": \"a.wav\", \"grammar\": \"dia\"}\n";
        std::fs::write(at("manifest.jsonl"), rows).unwrap();
        let listed = meant(&[folder.path().to_owned()], None).unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0].file, at("b.WAV"));
        assert_eq!(
            listed[0].grammar,
            format!("{}#r", at("grammars/own.gram").display())
        );
        assert_eq!(listed[1].grammar, "grammars/dia.gram");
        std::fs::write(at("manifest.jsonl"), "{\"file\": 3}").unwrap();
        let wrong = meant(&[folder.path().to_owned()], None).unwrap_err();
        assert!(wrong.to_string().contains("line 1"), "{wrong}");
    }
}
