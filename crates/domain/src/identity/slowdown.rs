use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::ids::TenantId;
use crate::text::hex;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};

/// Whose failed logins are counted: an account or an address, as a digest that names neither.
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

    /// One failure more: from the one after the `free` ones on, each doubles the wait.
    fn one_more(before: Option<Self>, free: u16, now: Timestamp) -> Self {
        let fresh = before.filter(|before| before.last_at.plus_seconds(Self::MEMORY) > now);
        let count = fresh.map_or(0, |before| before.count).saturating_add(1);
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
    let mut wait = 0;
    for subject in subjects {
        if let Some(failures) = cx.directory().failures(subject)? {
            wait = wait.max(failures.blocked_until.as_micros() - now.as_micros());
        }
    }
    if wait <= 0 {
        return Ok(());
    }
    let seconds = wait.saturating_add(999_999) / 1_000_000;
    Err(Error::Busy { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) })
}

/// Counts a failure of each subject. Nothing is counted where no failure is free: then the brake is off.
pub(super) fn count(cx: &mut Cx<'_>, subjects: &[Subject], free: u16) -> Result<()> {
    let now = cx.now();
    for subject in subjects.iter().filter(|_| free > 0) {
        // Whoever comes second holds the row from then on, and succeeds with what they read next.
        let mut counted = false;
        for _ in 0..3 {
            counted = counted || count_one(cx, subject, free, now)?;
        }
        if !counted {
            return Err(Error::internal("a failed login could not be counted"));
        }
    }
    Ok(())
}

/// Counts a failure of one subject, unless somebody else was faster; says whether it did.
fn count_one(cx: &mut Cx<'_>, subject: &Subject, free: u16, now: Timestamp) -> Result<bool> {
    let before = cx.directory().failures(subject)?;
    if before.is_none() {
        // Whenever a row comes, those go that mean nothing any more: the table stays small.
        cx.directory().forget_failures(now.plus_seconds(-Failures::MEMORY))?;
    }
    cx.directory().keep_failures(subject, before.as_ref(), &Failures::one_more(before, free, now))
}

/// Forgets the failures of one subject.
pub(super) fn forgive(cx: &mut Cx<'_>, subject: &Subject) -> Result<()> {
    if cx.directory().failures(subject)?.is_some() {
        cx.directory().forgive_failures(subject)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(free: u16, tries: usize) -> Vec<i64> {
        let now = Timestamp::EPOCH;
        let mut failures = None;
        let mut one = || {
            let next = Failures::one_more(failures, free, now);
            failures = Some(next);
            next.blocked_until.as_seconds() - now.as_seconds()
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
        assert_eq!(Failures::one_more(Some(many), 5, just_before).count, 101);
        assert_eq!(
            Failures::one_more(Some(many), 5, Timestamp::EPOCH.plus_seconds(Failures::MEMORY)).count,
            1
        );
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
