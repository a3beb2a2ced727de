//! The audit log: a chain per store, written in the transaction of the change that it tells of.

use crate::{at_once, count_ok, inside, open_shop};
use haat_domain::audit::*;
use haat_domain::authz::{Action, Role};
use haat_domain::catalog::*;
use haat_domain::error::{Error, Result};
use haat_domain::identity::*;
use haat_domain::ids::{ProductId, UserId};
use haat_domain::page::PageRequest;
use haat_domain::ports::Store;
use haat_domain::testing::*;
use std::sync::Arc;

cases![
    entries_are_numbered_from_one_and_linked_to_those_before,
    an_entry_is_read_as_it_was_written,
    a_log_is_paged_in_both_directions_and_meets_no_entry_twice,
    every_filter_shows_what_it_names,
    an_entry_comes_and_goes_with_its_change,
    many_writers_of_one_store_make_a_chain_without_gaps,
    two_stores_have_chains_of_their_own,
    only_owners_read_a_log_and_only_their_own,
    the_platforms_own_log_is_verified_from_no_store,
];

fn read(shop: &TestShop, filter: AuditFilter, descending: bool) -> Vec<Recorded> {
    inside(shop, move |tx, _| tx.audit().page(&filter, descending, None, 1000)).unwrap()
}

fn all(shop: &TestShop) -> Vec<Recorded> {
    read(shop, AuditFilter::default(), false)
}

fn head(shop: &TestShop) -> (i64, Link) {
    inside(shop, |tx, _| tx.audit().head()).unwrap()
}

fn verified(shop: &TestShop) -> Chain {
    shop.act(Role::Owner, |cx| verify_chain(cx, None)).unwrap()
}

fn sell(shop: &TestShop, name: &str) -> ProductId {
    let details = details(name, "1", None);
    shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap().id
}

fn entries_are_numbered_from_one_and_linked_to_those_before(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for name in ["Lamp", "Bell", "Drum"] {
        sell(&shop, name);
    }
    let rows = all(&shop);
    assert_eq!(rows.len(), 7, "four people came, and three products: {rows:#?}");
    let mut link = Link::start();
    for (row, number) in rows.iter().zip(1..) {
        link = link.next(shop.tenant.id, number, &row.entry);
        assert_eq!((row.number, &row.link), (number, &link));
        assert_eq!(link.as_str().len(), 64);
    }
    assert_eq!(head(&shop), (7, link.clone()));
    assert_eq!(verified(&shop), Chain { entries: 7, link, fault: None });
}

fn an_entry_is_read_as_it_was_written(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let facts = Facts::default()
        .with("nothing", Fact::Null)
        .with("yes", true)
        .with("no", false)
        .with("least", i64::MIN)
        .with("most", i64::MAX)
        .with("text", "\"Zoë\" \\ \n 😀 {}")
        .with("", "");
    let plain = Entry {
        at: shop.tenant.created_at.plus_seconds(5),
        actor: None,
        actor_name: "Zoë 😀".to_owned(),
        actor_role: Role::Staff.name(),
        action: Action::DeleteOrder,
        object: None,
        request: None,
        before: Facts::default(),
        after: Facts::default(),
    };
    let full = Entry {
        actor: Some(UserId::new(i64::MAX)),
        object: Some(Object::Product(ProductId::new(i64::MAX))),
        request: Some("request 1".to_owned()),
        before: facts.clone(),
        after: facts,
        ..plain.clone()
    };
    let empty = Entry { actor_name: String::new(), request: Some(String::new()), ..plain.clone() };
    let written = [plain, full, empty];
    for entry in written.clone() {
        inside(&shop, move |tx, _| tx.audit().record(&entry)).unwrap();
    }
    let read: Vec<_> = all(&shop).into_iter().skip(4).map(|row| row.entry).collect();
    assert_eq!(read, written);
    assert_eq!(verified(&shop).fault, None, "what was read gives the links that were written");
}

