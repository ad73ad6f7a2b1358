//! `combinado offer --debtor ID`: what would be offered today, with the whole computation.

use anyhow::Context;
use jiff::Timestamp;

use super::{Exit, Output};
use crate::base::{Cpf, Date};
use crate::config::Config;
use crate::ledger::Ledger;
use crate::mind::debt::Debtor;
use crate::mind::offer::{self, Computation, Offer};
use crate::run::Kit;
use crate::sim::portfolio;

#[derive(clap::Args)]
pub struct Args {
    /// Devedor: número da carteira de exemplo (1 a 20), CPF, ou identificador na base / demo number, CPF, or id
    #[arg(long)]
    debtor: String,
    /// Dia da conta, AAAA-MM-DD; hoje se faltar / day of the computation
    #[arg(long)]
    on: Option<Date>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "an offer is for today unless a day is given"
)]
pub fn run(args: &Args, config: &Config, out: Output) -> anyhow::Result<Exit> {
    let today = args.on.unwrap_or_else(|| {
        Timestamp::now()
            .to_zoned(config.agent.time_zone.clone())
            .date()
    });
    let kit = Kit::load(&config.agent)?;
    let debtor = find(&args.debtor, today, config)?;
    let offers = match offer::offers(&kit.policy, &debtor, today) {
        Ok(offers) => offers,
        Err(reason) => {
            eprintln!(
                "combinado: nada a oferecer a {}: {reason}",
                debtor.spoken_name()
            );
            return Ok(Exit::Failure);
        }
    };
    let all: Vec<&Offer> = std::iter::once(&offers.cash)
        .chain(&offers.improvements)
        .chain(&offers.plans)
        .collect();
    let record = serde_json::json!({ "debtor": debtor.id, "today": today, "updated": offers.updated, "prescribed": offers.prescribed, "offers": all });
    out.record(&record, || {
        let mut lines = vec![
            format!("{}, em {today}", debtor.name),
            tree(&offers.updated.computation, 0),
        ];
        for offer in &all {
            let parts: Vec<String> = offer
                .instalments
                .iter()
                .map(|one| format!("{} em {}", one.amount, one.due))
                .collect();
            lines.push(format!(
                "\n{:?}: {} (desconto {}), {}",
                offer.kind,
                offer.total,
                offer.discount,
                parts.join("; ")
            ));
            lines.push(tree(&offer.computation, 1));
        }
        lines.join("\n")
    });
    Ok(Exit::Ok)
}

pub(super) fn find(name: &str, today: Date, config: &Config) -> anyhow::Result<Debtor> {
    if let Ok(number) = name.parse::<usize>()
        && (1..=20).contains(&number)
    {
        return portfolio::demo(today)
            .into_iter()
            .nth(number - 1)
            .context("the demo portfolio has twenty debtors");
    }
    super::runtime()?.block_on(async {
        let ledger = Ledger::open(&config.database).await?;
        let row = match (name.parse(), Cpf::parse(name)) {
            (Ok(id), _) => ledger.debtor(id).await?,
            (_, Ok(cpf)) => ledger.debtors_by_cpf(&cpf.digits()).await?.into_iter().next(),
            _ => None,
        };
        let row = row.with_context(|| format!("no debtor `{name}` in the database; give a CPF, an id, or 1 to 20 for the demo portfolio"))?;
        Ok(row.parse()?)
    })
}

fn tree(computation: &Computation, depth: usize) -> String {
    let mut text = format!(
        "{}{}: {}  {}",
        "  ".repeat(depth + 1),
        computation.label,
        computation.value,
        computation.formula
    );
    for child in &computation.parts {
        text.push('\n');
        text.push_str(&tree(child, depth + 1));
    }
    text
}
