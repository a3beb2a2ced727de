//! Beginning, ending, and what lies between.

use diesel::Connection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::Error as DieselError;
use haat_domain::error::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work` in the transaction that has just begun on this connection and ends it: `Ok(true)` commits, all else
/// rolls back; a panic comes out as an error. The inner result is the work's; the outer one says that the transaction
/// itself could not be ended, and that nobody may rely on it.
pub(super) fn run<C>(
    conn: &mut C,
    store_error: fn(DieselError) -> Error,
    work: impl FnOnce(&mut C) -> Result<bool>,
) -> Result<Result<()>>
where
    C: Connection<TransactionManager = AnsiTransactionManager>,
{
    // Nothing of the work is looked at after a panic but the connection, and that is rolled back.
    let keep = catch_unwind(AssertUnwindSafe(|| work(conn)));
    let keep = keep.unwrap_or_else(|_| Err(Error::internal("the work panicked")));
    if let Ok(true) = keep {
        AnsiTransactionManager::commit_transaction(conn).map_err(|error| {
            // A COMMIT that failed leaves SQLite inside the transaction.
            let _ = AnsiTransactionManager::rollback_transaction(conn);
            store_error(error)
        })?;
    } else {
        AnsiTransactionManager::rollback_transaction(conn).map_err(store_error)?;
    }
    Ok(keep.map(drop))
}

/// Begins a transaction with this statement.
pub(super) fn begin<C>(conn: &mut C, sql: &str) -> Result<(), DieselError>
where
    C: Connection<TransactionManager = AnsiTransactionManager>,
{
    AnsiTransactionManager::begin_transaction_sql(conn, sql)
}
