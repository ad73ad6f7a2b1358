//! `combinado bench prompts`: what the script says, as the telephone carries it: level, clipping, joints, and whether it
//! is understood again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;
use uuid::Uuid;

use super::{Exit, Output};
use crate::base::CallId;
use crate::call::clauses;
use crate::config::Config;
use crate::ear::asr::{AcousticModel, Graph, Recognizer};
use crate::ear::clip;
use crate::language::grammar::Grammar;
use crate::media::g711::Law;
use crate::media::{RATE, level};
use crate::mind::dialogue::fill;
use crate::mind::facts::{self, Facts};
use crate::run::voices::Voices;
use crate::run::{Kit, brief_for};
use crate::sim::debtor::{Mind, Persona, Reply};
use crate::sim::portfolio;
use crate::sim::text::Chat;

/// Active level of a prompt, in dBov (ITU-T P.56): the nominal one, and how far it may stray.
const LEVEL: (f64, f64) = (level::TARGET_DBOV, 2.0);
/// A step between two samples at a joint that is not heard as a click: −40 dB of full scale.
const CLICK: i32 = 328;
/// Silence before the first sound of a prompt, in milliseconds.
const LEAD_MS: u32 = 40;
/// The largest value that G.711 (A-law) carries: at it a peak was cut off.
const OVERLOAD: u16 = 32_256;
/// Sound begins where a sample reaches −40 dB of full scale.
const SOUNDING: u16 = 328;
/// Turns of a simulated call.
const TURNS: usize = 80;

/// Mede o que o roteiro diz, como o telefone leva. / Measures the script's prompts as the telephone carries them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ligações simuladas de onde vêm as falas / simulated calls that the prompts come from
    #[arg(long, default_value_t = 400)]
    calls: u64,
    /// Falas diferentes por estado, no máximo / different wordings of a state at most
    #[arg(long, default_value_t = 3)]
    per_state: usize,
}

/// One state's prompts.
#[derive(Debug, Default, Serialize)]
struct Row {
    state: String,
    prompts: u32,
    clauses: u32,
    /// Of its clauses, those that the recogniser tells from all others of the script.
    understood: u32,
    level_min_dbov: f64,
    level_max_dbov: f64,
    clipped_samples: u32,
    /// The largest step between two samples where clauses meet.
    worst_joint: i32,
    worst_lead_ms: u32,
}

/// The whole table.
#[derive(Debug, Serialize)]
struct Report {
    states: Vec<Row>,
    prompts: u32,
    clauses: u32,
    understood: u32,
    /// States that no simulated call came to: their prompts were measured with figures of an example in them.
    by_example: Vec<String>,
    within_limits: bool,
}

pub fn run(args: &Args, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let kit = Kit::load(&config.agent)?;
    let voices = Voices::open(config)?;
    let mut prompts = gather(args, config, &kit)?;
    let by_example = add_examples(&kit, &mut prompts)?;
    let listener = Listener::new(&prompts)?;
    let mut rows = Vec::new();
    for (state, texts) in &prompts {
        rows.push(measure(state, texts, &voices, &listener)?);
        eprintln!("{} de {} estados…", rows.len(), prompts.len());
    }
    let report = Report {
        prompts: rows.iter().map(|row| row.prompts).sum(),
        clauses: rows.iter().map(|row| row.clauses).sum(),
        understood: rows.iter().map(|row| row.understood).sum(),
        by_example,
        within_limits: rows.iter().all(within_limits),
        states: rows,
    };
    out.record(&report, || table(&report));
    Ok(if report.within_limits {
        Exit::Ok
    } else {
        Exit::Failure
    })
}

fn within_limits(row: &Row) -> bool {
    (row.level_min_dbov - LEVEL.0).abs() <= LEVEL.1
        && (row.level_max_dbov - LEVEL.0).abs() <= LEVEL.1
        && row.clipped_samples == 0
        && row.worst_joint <= CLICK
        && row.worst_lead_ms <= LEAD_MS
}