fn a_log_is_paged_in_both_directions_and_meets_no_entry_twice(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for number in 0..5 {
        sell(&shop, &format!("Lamp {number}"));
    }
    for (order, expected) in [("number", (1..=9).collect()), ("-number", (1..=9).rev().collect::<Vec<_>>())] {
        for limit in [1, 2, 9, 50] {
            let list = |request: PageRequest<AuditKey>| {
                shop.act(Role::Owner, move |cx| list_audit(cx, &AuditFilter::default(), &request))
            };
            let pages = walk(page_of(order, limit), list).unwrap();
            let numbers: Vec<_> = pages.iter().flatten().map(|row| row.number).collect();
            assert_eq!(numbers, expected, "{order} by {limit}");
        }
    }
    let after = |descending, after| {
        let page = move |tx: &mut dyn haat_domain::ports::TenantTx, _| {
            tx.audit().page(&AuditFilter::default(), descending, Some(after), 2)
        };
        inside(&shop, page).unwrap().into_iter().map(|row| row.number).collect::<Vec<_>>()
    };
    assert_eq!(
        (after(false, 7), after(false, 9), after(true, 3), after(true, 1)),
        (vec![8, 9], vec![], vec![2, 1], vec![])
    );
}

/// What the filter means, told a second time.
fn shows(filter: &AuditFilter, entry: &Entry) -> bool {
    let object = entry.object;
    filter.actor.is_none_or(|actor| entry.actor == Some(actor))
        && filter.action.is_none_or(|action| entry.action == action)
        && filter.kind.is_none_or(|kind| object.map(Object::kind) == Some(kind))
        && filter.object.is_none_or(|id| object.map(Object::id) == Some(id))
        && filter.request.as_ref().is_none_or(|request| entry.request.as_ref() == Some(request))
        && filter.since.is_none_or(|since| since <= entry.at)
        && filter.until.is_none_or(|until| entry.at < until)
}

fn every_filter_shows_what_it_names(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = sell(&shop, "Lamp");
    shop.clock.advance(60);
    let half = haat_domain::ports::Clock::now(&*shop.clock);
    let patch =
        ProductPatch { name: Some(ProductName::parse("Lantern").unwrap()), ..ProductPatch::default() };
    shop.act(Role::Staff, move |cx| update_product(cx, lamp, patch)).unwrap();
    let credential = shop.owner.credential;
    let remove = move |tx: &mut dyn haat_domain::ports::Tx| {
        let cx = haat_domain::cx::Cx::authenticate(tx, &credential, half)?;
        delete_product(&mut cx.for_request(Some("request-1".into())), lamp)
    };
    store.write(None, remove).unwrap();
    let everything = all(&shop);
    assert_eq!(everything.len(), 7);
    let none = AuditFilter::default;
    let filters = [
        (none(), 7),
        (AuditFilter { actor: Some(shop.staff.user.id), ..none() }, 1),
        (AuditFilter { actor: Some(UserId::new(987_654)), ..none() }, 0),
        (AuditFilter { action: Some(Action::CreateProduct), ..none() }, 1),
        (AuditFilter { action: Some(Action::JoinStore), ..none() }, 2),
        (AuditFilter { kind: Some("product"), ..none() }, 3),
        (AuditFilter { kind: Some("order"), ..none() }, 0),
        (AuditFilter { kind: Some("product"), object: Some(lamp.get()), ..none() }, 3),
        (AuditFilter { object: Some(987_654), ..none() }, 0),
        (AuditFilter { request: Some("request-1".to_owned()), ..none() }, 1),
        (AuditFilter { request: Some("REQUEST-1".to_owned()), ..none() }, 0),
        (AuditFilter { since: Some(half), ..none() }, 2),
        (AuditFilter { until: Some(half), ..none() }, 5),
        (AuditFilter { since: Some(half), until: Some(half), ..none() }, 0),
        (
            AuditFilter {
                actor: Some(shop.owner.user.id),
                kind: Some("product"),
                until: Some(half),
                ..none()
            },
            1,
        ),
    ];
    for (filter, count) in filters {
        let mut expected: Vec<_> =
            everything.iter().filter(|row| shows(&filter, &row.entry)).cloned().collect();
        assert_eq!(expected.len(), count, "{filter:?}");
        assert_eq!(read(&shop, filter.clone(), false), expected, "{filter:?}");
        expected.reverse();
        assert_eq!(read(&shop, filter.clone(), true), expected, "{filter:?}");
    }
}

