//! A queue of limited length in which nothing waits for longer than it may.
//!
//! Both limits are there for the same reason: work that waits helps nobody, costs memory, and ends in an answer that
//! its client no longer wants. See docs/adr/0017-admission-and-load-shedding.md.

use haat_domain::error::{Error, Result};
use haat_domain::ids::TenantId;
use haat_domain::ports::QueueVitals;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How a queue is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// How many may wait.
    pub(crate) capacity: usize,
    /// How long one may wait, at a time when the queue is empty now and then. One that is never empty gets more than
    /// can be done: then the wait helps nobody, and is this divided by [`STANDING`].
    pub(crate) patience: Duration,
    /// How many of one store's may be under way at once, where that is limited: the others let those of other stores
    /// pass.
    pub(crate) of_one_store: Option<usize>,
}

impl Bounds {
    /// The store that it counts for, if that matters.
    fn counted(&self, item: &impl Waits) -> Option<TenantId> {
        self.of_one_store.and(item.store())
    }
}

/// How much less patience there is with a queue that has not been empty for as long as anybody may wait in it.
const STANDING: u32 = 4;

/// Looks so often for what waits too long while everybody is busy.
const TICK: Duration = Duration::from_millis(250);

/// What can wait in a queue.
pub(crate) trait Waits: Send + 'static {
    /// It has waited for too long, and nothing of it was begun.
    fn give_up(self);

    /// The store that it counts for.
    fn store(&self) -> Option<TenantId> {
        None
    }
}

/// The end of a queue where things are put in. When it is dropped nothing more comes, what waits is still done, and
/// whoever takes from it ends.
pub(crate) struct Entrance<T: Waits>(Arc<Queue<T>>);

/// A queue; see [`Entrance`].
pub(crate) struct Queue<T> {
    name: &'static str,
    bounds: Bounds,
    state: Mutex<State<T>>,
    arrived: Condvar,
    refused: AtomicU64,
    overdue: AtomicU64,
}

struct State<T> {
    waiting: VecDeque<(Instant, T)>,
    /// When nothing was last seen to wait that might begin.
    empty_at: Instant,
    /// The stores of what is under way, if that is limited.
    under_way: Vec<TenantId>,
    /// Threads that wait for something to come.
    idle: usize,
    closed: bool,
}

/// What was at the head of a queue.
#[derive(Debug, PartialEq, Eq)]
enum Head<T> {
    InTime(Instant, T),
    Overdue(T),
}

impl<T: Waits> State<T> {
    fn new(now: Instant) -> Self {
        Self { waiting: VecDeque::new(), empty_at: now, under_way: Vec::new(), idle: 0, closed: false }
    }

    fn patience(&self, bounds: &Bounds, now: Instant) -> Duration {
        // While a thread sleeps only those wait whose store has its share: that is no reason to hurry anybody.
        let standing = self.idle == 0 && now.saturating_duration_since(self.empty_at) > bounds.patience;
        if standing { bounds.patience / STANDING } else { bounds.patience }
    }

    fn put(&mut self, item: T, now: Instant) {
        if self.waiting.is_empty() {
            self.empty_at = now;
        }
        self.waiting.push_back((now, item));
    }

    fn pop(&mut self, bounds: &Bounds, now: Instant) -> Option<Head<T>> {
        let patience = self.patience(bounds, now);
        let place = self.waiting.iter().position(|(_, item)| self.may_begin(bounds, item))?;
        let (since, item) = self.waiting.remove(place)?;
        if self.waiting.is_empty() {
            self.empty_at = now;
        }
        if now.saturating_duration_since(since) > patience {
            return Some(Head::Overdue(item));
        }
        self.under_way.extend(bounds.counted(&item));
        Some(Head::InTime(since, item))
    }

    fn may_begin(&self, bounds: &Bounds, item: &T) -> bool {
        let under_way = |store| self.under_way.iter().filter(|other| **other == store).count();
        bounds.counted(item).is_none_or(|store| Some(under_way(store)) < bounds.of_one_store)
    }

    fn end(&mut self, store: TenantId) {
        if let Some(place) = self.under_way.iter().position(|other| *other == store) {
            self.under_way.swap_remove(place);
        }
    }

    /// Only what is overdue.
    fn pop_overdue(&mut self, bounds: &Bounds, now: Instant) -> Option<T> {
        let patience = self.patience(bounds, now);
        let overdue = |(since, _): &mut (Instant, T)| now.saturating_duration_since(*since) > patience;
        self.waiting.pop_front_if(overdue).map(|(_, item)| item)
    }
}

