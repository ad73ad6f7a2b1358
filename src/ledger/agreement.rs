//! Agreements: what was promised, in how many parts, by which instruments, and why the amount is what it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::audit::{Act, append, fingerprint};
use super::call::text_enum;
use super::message::insert_message;
use super::sql::{Lock, Tx, instant, values};
use super::{Doing, Ledger, LedgerError, NewMessage, id, json, optional_id};
use crate::base::{AgreementId, CallId, Centavos, Date, DebtorId};

/// Where this stands in a message of [`NewAgreement`], the protocol is put.
const PROTOCOL: &str = "{protocolo}";

/// The id of the agreement that `offer` (its name and version) became in `call`: the same each time it is asked.
pub fn agreement_id(call: CallId, offer: &str) -> AgreementId {
    AgreementId(Uuid::new_v5(&call.0, offer.as_bytes()))
}

/// An agreement to be closed. Debug shows its id only.
#[derive(Clone)]
pub struct NewAgreement {
    /// Derived ([`agreement_id`]), so that telling it twice finds the first.
    pub id: AgreementId,
    /// None for one that was closed on the portal.
    pub call: Option<CallId>,
    pub debtor: DebtorId,
    /// The offer's kind, as `avista` or `parcelado`.
    pub kind: String,
    /// What will be paid: the sum of the instalments.
    pub total: Centavos,
    pub discount: Centavos,
    pub instalments: Vec<NewInstalment>,
    /// How the amounts came about, as JSON.
    pub computation: serde_json::Value,
    /// The spans of sound in which the offer was heard and accepted, and with what confidence, as JSON.
    pub evidence: serde_json::Value,
    pub instruments: Vec<NewInstrument>,
    /// Sent once the agreement stands. `{protocolo}` in a text is replaced by the protocol.
    pub messages: Vec<NewMessage>,
    pub closed_at: Timestamp,
}

impl std::fmt::Debug for NewAgreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAgreement")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewInstalment {
    pub due: Date,
    #[serde(rename = "centavos")]
    pub amount: Centavos,
}

/// How an instrument is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstrumentKind {
    Boleto,
    Pix,
}

text_enum!(InstrumentKind: Boleto = "boleto", Pix = "pix");

/// A boleto or a Pix code that pays one instalment. A boleto may carry a Pix code too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewInstrument {
    /// The instalment it pays, from 1.
    pub instalment: u32,
    pub kind: InstrumentKind,
    /// Linha digitável, digits only.
    pub line: Option<String>,
    /// 44 digits.
    pub barcode: Option<String>,
    /// Copia e cola.
    pub pix: Option<String>,
    /// The issuer's own id of it.
    pub reference: Option<String>,
}

/// An instalment of an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Instalment {
    /// From 1.
    pub n: u32,
    pub due: Date,
    #[serde(rename = "centavos")]
    pub amount: Centavos,
}

/// An instrument of an agreement.
pub type Instrument = NewInstrument;

/// An agreement that stands.
#[derive(Clone, PartialEq, Serialize)]
pub struct Agreement {
    pub id: AgreementId,
    /// What the debtor may quote: AAMMDD, the number of the day (five digits), a check digit (modulo 10).
    pub protocol: String,
    pub call: Option<CallId>,
    pub debtor: DebtorId,
    pub kind: String,
    #[serde(rename = "total_centavos")]
    pub total: Centavos,
    #[serde(rename = "discount_centavos")]
    pub discount: Centavos,
    pub instalments: Vec<Instalment>,
    pub instruments: Vec<Instrument>,
    pub computation: serde_json::Value,
    pub evidence: serde_json::Value,
    pub closed_at: Timestamp,
}

