//! Accounts: unique names, claims, removal, filters, and the last owner.

use crate::{at_once, conflict, count_ok, inside, open_shop};
use haat_domain::authz::Role;
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::identity::*;
use haat_domain::ids::{TenantId, UserId};
use haat_domain::page::Sort;
use haat_domain::ports::{Store, TenantTx};
use haat_domain::testing::*;
use std::sync::Arc;

cases![
    an_account_is_read_as_it_was_written,
    changes_of_an_account_are_read_as_they_were_written,
    a_username_is_taken_once_per_store_however_it_is_written,
    an_address_is_taken_once_per_store_however_it_is_written,
    an_inactive_account_is_found_for_its_login,
    a_removed_account_is_found_by_nothing_and_frees_its_name,
    a_removed_customer_keeps_its_orders,
    the_first_to_take_a_name_on_the_server_is_meant_without_a_store,
    a_claim_passes_on_when_its_account_is_removed,
    platform_admins_live_in_the_platform,
    every_filter_shows_what_it_names,
    active_owners_are_known,
    two_owners_demoting_each_other_leave_one,
    one_of_many_gets_a_name_in_a_store,
    one_of_many_gets_a_claim,
];

fn hire(shop: &TestShop, new: NewUser) -> Result<User> {
    shop.act(Role::Owner, move |cx| create_user(cx, &new))
}

fn find(shop: &TestShop, id: UserId) -> Option<User> {
    inside(shop, move |tx, _| tx.users().find(id)).unwrap()
}

fn claim(shop: &TestShop, name: &str) -> Option<TenantId> {
    let key = username(name).key();
    shop.visit(move |cx| cx.directory().first_claim(&key)).unwrap()
}

fn an_account_is_read_as_it_was_written(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    shop.clock.advance(7);
    let mut new = user("Zoë.𝒵", Role::Staff);
    new.email = email("Zoë@Exämple.com");
    new.hash = hash("☃");
    let written = hire(&shop, new.clone()).unwrap();
    assert_eq!(find(&shop, written.id), Some(written.clone()));
    let found = inside(&shop, move |tx, _| {
        let by_name = tx.users().find_login(&new.username.key())?;
        Ok((by_name, tx.users().find_by_email(&new.email.key())?))
    });
    assert_eq!(found.unwrap(), (Some((written.id, hash("☃"))), Some(written.id)));
    let nobody = inside(&shop, |tx, _| {
        Ok((
            tx.users().find_login("nobody")?,
            tx.users().find_by_email("nobody")?,
            tx.users().find(UserId::new(987_654))?,
        ))
    });
    assert_eq!(nobody.unwrap(), (None, None, None));
}

fn changes_of_an_account_are_read_as_they_were_written(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let id = shop.staff.user.id;
    let patch = UserPatch {
        email: Some(email("other@example.com")),
        role: Some(Role::Customer),
        is_active: Some(false),
        hash: Some(hash("other")),
    };
    shop.act(Role::Owner, move |cx| update_user(cx, id, patch)).unwrap();
    let changed = User {
        email: email("other@example.com"),
        role: Role::Customer,
        is_active: false,
        token_version: 1,
        ..shop.staff.user.clone()
    };
    assert_eq!(find(&shop, id), Some(changed));
    let login = inside(&shop, |tx, _| tx.users().find_login("staff")).unwrap();
    assert_eq!(login, Some((id, hash("other"))));
}

fn a_username_is_taken_once_per_store_however_it_is_written(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    hire(&shop, user("Straße", Role::Staff)).unwrap();
    for (number, twin) in ["Straße", "STRASSE", "ｓｔｒａｓｓｅ"].into_iter().enumerate() {
        let mut twin = user(twin, Role::Customer);
        twin.email = email(&format!("twin{number}@example.com"));
        assert_eq!(conflict(hire(&shop, twin)), Conflict::UsernameTaken);
    }
    hire(&other, user("Straße", Role::Staff)).expect("another store's names are its own");
}

fn an_address_is_taken_once_per_store_however_it_is_written(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let with_address =
        |name: &str, address: &str| NewUser { email: email(address), ..user(name, Role::Customer) };
    let first = hire(&shop, with_address("one", "Straße@Example.com")).unwrap();
    for twin in ["Straße@Example.com", "strasse@example.COM"] {
        assert_eq!(conflict(hire(&shop, with_address("two", twin))), Conflict::EmailTaken, "{twin}");
    }
    hire(&other, with_address("one", "Straße@Example.com")).expect("another store's addresses are its own");

    let two = hire(&shop, user("two", Role::Customer)).unwrap();
    let change = |id, address: &str| {
        let patch = UserPatch { email: Some(email(address)), ..UserPatch::default() };
        shop.act(Role::Owner, move |cx| update_user(cx, id, patch))
    };
    assert_eq!(conflict(change(two.id, "STRASSE@example.com")), Conflict::EmailTaken);
    change(first.id, "STRASSE@example.com").expect("its own, written otherwise");

    // Even if nobody had looked first.
    let mut twin = find(&shop, two.id).unwrap();
    twin.email = email("strasse@example.com");
    conflict(inside(&shop, move |tx, _| tx.users().update(&twin)));
}

