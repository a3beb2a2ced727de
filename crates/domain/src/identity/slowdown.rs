use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::ids::TenantId;
use crate::text::hex;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};

/// Whose failed logins are counted: an account or an address, as a digest, which is nothing to read at a glance, but no
/// secret either.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject(String);

impl Subject {
    /// A username in a store, whether or not there is such an account: nobody learns which.
    pub(super) fn account(tenant: Option<TenantId>, username_key: &str) -> Self {
        Self::of(&format!("account {} {username_key}", tenant.map_or(-1, TenantId::get)))
    }

    /// A network address, as text.
    pub(super) fn address(address: &str) -> Self {
        Self::of(&format!("address {address}"))
    }

    fn of(text: &str) -> Self {
        Self(hex(&Sha256::digest(text)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The failed logins of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many there were, one soon after the other.
    pub count: i64,
    /// The last one.
    pub last_at: Timestamp,
    /// Nobody is let try before.
    pub blocked_until: Timestamp,
}

impl Failures {
    /// The longest wait, in seconds: what a thief may inflict on the owner of an account stays bearable.
    pub const LONGEST: i64 = 15 * 60;
    /// Failures are forgotten when there was none for so many seconds.
    pub const MEMORY: i64 = 60 * 60;

    /// None so far.
    pub const fn none(now: Timestamp) -> Self {
        Self { count: 0, last_at: now, blocked_until: now }
    }

    /// One failure more: from the one after the `free` ones on, each doubles the wait.
    fn one_more(self, free: u16, now: Timestamp) -> Self {
        let fresh = self.last_at.plus_seconds(Self::MEMORY) > now;
        let count = if fresh { self.count.saturating_add(1) } else { 1 };
        let over = count - i64::from(free);
        let wait = match u32::try_from(over - 1) {
            Ok(doublings) => 2_i64.saturating_pow(doublings).min(Self::LONGEST),
            Err(_) => 0,
        };
        Self { count, last_at: now, blocked_until: now.plus_seconds(wait) }
    }
}

/// Refuses while one of these subjects must wait.
pub(super) fn check(cx: &mut Cx<'_>, subjects: &[Subject]) -> Result<()> {
    let now = cx.now();
    let mut until = now;
    for subject in subjects {
        if let Some(failures) = cx.directory().failures(subject)? {
            until = until.max(failures.blocked_until);
        }
    }
    wait_until(until, now)
}

fn wait_until(until: Timestamp, now: Timestamp) -> Result<()> {
    let wait = until.as_micros() - now.as_micros();
    if wait <= 0 {
        return Ok(());
    }
    let seconds = wait.saturating_add(999_999) / 1_000_000;
    Err(Error::Busy { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) })
}

/// Lets tries of these subjects end one after the other, and refuses those that come when a subject has to wait by
/// then: who tries many at once learns no more than who tries one after the other. Where no failure is free the brake
/// is off, and nobody waits for anybody.
pub(super) fn take_turns(
    cx: &mut Cx<'_>,
    subjects: Vec<Subject>,
    free: u16,
) -> Result<Vec<(Subject, Failures)>> {
    let now = cx.now();
    let mut held = Vec::with_capacity(subjects.len());
    for subject in subjects.into_iter().filter(|_| free > 0) {
        let failures = cx.directory().lock_failures(&subject, now)?;
        wait_until(failures.blocked_until, now)?;
        held.push((subject, failures));
    }
    Ok(held)
}

/// Counts a failure of each.
pub(super) fn count(cx: &mut Cx<'_>, held: &[(Subject, Failures)], free: u16) -> Result<()> {
    let now = cx.now();
    for (subject, before) in held {
        if before.count == 0 {
            // Whenever a row comes, those go that mean nothing any more: the table stays small.
            cx.directory().forget_failures(now.plus_seconds(-Failures::MEMORY))?;
        }
        cx.directory().keep_failures(subject, &before.one_more(free, now))?;
    }
    Ok(())
}

/// Forgets the failures of the account that has got in, and of everybody else who has none.
pub(super) fn forgive(cx: &mut Cx<'_>, account: &Subject, held: &[(Subject, Failures)]) -> Result<()> {
    for (subject, failures) in held {
        if subject == account || failures.count == 0 {
            cx.directory().forgive_failures(subject)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(free: u16, tries: usize) -> Vec<i64> {
        let now = Timestamp::EPOCH;
        let mut failures = Failures::none(now);
        let mut one = || {
            failures = failures.one_more(free, now);
            failures.blocked_until.as_seconds() - now.as_seconds()
        };
        (0..tries).map(|_| one()).collect()
    }

    #[test]
    fn from_the_sixth_failure_on_each_doubles_the_wait_up_to_a_quarter_of_an_hour() {
        assert_eq!(waits(5, 18)[..9], [0, 0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(waits(5, 18)[14..], [512, 900, 900, 900]);
        assert!(waits(5, 200).iter().all(|wait| *wait <= Failures::LONGEST));
    }

    #[test]
    fn after_an_hour_without_failures_all_is_forgotten() {
        let many = Failures { count: 100, last_at: Timestamp::EPOCH, blocked_until: Timestamp::EPOCH };
        let just_before = Timestamp::EPOCH.plus_seconds(Failures::MEMORY - 1);
        assert_eq!(many.one_more(5, just_before).count, 101);
        assert_eq!(many.one_more(5, Timestamp::EPOCH.plus_seconds(Failures::MEMORY)).count, 1);
    }

    #[test]
    fn no_two_subjects_are_one() {
        let all = [
            Subject::account(None, "a"),
            Subject::account(Some(TenantId::new(1)), "a"),
            Subject::account(Some(TenantId::new(1)), "b"),
            Subject::address("a"),
        ];
        assert!(all.iter().enumerate().all(|(n, one)| !all[..n].contains(one)));
    }
}
