use super::dialect::{SNAPSHOT, quoted, set_tenant, store_error};
use super::overdue::{Backend, Sessions, Watched};
use super::placing::AT_ONCE;
use super::repos::{STEP_BY_STEP, Session};
use super::url;
use crate::db::transaction::Unit;
use crate::db::{pool_vitals, transaction, unavailable};
use crate::queue::{Bounds, Entrance};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, NopErrorHandler, Pool, PooledConnection};
use haat_domain::error::Result;
use haat_domain::ids::TenantId;
use haat_domain::ports::{Access, Store, Vitals, Work};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

type Manager = ConnectionManager<PgConnection>;

/// How to use a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PgOptions {
    /// Connections; as many units of work run at once.
    pub pool: u32,
    /// The role in which sessions work, whoever logs in.
    pub role: String,
    /// How long to wait for a connection.
    pub connection_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long a statement may take whose work grows with the store.
    pub scan_timeout: Duration,
    /// How long a statement may wait for a lock.
    pub lock_timeout: Duration,
    /// How many units of work may wait their turn; more are refused.
    pub queue: usize,
    /// How long one may wait for its turn and for a connection; after that it is not begun any more.
    pub patience: Duration,
}

impl Default for PgOptions {
    fn default() -> Self {
        Self {
            pool: 8,
            role: "haat_app".to_owned(),
            connection_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(2),
            scan_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(1),
            queue: 1024,
            patience: Duration::from_secs(1),
        }
    }
}

/// So many writes of one store run at once. Nearly all need the end of its audit log, so that they come one after the
/// other: one has it, one is on its way there, and any more would hold connections that other stores wait for.
const ABREAST: usize = 2;

/// A store in a PostgreSQL database.
pub struct PgStore {
    server: Server,
    work: Entrance<Unit>,
    scans: Entrance<Unit>,
}

type NewPool = Arc<dyn Fn() -> Pool<Manager> + Send + Sync>;

/// Connections, and how they are used.
#[derive(Clone)]
struct Server {
    name: &'static str,
    /// What the queues for them are called: of what is short, and of what may take long.
    queues: [&'static str; 2],
    /// The pool, and how many there were before it.
    pool: Arc<RwLock<(u64, Pool<Manager>)>>,
    /// A new pool, where there is another server to go to when this one can no longer be written to.
    elsewhere: Option<NewPool>,
    begin: Begin,
    /// How a transaction begins that changes nothing.
    reading: &'static str,
    patience: Duration,
    statement_timeout: Duration,
    scan_timeout: Duration,
    sessions: Arc<Sessions>,
}

impl Server {
    fn pool(&self) -> (u64, Pool<Manager>) {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives all connections of this pool up, if nobody has yet: what is read on them may be no longer so.
    fn leave(&self, left: u64) {
        let mut pool = self.pool.write().unwrap_or_else(PoisonError::into_inner);
        if let (Some(elsewhere), true) = (&self.elsewhere, pool.0 == left) {
            *pool = (left.wrapping_add(1), elsewhere());
        }
    }
}

impl PgStore {
    /// Opens a database whose schema is there.
    pub fn open(url: &str, options: &PgOptions) -> Result<Self> {
        // Asked of one connection first: a pool would only say that it timed out.
        let citus = has_citus(&mut connect(url, options)?)?;
        let whole = url::tended(&url::primary(url));
        let first = pool(options).build(Manager::new(&whole)).map_err(unavailable)?;
        let server = Server {
            name: "postgres",
            queues: ["work", "scans"],
            pool: Arc::new(RwLock::new((0, first))),
            elsewhere: url::names_several_hosts(url).then(|| new_pool(url, options)),
            begin: if citus { Begin::InTwo } else { Begin::InOne },
            reading: "BEGIN READ ONLY",
            patience: options.patience,
            statement_timeout: options.statement_timeout,
            scan_timeout: options.scan_timeout,
            sessions: Sessions::watched(whole)?,
        };
        Self::start(server, options)
    }

    /// A standby of this database, for reading. It may be away for now. Each transaction sees one moment.
    pub fn standby(&self, url: &str, options: &PgOptions) -> Result<Self> {
        let url = url::tended(url);
        let pool = pool(options)
            // Whoever asks it tells about it, once.
            .error_handler(Box::new(NopErrorHandler))
            .build_unchecked(Manager::new(&url));
        let server = Server {
            name: "postgres-standby",
            queues: ["standby-work", "standby-scans"],
            pool: Arc::new(RwLock::new((0, pool))),
            elsewhere: None,
            begin: self.server.begin,
            reading: SNAPSHOT,
            // Whoever comes in vain is served by the database.
            patience: options.patience / 2,
            statement_timeout: options.statement_timeout,
            scan_timeout: options.scan_timeout,
            sessions: Sessions::watched(url)?,
        };
        Self::start(server, options)
    }

