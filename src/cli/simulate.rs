//! `combinado simulate`: simulated debtors against the script, in sound or in text, in virtual time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use parking_lot::Mutex;
use uuid::Uuid;

use super::{Exit, Output};
use crate::base::CallId;
use crate::call::{Call, decode};
use crate::config::Config;
use crate::media::wav;
use crate::mouth::tts::espeak::{Espeak, Manner};
use crate::run::voices::Voices;
use crate::run::{Kit, LogHeader, brief_for, write_log};
use crate::sim::debtor::{Mind, Persona};
use crate::sim::report::{Finished, Report};
use crate::sim::virtual_call::{self, LineModel, Outcomes};
use crate::sim::{portfolio, text};

/// Voices of the debtors: variants that the acoustic model was not trained on.
const VOICES: [&str; 8] = [
    "pt-br",
    "pt-br+f4",
    "pt-br+m5",
    "pt-br+Alicia",
    "pt-br+klatt3",
    "pt-br+travis",
    "pt-br+michel",
    "pt-br+max",
];
/// Sound on the simulated wire that cannot be taken back, in milliseconds.
const IN_FLIGHT_MS: u32 = 40;

#[derive(clap::Args)]
pub struct Args {
    /// Quantas ligações / how many calls
    #[arg(long, default_value_t = 100)]
    calls: u32,
    /// Semente: a mesma semente dá as mesmas ligações / same seed, same calls
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Só texto, sem som / text only
    #[arg(long)]
    text: bool,
    /// Pacotes perdidos, em por cento / datagrams lost
    #[arg(long, default_value_t = 2.0)]
    loss: f64,
    /// Pico do ruído de fundo, em amostras / peak of the background noise
    #[arg(long, default_value_t = 60)]
    noise: i16,
    /// Só esta persona (avista, parcelado, desconto, ja_pagou, …) / only this persona
    #[arg(long)]
    persona: Option<String>,
    /// Grava sons, registros e transcrições aqui / keep sound, logs and transcripts here
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Refaz cada ligação pelo registro e compara / replay every call from its log, and compare
    #[arg(long)]
    replay: bool,
    /// Ligações ao mesmo tempo; sem nada, uma por núcleo / threads
    #[arg(long)]
    threads: Option<usize>,
}

