//! `combinado dev`: everything at once, with nothing to configure, and a real spoken call to itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Exit, Output};
use crate::base::CallId;
use crate::config::{Config, Sip};
use crate::ledger::{CallRecord, Indicator, Ledger, MessageState};
use crate::mind::debt::Debtor;
use crate::mouth::tts::espeak::{Espeak, Manner};
use crate::run::{Kit, Server};
use crate::sim::debtor::{Mind, Persona};
use crate::sim::report::Percentiles;
use crate::sim::{live, portfolio};
use crate::wire::sip;

#[derive(clap::Args)]
pub struct Args {
    /// Pasta dos dados; sem nada, uma temporária / folder of the data; a temporary one without it
    #[arg(long)]
    data: Option<PathBuf>,
    /// Não faz a ligação de demonstração / starts without the demonstration call
    #[arg(long)]
    no_call: bool,
    /// Termina depois da ligação de demonstração / exits after the demonstration call
    #[arg(long)]
    once: bool,
    /// Porta HTTP; a próxima livre se estiver ocupada / HTTP address
    #[arg(long)]
    http: Option<std::net::SocketAddr>,
    /// Endereço SIP (UDP)
    #[arg(long)]
    sip: Option<std::net::SocketAddr>,
    /// Endereço AudioSocket (TCP)
    #[arg(long)]
    audiosocket: Option<std::net::SocketAddr>,
    /// O que o devedor simulado quer: avista, parcelado ou desconto / what the simulated debtor wants
    #[arg(long, default_value = "parcelado")]
    persona: String,
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

pub fn run(args: &Args, config: Config, out: Output) -> anyhow::Result<Exit> {
    let runtime = super::runtime()?;
    let exit = runtime.block_on(start(args, config, out));
    // A spawned thread may still be warming the cache; the process need not wait for it.
    runtime.shutdown_timeout(Duration::from_millis(200));
    exit
}

#[expect(clippy::disallowed_methods, reason = "the demonstration happens now")]
async fn start(args: &Args, mut config: Config, out: Output) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let temporary = std::env::temp_dir().join(format!("combinado-dev-{}", std::process::id()));
    config.data = args.data.clone().unwrap_or(temporary);
    if !config.database.starts_with("postgres") {
        config.database = format!("sqlite://{}", config.data.join("combinado.db").display());
    }
    config.http = args.http.unwrap_or(config.http);
    if let (Some(bind), Some(settings)) = (args.sip, &config.sip) {
        config.sip = Some(Sip {
            bind,
            ..settings.clone()
        });
    }
    config.audiosocket = args.audiosocket.or(config.audiosocket);
    say("carregando roteiro, gramáticas e modelo acústico…");
    let kit = Arc::new(Kit::load(&config.agent)?);
    let now = Timestamp::now();
    let today = now.to_zoned(config.agent.time_zone.clone()).date();
    let debtors = portfolio::demo(today);
    // Whoever rings up from a softphone is taken for the first debtor of the portfolio.
    config
        .agent
        .unknown_callers
        .get_or_insert_with(|| debtors[0].cpf.digits());
    // Before the ports are open: whoever rings at once is known.
    std::fs::create_dir_all(&config.data)
        .with_context(|| format!("making the folder {}", config.data.display()))?;
    let ledger = Ledger::open(&config.database).await?;
    super::import(&ledger, &debtors, now).await?;
    ledger.close().await;
    let server = Server::start_with(config, kit).await?;
    say(&format!(
        "no ar em {} ms: carteira de exemplo com {} devedores",
        begun.elapsed().as_millis(),
        debtors.len()
    ));
    let mut exit = Exit::Ok;
    if !args.no_call {
        let persona: Persona = serde_json::from_value(args.persona.clone().into())
            .with_context(|| format!("there is no persona `{}`", args.persona))?;
        exit = demonstrate(&server, &debtors, persona, args.seed, out).await?;
    }
    if !args.once {
        what_next(&server, &debtors[0]);
        super::serve::wait_for_signal().await?;
    }
    server.shut_down().await;
    Ok(exit)
}

/// A simulated debtor rings up over SIP on loopback and negotiates by voice.
#[expect(clippy::disallowed_methods, reason = "the demonstration happens now")]
async fn demonstrate(
    server: &Server,
    debtors: &[Debtor],
    persona: Persona,
    seed: u64,
    out: Output,
) -> anyhow::Result<Exit> {
    let sip = server
        .sip
        .context("the demonstration call needs SIP; remove sip.enabled = false")?;
    let debtor = debtors[(seed % debtors.len() as u64) as usize].clone();
    let phone = debtor
        .phones
        .first()
        .context("the debtor of the demonstration has no telephone")?
        .e164();
    let shared = &server.shared;
    let kit = shared.kit.now();
    let today = Timestamp::now()
        .to_zoned(shared.config.agent.time_zone.clone())
        .date();
    let mut mind = Mind::new(persona, debtor, &kit.policy, today, seed);
    mind.take_boleto();
    let espeak = Espeak::open(None)?;
    let manner = Manner {
        voice: "pt-br+m5".into(),
        rate: 150,
        ..Manner::default()
    };
    let speak: live::Speak =
        Arc::new(move |words| espeak.speak_raw(words, &manner).unwrap_or_default());
    say(&format!(
        "{} liga para o agente por SIP ({sip}); a conversa é falada, e o que segue é o que cada lado ouviu:\n",
        mind.name()
    ));
    let events = server.events();
    let telephone = sip::Server::outgoing((sip.ip(), 0).into(), sip::SipSettings::default())
        .await
        .context("opening a telephone")?;
    let mut answered = sip::dial(
        &telephone,
        sip::Dial::new(format!("sip:agente@{sip}"), phone),
    )
    .await
    .context("dialling our own SIP port")?;
    let tape = live::converse(&mut answered.leg, &mut mind, events, speak, |event| {
        if let Some(line) = super::replay::line_of(event) {
            eprintln!("{line}");
        }
    })
    .await;
    let call = tape.call.context("the server did not take the call")?;
    let record = finished(server, call).await?;
    report(server, call, &record, out).await
}

