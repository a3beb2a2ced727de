use crate::{conflict, shop, unknown};
use haat_domain::authz::Role;
use haat_domain::error::{AuthFailure, Conflict, Result};
use haat_domain::identity::*;
use haat_domain::ids::{SessionId, TenantId};
use haat_domain::tenancy::{TenantStatus, set_tenant_status};
use haat_domain::testing::*;

const DAY: i64 = 24 * 60 * 60;

fn refresh(shop: &TestShop, generation: i64) -> Rotation {
    let Credential { tenant, session, .. } = shop.customer.credential;
    shop.visit(move |cx| refresh_session(cx, &Refresh { tenant, session, generation })).unwrap()
}

fn ended(rotation: &Rotation) -> Option<AuthFailure> {
    match rotation {
        Rotation::Ended(failure) => Some(*failure),
        Rotation::Fresh(_) | Rotation::Reused => None,
    }
}

#[test]
fn a_refresh_token_is_good_once_and_for_the_next_one() {
    let shop = shop();
    for generation in 1..5 {
        let Rotation::Fresh(grant) = refresh(&shop, generation) else { panic!("generation {generation}") };
        assert_eq!((grant.generation, grant.role), (generation + 1, Role::Customer));
        assert_eq!(grant.session, shop.customer.credential.session);
    }
}

#[test]
fn a_used_refresh_token_ends_its_family_and_nobody_elses() {
    let shop = shop();
    let elsewhere = shop.log_in(&shop.customer.user).unwrap();
    assert!(matches!(refresh(&shop, 1), Rotation::Fresh(_)));
    assert!(matches!(refresh(&shop, 1), Rotation::Reused));
    assert_eq!(
        ended(&refresh(&shop, 2)),
        Some(AuthFailure::BadToken),
        "the thief's or the owner's: both are out"
    );
    assert_eq!(ended(&refresh(&shop, 1)), Some(AuthFailure::BadToken));
    assert_eq!(unknown(shop.act(Role::Customer, read_me)), AuthFailure::BadToken);
    shop.act_as(&elsewhere, read_me).expect("another login of the same user goes on");
}

#[test]
fn a_session_ends_when_nobody_uses_it_for_two_weeks() {
    let shop = shop();
    shop.clock.advance(14 * DAY - 1);
    let Rotation::Fresh(grant) = refresh(&shop, 1) else { panic!("in time") };
    assert_eq!(grant.refresh_until, shop.customer.user.created_at.plus_seconds(28 * DAY - 1));
    shop.clock.advance(14 * DAY);
    assert_eq!(ended(&refresh(&shop, 2)), Some(AuthFailure::BadToken));
}

#[test]
fn a_session_ends_after_90_days_whoever_uses_it() {
    let shop = shop();
    for generation in 1..=8 {
        shop.clock.advance(10 * DAY);
        assert!(matches!(refresh(&shop, generation), Rotation::Fresh(_)), "{generation}");
    }
    shop.clock.advance(10 * DAY - 1);
    let Rotation::Fresh(grant) = refresh(&shop, 9) else { panic!("the last second") };
    assert_eq!(grant.refresh_until, shop.customer.user.created_at.plus_seconds(90 * DAY));
    shop.act(Role::Customer, read_me).expect("the last second");
    shop.clock.advance(1);
    assert_eq!(ended(&refresh(&shop, 10)), Some(AuthFailure::BadToken));
    assert_eq!(unknown(shop.act(Role::Customer, read_me)), AuthFailure::BadToken);
}

#[test]
fn a_refresh_token_is_worth_what_its_account_is_worth() {
    let shop = shop();
    let id = shop.customer.user.id;
    let promote = UserPatch { role: Some(Role::Staff), ..UserPatch::default() };
    shop.act(Role::Owner, move |cx| update_user(cx, id, promote)).unwrap();
    assert!(matches!(refresh(&shop, 1), Rotation::Fresh(Grant { role: Role::Staff, .. })));

    let store = shop.tenant.id;
    let admin = TestPlatform::open(shop.store.clone());
    let set = |status| admin.act(move |cx| set_tenant_status(cx, store, status)).unwrap();
    set(TenantStatus::Suspended);
    assert_eq!(ended(&refresh(&shop, 2)), Some(AuthFailure::StoreSuspended));
    set(TenantStatus::Active);
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    shop.act(Role::Owner, move |cx| update_user(cx, id, off)).unwrap();
    assert!(ended(&refresh(&shop, 3)).is_some());
}

