//! What a call does to the world, written ahead and done once.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::exchange::Shared;
use crate::base::boleto::{Boleto, Issue, IssueError, Itau};
use crate::base::pix::{BrCode, Key};
use crate::base::{AgreementId, CallId, Centavos, Date};
use crate::config::Issuer;
use crate::ledger::{
    InstrumentKind, LedgerError, NewAgreement, NewInstalment, NewInstrument, NewMessage, TurnRow,
    Who,
};
use crate::mind::debt::Debtor;
use crate::mind::dialogue::{Effect, Evidence, Means, Outcome};
use crate::mind::facts::{Facts, written_date};
use crate::mind::offer::{Offer, OfferKind};

/// Notes are numbered from here: no call has as many turns.
const FIRST_NOTE: u32 = 100_000;

/// Why an effect could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EffectError {
    #[error("the ledger did not take it")]
    Ledger(#[from] LedgerError),
    #[error("the boleto cannot be issued")]
    Boleto(#[from] IssueError),
    #[error("the Pix code cannot be made: {0}")]
    Pix(String),
    #[error("the {what} of this call is not known")]
    Unknown { what: &'static str },
}

impl Shared {
    pub async fn perform(&self, call: CallId, effect: &Effect) -> Outcome {
        let done = match effect {
            Effect::Close {
                agreement,
                offer,
                means,
                evidence,
            } => self.close(call, *agreement, offer, *means, *evidence).await,
            Effect::Resend { agreement, nth } => self.resend(call, *agreement, *nth).await,
            Effect::Send { name, nth, text } => self.send(call, name, *nth, text).await,
            // No leg can be handed over yet: the script asks for a call by a person instead.
            Effect::Transfer => Err(EffectError::Unknown {
                what: "person who could take it",
            }),
            Effect::Note { nth, kind, text } => self.note(call, *nth, kind, text).await,
        };
        match done {
            Ok(()) => Outcome::Done,
            Err(error) => {
                crate::telemetry::EffectFailed { error: &error }.emit();
                Outcome::Failed
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an agreement bears the time at which it was written"
    )]
    async fn close(
        &self,
        call: CallId,
        id: AgreementId,
        offer: &Offer,
        means: Means,
        evidence: Option<Evidence>,
    ) -> Result<(), EffectError> {
        let debtor = self.debtor_of(call).await?;
        let instruments = issue(&self.config.issuer, id, offer, means)?;
        let first = instruments.first().ok_or(EffectError::Unknown {
            what: "first instalment",
        })?;
        let text = self.message_text(&debtor, offer, means, first);
        let to = debtor
            .phones
            .first()
            .ok_or(EffectError::Unknown { what: "telephone" })?
            .e164();
        let message = NewMessage {
            idempotency_key: format!("acordo:{id}"),
            channel: "sms".into(),
            to,
            text,
            call: Some(call),
            agreement: Some(id),
            debtor: Some(debtor.id),
        };
        let new = NewAgreement {
            id,
            call: Some(call),
            debtor: debtor.id,
            kind: match offer.kind {
                OfferKind::Cash => "avista".into(),
                OfferKind::Plan => "parcelado".into(),
            },
            total: offer.total,
            discount: offer.discount,
            instalments: offer
                .instalments
                .iter()
                .map(|one| NewInstalment {
                    due: one.due,
                    amount: one.amount,
                })
                .collect(),
            computation: serde_json::to_value(&offer.computation).unwrap_or_default(),
            evidence: serde_json::to_value(evidence).unwrap_or_default(),
            instruments,
            messages: vec![message],
            closed_at: Timestamp::now(),
        };
        self.ledger.close_agreement(&new).await?;
        Ok(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a message bears the time at which it was written"
    )]
    async fn resend(
        &self,
        call: CallId,
        agreement: AgreementId,
        nth: u32,
    ) -> Result<(), EffectError> {
        let sent = self.ledger.messages_of_call(call).await?;
        let first = sent
            .into_iter()
            .next()
            .ok_or(EffectError::Unknown { what: "message" })?;
        let again = NewMessage {
            idempotency_key: format!("acordo:{agreement}:{nth}"),
            channel: first.channel,
            to: first.to,
            text: first.text,
            call: Some(call),
            agreement: Some(agreement),
            debtor: None,
        };
        self.ledger.queue_message(&again, Timestamp::now()).await?;
        Ok(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a message bears the time at which it was written"
    )]
    async fn send(
        &self,
        call: CallId,
        name: &str,
        nth: u32,
        text: &str,
    ) -> Result<(), EffectError> {
        let debtor = self.debtor_of(call).await?;
        let to = debtor
            .phones
            .first()
            .ok_or(EffectError::Unknown { what: "telephone" })?
            .e164();
        let message = NewMessage {
            idempotency_key: format!("call:{call}:{name}:{nth}"),
            channel: "sms".into(),
            to,
            text: crate::channels::sms::plain(text),
            call: Some(call),
            agreement: None,
            debtor: Some(debtor.id),
        };
        self.ledger
            .queue_message(&message, Timestamp::now())
            .await?;
        Ok(())
    }

    /// Stands among the turns, after them all.
    async fn note(
        &self,
        call: CallId,
        nth: u32,
        kind: &str,
        text: &str,
    ) -> Result<(), EffectError> {
        let row = TurnRow {
            call,
            n: FIRST_NOTE + nth,
            who: Who::System,
            state: kind.to_owned(),
            text: text.to_owned(),
            meaning: None,
            confidence: None,
            t0_ms: 0,
            t1_ms: 0,
            latency: None,
        };
        self.ledger.add_turn(&row).await?;
        Ok(())
    }

    async fn debtor_of(&self, call: CallId) -> Result<Debtor, EffectError> {
        let record = self
            .ledger
            .call(call)
            .await?
            .ok_or(EffectError::Unknown { what: "record" })?;
        let id = record
            .summary
            .debtor
            .ok_or(EffectError::Unknown { what: "debtor" })?;
        let row = self
            .ledger
            .debtor(id)
            .await?
            .ok_or(EffectError::Unknown { what: "debtor" })?;
        Ok(row.parse()?)
    }

    fn message_text(
        &self,
        debtor: &Debtor,
        offer: &Offer,
        means: Means,
        instrument: &NewInstrument,
    ) -> String {
        let (template, code) = match means {
            Means::Boleto => ("sms_boleto", instrument.line.clone()),
            Means::Pix => ("sms_pix", instrument.pix.clone()),
        };
        let first = offer.instalments.first();
        let facts: Facts = [
            ("marca", debtor.creditor.brand.to_uppercase()),
            ("nome", debtor.spoken_name()),
            (
                "valor",
                first.map_or(Centavos::ZERO, |one| one.amount).to_string(),
            ),
            (
                "vencimento",
                first.map(|one| written_date(one.due)).unwrap_or_default(),
            ),
            ("codigo", code.unwrap_or_default()),
            ("parcelas", offer.instalments.len().to_string()),
            ("protocolo", String::new()),
        ]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text))
        .collect();
        let kit = self.kit.now();
        let template = kit.script.message.get(template).map_or("", String::as_str);
        crate::channels::sms::plain(
            &crate::mind::dialogue::fill(template, &facts).unwrap_or_default(),
        )
    }
}

/// One instrument for each instalment: a boleto line and barcode, or a static Pix code.
///
/// # Errors
/// An account or a Pix key that no instrument can be made for.
pub fn issue(
    issuer: &Issuer,
    id: AgreementId,
    offer: &Offer,
    means: Means,
) -> Result<Vec<NewInstrument>, EffectError> {
    offer
        .instalments
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let instalment = index as u32 + 1;
            match means {
                Means::Boleto => boleto(issuer, id, instalment, one.due, one.amount),
                Means::Pix => pix(issuer, id, instalment, one.amount),
            }
        })
        .collect()
}

