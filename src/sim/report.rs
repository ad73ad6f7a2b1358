//! What came of many simulated calls.

use std::collections::BTreeMap;

use serde::Serialize;

use super::debtor::Persona;
use crate::call::Latency;

/// One simulated call, as the report needs it.
#[derive(Clone, Debug)]
pub struct Finished {
    pub persona: Persona,
    /// `None` when the call did not end: a fault.
    pub disposition: Option<String>,
    pub agreed: bool,
    pub wrong_amount: bool,
    pub wrong_date: bool,
    /// Prompts with a debt fact that were said before the right party was verified.
    pub disclosures: u32,
    pub outside_policy: bool,
    pub audio_ms: u64,
    pub latencies: Vec<Latency>,
}

/// The counts of many calls.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub calls: u32,
    pub ended: u32,
    pub by_persona: BTreeMap<String, ByPersona>,
    pub agreements: u32,
    pub cooperative: u32,
    pub cooperative_agreements: u32,
    pub wrong_amounts: u32,
    pub wrong_dates: u32,
    pub disclosures_before_verification: u32,
    pub offers_outside_policy: u32,
    pub audio_seconds: f64,
    pub wall_seconds: f64,
    pub turn_latency_ms: Percentiles,
    /// Its parts: until the turn was taken to be over, and from there to the first sound.
    pub endpoint_ms: Percentiles,
    pub voice_ms: Percentiles,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct ByPersona {
    pub calls: u32,
    pub right_disposition: u32,
    pub agreements: u32,
    /// How the calls were filed.
    pub dispositions: BTreeMap<String, u32>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Percentiles {
    pub p50: u64,
    pub p95: u64,
}

impl Percentiles {
    /// Of values in any order; zero without values. The p-th value is the smallest with p of all below or at it.
    pub fn of(values: &[u64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let at = |share: usize| {
            sorted
                .get((sorted.len() * share).div_ceil(100).saturating_sub(1))
                .copied()
                .unwrap_or(0)
        };
        Self {
            p50: at(50),
            p95: at(95),
        }
    }
}

impl Report {
    pub fn of(calls: &[Finished], wall_seconds: f64) -> Self {
        let mut report = Self {
            wall_seconds,
            ..Self::default()
        };
        let mut latencies = Vec::new();
        for call in calls {
            report.calls += 1;
            report.ended += u32::from(call.disposition.is_some());
            report.agreements += u32::from(call.agreed);
            report.wrong_amounts += u32::from(call.wrong_amount);
            report.wrong_dates += u32::from(call.wrong_date);
            report.disclosures_before_verification += call.disclosures;
            report.offers_outside_policy += u32::from(call.outside_policy);
            report.audio_seconds += call.audio_ms as f64 / 1_000.0;
            report.cooperative += u32::from(call.persona.cooperates());
            report.cooperative_agreements += u32::from(call.persona.cooperates() && call.agreed);
            latencies.extend(&call.latencies);
            let mine = report
                .by_persona
                .entry(call.persona.to_string())
                .or_default();
            mine.calls += 1;
            mine.agreements += u32::from(call.agreed);
            let filed = call.disposition.as_deref().unwrap_or("(não terminou)");
            mine.right_disposition +=
                u32::from(call.persona.dispositions().iter().any(|code| code == filed));
            *mine.dispositions.entry(filed.to_owned()).or_default() += 1;
        }
        let times = |part: fn(&Latency) -> u64| {
            Percentiles::of(&latencies.iter().map(part).collect::<Vec<u64>>())
        };
        report.turn_latency_ms = times(|split| split.total_ms);
        report.endpoint_ms = times(|split| split.endpoint_ms);
        report.voice_ms = times(|split| split.voice_ms);
        report
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut lines = vec![format!(
            "{} ligações simuladas, {} encerradas, {} acordos ({} de {} cooperativas)",
            self.calls, self.ended, self.agreements, self.cooperative_agreements, self.cooperative
        )];
        for (persona, mine) in &self.by_persona {
            let filed: Vec<String> = mine
                .dispositions
                .iter()
                .map(|(code, n)| format!("{code} {n}"))
                .collect();
            lines.push(format!(
                "  {persona:<14} {:>5}  tabulação certa {:>5} ({:>5.1} %)   {}",
                mine.calls,
                mine.right_disposition,
                100.0 * f64::from(mine.right_disposition) / f64::from(mine.calls.max(1)),
                filed.join(", ")
            ));
        }
        lines.push(format!(
            "valores errados {}, datas erradas {}, revelações antes da identificação {}, ofertas fora da política {}",
            self.wrong_amounts, self.wrong_dates, self.disclosures_before_verification, self.offers_outside_policy
        ));
        if self.audio_seconds > 0.0 {
            lines.push(format!(
                "{:.0} s de áudio em {:.1} s ({:.0} × o tempo real); resposta p50 {} ms, p95 {} ms (fim da fala {} / {}, voz {} / {})",
                self.audio_seconds,
                self.wall_seconds,
                self.audio_seconds / self.wall_seconds.max(0.001),
                self.turn_latency_ms.p50,
                self.turn_latency_ms.p95,
                self.endpoint_ms.p50,
                self.endpoint_ms.p95,
                self.voice_ms.p50,
                self.voice_ms.p95
            ));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=100).rev().collect();
        let found = Percentiles::of(&values);
        assert_eq!((found.p50, found.p95), (50, 95));
        assert_eq!(Percentiles::of(&[]).p95, 0);
        assert_eq!(Percentiles::of(&[7]).p50, 7);
    }
}
