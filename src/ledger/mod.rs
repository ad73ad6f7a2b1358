//! What the company must never lose: debtors, calls, agreements, instruments, messages, recordings, and who did what.
//!
//! [`Ledger`] speaks of the business; the statements stay in here. It is SQLite, one file that needs nothing installed,
//! or PostgreSQL, which several servers share. Both hold the same tables and run the same statements.
//!
//! Instants are given by the caller and kept to the microsecond. Errors name no person.

mod agreement;
mod audit;
mod call;
mod debtor;
mod disposition;
mod message;
mod metrics;
mod sql;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::Notify;

use crate::base::{AgreementId, CallId, DebtorId};

pub use agreement::{
    Agreement, Instalment, Instrument, InstrumentKind, NewAgreement, NewInstalment, NewInstrument,
    agreement_id,
};
pub use audit::{AuditEntry, AuditReport};
pub use call::{
    CallEnd, CallRecord, CallStart, CallSummary, CallTimes, Direction, Latency, Milestone,
    Recording, Recovered, TurnRow, Who,
};
pub use debtor::{DebtorRow, Imported};
pub use disposition::{Level, Reached, Tabulation, tabulation};
pub use message::{Claim, Delivery, Message, MessageState, NewMessage, Outcome};
pub use metrics::{Counts, Indicator, Metrics, Percentiles, Unit};

use sql::Db;

/// How long a connection is waited for, and a locked SQLite file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the ledger did not do as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    #[error("the database address is neither sqlite://FILE nor postgres://…")]
    Address,
    #[error("creating the folder of the database {path}")]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("opening the database")]
    Open { source: sqlx::Error },
    #[error("bringing the tables of the database up to date")]
    Migrate { source: sqlx::migrate::MigrateError },
    #[error("{doing}")]
    Sql {
        doing: &'static str,
        source: sqlx::Error,
    },
    #[error("{what} in the database is damaged")]
    Damaged { what: &'static str },
    #[error("the instalments of agreement {agreement} do not add up to its total")]
    Unbalanced { agreement: AgreementId },
    #[error("call {call} already has another agreement")]
    AgreementExists { call: CallId },
    #[error("debtor {debtor} is not in the ledger")]
    NoDebtor { debtor: DebtorId },
    #[error("call {call} is not in the ledger")]
    NoCall { call: CallId },
}

/// Gives a failed statement the name of what it was for.
trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, LedgerError>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T, LedgerError> {
        self.map_err(|source| LedgerError::Sql { doing, source })
    }
}

/// The ledger. Clones share their connections.
#[derive(Clone)]
pub struct Ledger {
    db: Db,
    /// The name of this server among those that share the database.
    node: Arc<str>,
    /// Rung when a message was queued, so that the outbox need not wait for its next look.
    queued: Arc<Notify>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens `sqlite://FILE` (created when missing) or `postgres://…`, and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, LedgerError> {
        Self::open_as(url, "local").await
    }

    /// As [`Self::open`], as the server `node` of a cluster. Names must differ: [`Self::recover`] goes by them.
    pub async fn open_as(url: &str, node: &str) -> Result<Self, LedgerError> {
        let db = if let Some(file) = url.strip_prefix("sqlite:") {
            open_sqlite(file.strip_prefix("//").unwrap_or(file)).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Db::Postgres(open_postgres(url).await?)
        } else {
            return Err(LedgerError::Address);
        };
        Ok(Self {
            db,
            node: node.into(),
            queued: Arc::new(Notify::new()),
        })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), LedgerError> {
        self.db
            .one::<(i32,)>("SELECT CAST(1 AS INTEGER)", Vec::new())
            .await
            .doing("asking the database")?;
        Ok(())
    }

    /// `sqlite` or `postgres`.
    pub const fn engine(&self) -> &'static str {
        if self.db.is_postgres() {
            "postgres"
        } else {
            "sqlite"
        }
    }

    /// Closes the connections; what was begun is finished first.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Rung when a message was queued by this process.
    pub(crate) fn queued(&self) -> &Notify {
        &self.queued
    }
}

async fn open_sqlite(file: &str) -> Result<Db, LedgerError> {
    let opening = |source| LedgerError::Open { source };
    let in_memory = file == ":memory:";
    let options = if in_memory {
        SqliteConnectOptions::from_str("sqlite::memory:").map_err(opening)?
    } else {
        create_folder(Path::new(file))?;
        SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
    };
    let options = options.foreign_keys(true).busy_timeout(PATIENCE);
    let fast = options.clone().synchronous(SqliteSynchronous::Normal);
    let pool = sqlite_pool(fast, if in_memory { 1 } else { 8 })
        .await
        .map_err(opening)?;
    sqlx::migrate!("src/ledger/migrations/sqlite")
        .run(&pool)
        .await
        .map_err(|source| LedgerError::Migrate { source })?;
    // A database in memory is one connection; a second would see another, empty one.
    let durable = if in_memory {
        pool.clone()
    } else {
        sqlite_pool(options.synchronous(SqliteSynchronous::Full), 1)
            .await
            .map_err(opening)?
    };
    Ok(Db::Sqlite { pool, durable })
}

async fn sqlite_pool(
    options: SqliteConnectOptions,
    connections: u32,
) -> Result<SqlitePool, sqlx::Error> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE);
    // A connection in memory must never be closed for idleness: its tables would go with it.
    pool.idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
}

fn create_folder(file: &Path) -> Result<(), LedgerError> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            std::fs::create_dir_all(folder).map_err(|source| LedgerError::Folder {
                path: folder.to_owned(),
                source,
            })
        }
        _ => Ok(()),
    }
}

async fn open_postgres(url: &str) -> Result<PgPool, LedgerError> {
    let opening = |source| LedgerError::Open { source };
    let options = PgConnectOptions::from_str(url)
        .map_err(opening)?
        .application_name("combinado");
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(PATIENCE);
    let pool = pool.connect_with(options).await.map_err(opening)?;
    sqlx::migrate!("src/ledger/migrations/postgres")
        .run(&pool)
        .await
        .map_err(|source| LedgerError::Migrate { source })?;
    Ok(pool)
}

/// The JSON of a column. It was written by us, so it parses unless the table is damaged.
fn json<T: serde::de::DeserializeOwned>(text: &str, what: &'static str) -> Result<T, LedgerError> {
    serde_json::from_str(text).map_err(|_| LedgerError::Damaged { what })
}

/// The identity of a column.
fn id<T: FromStr>(text: &str, what: &'static str) -> Result<T, LedgerError> {
    text.parse().map_err(|_| LedgerError::Damaged { what })
}

fn optional_id<T: FromStr>(
    text: Option<&str>,
    what: &'static str,
) -> Result<Option<T>, LedgerError> {
    text.map(|text| id(text, what)).transpose()
}
