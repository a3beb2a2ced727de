use crate::ports::Clock;
use crate::time::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};

/// A clock that stands still until it is set. It starts at noon (UTC) of 23 November 2026.
#[derive(Debug)]
pub struct FixedClock {
    micros: AtomicI64,
}

impl FixedClock {
    /// Sets the time.
    pub fn set(&self, now: Timestamp) {
        self.micros.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Sets the time so many seconds on.
    pub fn advance(&self, seconds: i64) {
        self.set(self.now().plus_seconds(seconds));
    }
}

impl Default for FixedClock {
    fn default() -> Self {
        Self { micros: AtomicI64::new(1_795_435_200_000_000) }
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst)).expect("only real times are set")
    }
}
