use super::batches::Batches;
use super::checkpoints::{Checkpoints, LONG};
use super::dialect::store_error;
use super::repos::{STEP_BY_STEP, Session};
use crate::db::transaction::Unit;
use crate::db::{pool_vitals, transaction, unavailable};
use crate::queue::{self, Bounds, Entrance, Queue};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection};
use haat_domain::error::{Error, Result};
use haat_domain::ids::TenantId;
use haat_domain::ports::{Access, Store, Vitals, Work};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
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
    /// How long one may wait for its turn, or for a connection; after that it is not begun any more.
    pub patience: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: 4,
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(5),
            queue: 1024,
            patience: Duration::from_secs(1),
        }
    }
}

/// At most so many units of work share a COMMIT: enough to hide the disk, few enough to answer soon.
const BATCH: usize = 64;

/// What the writer keeps of the file in memory, in KiB. An order changes ten pages, and busy stores share none of them:
/// with SQLite's own 2 MiB the pages of a hundred stores are read from the log again and again.
const WRITER_CACHE: u32 = 8192;

/// Writes wait no longer than this for those who keep the log from beginning anew.
const BRIEF: Duration = Duration::from_millis(100);

/// A store in a SQLite file.
pub struct SqliteStore {
    readers: Readers,
    scans: Entrance<Unit>,
    writes: Entrance<Unit>,
    batches: Arc<Batches>,
}

/// Connections for reading, and how long anybody waits for one.
#[derive(Clone)]
struct Readers {
    pool: Pool<ConnectionManager<SqliteConnection>>,
    patience: Duration,
}

impl SqliteStore {
    /// Opens a file whose schema is there.
    pub fn open(path: &Path, options: &SqliteOptions) -> Result<Self> {
        let mut conn = connect(path, options)?;
        let readers = Pool::builder()
            .max_size(options.readers)
            .test_on_check_out(false)
            .connection_timeout(options.busy_timeout)
            .connection_customizer(Box::new(Reader { pragmas: pragmas(options) }))
            .build(ConnectionManager::new(file_name(path)?))
            .map_err(unavailable)?;
        let bounds = Bounds { capacity: options.queue, patience: options.patience, of_one_store: None };
        let (writes, scans) = (Entrance::open("writes", bounds)?, Entrance::open("scans", bounds)?);
        let batches = Arc::new(Batches::default());
        let (waiting, sizes) = (writes.exit(), Arc::clone(&batches));
        conn.batch_execute(&format!("PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -{WRITER_CACHE}"))
            .map_err(store_error)?;
        let brief = SqliteOptions { busy_timeout: BRIEF, ..*options };
        let checkpoints = Checkpoints::start(connect(path, options)?, connect(path, &brief)?, LONG)?;
        queue::spawn("sqlite-writer", move || write_all(conn, &waiting, &sizes, checkpoints))?;
        let threads = usize::try_from(options.readers).unwrap_or(1).div_ceil(2);
        let readers = Readers { pool: readers, patience: options.patience };
        let scanners = readers.clone();
        scans.serve("sqlite-scan", threads, move |unit: Unit, _| scanners.read(unit.tenant, unit.work))?;
        Ok(Self { readers, scans, writes, batches })
    }
}

/// Opens the file, which is made with mode 0600 where there is none.
pub(crate) fn connect(path: &Path, options: &SqliteOptions) -> Result<SqliteConnection> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(unavailable)?;
    }
    match OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(unavailable(error)),
        // Never opened where there is one: to close it again would end the locks that this process has on it (POSIX).
        Ok(_) | Err(_) => {}
    }
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
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;",
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
        let queue = match access {
            Access::Read => return self.readers.read(tenant, work),
            Access::Scan => &self.scans,
            Access::Write => &self.writes,
        };
        if let Err(unit) = queue.put(Unit { tenant, access, work }) {
            unit.refuse();
        }
    }

    fn ready(&self) -> Result<()> {
        let mut conn = self.readers.get()?;
        crate::db::migrate::check_current(&mut *conn)
    }

    fn vitals(&self) -> Vitals {
        Vitals {
            queues: vec![self.writes.vitals(), self.scans.vitals()],
            pools: vec![pool_vitals("readers", &self.readers.pool)],
            batches: Some(self.batches.vitals()),
        }
    }
}

impl Readers {
    fn get(&self) -> Result<PooledConnection<ConnectionManager<SqliteConnection>>> {
        self.pool.get_timeout(self.patience).map_err(unavailable)
    }

    fn read(&self, tenant: Option<TenantId>, mut work: Box<dyn Work>) {
        let end = self.get().and_then(|mut conn| {
            transaction::begin(&mut *conn, "BEGIN").map_err(store_error)?;
            transaction::run(&mut *conn, store_error, |conn| {
                Ok(work.run(&mut Session::begun(conn, tenant, STEP_BY_STEP)))
            })?
        });
        work.settle(end);
    }
}

/// Group commit: all that waits is done in one transaction, each unit of work in a savepoint of its own, and settled
/// when the common COMMIT is on the disk. Durability is nearly free that way, and writers do not fight for the file.
fn write_all(
    mut conn: SqliteConnection,
    waiting: &Queue<Unit>,
    batches: &Batches,
    mut checkpoints: Checkpoints,
) {
    while let Some((_, first)) = waiting.take() {
        match transaction::begin(&mut conn, "BEGIN IMMEDIATE") {
            Ok(()) => {
                let size = write_batch(&mut conn, first, waiting);
                batches.count(size);
                checkpoints.committed(&mut conn);
            }
            Err(error) => first.work.settle(Err(store_error(error))),
        }
    }
}

/// Says how many units of work were in it.
fn write_batch(conn: &mut SqliteConnection, first: Unit, waiting: &Queue<Unit>) -> usize {
    let mut done = Vec::with_capacity(BATCH);
    let mut next = Some(first);
    let mut lost = None;
    while let Some(Unit { tenant, mut work, .. }) = next.take() {
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
            next = waiting.take_now();
        }
    }
    if lost.is_none() {
        lost = AnsiTransactionManager::commit_transaction(conn).err().map(|error| error.to_string());
    }
    if lost.is_some() {
        // It may be gone already; if it is not, it must go.
        let _ = AnsiTransactionManager::rollback_transaction(conn);
    }
    let size = done.len();
    for (work, end) in done {
        work.settle(lost.as_ref().map_or(end, |cause| Err(unavailable(cause))));
    }
    size
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