impl<T: Waits> Entrance<T> {
    /// An empty queue, whose overdue items are given up even while nobody takes any.
    pub(crate) fn open(name: &'static str, bounds: Bounds) -> Result<Self> {
        let queue = Arc::new(Queue {
            name,
            bounds,
            state: Mutex::new(State::new(Instant::now())),
            arrived: Condvar::new(),
            refused: AtomicU64::new(0),
            overdue: AtomicU64::new(0),
        });
        if bounds.patience < Duration::MAX {
            // By the clock, and not woken by what comes: that would be a call of the system for each piece of work.
            let watched = Arc::downgrade(&queue);
            spawn("queue-watch", move || {
                while watched.upgrade().is_some_and(|queue| queue.give_up_overdue()) {
                    std::thread::sleep(TICK);
                }
            })?;
        }
        Ok(Self(queue))
    }

    /// Puts something in; gives it back where there is no room.
    pub(crate) fn put(&self, item: T) -> Result<(), T> {
        let queue = &*self.0;
        let mut state = queue.lock();
        if state.waiting.len() >= queue.bounds.capacity {
            drop(state);
            queue.refused.fetch_add(1, Ordering::Relaxed);
            return Err(item);
        }
        let anybody = state.idle > 0 && state.may_begin(&queue.bounds, &item);
        state.put(item, Instant::now());
        drop(state);
        // To wake somebody is a call of the system: only where somebody sleeps, and may begin with it.
        if anybody {
            queue.arrived.notify_one();
        }
        Ok(())
    }

    /// Has so many threads (at least one) take from it what comes, told since when it has waited.
    pub(crate) fn serve(
        &self,
        name: &str,
        threads: usize,
        each: impl Fn(T, Instant) + Clone + Send + 'static,
    ) -> Result<()> {
        for _ in 0..threads.max(1) {
            let (queue, each) = (Arc::clone(&self.0), each.clone());
            spawn(name, move || {
                while let Some((since, item)) = queue.take() {
                    let _place = Place { queue: &queue, store: queue.bounds.counted(&item) };
                    each(item, since);
                }
            })?;
        }
        Ok(())
    }

    /// The end where things are taken out.
    pub(crate) fn exit(&self) -> Arc<Queue<T>> {
        Arc::clone(&self.0)
    }

    /// How it is.
    pub(crate) fn vitals(&self) -> QueueVitals {
        let queue = &*self.0;
        QueueVitals {
            name: queue.name,
            waiting: queue.lock().waiting.len(),
            capacity: queue.bounds.capacity,
            refused: queue.refused.load(Ordering::Relaxed),
            overdue: queue.overdue.load(Ordering::Relaxed),
        }
    }
}

/// A place among those of its store that are under way.
struct Place<'q, T: Waits> {
    queue: &'q Queue<T>,
    store: Option<TenantId>,
}

impl<T: Waits> Drop for Place<'_, T> {
    fn drop(&mut self) {
        // Nobody is woken for what may begin now: this thread comes for it.
        if let Some(store) = self.store {
            self.queue.lock().end(store);
        }
    }
}

impl<T: Waits> Drop for Entrance<T> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.arrived.notify_all();
    }
}

impl<T: Waits> Queue<T> {
    /// The next thing that has not waited too long, and since when it has waited; `None`: nothing will come any more.
    pub(crate) fn take(&self) -> Option<(Instant, T)> {
        let mut state = self.lock();
        loop {
            match state.pop(&self.bounds, Instant::now()) {
                Some(Head::InTime(since, item)) => return Some((since, item)),
                Some(Head::Overdue(item)) => {
                    drop(state);
                    self.give_up(item);
                    state = self.lock();
                }
                None if state.closed => return None,
                None => {
                    state.empty_at = Instant::now();
                    state.idle += 1;
                    state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.idle -= 1;
                }
            }
        }
    }

    /// The same, if there is something now.
    pub(crate) fn take_now(&self) -> Option<T> {
        loop {
            let head = self.lock().pop(&self.bounds, Instant::now());
            match head? {
                Head::InTime(_, item) => return Some(item),
                Head::Overdue(item) => self.give_up(item),
            }
        }
    }

    /// Says whether anything can still come.
    fn give_up_overdue(&self) -> bool {
        loop {
            let mut state = self.lock();
            let Some(item) = state.pop_overdue(&self.bounds, Instant::now()) else { return !state.closed };
            drop(state);
            self.give_up(item);
        }
    }

    fn give_up(&self, item: T) {
        self.overdue.fetch_add(1, Ordering::Relaxed);
        item.give_up();
    }

