use super::dialect::{quoted, set_tenant, store_error};
use super::repos::Session;
use crate::db::transaction::Unit;
use crate::db::{pool_vitals, transaction, unavailable};
use crate::queue::{Bounds, Entrance};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection, R2D2Connection};
use haat_domain::error::Result;
use haat_domain::ids::TenantId;
use haat_domain::ports::{Access, Store, Vitals, Work};
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
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            queue: 1024,
            patience: Duration::from_secs(1),
        }
    }
}

/// A store in a PostgreSQL database.
pub struct PgStore {
    pool: Pool<Manager>,
    work: Entrance<Unit>,
    scans: Entrance<Unit>,
}

impl PgStore {
    /// Opens a database whose schema is there.
    pub fn open(url: &str, options: &PgOptions) -> Result<Self> {
        // Asked of one connection first: a pool would only say that it timed out.
        let citus = has_citus(&mut connect(url, options)?)?;
        let pool = Pool::builder()
            .max_size(options.pool)
            .test_on_check_out(false)
            .connection_timeout(options.connection_timeout)
            .connection_customizer(Box::new(AppRole { sql: session(options) }))
            .build(Manager::new(url))
            .map_err(unavailable)?;
        let bounds = Bounds { capacity: options.queue, patience: options.patience };
        let (work, scans) = (Entrance::open("work", bounds)?, Entrance::open("scans", bounds)?);
        let begin = if citus { Begin::InTwo } else { Begin::InOne };
        let (connections, patience) = (pool.clone(), options.patience);
        let run = move |mut unit: Unit, since: Instant| {
            let until = since + patience;
            let end = begin_and_run(&connections, begin, until, &mut unit);
            unit.work.settle(end);
        };
        let threads = usize::try_from(options.pool).unwrap_or(1);
        work.serve("postgres", threads, run.clone())?;
        // Half of the connections stay free of what may take long.
        scans.serve("postgres-scan", threads.div_ceil(2), run)?;
        Ok(Self { pool, work, scans })
    }
}

/// Opens one connection in the application's role.
pub(in crate::db) fn connect(url: &str, options: &PgOptions) -> Result<PgConnection> {
    let mut conn = establish(url)?;
    conn.batch_execute(&session(options)).map_err(|error| {
        // The first migration makes the role, and nothing works before.
        unavailable(format!("{}; has `haat migrate` been run?", error.to_string().trim_end()))
    })?;
    Ok(conn)
}

#[expect(clippy::disallowed_methods, reason = "the one place that opens PostgreSQL connections")]
pub(crate) fn establish(url: &str) -> Result<PgConnection> {
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
        options.statement_timeout.as_millis() * 3,
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
/// forwards the whole message of a SET LOCAL to its workers.
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
        let mut conn = self.pool.get().map_err(unavailable)?;
        crate::db::migrate::check_current(&mut *conn)
    }

    fn vitals(&self) -> Vitals {
        Vitals {
            queues: vec![self.work.vitals(), self.scans.vitals()],
            pools: vec![pool_vitals("postgres", &self.pool)],
            batches: None,
        }
    }
}

fn begin_and_run(pool: &Pool<Manager>, begin: Begin, until: Instant, unit: &mut Unit) -> Result<()> {
    let (tenant, work) = (unit.tenant, &mut unit.work);
    let mode = if unit.access == Access::Write { "BEGIN" } else { "BEGIN READ ONLY" };
    let sql = match (tenant, begin) {
        (Some(tenant), Begin::InOne) => format!("{mode}; {}", set_tenant(tenant)),
        (Some(_), Begin::InTwo) | (None, _) => mode.to_owned(),
    };
    let mut conn = begun(pool, &sql, until)?;
    transaction::run(&mut *conn, store_error, |conn| {
        let inside = match begin {
            Begin::InOne => tenant,
            Begin::InTwo => None,
        };
        let mut session = Session::begun(conn, inside);
        if let Some(tenant) = tenant {
            session.enter(tenant)?;
        }
        Ok(work.run(&mut session))
    })?
}

/// A connection on which a transaction has begun. After a restart of the server the pool is full of dead connections,
/// which is only noticed when they are used; nothing has been done on them, so that the next one may be tried.
fn begun(pool: &Pool<Manager>, sql: &str, until: Instant) -> Result<PooledConnection<Manager>> {
    let mut tries = pool.max_size();
    loop {
        // Who is taken at the last moment still gets a connection that is there.
        let left = until.saturating_duration_since(Instant::now()).max(MOMENT);
        let mut conn = pool.get_timeout(left).map_err(unavailable)?;
        match transaction::begin(&mut *conn, sql) {
            Ok(()) => return Ok(conn),
            Err(_) if conn.is_broken() && tries > 0 => tries -= 1,
            Err(error) => return Err(store_error(error)),
        }
    }
}

/// For what is there at once.
const MOMENT: Duration = Duration::from_millis(50);
