//! The outbox: messages are written before they are sent, and each is sent once.
//!
//! `queued` → `sending` → `sent` or `failed`. A message is marked `sending` before the provider is asked; if nobody
//! marks what came of it before its lease ends, the provider is asked whether it has the message already.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::call::text_enum;
use super::sql::{Tx, instant, values};
use super::{Doing, Ledger, LedgerError, id, optional_id};
use crate::base::{AgreementId, CallId, DebtorId};

/// A message to be sent. Debug shows neither text nor number.
#[derive(Clone)]
pub struct NewMessage {
    /// Two messages with the same key are one.
    pub idempotency_key: String,
    /// `sms`.
    pub channel: String,
    /// E.164.
    pub to: String,
    pub text: String,
    pub call: Option<CallId>,
    pub agreement: Option<AgreementId>,
    pub debtor: Option<DebtorId>,
}

impl std::fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewMessage")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    Queued,
    Sending,
    Sent,
    Failed,
}

text_enum!(MessageState: Queued = "queued", Sending = "sending", Sent = "sent", Failed = "failed");

/// What the network reported after the message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    Delivered,
    Undelivered,
    Failed,
}

text_enum!(Delivery: Delivered = "delivered", Undelivered = "undelivered", Failed = "failed");

/// A message of the ledger.
#[derive(Clone, PartialEq, Serialize)]
pub struct Message {
    pub id: Uuid,
    pub call: Option<CallId>,
    pub agreement: Option<AgreementId>,
    pub debtor: Option<DebtorId>,
    pub channel: String,
    pub to: String,
    pub text: String,
    pub state: MessageState,
    pub attempts: u32,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub provider_id: Option<String>,
    pub delivery: Option<Delivery>,
    /// Why it failed, or why the last attempt did: a code, never a text of the provider.
    pub error: Option<String>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A message that a worker may now send: nobody else will before the lease ends.
#[derive(Clone)]
pub struct Claim {
    pub id: Uuid,
    pub call: Option<CallId>,
    pub channel: String,
    pub to: String,
    pub text: String,
    /// This attempt's number, from 1.
    pub attempt: u32,
    /// An earlier attempt may have reached the provider: look there before sending.
    pub doubtful: bool,
    /// When the first attempt began.
    pub tried_at: Timestamp,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim")
            .field("id", &self.id)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has it, under this id.
    Sent { provider_id: String },
    /// The provider surely has not taken it; worth another attempt.
    Again { error: String, at: Timestamp },
    /// Nobody knows. It is looked up, not before `at`.
    Unknown { error: String, at: Timestamp },
    /// It will never be taken.
    Failed { error: String },
}

macro_rules! claim_sql {
    ($lock:literal) => {
        concat!(
            "UPDATE messages SET doubt = CASE WHEN state = 'sending' THEN 1 ELSE doubt END, state = 'sending',
             attempts = attempts + 1, owner = $3, next_attempt = $4, tried_at = COALESCE(tried_at, $2)
             WHERE id = (SELECT id FROM messages WHERE channel = $1 AND state IN ('queued', 'sending')
                         AND next_attempt <= $2 ORDER BY next_attempt, created_at, id LIMIT 1",
            $lock,
            ") RETURNING id, call, channel, recipient, text, attempts, doubt, tried_at"
        )
    };
}

impl Ledger {
    /// Queues a message. Told twice, the first stands. Returns its id.
    pub async fn queue_message(
        &self,
        message: &NewMessage,
        now: Timestamp,
    ) -> Result<Uuid, LedgerError> {
        let doing = "queueing a message";
        let mut tx = self.db.begin().await.doing(doing)?;
        insert_message(&mut tx, message, now).await.doing(doing)?;
        tx.commit().await.doing(doing)?;
        self.queued().notify_one();
        Ok(message_id(&message.idempotency_key))
    }

    /// Takes the next message of `channel` that is due. Until `now + lease` no other worker gets it.
    pub async fn claim_message(
        &self,
        channel: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Claim>, LedgerError> {
        let sql = if self.db.is_postgres() {
            claim_sql!(" FOR UPDATE SKIP LOCKED")
        } else {
            claim_sql!("")
        };
        let until = now.checked_add(lease).unwrap_or(Timestamp::MAX);
        let raw: Option<RawClaim> = self
            .db
            .one(sql, values![channel, now, &*self.node, until])
            .await
            .doing("claiming a message")?;
        raw.map(RawClaim::claim).transpose()
    }

    /// Marks what came of an attempt. Ignored when the lease has ended and another worker holds the message.
    pub async fn settle_message(
        &self,
        claim: &Claim,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let (state, provider_id, error, next) = match outcome {
            Outcome::Sent { provider_id } => (MessageState::Sent, Some(provider_id), None, now),
            Outcome::Again { error, at } => (MessageState::Queued, None, Some(error), *at),
            Outcome::Unknown { error, at } => (MessageState::Sending, None, Some(error), *at),
            Outcome::Failed { error } => (MessageState::Failed, None, Some(error), now),
        };
        let sent_at = (state == MessageState::Sent).then_some(now);
        let sql = "UPDATE messages SET state = $3, provider_id = $4, error = $5, next_attempt = $6, sent_at = $7
                   WHERE id = $1 AND attempts = $2 AND state = 'sending'";
        let values = values![
            claim.id.to_string(),
            claim.attempt,
            state.as_str(),
            provider_id,
            error,
            next,
            sent_at
        ];
        self.db
            .execute(sql, values)
            .await
            .doing("marking a message")?;
        Ok(())
    }

    /// The provider ids of other messages with the same number and text: a look-up must not take those for this one.
    pub async fn twins_of(&self, claim: &Claim) -> Result<Vec<String>, LedgerError> {
        let sql = "SELECT provider_id FROM messages WHERE recipient = $1 AND text = $2 AND id <> $3
                   AND provider_id IS NOT NULL";
        let values = values![&claim.to, &claim.text, claim.id.to_string()];
        let rows: Vec<(String,)> = self
            .db
            .all(sql, values)
            .await
            .doing("looking for equal messages")?;
        Ok(rows.into_iter().map(|(provider_id,)| provider_id).collect())
    }

    /// Writes down what the network reported. `false` when the provider's id is not ours.
    pub async fn report_delivery(
        &self,
        provider_id: &str,
        delivery: Delivery,
        error: Option<&str>,
        at: Timestamp,
    ) -> Result<bool, LedgerError> {
        // Reports may come out of order; `delivered` is the last word.
        let sql =
            "UPDATE messages SET delivery = $2, delivered_at = $3, error = COALESCE($4, error)
                   WHERE provider_id = $1 AND (delivery IS NULL OR delivery <> 'delivered')";
        let values = values![provider_id, delivery.as_str(), at, error];
        let rows = self
            .db
            .execute(sql, values)
            .await
            .doing("saving a delivery report")?;
        Ok(rows > 0)
    }

    pub async fn message(&self, message: Uuid) -> Result<Option<Message>, LedgerError> {
        let sql = "SELECT id, call, agreement, debtor, channel, recipient, text, state, attempts, created_at, sent_at,
                   provider_id, delivery, error FROM messages WHERE id = $1";
        let raw: Option<RawMessage> = self
            .db
            .one(sql, values![message.to_string()])
            .await
            .doing("reading a message")?;
        raw.map(RawMessage::message).transpose()
    }

    /// The messages of a call, oldest first.
    pub async fn messages_of_call(&self, call: CallId) -> Result<Vec<Message>, LedgerError> {
        let sql = "SELECT id, call, agreement, debtor, channel, recipient, text, state, attempts, created_at, sent_at,
                   provider_id, delivery, error FROM messages WHERE call = $1 ORDER BY created_at, id";
        let raws: Vec<RawMessage> = self
            .db
            .all(sql, values![call])
            .await
            .doing("reading a call's messages")?;
        raws.into_iter().map(RawMessage::message).collect()
    }

    /// How many messages stand in each state, by channel.
    pub async fn message_counts(&self) -> Result<Vec<(String, MessageState, u64)>, LedgerError> {
        let sql = "SELECT channel, state, COUNT(*) FROM messages GROUP BY channel, state ORDER BY channel, state";
        let rows: Vec<(String, String, i64)> =
            self.db.all(sql, vec![]).await.doing("counting messages")?;
        rows.into_iter()
            .map(|(channel, state, n)| {
                Ok((
                    channel,
                    MessageState::from_column(&state)?,
                    n.unsigned_abs(),
                ))
            })
            .collect()
    }
}

/// The id that belongs to an idempotency key.
fn message_id(key: &str) -> Uuid {
    /// A namespace of our own, made once.
    const MESSAGES: Uuid = Uuid::from_u128(0x5b0c_57e2_63c1_4f0e_9d55_0f7c_1f3a_7a11);
    Uuid::new_v5(&MESSAGES, key.as_bytes())
}

pub(super) async fn insert_message(
    tx: &mut Tx,
    message: &NewMessage,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let m = message;
    let sql = "INSERT INTO messages (id, idempotency_key, call, agreement, debtor, channel, recipient, text, state,
               created_at, next_attempt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $9)
               ON CONFLICT DO NOTHING";
    let key = &m.idempotency_key;
    let id = message_id(key).to_string();
    tx.execute(
        sql,
        values![
            id,
            key,
            m.call,
            m.agreement,
            m.debtor,
            &m.channel,
            &m.to,
            &m.text,
            now
        ],
    )
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct RawClaim {
    id: String,
    call: Option<String>,
    channel: String,
    recipient: String,
    text: String,
    attempts: i64,
    doubt: i64,
    tried_at: i64,
}

impl RawClaim {
    fn claim(self) -> Result<Claim, LedgerError> {
        Ok(Claim {
            id: id(&self.id, "a message's id")?,
            call: optional_id(self.call.as_deref(), "a call's id")?,
            channel: self.channel,
            to: self.recipient,
            text: self.text,
            attempt: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            doubtful: self.doubt != 0,
            tried_at: instant(self.tried_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct RawMessage {
    id: String,
    call: Option<String>,
    agreement: Option<String>,
    debtor: Option<String>,
    channel: String,
    recipient: String,
    text: String,
    state: String,
    attempts: i64,
    created_at: i64,
    sent_at: Option<i64>,
    provider_id: Option<String>,
    delivery: Option<String>,
    error: Option<String>,
}

impl RawMessage {
    fn message(self) -> Result<Message, LedgerError> {
        Ok(Message {
            id: id(&self.id, "a message's id")?,
            call: optional_id(self.call.as_deref(), "a call's id")?,
            agreement: optional_id(self.agreement.as_deref(), "an agreement's id")?,
            debtor: optional_id(self.debtor.as_deref(), "a debtor's id")?,
            channel: self.channel,
            to: self.recipient,
            text: self.text,
            state: MessageState::from_column(&self.state)?,
            attempts: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            created_at: instant(self.created_at),
            sent_at: self.sent_at.map(instant),
            provider_id: self.provider_id,
            delivery: self
                .delivery
                .as_deref()
                .map(Delivery::from_column)
                .transpose()?,
            error: self.error,
        })
    }
}
