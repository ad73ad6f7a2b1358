//! `combinado doctor`: what is wrong with this installation.

use std::net::{TcpListener, UdpSocket};

use serde::Serialize;

use super::{Exit, Output};
use crate::config::Config;
use crate::ledger::Ledger;
use crate::run::voices::Voices;
use crate::run::{Kit, KitError, transcriber};

#[derive(clap::Args)]
pub struct Args {}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Checkup {
    what: &'static str,
    ok: bool,
    found: String,
    remedy: String,
}

pub fn run(_args: &Args, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let mut checkups = vec![kit(config), voice(config), data(config), database(config)];
    checkups.push(port(
        "HTTP",
        TcpListener::bind(config.http).map(|_| ()),
        &config.http.to_string(),
    ));
    if let Some(model) = &config.hearing.whisper {
        checkups.push(second_opinion(model));
    }
    if let Some(sip) = &config.sip {
        checkups.push(port(
            "SIP",
            UdpSocket::bind(sip.bind).map(|_| ()),
            &sip.bind.to_string(),
        ));
    }
    if let Some(audiosocket) = config.audiosocket {
        checkups.push(port(
            "AudioSocket",
            TcpListener::bind(audiosocket).map(|_| ()),
            &audiosocket.to_string(),
        ));
    }
    let well = checkups.iter().all(|one| one.ok);
    for one in &checkups {
        out.record(one, || {
            let remedy = if one.ok {
                String::new()
            } else {
                format!("\n      {}", one.remedy)
            };
            format!(
                "{} {}: {}{remedy}",
                if one.ok { "ok   " } else { "falha" },
                one.what,
                one.found
            )
        });
    }
    Ok(if well { Exit::Ok } else { Exit::Failure })
}

fn kit(config: &Config) -> Checkup {
    let (ok, found) = match Kit::load(&config.agent) {
        Ok(kit) => (
            true,
            format!(
                "{} versão {}, {} estados",
                kit.script.script.name,
                &kit.version[..12],
                kit.script.state.len()
            ),
        ),
        Err(KitError::Findings(findings)) => (false, format!("{} erros", findings.len())),
        Err(error) => (false, crate::telemetry::chain(&error)),
    };
    Checkup {
        what: "roteiro, gramáticas, política e modelo acústico",
        ok,
        found,
        remedy: "combinado check mostra todos os erros".into(),
    }
}

fn voice(config: &Config) -> Checkup {
    let spoken = Voices::open(config).map(|voices| voices.speak("bom dia"));
    let (ok, found) = match spoken {
        Ok(Some(sound)) => (
            true,
            format!("\"bom dia\" em {} ms de som", sound.len() / 8),
        ),
        Ok(None) => (false, "a voz não falou".into()),
        Err(error) => (false, error.to_string()),
    };
    Checkup {
        what: "voz",
        ok,
        found,
        remedy: "compile com a feature espeak, ou confira [voice]".into(),
    }
}

fn second_opinion(model: &std::path::Path) -> Checkup {
    let opened = transcriber(model);
    Checkup {
        what: "segunda opinião",
        ok: opened.is_ok(),
        found: match opened {
            Ok(_) => format!("{} abre", model.display()),
            Err(error) => error.to_string(),
        },
        remedy: "combinado models add whisper-base ARQUIVO, e hearing.whisper = \"ARQUIVO\"".into(),
    }
}

fn data(config: &Config) -> Checkup {
    let probe = config.data.join(".doctor");
    let written = std::fs::create_dir_all(&config.data)
        .and_then(|()| std::fs::write(&probe, b"ok"))
        .and_then(|()| std::fs::remove_file(&probe));
    let found = match &written {
        Ok(()) => format!("{} aceita arquivos", config.data.display()),
        Err(error) => format!("{}: {error}", config.data.display()),
    };
    Checkup {
        what: "pasta de dados",
        ok: written.is_ok(),
        found,
        remedy: "mude server.data, ou dê permissão de escrita".into(),
    }
}

fn database(config: &Config) -> Checkup {
    let opened = super::runtime().and_then(|runtime| {
        Ok(runtime.block_on(async { Ledger::open(&config.database).await?.ping().await })?)
    });
    let kind = config
        .database
        .split(':')
        .next()
        .unwrap_or_default()
        .to_owned();
    let (ok, found) = match opened {
        Ok(()) => (true, format!("{kind} responde")),
        Err(error) => (false, format!("{kind}: {error:#}")),
    };
    Checkup {
        what: "banco de dados",
        ok,
        found,
        remedy: "confira database.url".into(),
    }
}

fn port(what: &'static str, bound: std::io::Result<()>, address: &str) -> Checkup {
    let (ok, found) = match bound {
        Ok(()) => (true, format!("{address} livre")),
        Err(error) => (false, format!("{address}: {error}")),
    };
    Checkup {
        what,
        ok,
        found,
        remedy: "outro programa usa a porta? mude o endereço na configuração".into(),
    }
}
