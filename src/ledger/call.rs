//! Calls, from the first ring to the tabulation, and what was said in them.

mod rows;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::disposition::{Happened, reached};
use super::sql::{Tx, values};
use super::{Agreement, Doing, Ledger, LedgerError, Message, Reached, json};
use crate::base::{CallId, Centavos, Date, DebtorId};
use rows::{Cut, RawCall, RawTurn};

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Inbound,
    Outbound,
}

/// Who spoke a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    Agent,
    Debtor,
    /// Not speech: a transfer, a message sent, a rule that applied.
    System,
}

macro_rules! text_enum {
    ($type:ty: $($variant:ident = $text:literal),*) => {
        impl $type {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            pub(super) fn from_column(text: &str) -> Result<Self, LedgerError> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(LedgerError::Damaged { what: stringify!($type) }),
                }
            }
        }
    };
}
pub(super) use text_enum;

text_enum!(Direction: Inbound = "inbound", Outbound = "outbound");
text_enum!(Who: Agent = "agent", Debtor = "debtor", System = "system");
text_enum!(Reached: Nobody = "nobody", Machine = "machine", Person = "person", RightParty = "right_party");

/// A call begins. Debug shows no number.
#[derive(Clone)]
pub struct CallStart {
    pub id: CallId,
    /// The protocol's name: `sip`, `twilio`, `audiosocket`, `text`.
    pub wire: String,
    pub direction: Direction,
    pub from: String,
    pub to: String,
    /// The person the call is for, where that is known before it begins.
    pub debtor: Option<DebtorId>,
    pub script: String,
    pub script_version: String,
    pub started_at: Timestamp,
    /// Where the log of inputs is written, for `combinado replay`.
    pub input_log: Option<String>,
}

impl std::fmt::Debug for CallStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallStart")
            .field("id", &self.id)
            .field("wire", &self.wire)
            .finish_non_exhaustive()
    }
}

/// What is counted from: the first time each happened in a call (`t_…` of the trade's formulas).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    Rang,
    Answered,
    /// A human being spoke.
    Spoke,
    RightParty,
    Offered,
    /// Agreement or promise confirmed.
    Closed,
    HandoffAsked,
    HumanTook,
}

/// The milestones of a call that were passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTimes {
    pub rang_at: Option<Timestamp>,
    pub answered_at: Option<Timestamp>,
    pub spoke_at: Option<Timestamp>,
    pub right_party_at: Option<Timestamp>,
    pub offered_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub handoff_at: Option<Timestamp>,
    pub human_at: Option<Timestamp>,
}

/// From the estimated end of the caller's speech to the first sound of the answer. The stages need not add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    pub total_ms: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognise_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decide_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speak_ms: Option<u32>,
}

/// One turn. Debug shows no word of it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnRow {
    pub call: CallId,
    /// From 1, in the order in which the turns ended.
    pub n: u32,
    pub who: Who,
    /// The state of the script in which it was spoken.
    pub state: String,
    pub text: String,
    /// The intent and slots understood, in one line.
    pub meaning: Option<String>,
    /// 0 to 1.
    pub confidence: Option<f32>,
    /// Milliseconds since the call began.
    pub t0_ms: u64,
    pub t1_ms: u64,
    pub latency: Option<Latency>,
}

impl std::fmt::Debug for TurnRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnRow")
            .field("call", &self.call)
            .field("n", &self.n)
            .finish_non_exhaustive()
    }
}

/// A finished recording: a stereo WAV at 8 kHz, caller left, agent right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Relative to the folder of recordings.
    pub path: String,
    /// Of one channel.
    pub samples: u64,
    /// The moment of the call at which the first sample stands, in milliseconds.
    pub offset_ms: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// A call is over and tabulated.
#[derive(Clone, Debug)]
pub struct CallEnd {
    pub call: CallId,
    /// The primary code of the tabulation.
    pub disposition: String,
    pub secondary: Vec<String>,
    /// Free text of the reason, such as why the debtor fell behind.
    pub reason: Option<String>,
    /// Milestones not told before by [`Ledger::milestone`].
    pub times: CallTimes,
    pub ended_at: Timestamp,
    /// When the disposition was fixed: for a robot, milliseconds after the end.
    pub tabulated_at: Timestamp,
    /// What else is worth keeping: quality of the wire, version of the engines.
    pub notes: serde_json::Value,
    pub recording: Option<Recording>,
}

