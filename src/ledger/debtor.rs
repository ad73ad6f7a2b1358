//! The portfolio: who owes, and by which numbers they can be reached.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use jiff::Timestamp;

use super::sql::{Tx, Value, values};
use super::{Doing, Ledger, LedgerError, id, json};
use crate::base::DebtorId;
use crate::mind::debt::Debtor;

/// One debtor as the ledger keeps it: what is searched for in columns, everything else in `record`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct DebtorRow {
    pub id: DebtorId,
    pub name: String,
    /// Eleven digits, or a CNPJ's fourteen characters.
    pub cpf: String,
    /// E.164, in the creditor's order.
    pub phones: Vec<String>,
    /// The creditor's contract numbers.
    pub contracts: Vec<String>,
    /// The whole debtor (`mind::debt::Debtor`) as JSON.
    pub record: serde_json::Value,
}

/// The id only: the rest is personal data.
impl std::fmt::Debug for DebtorRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DebtorRow")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl DebtorRow {
    /// The row of a debtor that is known.
    ///
    /// # Errors
    /// The debtor does not turn into JSON.
    pub fn from_debtor(debtor: &crate::mind::debt::Debtor) -> Result<Self, LedgerError> {
        Ok(Self {
            id: debtor.id,
            name: debtor.name.clone(),
            cpf: debtor.cpf.digits(),
            phones: debtor.phones.iter().map(|phone| phone.e164()).collect(),
            contracts: debtor
                .contracts
                .iter()
                .map(|contract| contract.number.clone())
                .collect(),
            record: serde_json::to_value(debtor)
                .map_err(|_| LedgerError::Damaged { what: "a debtor" })?,
        })
    }

    /// The debtor that was imported.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, LedgerError> {
        T::deserialize(&self.record).map_err(|_| LedgerError::Damaged { what: "a debtor" })
    }
}

impl From<&Debtor> for DebtorRow {
    fn from(debtor: &Debtor) -> Self {
        Self {
            id: debtor.id,
            name: debtor
                .social_name
                .clone()
                .unwrap_or_else(|| debtor.name.clone()),
            cpf: debtor.cpf.digits(),
            phones: debtor.phones.iter().map(|phone| phone.e164()).collect(),
            contracts: debtor
                .contracts
                .iter()
                .map(|contract| contract.number.clone())
                .collect(),
            record: serde_json::json!(debtor),
        }
    }
}

/// What an import wrote, counted from the database's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    pub inserted: u64,
    pub updated: u64,
    pub unchanged: u64,
}

#[derive(sqlx::FromRow)]
struct RawDebtor {
    id: String,
    name: String,
    cpf: String,
    record: String,
}

const PICK: &str = "SELECT id, name, cpf, record FROM debtors WHERE id = $1";

impl Ledger {
    /// Writes the debtors, all or none; one that is already there is replaced.
    pub async fn import(
        &self,
        debtors: &[DebtorRow],
        now: Timestamp,
    ) -> Result<Imported, LedgerError> {
        let mut tx = self.db.begin().await.doing("beginning an import")?;
        let mut imported = Imported::default();
        for debtor in debtors {
            let count = match upsert(&mut tx, debtor, now)
                .await
                .doing("importing a debtor")?
            {
                Upsert::Inserted => &mut imported.inserted,
                Upsert::Updated => &mut imported.updated,
                Upsert::Unchanged => &mut imported.unchanged,
            };
            *count += 1;
        }
        tx.commit().await.doing("saving an import")?;
        Ok(imported)
    }

    pub async fn debtor(&self, debtor: DebtorId) -> Result<Option<DebtorRow>, LedgerError> {
        match self
            .db
            .one::<RawDebtor>(PICK, values![debtor])
            .await
            .doing("reading a debtor")?
        {
            Some(raw) => Ok(Some(self.complete(raw).await?)),
            None => Ok(None),
        }
    }

    /// The debtor who is reached by this number: the one that lists it first.
    pub async fn debtor_by_phone(&self, e164: &str) -> Result<Option<DebtorRow>, LedgerError> {
        Ok(self.debtors_by_phone(e164).await?.into_iter().next())
    }