/// The record of the call, once its end and its message are written.
#[expect(clippy::disallowed_methods, reason = "the outbox needs a moment")]
async fn finished(server: &Server, call: CallId) -> anyhow::Result<CallRecord> {
    for _ in 0..100 {
        let record = server
            .shared
            .ledger
            .call(call)
            .await?
            .context("the call is not in the database")?;
        let sent = record
            .messages
            .iter()
            .all(|message| matches!(message.state, MessageState::Sent | MessageState::Failed));
        if record.summary.disposition.is_some() && sent {
            return Ok(record);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server
        .shared
        .ledger
        .call(call)
        .await?
        .context("the call is not in the database")
}

async fn report(
    server: &Server,
    call: CallId,
    record: &CallRecord,
    out: Output,
) -> anyhow::Result<Exit> {
    let shared = &server.shared;
    let latencies: Vec<u64> = record
        .turns
        .iter()
        .filter_map(|turn| turn.latency.as_ref())
        .map(|split| split.total_ms.into())
        .collect();
    let agreement = record.agreement.as_ref();
    let instrument = agreement.and_then(|agreement| agreement.instruments.first());
    let message = record.messages.first();
    let recording = record.recording.as_ref().map(|one| {
        shared
            .config
            .data
            .join("calls")
            .join(&one.path)
            .display()
            .to_string()
    });
    let data = json!({
        "call": call,
        "disposition": record.summary.disposition,
        "agreement": agreement.map(|agreement| json!({
            "id": agreement.id,
            "total_centavos": agreement.total,
            "instalments": agreement.instalments.iter().map(|one| json!({ "due": one.due, "centavos": one.amount })).collect::<Vec<_>>(),
        })),
        "instrument": instrument.map(|one| json!({ "kind": one.kind, "line": one.line, "pix": one.pix })),
        "message": message.map(|one| json!({ "channel": one.channel, "to": one.to, "text": one.text, "state": one.state })),
        "recording": recording,
        "turns": record.turns.iter().map(|turn| json!({ "who": turn.who, "text": turn.text, "meaning": turn.meaning, "t0_ms": turn.t0_ms, "t1_ms": turn.t1_ms })).collect::<Vec<_>>(),
        "turn_latency_ms": Percentiles::of(&latencies),
    });
    let metrics = shared
        .ledger
        .metrics(
            record
                .summary
                .started_at
                .to_zoned(shared.config.agent.time_zone.clone())
                .date(),
            &shared.config.agent.time_zone,
        )
        .await?;
    out.record(&data, || human(&data, &headline(&metrics.indicators)));
    Ok(if agreement.is_some() {
        Exit::Ok
    } else {
        Exit::Failure
    })
}

/// The figures of the day that a supervisor looks at first.
fn headline(indicators: &[Indicator]) -> String {
    let wanted = |indicator: &&Indicator| {
        matches!(
            indicator.key,
            "tma" | "tmo" | "cpc" | "cpc_alo" | "conv_acordo"
        )
    };
    let line = |indicator: &Indicator| {
        format!(
            "{:<12}{}  ({})",
            indicator.label,
            indicator.shown(),
            indicator.formula
        )
    };
    indicators
        .iter()
        .filter(wanted)
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

fn human(data: &Value, metrics: &str) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("—").to_owned();
    let instalments: Vec<String> = data["agreement"]["instalments"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            format!(
                "{} em {}",
                crate::base::Centavos(one["centavos"].as_i64().unwrap_or(0)),
                text(&one["due"])
            )
        })
        .collect();
    let code = data["instrument"]["line"]
        .as_str()
        .or(data["instrument"]["pix"].as_str())
        .unwrap_or("—");
    format!(
        "\nTabulação   {}\nAcordo      {} ({})\nCódigo      {code}\nSMS         {} [{}]\nGravação    {}\nResposta    p50 {} ms, p95 {} ms\n{metrics}",
        text(&data["disposition"]),
        crate::base::Centavos(data["agreement"]["total_centavos"].as_i64().unwrap_or(0)),
        instalments.join("; "),
        text(&data["message"]["text"]).replace('\n', " "),
        text(&data["message"]["state"]),
        text(&data["recording"]),
        data["turn_latency_ms"]["p50"],
        data["turn_latency_ms"]["p95"],
    )
}

fn what_next(server: &Server, debtor: &Debtor) {
    say(&format!("\nConsole     http://{}/desk", server.http));
    if let Some(sip) = server.sip {
        say(&format!(
            "Ligue        sip:agente@{sip} de qualquer softphone: quem liga é {}, CPF {}…",
            debtor.spoken_name(),
            debtor.cpf.first_three()
        ));
    }
    if let Some(audiosocket) = server.audiosocket {
        say(&format!(
            "Asterisk     AudioSocket em {audiosocket}; Twilio em http://{}/twilio/voice",
            server.http
        ));
    }
    say("Digitando    combinado talk        Muitas    combinado simulate --calls 200 --seed 1");
    say("Ctrl-C encerra.");
}

fn say(text: &str) {
    eprintln!("{text}");
}
