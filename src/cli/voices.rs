//! `combinado voices`: which voices can speak here, and which one does.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Exit, Output};
use crate::config::Config;
use crate::run::phrases;

/// Quais vozes há, e qual fala. / Which voices there are, and which one speaks.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// One voice.
#[derive(Debug, Serialize)]
struct Row {
    /// As `voice.name`, `voice.piper` or `say --voice` take it.
    name: String,
    engine: &'static str,
    /// The voice that calls are answered with.
    in_use: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
}

pub fn run(_: &Args, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let recorded = match phrases::recordings(&config.speech.recordings) {
        Ok(recorded) => recorded.len(),
        Err(mistakes) => {
            for mistake in &mistakes {
                eprintln!(
                    "{}: {}",
                    config.speech.recordings.display(),
                    crate::telemetry::chain(mistake)
                );
            }
            return Ok(Exit::Configuration);
        }
    };
    let mut rows = vec![Row {
        name: config.speech.recordings.display().to_string(),
        engine: "recorded",
        in_use: recorded > 0,
        about: Some(format!("{recorded} falas gravadas")),
    }];
    rows.extend(piper(config));
    let piper_speaks = rows.iter().any(|row| row.engine == "piper" && row.in_use);
    rows.extend(embedded(config, !piper_speaks)?);
    for row in &rows {
        out.record(row, || {
            format!(
                "{} {:<9} {}{}",
                if row.in_use { "*" } else { " " },
                row.engine,
                row.name,
                row.about
                    .as_deref()
                    .map(|about| format!("  ({about})"))
                    .unwrap_or_default()
            )
        });
    }
    Ok(Exit::Ok)
}

/// The voice of the configuration, and those in the folder of models.
fn piper(config: &Config) -> Vec<Row> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(super::models::default_folder())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "onnx"))
        .collect();
    files.extend(config.speech.piper.clone());
    files.sort();
    files.dedup();
    files
        .into_iter()
        .map(|path| Row {
            in_use: config.speech.piper.as_ref() == Some(&path) && is_whole(&path),
            about: (!is_whole(&path))
                .then(|| "falta o arquivo, ou o .onnx.json ao lado dele".to_owned()),
            name: path.display().to_string(),
            engine: "piper",
        })
        .collect()
}

/// Whether a voice of Piper has both of its files.
fn is_whole(model: &Path) -> bool {
    let mut about = model.as_os_str().to_owned();
    about.push(".json");
    model.is_file() && Path::new(&about).is_file()
}

#[cfg(feature = "espeak")]
fn embedded(config: &Config, speaks: bool) -> anyhow::Result<Vec<Row>> {
    let espeak = crate::mouth::tts::espeak::Espeak::open(None)?;
    let chosen = match config.voice.voice.as_str() {
        "" => "pt-br",
        name => name,
    };
    let names = std::iter::once("pt-br".to_owned()).chain(
        espeak
            .variants()
            .into_iter()
            .map(|variant| format!("pt-br+{variant}")),
    );
    Ok(names
        .map(|name| Row {
            in_use: speaks && name == chosen,
            name,
            engine: "espeak",
            about: None,
        })
        .collect())
}

#[cfg(not(feature = "espeak"))]
fn embedded(_: &Config, _: bool) -> anyhow::Result<Vec<Row>> {
    Ok(Vec::new())
}