/// A line of the list of calls.
#[derive(Clone, Serialize)]
pub struct CallSummary {
    pub id: CallId,
    pub wire: String,
    pub direction: Direction,
    pub debtor: Option<DebtorId>,
    pub debtor_name: Option<String>,
    pub script: String,
    pub script_version: String,
    pub started_at: Timestamp,
    #[serde(flatten)]
    pub times: CallTimes,
    pub ended_at: Option<Timestamp>,
    pub tabulated_at: Option<Timestamp>,
    pub reached: Option<Reached>,
    pub disposition: Option<String>,
    pub secondary: Vec<String>,
    pub reason: Option<String>,
    pub agreement_total_centavos: Option<Centavos>,
}

impl std::fmt::Debug for CallSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallSummary")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Everything the ledger holds about one call.
#[derive(Clone, Debug, Serialize)]
pub struct CallRecord {
    #[serde(flatten)]
    pub summary: CallSummary,
    pub from: String,
    pub to: String,
    pub input_log: Option<String>,
    pub notes: serde_json::Value,
    pub turns: Vec<TurnRow>,
    pub agreement: Option<Agreement>,
    pub messages: Vec<Message>,
    pub recording: Option<Recording>,
}

/// What [`Ledger::recover`] found after a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// Calls that were cut, now closed.
    pub calls: Vec<CallId>,
    /// Those among them whose agreement stands.
    pub agreements: u64,
    /// Messages of which it is not known whether the provider has them; the outbox asks it before anything is sent.
    pub doubtful_messages: u64,
}

/// The statement for [`RawCall`], with its last clauses.
macro_rules! summaries {
    ($rest:literal) => {
        concat!(
            "SELECT c.id, c.wire, c.direction, c.debtor, d.name AS debtor_name, c.script, c.script_version,
             c.started_at, c.rang_at, c.answered_at, c.spoke_at, c.right_party_at, c.offered_at, c.closed_at,
             c.handoff_at, c.human_at, c.ended_at, c.tabulated_at, c.reached, c.disposition, c.secondary,
             c.reason, a.total AS agreement_total
             FROM calls c LEFT JOIN debtors d ON d.id = c.debtor LEFT JOIN agreements a ON a.call = c.id ",
            $rest
        )
    };
}

