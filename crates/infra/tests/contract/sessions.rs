//! Sessions: rotation, reuse, and the account behind a token.

use crate::{at_once, inside, open_shop};
use haat_domain::authz::Role;
use haat_domain::identity::*;
use haat_domain::ids::{SessionId, TenantId, UserId};
use haat_domain::ports::Store;
use haat_domain::tenancy::{TenantStatus, set_tenant_status};
use haat_domain::testing::*;
use std::sync::Arc;

cases![
    a_session_begins_at_its_first_generation,
    a_session_rotates_from_the_generation_it_is_at_only,
    a_revoked_session_stays_revoked_since_then,
    all_of_a_users_sessions_end_but_one,
    the_account_behind_a_credential_is_read_whole,
    a_credential_of_which_anything_is_wrong_has_no_account,
    a_refresh_token_used_twice_at_once_is_fresh_once,
    a_refresh_token_used_again_later_ends_the_family,
    a_browsers_requests_at_once_all_get_the_present_generation,
    a_browser_may_use_the_token_before_the_present_one_for_a_minute,
];

fn find(shop: &TestShop, id: SessionId) -> Option<Session> {
    inside(shop, move |tx, _| tx.sessions().find(id)).unwrap()
}

fn account(shop: &TestShop, credential: Credential) -> Option<Account> {
    shop.visit(move |cx| cx.directory().account(&credential)).unwrap()
}

fn a_session_begins_at_its_first_generation(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let user = shop.customer.user.id;
    let (id, new) = inside(&shop, move |tx, now| {
        let (idle_until, expires_at) = (now.plus_seconds(14), now.plus_seconds(90));
        let new = NewSession { user, created_at: now, idle_until, expires_at };
        Ok((tx.sessions().open(&new)?, new))
    })
    .unwrap();
    let NewSession { idle_until, expires_at, .. } = new;
    let opened = Session { id, user, generation: 1, idle_until, expires_at, revoked_at: None };
    assert_eq!(find(&shop, id), Some(opened));
    assert_eq!(find(&shop, SessionId::new(987_654)), None);
}

fn a_session_rotates_from_the_generation_it_is_at_only(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let id = shop.customer.credential.session;
    inside(&shop, move |tx, now| {
        let sessions = tx.sessions();
        assert!(!sessions.rotate(id, 2, now)?, "not yet");
        assert!(sessions.rotate(id, 1, now.plus_seconds(5))?);
        assert!(!sessions.rotate(id, 1, now.plus_seconds(6))?, "no longer");
        let session = sessions.find(id)?.unwrap();
        assert_eq!((session.generation, session.idle_until), (2, now.plus_seconds(5)));
        sessions.revoke(id, now)?;
        assert!(!sessions.rotate(id, 2, now)?, "not when revoked");
        assert!(!sessions.rotate(SessionId::new(987_654), 1, now)?);
        Ok(())
    })
    .unwrap();
}

fn a_revoked_session_stays_revoked_since_then(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (user, id) = (shop.customer.user.id, shop.customer.credential.session);
    let first = inside(&shop, move |tx, now| tx.sessions().revoke(id, now).map(|()| now)).unwrap();
    shop.clock.advance(60);
    inside(&shop, move |tx, now| {
        tx.sessions().revoke(id, now)?;
        tx.sessions().revoke_all(user, None, now)
    })
    .unwrap();
    assert_eq!(find(&shop, id).unwrap().revoked_at, Some(first));
}

fn all_of_a_users_sessions_end_but_one(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (user, keep) = (shop.customer.user.id, shop.customer.credential.session);
    let others = [(); 3].map(|()| shop.log_in(&shop.customer.user).unwrap().credential.session);
    inside(&shop, move |tx, now| tx.sessions().revoke_all(user, Some(keep), now)).unwrap();
    let live = |id| find(&shop, id).unwrap().revoked_at.is_none();
    assert!(live(keep));
    assert_eq!(others.map(live), [false; 3]);
    assert!(live(shop.neighbour.credential.session) && live(shop.owner.credential.session), "nobody else's");
    inside(&shop, move |tx, now| tx.sessions().revoke_all(user, None, now)).unwrap();
    assert!(!live(keep));
}

fn the_account_behind_a_credential_is_read_whole(store: &Arc<dyn Store>) {
    let shop = TestShop::open(Arc::clone(store), "Tokyo", "JPY");
    let Member { user, credential } = shop.customer.clone();
    let session = find(&shop, credential.session).unwrap();
    let before = account(&shop, credential).unwrap();
    assert_eq!(before.user, user);
    assert_eq!((before.token_version, before.status), (0, TenantStatus::Active));
    assert_eq!((before.currency.code(), before.session), ("JPY", credential.session));
    assert_eq!((before.session_revoked, before.session_expires_at), (false, session.expires_at));

    let (id, store_id) = (user.id, shop.tenant.id);
    inside(&shop, move |tx, now| {
        tx.users().bump_token_version(id)?;
        tx.sessions().revoke(credential.session, now)
    })
    .unwrap();
    TestPlatform::open(Arc::clone(store))
        .act(move |cx| set_tenant_status(cx, store_id, TenantStatus::Suspended))
        .unwrap();
    let after = account(&shop, credential).unwrap();
    assert_eq!((after.token_version, after.user.token_version), (1, 1));
    assert_eq!((after.status, after.session_revoked), (TenantStatus::Suspended, true));
}

