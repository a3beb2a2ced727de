//! The system's clock.

use haat_domain::ports::Clock;
use haat_domain::time::Timestamp;

/// The time of this machine, cut to the microsecond.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine what time it is")]
    fn now(&self) -> Timestamp {
        let now = jiff::Timestamp::now().as_microsecond();
        Timestamp::from_micros(now).unwrap_or(Timestamp::EPOCH)
    }
}