fn an_inactive_account_is_found_for_its_login(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let id = shop.staff.user.id;
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    shop.act(Role::Owner, move |cx| update_user(cx, id, off)).unwrap();
    let found = inside(&shop, |tx, _| tx.users().find_login("staff")).unwrap();
    assert_eq!(found, Some((id, hash("staff"))));
}

fn a_removed_account_is_found_by_nothing_and_frees_its_name(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let id = shop.staff.user.id;
    shop.act(Role::Owner, move |cx| delete_user(cx, id)).unwrap();
    inside(&shop, move |tx, _| {
        assert_eq!(tx.users().find(id)?, None);
        assert_eq!(tx.users().find_login("staff")?, None);
        assert_eq!(tx.users().find_by_email("staff@example.com")?, None);
        assert!(page(tx, &UserFilter::default())?.iter().all(|user| user.id != id));
        Ok(())
    })
    .unwrap();
    assert!(matches!(shop.act(Role::Staff, read_me), Err(Error::Unauthenticated(_))));
    let heir = hire(&shop, user("staff", Role::Staff)).expect("name and address are free again");
    assert_ne!(heir.id, id);
}

fn a_removed_customer_keeps_its_orders(store: &Arc<dyn Store>) {
    use haat_domain::{catalog::create_product, orders::*};
    let shop = open_shop(store, "Bazaar");
    let lamp = shop.act(Role::Owner, |cx| create_product(cx, details("Lamp", "1", None))).unwrap();
    let order = shop.act(Role::Customer, move |cx| place_order(cx, order_of(&[(lamp.id, 1)]))).unwrap();
    let customer = shop.customer.user.id;
    shop.act(Role::Owner, move |cx| delete_user(cx, customer)).unwrap();
    let id = order.id;
    assert_eq!(shop.act(Role::Owner, move |cx| read_order(cx, id)).unwrap(), order);
}

fn the_first_to_take_a_name_on_the_server_is_meant_without_a_store(store: &Arc<dyn Store>) {
    let (first, second) = (open_shop(store, "First"), open_shop(store, "Second"));
    hire(&second, user("Rohan", Role::Staff)).unwrap();
    hire(&first, user("ROHAN", Role::Staff)).unwrap();
    assert_eq!(claim(&first, "owner"), Some(first.tenant.id));
    assert_eq!(claim(&first, "rohan"), Some(second.tenant.id));
    assert_eq!(claim(&first, "nobody"), None);
    let login = Login { username: username("rohan"), store: None };
    let found = first.visit(move |cx| find_account(cx, &login)).unwrap().unwrap();
    assert_eq!(found.tenant, second.tenant.id);
}

fn a_claim_passes_on_when_its_account_is_removed(store: &Arc<dyn Store>) {
    let (first, second) = (open_shop(store, "First"), open_shop(store, "Second"));
    // One who does not hold the claim gives up nothing.
    let (one, other) = (first.staff.user.id, second.staff.user.id);
    second.act(Role::Owner, move |cx| delete_user(cx, other)).unwrap();
    assert_eq!(claim(&first, "staff"), Some(first.tenant.id));
    first.act(Role::Owner, move |cx| delete_user(cx, one)).unwrap();
    assert_eq!(claim(&first, "staff"), None);
    hire(&second, user("staff", Role::Staff)).unwrap();
    assert_eq!(claim(&first, "staff"), Some(second.tenant.id));
}

fn platform_admins_live_in_the_platform(store: &Arc<dyn Store>) {
    let platform = TestPlatform::open(Arc::clone(store));
    let admin = &platform.admin.user;
    assert_eq!((admin.tenant, admin.role), (TenantId::PLATFORM, Role::Superuser));
    assert_eq!(platform.act(read_me).unwrap(), *admin);
    let shop = open_shop(store, "Bazaar");
    assert_eq!(claim(&shop, "admin"), Some(TenantId::PLATFORM));
    hire(&shop, user("admin", Role::Staff)).expect("the platform's names are its own");
}

fn page(tx: &mut dyn TenantTx, filter: &UserFilter) -> Result<Vec<User>> {
    tx.users().page(filter, Sort { by: UserKey::Id, descending: false }, None, 1000)
}

