//! What was done and how long it took, in plain numbers, for whoever watches the server. Nothing of a store or a user
//! is in them, and counting takes no lock and no memory.

use haat_domain::error::{Error, Result};
use haat_domain::ports::Access;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// What `App` has done, and is doing.
#[derive(Debug, Default)]
pub struct Vitals {
    reads: Units,
    scans: Units,
    writes: Units,
    under_way: AtomicUsize,
    /// How long passwords were hashed, without the wait before.
    pub hashing: Durations,
}

impl Vitals {
    /// The units of work of one kind.
    pub const fn units(&self, access: Access) -> &Units {
        match access {
            Access::Read => &self.reads,
            Access::Scan => &self.scans,
            Access::Write => &self.writes,
        }
    }

    /// How many units of work wait for the database or are in it, at this moment.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    pub(crate) fn begin(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Units of work of one kind.
#[derive(Debug, Default)]
pub struct Units {
    /// From when they were handed over until they began, with the wait for a connection and the BEGIN.
    pub waited: Durations,
    /// From when they began until they were settled, with the COMMIT.
    pub ran: Durations,
    outcomes: [Count; Outcome::ALL.len()],
}

impl Units {
    /// How many came to this.
    pub fn count(&self, outcome: Outcome) -> u64 {
        Outcome::ALL.iter().zip(&self.outcomes).find(|(one, _)| **one == outcome).map_or(0, |(_, n)| n.get())
    }

    pub(crate) fn note<T>(&self, result: &Result<T>) {
        let outcome = Outcome::of(result);
        if let Some((_, count)) = Outcome::ALL.iter().zip(&self.outcomes).find(|(one, _)| **one == outcome) {
            count.up();
        }
    }
}

/// What a unit of work came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was asked.
    Done,
    /// The use case said no: not valid, not permitted, not there.
    Refused,
    /// The present state said no: too little stock, changed meanwhile, a key used twice.
    Conflict,
    /// Too much of this at once.
    Busy,
    /// The database was away, gave up, or had no time.
    Unavailable,
    /// Our fault.
    Internal,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Done, Self::Refused, Self::Conflict, Self::Busy, Self::Unavailable, Self::Internal];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    fn of<T>(result: &Result<T>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(Error::Conflict(_) | Error::Stale | Error::KeyReused) => Self::Conflict,
            Err(Error::Busy { .. }) => Self::Busy,
            Err(Error::Unavailable(_)) => Self::Unavailable,
            Err(Error::Internal(_)) => Self::Internal,
            Err(Error::Invalid(_) | Error::Unauthenticated(_) | Error::Forbidden(_) | Error::NotFound) => {
                Self::Refused
            }
        }
    }
}

/// Something that is counted.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, many times: a histogram.
#[derive(Debug, Default)]
pub struct Durations {
    counts: [Count; BOUNDS.len()],
    longer: Count,
    micros: AtomicU64,
}

/// Upper bounds of what is told apart, in microseconds: from the quickest answers up to the longest waits.
const BOUNDS: [u32; 16] = [
    50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

impl Durations {
    /// Adds one.
    pub fn add(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().zip(&self.counts).find(|(bound, _)| micros <= u64::from(**bound));
        place.map_or(&self.longer, |(_, count)| count).up();
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Upper bounds, and how many were within each and not within the one before; `None` is no bound.
    pub fn counts(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let within =
            |(bound, count): (&u32, &Count)| (Some(Duration::from_micros(u64::from(*bound))), count.get());
        BOUNDS.iter().zip(&self.counts).map(within).chain([(None, self.longer.get())])
    }

    /// All of them, one after the other.
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_counted_once_within_its_bound() {
        let durations = Durations::default();
        for micros in [0, 50, 51, 999, 1_000, 10_000_000, 10_000_001, 99_000_000] {
            durations.add(Duration::from_micros(micros));
        }
        let counts: Vec<_> = durations.counts().filter(|(_, count)| *count > 0).collect();
        let within = |micros| Some(Duration::from_micros(micros));
        let expected =
            [(within(50), 2), (within(100), 1), (within(1_000), 2), (within(10_000_000), 1), (None, 2)];
        assert_eq!(counts, expected);
        assert_eq!(durations.sum(), Duration::from_micros(119_002_101));
    }

    #[test]
    fn every_outcome_has_a_count_of_its_own() {
        let units = Units::default();
        let errors = [Error::NotFound, Error::Stale, Error::Busy { retry_after: 1 }, Error::internal("x")];
        units.note(&Ok(()));
        for error in errors {
            units.note::<()>(&Err(error));
        }
        units.note::<()>(&Err(Error::Unavailable("x".into())));
        assert!(Outcome::ALL.iter().all(|outcome| units.count(*outcome) == 1));
    }
}
