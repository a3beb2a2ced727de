//! Page 1 000 of the product list costs what page 1 costs: a range of an index, in its order, on both engines. What
//! is explained is what diesel really sends.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod recorder;

use diesel::RunQueryDsl;
use diesel::sql_types::{Integer, Text};
use haat_domain::authz::{Action, Role};
use haat_domain::catalog::{ProductFilter, ProductKey, create_product, list_products};
use haat_domain::page::{After, Cursor, Key, Limit, PageRequest, Sort, SortKey};
use haat_domain::reports::{SalesRequest, read_sales};
use haat_domain::testing::{TestShop, details, page_of};
use haat_domain::time::Timestamp;
use haat_infra::testing::{Engine, Raw, TestDatabase};

const PRODUCTS: i64 = 20_000;
/// Rows of a page; 1 000 pages in all.
const ROWS: i64 = 20;
/// 2026-01-01, in microseconds; product n is made n seconds later.
const FIRST: i64 = 1_767_225_600_000_000;

/// Two products at each price, so that ids break ties.
fn seed(database: &TestDatabase, shop: &TestShop) {
    let tenant = shop.tenant.id;
    let columns = "tenant_id, id, name, name_key, description, search_text, price_minor, currency, status, \
                   created_at, updated_at";
    let (numbers, name, time) = match database.connect() {
        Raw::Sqlite(_) => (
            format!("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < {PRODUCTS})"),
            "printf('lamp %06d', n)",
            format!("{FIRST} + n * 1000000"),
        ),
        Raw::Postgres(_) => (
            format!("WITH t AS (SELECT generate_series(1, {PRODUCTS}) AS n)"),
            "'lamp ' || lpad(n::text, 6, '0')",
            format!("to_timestamp({FIRST} / 1000000 + n)"),
        ),
    };
    let insert = format!(
        "INSERT INTO products ({columns}) {numbers} SELECT {tenant}, n, {name}, {name}, '', {name}, n / 2, 'INR', \
         'active', {time}, {time} FROM t"
    );
    let mut raw = database.connect();
    match &raw {
        Raw::Sqlite(_) => raw.run(&insert).unwrap(),
        Raw::Postgres(_) => {
            raw.run(&format!("BEGIN; SET LOCAL app.tenant_id = '{tenant}'; {insert}; COMMIT")).unwrap();
            raw.run("ANALYZE products").unwrap();
        }
    }
}

/// The last product of page 999 in this order.
fn before_page_1000(sort: Sort<ProductKey>) -> After {
    let id = if sort.descending { ROWS + 1 } else { PRODUCTS - ROWS };
    let key = match sort.by {
        ProductKey::Id => Key::Id,
        ProductKey::Name => Key::Text(format!("lamp {id:06}")),
        ProductKey::Price => Key::Number(id / 2),
        ProductKey::CreatedAt => Key::Number(FIRST + id * 1_000_000),
    };
    After { key, id }
}

/// The list's statement, and the values bound to it, for page 1 or page 1 000.
fn statement(shop: &TestShop, sort: Sort<ProductKey>, after: Option<After>) -> (String, Vec<String>) {
    let cursor = after.map(|after| Cursor::new(shop.tenant.id, sort, after));
    let request = PageRequest { sort, cursor, ..page_of("id", ROWS) };
    let list = |role| {
        let request = request.clone();
        shop.act(role, move |cx| list_products(cx, ProductFilter::default(), &request)).unwrap()
    };
    assert_eq!(i64::try_from(list(Role::Customer).items.len()).unwrap(), ROWS, "the page is full");
    let (_, sent) = recorder::sent(|| list(Role::Owner));
    let mut lists = sent.iter().filter(|sql| sql.contains("ORDER BY"));
    let (Some(list), None) = (lists.next(), lists.next()) else { panic!("one list: {sent:#?}") };
    let (sql, binds) = list.split_once(" -- binds: ").expect("diesel tells what is bound");
    (sql.to_owned(), literals(binds))
}

/// `[1, "text", DbInstant(...)]` as SQL.
fn literals(binds: &str) -> Vec<String> {
    let inside = binds.trim_start_matches('[').trim_end_matches(']');
    let literal = |value: &str| match value.strip_prefix("DbInstant(Timestamp(") {
        Some(time) => format!("'{}'", time.trim_end_matches(')')),
        None => value.replace('"', "'"),
    };
    inside.split(", ").map(literal).collect()
}

