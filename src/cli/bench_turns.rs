//! `combinado bench turns`: turn taking in virtual time, and `combinado bench amd`: who answers a call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;
use uuid::Uuid;

use super::{Exit, Output};
use crate::base::CallId;
use crate::call::Call;
use crate::config::Config;
use crate::ear::amd::{Amd, GRAMMAR};
use crate::mouth::tts::espeak::{Espeak, Manner};
use crate::run::voices::Voices;
use crate::run::{Kit, brief_for};
use crate::sim::hesitation::{self, ANSWERS, Joint};
use crate::sim::openings::{self, AmdReport, Classified};
use crate::sim::portfolio;
use crate::sim::report::Percentiles;
use crate::sim::stage::{Stage, World};
use crate::sim::turns::{self, CASES, TurnsReport};

/// Voices of callers, none of them among those the acoustic model was trained on.
const CALLERS: [&str; 5] = ["pt-br", "pt-br+f4", "pt-br+m5", "pt-br+michel", "pt-br+max"];

#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Semente: a mesma semente dá os mesmos casos / same seed, same cases
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Só uma parte: um caso de cada tantos / one case of so many
    #[arg(long, default_value_t = 1)]
    pub every: u64,
    /// Mostra cada caso errado / show every wrong case
    #[arg(long)]
    pub wrong: bool,
}

/// What `bench turns` prints.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    turns: TurnsReport,
    answers: Answers,
}

/// How soon answers are answered, from the end of speech to the first sound handed to the line.
#[derive(Debug, Default, Serialize)]
struct Answers {
    closed: usize,
    response_ms: Percentiles,
    endpoint_ms: Percentiles,
    not_understood: usize,
    /// Answers with pauses of 300 to 500 ms, spoken as one sentence, and how many were answered inside.
    paused: usize,
    paused_early: usize,
    /// The same pasted from words that were spoken alone, each with the melody of an end.
    pasted: usize,
    pasted_early: usize,
    closed_early: usize,
}

/// A stage for calls: kit, debtor, voices.
struct Scene {
    kit: Kit,
    config: Config,
    agent: Voices,
    espeak: Espeak,
}

impl Scene {
    fn set(config: &Config) -> anyhow::Result<Self> {
        let kit = Kit::load(&config.agent)?;
        kit.warm();
        Ok(Self {
            kit,
            agent: Voices::open(config)?,
            espeak: Espeak::open(None)?,
            config: config.clone(),
        })
    }

    fn call(&self) -> anyhow::Result<Call> {
        let at: Timestamp = "2026-11-23T17:00:00Z".parse()?;
        let today = at.to_zoned(self.config.agent.time_zone.clone()).date();
        let debtor = portfolio::demo(today).swap_remove(0);
        let call = CallId(Uuid::from_u128(7));
        let brief = brief_for(call, &debtor, &self.kit.policy, &self.config, at);
        Ok(Call::new(
            self.kit.script.clone(),
            self.kit.graphs.clone(),
            brief,
            Duration::from_millis(40),
        ))
    }

    /// Words in the `n`th caller's voice.
    fn caller(&self, words: &str, n: u64) -> Vec<i16> {
        let manner = Manner {
            voice: CALLERS[(n % CALLERS.len() as u64) as usize].to_owned(),
            rate: 130 + (n * 7 % 45) as u32,
            pitch: 35 + (n * 5 % 31) as u32,
            ..Manner::default()
        };
        self.espeak.speak_raw(words, &manner).unwrap_or_default()
    }
}

pub fn run_turns(args: &Args, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let scene = Scene::set(config)?;
    let mut results = Vec::new();
    for (kind, count) in CASES {
        for nth in (0..count).step_by(args.every.max(1) as usize) {
            let voice = |text: &str| scene.agent.speak(text);
            let mut stage = Stage::new(scene.call()?, &voice, World::default());
            let result = turns::play(kind, nth, args.seed, &mut stage, &|words, n| {
                scene.caller(words, n)
            });
            if args.wrong && !result.right {
                eprintln!("{kind:?} {nth}: {}", result.note);
            }
            results.push(result);
        }
        if !out.json {
            eprintln!("{kind:?}…");
        }
    }
    let report = Report {
        turns: TurnsReport::of(args.seed, &results),
        answers: answers(&scene, args)?,
    };
    out.record(&report, || {
        format!("{}\n{}", report.turns.text(), report.answers.text())
    });
    Ok(Exit::Ok)
}

