//! Lists by key: every order, with ties, page by page, while rows come in.

use crate::{inside, open_shop};
use haat_domain::authz::Role;
use haat_domain::catalog::*;
use haat_domain::error::{Error, Result};
use haat_domain::identity::{NewUser, User, UserFilter, UserKey, create_user, list_users};
use haat_domain::orders::{Order, OrderFilter, OrderKey, list_orders, place_order};
use haat_domain::page::*;
use haat_domain::ports::Store;
use haat_domain::tenancy::{Tenant, TenantFilter, TenantKey, list_tenants};
use haat_domain::testing::*;
use std::sync::Arc;

cases![
    products_are_walked_in_every_order,
    orders_are_walked_in_every_order,
    users_are_walked_in_every_order,
    stores_are_walked_in_every_order,
    names_sort_by_code_points,
    rows_that_come_in_meanwhile_shift_nothing,
    a_page_begins_after_its_mark_even_if_that_row_is_gone,
    a_filter_holds_on_every_page,
    a_cursor_of_another_kind_is_refused,
];

fn list(shop: &TestShop, request: PageRequest<ProductKey>) -> Result<Page<Product>> {
    shop.act(Role::Owner, move |cx| list_products(cx, ProductFilter::default(), &request))
}

fn product_mark(by: ProductKey) -> impl Fn(&Product) -> After {
    move |row| {
        let key = match by {
            ProductKey::Id => Key::Id,
            ProductKey::Name => Key::Text(row.details.name.key()),
            ProductKey::Price => Key::Number(row.details.price.minor()),
            ProductKey::CreatedAt => Key::Number(row.created_at.as_micros()),
        };
        After { key, id: row.id.get() }
    }
}

/// Walks a list in every order, up and down, with pages of several lengths, and compares with what sorting gives.
fn walk_everywhere<K: SortKey, T: Clone + PartialEq + std::fmt::Debug, M: Fn(&T) -> After>(
    all: &[T],
    mark: impl Fn(K) -> M,
    list: impl Fn(PageRequest<K>) -> Result<Page<T>>,
) {
    for (name, by) in K::ALL {
        let mut sorted = all.to_vec();
        sorted.sort_by_key(mark(*by));
        for order in [(*name).to_owned(), format!("-{name}")] {
            for limit in [1, 3, all.len() - 1, all.len(), 200] {
                let pages = walk(page_of(&order, i64::try_from(limit).unwrap()), &list).unwrap();
                let (last, full) = pages.split_last().unwrap();
                assert!(full.iter().all(|page| page.len() == limit), "{order} {limit}");
                assert!(
                    !last.is_empty(),
                    "{order} {limit}: a page follows only where there is something on it"
                );
                assert_eq!(pages.concat(), sorted, "{order} {limit}");
            }
            sorted.reverse();
        }
    }
}

fn products_are_walked_in_every_order(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let mut all = Vec::new();
    for (number, name) in
        ["lamp", "Lamp", "LAMP", "Äpfel", "bell", "Bell", "zebra", "10", "9", "ω"].iter().enumerate()
    {
        let product = details(name, ["5", "7.50", "5"][number % 3], None);
        all.push(shop.act(Role::Owner, |cx| create_product(cx, product)).unwrap());
        shop.clock.advance(i64::from(number % 2 == 0));
    }
    walk_everywhere(&all, product_mark, |request| list(&shop, request));
}

fn orders_are_walked_in_every_order(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = shop.act(Role::Owner, |cx| create_product(cx, details("Lamp", "5", None))).unwrap().id;
    let mut all = Vec::new();
    for number in 0..9 {
        let wish = order_of(&[(lamp, [3, 1, 3][number % 3])]);
        all.push(shop.act(Role::Customer, |cx| place_order(cx, wish)).unwrap());
        shop.clock.advance(i64::from(number % 2 == 0));
    }
    let mark = |by| {
        move |row: &Order| After {
            id: row.id.get(),
            key: match by {
                OrderKey::Id => Key::Id,
                OrderKey::CreatedAt => Key::Number(row.created_at.as_micros()),
                OrderKey::TotalPrice => Key::Number(row.total.minor()),
            },
        }
    };
    let list = |request: PageRequest<_>| {
        shop.act(Role::Customer, move |cx| list_orders(cx, OrderFilter::default(), &request))
    };
    walk_everywhere(&all, mark, list);
}

fn users_are_walked_in_every_order(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let people = [&shop.owner, &shop.staff, &shop.customer, &shop.neighbour];
    let mut all: Vec<_> = people.map(|member| member.user.clone()).into();
    for name in ["Zoë", "anna", "Åsa", "бо", "9"] {
        let new = NewUser { email: email(&format!("p{}@example.com", all.len())), ..user(name, Role::Staff) };
        all.push(shop.act(Role::Owner, move |cx| create_user(cx, &new)).unwrap());
    }
    let mark = |by| {
        move |row: &User| After {
            id: row.id.get(),
            key: match by {
                UserKey::Id => Key::Id,
                UserKey::Username => Key::Text(row.username.key()),
            },
        }
    };
    let list = |request: PageRequest<_>| {
        shop.act(Role::Owner, move |cx| list_users(cx, &UserFilter::default(), &request))
    };
    walk_everywhere(&all, mark, list);
}

fn stores_are_walked_in_every_order(store: &Arc<dyn Store>) {
    let admin = TestPlatform::open(Arc::clone(store));
    let all: Vec<_> = ["Cc", "Bb", "Aa", "Dd"].map(|name| open_shop(store, name).tenant).into();
    let mark = |by| {
        move |row: &Tenant| match by {
            TenantKey::Id => After { key: Key::Id, id: row.id.get() },
        }
    };
    let list =
        |request: PageRequest<_>| admin.act(move |cx| list_tenants(cx, &TenantFilter::default(), &request));
    walk_everywhere(&all, mark, list);
}