impl std::fmt::Debug for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agreement")
            .field("id", &self.id)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// Closes an agreement: it, its instalments, its instruments, its messages and the audit's entry stand, or none.
    ///
    /// Telling it again returns the first and adds nothing. A call closes one agreement at most.
    pub async fn close_agreement(&self, new: &NewAgreement) -> Result<Agreement, LedgerError> {
        let sum: Centavos = new.instalments.iter().map(|part| part.amount).sum();
        if sum != new.total || new.instalments.is_empty() {
            return Err(LedgerError::Unbalanced { agreement: new.id });
        }
        let doing = "closing an agreement";
        let mut tx = self.db.begin_durable().await.doing(doing)?;
        tx.hold(Lock::Audit).await.doing(doing)?;
        if !stands(&mut tx, new).await? {
            let protocol = save(&mut tx, new).await.doing(doing)?;
            save_parts(&mut tx, new).await.doing(doing)?;
            for message in &new.messages {
                let text = message.text.replace(PROTOCOL, &protocol);
                let message = NewMessage {
                    text,
                    agreement: Some(new.id),
                    ..message.clone()
                };
                insert_message(&mut tx, &message, new.closed_at)
                    .await
                    .doing(doing)?;
            }
            write_down(&mut tx, new, &protocol).await.doing(doing)?;
        }
        tx.commit().await.doing(doing)?;
        self.queued().notify_one();
        self.agreement(new.id).await?.ok_or(LedgerError::Damaged {
            what: "an agreement",
        })
    }

    pub async fn agreement(
        &self,
        agreement: AgreementId,
    ) -> Result<Option<Agreement>, LedgerError> {
        let sql = "SELECT id, protocol, call, debtor, kind, total, discount, computation, evidence, closed_at
                   FROM agreements WHERE id = $1";
        let raw: Option<RawAgreement> = self
            .db
            .one(sql, values![agreement])
            .await
            .doing("reading an agreement")?;
        self.complete_agreement(raw).await
    }

    pub async fn agreement_of_call(&self, call: CallId) -> Result<Option<Agreement>, LedgerError> {
        let sql = "SELECT id, protocol, call, debtor, kind, total, discount, computation, evidence, closed_at
                   FROM agreements WHERE call = $1";
        let raw: Option<RawAgreement> = self
            .db
            .one(sql, values![call])
            .await
            .doing("reading a call's agreement")?;
        self.complete_agreement(raw).await
    }

    /// A debtor's agreements, newest first.
    pub async fn agreements_of(&self, debtor: DebtorId) -> Result<Vec<Agreement>, LedgerError> {
        let sql = "SELECT id, protocol, call, debtor, kind, total, discount, computation, evidence, closed_at
                   FROM agreements WHERE debtor = $1 ORDER BY closed_at DESC, id";
        let raws: Vec<RawAgreement> = self
            .db
            .all(sql, values![debtor])
            .await
            .doing("reading agreements")?;
        let mut agreements = Vec::with_capacity(raws.len());
        for raw in raws {
            agreements.extend(self.complete_agreement(Some(raw)).await?);
        }
        Ok(agreements)
    }

    async fn complete_agreement(
        &self,
        raw: Option<RawAgreement>,
    ) -> Result<Option<Agreement>, LedgerError> {
        let Some(raw) = raw else { return Ok(None) };
        let doing = "reading the parts of an agreement";
        let sql = "SELECT n, due, amount FROM instalments WHERE agreement = $1 ORDER BY n";
        let instalments: Vec<RawInstalment> =
            self.db.all(sql, values![&raw.id]).await.doing(doing)?;
        let sql = "SELECT instalment, kind, line, barcode, pix, reference FROM instruments
                   WHERE agreement = $1 ORDER BY n";
        let instruments: Vec<RawInstrument> =
            self.db.all(sql, values![&raw.id]).await.doing(doing)?;
        raw.agreement(instalments, instruments).map(Some)
    }
}

/// Whether this agreement is there already. Another one of the same call is refused.
async fn stands(tx: &mut Tx, new: &NewAgreement) -> Result<bool, LedgerError> {
    let doing = "looking for an agreement";
    let same: Option<(String,)> = tx
        .one("SELECT id FROM agreements WHERE id = $1", values![new.id])
        .await
        .doing(doing)?;
    if same.is_some() {
        return Ok(true);
    }
    if let Some(call) = new.call {
        let known: Option<(String,)> = tx
            .one("SELECT id FROM calls WHERE id = $1", values![call])
            .await
            .doing(doing)?;
        known.ok_or(LedgerError::NoCall { call })?;
        let other: Option<(String,)> = tx
            .one("SELECT id FROM agreements WHERE call = $1", values![call])
            .await
            .doing(doing)?;
        if other.is_some() {
            return Err(LedgerError::AgreementExists { call });
        }
    }
    let debtor: Option<(String,)> = tx
        .one("SELECT id FROM debtors WHERE id = $1", values![new.debtor])
        .await
        .doing(doing)?;
    debtor.ok_or(LedgerError::NoDebtor { debtor: new.debtor })?;
    Ok(false)
}

/// Saves the agreement and returns its protocol. The audit's lock is held: no two get the same number.
async fn save(tx: &mut Tx, new: &NewAgreement) -> Result<String, sqlx::Error> {
    let day = new.closed_at.strftime("%y%m%d").to_string();
    let sql = "SELECT COALESCE(MAX(serial), 0) + 1 FROM agreements WHERE day = $1";
    let next: Option<(i64,)> = tx.one(sql, values![&day]).await?;
    let serial = next.map_or(1, |(serial,)| serial);
    let protocol = protocol(&day, serial);
    let sql = "INSERT INTO agreements (id, protocol, day, serial, call, debtor, kind, total, discount, computation,
               evidence, closed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let values = values![
        new.id,
        &protocol,
        day,
        serial,
        new.call,
        new.debtor,
        &new.kind,
        new.total,
        new.discount,
        new.computation.to_string(),
        new.evidence.to_string(),
        new.closed_at,
    ];
    tx.execute(sql, values).await?;
    Ok(protocol)
}

