use crate::{conflict, denied, faulty_field, is_not_found, product, shop, unknown};
use haat_domain::audit::{AuditFilter, Entry, Facts, Object, list_audit};
use haat_domain::authz::{Action, Actor, Role};
use haat_domain::catalog::{ProductFilter, create_product, list_products, read_product};
use haat_domain::cx::Cx;
use haat_domain::error::{AuthFailure, Conflict, Denied, Error};
use haat_domain::identity::{UserFilter, create_admin, list_users, read_me};
use haat_domain::ids::TenantId;
use haat_domain::money::Currency;
use haat_domain::orders::{PlaceOrder, place_order};
use haat_domain::ports::{Clock, Tx};
use haat_domain::tenancy::*;
use haat_domain::testing::*;

fn platform(shop: &TestShop) -> TestPlatform {
    TestPlatform::open(shop.store.clone())
}

/// What platform admins did in the store, newest first.
fn log(shop: &TestShop) -> Vec<Entry> {
    let all =
        shop.act(Role::Owner, |cx| list_audit(cx, &AuditFilter::default(), &first_page("-number"))).unwrap();
    all.items.into_iter().map(|row| row.entry).filter(|entry| entry.actor_role == "superuser").collect()
}

fn actions(log: &[Entry]) -> Vec<Action> {
    log.iter().map(|entry| entry.action).collect()
}

#[test]
fn a_platform_admin_names_the_store_to_act_in() {
    let shop = shop();
    let admin = platform(&shop);
    assert_eq!(denied(admin.act(|cx| create_product(cx, details("Lamp", "1", None)))), Denied::StoreRequired);
    assert_eq!(
        denied(admin.act(|cx| list_users(cx, &UserFilter::default(), &first_page("id")))),
        Denied::StoreRequired
    );
    assert!(is_not_found(&admin.act_in("Nowhere", Action::ReadStore, read_store)));
    assert!(is_not_found(&admin.act_in("Platform", Action::ReadStore, read_store)));
    let made =
        admin.act_in("bazaar", Action::CreateProduct, |cx| create_product(cx, details("Lamp", "1", None)));
    let made = made.unwrap();
    assert_eq!(made.created_by, None, "the store's rows refer to the store's people only");
    assert_eq!(shop.act(Role::Owner, move |cx| read_product(cx, made.id)).unwrap(), made);
}

#[test]
fn each_visit_of_a_platform_admin_is_written_down_whatever_comes_of_it() {
    let shop = shop();
    let admin = platform(&shop);
    admin.act_in("Bazaar", Action::ReadStore, read_store).unwrap();
    let refused = admin.act_in("Bazaar", Action::PlaceOrder, |cx| place_order(cx, order_of(&[])));
    refused.unwrap_err();
    let log = log(&shop);
    assert_eq!(actions(&log), [Action::EnterStore; 2], "what was undone was looked for all the same");
    for (entry, wanted) in log.iter().zip([Action::PlaceOrder, Action::ReadStore]) {
        assert_eq!(entry.actor, Some(admin.admin.user.id));
        assert_eq!(entry.object, Some(Object::Store(shop.tenant.id)));
        assert_eq!(entry.before, Facts::default());
        assert_eq!(entry.after, Facts::default().with("action", wanted.name()));
    }
}

#[test]
fn a_visit_opens_its_store_to_platform_admins_alone() {
    let shop = shop();
    let visit = platform(&shop).announce("Bazaar", Action::ReadStore).unwrap();
    for member in [&shop.owner, &shop.staff, &shop.customer] {
        let (credential, now) = (member.credential, shop.clock.now());
        let work = move |tx: &mut dyn Tx| Cx::authenticate(tx, &credential, now)?.in_store(visit).map(drop);
        assert_eq!(denied(shop.store.write(None, work)), Denied::Role);
    }
    let now = shop.clock.now();
    let nobody = shop.store.write(None, move |tx| Cx::anonymous(tx, now).in_store(visit).map(drop));
    assert_eq!(unknown(nobody), AuthFailure::Missing);
}

#[test]
fn for_anybody_else_naming_a_store_changes_nothing() {
    let shop = shop();
    let other = TestShop::open(shop.store.clone(), "Other", "INR");
    product(&other, "Bell", "1", None);
    for member in [&shop.owner, &shop.staff, &shop.customer] {
        let (credential, now) = (member.credential, shop.clock.now());
        let (visits, store, page) = shop
            .store
            .write(None, move |tx| {
                let mut cx = Cx::authenticate(tx, &credential, now)?;
                let visits = cx.announce("Other", Action::ReadStore)?.is_some();
                let page = list_products(&mut cx, ProductFilter::default(), &first_page("id"))?;
                Ok((visits, read_store(&mut cx)?, page))
            })
            .unwrap();
        assert_eq!((visits, store.id, page.items.len()), (false, shop.tenant.id, 0));
    }
    assert_eq!(log(&other), []);
}