/// Everything the calls share.
struct Scene<'a> {
    args: &'a Args,
    config: &'a Config,
    kit: Kit,
    at: Timestamp,
    persona: Option<Persona>,
    voices: Option<(Voices, Espeak)>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the figure wanted is the time that passes"
)]
pub fn run(args: &Args, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let scene = Scene::set(args, config)?;
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let finished: Mutex<BTreeMap<u64, (Finished, bool)>> = Mutex::default();
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .max(1);
    let failures: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= u64::from(args.calls) {
                        break;
                    }
                    match scene.play(nth) {
                        Ok(done) => {
                            let mut all = finished.lock();
                            all.insert(nth, done);
                            if all.len().is_multiple_of(25) && !out.json {
                                eprintln!("{} de {} ligações…", all.len(), args.calls);
                            }
                        }
                        Err(error) => failures.lock().push(format!("call {nth}: {error:#}")),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner();
    anyhow::ensure!(failures.is_empty(), "{}", failures.join("; "));
    let finished = finished.into_inner();
    let differing = finished
        .values()
        .filter(|(_, identical)| !identical)
        .count();
    let calls: Vec<Finished> = finished.into_values().map(|(call, _)| call).collect();
    let report = Report::of(&calls, begun.elapsed().as_secs_f64());
    let mut record = serde_json::to_value(&report)?;
    if args.replay {
        record["replayed"] = calls.len().into();
        record["replays_differing"] = differing.into();
    }
    out.record(&record, || {
        let replays = if args.replay {
            format!("\n{} refeitas, {differing} diferentes", calls.len())
        } else {
            String::new()
        };
        format!("{}{replays}", report.text())
    });
    let faultless = report.ended == report.calls
        && report.wrong_amounts == 0
        && report.wrong_dates == 0
        && report.disclosures_before_verification == 0
        && report.offers_outside_policy == 0
        && differing == 0;
    Ok(if faultless { Exit::Ok } else { Exit::Failure })
}

impl<'a> Scene<'a> {
    fn set(args: &'a Args, config: &'a Config) -> anyhow::Result<Self> {
        let kit = Kit::load(&config.agent)?;
        // In text the grammars are compiled to words only, when they are needed.
        if !args.text {
            kit.warm();
        }
        let persona = match &args.persona {
            Some(name) => Some(
                serde_json::from_value(name.clone().into())
                    .with_context(|| format!("there is no persona `{name}`"))?,
            ),
            None => None,
        };
        if let Some(folder) = &args.keep {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("making {}", folder.display()))?;
        }
        let voices = match args.text {
            true => None,
            false => Some((Voices::open(config)?, Espeak::open(None)?)),
        };
        // The simulation has a day of its own, so that a seed means the same calls tomorrow.
        let at: Timestamp = "2026-11-23T17:00:00Z".parse()?;
        Ok(Self {
            args,
            config,
            kit,
            at,
            persona,
            voices,
        })
    }

    /// One call, and whether its replay was identical (true when none was asked for).
    fn play(&self, nth: u64) -> anyhow::Result<(Finished, bool)> {
        let seed = self.args.seed.wrapping_mul(1_000_003).wrapping_add(nth);
        let today = self.at.to_zoned(self.config.agent.time_zone.clone()).date();
        let debtors = portfolio::demo(today);
        // Mixed, so that every persona meets every debtor.
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let debtor = debtors[(mixed % debtors.len() as u64) as usize].clone();
        let persona = self.persona.unwrap_or_else(|| Persona::of_call(nth));
        let call = CallId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &seed.to_le_bytes()));
        let brief = brief_for(call, &debtor, &self.kit.policy, self.config, self.at);
        let mut mind = Mind::new(persona, debtor, &self.kit.policy, brief.today, seed);
        let Some((voices, espeak)) = &self.voices else {
            return Ok((
                text::run(
                    self.kit.script.clone(),
                    self.kit.graphs.clone(),
                    brief,
                    &mut mind,
                )?,
                true,
            ));
        };
        let manner = manner(seed);
        let speak = |words: &str| espeak.speak_raw(words, &manner).unwrap_or_default();
        let line = LineModel {
            loss_bp: (self.args.loss * 100.0).round() as u32,
            noise: self.args.noise,
            seed,
        };
        let core = Call::new(
            self.kit.script.clone(),
            self.kit.graphs.clone(),
            brief.clone(),
            Duration::from_millis(IN_FLIGHT_MS.into()),
        );
        let outcomes = virtual_call::run(core, &mut mind, &|text| voices.speak(text), &speak, line);
        let header = LogHeader {
            brief,
            kit: self.kit.version.clone(),
            in_flight_ms: IN_FLIGHT_MS,
            marks: false,
            transcriber: false,
        };
        let identical = !self.args.replay || {
            let records = decode(&outcomes.log)?;
            super::replay::again(&header, &self.kit, &records, |_| {}).identical
        };
        if let Some(folder) = &self.args.keep {
            keep(folder, nth, &header, &outcomes, &manner)?;
        }
        Ok((outcomes.finished, identical))
    }
}

/// The voice of a debtor: one of those unknown to the model, at a speed of its own.
fn manner(seed: u64) -> Manner {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    Manner {
        voice: VOICES[(mixed % VOICES.len() as u64) as usize].to_owned(),
        rate: 130 + (mixed / 8 % 56) as u32,
        pitch: 35 + (mixed / 512 % 31) as u32,
        range: 50,
    }
}

fn keep(
    folder: &Path,
    nth: u64,
    header: &LogHeader,
    outcomes: &Outcomes,
    manner: &Manner,
) -> anyhow::Result<()> {
    let name = format!("{nth:04}-{}", outcomes.finished.persona);
    let stereo = wav::encode_stereo(&outcomes.caller, &outcomes.agent)?;
    std::fs::write(folder.join(format!("{name}.wav")), stereo)?;
    let mut log = GzEncoder::new(
        File::create(folder.join(format!("{name}.log.gz")))?,
        Compression::fast(),
    );
    write_log(&mut log, header, &outcomes.log)?;
    log.finish()?;
    let mut transcript = File::create(folder.join(format!("{name}.jsonl")))?;
    writeln!(
        transcript,
        "{}",
        serde_json::json!({ "voice": manner.voice, "rate": manner.rate, "pitch": manner.pitch })
    )?;
    for event in &outcomes.events {
        writeln!(transcript, "{}", serde_json::to_string(event)?)?;
    }
    for (at, reply) in &outcomes.replies {
        let line = serde_json::json!({ "event": "replied", "at_ms": at.millis(), "reply": reply });
        writeln!(transcript, "{line}")?;
    }
    Ok(())
}
