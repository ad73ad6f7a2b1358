//! `combinado talk`: be the debtor, by typing.

use std::io::{BufRead, Write};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Exit, Output};
use crate::base::{CallId, Date};
use crate::config::Config;
use crate::mind::dialogue::{Effect, Utterance};
use crate::run::{Kit, brief_for, issue};
use crate::sim::text::Chat;

#[derive(clap::Args)]
pub struct Args {
    /// Devedor: número da carteira de exemplo (1 a 20), CPF, ou identificador na base / demo number, CPF, or id
    #[arg(long, default_value = "1")]
    debtor: String,
    /// Dia da conversa, AAAA-MM-DD; hoje se faltar / day of the conversation
    #[arg(long)]
    on: Option<Date>,
    /// Hora da conversa, 0 a 23, no fuso do devedor; agora se faltar / hour of the conversation
    #[arg(long, value_parser = clap::value_parser!(i8).range(0..=23))]
    hour: Option<i8>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a conversation at the terminal happens now unless a day is given"
)]
pub fn run(args: &Args, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let kit = Kit::load(&config.agent)?;
    let now = Timestamp::now();
    let today = args
        .on
        .unwrap_or_else(|| now.to_zoned(config.agent.time_zone.clone()).date());
    let debtor = super::offer::find(&args.debtor, today, config)?;
    let mut brief = brief_for(CallId(Uuid::now_v7()), &debtor, &kit.policy, config, now);
    brief.today = args.on.unwrap_or(brief.today);
    brief.hour = args.hour.unwrap_or(brief.hour);
    eprintln!(
        "Você é {}; os três primeiros números do CPF são {}.",
        debtor.name,
        debtor.cpf.first_three()
    );
    eprintln!(
        "Digite o que você diria. Só números são teclas; uma linha vazia é silêncio; Ctrl-D desliga.\n"
    );
    let (mut chat, said) = Chat::new(kit.script.clone(), kit.graphs.clone(), brief);
    show(out, "agente", &said);
    let mut lines = std::io::stdin().lock().split(b'\n');
    while !chat.is_over() {
        eprint!("> ");
        std::io::stderr().flush()?;
        let Some(line) = lines.next().transpose()? else {
            break;
        };
        let line = String::from_utf8_lossy(&line)
            .trim_end_matches('\r')
            .to_owned();
        let (understood, said) = chat.type_line(&line)?;
        let heard = understood.intent.unwrap_or_else(|| "—".into());
        out.record(&serde_json::json!({ "who": "devedor", "text": line, "intent": heard, "confidence": understood.confidence }), || {
            format!("  [{heard}, {:.0} %]", understood.confidence * 100.0)
        });
        show(out, "agente", &said);
    }
    for effect in &chat.effects {
        if let Effect::Close {
            agreement,
            offer,
            means,
            ..
        } = effect
        {
            let instruments = issue(&config.issuer, *agreement, offer, *means)?;
            let code = instruments
                .first()
                .and_then(|first| first.line.clone().or_else(|| first.pix.clone()))
                .unwrap_or_default();
            out.record(
                &serde_json::json!({ "agreement": agreement, "offer": offer, "code": code }),
                || {
                    format!(
                        "\nAcordo: {} em {} pagamento(s). Código do primeiro: {code}",
                        offer.total,
                        offer.instalments.len()
                    )
                },
            );
        }
    }
    let disposition = chat.dialogue().disposition(!chat.is_over());
    out.record(&serde_json::json!({ "disposition": disposition }), || {
        format!("Tabulação: {disposition}")
    });
    Ok(Exit::Ok)
}

fn show(out: Output, who: &str, said: &[Utterance]) {
    for utterance in said {
        out.record(
            &serde_json::json!({ "who": who, "state": utterance.state, "text": utterance.text }),
            || utterance.text.clone(),
        );
    }
}
