//! Invitations: bound to a store, a role and an address, and redeemed once.

use crate::{at_once, conflict, count_ok, inside, open_shop};
use haat_domain::audit::{AuditFilter, Object};
use haat_domain::authz::{Action, Role};
use haat_domain::error::{Conflict, Denied, Error, Result};
use haat_domain::identity::*;
use haat_domain::ids::InvitationId;
use haat_domain::ports::Store;
use haat_domain::tenancy::{TenantStatus, set_tenant_status};
use haat_domain::testing::*;
use std::fmt::Debug;
use std::sync::Arc;

cases![
    an_invitation_is_read_as_it_was_written,
    a_page_shows_the_invitations_of_one_status,
    whoever_is_invited_becomes_what_the_invitation_says,
    an_invitation_is_bound_to_its_role_its_address_and_its_store,
    one_that_was_redeemed_revoked_or_has_expired_lets_nobody_in,
    a_registration_that_fails_uses_no_invitation_up,
    a_suspended_store_lets_nobody_in,
    whoever_is_no_owner_any_more_invites_nobody,
    of_many_who_show_one_token_at_once_one_is_let_in,
    redeeming_and_revoking_at_once_ends_in_one_of_both,
    only_owners_invite_and_only_who_can_be_a_member,
];

fn whoever_is_no_owner_any_more_invites_nobody(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let second = shop.act(Role::Owner, |cx| create_user(cx, &user("second", Role::Owner))).unwrap();
    let second = shop.log_in(&second).unwrap();
    let (_, token) =
        shop.act_as(&second, |cx| invite(cx, email("guest@example.com"), Role::Owner, [7; 16])).unwrap();
    let change = |patch: UserPatch| {
        let id = second.user.id;
        shop.act(Role::Owner, move |cx| update_user(cx, id, patch)).unwrap();
    };
    let guest = || come(&shop, wish("guest", Role::Owner, "guest@example.com", None, &token));
    for (gone, back) in [
        (
            UserPatch { role: Some(Role::Staff), ..UserPatch::default() },
            UserPatch { role: Some(Role::Owner), ..UserPatch::default() },
        ),
        (
            UserPatch { is_active: Some(false), ..UserPatch::default() },
            UserPatch { is_active: Some(true), ..UserPatch::default() },
        ),
    ] {
        change(gone);
        refused(guest());
        change(back);
    }
    guest().unwrap();
}

fn ask(shop: &TestShop, address: &str, role: Role, random: u8) -> (Invitation, InviteToken) {
    let address = email(address);
    shop.act(Role::Owner, move |cx| invite(cx, address, role, [random; 16])).unwrap()
}

/// What somebody sends who was invited; `store`, if they name one.
fn wish(name: &str, role: Role, address: &str, store: Option<&str>, token: &InviteToken) -> Enlist {
    let mut wish = enlist(name, role, store, "INR");
    wish.user.email = email(address);
    wish.invitation = Some(token.clone());
    wish
}

fn come(shop: &TestShop, wish: Enlist) -> Result<User> {
    shop.visit(move |cx| register(cx, &wish))
}

#[track_caller]
fn refused<T: Debug>(result: Result<T>) {
    let error = result.expect_err("nobody is let in");
    assert!(matches!(error, Error::Forbidden(Denied::InvitationRequired)), "{error:?}");
}

fn status(shop: &TestShop, id: InvitationId) -> InvitationStatus {
    inside(shop, move |tx, now| Ok(tx.invitations().find(id)?.unwrap().status(now))).unwrap()
}

fn ids(rows: &[Invitation]) -> Vec<i64> {
    rows.iter().map(|row| row.id.get()).collect()
}

fn an_invitation_is_read_as_it_was_written(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (written, token) = ask(&shop, "Zoë@Exämple.com", Role::Staff, 1);
    assert_eq!(written.expires_at, written.created_at.plus_seconds(7 * 24 * 60 * 60));
    let (id, hash) = (written.id, token.hash());
    let found = inside(&shop, move |tx, _| {
        let none = (tx.invitations().find(InvitationId::new(987_654))?, tx.invitations().find_by_token("")?);
        Ok((tx.invitations().find(id)?, tx.invitations().find_by_token(&hash)?, none))
    });
    assert_eq!(found.unwrap(), (Some(written.clone()), Some(written), (None, None)));
}

