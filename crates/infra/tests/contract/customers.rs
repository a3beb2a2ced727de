//! Customers as staff see them, and the platform's own accounts.

use crate::open_shop;
use haat_domain::authz::Role;
use haat_domain::error::{Denied, Error, Result};
use haat_domain::identity::*;
use haat_domain::ids::UserId;
use haat_domain::ports::Store;
use haat_domain::testing::*;
use std::collections::BTreeMap;
use std::sync::Arc;

cases![
    staff_see_customers_and_nobody_else,
    a_customer_is_found_by_name_or_address,
    whoever_ordered_has_a_name,
    platform_admins_see_each_other,
];

fn names(page: Vec<User>) -> Vec<String> {
    page.into_iter().map(|user| user.username.as_str().to_owned()).collect()
}

fn staff_see_customers_and_nobody_else(store: &Arc<dyn Store>) {
    let (shop, _other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let neighbour = shop.neighbour.user.id;
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    shop.act(Role::Owner, move |cx| update_user(cx, neighbour, off)).unwrap();
    let list = |words: &str| {
        let search = search(words);
        shop.act(Role::Staff, move |cx| list_customers(cx, search, &first_page("username"))).unwrap().items
    };
    assert_eq!(names(list("")), ["customer", "neighbour"], "active or not");
    assert_eq!(names(list("neigh")), ["neighbour"]);
    assert_eq!(names(list("staff")), [""; 0]);
    let pages = walk(page_of("-id", 1), |request| {
        shop.act(Role::Staff, move |cx| list_customers(cx, None, &request))
    });
    assert_eq!(names(pages.unwrap().concat()), ["neighbour", "customer"]);

    let read = |id| shop.act(Role::Staff, move |cx| read_customer(cx, id));
    assert_eq!(read(shop.customer.user.id).unwrap(), shop.customer.user);
    for id in [shop.owner.user.id, shop.staff.user.id, UserId::new(987_654)] {
        assert!(matches!(read(id), Err(Error::NotFound)), "{id}");
    }
    let refused = shop.act(Role::Customer, |cx| list_customers(cx, None, &first_page("id")));
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Role))));
}

fn a_customer_is_found_by_name_or_address(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    // Somebody's name may be another's address.
    let staff = NewUser { username: username("rohan@example.com"), ..user("boss", Role::Staff) };
    let customer = user("rohan", Role::Customer);
    let rohan = shop
        .act(Role::Owner, move |cx| {
            create_user(cx, &staff)?;
            create_user(cx, &customer)
        })
        .unwrap();
    let find = |text: &str| {
        let text = text.to_owned();
        shop.act(Role::Staff, move |cx| find_customer(cx, &text)).unwrap()
    };
    for text in ["rohan", "ROHAN", " rohan ", "rohan@example.com", "Rohan@Example.COM"] {
        assert_eq!(find(text), Some(rohan.clone()), "{text}");
    }
    for text in
        ["", "a b", "a\0b", "nobody", "staff", "owner@example.com", "boss@example.com", &"x".repeat(999)]
    {
        assert_eq!(find(text), None, "{text:?}");
    }
    shop.act(Role::Owner, move |cx| delete_user(cx, rohan.id)).unwrap();
    assert_eq!((find("rohan"), find("rohan@example.com")), (None, None));
}

fn whoever_ordered_has_a_name(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let (owner, gone, theirs) = (shop.owner.user.id, shop.neighbour.user.id, other.customer.user.id);
    shop.act(Role::Owner, move |cx| delete_user(cx, gone)).unwrap();
    let names = |role, ids: Vec<UserId>| -> Result<_> { shop.act(role, move |cx| names_of(cx, &ids)) };
    let expected = BTreeMap::from([(owner, username("owner")), (gone, username("neighbour"))]);
    let asked = vec![gone, owner, gone, theirs, UserId::new(987_654)];
    assert_eq!(names(Role::Staff, asked).unwrap(), expected, "nobody of another store");
    assert_eq!(names(Role::Owner, Vec::new()).unwrap(), BTreeMap::new());
    assert!(matches!(names(Role::Customer, vec![owner]), Err(Error::Forbidden(Denied::Role))));
}

fn platform_admins_see_each_other(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let platform = TestPlatform::open(Arc::clone(store));
    shop.operate(|cx| create_admin(cx, &user("second", Role::Superuser))).unwrap();
    let pages = walk(page_of("-username", 1), |request| platform.act(move |cx| list_admins(cx, &request)));
    assert_eq!(names(pages.unwrap().concat()), ["second", "admin"]);
    let refused = shop.act(Role::Owner, |cx| list_admins(cx, &first_page("id")));
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Role))));
}
