//! `combinado bench`: measurements, printed as figures and ratios of one run.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use clap::Subcommand;
use jiff::Timestamp;
use tokio::sync::broadcast::error::RecvError;

use super::bench_calls::Target;
use super::{Exit, Output};
use crate::call::{Event, Latency};
use crate::config::Config;
use crate::media::wav;
use crate::run::Server;
use crate::sim::portfolio;
use crate::sim::repertoire::Repertoire;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Acerto do reconhecedor num manifesto / accuracy of the recogniser on a manifest
    Asr(super::bench_asr::Args),
    /// Ligações ao mesmo tempo: resposta, interrupção, CPU e memória / concurrent calls
    Calls(super::bench_calls::Args),
    /// Tomada de turno, em tempo virtual: interrupções, ecos, ruídos, pausas / turn taking in virtual time
    #[cfg(feature = "espeak")]
    Turns(super::bench_turns::Args),
    /// Quem atende: pessoas, caixas postais, mensagens, tons / who answers a call
    #[cfg(feature = "espeak")]
    Amd(super::bench_turns::Args),
    /// As falas do roteiro: nível, cortes, juntas, e se são entendidas / the prompts, as the telephone carries them
    Prompts(super::bench_prompts::Args),
}

pub fn run(args: &Args, config: Config, out: Output) -> anyhow::Result<Exit> {
    match &args.what {
        What::Asr(args) => super::bench_asr::run(args, out),
        What::Prompts(args) => super::bench_prompts::run(args, &config, out),
        What::Calls(args) => super::bench_calls::run(
            args,
            out,
            || repertoire(args.wav.as_deref()),
            || serve(config),
        ),
        #[cfg(feature = "espeak")]
        What::Turns(args) => super::bench_turns::run_turns(args, &config, out),
        #[cfg(feature = "espeak")]
        What::Amd(args) => super::bench_turns::run_amd(args, &config, out),
    }
}

/// What callers say: the file named, or answers to what they are asked.
fn repertoire(file: Option<&Path>) -> anyhow::Result<Repertoire> {
    match file {
        Some(path) => {
            let bytes =
                std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            Ok(Repertoire::of_one(wav::read(&bytes)?, false))
        }
        None => super::say::repertoire(),
    }
}

/// A whole server, on ports of its own, with the demo portfolio.
#[expect(clippy::disallowed_methods, reason = "the demo portfolio is of today")]
async fn serve(mut config: Config) -> anyhow::Result<Target> {
    config.data = std::env::temp_dir().join(format!("combinado-bench-{}", std::process::id()));
    config.database = format!("sqlite://{}", config.data.join("bench.db").display());
    config.http = ([127, 0, 0, 1], 0).into();
    if let Some(sip) = &mut config.sip {
        sip.bind.set_port(0);
    }
    config.audiosocket = None;
    let now = Timestamp::now();
    let debtors = portfolio::demo(now.to_zoned(config.agent.time_zone.clone()).date());
    config.agent.unknown_callers = debtors.first().map(|debtor| debtor.cpf.digits());
    let server = Server::start(config).await?;
    super::import(&server.shared.ledger, &debtors, now).await?;
    let (tell, asked) = std::sync::mpsc::channel();
    let answers = Arc::<parking_lot::Mutex<Vec<Latency>>>::default();
    let target = Target {
        http: server.http,
        sip: server.sip,
        asked,
        answers: answers.clone(),
    };
    let mut events = server.events();
    let ledger = server.shared.ledger.clone();
    tokio::spawn(async move {
        let mut numbers = BTreeMap::new();
        loop {
            let (call, event) = match events.recv().await {
                Ok(told) => told,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            match event {
                Event::Saying { state, .. } => {
                    if let Entry::Vacant(unknown) = numbers.entry(call)
                        && let Ok(Some(record)) = ledger.call(call).await
                    {
                        unknown.insert(record.from);
                    }
                    if let Some(from) = numbers.get(&call) {
                        // Nobody listens after the measurement.
                        let _ = tell.send((from.clone(), state));
                    }
                }
                Event::Said {
                    latency: Some(split),
                    ..
                } if split.total_ms > 0 => answers.lock().push(split),
                Event::Ended { .. } => {
                    numbers.remove(&call);
                }
                _ => {}
            }
        }
    });
    // It runs until the process ends.
    std::mem::forget(server);
    Ok(target)
}