fn a_page_shows_the_invitations_of_one_status(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    ask(&open_shop(store, "Other"), "guest@example.com", Role::Staff, 1);
    let old = ask(&shop, "old@example.com", Role::Staff, 2).0.id;
    shop.clock.advance(Invitation::DAYS * 24 * 60 * 60);
    let made: Vec<_> =
        (3..9).map(|n| ask(&shop, &format!("guest{n}@example.com"), Role::Staff, n).0.id).collect();
    let (revoked, redeemed) = (made[0], made[1]);
    let pages = inside(&shop, move |tx, now| {
        assert!(tx.invitations().revoke(revoked, now)? && tx.invitations().redeem(redeemed, now)?);
        assert!(!tx.invitations().redeem(revoked, now)? && !tx.invitations().revoke(redeemed, now)?);
        assert!(!tx.invitations().redeem(old, now)? && !tx.invitations().revoke(old, now)?);
        let mut page = |status, down, after, limit| tx.invitations().page(status, now, down, after, limit);
        let mut pages = Vec::new();
        for status in InvitationStatus::ALL.into_iter().map(Some).chain([None]) {
            let rows = page(status, false, None, 100)?;
            assert!(rows.iter().all(|row| status.is_none_or(|status| row.status(now) == status)));
            let mut down = page(status, true, None, 100)?;
            down.reverse();
            assert_eq!(down, rows, "{status:?}");
            pages.push(ids(&rows));
        }
        let pending = Some(InvitationStatus::Pending);
        pages.push(ids(&page(pending, false, Some(made[2].get()), 2)?));
        pages.push(ids(&page(pending, true, Some(made[4].get()), 1)?));
        Ok((pages, ids(&page(None, false, None, 100)?)))
    });
    let (pages, all) = pages.unwrap();
    assert_eq!(all.len(), 7);
    let expected = [
        all[3..].to_vec(),
        vec![all[2]],
        vec![all[1]],
        vec![all[0]],
        all.clone(),
        all[4..6].to_vec(),
        vec![all[4]],
    ];
    assert_eq!(pages, expected);
}

fn whoever_is_invited_becomes_what_the_invitation_says(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for (number, role) in (1..).zip([Role::Owner, Role::Staff, Role::Customer]) {
        let address = format!("{role}@guests.example.com");
        let (invitation, token) = ask(&shop, &address, role, number);
        assert_eq!(status(&shop, invitation.id), InvitationStatus::Pending);
        let named = (number == 2).then_some("BAZAAR");
        let name = format!("new-{role}");
        let user = come(&shop, wish(&name, role, &address.to_uppercase(), named, &token)).unwrap();
        assert_eq!((user.tenant, user.role), (shop.tenant.id, role));
        assert_eq!(status(&shop, invitation.id), InvitationStatus::Redeemed);
        let filter = AuditFilter { action: Some(Action::RedeemInvitation), ..AuditFilter::default() };
        let rows = inside(&shop, move |tx, _| tx.audit().page(&filter, true, None, 1)).unwrap();
        assert_eq!(rows[0].entry.object, Some(Object::User(user.id)));
        assert_eq!((rows[0].entry.actor, rows[0].entry.actor_name.as_str()), (Some(user.id), name.as_str()));
        shop.log_in(&user).unwrap();
    }
}

fn an_invitation_is_bound_to_its_role_its_address_and_its_store(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let (invitation, token) = ask(&shop, "guest@example.com", Role::Staff, 1);
    for role in [Role::Owner, Role::Customer, Role::Superuser, Role::Anonymous] {
        refused(come(&shop, wish("guest", role, "guest@example.com", None, &token)));
    }
    refused(come(&shop, wish("guest", Role::Staff, "other@example.com", None, &token)));
    for named in ["Other", "Nowhere"] {
        refused(come(&shop, wish("guest", Role::Staff, "guest@example.com", Some(named), &token)));
    }
    // The same secret under another store's number, and a secret that nobody has given out.
    let elsewhere = InviteToken::new(other.tenant.id, [1; 16]);
    let guessed = InviteToken::new(shop.tenant.id, [2; 16]);
    let nowhere = InviteToken::new(haat_domain::ids::TenantId::new(987_654), [1; 16]);
    for wrong in [elsewhere, guessed, nowhere] {
        refused(come(&shop, wish("guest", Role::Staff, "guest@example.com", None, &wrong)));
    }
    assert_eq!(status(&shop, invitation.id), InvitationStatus::Pending, "and it is still good");
    come(&shop, wish("guest", Role::Staff, "guest@example.com", None, &token)).unwrap();
}