fn boleto(
    issuer: &Issuer,
    id: AgreementId,
    instalment: u32,
    due: Date,
    amount: Centavos,
) -> Result<NewInstrument, EffectError> {
    let nosso_numero = (number_of(id, instalment) % 100_000_000) as u32;
    let account = Itau {
        carteira: issuer.carteira,
        nosso_numero,
        agencia: issuer.agencia,
        conta: issuer.conta,
    };
    let campo_livre = account.campo_livre();
    let boleto = Boleto::issue(&Issue {
        bank: issuer.bank,
        campo_livre,
        due: Some(due),
        amount,
    })?;
    Ok(NewInstrument {
        instalment,
        kind: InstrumentKind::Boleto,
        line: Some(boleto.line()),
        barcode: Some(boleto.barcode()),
        pix: None,
        reference: Some(format!("{nosso_numero:08}")),
    })
}

fn pix(
    issuer: &Issuer,
    id: AgreementId,
    instalment: u32,
    amount: Centavos,
) -> Result<NewInstrument, EffectError> {
    let txid = format!(
        "AC{:016}P{instalment:02}",
        number_of(id, 0) % 10_000_000_000_000_000
    );
    let key = Key::parse(&issuer.pix_key)
        .ok_or_else(|| EffectError::Pix("issuer.pix_key is no Pix key".into()))?;
    let code = BrCode::fixed(key, Some(amount), &issuer.name, &issuer.city, Some(&txid))
        .encode()
        .map_err(|faults| EffectError::Pix(format!("{faults:?}")))?;
    Ok(NewInstrument {
        instalment,
        kind: InstrumentKind::Pix,
        line: None,
        barcode: None,
        pix: Some(code),
        reference: Some(txid),
    })
}

/// A number that belongs to this instalment of this agreement alone, the same whenever it is asked for.
fn number_of(id: AgreementId, instalment: u32) -> u64 {
    let hash = Sha256::new()
        .chain_update(id.0.as_bytes())
        .chain_update(instalment.to_le_bytes())
        .finalize();
    hash.iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
