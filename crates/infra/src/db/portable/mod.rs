//! One whole store as one file, and back, on either engine.
//!
//! A file is one snapshot of the store; the same store makes the same bytes, wherever it lives. An import is one
//! transaction: all of the store or nothing. What is in a file and what is not: docs/adr/0016-portable-stores.md.

pub(super) mod file;
pub(super) mod log;
pub(super) mod records;

use super::{DatabaseUrl, Options, postgres, sqlite, unavailable};
use diesel::connection::SimpleConnection;
use file::{Header, Reader};
use haat_domain::error::Error;
use std::io::{self, Read, Seek, Write};

/// Why a file was not written or not taken.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The sentence says what is wrong with the file, or with taking it here.
    #[error("{0}")]
    Refused(String),
    /// The disk.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The database.
    #[error(transparent)]
    Database(#[from] Error),
}

fn damaged(line: u64, what: impl std::fmt::Display) -> FileError {
    FileError::Refused(format!("the file is damaged or cut off: line {line}: {what}"))
}

/// A store that was written to a file or read from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// All its rows.
    pub rows: u64,
}

impl From<&Header> for Moved {
    fn from(header: &Header) -> Self {
        Self { id: header.store.id, name: header.store.name.clone(), rows: header.rows.values().sum() }
    }
}

/// Hears how far it is: rows that are done, of all.
pub(in crate::db) struct Progress<'p> {
    done: u64,
    all: u64,
    tell: &'p mut dyn FnMut(u64, u64),
}

impl Progress<'_> {
    pub(in crate::db) fn begin(&mut self, header: &Header) {
        self.all = header.rows.values().sum();
        self.add(0);
    }

    pub(in crate::db) fn add(&mut self, rows: usize) {
        self.done = self.done.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
        (self.tell)(self.done, self.all);
    }
}

/// Writes the store of that name or slug. `tell` hears how many rows are done, and how many there are.
pub fn export<W: Write>(
    url: &DatabaseUrl,
    options: &Options,
    store: &str,
    out: W,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<(W, Moved), FileError> {
    let progress = &mut Progress { done: 0, all: 0, tell };
    let (out, header) = match url {
        DatabaseUrl::Sqlite(path) => {
            sqlite::portable::export(&mut sqlite::existing(path, &options.sqlite)?, store, out, progress)?
        }
        DatabaseUrl::Postgres(url) => {
            let mut conn = postgres::connect(url, &options.postgres)?;
            unhurried(&mut conn)?;
            postgres::portable::export(&mut conn, store, out, progress)?
        }
    };
    Ok((out, (&header).into()))
}

/// A file that was read to its end once: it is whole, unchanged and not newer than this program.
#[derive(Debug)]
pub struct StoreFile<F> {
    file: F,
}

impl<F: Read + Seek> StoreFile<F> {
    /// Reads it.
    pub fn verify(mut file: F) -> Result<Self, FileError> {
        let (mut reader, _) = Reader::begin(&mut file)?;
        reader.skip()?;
        file.rewind()?;
        Ok(Self { file })
    }
}

/// Makes the store of this file. On PostgreSQL the URL is the owner's of the tables: nobody else may move sequences on.
/// `tell`: as in [`export`].
pub fn import<F: Read + Seek>(
    owner: &DatabaseUrl,
    options: &Options,
    file: StoreFile<F>,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<Moved, FileError> {
    let progress = &mut Progress { done: 0, all: 0, tell };
    let header = match owner {
        DatabaseUrl::Sqlite(path) => {
            let mut conn = sqlite::existing(path, &options.sqlite)?;
            sqlite::portable::import(&mut conn, &options.postgres.role, file.file, progress)?
        }
        DatabaseUrl::Postgres(url) => {
            let mut conn = postgres::establish(url)?;
            unhurried(&mut conn)?;
            postgres::portable::import(&mut conn, &options.postgres.role, file.file, progress)?
        }
    };
    Ok((&header).into())
}

/// A server's limits on statements and transactions are for requests, not for a whole store.
fn unhurried(conn: &mut diesel::PgConnection) -> Result<(), Error> {
    conn.batch_execute(
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 30000",
    )
    .map_err(unavailable)
}
