//! Requests with a key: the work is done once, and its answer given again.

use crate::{at_once, count_ok, inside, open_shop};
use haat_domain::authz::{Action, Role};
use haat_domain::catalog::{ProductFilter, create_product, list_products};
use haat_domain::cx::Cx;
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::idempotency::*;
use haat_domain::identity::*;
use haat_domain::ports::Store;
use haat_domain::testing::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

cases![
    the_first_answer_is_given_again_and_nothing_is_done_again,
    another_request_under_the_same_key_is_refused,
    who_fails_has_claimed_nothing,
    a_key_is_forgotten_after_a_day,
    a_key_is_its_users_and_its_stores_own,
    a_key_claimed_many_times_at_once_does_its_work_once,
    an_answer_is_given_again_only_to_who_may_still_ask,
    a_platform_admins_keys_are_those_of_the_store_acted_in,
    what_is_out_of_date_goes_when_anybody_of_the_store_logs_in,
    only_what_is_to_be_kept_is_given_again,
    without_a_key_everything_is_done_each_time,
];

const DAY: i64 = 24 * 60 * 60;

fn claim(key: &str, fingerprint: &str) -> Claim {
    Claim { key: IdempotencyKey::parse(key).unwrap(), fingerprint: fingerprint.to_owned() }
}

fn answer(body: &str) -> Answer {
    Answer { status: 201, location: Some(format!("/things/{body}")), body: format!("{{\"é\": \"{body}\"}}") }
}

/// Makes a product of this name, once.
fn make(cx: &mut Cx<'_>, claim: Claim, name: &str) -> Result<Once> {
    once(cx, Action::CreateProduct, Some(claim), |cx| {
        create_product(cx, details(name, "1", None))?;
        Ok((answer(name), answer(name)))
    })
}

fn make_as(shop: &TestShop, who: &Member, claim: Claim, name: &str) -> Result<Once> {
    let name = name.to_owned();
    shop.act_as(who, move |cx| make(cx, claim, &name))
}

fn products(shop: &TestShop) -> usize {
    let list = |cx: &mut Cx<'_>| list_products(cx, ProductFilter::default(), &first_page("id"));
    shop.act(Role::Owner, list).unwrap().items.len()
}

#[track_caller]
fn is_first(done: Result<Once>, body: &str) {
    let done = done.unwrap();
    assert_eq!((done.answer, done.replayed), (answer(body), false));
}

#[track_caller]
fn is_replay(done: Result<Once>, body: &str) {
    let done = done.unwrap();
    assert_eq!((done.answer, done.replayed), (answer(body), true));
}

fn the_first_answer_is_given_again_and_nothing_is_done_again(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    is_first(make_as(&shop, &shop.owner, claim("k", "f"), "Lamp"), "Lamp");
    let entries = || inside(&shop, |tx, _| tx.audit().head()).unwrap();
    let before = entries();
    for _ in 0..3 {
        is_replay(make_as(&shop, &shop.owner, claim("k", "f"), "Bell"), "Lamp");
    }
    assert_eq!((products(&shop), entries()), (1, before));
    is_first(make_as(&shop, &shop.owner, claim("K", "f"), "Drum"), "Drum");
}

fn another_request_under_the_same_key_is_refused(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    is_first(make_as(&shop, &shop.owner, claim("k", "one"), "Lamp"), "Lamp");
    let other = make_as(&shop, &shop.owner, claim("k", "other"), "Bell");
    assert!(matches!(other, Err(Error::KeyReused)), "{other:?}");
    assert_eq!(products(&shop), 1);
    is_replay(make_as(&shop, &shop.owner, claim("k", "one"), "Lamp"), "Lamp");
}

fn who_fails_has_claimed_nothing(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let failed = shop.act(Role::Owner, |cx| {
        once(cx, Action::CreateProduct, Some(claim("k", "f")), |cx| {
            create_product(cx, details("Lamp", "1", None))?;
            Err(Error::Conflict(Conflict::SkuTaken))
        })
    });
    assert!(matches!(failed, Err(Error::Conflict(Conflict::SkuTaken))));
    assert_eq!(products(&shop), 0);
    is_first(make_as(&shop, &shop.owner, claim("k", "corrected"), "Lamp"), "Lamp");
}

fn a_key_is_forgotten_after_a_day(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    is_first(make_as(&shop, &shop.owner, claim("k", "f"), "Lamp"), "Lamp");
    shop.clock.advance(DAY - 1);
    is_replay(make_as(&shop, &shop.owner, claim("k", "f"), "Bell"), "Lamp");
    shop.clock.advance(1);
    is_first(make_as(&shop, &shop.owner, claim("k", "other"), "Bell"), "Bell");
    is_replay(make_as(&shop, &shop.owner, claim("k", "other"), "Drum"), "Bell");
    shop.clock.advance(DAY - 1);
    is_replay(make_as(&shop, &shop.owner, claim("k", "other"), "Drum"), "Bell");
}

fn a_key_is_its_users_and_its_stores_own(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    is_first(make_as(&shop, &shop.owner, claim("k", "f"), "Lamp"), "Lamp");
    is_first(make_as(&shop, &shop.staff, claim("k", "g"), "Bell"), "Bell");
    is_first(make_as(&other, &other.owner, claim("k", "h"), "Drum"), "Drum");
    is_replay(make_as(&shop, &shop.owner, claim("k", "f"), "x"), "Lamp");
    is_replay(make_as(&shop, &shop.staff, claim("k", "g"), "x"), "Bell");
    is_replay(make_as(&other, &other.owner, claim("k", "h"), "x"), "Drum");
}

