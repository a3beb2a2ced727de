//! As Haat works on SQLite: reads where the request is, writes in one thread that shares COMMITs.

use crate::rows::{Logged, Opened, Order, Placed, Product, Who};
use crate::statement::At;
use crate::{Result, Store, now, string};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection};
use diesel::sql_types::{BigInt, Nullable, Text};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::oneshot;

pub(crate) type Conn = SqliteConnection;
pub(crate) type Db = diesel::sqlite::Sqlite;

#[expect(clippy::duplicate_mod, reason = "the same work over the other engine's connection")]
#[path = "work.rs"]
mod work;

type Manager = ConnectionManager<SqliteConnection>;

/// Connections, as `HAAT_DATABASE_POOL` has it.
const READERS: u32 = 8;
const BATCH: usize = 64;

const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";

#[derive(Debug)]
struct Pragmas;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Pragmas {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute(PRAGMAS).map_err(diesel::r2d2::Error::QueryError)
    }
}

struct Job {
    who: Who,
    product: i64,
    pieces: i64,
    answer: oneshot::Sender<Result<Order>>,
}

#[derive(Clone)]
pub(crate) struct Sqlite {
    readers: Pool<Manager>,
    /// Without one, each order is a transaction of its own on one of the connections.
    writer: Option<SyncSender<Job>>,
}

impl Sqlite {
    pub(crate) fn open(path: &str, one_per_commit: bool) -> Result<Self> {
        let readers = pool(path, READERS)?;
        if one_per_commit {
            return Ok(Self { readers, writer: None });
        }
        let mut conn = pool(path, 1)?.get().map_err(string)?;
        conn.batch_execute("PRAGMA cache_size = -8192").map_err(string)?;
        let (writer, jobs) = sync_channel(1024);
        std::thread::spawn(move || write_all(conn, &jobs));
        Ok(Self { readers, writer: Some(writer) })
    }