/// The plan, one line a node.
fn sqlite_plan(raw: &mut Raw, sql: &str) -> Vec<String> {
    let Raw::Sqlite(conn) = raw else { panic!("a file") };
    let rows: Vec<(i32, i32, i32, String)> =
        diesel::dsl::sql::<(Integer, Integer, Integer, Text)>(&format!("EXPLAIN QUERY PLAN {sql}"))
            .load(conn)
            .unwrap();
    rows.into_iter().map(|(_, _, _, detail)| detail).collect()
}

/// The plan with the values known, as the first executions have it, and the pages it read.
fn postgres_plan(raw: &mut Raw, sql: &str, binds: &[String]) -> (String, u32) {
    raw.run(&format!("PREPARE list AS {sql}")).unwrap();
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) EXECUTE list({})", binds.join(", "));
    raw.lines(&explain).unwrap(); // Fills the caches.
    let plan = raw.lines(&explain).unwrap();
    raw.run("DEALLOCATE list").unwrap();
    let hit = plan.iter().find_map(|line| line.trim().strip_prefix("Buffers: shared hit=")).expect("buffers");
    let read = hit.split(' ').next().unwrap().parse().unwrap();
    (plan.join("\n"), read)
}

fn each_order(mut check: impl FnMut(Sort<ProductKey>)) {
    for (_, by) in ProductKey::ALL {
        for descending in [false, true] {
            check(Sort { by: *by, descending });
        }
    }
}

#[test]
fn on_sqlite_any_page_of_products_is_one_range_of_an_index() {
    recorder::on(&[Engine::Sqlite], |_, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        seed(database, &shop);
        let mut raw = database.connect();
        each_order(|sort| {
            let (index, range) = match sort.by {
                ProductKey::Id => ("PRIMARY KEY", "id"),
                ProductKey::Name => ("INDEX products_by_name", "(name_key,id)"),
                ProductKey::Price => ("INDEX products_by_price", "(price_minor,id)"),
                ProductKey::CreatedAt => ("INDEX products_by_time", "(created_at,id)"),
            };
            let sign = if sort.descending { '<' } else { '>' };
            let bound = if range == "id" { "?".to_owned() } else { "(?,?)".to_owned() };
            let first = sqlite_plan(&mut raw, &statement(&shop, sort, None).0);
            assert_eq!(first, [format!("SEARCH products USING {index} (tenant_id=?)")], "{sort:?}");
            let far = sqlite_plan(&mut raw, &statement(&shop, sort, Some(before_page_1000(sort))).0);
            let range = format!("SEARCH products USING {index} (tenant_id=? AND {range}{sign}{bound})");
            assert_eq!(far, [range], "{sort:?}");
        });
    });
}

#[test]
fn on_postgres_any_page_of_products_is_one_range_of_an_index() {
    recorder::on(&[Engine::Postgres], |_, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        seed(database, &shop);
        let mut raw = database.connect();
        raw.run(&format!("SET ROLE haat_app; SET app.tenant_id = '{}'", shop.tenant.id)).unwrap();
        each_order(|sort| {
            let (index, column) = match sort.by {
                ProductKey::Id => ("products_pkey", "id"),
                ProductKey::Name => ("products_by_name", "name_key"),
                ProductKey::Price => ("products_by_price", "price_minor"),
                ProductKey::CreatedAt => ("products_by_time", "created_at"),
            };
            let sign = if sort.descending { '<' } else { '>' };
            let (sql, binds) = statement(&shop, sort, None);
            let (first, few) = postgres_plan(&mut raw, &sql, &binds);
            let (sql, binds) = statement(&shop, sort, Some(before_page_1000(sort)));
            let (far, as_few) = postgres_plan(&mut raw, &sql, &binds);

            for plan in [&first, &far] {
                assert!(plan.contains(&format!("using {index} on products")), "{sort:?}\n{plan}");
                assert!(!plan.contains("Sort") && !plan.contains("Seq Scan"), "{sort:?}\n{plan}");
                let condition = plan.lines().find(|line| line.contains("Index Cond:")).expect(plan);
                assert!(condition.contains("(tenant_id ="), "{sort:?}\n{plan}");
            }
            let condition = far.lines().find(|line| line.contains("Index Cond:")).expect(&far);
            let range = match sort.by {
                ProductKey::Id => format!("(id {sign} "),
                ProductKey::Name | ProductKey::Price | ProductKey::CreatedAt => {
                    format!("(ROW({column}, id) {sign} ROW(")
                }
            };
            assert!(condition.contains(&range), "{sort:?}\n{far}");
            assert!(!far.contains("Rows Removed"), "{sort:?}\n{far}");
            assert!(as_few <= few + 5, "{sort:?}: page 1 reads {few}, page 1000 reads {as_few}\n{far}");
        });
    });
}