fn a_key_claimed_many_times_at_once_does_its_work_once(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let worked = Arc::new(AtomicUsize::new(0));
    let done = at_once(8, |_| {
        let worked = Arc::clone(&worked);
        shop.act(Role::Owner, move |cx| {
            once(cx, Action::CreateProduct, Some(claim("k", "f")), |cx| {
                worked.fetch_add(1, Ordering::SeqCst);
                create_product(cx, details("Lamp", "1", None))?;
                Ok((answer("Lamp"), answer("Lamp")))
            })
        })
    });
    assert_eq!(count_ok(&done), 8, "{done:?}");
    let done: Vec<_> = done.into_iter().map(Result::unwrap).collect();
    assert!(done.iter().all(|one| one.answer == answer("Lamp")));
    assert_eq!(done.iter().filter(|one| !one.replayed).count(), 1);
    assert_eq!((worked.load(Ordering::SeqCst), products(&shop)), (1, 1));
}

fn an_answer_is_given_again_only_to_who_may_still_ask(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let patched = |who: &Member, patch: UserPatch| {
        let id = who.user.id;
        shop.act(Role::Owner, move |cx| update_user(cx, id, patch)).unwrap();
    };
    let again = |who: &Member| make_as(&shop, who, claim("k", "f"), "Bell");
    is_first(make_as(&shop, &shop.staff, claim("k", "f"), "Lamp"), "Lamp");
    let demoted = UserPatch { role: Some(Role::Customer), ..UserPatch::default() };
    patched(&shop.staff, demoted);
    assert!(matches!(again(&shop.staff), Err(Error::Forbidden(_))), "demoted");
    patched(&shop.staff, UserPatch { role: Some(Role::Staff), ..UserPatch::default() });
    is_replay(again(&shop.staff), "Lamp");
    shop.act(Role::Staff, end_session).unwrap();
    assert!(matches!(again(&shop.staff), Err(Error::Unauthenticated(_))), "logged out");
    let back = shop.log_in(&shop.staff.user).unwrap();
    is_replay(again(&back), "Lamp");
    patched(&back, UserPatch { is_active: Some(false), ..UserPatch::default() });
    assert!(matches!(again(&back), Err(Error::Unauthenticated(_))), "deactivated");
    assert_eq!(products(&shop), 1);
    let operator = shop.operate(|cx| make(cx, claim("k", "f"), "Bell"));
    assert!(matches!(operator, Err(Error::Unauthenticated(_))), "keys are people's: {operator:?}");
}

fn a_platform_admins_keys_are_those_of_the_store_acted_in(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let admin = TestPlatform::open(Arc::clone(store));
    let make_in = |named: &str, name: &'static str| {
        admin.act_in(named, Action::CreateProduct, move |cx| make(cx, claim("k", "f"), name))
    };
    is_first(make_in("Bazaar", "Lamp"), "Lamp");
    is_first(make_in("Other", "Bell"), "Bell");
    is_replay(make_in("bazaar", "x"), "Lamp");
    is_replay(make_in("other", "x"), "Bell");
    assert_eq!((products(&shop), products(&other)), (1, 1));
    is_first(make_as(&shop, &shop.owner, claim("k", "f"), "Drum"), "Drum");
}

fn what_is_out_of_date_goes_when_anybody_of_the_store_logs_in(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    is_first(make_as(&shop, &shop.owner, claim("old", "f"), "Lamp"), "Lamp");
    is_first(make_as(&shop, &shop.staff, claim("old", "f"), "Lamp"), "Lamp");
    is_first(make_as(&other, &other.owner, claim("old", "f"), "Lamp"), "Lamp");
    shop.clock.advance(DAY);
    is_first(make_as(&shop, &shop.owner, claim("new", "f"), "Bell"), "Bell");
    shop.log_in(&shop.owner.user).unwrap();
    let (owner, staff) = (shop.owner.user.id, shop.staff.user.id);
    // Asked with an eye for what is older than a day.
    let found = inside(&shop, move |tx, now| {
        let stale = now.plus_seconds(-9 * DAY);
        let mut there = |user, key| Ok(tx.replays().claim(user, &claim(key, "f"), now, stale)?.is_some());
        Ok([there(owner, "old")?, there(owner, "new")?, there(staff, "old")?])
    });
    assert_eq!(found.unwrap(), [false, true, false], "the store's own, and only what is out of date");
    let neighbour = other.owner.user.id;
    let kept = inside(&other, move |tx, now| {
        let stale = now.plus_seconds(-9 * DAY);
        Ok(tx.replays().claim(neighbour, &claim("old", "f"), now, stale)?.is_some())
    });
    assert!(kept.unwrap(), "another store's are its own business");
}

fn only_what_is_to_be_kept_is_given_again(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let show = || {
        shop.act(Role::Owner, |cx| {
            once(cx, Action::CreateInvitation, Some(claim("k", "f")), |_| {
                let kept = Answer { status: 204, location: None, body: String::new() };
                Ok((answer("secret"), kept))
            })
        })
        .unwrap()
    };
    assert_eq!(show().answer, answer("secret"));
    let again = show();
    let kept = Answer { status: 204, location: None, body: String::new() };
    assert_eq!((again.answer, again.replayed), (kept, true));
}

fn without_a_key_everything_is_done_each_time(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for _ in 0..2 {
        let made = shop.act(Role::Owner, |cx| {
            once(cx, Action::CreateProduct, None, |cx| {
                create_product(cx, details("Lamp", "1", None))?;
                Ok((answer("Lamp"), answer("Lamp")))
            })
        });
        is_first(made, "Lamp");
    }
    assert_eq!(products(&shop), 2);
}