    fn read<T>(&self, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> Result<T> {
        let mut conn = self.readers.get().map_err(string)?;
        within(&mut conn, "BEGIN", work)
    }
}

fn pool(path: &str, size: u32) -> Result<Pool<Manager>> {
    let pool =
        Pool::builder().max_size(size).test_on_check_out(false).connection_customizer(Box::new(Pragmas));
    pool.build(Manager::new(path)).map_err(string)
}

fn within<T>(conn: &mut Conn, begin: &str, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> Result<T> {
    conn.batch_execute(begin).map_err(string)?;
    let done = work(conn).map_err(string);
    conn.batch_execute(if done.is_ok() { "COMMIT" } else { "ROLLBACK" }).map_err(string)?;
    done
}

fn write_all(mut conn: PooledConnection<Manager>, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let mut done = Vec::with_capacity(BATCH);
        let committed = within(&mut conn, "BEGIN IMMEDIATE", |conn| {
            let mut next = Some(first);
            while let Some(Job { who, product, pieces, answer }) = next.take() {
                conn.batch_execute("SAVEPOINT one")?;
                let end = work::order(conn, who, now(), product, pieces).map_err(string);
                conn.batch_execute(if end.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" })?;
                done.push((answer, end));
                if done.len() < BATCH {
                    next = jobs.try_recv().ok();
                }
            }
            Ok(())
        });
        for (answer, end) in done {
            // Whoever asked may have gone.
            let _ = answer.send(committed.clone().and(end));
        }
    }
}

impl Store for Sqlite {
    async fn products(&self, who: Who, limit: i64) -> Result<Vec<Product>> {
        self.read(|conn| work::products(conn, who, now(), limit))
    }

    async fn product(&self, who: Who, id: i64) -> Result<Product> {
        self.read(|conn| work::product(conn, who, now(), id))
    }

    async fn order(&self, who: Who, product: i64, pieces: i64) -> Result<Order> {
        let Some(writer) = &self.writer else {
            let pool = self.readers.clone();
            return actix_web::web::block(move || {
                let mut conn = pool.get().map_err(string)?;
                within(&mut conn, "BEGIN IMMEDIATE", |conn| work::order(conn, who, now(), product, pieces))
            })
            .await
            .map_err(string)?;
        };
        let (answer, end) = oneshot::channel();
        writer.try_send(Job { who, product, pieces, answer }).map_err(string)?;
        end.await.map_err(string)?
    }
}

statement! {
    Take { tenant: i64, id: i64, pieces: i64, now: At } -> (Text, Nullable<Text>, BigInt, Text, Nullable<BigInt>) =
        "UPDATE products SET stock = stock - " pieces
        ", updated_at = CASE WHEN stock IS NULL THEN updated_at ELSE " now " END"
        " WHERE tenant_id = " tenant " AND id = " id " AND status = 'active' AND deleted_at IS NULL"
        " AND (stock IS NULL OR stock >= " pieces ")"
        " RETURNING name, sku, price_minor, currency, stock"
}

statement! {
    NextNumber { tenant: i64 } -> BigInt =
        "INSERT INTO order_counters (tenant_id, last_number) VALUES (" tenant ", 1001)"
        " ON CONFLICT (tenant_id) DO UPDATE SET last_number = order_counters.last_number + 1 RETURNING last_number"
}

statement! {
    NextId { name: String } -> BigInt = "UPDATE sequences SET last = last + 1 WHERE name = " name " RETURNING last"
}

statement! {
    Head { tenant: i64 } -> (BigInt, Text) =
        "SELECT last_number, link FROM audit_heads WHERE tenant_id = " tenant
}

pub(crate) fn open(conn: &mut Conn, who: Who, product: i64, pieces: i64, now: At) -> QueryResult<Opened> {
    let tenant = who.tenant;
    let taken = Take { tenant, id: product, pieces, now }.get_result(conn)?;
    let number = NextNumber { tenant }.get_result(conn)?;
    let id = NextId { name: "orders".to_owned() }.get_result(conn)?;
    let (entry, link) = Head { tenant }.get_result(conn)?;
    Ok(Opened { taken, id, number, entry, link })
}

statement! {
    InsertOrder { tenant: i64, id: i64, number: i64, customer: i64, status: String, currency: String, total: i64,
        at: At } =
        "INSERT INTO orders (tenant_id, id, number, customer_id, placed_by, status, currency, total_minor, created_at,"
        " updated_at) VALUES (" tenant ", " id ", " number ", " customer ", " customer ", " status ", " currency
        ", " total ", " at ", " at ")"
}

statement! {
    InsertLine { tenant: i64, order: i64, product: i64, sku: Option<String>, name: String, price: i64, pieces: i64,
        total: i64, counted: i64 } =
        "INSERT INTO order_lines (tenant_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity,"
        " line_total_minor, counted) VALUES (" tenant ", " order ", 1, " product ", " sku ", " name ", " price ", "
        pieces ", " total ", " counted ")"
}

statement! {
    InsertEntry { tenant: i64, number: i64, at: At, actor: i64, name: String, role: String, action: String,
        object: i64, request: String, after: String, link: String } =
        "INSERT INTO audit_log (tenant_id, number, at, actor_id, actor_name, actor_role, action, object_kind,"
        " object_id, request_id, facts_before, facts_after, link) VALUES (" tenant ", " number ", " at ", " actor
        ", " name ", " role ", " action ", 'order', " object ", " request ", '{}', " after ", " link ")"
}

statement! {
    SetHead { tenant: i64, number: i64, link: String } =
        "INSERT INTO audit_heads (tenant_id, last_number, link) VALUES (" tenant ", " number ", " link ")"
        " ON CONFLICT (tenant_id) DO UPDATE SET last_number = excluded.last_number, link = excluded.link"
}

pub(crate) fn write(conn: &mut Conn, order: &Order, entry: &Logged) -> QueryResult<()> {
    let Order { id, product, pieces, counted, price, .. } = *order;
    let Placed { tenant, number, customer, ref currency, total, at } = order.placed;
    let (status, currency) = ("pending".to_owned(), currency.clone());
    InsertOrder { tenant, id, number, customer, status, currency, total, at }.execute(conn)?;
    let (sku, name) = (order.sku.clone(), order.name.clone());
    InsertLine { tenant, order: id, product, sku, name, price, pieces, total, counted }.execute(conn)?;
    let Logged { number, actor, .. } = *entry;
    InsertEntry {
        tenant,
        number,
        at,
        actor,
        name: entry.name.clone(),
        role: entry.role.clone(),
        action: entry.action.clone(),
        object: id,
        request: entry.request.clone(),
        after: entry.after.clone(),
        link: entry.link.clone(),
    }
    .execute(conn)?;
    SetHead { tenant, number, link: entry.link.clone() }.execute(conn).map(drop)
}
