//! `combinado parse`: what a sentence means, or what a grammar can say.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;

use super::{Exit, Output};
use crate::base::Date;
use crate::call::Graphs;
use crate::config::{Agent, Config};
use crate::language::grammar::{Automaton, Grammar, GrammarError, Sentence, loose, parse};
use crate::language::meaning::{self, Value};
use crate::mind::script::{Script, State};
use crate::run::{Sources, kit};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Gramática: FILE[#regra] | Grammar file, and a rule other than its root
    #[arg(long, value_name = "FILE[#rule]", conflicts_with_all = ["script", "state"])]
    pub grammar: Option<String>,
    /// Pasta do roteiro | Folder of a script, with --state
    #[arg(long, value_name = "DIR")]
    pub script: Option<PathBuf>,
    /// Estado do roteiro | State of the script
    #[arg(long, value_name = "STATE", requires = "script")]
    pub state: Option<String>,
    /// Arquivo com uma frase por linha, ou estado TAB frase ("-" lê a entrada padrão) | A sentence a line, or state TAB sentence
    #[arg(long, value_name = "FILE.tsv", conflicts_with = "text")]
    pub file: Option<PathBuf>,
    /// Gera N frases da gramática em vez de entender | Print N sentences of the grammar instead
    #[arg(long, value_name = "N", conflicts_with_all = ["text", "file"])]
    pub generate: Option<usize>,
    /// Semente de --generate | Seed of --generate
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Frases para uma regra que cada ligação preenche: nome_titular=João | Phrases for a rule that each call fills
    #[arg(long, value_name = "RULE=PHRASE")]
    pub dynamic: Vec<String>,
    /// Dia em que se fala, para "amanhã" (padrão: hoje) | The day of speaking, for "amanhã" (default: today)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub today: Option<Date>,
    /// Relata a cobertura e as confusões por intenção | Coverage and confusions by intent, of --file (state, intent, text) or of the shipped phrasings
    #[arg(long, requires = "script", conflicts_with_all = ["text", "generate"])]
    pub report: bool,
    /// A frase | The sentence
    pub text: Vec<String>,
}

/// One line of output.
#[derive(Debug, Default, Serialize)]
pub struct Record {
    pub intent: Option<String>,
    slots: BTreeMap<String, Value>,
    confidence: f32,
    rest: Vec<String>,
    tags: Vec<String>,
    words: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Serialize)]
struct Example {
    text: String,
    tags: Vec<String>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "today is read from the clock where none is given"
)]
pub fn run(args: &Args, out: Output) -> anyhow::Result<Exit> {
    let today = args.today.unwrap_or_else(|| jiff::Zoned::now().date());
    if let Some(folder) = &args.script {
        return by_state(args, folder, today, out);
    }
    let Some(grammar) = &args.grammar else {
        eprintln!("parse: --grammar FILE[#rule] is missing");
        return Ok(Exit::Usage);
    };
    let dynamic = dynamic_rules(&args.dynamic);
    let automaton = match compile(grammar, &dynamic) {
        Ok(automaton) => automaton,
        Err(errors) => {
            errors.iter().for_each(|error| eprintln!("{error}"));
            return Ok(Exit::Configuration);
        }
    };
    if let Some(count) = args.generate {
        examples(automaton.sentences(args.seed, count), out);
        return Ok(Exit::Ok);
    }
    let parser = parse::Parser::new(&automaton);
    let Some(file) = &args.file else {
        let text = args.text.join(" ");
        report(&record(&parser.parse(&text), &text, today, &|_| true), out);
        return Ok(Exit::Ok);
    };
    for line in lines(file)? {
        let line = line.with_context(|| format!("reading {}", file.display()))?;
        // The state of a script's table says nothing here, where one grammar reads every line.
        let text = line.rsplit('\t').next().unwrap_or_default();
        report(
            &Record {
                text: Some(text.to_owned()),
                ..record(&parser.parse(text), text, today, &|_| true)
            },
            out,
        );
    }
    Ok(Exit::Ok)
}

/// A script whose questions can be read.
pub struct Questions {
    pub script: Script,
    graphs: Graphs,
    dynamic: BTreeMap<String, Vec<String>>,
}

impl Questions {
    /// Reads the script in `folder`; `None` if it has mistakes, which are told.
    pub fn open(
        folder: &Path,
        dynamic: BTreeMap<String, Vec<String>>,
    ) -> anyhow::Result<Option<Self>> {
        let agent = Agent {
            script: Some(folder.to_owned()),
            ..Config::default().agent
        };
        let sources = Sources::gather(&agent)?;
        let script = match Script::read(&sources.script) {
            Ok(script) => script,
            Err(errors) => {
                errors.iter().for_each(|error| eprintln!("{error}"));
                return Ok(None);
            }
        };
        Ok(Some(Self {
            script,
            graphs: Graphs::new(sources.grammars, kit::acoustic_model(None)?),
            dynamic,
        }))
    }

