//! Products: what is written is read, unique SKUs, deletion, stock, and every filter.

use crate::{conflict, inside, open_shop};
use haat_domain::authz::Role;
use haat_domain::catalog::*;
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::ids::ProductId;
use haat_domain::page::Sort;
use haat_domain::ports::{Store, TenantTx};
use haat_domain::testing::*;
use std::sync::Arc;

cases![
    a_product_is_read_as_it_was_written,
    changes_of_a_product_are_read_as_they_were_written,
    numbers_are_never_given_twice_on_a_server,
    a_sku_is_taken_once_per_store_however_it_is_written,
    a_sku_can_be_exchanged_for_a_free_one_only,
    a_deleted_product_is_found_by_nothing,
    whether_there_has_ever_been_a_product_is_known,
    pieces_are_taken_from_active_products_only,
    pieces_are_taken_down_to_the_last_and_no_further,
    uncounted_products_never_run_out,
    every_filter_shows_what_it_names,
    a_search_takes_every_character_literally,
    customers_see_what_is_active,
];

fn with_sku(mut details: ProductDetails, sku: &str) -> ProductDetails {
    details.sku = Some(Sku::parse(sku).unwrap());
    details
}

fn with_status(mut details: ProductDetails, status: ProductStatus) -> ProductDetails {
    details.status = status;
    details
}

fn create(shop: &TestShop, details: ProductDetails) -> Result<Product> {
    shop.act(Role::Staff, |cx| create_product(cx, details))
}

fn find(shop: &TestShop, id: ProductId) -> Option<Product> {
    inside(shop, move |tx, _| tx.products().find(id)).unwrap()
}

fn stock(shop: &TestShop, id: ProductId) -> Option<i64> {
    find(shop, id).unwrap().details.stock.map(Stock::get)
}

fn a_product_is_read_as_it_was_written(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    shop.clock.advance(1);
    let mut details = with_sku(details("Lampe d’été 灯 𝒵🪔", "99999999.99", Some(Stock::MAX)), "ÄÖ-𝒵-1");
    details.description = Description::parse("First line\nsecond line\t\u{202e}'\"\\ % _ 😀").unwrap();
    details.status = ProductStatus::Draft;
    let written = create(&shop, details).unwrap();
    assert_eq!(written.created_by, Some(shop.staff.user.id));
    assert_eq!(find(&shop, written.id), Some(written.clone()));

    let plain = create(&shop, details_in("INR", "x", "0", None)).unwrap();
    let locked = inside(&shop, move |tx, _| tx.products().lock(plain.id)).unwrap();
    assert_eq!(locked, Some(plain));

    let by_operator = shop.operate(|cx| create_product(cx, details_in("INR", "y", "1", Some(0)))).unwrap();
    assert_eq!(by_operator.created_by, None);
    assert_eq!(find(&shop, by_operator.id), Some(by_operator));
}

fn changes_of_a_product_are_read_as_they_were_written(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let product = create(&shop, with_sku(details("Lamp", "5", Some(3)), "L-1")).unwrap();
    shop.clock.advance(60);
    let nothing_left = ProductPatch { sku: Some(None), stock: Some(None), ..ProductPatch::default() };
    let patched = shop.act(Role::Owner, move |cx| update_product(cx, product.id, nothing_left)).unwrap();
    assert_eq!((&patched.details.sku, patched.details.stock), (&None, None));
    assert!(patched.updated_at > patched.created_at);
    assert_eq!(find(&shop, product.id), Some(patched));

    let other = with_sku(details("Другая лампа", "6.50", Some(9)), "L-2");
    let replaced = shop.act(Role::Owner, move |cx| replace_product(cx, product.id, other)).unwrap();
    assert_eq!(find(&shop, product.id), Some(replaced));
}

fn numbers_are_never_given_twice_on_a_server(store: &Arc<dyn Store>) {
    let (one, other) = (open_shop(store, "One"), open_shop(store, "Other"));
    let ids: Vec<_> = [&one, &other, &one, &other]
        .into_iter()
        .map(|shop| create(shop, details("Lamp", "1", None)).unwrap().id.get())
        .collect();
    assert!(ids.windows(2).all(|pair| matches!(pair, [one, next] if 0 < *one && one < next)), "{ids:?}");
}

fn a_sku_is_taken_once_per_store_however_it_is_written(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let first = create(&shop, with_sku(details("Lamp", "1", None), "Straße-1")).unwrap();
    for twin in ["Straße-1", "STRASSE-1", "ＳＴＲＡＳＳＥ-1"] {
        let again = create(&shop, with_sku(details("Twin", "1", None), twin));
        assert_eq!(conflict(again), Conflict::SkuTaken, "{twin}");
    }
    let key = first.details.sku.as_ref().unwrap().key();
    let found = inside(&shop, move |tx, _| tx.products().find_by_sku(&key)).unwrap();
    assert_eq!(found, Some(first.id));
    create(&other, with_sku(details("Lamp", "1", None), "Straße-1"))
        .expect("another store's SKUs are its own");
    create(&shop, details("Without", "1", None)).expect("none is no SKU");
    create(&shop, details("Without", "1", None)).expect("none is no SKU");

    shop.act(Role::Owner, move |cx| delete_product(cx, first.id)).unwrap();
    create(&shop, with_sku(details("Heir", "1", None), "strasse-1"))
        .expect("a deleted product frees its SKU");
}

