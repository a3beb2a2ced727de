//! As Haat works on PostgreSQL: threads with a connection each, and the store in the message that begins the
//! transaction.

use crate::rows::{Logged, Opened, Order, Placed, Product, Taken, Who};
use crate::statement::At;
use crate::{Result, Store, now, string};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel::sql_types::{BigInt, Nullable, Text};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

pub(crate) type Conn = PgConnection;
pub(crate) type Db = diesel::pg::Pg;

#[path = "work.rs"]
mod work;

/// Connections, as `HAAT_DATABASE_POOL` has it.
const CONNECTIONS: u32 = 8;

const SESSION: &str = "SET ROLE haat_app; SET statement_timeout = 10000; SET lock_timeout = 5000; \
     SET idle_in_transaction_session_timeout = 30000;";

#[derive(Debug)]
struct AppRole;

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for AppRole {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute(SESSION).map_err(diesel::r2d2::Error::QueryError)
    }
}

type Job = Box<dyn FnOnce(&mut Conn) + Send>;

#[derive(Clone)]
pub(crate) struct Postgres {
    jobs: SyncSender<Job>,
}

impl Postgres {
    pub(crate) fn open(url: &str) -> Result<Self> {
        let pool = Pool::builder()
            .max_size(CONNECTIONS)
            .test_on_check_out(false)
            .connection_customizer(Box::new(AppRole))
            .build(ConnectionManager::<Conn>::new(url))
            .map_err(string)?;
        let (jobs, queue) = sync_channel::<Job>(1024);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..CONNECTIONS {
            let (queue, mut conn) = (Arc::clone(&queue), pool.get().map_err(string)?);
            let next = move || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            std::thread::spawn(move || {
                while let Ok(job) = next() {
                    job(&mut conn);
                }
            });
        }
        Ok(Self { jobs })
    }

    async fn run<T: Send + 'static>(
        &self,
        who: Who,
        mode: &'static str,
        work: impl FnOnce(&mut Conn) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, end) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            // Whoever asked may have gone.
            let _ = answer.send(within(
                conn,
                &format!("{mode}; SET LOCAL app.tenant_id = '{}'", who.tenant),
                work,
            ));
        });
        self.jobs.try_send(job).map_err(string)?;
        end.await.map_err(string)?
    }
}

fn within<T>(conn: &mut Conn, begin: &str, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> Result<T> {
    conn.batch_execute(begin).map_err(string)?;
    let done = work(conn).map_err(string);
    conn.batch_execute(if done.is_ok() { "COMMIT" } else { "ROLLBACK" }).map_err(string)?;
    done
}

impl Store for Postgres {
    async fn products(&self, who: Who, limit: i64) -> Result<Vec<Product>> {
        self.run(who, "BEGIN READ ONLY", move |conn| work::products(conn, who, now(), limit)).await
    }

    async fn product(&self, who: Who, id: i64) -> Result<Product> {
        self.run(who, "BEGIN READ ONLY", move |conn| work::product(conn, who, now(), id)).await
    }

    async fn order(&self, who: Who, product: i64, pieces: i64) -> Result<Order> {
        self.run(who, "BEGIN", move |conn| work::order(conn, who, now(), product, pieces)).await
    }
}

statement! {
    Open { tenant: i64, id: i64, pieces: i64, user: i64, now: At } ->
        ((Text, Nullable<Text>, BigInt, Text, Nullable<BigInt>), BigInt, BigInt, BigInt, Text) =
        "WITH named AS MATERIALIZED (SELECT id FROM users WHERE tenant_id = " tenant " AND id IN (" user ", " user ")"
        " FOR KEY SHARE), taken AS (UPDATE products SET stock = stock - " pieces
        ", updated_at = CASE WHEN stock IS NULL THEN updated_at ELSE " now " END"
        " WHERE tenant_id = " tenant " AND id = " id " AND status = 'active' AND deleted_at IS NULL"
        " AND (stock IS NULL OR stock >= " pieces ")"
        " RETURNING name, sku, price_minor, currency, stock),"
        " counter AS (INSERT INTO order_counters (tenant_id, last_number) SELECT " tenant ", 1001 FROM taken"
        " WHERE (SELECT count(*) FROM named) >= 0"
        " ON CONFLICT (tenant_id) DO UPDATE SET last_number = order_counters.last_number + 1 RETURNING last_number),"
        " head AS (INSERT INTO audit_heads (tenant_id, last_number, link) SELECT " tenant ", 0, '' FROM counter"
        " ON CONFLICT (tenant_id) DO UPDATE SET link = audit_heads.link RETURNING last_number, link)"
        " SELECT taken.*, nextval('orders_id_seq'), counter.last_number, head.last_number, head.link"
        " FROM taken, counter, head"
}

pub(crate) fn open(conn: &mut Conn, who: Who, product: i64, pieces: i64, now: At) -> QueryResult<Opened> {
    let (taken, id, number, entry, link): (Taken, i64, i64, i64, String) =
        Open { tenant: who.tenant, id: product, pieces, user: who.user, now }.get_result(conn)?;
    Ok(Opened { taken, id, number, entry, link })
}

// Haat's has the lines as arrays, since there may be many.
statement! {
    Write { tenant: i64, id: i64, number: i64, customer: i64, status: String, currency: String, total: i64, at: At,
        product: i64, sku: Option<String>, name: String, price: i64, pieces: i64, counted: i64,
        entry: i64, actor: i64, actor_name: String, role: String, action: String, request: String, after: String,
        link: String } =
        "WITH placed AS (INSERT INTO orders (tenant_id, id, number, customer_id, placed_by, status, currency,"
        " total_minor, created_at, updated_at) VALUES (" tenant ", " id ", " number ", " customer ", " customer ", "
        status ", " currency ", " total ", " at ", " at ")),"
        " lines AS (INSERT INTO order_lines (tenant_id, order_id, line_no, product_id, sku, name, unit_price_minor,"
        " quantity, line_total_minor, counted) VALUES (" tenant ", " id ", 1, " product ", " sku ", " name ", "
        price ", " pieces ", " total ", " counted ")),"
        " entry AS (INSERT INTO audit_log (tenant_id, number, at, actor_id, actor_name, actor_role, action,"
        " object_kind, object_id, request_id, facts_before, facts_after, link) VALUES (" tenant ", " entry ", " at ", "
        actor ", " actor_name ", " role ", " action ", 'order', " id ", " request ", '{}', " after ", " link "))"
        " INSERT INTO audit_heads (tenant_id, last_number, link) VALUES (" tenant ", " entry ", " link ")"
        " ON CONFLICT (tenant_id) DO UPDATE SET last_number = excluded.last_number, link = excluded.link"
}

pub(crate) fn write(conn: &mut Conn, order: &Order, logged: &Logged) -> QueryResult<()> {
    let Order { id, product, pieces, counted, price, .. } = *order;
    let Placed { tenant, number, customer, ref currency, total, at } = order.placed;
    Write {
        tenant,
        id,
        number,
        customer,
        status: "pending".to_owned(),
        currency: currency.clone(),
        total,
        at,
        product,
        sku: order.sku.clone(),
        name: order.name.clone(),
        price,
        pieces,
        counted,
        entry: logged.number,
        actor: logged.actor,
        actor_name: logged.name.clone(),
        role: logged.role.clone(),
        action: logged.action.clone(),
        request: logged.request.clone(),
        after: logged.after.clone(),
        link: logged.link.clone(),
    }
    .execute(conn)
    .map(drop)
}
