//! Failed logins slow further ones down, by account and by address.

use crate::{at_once, count_ok, open_shop};
use haat_domain::error::{Error, Result};
use haat_domain::identity::*;
use haat_domain::ports::Store;
use haat_domain::testing::*;
use std::sync::Arc;

cases![
    from_the_sixth_failure_on_each_doubles_the_wait_up_to_a_quarter_of_an_hour,
    who_must_wait_is_refused_even_with_the_right_password,
    a_right_password_that_comes_too_late_is_refused,
    another_account_does_not_wait,
    accounts_share_the_counter_of_an_address,
    success_forgives_the_account_and_not_the_address,
    a_name_that_nobody_has_is_treated_the_same,
    after_an_hour_without_failures_all_is_forgotten,
    where_no_failure_is_free_nobody_ever_waits,
    failures_at_the_same_moment_are_all_counted,
];

const FREE: u16 = 5;

fn login(name: &str) -> Login {
    Login { username: username(name), store: Some("Bazaar".to_owned()) }
}

fn begin(shop: &TestShop, name: &str, address: Option<&str>) -> Result<Attempt> {
    let (login, address) = (login(name), address.map(str::to_owned));
    shop.visit(move |cx| begin_login(cx, Some(&login), address.as_deref()))
}

fn finish(shop: &TestShop, attempt: Attempt, verified: bool, free: u16) -> Result<Option<Grant>> {
    shop.visit(move |cx| finish_login(cx, &attempt, verified, None, free))
}

/// A whole login; whether it succeeded.
fn try_free(shop: &TestShop, name: &str, address: Option<&str>, right: bool, free: u16) -> Result<bool> {
    Ok(finish(shop, begin(shop, name, address)?, right, free)?.is_some())
}

fn attempt(shop: &TestShop, name: &str, address: Option<&str>, right: bool) -> Result<bool> {
    try_free(shop, name, address, right, FREE)
}

#[track_caller]
fn fail(shop: &TestShop, name: &str, address: Option<&str>, times: usize) {
    for _ in 0..times {
        assert!(matches!(attempt(shop, name, address, false), Ok(false)));
    }
}

/// So many seconds are to wait; 0: none.
fn wait<T>(result: Result<T>) -> u32 {
    match result {
        Ok(_) => 0,
        Err(Error::Busy { retry_after }) => retry_after,
        Err(other) => panic!("no wait: {other:?}"),
    }
}

fn from_the_sixth_failure_on_each_doubles_the_wait_up_to_a_quarter_of_an_hour(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    fail(&shop, "customer", None, 5);
    assert_eq!(wait(begin(&shop, "customer", None)), 0, "five are free");
    for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] {
        fail(&shop, "customer", None, 1);
        assert_eq!(wait(begin(&shop, "customer", None)), expected);
        assert_eq!(wait(begin(&shop, "CUSTOMER", None)), expected, "however it is written");
        shop.clock.advance(i64::from(expected) - 1);
        assert_eq!(wait(begin(&shop, "customer", None)), 1, "the last second of {expected}");
        shop.clock.advance(1);
    }
    assert!(attempt(&shop, "customer", None, true).unwrap());
}

fn who_must_wait_is_refused_even_with_the_right_password(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    fail(&shop, "customer", None, 6);
    assert_eq!(wait(attempt(&shop, "customer", None, true)), 1);
    shop.clock.advance(1);
    assert!(attempt(&shop, "customer", None, true).unwrap());
}

fn a_right_password_that_comes_too_late_is_refused(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let early = begin(&shop, "customer", Some("10.0.0.1")).unwrap();
    let by_address = begin(&shop, "owner", Some("10.0.0.1")).unwrap();
    fail(&shop, "customer", Some("10.0.0.1"), 6);
    for verified in [true, false] {
        assert_eq!(
            wait(finish(&shop, early.clone(), verified, FREE)),
            1,
            "verified before, finished while blocked"
        );
    }
    assert_eq!(wait(finish(&shop, by_address.clone(), true, FREE)), 1);
    shop.clock.advance(1);
    assert!(finish(&shop, early, true, FREE).unwrap().is_some());
    assert!(finish(&shop, by_address, true, FREE).unwrap().is_some());
}