    /// Nothing of what runs under the lock leaves it half done.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map(drop).map_err(|no_thread| Error::Unavailable(no_thread.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { capacity: 3, patience: Duration::from_secs(1), of_one_store: None };

    impl Waits for char {
        fn give_up(self) {}

        /// A capital letter is of the store of its small one.
        fn store(&self) -> Option<TenantId> {
            self.is_ascii_alphabetic().then(|| TenantId::new(u32::from(self.to_ascii_lowercase()).into()))
        }
    }

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn what_waits_is_taken_in_its_order_until_it_has_waited_too_long() {
        let start = Instant::now();
        let mut state = State::new(start);
        state.put('a', start);
        state.put('b', after(start, 10));
        state.put('c', after(start, 900));
        assert_eq!(state.pop(&BOUNDS, after(start, 999)), Some(Head::InTime(start, 'a')));
        assert_eq!(state.pop(&BOUNDS, after(start, 1011)), Some(Head::Overdue('b')));
        assert_eq!(state.pop_overdue(&BOUNDS, after(start, 1012)), None, "a quarter is left of patience");
        assert_eq!(state.pop_overdue(&BOUNDS, after(start, 1151)), Some('c'));
        assert_eq!(state.pop(&BOUNDS, after(start, 1152)), None);
    }

    #[test]
    fn a_queue_that_is_never_empty_has_less_patience_until_it_is() {
        let start = Instant::now();
        let mut state = State::new(start);
        for (turn, item) in (0..).zip('a'..='l') {
            state.put(item, after(start, turn * 100));
        }
        // From one second on it has been standing.
        assert!(matches!(state.pop(&BOUNDS, after(start, 1000)), Some(Head::InTime(_, 'a'))));
        assert_eq!(state.pop(&BOUNDS, after(start, 1001)), Some(Head::Overdue('b')));
        while state.pop(&BOUNDS, after(start, 1200)).is_some() {}
        state.put('m', after(start, 1300));
        assert!(matches!(state.pop(&BOUNDS, after(start, 2200)), Some(Head::InTime(_, 'm'))));
    }

    #[test]
    fn a_store_has_so_many_under_way_and_others_pass_those_that_wait() {
        let bounds = Bounds { of_one_store: Some(2), ..BOUNDS };
        let start = Instant::now();
        let mut state = State::new(start);
        for item in "aAaAb-".chars() {
            state.put(item, start);
        }
        let mut next = || match state.pop(&bounds, start) {
            Some(Head::InTime(_, item)) => {
                if item == 'b' {
                    state.end('a'.store().unwrap());
                }
                item
            }
            other => panic!("{other:?}"),
        };
        let taken: String = (0..5).map(|_| next()).collect();
        assert_eq!(taken, "aAba-", "two of a, then b, and when one of a has ended another");
        assert_eq!(state.pop(&bounds, start), None, "the last of a waits");
        state.end('a'.store().unwrap());
        assert_eq!(state.pop(&bounds, after(start, 2000)), Some(Head::Overdue('A')));
        state.put('a', start);
        assert!(state.pop(&bounds, start).is_some(), "what was given up was not under way");
    }

    struct Told(std::sync::mpsc::Sender<&'static str>);

    impl Waits for Told {
        fn give_up(self) {
            self.0.send("given up").unwrap();
        }
    }

    #[test]
    fn a_full_queue_gives_back_and_what_nobody_takes_is_given_up() {
        let bounds = Bounds { capacity: 2, patience: Duration::ZERO, of_one_store: None };
        let entrance = Entrance::open("test", bounds).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        // The watch may look in between: then there is room again.
        while entrance.put(Told(tell.clone())).is_ok() {}
        let refused = entrance.vitals().refused;
        assert_eq!(refused, 1);
        drop(tell);
        assert!(told.iter().count() >= 2, "nobody takes, and all are told");
        let vitals = entrance.vitals();
        assert_eq!((vitals.waiting, vitals.capacity), (0, 2));
        assert!(vitals.overdue >= 2);
    }

    #[test]
    fn what_waits_when_the_entrance_closes_is_still_taken() {
        let bounds = Bounds { capacity: 2, patience: Duration::MAX, of_one_store: None };
        let entrance = Entrance::open("test", bounds).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let exit = entrance.exit();
        assert!(entrance.put(Told(tell)).is_ok());
        drop(entrance);
        assert!(exit.take().is_some());
        assert!(exit.take().is_none(), "and then nothing comes any more");
        assert_eq!(told.iter().count(), 0, "what was taken was not given up");
    }
}
