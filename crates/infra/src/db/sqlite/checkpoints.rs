//! What was committed, on its way from the write-ahead log into the file. SQLite would have the writer move it within a
//! COMMIT, for which all that wait would wait (docs/adr/0021-what-a-request-costs.md).

use crate::queue;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use haat_domain::error::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

/// After so many units of work, large or small, it is time to move what they have written.
const MUCH: usize = 32;

/// So many pages are too many for the log: 64 MiB.
pub(super) const LONG: i32 = 16_000;

/// The writer's side of the thread that moves.
pub(super) struct Checkpoints {
    units: usize,
    time: SyncSender<()>,
    /// The log is too long, and the thread waits until the writer has seen to it.
    too_long: Arc<AtomicBool>,
}

impl Checkpoints {
    /// Begins, with a connection of its own.
    pub(super) fn start(mut conn: SqliteConnection, long: i32) -> Result<Self> {
        let ((time, told), too_long) = (sync_channel(1), Arc::<AtomicBool>::default());
        let found = Arc::clone(&too_long);
        queue::spawn("sqlite-checkpoint", move || {
            let mut limit = long;
            while told.recv().is_ok() {
                if found.load(Ordering::Acquire) {
                    continue;
                }
                let pages = checkpoint(&mut conn, "PRAGMA wal_checkpoint(PASSIVE)");
                if pages > limit {
                    found.store(true, Ordering::Release);
                }
                // Where somebody reads for long it cannot begin anew: not tried again before it has grown as much again.
                limit =
                    if pages > limit { pages.saturating_add(long) } else { limit.min(pages.max(0) + long) };
            }
        })?;
        Ok(Self { units: 0, time, too_long })
    }

    /// After a COMMIT of so many units of work, on the writer's own connection.
    pub(super) fn committed(&mut self, conn: &mut SqliteConnection, units: usize) {
        if self.too_long.load(Ordering::Acquire) {
            // Beside a writer that goes on, whatever is moved ends behind the log's end, and it grows and grows: for
            // once the writer does it, when little is left, and what waits waits. The log keeps its length, for to
            // write over what is there is cheaper for the disk than to make a file longer.
            checkpoint(conn, "PRAGMA wal_checkpoint(RESTART)");
            self.too_long.store(false, Ordering::Release);
        }
        self.units = self.units.saturating_add(units);
        // Full: it was told already.
        if self.units >= MUCH && self.time.try_send(()).is_ok() {
            self.units = 0;
        }
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Integer)]
    log: i32,
}

/// How many pages the log has.
fn checkpoint(conn: &mut SqliteConnection, how: &str) -> i32 {
    match diesel::sql_query(how).get_result::<Found>(conn) {
        Ok(found) => found.log,
        Err(error) => {
            tracing::warn!(%error, "what is in the write-ahead log was not moved into the file");
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::store::establish;
    use super::*;
    use diesel::connection::SimpleConnection;
    use std::time::{Duration, Instant};

    #[test]
    fn a_log_that_is_too_long_begins_anew_and_nobody_waits_for_long_readers() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let open = || {
            let mut conn = establish(file.to_str().unwrap()).unwrap();
            conn.batch_execute(
                "PRAGMA busy_timeout = 100; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0",
            )
            .unwrap();
            conn
        };
        let (mut writer, mut reader) = (open(), open());
        writer.batch_execute("CREATE TABLE things (thing BLOB)").unwrap();
        let pages = || std::fs::metadata(folder.path().join("a.db-wal")).unwrap().len() / 4096;
        let mut checkpoints = Checkpoints::start(open(), 50).unwrap();
        let mut write_until = |done: &dyn Fn(u64) -> bool| {
            let (deadline, mut written) = (Instant::now() + Duration::from_secs(20), 0);
            while !done(written) {
                assert!(Instant::now() < deadline, "the log has {} pages after {written} more", pages());
                writer.batch_execute("INSERT INTO things VALUES (zeroblob(9000))").unwrap();
                checkpoints.committed(&mut writer, MUCH);
                written += 3;
            }
        };
        write_until(&|written| written > 4 * pages());
        reader.batch_execute("BEGIN; SELECT count(*) FROM things").unwrap();
        let before = pages();
        write_until(&|_| pages() > before + 400);
        reader.batch_execute("COMMIT").unwrap();
        write_until(&|written| written > 4 * pages());
    }
}
