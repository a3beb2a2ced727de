//! What is said otherwise on SQLite.

use crate::db::unavailable;
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind as Kind;
use diesel::sql_types::{Bool, Nullable};
use haat_domain::audit::Link;
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::ids::TenantId;

pub(in crate::db) type Conn = SqliteConnection;
pub(in crate::db) type Db = diesel::sqlite::Sqlite;

diesel::define_sql_function! {
    /// Where the second text begins in the first, counted from 1; 0 if it does not occur.
    #[sql_name = "instr"]
    fn position(text: diesel::sql_types::Text, part: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}

diesel::define_sql_function! {
    /// What is asked, with the word that few rows fit.
    fn unlikely(asked: Nullable<Bool>) -> Nullable<Bool>;
}

/// Without statistics SQLite expects ten rows in a whole store, and would rather read them all than look into an index.
macro_rules! rare {
    ($asked:expr) => {
        $crate::db::sqlite::dialect::unlikely($asked)
    };
}
pub(in crate::db) use rare;

/// A write transaction began IMMEDIATE: it is alone already.
macro_rules! for_update {
    ($query:expr) => {
        $query
    };
}
pub(in crate::db) use for_update;

statement! {
    NextId { name: String } -> diesel::sql_types::BigInt =
        "UPDATE sequences SET last = last + 1 WHERE name = " name " RETURNING last"
}

/// The number of a row that is about to be inserted.
pub(in crate::db) fn new_id(conn: &mut Conn, table: &str) -> Result<i64> {
    draw_id(conn, table)
}

/// The next number of a table's rows.
pub(in crate::db) fn draw_id(conn: &mut Conn, table: &str) -> Result<i64> {
    NextId { name: table.to_owned() }.get_result(conn).map_err(store_error)
}

statement! {
    Head { tenant: i64 } -> (diesel::sql_types::BigInt, diesel::sql_types::Text) =
        "SELECT last_number, link FROM audit_heads WHERE tenant_id = " tenant
}

/// The end of a tenant's audit log. There is one writer: what it sees is held.
pub(in crate::db) fn hold_head(conn: &mut Conn, tenant: i64) -> Result<(i64, Link)> {
    let head: Option<(i64, String)> = Head { tenant }.get_result(conn).optional().map_err(store_error)?;
    Ok(head.map_or_else(|| (0, Link::start()), |(last, link)| (last, Link::from_stored(link))))
}

statement! {
    Skip { name: String, last: i64 } = "UPDATE sequences SET last = max(last, " last ") WHERE name = " name
}

/// Has the table's numbers go on behind this one.
pub(in crate::db) fn skip_to(conn: &mut Conn, table: &str, last: i64) -> Result<()> {
    Skip { name: table.to_owned(), last }.execute(conn).map(drop).map_err(store_error)
}

/// Rows are read one by one.
pub(in crate::db) type RowByRow = diesel::connection::DefaultLoadingMode;

/// A transaction that sees one state of everything, from its first look on.
pub(in crate::db) const SNAPSHOT: &str = "BEGIN";

/// A transaction that fills a store.
pub(in crate::db) const FILL: &str = "BEGIN IMMEDIATE";

#[expect(clippy::unnecessary_wraps, reason = "PostgreSQL's can fail")]
/// There are no roles.
pub(in crate::db) fn act_as(_: &mut Conn, _: Option<&str>) -> Result<()> {
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "PostgreSQL's can fail")]
/// The scope in the types is the only wall here.
pub(in crate::db) fn enter(_: &mut Conn, _: TenantId) -> Result<()> {
    Ok(())
}

/// Behind a query for rows that nobody else holds: nobody holds any.
pub(in crate::db) const SKIP_LOCKED: &str = "";

/// Which quarter of an hour since the Unix epoch `created_at` is in. Nothing was created before.
pub(in crate::db) const QUARTER: &str = "created_at / 900000000";

/// Writers wait for the file, never for a row.
pub(in crate::db) fn is_lock_timeout(_: &diesel::result::Error) -> bool {
    false
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all others are internal errors")]
/// An engine's error as the domain's. What may pass (others write, the disk is full, broken or out of reach) has no kind
/// of its own in diesel; SQLite says it in the same words everywhere.
pub(in crate::db) fn store_error(error: diesel::result::Error) -> Error {
    const PASSING: &[&str] = &[
        "is locked",
        "locking protocol",
        "is full",
        "disk I/O error",
        "unable to open database file",
        "out of memory",
    ];
    match error {
        diesel::result::Error::DatabaseError(Kind::UniqueViolation, _) => {
            Error::Conflict(Conflict::Duplicate)
        }
        diesel::result::Error::DatabaseError(Kind::Unknown, info)
            if PASSING.iter().any(|passing| info.message().contains(passing)) =>
        {
            unavailable(info.message())
        }
        other => Error::internal(other),
    }
}