fn one_that_was_redeemed_revoked_or_has_expired_lets_nobody_in(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (_, redeemed) = ask(&shop, "one@example.com", Role::Staff, 1);
    let first = come(&shop, wish("one", Role::Staff, "one@example.com", None, &redeemed)).unwrap();
    refused(come(&shop, wish("again", Role::Staff, "one@example.com", None, &redeemed)));
    let id = first.id;
    shop.act(Role::Owner, move |cx| delete_user(cx, id)).unwrap();
    refused(come(&shop, wish("again", Role::Staff, "one@example.com", None, &redeemed)));

    let (invitation, revoked) = ask(&shop, "two@example.com", Role::Staff, 2);
    let id = invitation.id;
    shop.act(Role::Owner, move |cx| revoke_invitation(cx, id)).unwrap();
    let entries = || inside(&shop, |tx, _| Ok(tx.audit().head()?.0)).unwrap();
    let before = entries();
    shop.act(Role::Owner, move |cx| revoke_invitation(cx, id)).expect("it is as it is");
    assert_eq!(entries(), before, "which is no change");
    refused(come(&shop, wish("two", Role::Staff, "two@example.com", None, &revoked)));
    assert_eq!(status(&shop, id), InvitationStatus::Revoked);

    let (_, late) = ask(&shop, "three@example.com", Role::Staff, 3);
    let (_, in_time) = ask(&shop, "four@example.com", Role::Staff, 4);
    shop.clock.advance(Invitation::DAYS * 24 * 60 * 60 - 1);
    come(&shop, wish("four", Role::Staff, "four@example.com", None, &in_time)).expect("the last second");
    shop.clock.advance(1);
    refused(come(&shop, wish("three", Role::Staff, "three@example.com", None, &late)));
}

fn a_registration_that_fails_uses_no_invitation_up(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (invitation, token) = ask(&shop, "guest@example.com", Role::Staff, 1);
    let taken = come(&shop, wish("STAFF", Role::Staff, "guest@example.com", None, &token));
    assert_eq!(conflict(taken), Conflict::UsernameTaken);
    assert_eq!(status(&shop, invitation.id), InvitationStatus::Pending);
    come(&shop, wish("guest", Role::Staff, "guest@example.com", None, &token)).unwrap();
}

fn a_suspended_store_lets_nobody_in(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (_, token) = ask(&shop, "guest@example.com", Role::Staff, 1);
    let (admin, id) = (TestPlatform::open(Arc::clone(store)), shop.tenant.id);
    let set = |status| admin.act(move |cx| set_tenant_status(cx, id, status)).unwrap();
    set(TenantStatus::Suspended);
    refused(come(&shop, wish("guest", Role::Staff, "guest@example.com", None, &token)));
    set(TenantStatus::Active);
    come(&shop, wish("guest", Role::Staff, "guest@example.com", None, &token)).unwrap();
}

fn of_many_who_show_one_token_at_once_one_is_let_in(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (_, token) = ask(&shop, "guest@example.com", Role::Staff, 1);
    let came = at_once(8, |number| {
        come(&shop, wish(&format!("guest{number}"), Role::Staff, "guest@example.com", None, &token))
    });
    assert_eq!(count_ok(&came), 1, "{came:?}");
    for lost in came.into_iter().filter_map(Result::err) {
        let told = matches!(
            lost,
            Error::Forbidden(Denied::InvitationRequired) | Error::Conflict(Conflict::EmailTaken)
        );
        assert!(told, "{lost:?}");
    }
    let staff = UserFilter { role: Some(Role::Staff), ..UserFilter::default() };
    let all = shop.act(Role::Owner, move |cx| list_users(cx, &staff, &first_page("id"))).unwrap();
    assert_eq!(all.items.len(), 2, "the guest, and whoever was there");
}

fn redeeming_and_revoking_at_once_ends_in_one_of_both(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for round in 1..=5 {
        let address = format!("guest{round}@example.com");
        let (invitation, token) = ask(&shop, &address, Role::Staff, round);
        let id = invitation.id;
        let done = at_once(2, |number| {
            if number == 0 {
                come(&shop, wish(&format!("guest{round}"), Role::Staff, &address, None, &token)).map(drop)
            } else {
                shop.act(Role::Owner, move |cx| revoke_invitation(cx, id))
            }
        });
        let expected = if done[0].is_ok() { InvitationStatus::Redeemed } else { InvitationStatus::Revoked };
        assert_eq!(status(&shop, id), expected, "{done:?}");
        done[1].as_ref().expect("to take back what is gone is no mistake");
    }
}

fn only_owners_invite_and_only_who_can_be_a_member(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let try_as = |who, role| shop.act(who, move |cx| invite(cx, email("guest@example.com"), role, [1; 16]));
    for who in [Role::Staff, Role::Customer] {
        assert!(matches!(try_as(who, Role::Customer), Err(Error::Forbidden(Denied::Role))), "{who}");
    }
    for role in [Role::Superuser, Role::Anonymous] {
        assert!(matches!(try_as(Role::Owner, role), Err(Error::Invalid(_))), "{role}");
    }
    let taken = shop.act(Role::Owner, |cx| invite(cx, email("STAFF@example.com"), Role::Staff, [1; 16]));
    assert!(matches!(taken, Err(Error::Conflict(Conflict::EmailTaken))));
}
