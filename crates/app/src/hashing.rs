//! Passwords are hashed on threads of their own, in a queue of limited length, of which one address has a share.

use crate::vitals::Count;
use haat_domain::error::{Error, Result};
use haat_domain::ports::QueueVitals;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One address may have this part of the queue waiting: whoever floods it from one leaves room for the others.
const SHARE: u16 = 4;

/// A password to be hashed.
pub type Task = Box<dyn FnOnce() + Send>;

/// Hands a task to a thread; `false` if there is no room in the queue.
pub type HandOver = Box<dyn Fn(Task) -> bool + Send + Sync>;

/// The threads, and who is waiting for them.
pub struct Hashing {
    hand_over: HandOver,
    waiting: Waiting,
    share: u16,
    capacity: u16,
    queued: Arc<AtomicUsize>,
    refused: Count,
}

type Waiting = Arc<Mutex<HashMap<IpAddr, u16>>>;

impl Hashing {
    /// A queue of this length before the threads that `hand_over` hands to.
    pub fn new(queue: u16, hand_over: HandOver) -> Self {
        Self {
            hand_over,
            waiting: Waiting::default(),
            share: (queue / SHARE).max(1),
            capacity: queue,
            queued: Arc::default(),
            refused: Count::default(),
        }
    }

    /// How the queue is; refused is also who found their share of it used up.
    pub fn vitals(&self) -> QueueVitals {
        QueueVitals {
            name: "hashing",
            waiting: self.queued.load(Ordering::Relaxed),
            capacity: self.capacity.into(),
            refused: self.refused.get(),
            overdue: 0,
        }
    }

    /// Hands a task over; [`Error::Busy`] if the queue is full, or the address's share of it.
    pub(crate) fn run(&self, from: Option<IpAddr>, task: impl FnOnce() + Send + 'static) -> Result<()> {
        self.hand_over(from, task).ok_or_else(|| {
            self.refused.up();
            Error::Busy { retry_after: 1 }
        })
    }

    fn hand_over(&self, from: Option<IpAddr>, task: impl FnOnce() + Send + 'static) -> Option<()> {
        let place = match from {
            Some(address) => Some(Place::take(&self.waiting, address, self.share)?),
            None => None,
        };
        let queued = Queued::new(&self.queued);
        let work = move || {
            drop(queued);
            task();
            drop(place);
        };
        (self.hand_over)(Box::new(work)).then_some(())
    }
}

/// Counted as waiting, until it is dropped.
struct Queued(Arc<AtomicUsize>);

impl Queued {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An address's place in the queue, until it is dropped.
struct Place(Waiting, IpAddr);

impl Place {
    fn take(waiting: &Waiting, address: IpAddr, share: u16) -> Option<Self> {
        let mut all = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.entry(address).or_default();
        if *held >= share {
            return None;
        }
        *held += 1;
        Some(Self(Arc::clone(waiting), address))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = all.get_mut(&self.1) {
            *held -= 1;
            if *held == 0 {
                all.remove(&self.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex as Held;

    #[test]
    fn one_address_leaves_room_for_others() {
        let queue: Arc<Held<Vec<Task>>> = Arc::default();
        let waiting = Arc::clone(&queue);
        let hand_over = move |task| {
            let mut queue = waiting.lock().unwrap();
            queue.push(task);
            queue.len() <= 8
        };
        let hashing = Hashing::new(8, Box::new(hand_over));
        let (one, other) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
        hashing.run(one, || ()).unwrap();
        hashing.run(one, || ()).unwrap();
        assert!(matches!(hashing.run(one, || ()), Err(Error::Busy { .. })), "a quarter of eight");
        hashing.run(other, || ()).unwrap();
        assert_eq!((hashing.vitals().waiting, hashing.vitals().refused), (3, 1));
        queue.lock().unwrap().drain(..).for_each(|task| task());
        assert!(hashing.waiting.lock().unwrap().is_empty(), "what is done waits no more");
        assert_eq!(hashing.vitals().waiting, 0);
        hashing.run(one, || ()).unwrap();
    }
}
