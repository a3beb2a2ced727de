//! A copy of the database that answers listings, as far as it can be relied on.

use haat_domain::cx::Cx;
use haat_domain::error::{Error, Result};
use haat_domain::ports::{Access, Clock, Job, Store, Tx};
use haat_domain::standby::Pass;
use haat_domain::time::Timestamp;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

/// So long a listing waits for the standby to say in which state it has the store.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Who is late after less time than this does not blame it: what came before, in the database, has taken the rest.
const FAIR: Duration = Duration::from_millis(500);

/// The part of a listing's time that is the standby's at most, in quarters: in what is left the database can list.
const QUARTERS: u32 = 3;

/// So many seconds no listing asks a standby that has failed.
const REST: i64 = 1;

/// A copy that follows the database.
pub struct Standby {
    store: Arc<dyn Store>,
    /// Until when nobody asks it, in microseconds since 1970; 0: it is up.
    rests_until: AtomicI64,
    listed: AtomicU64,
    behind: AtomicU64,
    away: AtomicU64,
}

/// How many listings were answered by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listings {
    /// By the standby.
    pub standby: u64,
    /// By the database, since the standby had the store in another state.
    pub behind: u64,
    /// By the database, since the standby did not answer, or was resting.
    pub away: u64,
}

impl Standby {
    /// A store that follows the one of the program. Its transactions see one moment each.
    pub const fn new(store: Arc<dyn Store>) -> Self {
        let (rests_until, zero) = (AtomicI64::new(0), AtomicU64::new(0));
        Self { store, rests_until, listed: zero, behind: AtomicU64::new(0), away: AtomicU64::new(0) }
    }

    /// How its queues and connections are.
    pub fn vitals(&self) -> haat_domain::ports::Vitals {
        self.store.vitals()
    }

    /// Who has answered listings since the start.
    pub fn listings(&self) -> Listings {
        let [standby, behind, away] =
            [&self.listed, &self.behind, &self.away].map(|count| count.load(Relaxed));
        Listings { standby, behind, away }
    }

    /// Whether to ask it. While it rests, somebody is sent now and then to see whether it is up again, and nobody waits
    /// for them.
    pub(crate) fn is_up(self: &Arc<Self>, now: Timestamp) -> bool {
        let until = self.rests_until.load(Relaxed);
        if until == 0 {
            return true;
        }
        self.away.fetch_add(1, Relaxed);
        let next = now.plus_seconds(REST).as_micros();
        let due = until <= now.as_micros();
        if due && self.rests_until.compare_exchange(until, next, Relaxed, Relaxed).is_ok() {
            let standby = Arc::clone(self);
            let settle = move |found: Result<()>| {
                if found.is_ok() {
                    standby.rests_until.store(0, Relaxed);
                    tracing::info!("the standby answers again");
                }
            };
            self.store.submit(None, Access::Read, Box::new(Job::new(|_: &mut dyn Tx| Ok(()), settle)));
        }
        false
    }

    /// Lists what the holder of a pass wants to see, within its share of this time. `None`: the database must.
    pub(crate) async fn list<T: Send + 'static>(
        &self,
        pass: Pass,
        access: Access,
        work: Arc<impl Fn(&mut Cx<'_>) -> Result<T> + Send + Sync + 'static>,
        limit: Duration,
        clock: &dyn Clock,
    ) -> Option<Result<T>> {
        let share = limit / 4 * QUARTERS;
        if share.is_zero() {
            self.away.fetch_add(1, Relaxed);
            return None;
        }
        let late = |late: Elapsed| {
            if share < FAIR {
                self.away.fetch_add(1, Relaxed);
            } else {
                self.rest(clock.now(), Some(&late));
            }
            None
        };
        let now = Instant::now();
        let until = now + share;
        let (tell, told) = oneshot::channel();
        let (answer, wait) = oneshot::channel();
        let tenant = pass.tenant();
        let work = move |tx: &mut dyn Tx| {
            let cx = Cx::with_pass(tx, &pass)?;
            // Whoever has lost patience has gone.
            let _ = tell.send(cx.is_some());
            cx.map(|mut cx| work(&mut cx)).transpose()
        };
        let settle = move |result| drop(answer.send(result));
        self.store.submit(Some(tenant), access, Box::new(Job::new(work, settle)));
        match timeout_at(until.min(now + PATIENCE), told).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => {
                self.behind.fetch_add(1, Relaxed);
                return None;
            }
            Ok(Err(_)) => {
                let failed = timeout_at(until, wait).await.ok().and_then(Result::ok).and_then(Result::err);
                self.rest(clock.now(), failed.as_ref().and_then(|error| error.source()));
                return None;
            }
            Err(elapsed) => return late(elapsed),
        }
        match timeout_at(until, wait).await {
            Ok(Ok(Ok(Some(listed)))) => {
                self.listed.fetch_add(1, Relaxed);
                Some(Ok(listed))
            }
            // The database itself may have a better answer: the standby ends what is in the way of what it follows.
            Ok(Ok(Err(Error::Unavailable(_) | Error::Internal(_)) | Ok(None)) | Err(_)) => {
                self.away.fetch_add(1, Relaxed);
                None
            }
            Err(elapsed) => late(elapsed),
            Ok(Ok(Err(refusal))) => {
                self.listed.fetch_add(1, Relaxed);
                Some(Err(refusal))
            }
        }
    }

    fn rest(&self, now: Timestamp, cause: Option<&dyn std::error::Error>) {
        self.away.fetch_add(1, Relaxed);
        if self.rests_until.swap(now.plus_seconds(REST).as_micros(), Relaxed) == 0 {
            let cause = cause.map(tracing::field::display);
            tracing::warn!(cause, "the standby does not answer; the database lists");
        }
    }
}