/// What is really said in calls: the prompts of each state, with the facts of debtors in them.
fn gather(
    args: &Args,
    config: &Config,
    kit: &Kit,
) -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let at: jiff::Timestamp = "2026-11-23T17:00:00Z".parse()?;
    let today = at.to_zoned(config.agent.time_zone.clone()).date();
    let debtors = portfolio::demo(today);
    let mut prompts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for nth in 0..args.calls {
        let debtor = debtors[(nth % debtors.len() as u64) as usize].clone();
        let persona = Persona::of_call(nth);
        let call = CallId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &nth.to_le_bytes()));
        let brief = brief_for(call, &debtor, &kit.policy, config, at);
        let mut mind = Mind::new(persona, debtor, &kit.policy, brief.today, nth);
        let (mut chat, mut said) = Chat::new(kit.script.clone(), kit.graphs.clone(), brief);
        for _ in 0..TURNS {
            for utterance in &said {
                let texts = prompts.entry(utterance.state.clone()).or_default();
                if texts.len() < args.per_state {
                    texts.insert(utterance.text.clone());
                }
            }
            if chat.is_over() {
                break;
            }
            let heard: Vec<&str> = said.iter().map(|one| one.text.as_str()).collect();
            let line = match mind.answer(chat.dialogue().state(), &heard.join(" ")) {
                Reply::Say(words) => words,
                Reply::Press(keys) => keys,
                Reply::Nothing => String::new(),
            };
            said = chat.type_line(&line)?.1;
        }
    }
    Ok(prompts)
}

/// The prompts of the states that no simulated call came to, and of the questions asked again everywhere.
fn add_examples(
    kit: &Kit,
    prompts: &mut BTreeMap<String, BTreeSet<String>>,
) -> anyhow::Result<Vec<String>> {
    let facts: Facts = facts::SPOKEN
        .iter()
        .map(|variable| (variable.name.to_owned(), variable.example.to_owned()))
        .collect();
    let mut added = Vec::new();
    let repairs = kit.script.global.noinput.iter();
    let repairs: Vec<&String> = repairs.chain(&kit.script.global.nomatch).collect();
    let states = kit
        .script
        .state
        .iter()
        .map(|(name, state)| {
            (
                name.as_str(),
                state.say.iter().chain(&state.again).collect(),
            )
        })
        .chain([("reparo", repairs)]);
    for (name, templates) in states {
        if templates.is_empty() || (name != "reparo" && prompts.contains_key(name)) {
            continue;
        }
        let texts = prompts.entry(name.to_owned()).or_default();
        for template in templates {
            let text = fill(template, &facts).with_context(|| {
                format!("{name}: the example has no value for a variable of it")
            })?;
            texts.insert(text);
        }
        added.push(name.to_owned());
    }
    Ok(added)
}

fn measure(
    state: &str,
    texts: &BTreeSet<String>,
    voices: &Voices,
    listener: &Listener,
) -> anyhow::Result<Row> {
    let mut row = Row {
        state: state.to_owned(),
        level_min_dbov: f64::INFINITY,
        level_max_dbov: f64::NEG_INFINITY,
        ..Row::default()
    };
    for text in texts {
        let mut prompt: Vec<i16> = Vec::new();
        for clause in clauses(text) {
            let sound = voices
                .speak(&clause)
                .with_context(|| format!("{state}: no voice says a clause of it"))?;
            let sound = carried(&sound);
            if let Some(before) = prompt.last() {
                let step =
                    (i32::from(sound.first().copied().unwrap_or(0)) - i32::from(*before)).abs();
                row.worst_joint = row.worst_joint.max(step);
            }
            row.clauses += 1;
            row.understood += u32::from(listener.understands(&clause, &sound));
            prompt.extend(sound);
        }
        let Some(level) = level::active_dbov(&prompt) else {
            continue;
        };
        row.prompts += 1;
        row.level_min_dbov = row.level_min_dbov.min(round(level));
        row.level_max_dbov = row.level_max_dbov.max(round(level));
        row.clipped_samples += prompt
            .iter()
            .filter(|sample| sample.unsigned_abs() >= OVERLOAD)
            .count() as u32;
        let lead = prompt
            .iter()
            .position(|sample| sample.unsigned_abs() >= SOUNDING)
            .unwrap_or(prompt.len());
        row.worst_lead_ms = row.worst_lead_ms.max(lead as u32 * 1_000 / RATE);
    }
    Ok(row)
}

/// Through A-law and back, as a trunk of a Brazilian carrier does.
fn carried(sound: &[i16]) -> Vec<i16> {
    sound
        .iter()
        .map(|sample| Law::A.decode(Law::A.encode(*sample)))
        .collect()
}

fn round(level: f64) -> f64 {
    (level * 10.0).round() / 10.0
}

/// The embedded recogniser over all clauses of the script: an engine that did not make the sound.
struct Listener {
    model: Arc<AcousticModel>,
    graph: Arc<Graph>,
    /// The number of each clause in the grammar, by its words.
    numbers: BTreeMap<String, usize>,
}

