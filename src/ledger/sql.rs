//! Two databases behind one set of statements: the same `$1` text runs on SQLite and on PostgreSQL.
//!
//! Statements are checked when they run, and every test of the ledger runs them on both.

use jiff::Timestamp;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{FromRow, Postgres, Sqlite, Transaction};

use crate::base::{AgreementId, CallId, Centavos, Date, DebtorId};

/// A row that both databases can give.
pub(super) trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Record for T {}

/// A value bound to a statement. `None` keeps its type: PostgreSQL wants to know it.
pub(super) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Real(Option<f64>),
}

/// The values of a statement, in the order of `$1`, `$2`, …
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::ledger::sql::Value::from($value)),*] };
}
pub(super) use values;

macro_rules! value_from {
    ($($from:ty => $kind:ident, $turn:expr;)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self { Self::$kind(Some(($turn)(value))) }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self { Self::$kind(value.map($turn)) }
        }
    )*};
}

value_from! {
    &str => Text, str::to_owned;
    &String => Text, String::clone;
    String => Text, |text| text;
    CallId => Text, |id: CallId| id.to_string();
    DebtorId => Text, |id: DebtorId| id.to_string();
    AgreementId => Text, |id: AgreementId| id.to_string();
    Date => Text, |date: Date| date.to_string();
    i64 => Int, |n| n;
    u32 => Int, i64::from;
    Centavos => Int, |money: Centavos| money.0;
    Timestamp => Int, Timestamp::as_microsecond;
    f64 => Real, |x| x;
}

/// Binds `$values` to `$query`, whatever its database.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Int(number) => query.bind(number),
                Value::Real(number) => query.bind(number),
            };
        }
        query
    }};
}

/// The pools. SQLite has one more, of a single connection that waits for the disk at every commit.
#[derive(Clone)]
pub(super) enum Db {
    Sqlite {
        pool: SqlitePool,
        durable: SqlitePool,
    },
    Postgres(PgPool),
}

/// A transaction that writes. Dropped without [`Tx::commit`], it leaves no trace.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// One statement on either database: `$body` is compiled once for each, with `$on` as its executor.
macro_rules! on_both {
    (tx $self:expr, $on:ident => $body:expr) => {
        match $self {
            Tx::Sqlite(tx) => {
                let $on = &mut **tx;
                $body
            }
            Tx::Postgres(tx) => {
                let $on = &mut **tx;
                $body
            }
        }
    };
    (pool $self:expr, $on:ident => $body:expr) => {
        match $self {
            Db::Sqlite { pool: $on, .. } => $body,
            Db::Postgres($on) => $body,
        }
    };
}

impl Db {
    pub async fn execute(&self, sql: &'static str, values: Vec<Value>) -> Result<u64, sqlx::Error> {
        on_both!(pool self, pool => Ok(bound!(sqlx::query(sql), values).execute(pool).await?.rows_affected()))
    }

    pub async fn all<T: Record>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, sqlx::Error> {
        on_both!(pool self, pool => bound!(sqlx::query_as(sql), values).fetch_all(pool).await)
    }

    pub async fn one<T: Record>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<T>, sqlx::Error> {
        on_both!(pool self, pool => bound!(sqlx::query_as(sql), values).fetch_optional(pool).await)
    }

    /// Begins to write. SQLite takes its lock at once, so that the transaction waits here and never fails half-way.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        Ok(match self {
            Self::Sqlite { pool, .. } => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// As [`Self::begin`], and the commit outlives a power cut.
    pub async fn begin_durable(&self) -> Result<Tx, sqlx::Error> {
        match self {
            Self::Sqlite { durable, .. } => {
                Ok(Tx::Sqlite(durable.begin_with("BEGIN IMMEDIATE").await?))
            }
            Self::Postgres(_) => self.begin().await,
        }
    }

    pub const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { pool, durable } => {
                durable.close().await;
                pool.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub async fn execute(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, sqlx::Error> {
        on_both!(tx self, on => Ok(bound!(sqlx::query(sql), values).execute(on).await?.rows_affected()))
    }

    pub async fn all<T: Record>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, sqlx::Error> {
        on_both!(tx self, on => bound!(sqlx::query_as(sql), values).fetch_all(on).await)
    }

    pub async fn one<T: Record>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<T>, sqlx::Error> {
        on_both!(tx self, on => bound!(sqlx::query_as(sql), values).fetch_optional(on).await)
    }

    /// Waits until no other transaction holds `lock`, and holds it to the end. SQLite has one writer anyway.
    pub async fn hold(&mut self, lock: Lock) -> Result<(), sqlx::Error> {
        if let Self::Postgres(tx) = self {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(lock as i64)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    pub async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}

/// What only one transaction of the cluster may do at a time.
#[derive(Clone, Copy)]
pub(super) enum Lock {
    /// Append to the audit, and number agreements.
    Audit = 0x0c0b_1a0d,
}

/// An instant as the tables keep it. What is outside jiff's range can only come from a damaged table.
pub(super) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}
