//! Any page of the order list is one range of an index, for a store's people and for a customer, on both engines.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod recorder;

use diesel::RunQueryDsl;
use diesel::sql_types::{Integer, Text};
use haat_domain::authz::Role;
use haat_domain::orders::{OrderFilter, OrderKey, list_orders};
use haat_domain::page::{After, Cursor, Key, PageRequest, Sort, SortKey};
use haat_domain::testing::{TestShop, page_of};
use haat_infra::testing::{Engine, Raw, TestDatabase};

const ORDERS: i64 = 5_000;

/// Orders without lines, a hundred with each total.
fn seed(database: &TestDatabase, shop: &TestShop) {
    let (tenant, customer) = (shop.tenant.id, shop.customer.user.id);
    let mut raw = database.connect();
    let (numbers, time) = match raw {
        Raw::Sqlite(_) => (
            format!("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < {ORDERS})"),
            "n * 1000000",
        ),
        Raw::Postgres(_) => {
            (format!("WITH t AS (SELECT generate_series(1, {ORDERS}) AS n)"), "to_timestamp(n)")
        }
    };
    let insert = format!(
        "INSERT INTO orders (tenant_id, id, number, customer_id, status, currency, total_minor, created_at, updated_at)
         {numbers} SELECT {tenant}, n, n, {customer}, 'pending', 'INR', n / 100, {time}, {time} FROM t"
    );
    match raw {
        Raw::Sqlite(_) => raw.run(&insert).unwrap(),
        Raw::Postgres(_) => {
            let enter = format!("SET LOCAL app.tenant_id = '{tenant}'");
            raw.run(&format!("BEGIN; {enter}; {insert}; COMMIT; ANALYZE orders")).unwrap();
        }
    }
}

/// The list's statement for a page in the middle.
fn statement(shop: &TestShop, sort: Sort<OrderKey>) -> String {
    let id = ORDERS / 2;
    let key = match sort.by {
        OrderKey::Id => Key::Id,
        OrderKey::CreatedAt => Key::Number(id * 1_000_000),
        OrderKey::TotalPrice => Key::Number(id / 100),
    };
    let cursor = Some(Cursor::new(shop.tenant.id, sort, After { key, id }));
    let request = PageRequest { sort, cursor, ..page_of("id", 20) };
    let (page, sent) = recorder::sent(|| {
        shop.act(Role::Owner, move |cx| list_orders(cx, OrderFilter::default(), &request)).unwrap()
    });
    let first = page.items.first().map(|order| order.id.get());
    assert_eq!(first, Some(if sort.descending { id - 1 } else { id + 1 }), "{sort:?}");
    let mut lists =
        sent.into_iter().filter(|sql| sql.contains("FROM \"orders\"") || sql.contains("FROM `orders`"));
    let (Some(list), None) = (lists.next(), lists.next()) else { panic!("one list") };
    list
}

fn each_order(mut check: impl FnMut(Sort<OrderKey>)) {
    for (_, by) in OrderKey::ALL {
        for descending in [false, true] {
            check(Sort { by: *by, descending });
        }
    }
}

#[test]
fn on_sqlite_any_page_of_orders_is_one_range_of_an_index() {
    recorder::on(&[Engine::Sqlite], |_, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        seed(database, &shop);
        let Raw::Sqlite(mut conn) = database.connect() else { panic!("a file") };
        each_order(|sort| {
            let sign = if sort.descending { '<' } else { '>' };
            let range = match sort.by {
                OrderKey::Id => format!("PRIMARY KEY (tenant_id=? AND id{sign}?)"),
                OrderKey::CreatedAt => {
                    format!("INDEX orders_by_time (tenant_id=? AND (created_at,id){sign}(?,?))")
                }
                OrderKey::TotalPrice => {
                    format!("INDEX orders_by_total (tenant_id=? AND (total_minor,id){sign}(?,?))")
                }
            };
            let sent = statement(&shop, sort);
            let sql = sent.split(" -- binds: ").next().unwrap();
            let plan: Vec<(i32, i32, i32, String)> =
                diesel::dsl::sql::<(Integer, Integer, Integer, Text)>(&format!("EXPLAIN QUERY PLAN {sql}"))
                    .load(&mut conn)
                    .unwrap();
            let plan: Vec<_> = plan.into_iter().map(|(_, _, _, detail)| detail).collect();
            assert_eq!(plan, [format!("SEARCH orders USING {range}")], "{sort:?}");
        });
    });
}

#[test]
fn on_postgres_any_page_of_orders_is_one_range_of_an_index() {
    recorder::on(&[Engine::Postgres], |_, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        seed(database, &shop);
        let mut raw = database.connect();
        raw.run(&format!("SET ROLE haat_app; SET app.tenant_id = '{}'", shop.tenant.id)).unwrap();
        each_order(|sort| {
            let sign = if sort.descending { '<' } else { '>' };
            let (index, range) = match sort.by {
                OrderKey::Id => ("orders_pkey", format!("(id {sign} ")),
                OrderKey::CreatedAt => ("orders_by_time", format!("(ROW(created_at, id) {sign} ROW(")),
                OrderKey::TotalPrice => ("orders_by_total", format!("(ROW(total_minor, id) {sign} ROW(")),
            };
            let sent = statement(&shop, sort);
            let (sql, binds) = sent.split_once(" -- binds: [").unwrap();
            let binds = binds.replace("DbInstant(Timestamp(", "'").replace("))", "'").replace(']', "");
            raw.run(&format!("PREPARE list AS {sql}")).unwrap();
            let plan = raw.lines(&format!("EXPLAIN EXECUTE list({binds})")).unwrap();
            raw.run("DEALLOCATE list").unwrap();
            let condition = plan.iter().find(|line| line.contains("Index Cond:")).expect("an index");
            let plan = plan.join("\n");
            assert!(plan.contains(&format!("using {index} on orders")), "{sort:?}\n{plan}");
            assert!(condition.contains("(tenant_id =") && condition.contains(&range), "{sort:?}\n{plan}");
            assert!(!plan.contains("Sort"), "{sort:?}\n{plan}");
        });
    });
}
