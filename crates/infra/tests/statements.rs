//! How many statements a use case costs: the same for a page of one row and of two hundred.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod recorder;

use haat_domain::authz::Role;
use haat_domain::catalog::{ProductFilter, create_product, list_products};
use haat_domain::cx::Cx;
use haat_domain::error::Result;
use haat_domain::identity::{UserFilter, list_users};
use haat_domain::ids::ProductId;
use haat_domain::orders::{OrderFilter, list_orders, place_order};
use haat_domain::page::Limit;
use haat_domain::ports::Clock;
use haat_domain::reports::{SalesRequest, read_sales};
use haat_domain::testing::{TestShop, details, order_of, page_of};
use haat_domain::time::Timestamp;
use haat_infra::testing::{Engine, TestDatabase};

const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

fn open_shop(database: &TestDatabase) -> TestShop {
    TestShop::open(database.store(), "Shop", "INR")
}

fn products(shop: &TestShop, count: usize) -> Vec<ProductId> {
    shop.act(Role::Owner, move |cx| {
        (0..count)
            .map(|number| Ok(create_product(cx, details(&format!("Lamp {number}"), "9", Some(1000)))?.id))
            .collect()
    })
    .unwrap()
}

/// Reads as the API does: without a write transaction, as the holder of a token.
fn read_as_owner<T: Send + 'static>(
    shop: &TestShop,
    work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
) -> T {
    let (credential, now) = (shop.owner.credential, shop.clock.now());
    let work = move |tx: &mut dyn haat_domain::ports::Tx| work(&mut Cx::authenticate(tx, &credential, now)?);
    shop.store.read(Some(credential.tenant), work).unwrap()
}

/// What each page costs, in statements; begin and end of the transaction and the account's row are among them.
fn costs(page: impl Fn(i64) -> usize) -> Vec<usize> {
    [1, 50, 200]
        .into_iter()
        .map(|limit| {
            let (rows, sent) = recorder::sent(|| page(limit));
            assert_eq!(i64::try_from(rows).unwrap(), limit, "the page is full");
            sent.len()
        })
        .collect()
}

#[test]
fn a_page_of_products_costs_the_same_whatever_its_length() {
    recorder::on(&ENGINES, |engine, database| {
        let shop = open_shop(database);
        products(&shop, 201);
        let list = |limit| {
            let page =
                move |cx: &mut Cx<'_>| list_products(cx, ProductFilter::default(), &page_of("name", limit));
            read_as_owner(&shop, page).items.len()
        };
        // BEGIN, the account, the products, COMMIT.
        assert_eq!(costs(list), [4, 4, 4], "{engine:?}");
    });
}

#[test]
fn a_page_of_orders_with_their_lines_costs_the_same_whatever_its_length() {
    recorder::on(&ENGINES, |engine, database| {
        let shop = open_shop(database);
        let lamps: Vec<_> = products(&shop, 3).into_iter().map(|id| (id, 1)).collect();
        shop.act(Role::Customer, move |cx| {
            (0..201).try_for_each(|number| place_order(cx, order_of(&lamps[..=number % 3])).map(drop))
        })
        .unwrap();
        let list = |limit| {
            let page =
                move |cx: &mut Cx<'_>| list_orders(cx, OrderFilter::default(), &page_of("created_at", limit));
            let orders = read_as_owner(&shop, page).items;
            assert!(orders.iter().all(|order| !order.lines.is_empty()));
            orders.len()
        };
        // As before, and all lines in one.
        assert_eq!(costs(list), [5, 5, 5], "{engine:?}");
    });
}

#[test]
fn a_page_of_users_costs_the_same_whatever_its_length() {
    recorder::on(&ENGINES, |engine, database| {
        let shop = open_shop(database);
        shop.act(Role::Owner, |cx| {
            (0..200).try_for_each(|number| {
                let new = haat_domain::testing::user(&format!("customer{number}"), Role::Customer);
                haat_domain::identity::create_user(cx, &new).map(drop)
            })
        })
        .unwrap();
        let list = |limit| {
            let page = move |cx: &mut Cx<'_>| list_users(cx, &UserFilter::default(), &page_of("id", limit));
            read_as_owner(&shop, page).items.len()
        };
        assert_eq!(costs(list), [4, 4, 4], "{engine:?}");
    });
}

#[test]
fn the_figures_of_a_store_cost_one_statement_each() {
    recorder::on(&ENGINES, |engine, database| {
        let shop = open_shop(database);
        let lamps = products(&shop, 20);
        let report = || {
            let all = Limit::default();
            let request = SalesRequest { since: Timestamp::EPOCH, best: all, low: all };
            recorder::sent(|| read_as_owner(&shop, move |cx| read_sales(cx, &request))).1.len()
        };
        // BEGIN, the account, four kinds of figures, COMMIT.
        assert_eq!(report(), 7, "{engine:?}");
        for lamp in lamps {
            shop.clock.advance(900);
            order(&shop, &[lamp]);
        }
        assert_eq!(report(), 7, "{engine:?}");
    });
}

/// The statements of an order of so many lines.
fn order(shop: &TestShop, lines: &[ProductId]) -> Vec<String> {
    let lines: Vec<_> = lines.iter().map(|id| (*id, 2)).collect();
    let (order, sent) =
        recorder::sent(|| shop.act(Role::Customer, move |cx| place_order(cx, order_of(&lines))));
    order.expect("an order");
    sent
}

#[test]
fn an_order_of_one_line_costs_a_fixed_small_number_of_statements() {
    recorder::on(&ENGINES, |engine, database| {
        let shop = open_shop(database);
        let lamps = products(&shop, 1);
        // The transaction, the account, the stock with the order's numbers and the end of the audit log's chain, and all
        // that is written. SQLite does the last two step by step; it has a savepoint inside the transaction that it
        // shares with others, and counts ids in a table.
        let expected = match engine {
            Engine::Sqlite => 13,
            Engine::Postgres => 5,
        };
        for _ in 0..3 {
            let sent = order(&shop, &lamps);
            assert_eq!(sent.len(), expected, "{engine:?}: {sent:#?}");
        }
    });
}

#[test]
fn each_further_line_of_an_order_costs_one_statement() {
    recorder::on(&ENGINES, |engine, database| {
        let shop = open_shop(database);
        let lamps = products(&shop, 20);
        let cost = |lines: usize| order(&shop, &lamps[..lines]).len();
        assert_eq!(cost(2), cost(1) + 1, "{engine:?}: taking its pieces");
        assert_eq!(cost(20), cost(1) + 19, "{engine:?}");
    });
}