fn names_sort_by_code_points(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    // No locale's order, and not UTF-16's either, which would put the last before the one in front of it.
    let sorted = ["!", "a b", "a-b", "ab", "z", "é", "ω", "灯", "\u{fffd}", "😀"];
    for name in sorted.iter().rev() {
        let details = details(name, "1", None);
        shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap();
    }
    let pages = walk(page_of("name", 2), |request| list(&shop, request)).unwrap().concat();
    let names: Vec<_> = pages.iter().map(|product| product.details.name.as_str()).collect();
    assert_eq!(names, sorted);
}

fn rows_that_come_in_meanwhile_shift_nothing(store: &Arc<dyn Store>) {
    for (number, order) in
        ["id", "-id", "name", "-name", "price", "-price", "created_at", "-created_at"].iter().enumerate()
    {
        let shop = open_shop(store, &format!("Bazaar {number}"));
        let create = |name: &str, price: &str| {
            let details = details(name, price, None);
            shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap().id
        };
        for (name, price) in [
            ("m", "5"),
            ("b", "2"),
            ("y", "8"),
            ("m", "5"),
            ("k", "4"),
            ("p", "6"),
            ("m", "5"),
            ("k", "6"),
            ("p", "4"),
        ] {
            create(name, price);
        }
        let before: Vec<_> = list(&shop, first_page(order)).unwrap().items.iter().map(|row| row.id).collect();
        let mut rounds = 0;
        let seen = walk(page_of(order, 2), |request| {
            let page = list(&shop, request)?;
            rounds += 1;
            // Later no more come in: the walk is to catch up with them.
            if let (1..=4, [.., last]) = (rounds, page.items.as_slice()) {
                shop.clock.advance(1);
                create("a", "1");
                create("z", "9");
                create(last.details.name.as_str(), &last.details.price.to_string());
            }
            Ok(page)
        });
        let seen: Vec<_> = seen.unwrap().concat().iter().map(|row| row.id).collect();
        let old: Vec<_> = seen.iter().filter(|id| before.contains(id)).copied().collect();
        assert_eq!(old, before, "{order}");
        let mut distinct = seen.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), seen.len(), "{order}: nothing twice");
    }
}

fn a_page_begins_after_its_mark_even_if_that_row_is_gone(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let ids = ["a", "b", "c", "d"].map(|name| {
        let details = details(name, "1", None);
        shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap().id
    });
    for order in ["name", "price", "id", "created_at"] {
        let first = list(&shop, page_of(order, 2)).unwrap();
        assert_eq!(first.items.len(), 2);
        let next = PageRequest { cursor: first.next, ..page_of(order, 2) };
        let failed: Result<()> = shop.act(Role::Owner, move |cx| {
            delete_product(cx, ids[1])?;
            let rest = list_products(cx, ProductFilter::default(), &next)?;
            assert_eq!(rest.items.iter().map(|row| row.id).collect::<Vec<_>>(), ids[2..], "{order}");
            Err(Error::NotFound)
        });
        assert!(matches!(failed, Err(Error::NotFound)), "{failed:?}");
    }
}

fn a_filter_holds_on_every_page(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for number in 0..10 {
        let details = details(if number % 2 == 0 { "lamp" } else { "bell" }, "5", None);
        shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap();
    }
    for order in ["id", "-name", "price", "-created_at"] {
        let filter = ProductFilter { search: search("lamp"), ..ProductFilter::default() };
        let pages = walk(page_of(order, 2), |request| {
            let filter = filter.clone();
            shop.act(Role::Customer, move |cx| list_products(cx, filter, &request))
        });
        let lengths: Vec<_> = pages.unwrap().iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 2, 1], "{order}");
    }
}

fn a_cursor_of_another_kind_is_refused(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (text, number) = (Key::Text("lamp".to_owned()), Key::Number(1));
    for (by, key) in [
        (ProductKey::Name, number.clone()),
        (ProductKey::Price, text.clone()),
        (ProductKey::CreatedAt, text.clone()),
    ] {
        let sort = Sort { by, descending: false };
        let page = inside(&shop, move |tx, _| {
            tx.products().page(&ProductFilter::default(), sort, Some(After { key, id: 1 }), 10)
        });
        assert!(matches!(page, Err(Error::Invalid(_))), "{page:?}");
    }
    for by in [OrderKey::CreatedAt, OrderKey::TotalPrice] {
        let (sort, key) = (Sort { by, descending: true }, text.clone());
        let page = inside(&shop, move |tx, _| {
            tx.orders().page(&OrderFilter::default(), sort, Some(After { key, id: 1 }), 10)
        });
        assert!(matches!(page, Err(Error::Invalid(_))), "{page:?}");
    }
    let sort = Sort { by: UserKey::Username, descending: false };
    let page = inside(&shop, move |tx, _| {
        tx.users().page(&UserFilter::default(), sort, Some(After { key: number, id: 1 }), 10)
    });
    assert!(matches!(page, Err(Error::Invalid(_))), "{page:?}");
    // A number that is no time, or no price: an empty list or a refusal, but no accident.
    for by in [ProductKey::CreatedAt, ProductKey::Price] {
        for number in [i64::MIN, i64::MAX] {
            let (sort, after) =
                (Sort { by, descending: false }, After { key: Key::Number(number), id: i64::MAX });
            let page = inside(&shop, move |tx, _| {
                tx.products().page(&ProductFilter::default(), sort, Some(after), 10)
            });
            assert!(matches!(page, Ok(_) | Err(Error::Invalid(_))), "{page:?}");
        }
    }
}