async fn save_parts(tx: &mut Tx, new: &NewAgreement) -> Result<(), sqlx::Error> {
    for (n, part) in (1_u32..).zip(&new.instalments) {
        let sql = "INSERT INTO instalments (agreement, n, due, amount) VALUES ($1, $2, $3, $4)";
        tx.execute(sql, values![new.id, n, part.due, part.amount])
            .await?;
    }
    for (n, i) in (1_u32..).zip(&new.instruments) {
        let sql = "INSERT INTO instruments (agreement, n, instalment, kind, line, barcode, pix, reference)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let (line, barcode, pix) = (i.line.clone(), i.barcode.clone(), i.pix.clone());
        let values = values![
            new.id,
            n,
            i.instalment,
            i.kind.as_str(),
            line,
            barcode,
            pix,
            i.reference.clone()
        ];
        tx.execute(sql, values).await?;
    }
    Ok(())
}

async fn write_down(tx: &mut Tx, new: &NewAgreement, protocol: &str) -> Result<(), sqlx::Error> {
    let body = serde_json::json!({
        "protocol": protocol,
        "call": new.call,
        "debtor": new.debtor,
        "kind": new.kind,
        "total_centavos": new.total,
        "discount_centavos": new.discount,
        "instalments": new.instalments,
        "instruments_sha256": fingerprint(&serde_json::json!(new.instruments).to_string()),
        "computation_sha256": fingerprint(&new.computation.to_string()),
        "evidence_sha256": fingerprint(&new.evidence.to_string()),
    });
    let subject = new.id.to_string();
    let act = Act {
        actor: "agent",
        action: "agreement.closed",
        subject: &subject,
        body: &body,
        at: new.closed_at,
    };
    append(tx, act).await?;
    Ok(())
}

/// `AAMMDD`, five digits or more, and a check digit: weights 2, 1, 2, … from the right, as in a boleto's fields.
fn protocol(day: &str, serial: i64) -> String {
    let body = format!("{day}{serial:05}");
    let digits = body.bytes().rev().map(|byte| u32::from(byte - b'0'));
    let weighted = digits
        .zip([2, 1].into_iter().cycle())
        .map(|(digit, weight)| digit * weight);
    let total: u32 = weighted.map(|product| product / 10 + product % 10).sum();
    format!("{body}{}", (10 - total % 10) % 10)
}

#[derive(sqlx::FromRow)]
struct RawAgreement {
    id: String,
    protocol: String,
    call: Option<String>,
    debtor: String,
    kind: String,
    total: i64,
    discount: i64,
    computation: String,
    evidence: String,
    closed_at: i64,
}

#[derive(sqlx::FromRow)]
struct RawInstalment {
    n: i64,
    due: String,
    amount: i64,
}

#[derive(sqlx::FromRow)]
struct RawInstrument {
    instalment: i64,
    kind: String,
    line: Option<String>,
    barcode: Option<String>,
    pix: Option<String>,
    reference: Option<String>,
}

impl RawAgreement {
    fn agreement(
        self,
        parts: Vec<RawInstalment>,
        instruments: Vec<RawInstrument>,
    ) -> Result<Agreement, LedgerError> {
        Ok(Agreement {
            id: id(&self.id, "an agreement's id")?,
            protocol: self.protocol,
            call: optional_id(self.call.as_deref(), "a call's id")?,
            debtor: id(&self.debtor, "a debtor's id")?,
            kind: self.kind,
            total: Centavos(self.total),
            discount: Centavos(self.discount),
            instalments: parts
                .into_iter()
                .map(RawInstalment::instalment)
                .collect::<Result<_, _>>()?,
            instruments: instruments
                .into_iter()
                .map(RawInstrument::instrument)
                .collect::<Result<_, _>>()?,
            computation: json(&self.computation, "a computation")?,
            evidence: json(&self.evidence, "an evidence")?,
            closed_at: instant(self.closed_at),
        })
    }
}

impl RawInstalment {
    fn instalment(self) -> Result<Instalment, LedgerError> {
        let n = u32::try_from(self.n).map_err(|_| LedgerError::Damaged {
            what: "an instalment",
        })?;
        Ok(Instalment {
            n,
            due: id(&self.due, "a due date")?,
            amount: Centavos(self.amount),
        })
    }
}

impl RawInstrument {
    fn instrument(self) -> Result<Instrument, LedgerError> {
        Ok(Instrument {
            instalment: u32::try_from(self.instalment).map_err(|_| LedgerError::Damaged {
                what: "an instrument",
            })?,
            kind: InstrumentKind::from_column(&self.kind)?,
            line: self.line,
            barcode: self.barcode,
            pix: self.pix,
            reference: self.reference,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_has_a_date_a_number_and_a_check_digit() {
        assert_eq!(protocol("261123", 1), "261123000018");
        assert_eq!(protocol("261123", 123_456), "2611231234560");
    }

    #[test]
    fn the_same_offer_of_the_same_call_is_the_same_agreement() {
        let call = CallId(Uuid::from_u128(7));
        assert_eq!(
            agreement_id(call, "avista@3"),
            agreement_id(call, "avista@3")
        );
        assert_ne!(
            agreement_id(call, "avista@3"),
            agreement_id(call, "parcelado@3")
        );
    }
}
