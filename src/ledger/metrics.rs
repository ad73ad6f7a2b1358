//! The figures of a day: TMA, TMO, CPC and their kin. Houses use the same name for different denominators, so each
//! figure carries its formula, its numerator and its denominator.

use jiff::tz::TimeZone;
use serde::Serialize;

use super::call::day_bounds;
use super::sql::values;
use super::{Doing, Ledger, LedgerError};
use crate::base::Date;

/// The counts of a day's finished calls in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Counts {
    /// Calls that reached a trunk; those which a rule of ours stopped are none.
    pub tentativas: i64,
    /// Answered, by whomever.
    pub atendidas: i64,
    /// Answered by a machine.
    pub maquina: i64,
    /// Answered by a human being.
    pub alo: i64,
    /// The right party, confirmed.
    pub cpc: i64,
    /// Right parties who closed an agreement.
    pub cpca: i64,
    /// Right parties who promised, without new terms.
    pub promessas: i64,
    /// Conversations that asked for a person.
    pub transferidas: i64,
    /// Σ(end − answer) of conversations with a human being, in microseconds.
    pub conversa_us: i64,
    /// Of those, with the right party.
    pub conversa_cpc_us: i64,
    /// Σ(tabulation − answer) of conversations with a human being, in microseconds.
    pub operacao_us: i64,
    pub acordado_centavos: i64,
    pub desconto_centavos: i64,
}

/// In what a figure is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A mean time: the numerator is in microseconds.
    Seconds,
    /// A part of a whole.
    Share,
    /// A mean amount: the numerator is in centavos.
    Centavos,
}

/// One figure: numerator over denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indicator {
    pub key: &'static str,
    pub label: &'static str,
    pub formula: &'static str,
    pub unit: Unit,
    pub numerator: i64,
    pub denominator: i64,
}

/// The figures of one day.
#[derive(Clone, Debug, Serialize)]
pub struct Metrics {
    pub day: Date,
    pub outbound: Counts,
    pub inbound: Counts,
    /// Calls of the day that are still going on; they stand in no figure.
    pub active: i64,
    pub indicators: Vec<Indicator>,
    /// End of the caller's speech to first sound of the answer; none without answers.
    pub turn_latency_ms: Option<Percentiles>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    pub n: i64,
    pub p50: i64,
    pub p95: i64,
}

impl Indicator {
    /// In seconds, as a share of one, or in centavos; none where nothing was counted.
    #[expect(clippy::cast_precision_loss, reason = "a figure to be shown")]
    pub fn value(&self) -> Option<f64> {
        let ratio =
            (self.denominator != 0).then(|| self.numerator as f64 / self.denominator as f64)?;
        Some(if self.unit == Unit::Seconds {
            ratio / 1e6
        } else {
            ratio
        })
    }

    /// As Brazilians write it: `55,0 s`, `38,0 %`, `R$ 1.234,56`.
    #[expect(clippy::cast_possible_truncation, reason = "a mean of centavos")]
    pub fn shown(&self) -> String {
        match (self.value(), self.unit) {
            (None, _) => "–".to_owned(),
            (Some(x), Unit::Seconds) => format!("{x:.1} s").replace('.', ","),
            (Some(x), Unit::Share) => format!("{:.1} %", x * 100.0).replace('.', ","),
            (Some(x), Unit::Centavos) => crate::base::Centavos(x.round() as i64).to_string(),
        }
    }
}

impl Serialize for Indicator {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut s = serializer.serialize_struct("Indicator", 8)?;
        s.serialize_field("key", self.key)?;
        s.serialize_field("label", self.label)?;
        s.serialize_field("formula", self.formula)?;
        s.serialize_field("unit", &self.unit)?;
        s.serialize_field("numerator", &self.numerator)?;
        s.serialize_field("denominator", &self.denominator)?;
        s.serialize_field("value", &self.value())?;
        s.serialize_field("shown", &self.shown())?;
        s.end()
    }
}