    /// Everyone who is reached by this number; families share telephones.
    pub async fn debtors_by_phone(&self, e164: &str) -> Result<Vec<DebtorRow>, LedgerError> {
        let sql =
            "SELECT id, name, cpf, record FROM debtors JOIN phones ON phones.debtor = debtors.id
                   WHERE e164 = $1 ORDER BY rank, id";
        self.all(sql, values![e164], "looking a number up").await
    }

    pub async fn debtors_by_cpf(&self, cpf: &str) -> Result<Vec<DebtorRow>, LedgerError> {
        let sql = "SELECT id, name, cpf, record FROM debtors WHERE cpf = $1 ORDER BY id";
        self.all(sql, values![cpf], "looking a debtor up").await
    }

    /// The first `limit` debtors by name.
    pub async fn debtors(&self, limit: u32) -> Result<Vec<DebtorRow>, LedgerError> {
        let sql = "SELECT id, name, cpf, record FROM debtors ORDER BY name, id LIMIT $1";
        self.all(sql, values![limit], "listing debtors").await
    }

    async fn all(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        doing: &'static str,
    ) -> Result<Vec<DebtorRow>, LedgerError> {
        let raws: Vec<RawDebtor> = self.db.all(sql, values).await.doing(doing)?;
        let mut debtors = Vec::with_capacity(raws.len());
        for raw in raws {
            debtors.push(self.complete(raw).await?);
        }
        Ok(debtors)
    }

    async fn complete(&self, raw: RawDebtor) -> Result<DebtorRow, LedgerError> {
        let phones = "SELECT e164 FROM phones WHERE debtor = $1 ORDER BY rank, e164";
        let contracts = "SELECT number FROM contracts WHERE debtor = $1 ORDER BY number";
        let phones: Vec<(String,)> = self
            .db
            .all(phones, values![&raw.id])
            .await
            .doing("reading phones")?;
        let contracts: Vec<(String,)> = self
            .db
            .all(contracts, values![&raw.id])
            .await
            .doing("reading contracts")?;
        Ok(DebtorRow {
            id: id(&raw.id, "a debtor's id")?,
            name: raw.name,
            cpf: raw.cpf,
            phones: phones.into_iter().map(|(e164,)| e164).collect(),
            contracts: contracts.into_iter().map(|(number,)| number).collect(),
            record: json(&raw.record, "a debtor")?,
        })
    }
}

enum Upsert {
    Inserted,
    Updated,
    Unchanged,
}

async fn upsert(tx: &mut Tx, debtor: &DebtorRow, now: Timestamp) -> Result<Upsert, sqlx::Error> {
    let record = debtor.record.to_string();
    let before = tx.one::<RawDebtor>(PICK, values![debtor.id]).await?;
    let insert = "INSERT INTO debtors (id, name, cpf, record, imported_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
                  ON CONFLICT (id) DO UPDATE SET name = excluded.name, cpf = excluded.cpf, record = excluded.record,
                  updated_at = excluded.updated_at";
    if let Some(before) = &before
        && (&before.name, &before.cpf, &before.record) == (&debtor.name, &debtor.cpf, &record)
    {
        index(tx, debtor).await?;
        return Ok(Upsert::Unchanged);
    }
    tx.execute(
        insert,
        values![debtor.id, &debtor.name, &debtor.cpf, record, now],
    )
    .await?;
    index(tx, debtor).await?;
    Ok(if before.is_some() {
        Upsert::Updated
    } else {
        Upsert::Inserted
    })
}

async fn index(tx: &mut Tx, debtor: &DebtorRow) -> Result<(), sqlx::Error> {
    tx.execute("DELETE FROM phones WHERE debtor = $1", values![debtor.id])
        .await?;
    for (rank, e164) in (0_u32..).zip(&debtor.phones) {
        let sql =
            "INSERT INTO phones (e164, debtor, rank) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        tx.execute(sql, values![e164, debtor.id, rank]).await?;
    }
    tx.execute(
        "DELETE FROM contracts WHERE debtor = $1",
        values![debtor.id],
    )
    .await?;
    for number in &debtor.contracts {
        let sql = "INSERT INTO contracts (number, debtor) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        tx.execute(sql, values![number, debtor.id]).await?;
    }
    Ok(())
}