fn a_credential_of_which_anything_is_wrong_has_no_account(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let good = shop.customer.credential;
    assert!(account(&shop, good).is_some());
    for wrong in [
        Credential { tenant: other.tenant.id, ..good },
        Credential { tenant: TenantId::PLATFORM, ..good },
        Credential { tenant: TenantId::new(987_654), ..good },
        Credential { user: shop.neighbour.user.id, ..good },
        Credential { user: other.customer.user.id, ..good },
        Credential { user: UserId::new(987_654), ..good },
        Credential { session: shop.neighbour.credential.session, ..good },
        Credential { session: other.customer.credential.session, ..good },
        Credential { session: SessionId::new(987_654), ..good },
    ] {
        assert!(account(&shop, wrong).is_none(), "{wrong:?}");
    }
    inside(&shop, move |tx, now| tx.users().delete(good.user, now)).unwrap();
    assert!(account(&shop, good).is_none(), "a removed user's");
}

fn refresh(shop: &TestShop, generation: i64) -> haat_domain::error::Result<Rotation> {
    let Credential { tenant, session, .. } = shop.customer.credential;
    shop.visit(move |cx| refresh_session(cx, &Refresh { tenant, session, generation }))
}

fn a_refresh_token_used_twice_at_once_is_fresh_once(store: &Arc<dyn Store>) {
    for round in 0..5 {
        let shop = open_shop(store, &format!("Bazaar {round}"));
        let used: Vec<_> = at_once(2, |_| refresh(&shop, 1)).into_iter().map(Result::unwrap).collect();
        let fresh = used.iter().filter(|rotation| matches!(rotation, Rotation::Fresh(_))).count();
        let reused = used.iter().filter(|rotation| matches!(rotation, Rotation::Reused)).count();
        assert_eq!((fresh, reused), (1, 1), "{used:?}");
        assert!(shop.act(Role::Customer, read_me).is_err(), "the family has ended");
    }
}

fn a_refresh_token_used_again_later_ends_the_family(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let Rotation::Fresh(grant) = refresh(&shop, 1).unwrap() else { panic!("a good token") };
    assert_eq!((grant.generation, grant.session), (2, shop.customer.credential.session));
    assert!(matches!(refresh(&shop, 2).unwrap(), Rotation::Fresh(Grant { generation: 3, .. })));
    shop.act(Role::Customer, read_me).expect("the session lives on");
    assert!(matches!(refresh(&shop, 2).unwrap(), Rotation::Reused));
    assert!(matches!(refresh(&shop, 3).unwrap(), Rotation::Ended(_)));
    assert!(shop.act(Role::Customer, read_me).is_err());
}

fn go_on(shop: &TestShop, generation: i64) -> haat_domain::error::Result<Rotation> {
    let Credential { tenant, session, .. } = shop.customer.credential;
    shop.visit(move |cx| continue_session(cx, &Refresh { tenant, session, generation }))
}

fn a_browsers_requests_at_once_all_get_the_present_generation(store: &Arc<dyn Store>) {
    for round in 0..5 {
        let shop = open_shop(store, &format!("Bazaar {round}"));
        for used in at_once(4, |_| go_on(&shop, 1)) {
            assert!(matches!(used.unwrap(), Rotation::Fresh(Grant { generation: 2, .. })));
        }
        assert_eq!(find(&shop, shop.customer.credential.session).unwrap().generation, 2, "rotated once");
        shop.act(Role::Customer, read_me).expect("the session lives on");
    }
}

fn a_browser_may_use_the_token_before_the_present_one_for_a_minute(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let fresh = |generation| {
        let Rotation::Fresh(grant) = go_on(&shop, generation).unwrap() else { panic!("{generation}") };
        (grant.generation, grant.refresh_until)
    };
    let second = fresh(1);
    shop.clock.advance(Session::OVERLAP_SECONDS - 1);
    assert_eq!(fresh(1), second, "the answer that was lost, once more");
    assert_eq!(fresh(2).0, 3, "and nothing was used up");
    shop.clock.advance(Session::OVERLAP_SECONDS);
    assert!(matches!(go_on(&shop, 2).unwrap(), Rotation::Reused), "too late");
    assert!(matches!(go_on(&shop, 3).unwrap(), Rotation::Ended(_)), "the family has ended");
}