/// Counts the finished calls that began between two instants, in one direction. The calls that rules of ours stopped
/// before dialling (`BLOQ_…`) are no attempts; what the carrier blocks (`BLOQUEIO_…`) is one.
const COUNT: &str = "SELECT COUNT(*) AS tentativas,
    COUNT(c.answered_at) AS atendidas,
    CAST(COALESCE(SUM(CASE WHEN c.reached = 'machine' THEN 1 ELSE 0 END), 0) AS BIGINT) AS maquina,
    CAST(COALESCE(SUM(CASE WHEN c.reached IN ('person', 'right_party') THEN 1 ELSE 0 END), 0) AS BIGINT) AS alo,
    CAST(COALESCE(SUM(CASE WHEN c.reached = 'right_party' THEN 1 ELSE 0 END), 0) AS BIGINT) AS cpc,
    CAST(COALESCE(SUM(CASE WHEN c.reached = 'right_party' AND a.id IS NOT NULL THEN 1 ELSE 0 END), 0) AS BIGINT)
        AS cpca,
    CAST(COALESCE(SUM(CASE WHEN c.reached = 'right_party' AND a.id IS NULL AND c.disposition = 'PROMESSA'
        THEN 1 ELSE 0 END), 0) AS BIGINT) AS promessas,
    CAST(COALESCE(SUM(CASE WHEN c.reached IN ('person', 'right_party') AND c.handoff_at IS NOT NULL
        THEN 1 ELSE 0 END), 0) AS BIGINT) AS transferidas,
    CAST(COALESCE(SUM(CASE WHEN c.reached IN ('person', 'right_party') THEN c.ended_at - c.answered_at ELSE 0 END), 0)
        AS BIGINT) AS conversa_us,
    CAST(COALESCE(SUM(CASE WHEN c.reached = 'right_party' THEN c.ended_at - c.answered_at ELSE 0 END), 0)
        AS BIGINT) AS conversa_cpc_us,
    CAST(COALESCE(SUM(CASE WHEN c.reached IN ('person', 'right_party') THEN c.tabulated_at - c.answered_at ELSE 0 END),
        0) AS BIGINT) AS operacao_us,
    CAST(COALESCE(SUM(a.total), 0) AS BIGINT) AS acordado_centavos,
    CAST(COALESCE(SUM(a.discount), 0) AS BIGINT) AS desconto_centavos
    FROM calls c LEFT JOIN agreements a ON a.call = c.id
    WHERE c.started_at >= $1 AND c.started_at < $2 AND c.direction = $3 AND c.ended_at IS NOT NULL
    AND SUBSTR(COALESCE(c.disposition, ''), 1, 5) <> 'BLOQ_'";

impl Ledger {
    /// The figures of the calls that began on `day` in `zone` and are over.
    pub async fn metrics(&self, day: Date, zone: &TimeZone) -> Result<Metrics, LedgerError> {
        let doing = "counting the day's calls";
        let (from, to) = day_bounds(day, zone);
        let outbound: Option<Counts> = self
            .db
            .one(COUNT, values![from, to, "outbound"])
            .await
            .doing(doing)?;
        let inbound: Option<Counts> = self
            .db
            .one(COUNT, values![from, to, "inbound"])
            .await
            .doing(doing)?;
        let (outbound, inbound) = (outbound.unwrap_or_default(), inbound.unwrap_or_default());
        let sql = "SELECT COUNT(*) FROM calls WHERE started_at >= $1 AND started_at < $2 AND ended_at IS NULL";
        let active: Option<(i64,)> = self.db.one(sql, values![from, to]).await.doing(doing)?;
        Ok(Metrics {
            day,
            outbound,
            inbound,
            active: active.map_or(0, |(n,)| n),
            indicators: indicators(outbound, inbound),
            turn_latency_ms: self
                .latencies(from.as_microsecond(), to.as_microsecond())
                .await?,
        })
    }

    /// How many calls ended with each code since the ledger began, and how many are going on.
    pub async fn call_counts(&self) -> Result<Vec<(Option<String>, u64)>, LedgerError> {
        let sql =
            "SELECT disposition, COUNT(*) FROM calls GROUP BY disposition ORDER BY disposition";
        let rows: Vec<(Option<String>, i64)> =
            self.db.all(sql, vec![]).await.doing("counting calls")?;
        Ok(rows
            .into_iter()
            .map(|(code, n)| (code, n.unsigned_abs()))
            .collect())
    }

    async fn latencies(&self, from: i64, to: i64) -> Result<Option<Percentiles>, LedgerError> {
        let doing = "reading latencies";
        let sql = "SELECT COUNT(t.latency_ms) FROM turns t JOIN calls c ON c.id = t.call
                   WHERE c.started_at >= $1 AND c.started_at < $2";
        let n: Option<(i64,)> = self.db.one(sql, values![from, to]).await.doing(doing)?;
        let n = n.map_or(0, |(n,)| n);
        let mut found = [0; 2];
        for (rank, found) in [(n - 1) / 2, (n * 95 + 99) / 100 - 1]
            .into_iter()
            .zip(&mut found)
        {
            let sql = "SELECT t.latency_ms FROM turns t JOIN calls c ON c.id = t.call
                       WHERE c.started_at >= $1 AND c.started_at < $2 AND t.latency_ms IS NOT NULL
                       ORDER BY t.latency_ms LIMIT 1 OFFSET $3";
            let Some((ms,)) = self
                .db
                .one(sql, values![from, to, rank.max(0)])
                .await
                .doing(doing)?
            else {
                return Ok(None);
            };
            *found = ms;
        }
        Ok(Some(Percentiles {
            n,
            p50: found[0],
            p95: found[1],
        }))
    }
}

