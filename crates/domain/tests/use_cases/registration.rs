use crate::{conflict, denied, faulty_field, shop};
use haat_domain::authz::Role;
use haat_domain::cx::Cx;
use haat_domain::error::{Conflict, Denied, Result};
use haat_domain::identity::{
    Enlist, InviteToken, User, create_user, find_user, invite, invited_as, register, revoke_invitation,
};
use haat_domain::ids::InvitationId;
use haat_domain::tenancy::{TenantStatus, set_tenant_status};
use haat_domain::testing::*;

fn as_nobody(shop: &TestShop, wish: Enlist) -> Result<User> {
    shop.visit(move |cx| register(cx, &wish))
}

fn as_role(shop: &TestShop, role: Role, wish: Enlist) -> Result<User> {
    shop.act(role, move |cx| register(cx, &wish))
}

fn wish(name: &str, role: Role, store: Option<&str>) -> Enlist {
    enlist(name, role, store, "INR")
}

#[test]
fn an_owner_opens_a_new_store() {
    let shop = shop();
    let owner = as_nobody(&shop, enlist("anna", Role::Owner, Some("Anna's Tea"), "EUR")).unwrap();
    assert_eq!(owner.role, Role::Owner);
    assert_ne!(owner.tenant, shop.tenant.id);
    let anna = shop.log_in(&owner).unwrap();
    let store = shop.act_as(&anna, haat_domain::tenancy::read_store).unwrap();
    assert_eq!((store.slug.as_str(), store.currency.code()), ("anna-s-tea", "EUR"));
}

#[test]
fn a_store_of_that_name_exists_once_however_it_is_written() {
    let shop = shop();
    for name in ["Bazaar", " BAZAAR ", "ｂａｚａａｒ"] {
        assert_eq!(conflict(as_nobody(&shop, wish("anna", Role::Owner, Some(name)))), Conflict::StoreTaken);
    }
    assert_eq!(faulty_field(as_nobody(&shop, wish("anna", Role::Owner, None))), "tenant_name");
}

#[test]
fn a_failed_registration_opens_no_store() {
    let shop = shop();
    let opened: Result<()> = shop.visit(|cx| {
        register(cx, &wish("anna", Role::Owner, Some("New")))?;
        Err(haat_domain::error::Error::NotFound)
    });
    assert!(opened.is_err());
    as_nobody(&shop, wish("anna", Role::Owner, Some("New"))).expect("the name is free");
}

#[test]
fn a_customer_joins_an_open_store_by_its_name_or_slug() {
    let shop = MemoryStore::default().open_shop("Corner Shop", "INR");
    for (name, store) in [("a", "corner SHOP"), ("b", "corner-shop")] {
        let joined = as_nobody(&shop, wish(name, Role::Customer, Some(store))).unwrap();
        assert_eq!((joined.tenant, joined.role), (shop.tenant.id, Role::Customer));
    }
    for store in [None, Some("Nowhere")] {
        assert_eq!(faulty_field(as_nobody(&shop, wish("c", Role::Customer, store))), "tenant_name");
    }
    let id = shop.tenant.id;
    TestPlatform::open(shop.store.clone())
        .act(move |cx| set_tenant_status(cx, id, TenantStatus::Suspended))
        .unwrap();
    let refused = as_nobody(&shop, wish("c", Role::Customer, Some("Corner Shop")));
    assert_eq!(faulty_field(refused), "tenant_name");
}