impl Listener {
    fn new(prompts: &BTreeMap<String, BTreeSet<String>>) -> anyhow::Result<Self> {
        let numbers: BTreeMap<String, usize> = prompts
            .values()
            .flatten()
            .flat_map(|text| clauses(text))
            .map(|clause| words(&clause))
            .collect::<BTreeSet<String>>()
            .into_iter()
            .enumerate()
            .map(|(number, words)| (words, number))
            .collect();
        let alternatives: Vec<String> = numbers
            .iter()
            .map(|(words, number)| format!("{words} {{n{number}}}"))
            .collect();
        let text = format!(
            "#ABNF 1.0 UTF-8;\nlanguage pt-BR;\nroot $falas;\npublic $falas = {};\n",
            alternatives.join("\n  | ")
        );
        let files = BTreeMap::from([("falas.gram".to_owned(), text)]);
        let grammar = Grammar::load(&files, "falas.gram")
            .map_err(|errors| anyhow::anyhow!("{}", errors[0]))?;
        let automaton = grammar
            .automaton(&["falas"], &BTreeMap::new())
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let model = AcousticModel::built_in().context("the built-in acoustic model")?;
        let graph = Arc::new(Graph::compile(&automaton, &model));
        Ok(Self {
            model,
            graph,
            numbers,
        })
    }

    fn understands(&self, clause: &str, sound: &[i16]) -> bool {
        let mut recognizer = Recognizer::new(self.model.clone());
        // A telephone line before and after.
        let pause = vec![0; RATE as usize / 2];
        let line = [&pause, sound, &pause].concat();
        let expected = self
            .numbers
            .get(&words(clause))
            .map(|number| format!("n{number}"));
        clip::recognise(&mut recognizer, &self.graph, &line)
            .first()
            .is_some_and(|best| best.tags.first() == expected.as_ref())
    }
}

/// The words of a clause, as a grammar has them.
fn words(clause: &str) -> String {
    clause
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn table(report: &Report) -> String {
    let mut lines = vec![format!(
        "{:<26} {:>6} {:>8} {:>11} {:>15} {:>8} {:>6} {:>6}",
        "estado", "falas", "orações", "entendidas", "nível dBov", "cortadas", "junta", "ms"
    )];
    lines.extend(report.states.iter().map(|row| {
        format!(
            "{:<26} {:>6} {:>8} {:>11} {:>7} {:>7} {:>8} {:>6} {:>6}",
            row.state,
            row.prompts,
            row.clauses,
            row.understood,
            row.level_min_dbov,
            row.level_max_dbov,
            row.clipped_samples,
            row.worst_joint,
            row.worst_lead_ms
        )
    }));
    lines.push(format!(
        "{} falas, {} de {} orações entendidas de volta; {}",
        report.prompts,
        report.understood,
        report.clauses,
        if report.within_limits {
            "tudo dentro dos limites"
        } else {
            "FORA dos limites"
        }
    ));
    if !report.by_example.is_empty() {
        lines.push(format!(
            "com números de exemplo, porque nenhuma ligação simulada passou por lá: {}",
            report.by_example.join(", ")
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(texts: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
        BTreeMap::from([(
            "abertura".to_owned(),
            texts.iter().map(|text| (*text).to_owned()).collect(),
        )])
    }

    #[test]
    fn a_clause_is_told_from_the_others_and_noise_is_none() {
        let texts = ["Bom dia!", "Esta ligação é gravada.", "Qual o melhor dia?"];
        let listener = Listener::new(&prompts(&texts)).expect("a grammar");
        let voices = Voices::open(&Config::default()).expect("the embedded voice");
        let sound = carried(&voices.speak(texts[1]).expect("speaks"));
        assert!(listener.understands(texts[1], &sound));
        assert!(!listener.understands(texts[0], &sound));
    }

    #[test]
    fn a_prompt_out_of_bounds_is_told() {
        let texts = prompts(&["Bom dia! Esta ligação é gravada."]);
        let listener = Listener::new(&texts).expect("a grammar");
        let voices = Voices::open(&Config::default()).expect("the embedded voice");
        let row = measure("abertura", &texts["abertura"], &voices, &listener).expect("measured");
        assert!(within_limits(&row), "{row:?}");
        assert_eq!((row.prompts, row.clauses), (1, 2));
        let loud = Row {
            clipped_samples: 1,
            ..row
        };
        assert!(!within_limits(&loud));
    }
}
