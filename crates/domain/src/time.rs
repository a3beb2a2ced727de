//! Instants, to the microsecond: what both database engines keep exactly.

use crate::error::Violation;
use std::fmt;

/// A point in time in UTC, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// From microseconds since the Unix epoch; `None` outside the years -9999 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        jiff::Timestamp::from_microsecond(micros).ok().map(Self)
    }

    /// Microseconds since the Unix epoch.
    pub fn as_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Whole seconds since the Unix epoch, as JWT's `NumericDate` (RFC 7519) wants them.
    pub fn as_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// This instant and `seconds` more (or fewer), stopping at the ends of time.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        self.0.saturating_add(jiff::SignedDuration::from_secs(seconds)).map_or(self, Self)
    }

    /// Reads RFC 3339 with any offset; what is finer than a microsecond is cut off.
    ///
    /// ```
    /// # use haat_domain::time::Timestamp;
    /// let noon = Timestamp::parse("2026-11-23T17:30:00+05:30").unwrap();
    /// assert_eq!(noon.to_string(), "2026-11-23T12:00:00.000000Z");
    /// ```
    pub fn parse(text: &str) -> Result<Self, Violation> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .and_then(|t| Self::from_micros(t.as_microsecond()))
            .ok_or_else(|| Violation::new("must be an RFC 3339 date and time such as 2026-11-23T12:00:00Z"))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339, UTC, always six decimals: the text sorts as the time does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}
