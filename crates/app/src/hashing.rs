//! Passwords are hashed on threads of their own, in a queue of limited length, of which one address has a share.

use haat_domain::error::{Error, Result};
use std::collections::HashMap;
use std::net::IpAddr;
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
}

type Waiting = Arc<Mutex<HashMap<IpAddr, u16>>>;

impl Hashing {
    /// A queue of this length before the threads that `hand_over` hands to.
    pub fn new(queue: u16, hand_over: HandOver) -> Self {
        Self { hand_over, waiting: Waiting::default(), share: (queue / SHARE).max(1) }
    }

    /// Hands a task over; [`Error::Busy`] if the queue is full, or the address's share of it.
    pub(crate) fn run(&self, from: Option<IpAddr>, task: impl FnOnce() + Send + 'static) -> Result<()> {
        let busy = || Error::Busy { retry_after: 1 };
        let take = |address| Place::take(&self.waiting, address, self.share).ok_or_else(busy);
        let place = from.map(take).transpose()?;
        let work = move || {
            task();
            drop(place);
        };
        if (self.hand_over)(Box::new(work)) { Ok(()) } else { Err(busy()) }
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
        queue.lock().unwrap().drain(..).for_each(|task| task());
        assert!(hashing.waiting.lock().unwrap().is_empty(), "what is done waits no more");
        hashing.run(one, || ()).unwrap();
    }
}
