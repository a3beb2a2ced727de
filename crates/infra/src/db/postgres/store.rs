use super::dialect::{quoted, set_tenant, store_error};
use super::placing::AT_ONCE;
use super::repos::{STEP_BY_STEP, Session};
use crate::db::{transaction, unavailable};
use crate::workers::{Workers, hand_over};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection, R2D2Connection};
use haat_domain::error::Result;
use haat_domain::ids::TenantId;
use haat_domain::ports::{Access, Store, Work};
use std::time::Duration;

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
        }
    }
}

/// A store in a PostgreSQL database.
pub struct PgStore {
    pool: Pool<Manager>,
    workers: Workers,
    scans: Workers,
    begin: Begin,
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
        let threads = usize::try_from(options.pool).unwrap_or(1);
        let workers = Workers::start("postgres", threads, options.queue)?;
        // Half of the connections stay free of what may take long.
        let scans = Workers::start("postgres-scan", threads.div_ceil(2), options.queue)?;
        Ok(Self { pool, workers, scans, begin: if citus { Begin::InTwo } else { Begin::InOne } })
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
/// forwards the whole message of a SET LOCAL to its workers. Nor is it known to draw a sequence's number in the midst of
/// a statement for a worker.
#[derive(Debug, Clone, Copy)]
enum Begin {
    InOne,
    InTwo,
}

impl Store for PgStore {
    fn submit(&self, tenant: Option<TenantId>, access: Access, work: Box<dyn Work>) {
        let (pool, begin) = (self.pool.clone(), self.begin);
        let workers = if access == Access::Scan { &self.scans } else { &self.workers };
        hand_over(workers, work, move |mut work| {
            let end = begin_and_run(&pool, begin, tenant, access, work.as_mut());
            work.settle(end);
        });
    }

    fn ready(&self) -> Result<()> {
        let mut conn = self.pool.get().map_err(unavailable)?;
        crate::db::migrate::check_current(&mut *conn)
    }
}

fn begin_and_run(
    pool: &Pool<Manager>,
    begin: Begin,
    tenant: Option<TenantId>,
    access: Access,
    work: &mut dyn Work,
) -> Result<()> {
    let mode = if access == Access::Write { "BEGIN" } else { "BEGIN READ ONLY" };
    let sql = match (tenant, begin) {
        (Some(tenant), Begin::InOne) => format!("{mode}; {}", set_tenant(tenant)),
        (Some(_), Begin::InTwo) | (None, _) => mode.to_owned(),
    };
    let mut conn = begun(pool, &sql)?;
    transaction::run(&mut *conn, store_error, |conn| {
        let (inside, placing) = match begin {
            Begin::InOne => (tenant, AT_ONCE),
            Begin::InTwo => (None, STEP_BY_STEP),
        };
        let mut session = Session::begun(conn, inside, placing);
        if let Some(tenant) = tenant {
            session.enter(tenant)?;
        }
        Ok(work.run(&mut session))
    })?
}

/// A connection on which a transaction has begun. After a restart of the server the pool is full of dead connections,
/// which is only noticed when they are used; nothing has been done on them, so that the next one may be tried.
fn begun(pool: &Pool<Manager>, sql: &str) -> Result<PooledConnection<Manager>> {
    let mut tries = pool.max_size();
    loop {
        let mut conn = pool.get().map_err(unavailable)?;
        match transaction::begin(&mut *conn, sql) {
            Ok(()) => return Ok(conn),
            Err(_) if conn.is_broken() && tries > 0 => tries -= 1,
            Err(error) => return Err(store_error(error)),
        }
    }
}
