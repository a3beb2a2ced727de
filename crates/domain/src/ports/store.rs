use super::{Tx, Vitals};
use crate::error::{Error, Result};
use crate::ids::TenantId;

/// What a unit of work will do; an adapter chooses connection and thread by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads a few rows by key: may run on the calling thread.
    Read,
    /// Reads at a cost that grows with the store (a search): never runs on the calling thread of a server.
    Scan,
    /// Changes something.
    Write,
}

/// A unit of work and what is to happen after it.
///
/// The store calls `run` at most once, with an open transaction; `true` commits it, `false` rolls it back. Then it
/// calls `settle` exactly once, after the COMMIT is durable or when the work could not be done, from any thread.
pub trait Work: Send {
    /// Does the work.
    fn run(&mut self, tx: &mut dyn Tx) -> bool;
    /// Takes note of the end: `Ok` if the transaction ended as `run` wished.
    fn settle(self: Box<Self>, end: Result<()>);
}

/// A database of many tenants.
///
/// Runtime-free: work is handed in and settled by a call back, so that an adapter can group the commits of many
/// callers, and a caller can wait in whatever way suits it. [`Store::read`](#method.read) and its siblings wait by blocking.
pub trait Store: Send + Sync {
    /// Takes work that will begin in this tenant (`None`: at no tenant's). Returns before or after it is settled.
    fn submit(&self, tenant: Option<TenantId>, access: Access, work: Box<dyn Work>);

    /// Whether the database answers and its schema is the one this program was built for.
    fn ready(&self) -> Result<()>;

    /// How it is, for whoever watches the server.
    fn vitals(&self) -> Vitals {
        Vitals::default()
    }
}

impl dyn Store + '_ {
    /// Reads, blocking the calling thread. `Err` and `Ok` are those of `work`, or the store's.
    pub fn read<T: Send + 'static>(
        &self,
        tenant: Option<TenantId>,
        work: impl FnOnce(&mut dyn Tx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(tenant, Access::Read, work)
    }

    /// Changes something, blocking the calling thread until it is durable. An `Err` of `work` rolls back.
    pub fn write<T: Send + 'static>(
        &self,
        tenant: Option<TenantId>,
        work: impl FnOnce(&mut dyn Tx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(tenant, Access::Write, work)
    }

    fn run<T: Send + 'static>(
        &self,
        tenant: Option<TenantId>,
        access: Access,
        work: impl FnOnce(&mut dyn Tx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, wait) = std::sync::mpsc::sync_channel(1);
        // The receiver waits below; if it were gone there would be nobody left to tell.
        let settle = move |result| drop(answer.send(result));
        self.submit(tenant, access, Box::new(Job::new(work, settle)));
        wait.recv().unwrap_or_else(|gone| Err(Error::Unavailable(gone.into())))
    }
}

/// [`Work`] made of two closures: what to do, and whom to tell.
pub struct Job<T, W, S> {
    work: Option<W>,
    result: Option<Result<T>>,
    settle: S,
}

impl<T, W, S> Job<T, W, S>
where
    T: Send,
    W: FnOnce(&mut dyn Tx) -> Result<T> + Send,
    S: FnOnce(Result<T>) + Send,
{
    /// `settle` gets the result of `work`, or the store's error where that came between.
    pub const fn new(work: W, settle: S) -> Self {
        Self { work: Some(work), result: None, settle }
    }
}

impl<T, W, S> Work for Job<T, W, S>
where
    T: Send,
    W: FnOnce(&mut dyn Tx) -> Result<T> + Send,
    S: FnOnce(Result<T>) + Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> bool {
        self.result = self.work.take().map(|work| work(tx));
        matches!(self.result, Some(Ok(_)))
    }

    fn settle(self: Box<Self>, end: Result<()>) {
        let Self { result, settle, .. } = *self;
        settle(outcome(end, result));
    }
}

/// What a unit of work came to: what it said itself when it ran, unless that was a success which the store then could
/// not keep.
pub fn outcome<T>(end: Result<()>, result: Option<Result<T>>) -> Result<T> {
    match (end, result) {
        (Err(error), Some(Ok(_)) | None) => Err(error),
        (_, Some(result)) => result,
        (Ok(()), None) => Err(Error::internal("the work was settled without having run")),
    }
}
