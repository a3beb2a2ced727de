//! What is said otherwise on PostgreSQL.

use crate::db::unavailable;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind as Kind;
use haat_domain::audit::Link;
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::ids::TenantId;

pub(in crate::db) type Conn = PgConnection;
pub(in crate::db) type Db = diesel::pg::Pg;

diesel::define_sql_function! {
    /// Where the second text begins in the first, counted from 1; 0 if it does not occur.
    #[sql_name = "strpos"]
    fn position(text: diesel::sql_types::Text, part: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}

diesel::define_sql_function! {
    /// The next number of a sequence.
    fn nextval(sequence: diesel::sql_types::Text) -> diesel::sql_types::BigInt;
}

/// PostgreSQL has statistics.
macro_rules! rare {
    ($asked:expr) => {
        $asked
    };
}
pub(in crate::db) use rare;

macro_rules! for_update {
    ($query:expr) => {
        // Not FOR UPDATE: that would also stop whoever inserts a row that refers to this one.
        $query.for_no_key_update()
    };
}
pub(in crate::db) use for_update;

/// The number of a row that is about to be inserted: an expression, so that it costs no trip of its own.
#[expect(clippy::unnecessary_wraps, reason = "SQLite's can fail")]
pub(in crate::db) fn new_id(_: &mut Conn, table: &str) -> Result<nextval<String>> {
    Ok(nextval(format!("{table}_id_seq")))
}

/// The next number of a table's rows.
pub(in crate::db) fn draw_id(conn: &mut Conn, table: &str) -> Result<i64> {
    diesel::select(nextval(format!("{table}_id_seq"))).get_result(conn).map_err(store_error)
}

statement! {
    Head { tenant: i64 } -> (diesel::sql_types::BigInt, diesel::sql_types::Text) =
        "INSERT INTO audit_heads (tenant_id, last_number, link) VALUES (" tenant ", 0, '')"
        " ON CONFLICT (tenant_id) DO UPDATE SET link = audit_heads.link RETURNING last_number, link"
}

/// The end of a tenant's audit log. What is not there cannot be locked: so it is there from now on, and the upsert
/// holds it until the transaction ends.
pub(in crate::db) fn hold_head(conn: &mut Conn, tenant: i64) -> Result<(i64, Link)> {
    let (last, link): (i64, String) = Head { tenant }.get_result(conn).map_err(store_error)?;
    Ok((last, Link::from_stored(link)))
}

/// Has the table's numbers go on behind this one. ALTER SEQUENCE and not `setval`: nobody draws a number from here to
/// the COMMIT, so that none is given out twice, and a ROLLBACK takes it back. Only the owner may.
pub(in crate::db) fn skip_to(conn: &mut Conn, table: &str, last: i64) -> Result<()> {
    let sequence = format!("{table}_id_seq");
    let next = format!("last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM {sequence}");
    // Changes nothing, and waits for whoever has drawn a number and not yet committed.
    conn.batch_execute(&format!("ALTER SEQUENCE {sequence} NO CYCLE")).map_err(store_error)?;
    let next: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&next))
        .get_result(conn)
        .map_err(store_error)?;
    let wanted = last.saturating_add(1);
    if next < wanted {
        conn.batch_execute(&format!("ALTER SEQUENCE {sequence} RESTART WITH {wanted}"))
            .map_err(store_error)?;
    }
    Ok(())
}

/// Rows are read one by one: libpq's usual way keeps a whole answer in memory.
pub(in crate::db) type RowByRow = diesel::pg::PgRowByRowLoadingMode;

/// A transaction that sees one state of everything.
pub(in crate::db) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A transaction that fills a store.
pub(in crate::db) const FILL: &str = "BEGIN";

/// Puts the rest of the transaction into a role that is subject to the walls, or takes it out again.
pub(in crate::db) fn act_as(conn: &mut Conn, role: Option<&str>) -> Result<()> {
    let role = role.map_or("NONE".to_owned(), quoted);
    conn.batch_execute(&format!("SET LOCAL ROLE {role}")).map_err(store_error)
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Moves the transaction's row-level security to this tenant: a literal, alone in its message, for Citus to forward.
pub(in crate::db) fn enter(conn: &mut Conn, tenant: TenantId) -> Result<()> {
    conn.batch_execute(&set_tenant(tenant)).map_err(store_error)
}

pub(super) fn set_tenant(tenant: TenantId) -> String {
    format!("SET LOCAL app.tenant_id = '{tenant}'")
}

/// Behind a query for rows that nobody else holds: who tidies up waits for nobody.
pub(in crate::db) const SKIP_LOCKED: &str = " FOR UPDATE SKIP LOCKED";

/// Which quarter of an hour since the Unix epoch `created_at` is in.
pub(in crate::db) const QUARTER: &str = "CAST(floor(extract(epoch FROM created_at) / 900) AS bigint)";

/// Whether somebody else held a row for too long.
pub(in crate::db) fn is_lock_timeout(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, info) if info.message().contains("lock timeout"))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all others are internal errors")]
/// An engine's error as the domain's. Deadlocks and time-outs have no kind of their own in diesel, nor is there a way to
/// their SQLSTATE, so that the server must speak English: `haat check` sees to it.
pub(in crate::db) fn store_error(error: diesel::result::Error) -> Error {
    const PASSING: &[&str] = &[
        "deadlock",
        "timeout",
        "canceling statement",
        "shutting down",
        "terminating connection",
        "starting up",
        "recovery mode",
        "server closed the connection",
        "no connection to the server",
        "could not send data",
        "could not receive data",
        "connection has been closed",
        "too many clients",
        "remaining connection slots",
        "No space left on device",
        "out of memory",
        "out of shared memory",
    ];
    match error {
        diesel::result::Error::DatabaseError(Kind::UniqueViolation, _) => {
            Error::Conflict(Conflict::Duplicate)
        }
        // Read-only: a server whose disk is full, or that another one has taken over from.
        diesel::result::Error::DatabaseError(
            Kind::SerializationFailure
            | Kind::ClosedConnection
            | Kind::UnableToSendCommand
            | Kind::ReadOnlyTransaction,
            info,
        ) => unavailable(info.message()),
        diesel::result::Error::DatabaseError(Kind::Unknown, info)
            if PASSING.iter().any(|passing| info.message().contains(passing)) =>
        {
            unavailable(info.message())
        }
        diesel::result::Error::BrokenTransactionManager => unavailable("the connection broke"),
        other => Error::internal(other),
    }
}