fn a_sku_can_be_exchanged_for_a_free_one_only(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let one = create(&shop, with_sku(details("One", "1", None), "one")).unwrap();
    let two = create(&shop, with_sku(details("Two", "1", None), "two")).unwrap();
    let give = |id, sku: &str| {
        let patch = ProductPatch { sku: Some(Some(Sku::parse(sku).unwrap())), ..ProductPatch::default() };
        shop.act(Role::Owner, move |cx| update_product(cx, id, patch))
    };
    assert_eq!(conflict(give(two.id, "ONE")), Conflict::SkuTaken);
    give(two.id, "TWO").expect("its own");
    give(two.id, "three").expect("a free one");
    give(one.id, "two").expect("one that was given up");

    // Even if nobody had looked first.
    let mut twin = find(&shop, one.id).unwrap();
    twin.details.sku = Some(Sku::parse("Three").unwrap());
    conflict(inside(&shop, move |tx, _| tx.products().update(&twin)));
}

fn a_deleted_product_is_found_by_nothing(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let product = create(&shop, with_sku(details("Lamp", "1", Some(5)), "L-1")).unwrap();
    let id = product.id;
    inside(&shop, move |tx, now| {
        let products = tx.products();
        assert!(products.delete(id, now)?);
        assert!(!products.delete(id, now)?, "it is there no longer");
        assert_eq!(products.find(id)?, None);
        assert_eq!(products.lock(id)?, None);
        assert_eq!(products.find_by_sku("l-1")?, None);
        assert_eq!(products.take(id, quantity(1), now)?, None);
        for status in ProductStatus::ALL.map(Some).into_iter().chain([None]) {
            let filter = ProductFilter { status, ..ProductFilter::default() };
            assert_eq!(page(tx, &filter)?, [], "{status:?}");
        }
        Ok(())
    })
    .unwrap();
    let again = shop.act(Role::Owner, move |cx| delete_product(cx, id));
    assert!(matches!(again, Err(Error::NotFound)));
}

fn whether_there_has_ever_been_a_product_is_known(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    create(&other, details("Lamp", "1", None)).unwrap();
    assert!(!inside(&shop, |tx, _| tx.products().any()).unwrap(), "another store's products do not count");
    let product = create(&shop, details("Lamp", "1", None)).unwrap();
    assert!(inside(&shop, |tx, _| tx.products().any()).unwrap());
    shop.act(Role::Owner, move |cx| delete_product(cx, product.id)).unwrap();
    assert!(inside(&shop, |tx, _| tx.products().any()).unwrap(), "a deleted one does");
}

fn pieces_are_taken_from_active_products_only(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for (status, can_be_ordered) in
        [(ProductStatus::Draft, false), (ProductStatus::Active, true), (ProductStatus::Archived, false)]
    {
        for pieces in [Some(5), None] {
            let product = create(&shop, with_status(details("Lamp", "12.30", pieces), status)).unwrap();
            let taken =
                inside(&shop, move |tx, now| tx.products().take(product.id, quantity(2), now)).unwrap();
            let ProductDetails { name, sku, price, .. } = product.details;
            let counted = pieces.map_or(0, |_| 2);
            let terms = Taken { name, sku, unit_price: price, counted };
            assert_eq!(taken, can_be_ordered.then_some(terms), "{status} {pieces:?}");
        }
    }
    let nothing =
        inside(&shop, |tx, now| tx.products().take(ProductId::new(987_654), quantity(1), now)).unwrap();
    assert_eq!(nothing, None);
}

fn pieces_are_taken_down_to_the_last_and_no_further(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let product = create(&shop, details("Lamp", "1", Some(5))).unwrap();
    let id = product.id;
    let take = |count| inside(&shop, move |tx, now| tx.products().take(id, quantity(count), now)).unwrap();
    assert_eq!(take(6), None);
    assert_eq!(stock(&shop, id), Some(5));
    shop.clock.advance(1);
    assert_eq!(take(4).unwrap().counted, 4);
    assert!(find(&shop, id).unwrap().updated_at > product.updated_at, "a change of stock is a change");
    assert_eq!(take(2), None);
    assert_eq!(take(1).unwrap().counted, 1);
    assert_eq!(stock(&shop, id), Some(0));
    inside(&shop, move |tx, now| tx.products().put_back(id, 3, now)).unwrap();
    assert_eq!(stock(&shop, id), Some(3));
}

fn uncounted_products_never_run_out(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let id = create(&shop, details("Lamp", "1", None)).unwrap().id;
    inside(&shop, move |tx, now| {
        assert_eq!(tx.products().take(id, quantity(1_000_000), now)?.unwrap().counted, 0);
        tx.products().put_back(id, 7, now)
    })
    .unwrap();
    assert_eq!(stock(&shop, id), None);
}

