//! Products that come in rows: which one a row means, what it changes, and that a trial says the same.

use crate::{conflict, inside, open_shop};
use haat_domain::audit::AuditFilter;
use haat_domain::authz::Role;
use haat_domain::catalog::*;
use haat_domain::error::{Conflict, Denied, Error, Result};
use haat_domain::ids::ProductId;
use haat_domain::ports::Store;
use haat_domain::testing::*;
use std::sync::Arc;

cases![
    a_row_means_the_product_of_its_number_or_else_of_its_sku_or_else_a_new_one,
    a_row_that_changes_nothing_leaves_no_trace,
    a_new_product_needs_a_name_and_a_price,
    a_trial_says_the_same_and_writes_nothing,
    staff_bring_products_in_and_customers_do_not,
    a_product_is_found_by_its_sku_by_whom_it_is_shown_to,
    archived_products_are_listed_when_they_are_asked_for_as_well,
];

fn sku(text: &str) -> Option<Sku> {
    Sku::parse(text).ok()
}

/// A row of a whole product.
fn row(text: &str) -> ImportRow {
    let patch = ProductPatch {
        name: ProductName::parse(text).ok(),
        price: Some(details("x", "5", None).price),
        ..ProductPatch::default()
    };
    ImportRow { id: None, patch }
}

fn with_sku(row: ImportRow, text: &str) -> ImportRow {
    ImportRow { patch: ProductPatch { sku: Some(sku(text)), ..row.patch }, ..row }
}

/// Tries a row, and then brings it in: both must say the same.
fn bring(shop: &TestShop, row: ImportRow) -> Result<Imported> {
    let trial = {
        let row = row.clone();
        shop.act(Role::Staff, move |cx| import_product(cx, row, true))
    };
    let done = shop.act(Role::Staff, move |cx| import_product(cx, row, false));
    match (&trial, &done) {
        (Ok(Imported::Created(None)), Ok(Imported::Created(Some(_)))) => {}
        _ => assert_eq!(format!("{trial:?}"), format!("{done:?}")),
    }
    done
}

fn create(shop: &TestShop, row: ImportRow) -> ProductId {
    let Imported::Created(Some(id)) = bring(shop, row).unwrap() else { panic!("a new one was expected") };
    id
}

fn read(shop: &TestShop, id: ProductId) -> Product {
    shop.act(Role::Staff, move |cx| read_product(cx, id)).unwrap()
}

fn a_row_means_the_product_of_its_number_or_else_of_its_sku_or_else_a_new_one(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let theirs = create(&other, with_sku(row("Theirs"), "L-1"));
    let lamp = create(&shop, with_sku(row("Lamp"), "L-1"));
    let made = read(&shop, lamp).details;
    assert_eq!(
        (made.description, made.stock, made.status),
        (Description::default(), None, ProductStatus::Active)
    );
    let torch = create(&shop, row("Torch"));
    assert_ne!(create(&shop, row("Torch")), torch, "a name means nobody");

    shop.clock.advance(5);
    assert_eq!(bring(&shop, with_sku(row("Bell"), "l-1")).unwrap(), Imported::Changed(lamp));
    let changed = read(&shop, lamp);
    assert_eq!((changed.details.name.as_str(), changed.details.sku), ("Bell", sku("l-1")));
    assert!(changed.updated_at > changed.created_at);

    let by_number = ImportRow { id: Some(torch), ..with_sku(row("Torch"), "T-1") };
    assert_eq!(bring(&shop, by_number).unwrap(), Imported::Changed(torch));
    let twin = ImportRow { id: Some(torch), ..with_sku(row("Torch"), "L-1") };
    assert_eq!(conflict(bring(&shop, twin)), Conflict::SkuTaken);
    for id in [theirs, ProductId::new(987_654)] {
        let refused = bring(&shop, ImportRow { id: Some(id), ..row("Torch") });
        assert!(matches!(refused, Err(Error::Invalid(errors)) if errors.has("id")));
    }
    assert_eq!(read(&other, theirs).details.name.as_str(), "Theirs");
}

fn a_row_that_changes_nothing_leaves_no_trace(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = create(&shop, with_sku(row("Lamp"), "L-1"));
    let (before, entries) = (read(&shop, lamp), inside(&shop, |tx, _| tx.audit().head()).unwrap());
    shop.clock.advance(5);
    for row in [with_sku(row("Lamp"), "L-1"), ImportRow { id: Some(lamp), ..ImportRow::default() }] {
        assert_eq!(bring(&shop, row).unwrap(), Imported::Unchanged(lamp));
    }
    assert_eq!(read(&shop, lamp), before);
    assert_eq!(inside(&shop, |tx, _| tx.audit().head()).unwrap(), entries);
}

