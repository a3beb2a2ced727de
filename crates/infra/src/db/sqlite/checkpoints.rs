//! What was committed, on its way from the write-ahead log into the file. SQLite would have the writer move it within a
//! COMMIT, for which all that wait would wait (docs/adr/0021-what-a-request-costs.md).

use crate::queue;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use haat_domain::error::Result;
use std::sync::mpsc::{SyncSender, sync_channel};

/// So many pages that have not been moved yet are worth moving: 2 MiB.
const MUCH: i32 = 512;

/// So many pages are too many for the log: 64 MiB.
pub(super) const LONG: i32 = 16_000;

/// The writer's side of the thread that moves.
pub(super) struct Checkpoints {
    time: SyncSender<()>,
    /// To have the log begin anew; it waits for nobody for long.
    again: SqliteConnection,
    long: i32,
    limit: i32,
}

impl Checkpoints {
    /// Begins, with connections of its own.
    pub(super) fn start(mut mover: SqliteConnection, again: SqliteConnection, long: i32) -> Result<Self> {
        let (time, told) = sync_channel(1);
        queue::spawn("sqlite-checkpoint", move || {
            while told.recv().is_ok() {
                checkpoint(&mut mover, "PRAGMA wal_checkpoint(PASSIVE)");
            }
        })?;
        Ok(Self { time, again, long, limit: long })
    }

    /// After a COMMIT, on the writer's own connection.
    pub(super) fn committed(&mut self, conn: &mut SqliteConnection) {
        let Some(Log { pages, moved, .. }) = checkpoint(conn, "PRAGMA wal_checkpoint(NOOP)") else { return };
        self.limit = self.limit.min(pages.saturating_add(self.long));
        if pages > self.limit {
            // Beside a writer that goes on, whatever is moved ends behind the log's end, and it grows and grows: for
            // once the writer does it, when little is left, and what waits waits. The log keeps its length, for to
            // write over what is there is cheaper for the disk than to make a file longer.
            let end = checkpoint(&mut self.again, "PRAGMA wal_checkpoint(RESTART)");
            // Where somebody reads for long it cannot begin anew, or where another process writes just now: not tried
            // again before it has grown as much again.
            if end.is_some_and(|log| log.busy != 0 && !log.is_being_moved()) {
                self.limit = pages.saturating_add(self.long);
            }
        } else if pages - moved >= MUCH {
            // Full: it was told already.
            let _ = self.time.try_send(());
        }
    }
}

#[derive(QueryableByName)]
struct Log {
    #[diesel(sql_type = Integer)]
    busy: i32,
    #[diesel(sql_type = Integer, column_name = "log")]
    pages: i32,
    #[diesel(sql_type = Integer, column_name = "checkpointed")]
    moved: i32,
}

impl Log {
    /// Whether somebody else is at it, so that nothing is known.
    fn is_being_moved(&self) -> bool {
        self.pages < 0
    }
}

fn checkpoint(conn: &mut SqliteConnection, how: &str) -> Option<Log> {
    let told = diesel::sql_query(how).get_result(conn);
    told.inspect_err(|error| {
        tracing::warn!(%error, "what is in the write-ahead log was not moved into the file");
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::super::store::establish;
    use super::*;
    use diesel::connection::SimpleConnection;
    use std::path::Path;
    use std::time::{Duration, Instant};

    fn open(folder: &Path) -> SqliteConnection {
        let mut conn = establish(folder.join("a.db").to_str().unwrap()).unwrap();
        conn.batch_execute(
            "PRAGMA busy_timeout = 100; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0",
        )
        .unwrap();
        conn
    }

    /// Until then, or it does not happen.
    fn deadline() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn what_one_large_unit_has_written_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = open(folder.path());
        let mut checkpoints = Checkpoints::start(open(folder.path()), open(folder.path()), LONG).unwrap();
        let size = MUCH * 4096;
        writer.batch_execute("CREATE TABLE things (thing BLOB)").unwrap();
        writer.batch_execute(&format!("INSERT INTO things VALUES (zeroblob({size}))")).unwrap();
        checkpoints.committed(&mut writer);
        let deadline = deadline();
        loop {
            let log = checkpoint(&mut writer, "PRAGMA wal_checkpoint(NOOP)").unwrap();
            if log.moved == log.pages {
                break;
            }
            assert!(Instant::now() < deadline, "{} of {} pages are moved", log.moved, log.pages);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_log_that_is_too_long_begins_anew_and_nobody_waits_for_long_readers() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, mut reader) = (open(folder.path()), open(folder.path()));
        writer.batch_execute("CREATE TABLE things (thing BLOB)").unwrap();
        let pages = || std::fs::metadata(folder.path().join("a.db-wal")).unwrap().len() / 4096;
        let mut checkpoints = Checkpoints::start(open(folder.path()), open(folder.path()), 50).unwrap();
        let mut write_until = |done: &dyn Fn(u64) -> bool| {
            let (deadline, mut written) = (deadline(), 0);
            while !done(written) {
                assert!(Instant::now() < deadline, "the log has {} pages after {written} more", pages());
                writer.batch_execute("INSERT INTO things VALUES (zeroblob(9000))").unwrap();
                checkpoints.committed(&mut writer);
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
