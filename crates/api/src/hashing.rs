//! Passwords are hashed on threads of their own, in a queue of limited length, of which one address has a share.

use haat_domain::error::{Error, Result};
use haat_infra::workers::Workers;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// One address may have this part of the queue waiting: whoever floods it from one leaves room for the others.
const SHARE: u16 = 4;

/// The threads, and who is waiting for them.
pub struct Hashing {
    workers: Workers,
    waiting: Waiting,
    share: u16,
}

type Waiting = Arc<Mutex<HashMap<IpAddr, u16>>>;

impl Hashing {
    /// Starts the threads, with a queue of this length.
    pub fn start(threads: u16, queue: u16) -> Result<Self> {
        let workers = Workers::start("hashing", threads.into(), queue.into())?;
        Ok(Self { workers, waiting: Waiting::default(), share: (queue / SHARE).max(1) })
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
        self.workers.try_run(work).map_err(|_| busy())
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
    use std::sync::mpsc::channel;

    #[test]
    fn one_address_leaves_room_for_others() {
        let hashing = Hashing::start(1, 8).unwrap();
        let (go, wait) = channel::<()>();
        let (one, other) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
        hashing.run(one, move || wait.recv().unwrap()).unwrap();
        hashing.run(one, || ()).unwrap();
        assert!(matches!(hashing.run(one, || ()), Err(Error::Busy { .. })), "a quarter of eight");
        hashing.run(other, || ()).unwrap();
        go.send(()).unwrap();
        let (done, ended) = channel();
        hashing.run(other, move || done.send(()).unwrap()).unwrap();
        ended.recv().unwrap();
        assert_eq!(hashing.waiting.lock().unwrap().get(&one.unwrap()), None, "what is done waits no more");
    }
}
