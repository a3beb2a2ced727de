//! Threads with a bounded queue.

use crate::queue::{Bounds, Entrance, Waits};
use haat_domain::error::Result;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

type Task = Box<dyn FnOnce() + Send>;

/// A task is never given up: its queue has patience without end.
impl Waits for Task {
    fn give_up(self) {}
}

/// A few threads that share a queue of limited length. They end when this is dropped.
pub struct Workers {
    queue: Entrance<Task>,
}

impl Workers {
    /// Starts `threads` threads (at least one) with room for `waiting` tasks.
    pub fn start(name: &'static str, threads: usize, waiting: usize) -> Result<Self> {
        let queue =
            Entrance::open(name, Bounds { capacity: waiting, patience: Duration::MAX, of_one_store: None })?;
        queue.serve(name, threads, |task: Task, _| {
            if catch_unwind(AssertUnwindSafe(task)).is_err() {
                tracing::error!("a task panicked");
            }
        })?;
        Ok(Self { queue })
    }

    /// Hands a task over, if there is room.
    pub fn try_run<F: FnOnce() + Send + 'static>(&self, task: F) -> Result<(), Full> {
        self.queue.put(Box::new(task)).map_err(|_| Full)
    }
}

/// There is no room in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full")]
pub struct Full;