/// The statement that finds what runs out, where five of all products do, and what is bound to it.
fn low_stock(database: &TestDatabase, shop: &TestShop) -> (String, Vec<String>) {
    seed(database, shop);
    let counted = "UPDATE products SET stock = id";
    let mut raw = database.connect();
    match raw {
        Raw::Sqlite(_) => raw.run(counted).unwrap(),
        Raw::Postgres(_) => {
            let enter = format!("SET LOCAL app.tenant_id = '{}'", shop.tenant.id);
            raw.run(&format!("BEGIN; {enter}; {counted}; COMMIT; ANALYZE products")).unwrap();
        }
    }
    let request =
        SalesRequest { since: Timestamp::EPOCH, best: Limit::default(), low: Limit::parse(3).unwrap() };
    let (report, sent) =
        recorder::sent(|| shop.act(Role::Owner, move |cx| read_sales(cx, &request)).unwrap());
    assert_eq!(report.low.iter().map(|product| product.id.get()).collect::<Vec<_>>(), [1, 2, 3]);
    let low = sent.iter().find(|sql| sql.contains("low_stock")).unwrap();
    let (sql, binds) = low.split_once(" -- binds: ").unwrap();
    (sql.to_owned(), literals(binds))
}

#[test]
fn on_sqlite_what_runs_out_is_found_by_an_index_of_that_alone() {
    recorder::on(&[Engine::Sqlite], |_, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        let (sql, _) = low_stock(database, &shop);
        let plan = sqlite_plan(&mut database.connect(), &sql);
        assert_eq!(plan, ["SEARCH products USING INDEX products_low (tenant_id=?)"]);
    });
}

#[test]
fn on_postgres_what_runs_out_is_found_by_an_index_of_that_alone() {
    recorder::on(&[Engine::Postgres], |_, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        let (sql, binds) = low_stock(database, &shop);
        let mut raw = database.connect();
        // As after many executions, when the plan no longer knows what is bound.
        raw.run(&format!(
            "SET ROLE haat_app; SET app.tenant_id = '{}'; SET plan_cache_mode = force_generic_plan",
            shop.tenant.id
        ))
        .unwrap();
        let (plan, pages) = postgres_plan(&mut raw, &sql, &binds);
        assert!(plan.contains("products_low") && !plan.contains("Seq Scan"), "{plan}");
        assert!(pages < 20, "{plan}");
    });
}

/// What an order does to a product. An update that leaves all indexes alone is a HOT one.
#[test]
fn on_postgres_an_order_writes_into_an_index_only_where_many_become_few() {
    recorder::on(&[Engine::Postgres], |_, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        let details = details("Lamp", "9", Some(8));
        shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap();
        let mut raw = database.connect();
        let hot: Vec<String> = (0..4)
            .map(|_| {
                let enter = format!("BEGIN; SET LOCAL app.tenant_id = '{}'", shop.tenant.id);
                raw.run(&format!("{enter}; UPDATE products SET stock = stock - 1, updated_at = now()"))
                    .unwrap();
                let hot = "SELECT pg_stat_get_xact_tuples_hot_updated('products'::regclass)::text";
                let hot = raw.lines(hot).unwrap().remove(0);
                raw.run("COMMIT").unwrap();
                hot
            })
            .collect();
        assert_eq!(hot, ["1", "2", "2", "3"], "counted: 8 to 7, to 6, not to 5, to 4");
    });
}

#[test]
fn a_page_is_found_by_its_key_and_not_by_counting() {
    recorder::on(&[Engine::Sqlite, Engine::Postgres], |engine, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        seed(database, &shop);
        each_order(|sort| {
            let request = PageRequest {
                sort,
                cursor: Some(Cursor::new(shop.tenant.id, sort, before_page_1000(sort))),
                ..page_of("id", ROWS)
            };
            let page = shop
                .act(Role::Customer, move |cx| {
                    cx.permit(Action::ReadProducts)?;
                    list_products(cx, ProductFilter::default(), &request)
                })
                .unwrap();
            let ids: Vec<i64> = page.items.iter().map(|product| product.id.get()).collect();
            let mut expected: Vec<i64> = if sort.descending {
                (1..=ROWS).collect()
            } else {
                (PRODUCTS - ROWS + 1..=PRODUCTS).collect()
            };
            if sort.descending {
                expected.reverse();
            }
            assert_eq!(ids, expected, "{engine:?} {sort:?}");
            assert_eq!(page.next, None, "it is the last one");
        });
    });
}
