use super::dialect::store_error;
use super::repos::{STEP_BY_STEP, Session};
use crate::db::{transaction, unavailable};
use crate::workers::Workers;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use haat_domain::error::{Error, Result};
use haat_domain::ids::TenantId;
use haat_domain::ports::{Access, Store, Work};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// What a COMMIT waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// The disk: an acknowledged write survives the loss of power.
    #[default]
    Full,
    /// The operating system: an acknowledged write survives the program's end, not the machine's.
    Normal,
}

/// How to use a SQLite file.
#[derive(Debug, Clone, Copy)]
pub struct SqliteOptions {
    /// Connections for reading.
    pub readers: u32,
    /// What a COMMIT waits for.
    pub synchronous: Synchronous,
    /// How long to wait for another process's write.
    pub busy_timeout: Duration,
    /// How many writes may wait their turn; more are refused.
    pub queue: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { readers: 4, synchronous: Synchronous::Full, busy_timeout: Duration::from_secs(5), queue: 1024 }
    }
}

/// At most so many units of work share a COMMIT: enough to hide the disk, few enough to answer soon.
const BATCH: usize = 64;

/// A store in a SQLite file.
pub struct SqliteStore {
    readers: Pool<ConnectionManager<SqliteConnection>>,
    scans: Workers,
    writer: SyncSender<Job>,
}

type Job = (Option<TenantId>, Box<dyn Work>);

impl SqliteStore {
    /// Opens a file whose schema is there.
    pub fn open(path: &Path, options: &SqliteOptions) -> Result<Self> {
        let conn = connect(path, options)?;
        let readers = Pool::builder()
            .max_size(options.readers)
            .test_on_check_out(false)
            .connection_timeout(options.busy_timeout)
            .connection_customizer(Box::new(Reader { pragmas: pragmas(options) }))
            .build(ConnectionManager::new(file_name(path)?))
            .map_err(unavailable)?;
        let (writer, jobs) = sync_channel(options.queue);
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write_all(conn, &jobs))
            .map_err(unavailable)?;
        let threads = usize::try_from(options.readers).unwrap_or(1).div_ceil(2);
        Ok(Self { readers, scans: Workers::start("sqlite-scan", threads, options.queue)?, writer })
    }
}

/// Opens the file, which is made with mode 0600 where there is none.
pub(crate) fn connect(path: &Path, options: &SqliteOptions) -> Result<SqliteConnection> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(unavailable)?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(unavailable)?;
    let mut conn = establish(file_name(path)?)?;
    conn.batch_execute(&pragmas(options)).map_err(store_error)?;
    Ok(conn)
}

/// Opens a file that is there: what only looks must not make one.
pub(in crate::db) fn existing(path: &Path, options: &SqliteOptions) -> Result<SqliteConnection> {
    if path.is_file() {
        connect(path, options)
    } else {
        Err(unavailable(format!("there is no file {}", path.display())))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that opens SQLite connections")]
pub(super) fn establish(path: &str) -> Result<SqliteConnection> {
    SqliteConnection::establish(path).map_err(unavailable)
}

pub(super) fn file_name(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| unavailable("the path of the database is not UTF-8"))
}

/// `busy_timeout` comes first: the switch to WAL takes a lock itself.
fn pragmas(options: &SqliteOptions) -> String {
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY; \
         PRAGMA mmap_size = 268435456; PRAGMA trusted_schema = OFF;",
        options.busy_timeout.as_millis()
    )
}

#[derive(Debug)]
struct Reader {
    pragmas: String,
}

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Reader {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute(&format!("{} PRAGMA query_only = ON;", self.pragmas))
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

impl Store for SqliteStore {
    fn submit(&self, tenant: Option<TenantId>, access: Access, work: Box<dyn Work>) {
        match access {
            Access::Read => read(&self.readers, tenant, work),
            Access::Scan => {
                let readers = self.readers.clone();
                crate::workers::hand_over(&self.scans, work, move |work| read(&readers, tenant, work));
            }
            Access::Write => {
                if let Err(TrySendError::Full((_, work)) | TrySendError::Disconnected((_, work))) =
                    self.writer.try_send((tenant, work))
                {
                    work.settle(Err(unavailable("too many writes are waiting")));
                }
            }
        }
    }

    fn ready(&self) -> Result<()> {
        let mut conn = self.readers.get().map_err(unavailable)?;
        crate::db::migrate::check_current(&mut *conn)
    }
}

fn read(
    readers: &Pool<ConnectionManager<SqliteConnection>>,
    tenant: Option<TenantId>,
    mut work: Box<dyn Work>,
) {
    let end = readers.get().map_err(unavailable).and_then(|mut conn| {
        transaction::begin(&mut *conn, "BEGIN").map_err(store_error)?;
        transaction::run(&mut *conn, store_error, |conn| {
            Ok(work.run(&mut Session::begun(conn, tenant, STEP_BY_STEP)))
        })?
    });
    work.settle(end);
}

/// Group commit: all that waits is done in one transaction, each unit of work in a savepoint of its own, and settled
/// when the common COMMIT is on the disk. Durability is nearly free that way, and writers do not fight for the file.
fn write_all(mut conn: SqliteConnection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        match transaction::begin(&mut conn, "BEGIN IMMEDIATE") {
            Ok(()) => write_batch(&mut conn, first, jobs),
            Err(error) => first.1.settle(Err(store_error(error))),
        }
    }
}

fn write_batch(conn: &mut SqliteConnection, first: Job, jobs: &Receiver<Job>) {
    let mut done = Vec::with_capacity(BATCH);
    let mut next = Some(first);
    let mut lost = None;
    while let Some((tenant, mut work)) = next.take() {
        match in_savepoint(conn, tenant, work.as_mut()) {
            Ok(end) => done.push((work, end)),
            // A savepoint that cannot be opened or closed: SQLite gave the whole transaction up (disk full, IO error).
            Err(error) => {
                lost = Some(cause(&error));
                done.push((work, Err(error)));
                break;
            }
        }
        if done.len() < BATCH {
            next = jobs.try_recv().ok();
        }
    }
    if lost.is_none() {
        lost = AnsiTransactionManager::commit_transaction(conn).err().map(|error| error.to_string());
    }
    if lost.is_some() {
        // It may be gone already; if it is not, it must go.
        let _ = AnsiTransactionManager::rollback_transaction(conn);
    }
    for (work, end) in done {
        work.settle(lost.as_ref().map_or(end, |cause| Err(unavailable(cause))));
    }
}

fn cause(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn in_savepoint(
    conn: &mut SqliteConnection,
    tenant: Option<TenantId>,
    work: &mut dyn Work,
) -> Result<Result<()>> {
    AnsiTransactionManager::begin_transaction(conn).map_err(store_error)?;
    transaction::run(conn, store_error, |conn| Ok(work.run(&mut Session::begun(conn, tenant, STEP_BY_STEP))))
}