/// What the filter means, told a second time.
fn shows(filter: &UserFilter, user: &User) -> bool {
    let text = format!("{} {}", user.username.key(), user.email.key());
    filter.role.is_none_or(|role| user.role == role)
        && filter.is_active.is_none_or(|active| user.is_active == active)
        && filter.search.as_ref().is_none_or(|search| search.matches(&text))
}

fn every_filter_shows_what_it_names(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    open_shop(store, "Other");
    for (number, role) in [Role::Owner, Role::Staff, Role::Customer].into_iter().cycle().take(12).enumerate()
    {
        let mut new = user(&format!("{}_{number}", if number % 2 == 0 { "Zoë" } else { "per" }), role);
        new.email = email(
            &format!("{}.{number}@x%y.com", if number < 6 { "early" } else { "late" }).replace('%', "-"),
        );
        let id = hire(&shop, new).unwrap().id;
        let patch = UserPatch { is_active: Some(number % 4 != 0), ..UserPatch::default() };
        shop.act(Role::Owner, move |cx| update_user(cx, id, patch)).unwrap();
    }
    inside(&shop, |tx, _| {
        let all = page(tx, &UserFilter::default())?;
        assert_eq!(all.len(), 16);
        for role in [None, Some(Role::Owner), Some(Role::Staff), Some(Role::Customer)] {
            for is_active in [None, Some(true), Some(false)] {
                for words in ["", "ZOË", "early per", "_1", "%", "late zoë @x-y", "nobody"] {
                    let filter = UserFilter { role, is_active, search: search(words) };
                    let expected: Vec<_> = all.iter().filter(|user| shows(&filter, user)).cloned().collect();
                    assert_eq!(page(tx, &filter)?, expected, "{filter:?}");
                }
            }
        }
        Ok(())
    })
    .unwrap();
}

fn active_owners_are_known(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let second = hire(&shop, user("second", Role::Owner)).unwrap().id;
    let third = hire(&shop, user("third", Role::Owner)).unwrap().id;
    let owners = || inside(&shop, |tx, _| tx.users().lock_active_owners()).unwrap();
    assert_eq!(owners(), [shop.owner.user.id, second, third]);
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    shop.act(Role::Owner, move |cx| update_user(cx, second, off)).unwrap();
    shop.act(Role::Owner, move |cx| delete_user(cx, third)).unwrap();
    assert_eq!(owners(), [shop.owner.user.id]);
}

fn two_owners_demoting_each_other_leave_one(store: &Arc<dyn Store>) {
    for round in 0..5 {
        let shop = open_shop(store, &format!("Bazaar {round}"));
        let second = hire(&shop, user("second", Role::Owner)).unwrap();
        let second = shop.log_in(&second).unwrap();
        let pair = [shop.owner.clone(), second];
        let demoted = at_once(2, |number| {
            let (me, other) = (&pair[number], pair[1 - number].user.id);
            let patch = UserPatch { role: Some(Role::Staff), ..UserPatch::default() };
            shop.act_as(me, move |cx| update_user(cx, other, patch))
        });
        assert_eq!(count_ok(&demoted), 1, "{demoted:?}");
        let owners = UserFilter { role: Some(Role::Owner), is_active: Some(true), search: None };
        let left = shop.operate(move |cx| list_users(cx, &owners, &first_page("id"))).unwrap();
        assert_eq!(left.items.len(), 1);
    }
}

fn one_of_many_gets_a_name_in_a_store(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let joined = at_once(6, |number| {
        let mut wish =
            enlist(if number % 2 == 0 { "rohan" } else { "ROHAN" }, Role::Customer, Some("Bazaar"), "INR");
        wish.user.email = email(&format!("rohan{number}@example.com"));
        shop.visit(move |cx| register(cx, &wish))
    });
    assert_eq!(count_ok(&joined), 1, "{joined:?}");
    for lost in joined.into_iter().filter(Result::is_err) {
        conflict(lost);
    }
}

fn one_of_many_gets_a_claim(store: &Arc<dyn Store>) {
    let shops: Vec<_> = (0..4).map(|number| open_shop(store, &format!("Bazaar {number}"))).collect();
    let joined = at_once(4, |number| {
        let shop = &shops[number];
        let wish = enlist("rohan", Role::Customer, Some(shop.tenant.name.as_str()), "INR");
        shop.visit(move |cx| register(cx, &wish))
    });
    assert_eq!(count_ok(&joined), 4, "{joined:?}");
    let holder = claim(&shops[0], "rohan").expect("a holder");
    assert!(shops.iter().any(|shop| shop.tenant.id == holder));
}