fn another_account_does_not_wait(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    open_shop(store, "Other");
    fail(&shop, "customer", None, 6);
    assert!(attempt(&shop, "neighbour", None, true).unwrap());
    let elsewhere = Login { username: username("customer"), store: Some("Other".to_owned()) };
    let namesake = shop.visit(move |cx| begin_login(cx, Some(&elsewhere), None)).unwrap();
    assert!(finish(&shop, namesake, true, FREE).unwrap().is_some(), "another store's");
}

fn accounts_share_the_counter_of_an_address(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let here = Some("10.0.0.1");
    for name in ["owner", "staff", "customer", "neighbour", "nobody", "no-one"] {
        fail(&shop, name, here, 1);
    }
    assert_eq!(wait(attempt(&shop, "neighbour", here, true)), 1);
    let nameless = shop.visit(|cx| begin_login(cx, None, Some("10.0.0.1")));
    assert_eq!(wait(nameless), 1, "a name that cannot be one counts too");
    assert!(attempt(&shop, "neighbour", Some("10.0.0.2"), true).unwrap(), "from elsewhere");
    assert!(attempt(&shop, "neighbour", None, true).unwrap());
}

fn success_forgives_the_account_and_not_the_address(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let here = Some("10.0.0.1");
    fail(&shop, "customer", here, 5);
    assert!(attempt(&shop, "customer", here, true).unwrap());
    fail(&shop, "customer", None, 5);
    assert_eq!(wait(begin(&shop, "customer", None)), 0, "counted anew");
    fail(&shop, "neighbour", here, 1);
    assert_eq!(wait(begin(&shop, "owner", here)), 1, "the address has its six");
}

fn a_name_that_nobody_has_is_treated_the_same(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for name in ["customer", "nobody"] {
        fail(&shop, name, None, 5);
        for expected in [1, 2, 4] {
            fail(&shop, name, None, 1);
            assert_eq!(wait(begin(&shop, name, None)), expected, "{name}");
            shop.clock.advance(i64::from(expected));
        }
    }
    let nowhere = |name: &str| Login { username: username(name), store: Some("Nowhere".to_owned()) };
    for _ in 0..6 {
        let login = nowhere("owner");
        let begun = shop.visit(move |cx| begin_login(cx, Some(&login), None)).unwrap();
        // A password that fits nothing can only be wrong, whatever is said of it.
        assert!(finish(&shop, begun, true, FREE).unwrap().is_none());
    }
    let login = nowhere("owner");
    assert_eq!(wait(shop.visit(move |cx| begin_login(cx, Some(&login), None))), 1);
}

fn after_an_hour_without_failures_all_is_forgotten(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    fail(&shop, "customer", None, 5);
    shop.clock.advance(60 * 60 - 1);
    fail(&shop, "customer", None, 1);
    assert_eq!(wait(begin(&shop, "customer", None)), 1, "within the hour");
    shop.clock.advance(60 * 60);
    fail(&shop, "customer", None, 5);
    assert_eq!(wait(begin(&shop, "customer", None)), 0);

    // What means nothing any more goes when somebody else fails.
    shop.clock.advance(60 * 60 + 1);
    fail(&shop, "neighbour", None, 1);
    shop.clock.advance(-60 * 60);
    assert_eq!(wait(begin(&shop, "customer", None)), 0);
    fail(&shop, "customer", None, 5);
    assert_eq!(wait(begin(&shop, "customer", None)), 0, "it was the first of five again");
}

fn where_no_failure_is_free_nobody_ever_waits(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for _ in 0..20 {
        assert!(!try_free(&shop, "customer", Some("10.0.0.1"), false, 0).unwrap());
    }
    assert!(try_free(&shop, "customer", Some("10.0.0.1"), true, 0).unwrap());
    assert_eq!(wait(begin(&shop, "customer", Some("10.0.0.1"))), 0, "nothing was counted");
}

fn failures_at_the_same_moment_are_all_counted(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    // Eight accounts from one address: only its counter is shared.
    let begun: Vec<_> =
        (0..8).map(|n| begin(&shop, &format!("guess{n}"), Some("10.0.0.1")).unwrap()).collect();
    let done = at_once(8, |number| {
        // Ten are free, so that no finish is itself refused; another's must not be lost.
        finish(&shop, begun[number].clone(), false, 10)
    });
    assert_eq!(count_ok(&done), 8, "{done:?}");
    for _ in 0..3 {
        let name = "guess-after";
        assert!(!try_free(&shop, name, Some("10.0.0.1"), false, 10).unwrap());
    }
    assert_eq!(wait(begin(&shop, "owner", Some("10.0.0.1"))), 1, "it was the eleventh");
}
