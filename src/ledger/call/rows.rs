//! Rows of the tables of calls, and what they become.

use jiff::Timestamp;

use super::super::disposition::Happened;
use super::super::sql::instant;
use super::super::{LedgerError, Reached, id, json, optional_id};
use super::{CallEnd, CallSummary, CallTimes, Direction, TurnRow, Who};
use crate::base::{CallId, Centavos};

/// A call that a crash cut.
#[derive(sqlx::FromRow)]
pub struct Cut {
    id: String,
    started_at: i64,
    answered_at: Option<i64>,
    spoke_at: Option<i64>,
    right_party_at: Option<i64>,
    agreed_at: Option<i64>,
    parts: i64,
    last_ms: Option<i64>,
}

impl Cut {
    /// Whether an agreement was closed before the crash.
    pub const fn agreed(&self) -> bool {
        self.agreed_at.is_some()
    }

    /// An agreement is closed with the right party only.
    pub const fn happened(&self) -> Happened {
        Happened {
            answered: self.answered_at.is_some(),
            spoke: self.spoke_at.is_some(),
            right_party: self.right_party_at.is_some() || self.agreed(),
        }
    }

    /// It ended, as far as anyone knows, with the last thing that was written of it.
    pub fn end(&self, now: Timestamp) -> Result<CallEnd, LedgerError> {
        let spoken = self
            .started_at
            .saturating_add(self.last_ms.unwrap_or(0).saturating_mul(1_000));
        let last = [
            self.answered_at,
            self.spoke_at,
            self.right_party_at,
            self.agreed_at,
        ];
        let ended_at = last.into_iter().flatten().fold(spoken, i64::max);
        let agreed = if self.parts > 1 {
            "ACORDO_PARCELADO"
        } else {
            "ACORDO_AVISTA"
        };
        let agreed_at = self.agreed_at.map(instant);
        // What was agreed stands above the fault that cut the call.
        let (disposition, secondary) = match agreed_at {
            Some(_) => (agreed.to_owned(), vec!["ERRO_TECNICO".to_owned()]),
            None => ("ERRO_TECNICO".to_owned(), Vec::new()),
        };
        Ok(CallEnd {
            call: id(&self.id, "a call's id")?,
            disposition,
            secondary,
            reason: Some("interrompida".to_owned()),
            times: CallTimes {
                right_party_at: agreed_at,
                closed_at: agreed_at,
                ..CallTimes::default()
            },
            ended_at: instant(ended_at),
            tabulated_at: now.max(instant(ended_at)),
            notes: serde_json::Value::Null,
            recording: None,
        })
    }
}

#[derive(sqlx::FromRow)]
pub struct RawCall {
    id: String,
    wire: String,
    direction: String,
    debtor: Option<String>,
    debtor_name: Option<String>,
    script: String,
    script_version: String,
    started_at: i64,
    rang_at: Option<i64>,
    answered_at: Option<i64>,
    spoke_at: Option<i64>,
    right_party_at: Option<i64>,
    offered_at: Option<i64>,
    closed_at: Option<i64>,
    handoff_at: Option<i64>,
    human_at: Option<i64>,
    ended_at: Option<i64>,
    tabulated_at: Option<i64>,
    reached: Option<String>,
    disposition: Option<String>,
    secondary: String,
    reason: Option<String>,
    agreement_total: Option<i64>,
}

impl RawCall {
    pub fn summary(self) -> Result<CallSummary, LedgerError> {
        let times = self.times();
        Ok(CallSummary {
            id: id(&self.id, "a call's id")?,
            wire: self.wire,
            direction: Direction::from_column(&self.direction)?,
            debtor: optional_id(self.debtor.as_deref(), "a debtor's id")?,
            debtor_name: self.debtor_name,
            script: self.script,
            script_version: self.script_version,
            started_at: instant(self.started_at),
            times,
            ended_at: self.ended_at.map(instant),
            tabulated_at: self.tabulated_at.map(instant),
            reached: self
                .reached
                .as_deref()
                .map(Reached::from_column)
                .transpose()?,
            disposition: self.disposition,
            secondary: json(&self.secondary, "a tabulation")?,
            reason: self.reason,
            agreement_total_centavos: self.agreement_total.map(Centavos),
        })
    }

    pub fn times(&self) -> CallTimes {
        CallTimes {
            rang_at: self.rang_at.map(instant),
            answered_at: self.answered_at.map(instant),
            spoke_at: self.spoke_at.map(instant),
            right_party_at: self.right_party_at.map(instant),
            offered_at: self.offered_at.map(instant),
            closed_at: self.closed_at.map(instant),
            handoff_at: self.handoff_at.map(instant),
            human_at: self.human_at.map(instant),
        }
    }
}

#[derive(sqlx::FromRow)]
pub struct RawTurn {
    n: i64,
    who: String,
    state: String,
    text: String,
    meaning: Option<String>,
    confidence: Option<f64>,
    t0_ms: i64,
    t1_ms: i64,
    latency: Option<String>,
}

impl RawTurn {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a confidence needs no more than an f32"
    )]
    pub fn turn(self, call: CallId) -> Result<TurnRow, LedgerError> {
        Ok(TurnRow {
            call,
            n: u32::try_from(self.n).unwrap_or(u32::MAX),
            who: Who::from_column(&self.who)?,
            state: self.state,
            text: self.text,
            meaning: self.meaning,
            confidence: self.confidence.map(|x| x as f32),
            t0_ms: self.t0_ms.unsigned_abs(),
            t1_ms: self.t1_ms.unsigned_abs(),
            latency: self
                .latency
                .map(|text| json(&text, "a latency"))
                .transpose()?,
        })
    }
}
