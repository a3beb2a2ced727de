//! Instants, to the microsecond: what both database engines keep exactly.

use crate::error::Violation;
use std::fmt;

/// A point in time in UTC, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// From microseconds since the Unix epoch; `None` outside the years 1 to 9999, which RFC 3339 can write.
    pub fn from_micros(micros: i64) -> Option<Self> {
        if !(-62_135_596_800_000_000..253_402_300_800_000_000).contains(&micros) {
            return None;
        }
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
        // The library reads more than RFC 3339: basic ISO 8601, signed years, zones in brackets.
        let shape = [(4, b'-'), (7, b'-'), (10, b't'), (13, b':'), (16, b':')];
        let fits = shape
            .iter()
            .all(|(at, wanted)| text.as_bytes().get(*at).map(u8::to_ascii_lowercase) == Some(*wanted));
        Some(text)
            .filter(|text| fits && !text.contains('['))
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From the year 0 to 9999, where RFC 3339 has four digits for the year.
    const YEARS: std::ops::Range<i64> = -62_167_219_200_000_000..253_402_207_200_000_000;

    #[test]
    fn what_is_no_instant_is_refused() {
        for wrong in ["", "now", "2026-11-23", "2026-11-23T12:00:00", "2026-02-30T12:00:00Z", "1795435200"] {
            assert!(Timestamp::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Timestamp::from_micros(i64::MAX), None);
    }

    #[test]
    fn time_stops_at_its_ends() {
        let late = Timestamp::parse("9999-12-30T00:00:00Z").unwrap();
        assert!(late.plus_seconds(i64::MAX) >= late);
        assert!(late.plus_seconds(i64::MIN) < late);
    }

    proptest! {
        #[test]
        fn an_instant_survives_its_text_which_sorts_as_it_does(one in YEARS, other in YEARS) {
            let [one, other] = [one, other].map(|micros| Timestamp::from_micros(micros).unwrap());
            prop_assert_eq!(Timestamp::parse(&one.to_string()).unwrap(), one);
            prop_assert_eq!(one.to_string().cmp(&other.to_string()), one.cmp(&other));
            prop_assert_eq!(Timestamp::from_micros(one.as_micros()), Some(one));
        }
    }
}
