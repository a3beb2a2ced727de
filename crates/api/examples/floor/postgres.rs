//! As Haat works on PostgreSQL: threads with a connection each, and the store in the message that begins the
//! transaction.

use crate::rows::{Order, Placed, Product, Who};
use crate::statement::At;
use crate::{Result, Store, now, string};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel::sql_types::BigInt;
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
    InsertOrder { tenant: i64, number: i64, customer: i64, status: String, currency: String, total: i64,
        at: At } -> BigInt =
        "INSERT INTO orders (tenant_id, id, number, customer_id, placed_by, status, currency, total_minor, created_at,"
        " updated_at) VALUES (" tenant ", nextval('orders_id_seq'), " number ", " customer ", " customer ", " status
        ", " currency ", " total ", " at ", " at ") RETURNING id"
}

fn insert_order(conn: &mut Conn, placed: &Placed) -> QueryResult<i64> {
    let Placed { tenant, number, customer, ref currency, total, at } = *placed;
    let (status, currency) = ("pending".to_owned(), currency.clone());
    InsertOrder { tenant, number, customer, status, currency, total, at }.get_result(conn)
}