/// The formulas. Rates over attempts are of outbound calls: a call that comes in was not attempted.
fn indicators(out: Counts, inb: Counts) -> Vec<Indicator> {
    let (alo, cpc, cpca) = (out.alo + inb.alo, out.cpc + inb.cpc, out.cpca + inb.cpca);
    let promessas = out.promessas + inb.promessas;
    let transferidas = out.transferidas + inb.transferidas;
    let talk = out.conversa_us + inb.conversa_us;
    let talk_cpc = out.conversa_cpc_us + inb.conversa_cpc_us;
    let operation = out.operacao_us + inb.operacao_us;
    let agreed = out.acordado_centavos + inb.acordado_centavos;
    let discount = out.desconto_centavos + inb.desconto_centavos;
    let of = |key, label, formula, unit, numerator, denominator| Indicator {
        key,
        label,
        formula,
        unit,
        numerator,
        denominator,
    };
    vec![
        of(
            "tma",
            "TMA",
            "Σ(fim − atendimento) / ALÔ",
            Unit::Seconds,
            talk,
            alo,
        ),
        of(
            "tma_cpc",
            "TMA de CPC",
            "Σ(fim − atendimento) dos CPC / CPC",
            Unit::Seconds,
            talk_cpc,
            cpc,
        ),
        of(
            "tmo",
            "TMO",
            "Σ(tabulação − atendimento) / ALÔ",
            Unit::Seconds,
            operation,
            alo,
        ),
        of(
            "hit_rate",
            "Completamento",
            "atendidas / tentativas",
            Unit::Share,
            out.atendidas,
            out.tentativas,
        ),
        of(
            "taxa_alo",
            "Taxa de alô",
            "ALÔ / tentativas",
            Unit::Share,
            out.alo,
            out.tentativas,
        ),
        of("cpc_alo", "CPC / ALÔ", "CPC / ALÔ", Unit::Share, cpc, alo),
        of(
            "cpc_tent",
            "CPC / tentativas",
            "CPC / tentativas",
            Unit::Share,
            out.cpc,
            out.tentativas,
        ),
        of(
            "conv_acordo",
            "Conversão",
            "CPCA / CPC",
            Unit::Share,
            cpca,
            cpc,
        ),
        of(
            "conv_total",
            "Com promessas",
            "(CPCA + promessas) / CPC",
            Unit::Share,
            cpca + promessas,
            cpc,
        ),
        of(
            "retencao_bruta",
            "Retenção bruta",
            "(ALÔ − transferidas) / ALÔ",
            Unit::Share,
            alo - transferidas,
            alo,
        ),
        of(
            "ticket_medio",
            "Ticket médio",
            "Σ valor dos acordos / acordos",
            Unit::Centavos,
            agreed,
            cpca,
        ),
        of(
            "desconto_medio",
            "Desconto médio",
            "Σ desconto / acordos",
            Unit::Centavos,
            discount,
            cpca,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked day of the trade's formulas: 5000 attempts.
    fn worked_day() -> Counts {
        Counts {
            tentativas: 5_000,
            atendidas: 1_900,
            maquina: 700,
            alo: 1_200,
            cpc: 480,
            cpca: 96,
            promessas: 60,
            transferidas: 30,
            conversa_us: 66_000_000_000,
            conversa_cpc_us: 45_600_000_000,
            operacao_us: 68_400_000_000,
            acordado_centavos: 9_600_000,
            desconto_centavos: 0,
        }
    }

    #[test]
    fn the_worked_day_gives_the_published_figures() {
        let figures = indicators(worked_day(), Counts::default());
        let shown = |key| {
            figures
                .iter()
                .find(|figure| figure.key == key)
                .map(Indicator::shown)
                .unwrap_or_default()
        };
        assert_eq!(shown("tma"), "55,0 s");
        assert_eq!(shown("tma_cpc"), "95,0 s");
        assert_eq!(shown("tmo"), "57,0 s");
        assert_eq!(shown("hit_rate"), "38,0 %");
        assert_eq!(shown("taxa_alo"), "24,0 %");
        assert_eq!(shown("cpc_alo"), "40,0 %");
        assert_eq!(shown("cpc_tent"), "9,6 %");
        assert_eq!(shown("conv_acordo"), "20,0 %");
        assert_eq!(shown("conv_total"), "32,5 %");
        assert_eq!(shown("retencao_bruta"), "97,5 %");
        assert_eq!(shown("ticket_medio"), "R$ 1.000,00");
    }

    #[test]
    fn nothing_counted_gives_no_figure() {
        let figures = indicators(Counts::default(), Counts::default());
        assert!(
            figures
                .iter()
                .all(|figure| figure.value().is_none() && figure.shown() == "–")
        );
    }
}