fn an_entry_comes_and_goes_with_its_change(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let before = (all(&shop), head(&shop));
    let undone: Result<()> = shop.act(Role::Owner, |cx| {
        create_product(cx, details("Lamp", "1", None))?;
        assert_eq!(cx.enter(Action::ReadAudit)?.tx.audit().head()?.0, 5, "inside it is there");
        Err(Error::NotFound)
    });
    assert!(undone.is_err());
    let taken = shop.act(Role::Owner, |cx| create_user(cx, &user("staff", Role::Staff)));
    assert!(taken.is_err());
    let me = shop.owner.user.id;
    let refused = shop.act(Role::Owner, move |cx| delete_user(cx, me));
    assert!(refused.is_err(), "the last owner");
    assert_eq!((all(&shop), head(&shop)), before);

    shop.act(Role::Owner, |cx| update_me(cx, None)).unwrap();
    shop.act(Role::Owner, |cx| list_products(cx, ProductFilter::default(), &first_page("id")).map(drop))
        .unwrap();
    assert_eq!((all(&shop), head(&shop)), before, "what changes nothing leaves no entry");
    sell(&shop, "Lamp");
    assert_eq!(all(&shop).last().unwrap().number, 5, "and no number was lost");
}

fn many_writers_of_one_store_make_a_chain_without_gaps(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let made = at_once(20, |number| {
        let details = details(&format!("Lamp {number}"), "1", None);
        shop.act(Role::Owner, move |cx| {
            let product = create_product(cx, details)?;
            // Every third one comes to nothing.
            if number % 3 == 0 { Err(Error::NotFound) } else { Ok(product) }
        })
    });
    assert_eq!(count_ok(&made), 13, "{made:?}");
    let numbers: Vec<_> = all(&shop).iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=17).collect::<Vec<_>>());
    let chain = verified(&shop);
    assert_eq!((chain.entries, chain.fault.clone()), (17, None));
    assert_eq!(head(&shop), (17, chain.link));
}

fn two_stores_have_chains_of_their_own(store: &Arc<dyn Store>) {
    let shops = [open_shop(store, "One"), open_shop(store, "Other")];
    at_once(10, |number| {
        let details = details(&format!("Lamp {number}"), "1", None);
        shops[number % 2].act(Role::Owner, |cx| create_product(cx, details))
    });
    for shop in &shops {
        let chain = verified(shop);
        assert_eq!((chain.entries, chain.fault.clone()), (9, None));
        assert_eq!(head(shop), (9, chain.link));
    }
    let before = head(&shops[1]);
    sell(&shops[0], "Bell");
    assert_eq!(head(&shops[1]), before);
    assert_ne!(head(&shops[0]).1, before.1);
}

fn only_owners_read_a_log_and_only_their_own(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "One"), open_shop(store, "Other"));
    let list =
        |cx: &mut haat_domain::cx::Cx<'_>| list_audit(cx, &AuditFilter::default(), &page_of("number", 2));
    for role in [Role::Staff, Role::Customer] {
        assert!(matches!(shop.act(role, list), Err(Error::Forbidden(_))), "{role}");
        assert!(matches!(shop.act(role, |cx| verify_chain(cx, None)), Err(Error::Forbidden(_))), "{role}");
    }
    assert!(matches!(shop.visit(list), Err(Error::Unauthenticated(_))));
    let cursor = shop.act(Role::Owner, list).unwrap().next;
    assert!(cursor.is_some());
    let request = PageRequest { cursor, ..page_of("number", 2) };
    let elsewhere = other.act(Role::Owner, move |cx| list_audit(cx, &AuditFilter::default(), &request));
    assert!(matches!(elsewhere, Err(Error::Invalid(_))), "a cursor leads nowhere in another store");
}

fn the_platforms_own_log_is_verified_from_no_store(store: &Arc<dyn Store>) {
    let admin = TestPlatform::open(Arc::clone(store));
    let shop = open_shop(store, "Bazaar");
    let own = admin.act(|cx| verify_chain(cx, None)).unwrap();
    assert_eq!((own.entries, own.fault), (1, None), "its admin was appointed");
    let stores = admin.act_in("Bazaar", Action::ReadAudit, |cx| verify_chain(cx, None)).unwrap();
    assert_eq!((stores.entries, stores.fault), (5, None), "its people, and the visit");
    assert_eq!(all(&shop).last().unwrap().entry.action, Action::EnterStore);
}
