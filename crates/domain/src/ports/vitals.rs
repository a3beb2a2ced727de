//! What a store can say of itself to whoever watches the server: plain numbers of this moment. An adapter's own names
//! stand in them, and nothing of a tenant.

/// The state of a store; empty where an adapter has nothing to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Where work waits for its turn.
    pub queues: Vec<QueueVitals>,
    /// Where connections to the database are kept.
    pub pools: Vec<PoolVitals>,
    /// How many units of work shared a COMMIT, where commits are grouped.
    pub batches: Option<BatchVitals>,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueVitals {
    /// What it is called.
    pub name: &'static str,
    /// How many wait in it.
    pub waiting: usize,
    /// How many may.
    pub capacity: usize,
    /// How many found it full.
    pub refused: u64,
    /// How many have waited for too long.
    pub overdue: u64,
}

/// A pool of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolVitals {
    /// What it is called.
    pub name: &'static str,
    /// Connections that something is done on.
    pub in_use: u32,
    /// Connections that wait for something to do.
    pub idle: u32,
    /// Connections that there may be.
    pub max: u32,
}

/// Sizes of batches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchVitals {
    /// How many batches had at most so many units of work and more than the entry before has; the sizes rise.
    pub sizes: Vec<(u32, u64)>,
    /// Units of work in all of them.
    pub units: u64,
}