fn answers(scene: &Scene, args: &Args) -> anyhow::Result<Answers> {
    let mut found = Answers::default();
    let (mut response, mut endpoint) = (Vec::new(), Vec::new());
    for (n, answer) in ANSWERS.iter().enumerate() {
        for voice in (0..CALLERS.len() as u64 * 2).step_by(args.every.max(1) as usize) {
            let joints: &[Joint] = match answer.closed {
                true => &[Joint::Spoken],
                false => &[Joint::Spoken, Joint::Pasted],
            };
            for joint in joints {
                let pause = 300 + (args.seed + voice * 37 + n as u64 * 53) % 201;
                let sound = hesitation::render(answer.words, pause, *joint, &|words| {
                    scene.caller(words, voice)
                });
                let speak = |text: &str| scene.agent.speak(text);
                let mut stage = Stage::new(scene.call()?, &speak, World::default());
                let Some(replied) = hesitation::try_answer(&mut stage, answer.keys, &sound) else {
                    continue;
                };
                if args.wrong && (replied.early || replied.response_ms.is_none_or(|ms| ms > 300)) {
                    eprintln!("{} ({joint:?}, {pause} ms): {replied:?}", answer.words);
                }
                let early = usize::from(replied.early);
                match (answer.closed, joint) {
                    (true, _) => {
                        found.closed += 1;
                        found.closed_early += early;
                        found.not_understood += usize::from(replied.intent.is_none());
                        response.extend(replied.response_ms);
                        endpoint.extend(replied.endpoint_ms);
                    }
                    (false, Joint::Spoken) => {
                        found.paused += 1;
                        found.paused_early += early;
                    }
                    (false, Joint::Pasted) => {
                        found.pasted += 1;
                        found.pasted_early += early;
                    }
                }
            }
        }
    }
    found.response_ms = Percentiles::of(&response);
    found.endpoint_ms = Percentiles::of(&endpoint);
    Ok(found)
}

impl Answers {
    fn text(&self) -> String {
        format!(
            "answers to closed questions: n = {}, response p50 {} ms, p95 {} ms (endpoint {} / {}), {} not understood, {} early\n\
             with pauses of 300-500 ms: {} of {} answered inside a pause; pasted from single words: {} of {}",
            self.closed,
            self.response_ms.p50,
            self.response_ms.p95,
            self.endpoint_ms.p50,
            self.endpoint_ms.p95,
            self.not_understood,
            self.closed_early,
            self.paused_early,
            self.paused,
            self.pasted_early,
            self.pasted
        )
    }
}

pub fn run_amd(args: &Args, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let scene = Scene::set(config)?;
    let compiled = scene
        .kit
        .graphs
        .get(&[GRAMMAR.to_owned()], &BTreeMap::new());
    let graph = compiled.ok().map(Arc::new);
    let voices = |words: &str, n: u64| scene.caller(words, n);
    let openings: Vec<_> = openings::all(args.seed, &voices)
        .step_by(args.every.max(1) as usize)
        .collect();
    let next = Mutex::new(openings.into_iter());
    let found: Mutex<Vec<Classified>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let opening = next.lock().next();
                    let Some((was, words, sound)) = opening else {
                        return;
                    };
                    let recognizer = graph
                        .clone()
                        .map(|graph: Arc<_>| (scene.kit.graphs.model(), graph));
                    let verdict = openings::classify(&mut Amd::new(recognizer), &sound);
                    found.lock().push(Classified {
                        was,
                        words,
                        verdict,
                    });
                }
            });
        }
    });
    let found = found.into_inner();
    if args.wrong {
        for call in found.iter().filter(|call| call.taken_for() != call.was) {
            eprintln!("{:?} \"{}\": {:?}", call.was, call.words, call.verdict);
        }
    }
    let report = AmdReport::of(&found);
    out.record(&report, || report.text());
    Ok(Exit::Ok)
}