#[test]
fn only_platform_admins_see_and_change_the_list_of_stores() {
    let shop = shop();
    let id = shop.tenant.id;
    for role in [Role::Owner, Role::Staff, Role::Customer] {
        let listed = shop.act(role, |cx| list_tenants(cx, &TenantFilter::default(), &first_page("id")));
        assert_eq!(denied(listed), Denied::Role);
        assert_eq!(denied(shop.act(role, move |cx| read_tenant(cx, id))), Denied::Role);
        let suspended = shop.act(role, move |cx| set_tenant_status(cx, id, TenantStatus::Suspended));
        assert_eq!(denied(suspended), Denied::Role);
    }
    let listed = shop.visit(|cx| list_tenants(cx, &TenantFilter::default(), &first_page("id")));
    assert_eq!(unknown(listed), AuthFailure::Missing);
    let admin = platform(&shop);
    let listed = admin.act(|cx| list_tenants(cx, &TenantFilter::default(), &first_page("id"))).unwrap();
    assert_eq!(listed.items, [shop.tenant]);
    assert!(is_not_found(&admin.act(|cx| read_tenant(cx, TenantId::PLATFORM))));
    let shut = admin.act(|cx| set_tenant_status(cx, TenantId::PLATFORM, TenantStatus::Suspended));
    assert!(is_not_found(&shut), "nobody locks themselves out");
}

#[test]
fn a_suspended_store_turns_away_everybody_but_platform_admins() {
    let shop = shop();
    let (admin, id) = (platform(&shop), shop.tenant.id);
    let set = |status| admin.act(move |cx| set_tenant_status(cx, id, status)).unwrap();
    set(TenantStatus::Suspended);
    set(TenantStatus::Suspended);
    for role in [Role::Owner, Role::Staff, Role::Customer] {
        assert_eq!(unknown(shop.act(role, read_me)), AuthFailure::StoreSuspended);
    }
    assert_eq!(unknown(shop.log_in(&shop.owner.user)), AuthFailure::StoreSuspended);
    admin.act_in("Bazaar", Action::ReadStore, read_store).expect("who resumes it must be able to look");
    set(TenantStatus::Active);
    shop.act(Role::Owner, read_me).expect("sessions go on");
}

#[test]
fn what_a_platform_admin_changes_of_a_store_stands_in_its_log() {
    let shop = shop();
    let (admin, id) = (platform(&shop), shop.tenant.id);
    admin.act(move |cx| update_tenant(cx, id, Some(store_name("Renamed")))).unwrap();
    admin.act(move |cx| set_tenant_status(cx, id, TenantStatus::Active)).unwrap();
    admin.act(move |cx| set_tenant_status(cx, id, TenantStatus::Suspended)).unwrap();
    admin.act(move |cx| set_tenant_status(cx, id, TenantStatus::Suspended)).unwrap();
    admin.act(move |cx| set_tenant_status(cx, id, TenantStatus::Active)).unwrap();
    assert_eq!(shop.act(Role::Owner, read_store).unwrap().name, store_name("Renamed"));

    let log = log(&shop);
    let expected = [Action::ResumeTenant, Action::SuspendTenant, Action::UpdateTenant];
    assert_eq!(actions(&log), expected, "a status that it has already is no change");
    let changed = |name: &str, from: &str, to: &str| {
        (Facts::default().with(name, from), Facts::default().with(name, to))
    };
    let seen: Vec<_> = log.into_iter().map(|entry| (entry.before, entry.after)).collect();
    let expected = [
        changed("status", "suspended", "active"),
        changed("status", "active", "suspended"),
        changed("name", "Bazaar", "Renamed"),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_store_opened_by_a_platform_admin_waits_for_its_people() {
    let shop = shop();
    let admin = platform(&shop);
    let new = |name| NewTenant { name: store_name(name), currency: Currency::parse("EUR").unwrap() };
    let taken = admin.act(move |cx| create_tenant(cx, &new("BAZAAR")));
    assert_eq!(conflict(taken), Conflict::StoreTaken);
    let opened = admin.act(move |cx| create_tenant(cx, &new("New"))).unwrap();
    let id = opened.id;
    assert_eq!(admin.act(move |cx| read_tenant(cx, id)).unwrap(), opened);
}

#[test]
fn an_order_placed_by_the_operator_is_somebodys() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", None).id;
    let nobodys = shop.operate(move |cx| place_order(cx, order_of(&[(lamp, 1)])));
    assert_eq!(faulty_field(nobodys), "customer");
    let wish = PlaceOrder { customer: Some(shop.customer.user.id), ..order_of(&[(lamp, 1)]) };
    let order = shop.operate(move |cx| place_order(cx, wish)).unwrap();
    assert_eq!((order.customer, order.placed_by), (shop.customer.user.id, None));
}

#[test]
fn platform_admins_are_appointed_at_the_platform_wherever_the_operator_stands() {
    let shop = shop();
    let second = shop.operate(|cx| create_admin(cx, &user("second", Role::Customer))).unwrap();
    assert_eq!((second.tenant, second.role), (TenantId::PLATFORM, Role::Superuser));
    let made = shop.act(Role::Owner, |cx| create_admin(cx, &user("third", Role::Superuser)));
    assert_eq!(denied(made), Denied::Role);
}

#[test]
fn the_operator_needs_no_account() {
    let shop = shop();
    let now = shop.clock.now();
    let tenant = shop.tenant.clone();
    let who = shop.store.read(None, move |tx| {
        let cx = Cx::acting(tx, Actor::operator(&tenant), now);
        let actor = cx.known()?;
        Ok((actor.name().to_owned(), actor.user(), actor.member(), actor.session()))
    });
    assert_eq!(who.unwrap(), ("operator".to_owned(), None, None, None));
    assert!(matches!(shop.operate(read_me), Err(Error::Unauthenticated(_))), "and has none");
}