impl Ledger {
    /// A call begins. Told twice, the first stands.
    pub async fn begin_call(&self, start: &CallStart) -> Result<(), LedgerError> {
        let sql = "INSERT INTO calls (id, node, wire, direction, caller, callee, debtor, script, script_version,
                   started_at, input_log) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
        let s = start;
        let values = values![
            s.id,
            &*self.node,
            &s.wire,
            s.direction.as_str(),
            &s.from,
            &s.to,
            s.debtor,
            &s.script,
            &s.script_version,
            s.started_at,
            s.input_log.clone(),
        ];
        self.db
            .execute(sql, values)
            .await
            .doing("saving the beginning of a call")?;
        Ok(())
    }

    /// The call turned out to be for this person.
    pub async fn assign_debtor(&self, call: CallId, debtor: DebtorId) -> Result<(), LedgerError> {
        let sql = "UPDATE calls SET debtor = $2 WHERE id = $1";
        found(
            self.db
                .execute(sql, values![call, debtor])
                .await
                .doing("saving whom a call is for")?,
            call,
        )
    }

    /// Something that is counted from happened for the first time. Saved at once, it survives a crash.
    pub async fn milestone(
        &self,
        call: CallId,
        milestone: Milestone,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let sql = match milestone {
            Milestone::Rang => "UPDATE calls SET rang_at = COALESCE(rang_at, $2) WHERE id = $1",
            Milestone::Answered => {
                "UPDATE calls SET answered_at = COALESCE(answered_at, $2) WHERE id = $1"
            }
            Milestone::Spoke => "UPDATE calls SET spoke_at = COALESCE(spoke_at, $2) WHERE id = $1",
            Milestone::RightParty => {
                "UPDATE calls SET right_party_at = COALESCE(right_party_at, $2) WHERE id = $1"
            }
            Milestone::Offered => {
                "UPDATE calls SET offered_at = COALESCE(offered_at, $2) WHERE id = $1"
            }
            Milestone::Closed => {
                "UPDATE calls SET closed_at = COALESCE(closed_at, $2) WHERE id = $1"
            }
            Milestone::HandoffAsked => {
                "UPDATE calls SET handoff_at = COALESCE(handoff_at, $2) WHERE id = $1"
            }
            Milestone::HumanTook => {
                "UPDATE calls SET human_at = COALESCE(human_at, $2) WHERE id = $1"
            }
        };
        found(
            self.db
                .execute(sql, values![call, at])
                .await
                .doing("saving a milestone of a call")?,
            call,
        )
    }

    /// Adds a turn. Told twice, the first stands.
    pub async fn add_turn(&self, turn: &TurnRow) -> Result<(), LedgerError> {
        let sql =
            "INSERT INTO turns (call, n, who, state, text, meaning, confidence, t0_ms, t1_ms, latency_ms, latency)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
        let latency = turn
            .latency
            .map(|latency| serde_json::json!(latency).to_string());
        let values = values![
            turn.call,
            turn.n,
            turn.who.as_str(),
            &turn.state,
            &turn.text,
            turn.meaning.clone(),
            turn.confidence.map(f64::from),
            millis(turn.t0_ms),
            millis(turn.t1_ms),
            turn.latency.map(|latency| latency.total_ms),
            latency,
        ];
        self.db.execute(sql, values).await.doing("saving a turn")?;
        Ok(())
    }

    /// The call is over. Told twice, the first stands and the answer is `false`.
    pub async fn end_call(&self, end: &CallEnd) -> Result<bool, LedgerError> {
        let mut tx = self.db.begin().await.doing("beginning to end a call")?;
        let doing = "saving the end of a call";
        let Some(known) = tx
            .one::<Known>(KNOWN, values![end.call])
            .await
            .doing(doing)?
        else {
            return Err(LedgerError::NoCall { call: end.call });
        };
        if known.ended_at.is_some() {
            return Ok(false);
        }
        let happened = Happened {
            answered: known.answered_at.is_some() || end.times.answered_at.is_some(),
            spoke: known.spoke_at.is_some() || end.times.spoke_at.is_some(),
            right_party: known.right_party_at.is_some() || end.times.right_party_at.is_some(),
        };
        save_end(&mut tx, end, reached(&end.disposition, happened))
            .await
            .doing(doing)?;
        if let Some(recording) = &end.recording {
            save_recording(&mut tx, end.call, recording)
                .await
                .doing("saving a recording")?;
        }
        tx.commit().await.doing(doing)?;
        Ok(true)
    }

    /// After a start: closes the calls that this server was carrying when it died. Agreements stand.
    pub async fn recover(&self, now: Timestamp) -> Result<Recovered, LedgerError> {
        let doing = "closing the calls that a crash cut";
        let mut recovered = Recovered::default();
        let mut tx = self.db.begin().await.doing(doing)?;
        let cut: Vec<Cut> = tx.all(CUT, values![&*self.node]).await.doing(doing)?;
        for cut in cut {
            let end = cut.end(now)?;
            recovered.calls.push(end.call);
            recovered.agreements += u64::from(cut.agreed());
            save_end(&mut tx, &end, reached(&end.disposition, cut.happened()))
                .await
                .doing(doing)?;
        }
        let sql = "SELECT COUNT(*) FROM messages WHERE state = 'sending' AND owner = $1";
        let doubtful: Option<(i64,)> = tx.one(sql, values![&*self.node]).await.doing(doing)?;
        recovered.doubtful_messages = doubtful.map_or(0, |(n,)| n.unsigned_abs());
        // Whoever held them is dead: they are looked up at once, not when the lease would have ended.
        let sql = "UPDATE messages SET next_attempt = $2 WHERE state = 'sending' AND owner = $1";
        tx.execute(sql, values![&*self.node, now])
            .await
            .doing(doing)?;
        tx.commit().await.doing(doing)?;
        Ok(recovered)
    }

    /// The calls that began on `day` in `zone`, newest first.
    pub async fn calls(
        &self,
        day: Date,
        zone: &TimeZone,
        limit: u32,
    ) -> Result<Vec<CallSummary>, LedgerError> {
        let (from, to) = day_bounds(day, zone);
        let sql = summaries!(
            "WHERE c.started_at >= $1 AND c.started_at < $2 ORDER BY c.started_at DESC, c.id LIMIT $3"
        );
        let raws: Vec<RawCall> = self
            .db
            .all(sql, values![from, to, limit])
            .await
            .doing("listing calls")?;
        raws.into_iter().map(RawCall::summary).collect()
    }

    /// Everything about one call.
    pub async fn call(&self, call: CallId) -> Result<Option<CallRecord>, LedgerError> {
        let sql = summaries!("WHERE c.id = $1");
        let doing = "reading a call";
        let Some(raw) = self
            .db
            .one::<RawCall>(sql, values![call])
            .await
            .doing(doing)?
        else {
            return Ok(None);
        };
        let sql = "SELECT caller, callee, input_log, notes FROM calls WHERE id = $1";
        let rest: Option<(String, String, Option<String>, String)> =
            self.db.one(sql, values![call]).await.doing(doing)?;
        let Some((from, to, input_log, notes)) = rest else {
            return Ok(None);
        };
        Ok(Some(CallRecord {
            summary: raw.summary()?,
            from,
            to,
            input_log,
            notes: json(&notes, "the notes of a call")?,
            turns: self.turns(call).await?,
            agreement: self.agreement_of_call(call).await?,
            messages: self.messages_of_call(call).await?,
            recording: self.recording(call).await?,
        }))
    }

    /// The turns of a call, in order.
    pub async fn turns(&self, call: CallId) -> Result<Vec<TurnRow>, LedgerError> {
        let sql =
            "SELECT n, who, state, text, meaning, confidence, t0_ms, t1_ms, latency FROM turns
                   WHERE call = $1 ORDER BY n";
        let raws: Vec<RawTurn> = self
            .db
            .all(sql, values![call])
            .await
            .doing("reading turns")?;
        raws.into_iter().map(|raw| raw.turn(call)).collect()
    }

    pub async fn recording(&self, call: CallId) -> Result<Option<Recording>, LedgerError> {
        let sql = "SELECT path, samples, offset_ms, sha256 FROM recordings WHERE call = $1";
        let row: Option<(String, i64, i64, String)> = self
            .db
            .one(sql, values![call])
            .await
            .doing("looking a recording up")?;
        Ok(row.map(|(path, samples, offset_ms, sha256)| Recording {
            path,
            samples: samples.unsigned_abs(),
            offset_ms: offset_ms.unsigned_abs(),
            sha256,
        }))
    }
}