fn page(tx: &mut dyn TenantTx, filter: &ProductFilter) -> Result<Vec<Product>> {
    tx.products().page(filter, Sort { by: ProductKey::Id, descending: false }, None, 1000)
}

/// What the filter means, told a second time.
fn shows(filter: &ProductFilter, product: &Product) -> bool {
    let ProductDetails { price, stock, status, .. } = &product.details;
    let status = match filter.status {
        None => filter.archived_too || *status != ProductStatus::Archived,
        Some(wanted) => *status == wanted,
    };
    let in_stock = match filter.in_stock {
        None => true,
        Some(wanted) => (*stock != Some(Stock::parse(0).unwrap())) == wanted,
    };
    status
        && in_stock
        && filter.min_price.is_none_or(|min| price.minor() >= min.minor())
        && filter.max_price.is_none_or(|max| price.minor() <= max.minor())
        && filter.search.as_ref().is_none_or(|search| search.matches(&product.details.search_text()))
}

fn every_filter_shows_what_it_names(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let other = open_shop(store, "Other");
    create(&other, details("Brass lamp", "10", Some(1))).unwrap();
    let all = shop
        .act(Role::Owner, |cx| {
            let mut all = Vec::new();
            for status in ProductStatus::ALL {
                for pieces in [None, Some(0), Some(7)] {
                    for amount in ["9.99", "10", "10.01"] {
                        for name in ["Brass lamp", "BRASS bell", "Tin lamp"] {
                            all.push(create_product(cx, with_status(details(name, amount, pieces), status))?);
                        }
                    }
                }
            }
            Ok(all)
        })
        .unwrap();
    inside(&shop, move |tx, _| {
        let amounts = [None, Some("9.99"), Some("10"), Some("10.01"), Some("11")]
            .map(|amount| amount.map(|amount| details("x", amount, None).price));
        for status in
            [None, Some(ProductStatus::Draft), Some(ProductStatus::Active), Some(ProductStatus::Archived)]
        {
            for in_stock in [None, Some(true), Some(false)] {
                for (min_price, max_price) in amounts.iter().flat_map(|min| amounts.map(|max| (*min, max))) {
                    for words in ["", "brass", "lamp Brass", "nothing"] {
                        let search = search(words);
                        let filter = ProductFilter {
                            archived_too: words.is_empty(),
                            search,
                            status,
                            min_price,
                            max_price,
                            in_stock,
                        };
                        let expected: Vec<_> =
                            all.iter().filter(|one| shows(&filter, one)).cloned().collect();
                        assert_eq!(page(tx, &filter)?, expected, "{filter:?}");
                    }
                }
            }
        }
        Ok(())
    })
    .unwrap();
}

fn a_search_takes_every_character_literally(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let texts = [
        "100% wool",
        "100x wool",
        "snake_case",
        "snakeXcase",
        r"back\slash",
        "Straße",
        "cafe\u{301} 😀",
        "it's",
    ];
    let mut all = Vec::new();
    for text in texts {
        all.push(create(&shop, details(text, "1", None)).unwrap());
    }
    let mut described = with_sku(details("Plain", "1", None), "Sku-77");
    described.description = Description::parse("made of\nBRONZE").unwrap();
    all.push(create(&shop, described).unwrap());
    for (words, expected) in [
        ("100%", &["100% wool"][..]),
        ("%", &["100% wool"]),
        ("snake_case", &["snake_case"]),
        ("_", &["snake_case"]),
        ("\\", &[r"back\slash"]),
        ("strasse", &["Straße"]),
        ("CAFÉ", &["caf\u{e9} 😀"]),
        ("😀", &["caf\u{e9} 😀"]),
        ("'", &["it's"]),
        ("WOOL 100", &["100% wool", "100x wool"]),
        ("ＷＯＯＬ", &["100% wool", "100x wool"]),
        ("sku-77", &["Plain"]),
        ("bronze plain", &["Plain"]),
        ("wool bronze", &[]),
        ("*", &[]),
    ] {
        let filter = ProductFilter { search: search(words), ..ProductFilter::default() };
        let found = inside(&shop, move |tx, _| page(tx, &filter)).unwrap();
        let names: Vec<_> = found.iter().map(|product| product.details.name.as_str()).collect();
        assert_eq!(names, expected, "{words}");
    }
}

fn customers_see_what_is_active(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let mut ids = Vec::new();
    for status in ProductStatus::ALL {
        ids.push((status, create(&shop, with_status(details("Lamp", "1", None), status)).unwrap().id));
    }
    for (status, id) in ids {
        let read = shop.act(Role::Customer, move |cx| read_product(cx, id));
        let filter = ProductFilter { status: Some(status), ..ProductFilter::default() };
        let listed =
            shop.act(Role::Customer, move |cx| list_products(cx, filter, &first_page("id"))).unwrap();
        let visible = status == ProductStatus::Active;
        assert_eq!((read.is_ok(), listed.items.len()), (visible, usize::from(visible)), "{status}");
    }
}
