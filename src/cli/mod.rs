//! The commands. Data goes to stdout, everything else to stderr; `--json` prints one object a line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use jiff::Timestamp;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::config::{self, Config};
use crate::ledger::{DebtorRow, Ledger};
use crate::mind::debt::Debtor;

pub mod bench;
pub mod bench_asr;
pub mod bench_calls;
pub mod bench_prompts;
#[cfg(feature = "espeak")]
pub mod bench_turns;
pub mod check;
#[cfg(feature = "espeak")]
pub mod dev;
pub mod doctor;
pub mod inspect;
pub mod listen;
pub mod models;
pub mod offer;
pub mod parse;
pub mod replay;
pub mod say;
pub mod serve;
#[cfg(feature = "espeak")]
pub mod simulate;
pub mod talk;
pub mod voices;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    Failure = 1,
    Usage = 2,
    Configuration = 3,
    Findings = 4,
    Unavailable = 5,
}

/// Where results go, and in which form.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// Prints one record: as a line of JSON, or as `human` would read it.
    pub fn record<T: Serialize>(self, value: &T, human: impl FnOnce() -> String) {
        let text = if self.json {
            serde_json::to_string(value)
                .unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
        } else {
            human()
        };
        // A closed pipe (`| head`) is the reader's choice, not a failure.
        let _ = std::io::Write::write_all(
            &mut std::io::stdout().lock(),
            format!("{text}\n").as_bytes(),
        );
    }
}

/// combinado: negocia dívidas por telefone, em português do Brasil.
///
/// A voice agent that negotiates overdue debts by telephone in Brazilian Portuguese.
#[derive(Parser)]
#[command(version, about, long_about = None)]
struct Arguments {
    /// Resultado em JSON, um objeto por linha / results as JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
    /// Arquivo de configuração / configuration file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tudo pronto, sem configurar nada: servidor, carteira de exemplo e uma ligação falada / zero configuration
    #[cfg(feature = "espeak")]
    Dev(dev::Args),
    /// Servidor de produção / production server
    Serve(serve::Args),
    /// Seja o devedor, digitando / be the debtor, by typing
    Talk(talk::Args),
    /// Devedores simulados contra o roteiro / simulated debtors against the script
    #[cfg(feature = "espeak")]
    Simulate(simulate::Args),
    /// Confere configuração, roteiro, gramáticas e política / every mistake at once
    Check(check::Args),
    /// Reconhece uma gravação / recognise a recording
    Listen(listen::Args),
    /// Fala um texto / speak a text
    Say(say::Args),
    /// As vozes que há, e a que fala / the voices there are, and the one that speaks
    Voices(voices::Args),
    /// O sentido de uma frase / meaning of a sentence
    Parse(parse::Args),
    /// O que é este código: boleto, Pix, CPF, CNPJ, telefone / what a code is, and whether it is valid
    Inspect(inspect::Args),
    /// O que seria oferecido hoje, com toda a conta / what would be offered today
    Offer(offer::Args),
    /// Refaz uma ligação gravada / run a recorded call again
    Replay(replay::Args),
    /// Modelos de voz e de reconhecimento / list, verify, add, fetch
    Models(models::Args),
    /// Medições / measurements
    Bench(bench::Args),
    /// O que há de errado com esta instalação / what is wrong with this installation
    Doctor(doctor::Args),
    /// Completa comandos no shell / shell completions
    Completions { shell: clap_complete::Shell },
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr(&arguments.command);
    crate::channels::install_tls();
    let out = Output {
        json: arguments.json,
    };
    let config = match load_config(arguments.config.as_deref()) {
        Ok(config) => config,
        // The checker reports the mistakes of the configuration among all others.
        Err(_) if matches!(arguments.command, Command::Check(_)) => Config::default(),
        Err(mistakes) => {
            for mistake in &mistakes {
                eprintln!("combinado.toml:{mistake}");
            }
            return ExitCode::from(Exit::Configuration as u8);
        }
    };
    let outcome = run(arguments.command, arguments.config, config, out);
    match outcome {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(error) => {
            eprintln!("combinado: {error:#}");
            ExitCode::from(exit_of(&error) as u8)
        }
    }
}

fn run(
    command: Command,
    file: Option<PathBuf>,
    config: Config,
    out: Output,
) -> anyhow::Result<Exit> {
    match command {
        #[cfg(feature = "espeak")]
        Command::Dev(args) => dev::run(&args, config, out),
        Command::Serve(args) => serve::run(&args, config, out),
        Command::Talk(args) => talk::run(&args, &config, out),
        #[cfg(feature = "espeak")]
        Command::Simulate(args) => simulate::run(&args, &config, out),
        Command::Check(args) => check::run(&args, file.as_deref(), &config, out),
        Command::Listen(args) => listen::run(&args, out),
        Command::Say(args) => say::run(&args, out),
        Command::Voices(args) => voices::run(&args, &config, out),
        Command::Models(args) => models::run(&args, out),
        Command::Parse(args) => parse::run(&args, out),
        Command::Inspect(args) => inspect::run(&args, out),
        Command::Offer(args) => offer::run(&args, &config, out),
        Command::Replay(args) => replay::run(&args, &config, out),
        Command::Bench(args) => bench::run(&args, config, out),
        Command::Doctor(args) => doctor::run(&args, &config, out),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "combinado",
                &mut std::io::stdout(),
            );
            Ok(Exit::Ok)
        }
    }
}

fn load_config(file: Option<&std::path::Path>) -> Result<Config, Vec<config::Invalid>> {
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let here = std::path::Path::new("combinado.toml");
    config::load(file.or_else(|| here.exists().then_some(here)), &environment)
}

/// What a failure means for the exit code.
fn exit_of(error: &anyhow::Error) -> Exit {
    use crate::run::{KitError, ServerError};
    match error.downcast_ref::<ServerError>() {
        Some(ServerError::Ledger(_)) => return Exit::Unavailable,
        Some(ServerError::Kit(KitError::Findings(_))) => return Exit::Findings,
        Some(_) => return Exit::Configuration,
        None => {}
    }
    match error.downcast_ref::<KitError>() {
        Some(KitError::Findings(_)) => Exit::Findings,
        Some(_) => Exit::Configuration,
        None => Exit::Failure,
    }
}

/// Logs go to stderr: quiet for commands that print data, told for servers. `COMBINADO_LOG` overrides.
fn log_to_stderr(command: &Command) {
    let level = match command {
        Command::Serve(_) => "info",
        _ => "error",
    };
    let filter = EnvFilter::try_from_env("COMBINADO_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},{}", crate::wire::sip::LOG_FILTER)));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second subscriber would mean that a test runs several commands in one process.
    let _ = if std::env::var_os("COMBINADO_LOG_JSON").is_some() {
        subscriber.json().try_init()
    } else {
        subscriber.try_init()
    };
}

/// A runtime for commands that need one.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

/// Puts a portfolio into the ledger.
async fn import(ledger: &Ledger, debtors: &[Debtor], now: Timestamp) -> anyhow::Result<()> {
    let rows: Vec<DebtorRow> = debtors
        .iter()
        .map(DebtorRow::from_debtor)
        .collect::<Result<_, _>>()?;
    ledger.import(&rows, now).await?;
    Ok(())
}
