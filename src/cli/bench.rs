//! `combinado bench`: measurements, printed as figures and ratios of one run.

use clap::Subcommand;

use super::{Exit, Output};
use crate::config::Config;

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
}

pub fn run(args: &Args, config: Config, out: Output) -> anyhow::Result<Exit> {
    match &args.what {
        What::Asr(args) => super::bench_asr::run(args, out),
        What::Calls(args) => super::bench_calls::run(args, config, out),
    }
}
