use super::{product, shop};
use haat_domain::authz::{Action, Role};
use haat_domain::catalog::{
    ProductFilter, ProductName, ProductPatch, delete_product, list_products, read_product, replace_product,
    update_product,
};
use haat_domain::cx::Cx;
use haat_domain::error::Result;
use haat_domain::identity::{
    UserFilter, UserPatch, delete_user, end_session, invite, list_invitations, list_users, revoke_invitation,
    update_me, update_user,
};
use haat_domain::orders::{
    OrderFilter, OrderPatch, OrderStatus, cancel_order, delete_order, list_orders, place_order, update_order,
};
use haat_domain::ports::Tx;
use haat_domain::standby::{Pass, is_in_one_store};
use haat_domain::tenancy::{StoreName, TenantPatch, read_store, update_store};
use haat_domain::testing::{TestShop, changes, details, email, first_page, order_of};

fn pass(shop: &TestShop) -> Pass {
    shop.act(Role::Staff, |cx| cx.pass(Action::ReadProducts)).unwrap()
}

/// Whether a copy that is as the store is now would be shown to whoever holds this.
fn counts(shop: &TestShop, pass: &Pass) -> bool {
    let pass = pass.clone();
    let work = move |tx: &mut dyn Tx| Ok(Cx::with_pass(tx, &pass)?.is_some());
    shop.store.read(Some(shop.tenant.id), work).unwrap()
}

/// All that lists show.
fn shown(shop: &TestShop) -> String {
    let work = |cx: &mut Cx<'_>| {
        let products =
            list_products(cx, ProductFilter { archived_too: true, ..Default::default() }, &first_page("id"))?;
        let orders = list_orders(cx, OrderFilter::default(), &first_page("id"))?;
        let users = list_users(cx, &UserFilter::default(), &first_page("id"))?;
        let invitations = list_invitations(cx, None, &first_page("id"))?;
        Ok(format!("{products:?} {orders:?} {users:?} {invitations:?} {:?}", read_store(cx)?))
    };
    shop.act(Role::Superuser, work).unwrap()
}

#[test]
fn a_pass_counts_where_the_store_is_as_it_was() {
    let shop = shop();
    let (lamp, other) = (product(&shop, "Lamp", "5", Some(3)).id, super::MemoryStore::default());
    let before = pass(&shop);
    assert!(counts(&shop, &before));
    assert!(
        !counts(&other.open_shop("Bazaar", "INR"), &before),
        "another database with a store of that number"
    );
    shop.act(Role::Customer, move |cx| place_order(cx, order_of(&[(lamp, 1)]))).unwrap();
    assert!(!counts(&shop, &before));
    assert!(counts(&shop, &pass(&shop)));
}

#[test]
fn who_holds_a_pass_is_who_it_was_given_to() {
    let shop = shop();
    product(&shop, "Lamp", "5", Some(3));
    let pass = shop.act(Role::Customer, |cx| cx.pass(Action::ReadProducts)).unwrap();
    let refused = shop.store.read(Some(shop.tenant.id), move |tx| {
        let mut cx = Cx::with_pass(tx, &pass)?.unwrap();
        list_users(&mut cx, &UserFilter::default(), &first_page("id"))
    });
    assert!(refused.is_err(), "a customer reads no users there either");
    for action in Action::ALL.iter().filter(|action| !is_in_one_store(**action)) {
        assert!(shop.act(Role::Superuser, move |cx| cx.pass(*action)).is_err(), "{action}");
    }
}

/// Does something, later than what was before, and holds that nothing was shown otherwise without an entry.
#[track_caller]
fn does<T: Send + 'static>(
    shop: &TestShop,
    role: Role,
    work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
) -> T {
    shop.clock.advance(60);
    let (before, shown_before) = (pass(shop), shown(shop));
    let done = shop.act(role, work).unwrap();
    assert!(
        !counts(shop, &before) || shown(shop) == shown_before,
        "a list has changed, and no entry tells of it"
    );
    done
}

#[test]
fn nothing_that_a_list_shows_changes_without_an_entry() {
    let shop = shop();
    let name =
        |name: &str| ProductPatch { name: Some(ProductName::parse(name).unwrap()), ..Default::default() };
    let lamp = product(&shop, "Lamp", "5", Some(50)).id;
    for patch in [name("Torch"), name("Torch"), ProductPatch::default()] {
        does(&shop, Role::Owner, move |cx| update_product(cx, lamp, patch));
    }
    for _ in 0..2 {
        does(&shop, Role::Owner, move |cx| replace_product(cx, lamp, details("Lamp", "6", Some(50))));
    }
    let order = does(&shop, Role::Customer, move |cx| place_order(cx, order_of(&[(lamp, 2)]))).id;
    for lines in [&[(lamp, 2)], &[(lamp, 3)]] {
        let patch = changes(lines);
        does(&shop, Role::Owner, move |cx| update_order(cx, order, patch));
    }
    for status in [OrderStatus::Pending, OrderStatus::Confirmed, OrderStatus::Confirmed] {
        let patch = OrderPatch { lines: None, status: Some(status) };
        does(&shop, Role::Owner, move |cx| update_order(cx, order, patch));
    }
    for _ in 0..2 {
        does(&shop, Role::Owner, move |cx| cancel_order(cx, order));
    }
    does(&shop, Role::Owner, move |cx| delete_order(cx, order));
    let invitation =
        does(&shop, Role::Owner, |cx| invite(cx, email("guest@example.com"), Role::Staff, [7; 16])).0.id;
    for _ in 0..2 {
        does(&shop, Role::Owner, move |cx| revoke_invitation(cx, invitation));
    }
    let staff = shop.staff.user.id;
    for patch in [
        UserPatch::default(),
        UserPatch { email: Some(email("STAFF@example.com")), ..Default::default() },
        UserPatch { role: Some(Role::Staff), is_active: Some(true), ..Default::default() },
    ] {
        does(&shop, Role::Owner, move |cx| update_user(cx, staff, patch));
    }
    for address in ["me@example.com", "me@example.com"] {
        does(&shop, Role::Customer, move |cx| update_me(cx, Some(email(address))));
    }
    let neighbour = shop.neighbour.user.id;
    does(&shop, Role::Owner, move |cx| delete_user(cx, neighbour));
    for new in ["Market", "Market"] {
        let patch = TenantPatch { name: Some(StoreName::parse(new).unwrap()), currency: None };
        does(&shop, Role::Owner, move |cx| update_store(cx, patch));
    }
    does(&shop, Role::Customer, end_session);
    does(&shop, Role::Owner, move |cx| delete_product(cx, lamp));
}

#[test]
fn a_product_that_is_changed_into_what_it_is_stays_as_it_is() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", Some(3));
    let (id, before) = (lamp.id, pass(&shop));
    shop.clock.advance(60);
    let again =
        shop.act(Role::Owner, move |cx| replace_product(cx, id, details("Lamp", "5", Some(3)))).unwrap();
    assert_eq!(again, lamp);
    assert_eq!(shop.act(Role::Owner, move |cx| read_product(cx, id)).unwrap(), lamp);
    assert!(counts(&shop, &before));
}
