//! `combinado parse`: what a sentence means, or what a grammar can say.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::{Exit, Output};
use crate::base::Date;
use crate::call::Graphs;
use crate::config::{Agent, Config};
use crate::language::grammar::{Automaton, Grammar, GrammarError, parse};
use crate::language::meaning::{self, Value};
use crate::mind::script::Script;
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
    /// A frase | The sentence
    pub text: Vec<String>,
}

/// One line of output.
#[derive(Debug, Serialize)]
struct Record {
    intent: Option<String>,
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
        generate(&automaton, args.seed, count, out);
        return Ok(Exit::Ok);
    }
    let parser = parse::Parser::new(&automaton);
    let Some(file) = &args.file else {
        report(&record(&parser, &args.text.join(" "), today), out);
        return Ok(Exit::Ok);
    };
    for line in lines(file)? {
        let line = line.with_context(|| format!("reading {}", file.display()))?;
        // The state of a script's table says nothing here, where one grammar reads every line.
        let text = line.rsplit('\t').next().unwrap_or_default();
        report(
            &Record {
                text: Some(text.to_owned()),
                ..record(&parser, text, today)
            },
            out,
        );
    }
    Ok(Exit::Ok)
}

/// Reads sentences as the states of a script would: `--state`, or the first column of the file.
fn by_state(args: &Args, folder: &Path, today: Date, out: Output) -> anyhow::Result<Exit> {
    let agent = Agent {
        script: Some(folder.to_owned()),
        ..Config::default().agent
    };
    let sources = Sources::gather(&agent)?;
    let script = match Script::read(&sources.script) {
        Ok(script) => script,
        Err(errors) => {
            errors.iter().for_each(|error| eprintln!("{error}"));
            return Ok(Exit::Configuration);
        }
    };
    let graphs = Graphs::new(sources.grammars, kit::acoustic_model(None)?);
    let dynamic = dynamic_rules(&args.dynamic);
    let understand = |state: &str, text: &str| -> anyhow::Result<Record> {
        let found = script
            .state
            .get(state)
            .filter(|found| !found.listen.is_empty());
        let found = found.with_context(|| format!("the script has no question `{state}`"))?;
        let rules: Vec<String> = found
            .listen
            .iter()
            .chain(&script.global.listen)
            .cloned()
            .collect();
        let compiled = graphs.get(&rules, &dynamic)?;
        Ok(record(
            &parse::Parser::new(&compiled.automaton),
            text,
            today,
        ))
    };
    if let Some(file) = &args.file {
        for line in lines(file)? {
            let line = line.with_context(|| format!("reading {}", file.display()))?;
            let (state, text) = line
                .split_once('\t')
                .context("a line of the file is STATE, a tab, TEXT")?;
            let text = text.to_owned();
            report(
                &Record {
                    text: Some(text.clone()),
                    ..understand(state, &text)?
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
    report(&understand(state, &args.text.join(" "))?, out);
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

fn generate(automaton: &Automaton, seed: u64, count: usize, out: Output) {
    for sentence in automaton.sentences(seed, count) {
        let example = Example {
            text: sentence.words.join(" "),
            tags: sentence.tags,
        };
        out.record(&example, || example.text.clone());
    }
}

fn record(parser: &parse::Parser, text: &str, today: Date) -> Record {
    let Some(best) = parser.parse(text).into_iter().next() else {
        let rest = crate::language::grammar::text::words(text);
        return Record {
            intent: None,
            slots: BTreeMap::new(),
            confidence: 0.0,
            rest,
            tags: vec![],
            words: vec![],
            text: None,
        };
    };
    // What is hardly explained is not understood; the tags still tell what it might have been.
    let meaning = if best.confidence >= parse::ACCEPTED {
        meaning::read(&best.tags, today)
    } else {
        Default::default()
    };
    Record {
        intent: meaning.intent,
        slots: meaning.slots,
        confidence: best.confidence,
        rest: best.rest,
        tags: best.tags,
        words: best.words,
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
