//! Sessions that have outlasted their time are ended.
//!
//! PostgreSQL's own limits end what is slow. What they cannot end is a thread that waits for an answer which will never
//! come: the network has swallowed it, and both ends still take the connection for a good one. The server is told to end
//! such a session, over a new connection; the old one is then closed, and the thread goes on.

use super::store::to;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable};
use haat_domain::error::Result;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Looks so often.
const TICK: Duration = Duration::from_secs(1);

/// The sessions that something is done in.
#[derive(Default)]
pub(super) struct Sessions {
    next: AtomicU64,
    busy: Mutex<BTreeMap<u64, Busy>>,
}

struct Busy {
    backend: Backend,
    until: Instant,
}

/// The server's end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backend {
    /// The process, whose number another server has as well, and the same one after a restart.
    process: i32,
    /// When the server was started.
    server: i64,
}

const SERVER: &str = "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint";

impl Backend {
    /// That of this connection.
    pub(super) fn of(conn: &mut PgConnection) -> QueryResult<Self> {
        let asked = (sql::<Integer>("pg_backend_pid()"), sql::<BigInt>(SERVER));
        let (process, server) = diesel::select(asked).get_result(conn)?;
        Ok(Self { process, server })
    }

    /// Ends the session, over another connection; `None`: that leads to another server.
    fn end(self, conn: &mut PgConnection) -> QueryResult<Option<bool>> {
        let end = sql::<Nullable<Bool>>("CASE WHEN ")
            .sql(SERVER)
            .sql(" = ")
            .bind::<BigInt, _>(self.server)
            .sql(" THEN pg_terminate_backend(")
            .bind::<Integer, _>(self.process)
            .sql(") END");
        diesel::select(end).get_result(conn)
    }
}

/// A session is busy as long as this is there.
pub(super) struct Watched {
    sessions: Arc<Sessions>,
    number: u64,
}

impl Sessions {
    /// Watches over sessions of the server with this URL, which must allow whoever logs in to end them: it does, where
    /// they logged in as the same role.
    pub(super) fn watched(url: String) -> Result<Arc<Self>> {
        let sessions = Arc::<Self>::default();
        let watched = Arc::downgrade(&sessions);
        crate::queue::spawn("postgres-watch", move || {
            while let Some(sessions) = watched.upgrade() {
                sessions.end_overdue(&url);
                drop(sessions);
                std::thread::sleep(TICK);
            }
        })?;
        Ok(sessions)
    }

    /// Something is about to be done in the session of this backend, and will be over by then.
    pub(super) fn watch(self: &Arc<Self>, backend: Backend, until: Instant) -> Watched {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.busy().insert(number, Busy { backend, until });
        Watched { sessions: Arc::clone(self), number }
    }

    fn busy(&self) -> MutexGuard<'_, BTreeMap<u64, Busy>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_overdue(&self, url: &str) {
        let now = Instant::now();
        let overdue: Vec<_> = self
            .busy()
            .iter()
            .filter(|(_, busy)| busy.until < now)
            .map(|(n, busy)| (*n, busy.backend))
            .collect();
        if overdue.is_empty() {
            return;
        }
        // Where there is no way to the server now, there will be one later.
        let Ok(mut conn) = to(url) else { return };
        for (number, backend) in overdue {
            // It may be over by now, and something else be done in that session.
            if !self.busy().contains_key(&number) {
                continue;
            }
            match backend.end(&mut conn) {
                Ok(Some(was_there)) => {
                    tracing::warn!(?backend, was_there, "a session that was overdue is ended");
                    // Once: the number of a process that has ended may become somebody else's.
                    self.busy().remove(&number);
                }
                // Its own server has been left for another, and will not be met again: the network gives it up.
                Ok(None) => drop(self.busy().remove(&number)),
                Err(error) => {
                    tracing::error!(%error, ?backend, "a session that is overdue cannot be ended yet");
                    return;
                }
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.sessions.busy().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use haat_testkit::{Cluster, Durability, server_binaries, skip_or_fail};

    fn answers(conn: &mut PgConnection) -> bool {
        diesel::select(sql::<Integer>("1")).get_result::<i32>(conn).is_ok()
    }

    #[test]
    fn a_session_is_ended_where_it_is_and_not_the_one_that_has_its_number_on_another_server() {
        if server_binaries().is_none() {
            skip_or_fail("sessions of two PostgreSQL servers", "no PostgreSQL server binaries");
            return;
        }
        let servers = [(); 2].map(|()| Cluster::start(Durability::Fast).unwrap());
        let [here, elsewhere] = servers.each_ref().map(|server| server.url_for("postgres"));
        let mut conn = to(&here).unwrap();
        let ours = Backend::of(&mut conn).unwrap();
        let theirs = Backend { server: Backend::of(&mut to(&elsewhere).unwrap()).unwrap().server, ..ours };
        assert_ne!(ours.server, theirs.server);
        let sessions = Arc::<Sessions>::default();

        // As after a restart, or a failover: the way to its server leads to one that has its number too.
        let _watched = sessions.watch(theirs, Instant::now());
        sessions.end_overdue(&here);
        assert!(answers(&mut conn), "another server's session was ended");
        assert!(sessions.busy().is_empty(), "it is asked for again and again");

        let _watched = sessions.watch(ours, Instant::now());
        sessions.end_overdue(&here);
        assert!(!answers(&mut conn), "what is overdue goes on");
        assert!(sessions.busy().is_empty());
    }
}
