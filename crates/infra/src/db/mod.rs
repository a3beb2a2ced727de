//! The store on diesel: SQLite or PostgreSQL, as the URL says.
//!
//! `repos` holds the repositories, written once and compiled once per engine over its `dialect`;
//! `schema` and `rows` are compiled once. The engines differ in how a transaction comes about (`store`) and in a
//! few words of SQL (`dialect`), and nowhere else.

#[macro_use]
mod expr;
mod migrate;
pub mod portable;
mod postgres;
mod rows;
mod schema;
mod sqlite;
mod traces;
mod transaction;
mod types;
mod walls;

pub use migrate::{Migrations, NAMES as MIGRATIONS};
pub use postgres::{PgOptions, PgStore};
pub use sqlite::{Held, copy_database, hold_database, verify_database};
pub use sqlite::{SqliteOptions, SqliteStore, Synchronous};
pub use traces::trace_statements;

#[cfg(feature = "testing")]
pub(crate) use postgres::establish as establish_postgres;
#[cfg(feature = "testing")]
pub(crate) use sqlite::connect as connect_sqlite;

use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
use haat_domain::error::{Error, Result};
use haat_domain::ports::{PoolVitals, Store};
use std::path::PathBuf;
use std::sync::Arc;

/// Which database a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`
    Sqlite(PathBuf),
    /// `postgres://...` as libpq takes it.
    Postgres(String),
}

/// A URL that names no database we know.
#[derive(Debug, Clone, thiserror::Error)]
#[error("must begin with sqlite: (and name a file) or postgres://")]
pub struct UnknownScheme;

impl DatabaseUrl {
    /// Whether this asks to be led to a server that cannot be written to: `target_session_attrs` is neither
    /// `read-write`, which is ours where the URL says nothing, nor `primary`.
    pub fn may_reach_a_standby(&self) -> bool {
        matches!(self, Self::Postgres(url) if postgres::may_reach_a_standby(url))
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = UnknownScheme;

    fn from_str(url: &str) -> Result<Self, UnknownScheme> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        let path = url.strip_prefix("sqlite:").ok_or(UnknownScheme)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        // ":memory:" would be another database for each connection, and "file:" brings options of its own.
        if path.is_empty() || path.starts_with(':') || path.starts_with("file:") {
            return Err(UnknownScheme);
        }
        Ok(Self::Sqlite(path.into()))
    }
}

/// How to use a database.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// SQLite.
    pub sqlite: SqliteOptions,
    /// PostgreSQL.
    pub postgres: PgOptions,
}

/// Opens the store. Its schema must be there: [`Migrations::up`].
pub fn open(url: &DatabaseUrl, options: &Options) -> Result<Arc<dyn Store>> {
    Ok(match url {
        DatabaseUrl::Sqlite(path) => Arc::new(SqliteStore::open(path, &options.sqlite)?),
        DatabaseUrl::Postgres(url) => Arc::new(PgStore::open(url, &options.postgres)?),
    })
}

/// Opens the store and a standby of it, which may be away for now. On SQLite there is none.
pub fn open_with_standby(
    url: &DatabaseUrl,
    standby: &DatabaseUrl,
    options: &Options,
) -> Result<(Arc<dyn Store>, Arc<dyn Store>)> {
    let (DatabaseUrl::Postgres(url), DatabaseUrl::Postgres(standby)) = (url, standby) else {
        return Err(unavailable("only PostgreSQL has standbys"));
    };
    let store = PgStore::open(url, &options.postgres)?;
    let standby = store.standby(standby, &options.postgres)?;
    Ok((Arc::new(store), Arc::new(standby)))
}

/// What is wrong with the walls between tenants that the database itself holds up, one line a fault.
/// SQLite has none: nothing can be wrong with them.
pub fn check_walls(url: &DatabaseUrl, options: &Options) -> Result<Vec<String>> {
    match url {
        DatabaseUrl::Sqlite(_) => Ok(Vec::new()),
        DatabaseUrl::Postgres(url) => walls::check(url, &options.postgres),
    }
}

/// The same of a standby, with which listings are answered.
pub fn check_standby(url: &DatabaseUrl, options: &Options) -> Result<Vec<String>> {
    match url {
        DatabaseUrl::Sqlite(_) => Ok(Vec::new()),
        DatabaseUrl::Postgres(url) => walls::check_standby(url, &options.postgres),
    }
}

fn pool_vitals<C: R2D2Connection + 'static>(
    name: &'static str,
    pool: &Pool<ConnectionManager<C>>,
) -> PoolVitals {
    let state = pool.state();
    let in_use = state.connections.saturating_sub(state.idle_connections);
    PoolVitals { name, in_use, idle: state.idle_connections, max: pool.max_size() }
}

fn unavailable(cause: impl std::fmt::Display) -> Error {
    Error::Unavailable(cause.to_string().into())
}
