//! `combinado replay CALL`: run a recorded call through the core again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::{Exit, Output};
use crate::base::CallId;
use crate::call::{Action, Call, Event, Record, decode, encode_action};
use crate::config::Config;
use crate::run::{Kit, LogHeader, Sources, kit, read_log};

#[derive(clap::Args)]
pub struct Args {
    /// Identificador da ligação, ou o arquivo .log.gz / id of the call, or its log file
    call: String,
    /// Outro roteiro, para ver o que mudaria / another script, to see what would differ
    #[arg(long, value_name = "DIR")]
    script: Option<PathBuf>,
}

/// What a replay found.
#[derive(Clone, Debug, Serialize)]
pub struct Replayed {
    pub call: CallId,
    pub inputs: usize,
    pub actions: u64,
    pub identical: bool,
    /// The first input that was answered otherwise, from 0.
    pub first_difference: Option<usize>,
    pub disposition: Option<String>,
}

pub fn run(args: &Args, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let path = find(&args.call, config)?;
    let (header, bytes) = read_log(&path).with_context(|| format!("reading {}", path.display()))?;
    let kit = kit_of(&header, args.script.as_deref(), config)?;
    let records = decode(&bytes)?;
    let mut told = Vec::new();
    let replayed = again(&header, &kit, &records, |event| told.push(event.clone()));
    if !out.json {
        for event in &told {
            if let Some(line) = line_of(event) {
                eprintln!("{line}");
            }
        }
    }
    out.record(&replayed, || match replayed.first_difference {
        None => format!(
            "{} entradas, {} ações: idênticas",
            replayed.inputs, replayed.actions
        ),
        Some(at) => format!(
            "a entrada {at} de {} foi respondida de outro modo",
            replayed.inputs
        ),
    });
    Ok(if replayed.identical || args.script.is_some() {
        Exit::Ok
    } else {
        Exit::Failure
    })
}

/// Runs the records through a new core and compares the answers.
pub fn again(
    header: &LogHeader,
    kit: &Kit,
    records: &[Record],
    mut tell: impl FnMut(&Event),
) -> Replayed {
    let in_flight = Duration::from_millis(header.in_flight_ms.into());
    let mut call = Call::new(
        kit.script.clone(),
        kit.graphs.clone(),
        header.brief.clone(),
        in_flight,
    );
    if header.marks {
        call = call.confirmed_by_wire();
    }
    if header.transcriber {
        call = call.with_transcriber();
    }
    let mut replayed = Replayed {
        call: header.brief.call,
        inputs: records.len(),
        actions: 0,
        identical: true,
        first_difference: None,
        disposition: None,
    };
    // The actions of its birth answer no input.
    while call.poll().is_some() {}
    for (index, record) in records.iter().enumerate() {
        call.handle(record.input.clone(), record.at);
        let (mut actions, mut digest, mut bytes) = (0_u32, crc32fast::Hasher::new(), Vec::new());
        while let Some(action) = call.poll() {
            bytes.clear();
            encode_action(&action, &mut bytes);
            digest.update(&bytes);
            actions += 1;
            if let Action::Tell(event) = &action {
                if let Event::Ended { disposition, .. } = event {
                    replayed.disposition = Some(disposition.clone());
                }
                tell(event);
            }
        }
        replayed.actions += u64::from(actions);
        let same = actions == record.actions && digest.finalize() == record.digest;
        if !same && replayed.first_difference.is_none() {
            replayed.first_difference = Some(index);
            replayed.identical = false;
        }
    }
    replayed
}

fn find(call: &str, config: &Config) -> anyhow::Result<PathBuf> {
    let path = PathBuf::from(call);
    if path.exists() {
        return Ok(path);
    }
    let kept = config.data.join("calls").join(format!("{call}.log.gz"));
    anyhow::ensure!(
        kept.exists(),
        "no log of a call `{call}`: neither the file {call} nor {} exists",
        kept.display()
    );
    Ok(kept)
}

/// The kit the call began with, or another script in its place.
fn kit_of(header: &LogHeader, script: Option<&Path>, config: &Config) -> anyhow::Result<Arc<Kit>> {
    let model = kit::acoustic_model(config.agent.model.as_deref())?;
    if let Some(folder) = script {
        let agent = crate::config::Agent {
            script: Some(folder.to_owned()),
            ..config.agent.clone()
        };
        return Ok(Arc::new(Kit::build(Sources::gather(&agent)?, model)?));
    }
    let current = Sources::gather(&config.agent)?;
    if current.version() == header.kit {
        return Ok(Arc::new(Kit::restore(current, model)?));
    }
    let kept = config
        .data
        .join("scripts")
        .join(format!("{}.json", header.kit));
    let bytes = std::fs::read(&kept).with_context(|| {
        format!(
            "the script of this call is not the present one, and {} is missing",
            kept.display()
        )
    })?;
    Ok(Arc::new(Kit::restore(
        serde_json::from_slice(&bytes)?,
        model,
    )?))
}

/// An event as a line of the transcript.
pub(super) fn line_of(event: &Event) -> Option<String> {
    let clock = |ms: u64| format!("{:>3}:{:02}", ms / 60_000, ms / 1_000 % 60);
    match event {
        Event::Saying { text, at_ms, .. } => Some(format!("{}  agente   {text}", clock(*at_ms))),
        Event::Heard(heard) => {
            let words = if heard.text.is_empty() {
                "(não entendido)"
            } else {
                &heard.text
            };
            let intent = heard.intent.as_deref().unwrap_or("—");
            Some(format!(
                "{}  devedor  {words}   [{intent}, {:.0} %]",
                clock(heard.t0_ms),
                heard.confidence * 100.0
            ))
        }
        Event::Silent { at_ms, .. } => Some(format!("{}  devedor  (silêncio)", clock(*at_ms))),
        Event::Said { .. }
        | Event::Clause(_)
        | Event::Answered(_)
        | Event::Verified { .. }
        | Event::Offered { .. }
        | Event::Agreed { .. } => None,
        Event::Ended {
            disposition, at_ms, ..
        } => Some(format!("{}  fim      {disposition}", clock(*at_ms))),
    }
}