    fn start(server: Server, options: &PgOptions) -> Result<Self> {
        let bounds =
            Bounds { capacity: options.queue, patience: server.patience, of_one_store: Some(ABREAST) };
        let [work, scans] = server.queues;
        let (work, scans) = (Entrance::open(work, bounds)?, Entrance::open(scans, bounds)?);
        let connections = server.clone();
        let run = move |mut unit: Unit, since: Instant| {
            let end = begin_and_run(&connections, since + connections.patience, &mut unit);
            unit.work.settle(end);
        };
        let threads = usize::try_from(options.pool).unwrap_or(1);
        work.serve("postgres", threads, run.clone())?;
        // Half of the connections stay free of what may take long.
        scans.serve("postgres-scan", threads.div_ceil(2), run)?;
        Ok(Self { server, work, scans })
    }
}

fn new_pool(url: &str, options: &PgOptions) -> NewPool {
    let (url, options) = (url::tended(&url::primary(url)), options.clone());
    Arc::new(move || pool(&options).build_unchecked(Manager::new(&url)))
}

fn pool(options: &PgOptions) -> diesel::r2d2::Builder<Manager> {
    Pool::builder()
        .max_size(options.pool)
        .test_on_check_out(false)
        .connection_timeout(options.connection_timeout)
        .connection_customizer(Box::new(AppRole { sql: session(options) }))
}

/// Opens one connection in the application's role.
pub(in crate::db) fn connect(url: &str, options: &PgOptions) -> Result<PgConnection> {
    in_role(establish(url)?, options)
}

/// The same to a standby.
pub(in crate::db) fn connect_standby(url: &str, options: &PgOptions) -> Result<PgConnection> {
    in_role(to(&url::tended(url))?, options)
}

fn in_role(mut conn: PgConnection, options: &PgOptions) -> Result<PgConnection> {
    conn.batch_execute(&session(options)).map_err(|error| {
        // The first migration makes the role, and nothing works before.
        unavailable(format!("{}; has `haat migrate` been run?", error.to_string().trim_end()))
    })?;
    Ok(conn)
}

/// Opens one connection as whoever the URL says, to a server that can be written to.
pub(crate) fn establish(url: &str) -> Result<PgConnection> {
    to(&url::tended(&url::primary(url)))
}

#[expect(clippy::disallowed_methods, reason = "the one place that opens PostgreSQL connections")]
pub(super) fn to(url: &str) -> Result<PgConnection> {
    PgConnection::establish(url).map_err(unavailable)
}

/// What every session begins with. The login may own the tables; the session's role does not.
fn session(options: &PgOptions) -> String {
    format!(
        "SET ROLE {}; SET statement_timeout = {}; SET lock_timeout = {}; \
         SET idle_in_transaction_session_timeout = {};",
        quoted(&options.role),
        options.statement_timeout.as_millis(),
        options.lock_timeout.as_millis(),
        options.statement_timeout.as_millis() * u128::from(OVERDUE),
    )
}

fn has_citus(conn: &mut PgConnection) -> Result<bool> {
    diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(
        "EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')",
    ))
    .get_result(conn)
    .map_err(store_error)
}

#[derive(Debug)]
struct AppRole {
    sql: String,
}

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for AppRole {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute(&self.sql).map_err(diesel::r2d2::Error::QueryError)
    }
}

/// How a transaction and its tenant are announced: in one message, which saves a round trip, or in two, since Citus
/// forwards the whole message of a SET LOCAL to its workers. Nor is it known to draw a sequence's number in the midst of
/// a statement for a worker.
#[derive(Debug, Clone, Copy)]
enum Begin {
    InOne,
    InTwo,
}

impl Store for PgStore {
    fn submit(&self, tenant: Option<TenantId>, access: Access, work: Box<dyn Work>) {
        let queue = if access == Access::Scan { &self.scans } else { &self.work };
        if let Err(unit) = queue.put(Unit { tenant, access, work }) {
            unit.refuse();
        }
    }

    fn ready(&self) -> Result<()> {
        let until = Instant::now() + self.server.patience;
        let (mut conn, _watched, _) = self.server.begun("BEGIN READ ONLY", Access::Read, until)?;
        let end = crate::db::migrate::check_current(&mut *conn);
        AnsiTransactionManager::rollback_transaction(&mut *conn).map_err(store_error)?;
        end
    }

