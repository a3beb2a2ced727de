//! Sessions that have outlasted their time are ended.
//!
//! PostgreSQL's own limits end what is slow. What they cannot end is a thread that waits for an answer which will never
//! come: the network has swallowed it, and both ends still take the connection for a good one. The server is told to end
//! such a session, over a new connection; the old one is then closed, and the thread goes on.

use super::store::to;
use diesel::prelude::*;
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
    /// The process at the server's end.
    backend: i32,
    until: Instant,
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
    pub(super) fn watch(self: &Arc<Self>, backend: i32, until: Instant) -> Watched {
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
            let end = diesel::dsl::sql::<diesel::sql_types::Bool>("pg_terminate_backend(")
                .bind::<diesel::sql_types::Integer, _>(backend)
                .sql(")");
            match diesel::select(end).get_result::<bool>(&mut conn) {
                Ok(was_there) => tracing::warn!(backend, was_there, "a session that was overdue is ended"),
                Err(error) => tracing::error!(%error, backend, "a session that is overdue cannot be ended"),
            }
            // Once: the number of a process that has ended may become somebody else's.
            self.busy().remove(&number);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.sessions.busy().remove(&self.number);
    }
}
