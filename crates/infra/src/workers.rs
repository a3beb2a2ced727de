//! Threads with a bounded queue.

use haat_domain::error::{Error, Result};
use haat_domain::ports::Work;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

type Task = Box<dyn FnOnce() + Send>;

/// A few threads that share a queue of limited length. They end when this is dropped.
#[derive(Clone)]
pub struct Workers {
    queue: SyncSender<Task>,
}

impl Workers {
    /// Starts `threads` threads (at least one) with room for `waiting` tasks.
    pub fn start(name: &str, threads: usize, waiting: usize) -> Result<Self> {
        let (queue, tasks) = sync_channel::<Task>(waiting);
        let tasks = Arc::new(Mutex::new(tasks));
        for _ in 0..threads.max(1) {
            let tasks = Arc::clone(&tasks);
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || while run_one(&tasks) {})
                .map_err(|no_thread| Error::Unavailable(no_thread.into()))?;
        }
        Ok(Self { queue })
    }

    /// Hands a task over; gives it back where there is no room or nobody left.
    pub fn try_run<F: FnOnce() + Send + 'static>(&self, task: F) -> Result<(), Full> {
        self.queue.try_send(Box::new(task)).map_err(|refused| match refused {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Full,
        })
    }
}

/// There is no room in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full")]
pub struct Full;

fn run_one(tasks: &Mutex<Receiver<Task>>) -> bool {
    // The lock is held while waiting: whoever has it takes the next task, the others queue behind.
    let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
    let Ok(task) = task else { return false };
    if catch_unwind(AssertUnwindSafe(task)).is_err() {
        tracing::error!("a task panicked");
    }
    true
}

/// Has a worker do a unit of work; settles it as refused where there is no room.
pub(crate) fn hand_over(
    workers: &Workers,
    work: Box<dyn Work>,
    run: impl FnOnce(Box<dyn Work>) + Send + 'static,
) {
    let slot = Arc::new(Mutex::new(Some(work)));
    let taken = Arc::clone(&slot);
    let take =
        |slot: &Mutex<Option<Box<dyn Work>>>| slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let refused = workers.try_run(move || {
        if let Some(work) = take(&taken) {
            run(work);
        }
    });
    if let Err(full) = refused
        && let Some(work) = take(&slot)
    {
        work.settle(Err(Error::Unavailable(full.into())));
    }
}