    fn vitals(&self) -> Vitals {
        Vitals {
            queues: vec![self.work.vitals(), self.scans.vitals()],
            pools: vec![pool_vitals(self.server.name, &self.server.pool().1)],
            batches: None,
        }
    }
}

fn begin_and_run(server: &Server, until: Instant, unit: &mut Unit) -> Result<()> {
    let (tenant, access, work) = (unit.tenant, unit.access, &mut unit.work);
    let mode = if access == Access::Write { "BEGIN" } else { server.reading }.to_owned();
    let time = (access == Access::Scan)
        .then(|| format!("SET LOCAL statement_timeout = {}", server.scan_timeout.as_millis()));
    let (begin, then) = match server.begin {
        Begin::InOne => {
            let all: Vec<_> = [Some(mode), tenant.map(set_tenant), time].into_iter().flatten().collect();
            (all.join("; "), None)
        }
        Begin::InTwo => (mode, time),
    };
    let (mut conn, _watched, turn) = server.begun(&begin, access, until)?;
    let mut kept = false;
    let end = transaction::run(&mut *conn, store_error, |conn| {
        let (inside, placing) = match server.begin {
            Begin::InOne => (tenant, AT_ONCE),
            Begin::InTwo => (None, STEP_BY_STEP),
        };
        if let Some(sql) = then {
            conn.batch_execute(&sql).map_err(store_error)?;
        }
        let mut session = Session::begun(conn, inside, placing);
        if let Some(tenant) = tenant {
            session.enter(tenant)?;
        }
        kept = work.run(&mut session);
        Ok(kept)
    });
    if server.elsewhere.is_some() && access == Access::Write && !kept && is_read_only(&mut conn) {
        server.leave(turn);
    }
    end?
}

/// Makes a connection broken in the pool's eyes, which then makes a new one.
fn give_up(conn: &mut PgConnection) {
    AnsiTransactionManager::transaction_manager_status_mut(conn).set_in_error();
}

/// Whether the server has been made read-only: a restart would have ended the connection.
fn is_read_only(conn: &mut PgConnection) -> bool {
    let asked = diesel::dsl::sql::<diesel::sql_types::Bool>("current_setting('transaction_read_only')::bool");
    // One that does not answer is broken, and the pool replaces it.
    diesel::select(asked).get_result(conn).unwrap_or(false)
}

impl Server {
    /// A connection on which a transaction has begun. After a restart of the server the pool is full of dead
    /// connections, which is only noticed when they are used; nothing has been done on them, so that the next one may
    /// be tried. With it comes which pool it is of.
    fn begun(
        &self,
        sql: &str,
        access: Access,
        until: Instant,
    ) -> Result<(PooledConnection<Manager>, Watched, u64)> {
        let limit = if access == Access::Scan { self.scan_timeout } else { self.statement_timeout };
        let (turn, pool) = self.pool();
        let mut tries = pool.max_size();
        // Whoever waits is told by then that nothing was done: nothing may be begun any more.
        let last = until.max(Instant::now() + MOMENT);
        loop {
            // Who is taken at the last moment still gets a connection that is there.
            let left = until.saturating_duration_since(Instant::now()).max(MOMENT);
            let mut conn = pool.get_timeout(left).map_err(unavailable)?;
            let begun = backend(&mut conn).and_then(|backend| {
                let watched = self.sessions.watch(backend, Instant::now() + limit * OVERDUE);
                transaction::begin(&mut *conn, sql)?;
                Ok(watched)
            });
            match begun {
                Ok(watched) => return Ok((conn, watched, turn)),
                Err(error) => {
                    give_up(&mut conn);
                    if tries == 0 || Instant::now() > last {
                        return Err(store_error(error));
                    }
                    tries -= 1;
                }
            }
        }
    }
}

/// A unit of work may have several statements, each of which has its time; by this many times that it is over.
const OVERDUE: u32 = 3;

/// The server's end of a connection, which is asked for once.
fn backend(conn: &mut PooledConnection<Manager>) -> QueryResult<Backend> {
    if let Some(backend) = PooledConnection::extensions(conn).get::<Backend>() {
        return Ok(*backend);
    }
    let backend = Backend::of(conn)?;
    PooledConnection::extensions_mut(conn).insert(backend);
    Ok(backend)
}

/// For what is there at once.
const MOMENT: Duration = Duration::from_millis(50);