fn found(rows: u64, call: CallId) -> Result<(), LedgerError> {
    if rows == 0 {
        Err(LedgerError::NoCall { call })
    } else {
        Ok(())
    }
}

fn millis(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// The first instants of `day` and of the next one. A day of changing clocks has 23 or 25 hours.
pub(super) fn day_bounds(day: Date, zone: &TimeZone) -> (Timestamp, Timestamp) {
    let start = |date: Date| {
        let midnight = date.to_datetime(jiff::civil::Time::midnight());
        zone.to_ambiguous_timestamp(midnight)
            .compatible()
            .unwrap_or(Timestamp::MAX)
    };
    (start(day), day.tomorrow().map_or(Timestamp::MAX, start))
}

const KNOWN: &str =
    "SELECT answered_at, spoke_at, right_party_at, ended_at FROM calls WHERE id = $1";

#[derive(sqlx::FromRow)]
struct Known {
    answered_at: Option<i64>,
    spoke_at: Option<i64>,
    right_party_at: Option<i64>,
    ended_at: Option<i64>,
}

async fn save_end(tx: &mut Tx, end: &CallEnd, reached: Reached) -> Result<(), sqlx::Error> {
    let sql = "UPDATE calls SET rang_at = COALESCE(rang_at, $2), answered_at = COALESCE(answered_at, $3),
               spoke_at = COALESCE(spoke_at, $4), right_party_at = COALESCE(right_party_at, $5),
               offered_at = COALESCE(offered_at, $6), closed_at = COALESCE(closed_at, $7),
               handoff_at = COALESCE(handoff_at, $8), human_at = COALESCE(human_at, $9),
               ended_at = $10, tabulated_at = $11, reached = $12, disposition = $13, secondary = $14, reason = $15,
               notes = $16 WHERE id = $1";
    let t = &end.times;
    let secondary = serde_json::json!(end.secondary).to_string();
    let values = values![
        end.call,
        t.rang_at,
        t.answered_at,
        t.spoke_at,
        t.right_party_at,
        t.offered_at,
        t.closed_at,
        t.handoff_at,
        t.human_at,
        end.ended_at,
        end.tabulated_at,
        reached.as_str(),
        &end.disposition,
        secondary,
        end.reason.clone(),
        end.notes.to_string(),
    ];
    tx.execute(sql, values).await?;
    Ok(())
}

async fn save_recording(
    tx: &mut Tx,
    call: CallId,
    recording: &Recording,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO recordings (call, path, samples, offset_ms, sha256) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT DO NOTHING";
    let (samples, offset) = (millis(recording.samples), millis(recording.offset_ms));
    tx.execute(
        sql,
        values![call, &recording.path, samples, offset, &recording.sha256],
    )
    .await?;
    Ok(())
}
const CUT: &str = "SELECT c.id, c.started_at, c.answered_at, c.spoke_at, c.right_party_at,
    a.closed_at AS agreed_at, (SELECT COUNT(*) FROM instalments i WHERE i.agreement = a.id) AS parts,
    (SELECT MAX(t1_ms) FROM turns t WHERE t.call = c.id) AS last_ms
    FROM calls c LEFT JOIN agreements a ON a.call = c.id WHERE c.node = $1 AND c.ended_at IS NULL ORDER BY c.id";
