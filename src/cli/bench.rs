//! `combinado bench`: measurements, printed as figures and ratios of one run.

use std::path::Path;

use anyhow::Context;
use clap::Subcommand;
use jiff::Timestamp;

use super::{Exit, Output};
use crate::config::Config;
use crate::media::wav;
use crate::run::Server;
use crate::sim::portfolio;

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
    /// As falas do roteiro: nível, cortes, juntas, e se são entendidas / the prompts, as the telephone carries them
    Prompts(super::bench_prompts::Args),
}

pub fn run(args: &Args, config: Config, out: Output) -> anyhow::Result<Exit> {
    match &args.what {
        What::Asr(args) => super::bench_asr::run(args, out),
        What::Prompts(args) => super::bench_prompts::run(args, &config, out),
        What::Calls(args) => {
            super::bench_calls::run(args, out, || answer(args.wav.as_deref()), || serve(config))
        }
    }
}

/// What each caller says: the file named, or "sim".
fn answer(file: Option<&Path>) -> anyhow::Result<Vec<i16>> {
    match file {
        Some(path) => {
            let bytes =
                std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            Ok(wav::read(&bytes)?)
        }
        None => super::say::debtor_voice("sim"),
    }
}

/// A whole server, on ports of its own, with the demo portfolio.
#[expect(clippy::disallowed_methods, reason = "the demo portfolio is of today")]
async fn serve(mut config: Config) -> anyhow::Result<std::net::SocketAddr> {
    config.data = std::env::temp_dir().join(format!("combinado-bench-{}", std::process::id()));
    config.database = format!("sqlite://{}", config.data.join("bench.db").display());
    config.http = ([127, 0, 0, 1], 0).into();
    config.sip = None;
    config.audiosocket = None;
    let now = Timestamp::now();
    let debtors = portfolio::demo(now.to_zoned(config.agent.time_zone.clone()).date());
    config.agent.unknown_callers = debtors.first().map(|debtor| debtor.cpf.digits());
    let server = Server::start(config).await?;
    super::dev::import(&server.shared.ledger, &debtors, now).await?;
    let http = server.http;
    // It runs until the process ends.
    std::mem::forget(server);
    Ok(http)
}
