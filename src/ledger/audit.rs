//! Who did what, append-only. Each entry's hash covers the entry before it, so that nothing can be changed or taken
//! out unseen.
//!
//! An entry holds no personal data: it names ids, and the SHA-256 of what stands in other tables. A person can be
//! erased and the chain still verifies.

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::sql::{Lock, Tx, instant, values};
use super::{Doing, Ledger, LedgerError};

/// The hash before the first entry.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub n: i64,
    pub at: Timestamp,
    /// An operator's login, or `agent`.
    pub actor: String,
    /// What was done, as `agreement.closed`.
    pub action: String,
    /// The id of what it was done to.
    pub subject: String,
    /// JSON, exactly as it was hashed.
    pub body: String,
    pub previous: String,
    pub hash: String,
}

/// What [`Ledger::verify_audit`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    pub entries: u64,
    /// The first entry that does not fit the chain.
    pub broken_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct RawEntry {
    n: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    body: String,
    previous: String,
    hash: String,
}

/// Something to be written down: who, what, to what.
#[derive(Clone, Copy)]
pub(super) struct Act<'a> {
    pub actor: &'a str,
    pub action: &'a str,
    pub subject: &'a str,
    pub body: &'a serde_json::Value,
    pub at: Timestamp,
}

impl Ledger {
    /// Writes down what an operator did. `body` must hold no personal data.
    pub async fn audit(
        &self,
        actor: &str,
        action: &str,
        subject: &str,
        body: &serde_json::Value,
        at: Timestamp,
    ) -> Result<AuditEntry, LedgerError> {
        let doing = "writing the audit";
        let mut tx = self.db.begin_durable().await.doing(doing)?;
        tx.hold(Lock::Audit).await.doing(doing)?;
        let entry = append(
            &mut tx,
            Act {
                actor,
                action,
                subject,
                body,
                at,
            },
        )
        .await
        .doing(doing)?;
        tx.commit().await.doing(doing)?;
        Ok(entry)
    }

    /// Entries after `after` (0 for all), oldest first.
    pub async fn audit_entries(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, LedgerError> {
        let sql =
            "SELECT n, at, actor, action, subject, body, previous, hash FROM audit WHERE n > $1
                   ORDER BY n LIMIT $2";
        let raws: Vec<RawEntry> = self
            .db
            .all(sql, values![after, limit])
            .await
            .doing("reading the audit")?;
        Ok(raws.into_iter().map(RawEntry::entry).collect())
    }

    /// Computes the whole chain again.
    pub async fn verify_audit(&self) -> Result<AuditReport, LedgerError> {
        const PAGE: u32 = 1_000;
        let mut report = AuditReport {
            entries: 0,
            broken_at: None,
        };
        let (mut n, mut previous) = (0, GENESIS.to_owned());
        loop {
            let page = self.audit_entries(n, PAGE).await?;
            let last = page.len() < PAGE as usize;
            for entry in page {
                let fits = entry.n == n + 1
                    && entry.previous == previous
                    && entry.hash == entry.computed();
                if !fits && report.broken_at.is_none() {
                    report.broken_at = Some(entry.n);
                }
                report.entries += 1;
                (n, previous) = (entry.n, entry.hash);
            }
            if last {
                return Ok(report);
            }
        }
    }
}

impl RawEntry {
    fn entry(self) -> AuditEntry {
        let Self {
            n,
            at,
            actor,
            action,
            subject,
            body,
            previous,
            hash,
        } = self;
        AuditEntry {
            n,
            at: instant(at),
            actor,
            action,
            subject,
            body,
            previous,
            hash,
        }
    }
}

impl AuditEntry {
    /// SHA-256 over every field, each preceded by its length in bytes, so that no text can move between fields.
    fn computed(&self) -> String {
        let mut hash = Sha256::new();
        let (n, at) = (self.n.to_string(), self.at.as_microsecond().to_string());
        for field in [
            &n,
            &at,
            &self.actor,
            &self.action,
            &self.subject,
            &self.body,
            &self.previous,
        ] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field.as_bytes());
        }
        hex(&hash.finalize())
    }
}

/// Adds an entry. The caller holds [`Lock::Audit`].
pub(super) async fn append(tx: &mut Tx, act: Act<'_>) -> Result<AuditEntry, sqlx::Error> {
    let last: Option<(i64, String)> = tx
        .one("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1", vec![])
        .await?;
    let (n, previous) = last.unwrap_or((0, GENESIS.to_owned()));
    let mut entry = AuditEntry {
        n: n + 1,
        at: instant(act.at.as_microsecond()),
        actor: act.actor.to_owned(),
        action: act.action.to_owned(),
        subject: act.subject.to_owned(),
        body: act.body.to_string(),
        previous,
        hash: String::new(),
    };
    entry.hash = entry.computed();
    let sql = "INSERT INTO audit (n, at, actor, action, subject, body, previous, hash)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let e = &entry;
    tx.execute(
        sql,
        values![
            e.n,
            e.at,
            &e.actor,
            &e.action,
            &e.subject,
            &e.body,
            &e.previous,
            &e.hash
        ],
    )
    .await?;
    Ok(entry)
}

/// The SHA-256 of a text, in hexadecimal: how the audit refers to what may be erased.
pub(super) fn fingerprint(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
