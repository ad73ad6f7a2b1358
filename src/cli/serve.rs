//! `combinado serve`: the production server.

use anyhow::Context;

use super::{Exit, Output};
use crate::config::Config;
use crate::run::Server;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_args: &Args, config: Config, _out: Output) -> anyhow::Result<Exit> {
    super::runtime()?.block_on(async {
        let server = Server::start(config).await?;
        eprintln!("combinado: console em http://{}/desk", server.http);
        if let Some(sip) = server.sip {
            eprintln!("combinado: SIP em {sip}/udp");
        }
        if let Some(audiosocket) = server.audiosocket {
            eprintln!("combinado: AudioSocket em {audiosocket}");
        }
        wait_for_signal().await?;
        eprintln!("combinado: encerrando; as ligações em curso terminam primeiro");
        server.shut_down().await;
        Ok(Exit::Ok)
    })
}

/// Returns on Ctrl-C or SIGTERM.
pub(super) async fn wait_for_signal() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .context("listening for SIGTERM")?;
        tokio::select! {
            _ = terminate.recv() => {}
            outcome = tokio::signal::ctrl_c() => outcome.context("listening for Ctrl-C")?,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c()
        .await
        .context("listening for Ctrl-C")?;
    Ok(())
}