fn a_new_product_needs_a_name_and_a_price(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let missing = |row| match bring(&shop, row) {
        Err(Error::Invalid(errors)) => errors.iter().map(|(field, _)| field.to_owned()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(with_sku(ImportRow::default(), "L-1")), ["name", "price"]);
    let nameless = ProductPatch { name: None, ..row("Lamp").patch };
    assert_eq!(missing(ImportRow { id: None, patch: nameless }), ["name"]);
    let euros = ProductPatch { price: Some(details_in("EUR", "x", "5", None).price), ..row("Lamp").patch };
    assert_eq!(missing(ImportRow { id: None, patch: euros.clone() }), ["price"]);
    let lamp = create(&shop, row("Lamp"));
    assert_eq!(missing(ImportRow { id: Some(lamp), patch: euros }), ["price"]);
}

fn a_trial_says_the_same_and_writes_nothing(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = create(&shop, with_sku(row("Lamp"), "L-1"));
    let (credential, now) = (shop.staff.credential, shop.staff.user.created_at);
    // Where nothing can be written.
    let tried = shop.store.read(Some(credential.tenant), move |tx| {
        let mut cx = haat_domain::cx::Cx::authenticate(tx, &credential, now)?;
        Ok([
            import_product(&mut cx, with_sku(row("Bell"), "L-1"), true)?,
            import_product(&mut cx, with_sku(row("Cup"), "C-1"), true)?,
            import_product(&mut cx, with_sku(row("Lamp"), "L-1"), true)?,
        ])
    });
    assert_eq!(tried.unwrap(), [Imported::Changed(lamp), Imported::Created(None), Imported::Unchanged(lamp)]);
    let list = shop.act(Role::Staff, |cx| list_products(cx, ProductFilter::default(), &first_page("id")));
    assert_eq!(list.unwrap().items, [read(&shop, lamp)]);
    let entries = inside(&shop, |tx, _| {
        tx.audit().page(&AuditFilter { kind: Some("product"), ..AuditFilter::default() }, false, None, 9)
    });
    assert_eq!(entries.unwrap().len(), 1);
}

fn staff_bring_products_in_and_customers_do_not(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for dry in [true, false] {
        let refused = shop.act(Role::Customer, move |cx| import_product(cx, row("Lamp"), dry));
        assert!(matches!(refused, Err(Error::Forbidden(Denied::Role))));
    }
}

fn a_product_is_found_by_its_sku_by_whom_it_is_shown_to(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    create(&other, with_sku(row("Theirs"), "O-1"));
    let lamp = create(&shop, with_sku(row("Lamp"), "L-1"));
    let find = |role, text: &str| {
        let text = text.to_owned();
        let found = shop.act(role, move |cx| find_product(cx, &text)).unwrap();
        found.map(|product| product.id)
    };
    assert_eq!((find(Role::Staff, "l-1"), find(Role::Customer, " L-1 ")), (Some(lamp), Some(lamp)));
    for text in ["", "L 1", "a\0b", "O-1", "L-2"] {
        assert_eq!(find(Role::Owner, text), None, "{text:?}");
    }
    let draft = ProductPatch { status: Some(ProductStatus::Draft), ..ProductPatch::default() };
    shop.act(Role::Staff, move |cx| update_product(cx, lamp, draft)).unwrap();
    assert_eq!((find(Role::Staff, "L-1"), find(Role::Customer, "L-1")), (Some(lamp), None));
    shop.act(Role::Staff, move |cx| delete_product(cx, lamp)).unwrap();
    assert_eq!(find(Role::Staff, "L-1"), None);
}

fn archived_products_are_listed_when_they_are_asked_for_as_well(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let all = ProductStatus::ALL.map(|status| {
        let patch = ProductPatch { status: Some(status), ..row(status.name()).patch };
        create(&shop, ImportRow { id: None, patch })
    });
    let list = |role, archived_too| {
        let filter = ProductFilter { archived_too, ..ProductFilter::default() };
        let page = shop.act(role, move |cx| list_products(cx, filter, &first_page("id"))).unwrap();
        page.items.iter().map(|product| product.id).collect::<Vec<_>>()
    };
    assert_eq!((list(Role::Staff, false), list(Role::Staff, true)), (all[..2].to_vec(), all.to_vec()));
    assert_eq!(list(Role::Customer, true), [all[1]]);
}