#[test]
fn a_refresh_token_of_no_session_is_bad() {
    let shop = shop();
    let Credential { tenant, session, .. } = shop.customer.credential;
    let other = TestShop::open(shop.store.clone(), "Other", "INR");
    for (tenant, session) in [
        (tenant, SessionId::new(987_654)),
        (TenantId::new(987_654), session),
        (other.tenant.id, session),
        (TenantId::PLATFORM, session),
    ] {
        let answer =
            shop.visit(move |cx| refresh_session(cx, &Refresh { tenant, session, generation: 1 })).unwrap();
        assert_eq!(ended(&answer), Some(AuthFailure::BadToken));
    }
    assert!(matches!(refresh(&shop, 1), Rotation::Fresh(_)), "and nothing happened to the real one");
}

#[test]
fn logging_out_ends_one_session_or_all() {
    let shop = shop();
    let elsewhere = shop.log_in(&shop.customer.user).unwrap();
    shop.act(Role::Customer, end_session).unwrap();
    assert_eq!(unknown(shop.act(Role::Customer, read_me)), AuthFailure::BadToken);
    assert_eq!(ended(&refresh(&shop, 1)), Some(AuthFailure::BadToken));
    shop.act_as(&elsewhere, end_all_sessions).unwrap();
    assert_eq!(unknown(shop.act_as(&elsewhere, read_me)), AuthFailure::BadToken);
    shop.act(Role::Owner, read_me).expect("nobody else's");
}

#[test]
fn every_access_token_ends_with_all_sessions() {
    let shop = shop();
    shop.act(Role::Customer, end_all_sessions).unwrap();
    let again = shop.log_in(&shop.customer.user).unwrap();
    let stale = Member { credential: Credential { token_version: 0, ..again.credential }, ..again.clone() };
    assert_eq!(unknown(shop.act_as(&stale, read_me)), AuthFailure::BadToken);
    shop.act_as(&again, read_me).unwrap();
}

fn find(shop: &TestShop, name: &str, store: Option<&str>) -> Result<Option<LoginAccount>> {
    let login = Login { username: username(name), store: store.map(str::to_owned) };
    shop.visit(move |cx| find_account(cx, &login))
}

#[test]
fn a_login_means_the_account_in_the_store_it_names() {
    let shop = MemoryStore::default().open_shop("Corner Shop", "INR");
    let other = TestShop::open(shop.store.clone(), "Other", "INR");
    let tenant = |name, store| find(&shop, name, store).unwrap().map(|account| account.tenant);
    assert_eq!(tenant("OWNER", Some("corner-shop")), Some(shop.tenant.id));
    assert_eq!(tenant("owner", Some("OTHER")), Some(other.tenant.id));
    assert_eq!(tenant("owner", None), Some(shop.tenant.id), "the first to take the name");
    assert_eq!(tenant("owner", Some("Nowhere")), None);
    assert_eq!(tenant("nobody", Some("Other")), None);
    assert_eq!(tenant("nobody", None), None);
}

#[test]
fn an_upgraded_hash_replaces_the_old_one() {
    let shop = shop();
    let account = find(&shop, "customer", Some("Bazaar")).unwrap().unwrap();
    shop.visit(move |cx| open_session(cx, &account, Some(&hash("upgraded")))).unwrap();
    assert_eq!(shop.act(Role::Customer, own_password).unwrap().1, hash("upgraded"));
}

#[test]
fn a_login_with_a_password_that_was_changed_meanwhile_undoes_nothing_and_opens_nothing() {
    let shop = shop();
    let verified = find(&shop, "customer", Some("Bazaar")).unwrap().unwrap();
    let old = verified.hash.clone();
    shop.act(Role::Customer, move |cx| change_password(cx, &old, &hash("changed"))).unwrap();
    for upgraded in [None, Some(hash("upgraded"))] {
        let verified = verified.clone();
        let late = shop.visit(move |cx| open_session(cx, &verified, upgraded.as_ref()).map(drop));
        assert_eq!(conflict(late), Conflict::Duplicate);
        assert_eq!(shop.act(Role::Customer, own_password).unwrap().1, hash("changed"));
    }
}

#[test]
fn of_two_logins_that_upgrade_a_hash_the_second_one_verifies_again() {
    let shop = shop();
    let both = find(&shop, "customer", Some("Bazaar")).unwrap().unwrap();
    let log_in = |account: LoginAccount, upgraded: Option<&str>| {
        let upgraded = upgraded.map(hash);
        shop.visit(move |cx| open_session(cx, &account, upgraded.as_ref()).map(drop))
    };
    log_in(both.clone(), Some("first")).unwrap();
    assert_eq!(conflict(log_in(both, Some("second"))), Conflict::Duplicate);
    let again = find(&shop, "customer", Some("Bazaar")).unwrap().unwrap();
    assert_eq!(again.hash, hash("first"));
    log_in(again, None).unwrap();
}
