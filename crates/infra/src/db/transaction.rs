//! Beginning, ending, and what lies between.

use super::unavailable;
use crate::queue::Waits;
use diesel::Connection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::Error as DieselError;
use haat_domain::error::{Error, Result};
use haat_domain::ids::TenantId;
use haat_domain::ports::{Access, Work};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A unit of work that waits for its turn.
pub(super) struct Unit {
    pub(super) tenant: Option<TenantId>,
    pub(super) access: Access,
    pub(super) work: Box<dyn Work>,
}

impl Unit {
    /// There is no room where it should wait.
    pub(super) fn refuse(self) {
        self.work.settle(Err(unavailable("too much work is waiting")));
    }
}

impl Waits for Unit {
    fn give_up(self) {
        self.work.settle(Err(unavailable("it has waited too long for its turn")));
    }

    /// Reads do not wait for one another.
    fn store(&self) -> Option<TenantId> {
        self.tenant.filter(|_| self.access == Access::Write)
    }
}

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