#[test]
fn staff_come_by_their_owner_alone() {
    let shop = shop();
    let other = TestShop::open(shop.store.clone(), "Other", "INR");
    for store in [Some("Bazaar"), Some("Nowhere"), None] {
        let refused = as_nobody(&shop, wish("new", Role::Staff, store));
        assert_eq!(
            denied(refused),
            Denied::InvitationRequired,
            "{store:?}: no answer tells which stores there are"
        );
        let refused = as_role(&shop, Role::Staff, wish("new", Role::Staff, store));
        assert_eq!(denied(refused), Denied::InvitationRequired);
    }
    let refused = as_role(&other, Role::Owner, wish("new", Role::Staff, Some("Bazaar")));
    assert_eq!(denied(refused), Denied::InvitationRequired, "another store's owner is a stranger");

    let named = as_role(&shop, Role::Owner, wish("new", Role::Staff, Some("bazaar"))).unwrap();
    let unnamed = as_role(&shop, Role::Owner, wish("newer", Role::Staff, None)).unwrap();
    assert_eq!([named.tenant, unnamed.tenant], [shop.tenant.id; 2]);
    let partner = as_role(&shop, Role::Owner, wish("partner", Role::Owner, Some("Bazaar"))).unwrap();
    assert_eq!((partner.tenant, partner.role), (shop.tenant.id, Role::Owner));
}

#[test]
fn nobody_becomes_platform_admin_by_asking() {
    let shop = shop();
    for role in [Role::Superuser, Role::Anonymous] {
        for store in [None, Some("Bazaar"), Some("New")] {
            assert_eq!(denied(as_nobody(&shop, wish("eve", role, store))), Denied::InvitationRequired);
            assert_eq!(
                denied(as_role(&shop, Role::Owner, wish("eve", role, store))),
                Denied::InvitationRequired
            );
        }
        let made = shop.act(Role::Owner, move |cx| create_user(cx, &user("eve", role)));
        assert_eq!(faulty_field(made), "role");
    }
}

#[test]
fn a_name_or_an_address_is_taken_once_in_a_store() {
    let shop = shop();
    let mut same_name = wish("CUSTOMER", Role::Customer, Some("Bazaar"));
    same_name.user.email = email("new@example.com");
    assert_eq!(conflict(as_nobody(&shop, same_name)), Conflict::UsernameTaken);
    let mut same_address = wish("new", Role::Customer, Some("Bazaar"));
    same_address.user.email = email("Customer@Example.com");
    assert_eq!(conflict(as_nobody(&shop, same_address)), Conflict::EmailTaken);
    as_nobody(&shop, wish("customer", Role::Owner, Some("New"))).expect("another store's names are its own");
}

#[test]
fn an_invitation_says_what_it_is_for_to_whoever_it_was_made_for() {
    let shop = shop();
    for (random, role) in [(1, Role::Owner), (2, Role::Staff), (3, Role::Customer)] {
        let (_, token) = invite_by_owner(&shop, role, random);
        let asked = |address: &str| {
            let (token, address) = (token.clone(), email(address));
            shop.visit(move |cx| invited_as(cx, &token, &address))
        };
        assert_eq!(asked("NEW@example.com").unwrap(), role);
        assert_eq!(denied(asked("other@example.com")), Denied::InvitationRequired);
    }
    let (id, token) = invite_by_owner(&shop, Role::Staff, 4);
    shop.act(Role::Owner, move |cx| revoke_invitation(cx, id)).unwrap();
    let late = shop.visit(move |cx| invited_as(cx, &token, &email("new@example.com")));
    assert_eq!(denied(late), Denied::InvitationRequired);
}

fn invite_by_owner(shop: &TestShop, role: Role, random: u8) -> (InvitationId, InviteToken) {
    let invite = move |cx: &mut Cx<'_>| invite(cx, email("new@example.com"), role, [random; 16]);
    let made = shop.act(Role::Owner, invite).unwrap();
    (made.0.id, made.1)
}

#[test]
fn an_owner_finds_a_user_by_name_however_it_is_written() {
    let shop = shop();
    let find = |role, name: &'static str| shop.act(role, move |cx| find_user(cx, name));
    assert_eq!(find(Role::Owner, " STAFF ").unwrap().unwrap().id, shop.staff.user.id);
    for name in ["nobody", "", "a b", "<script>"] {
        assert_eq!(find(Role::Owner, name).unwrap(), None, "{name}");
    }
    assert_eq!(denied(find(Role::Staff, "staff")), Denied::Role);
}