    /// What the question of `state` listens to. A state that asks nothing, but computes or says something, is heard as
    /// the questions that lead to it.
    pub fn rules(&self, state: &str) -> anyhow::Result<Vec<String>> {
        let found = self.script.state.get(state);
        let found = found.with_context(|| format!("the script has no state `{state}`"))?;
        let mut rules = found.listen.clone();
        // Backwards, a step at a time, until questions are met.
        let (mut seen, mut ring) = (BTreeSet::from([state]), BTreeSet::from([state]));
        while rules.is_empty() && !ring.is_empty() {
            let before = self.script.state.iter().filter(|(_, from)| {
                let routes = from.on.values().chain(&from.next);
                routes
                    .flat_map(|route| route.states())
                    .any(|to| ring.contains(to))
            });
            let before: Vec<(&str, &State)> =
                before.map(|(name, from)| (name.as_str(), from)).collect();
            let heard: BTreeSet<&String> =
                before.iter().flat_map(|(_, from)| &from.listen).collect();
            rules = heard.into_iter().cloned().collect();
            ring = before
                .iter()
                .map(|(name, _)| *name)
                .filter(|name| seen.insert(name))
                .collect();
        }
        if rules.is_empty() {
            bail!("the state `{state}` asks nothing, and no question leads to it");
        }
        rules.extend(self.script.global.listen.iter().cloned());
        Ok(rules)
    }

    /// The meaning of an answer to the question of `state`.
    pub fn read(&self, state: &str, text: &str, today: Date) -> anyhow::Result<Record> {
        let rules = self.rules(state)?;
        let readings = self.graphs.read(&rules, &self.dynamic, text)?;
        let asks = self
            .script
            .state
            .get(state)
            .is_some_and(|state| !state.listen.is_empty());
        Ok(record(&readings, text, today, &|intent| {
            !asks || self.script.answers(state, intent)
        }))
    }

    /// Sentences that the question of `state` understands, from `seed`.
    pub fn sentences(&self, state: &str, seed: u64, count: usize) -> anyhow::Result<Vec<Sentence>> {
        let automaton = self.graphs.automaton(&self.rules(state)?, &self.dynamic)?;
        Ok(automaton.sentences(seed, count))
    }
}

/// Reads sentences as the states of a script would: `--state`, or the first column of the file.
fn by_state(args: &Args, folder: &Path, today: Date, out: Output) -> anyhow::Result<Exit> {
    let mut dynamic = dynamic_rules(&args.dynamic);
    dynamic
        .entry(loose::NAME_RULE.to_owned())
        .or_insert_with(|| loose::COMMON_NAMES.map(String::from).to_vec());
    let Some(questions) = Questions::open(folder, dynamic)? else {
        return Ok(Exit::Configuration);
    };
    if args.report {
        return report::run(&questions, args, today, out);
    }
    if let Some(file) = &args.file {
        for line in lines(file)? {
            let line = line.with_context(|| format!("reading {}", file.display()))?;
            let (state, text) = line
                .split_once('\t')
                .context("a line of the file is STATE, a tab, TEXT")?;
            report(
                &Record {
                    text: Some(text.to_owned()),
                    ..questions.read(state, text, today)?
                },
                out,
            );
        }
        return Ok(Exit::Ok);
    }
    let state = args
        .state
        .as_deref()
        .context("--state is missing: name the question that is answered")?;
    if let Some(count) = args.generate {
        examples(questions.sentences(state, args.seed, count)?, out);
    } else {
        report(&questions.read(state, &args.text.join(" "), today)?, out);
    }
    Ok(Exit::Ok)
}

fn lines(file: &Path) -> anyhow::Result<Box<dyn Iterator<Item = io::Result<String>>>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin().lines()));
    }
    let open = std::fs::File::open(file).with_context(|| format!("opening {}", file.display()))?;
    Ok(Box::new(io::BufReader::new(open).lines()))
}

/// `nome_titular=João Silva`, several times for several phrases.
fn dynamic_rules(given: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut rules: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (rule, phrase) in given.iter().filter_map(|given| given.split_once('=')) {
        rules
            .entry(rule.to_owned())
            .or_default()
            .push(phrase.to_owned());
    }
    rules
}

/// `FILE[#rule]` from disk; other grammars that it refers to are read beside it.
pub fn compile(
    path: &str,
    dynamic: &BTreeMap<String, Vec<String>>,
) -> Result<Automaton, Vec<GrammarError>> {
    let (file, rule) = match path.split_once('#') {
        Some((file, rule)) => (file, Some(rule)),
        None => (path, None),
    };
    let read = |name: &str| std::fs::read_to_string(name).ok();
    let grammar = Grammar::load(&read, file)?;
    let rules: Vec<&str> = rule.into_iter().collect();
    grammar
        .automaton(&rules, dynamic)
        .map_err(|error| vec![error])
}

fn examples(sentences: Vec<Sentence>, out: Output) {
    for sentence in sentences {
        let example = Example {
            text: sentence.words.join(" "),
            tags: sentence.tags,
        };
        out.record(&example, || example.text.clone());
    }
}

fn record(
    readings: &[parse::Parse],
    text: &str,
    today: Date,
    answers: &dyn Fn(&str) -> bool,
) -> Record {
    let Some(best) = readings.first() else {
        return Record {
            rest: crate::language::grammar::text::words(text),
            ..Record::default()
        };
    };
    // What is hardly explained is not understood; the tags still tell what it might have been.
    let meaning = if best.is_accepted() {
        meaning::read_for(&best.tags, today, answers)
    } else {
        Default::default()
    };
    Record {
        slots: meaning.catalogue(),
        intent: meaning.intent,
        confidence: best.confidence,
        rest: best.rest.clone(),
        tags: best.tags.clone(),
        words: best.words.clone(),
        text: None,
    }
}

fn report(record: &Record, out: Output) {
    out.record(record, || {
        let intent = record.intent.as_deref().unwrap_or("-");
        let slots = serde_json::to_string(&record.slots).unwrap_or_default();
        format!(
            "{intent}\t{slots}\t{:.2}\t{}",
            record.confidence,
            record.rest.join(" ")
        )
    });
}
