//! `combinado talk`: be the debtor, by typing.

use std::io::{BufRead, Write};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Exit, Output};
use crate::base::CallId;
use crate::config::Config;
use crate::mind::dialogue::{Effect, Utterance};
use crate::run::{Kit, brief_for, issue};
use crate::sim::portfolio;
use crate::sim::text::Chat;

#[derive(clap::Args)]
pub struct Args {
    /// Número do devedor na carteira de exemplo, de 1 a 20 / which of the demo debtors to be
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20))]
    debtor: u32,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a conversation at the terminal happens now"
)]
pub fn run(args: &Args, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let kit = Kit::load(&config.agent)?;
    let now = Timestamp::now();
    let today = now.to_zoned(config.agent.time_zone.clone()).date();
    let debtors = portfolio::demo(today);
    let debtor = &debtors[args.debtor as usize - 1];
    let brief = brief_for(CallId(Uuid::now_v7()), debtor, &kit.policy, config, now);
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
    let mut lines = std::io::stdin().lock().lines();
    while !chat.is_over() {
        eprint!("> ");
        std::io::stderr().flush()?;
        let Some(line) = lines.next().transpose()? else {
            break;
        };
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
