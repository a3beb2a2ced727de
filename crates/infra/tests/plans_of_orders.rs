//! Any page of the order list is one range of an index, for a store's people and for a customer, on both engines.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod recorder;

use diesel::sql_types::{Integer, Text};
use diesel::{RunQueryDsl, SqliteConnection};
use haat_domain::authz::Role;
use haat_domain::ids::OrderId;
use haat_domain::orders::{OrderFilter, OrderKey, list_orders, read_history};
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

/// The plan, one line a node.
fn sqlite_plan(conn: &mut SqliteConnection, sent: &str) -> Vec<String> {
    let sql = sent.split(" -- binds: ").next().unwrap();
    let plan: Vec<(i32, i32, i32, String)> =
        diesel::dsl::sql::<(Integer, Integer, Integer, Text)>(&format!("EXPLAIN QUERY PLAN {sql}"))
            .load(conn)
            .unwrap();
    plan.into_iter().map(|(_, _, _, detail)| detail).collect()
}

fn postgres_plan(raw: &mut Raw, sent: &str) -> Vec<String> {
    let (sql, binds) = sent.split_once(" -- binds: [").unwrap();
    let binds =
        binds.replace("DbInstant(Timestamp(", "'").replace("))", "'").replace(']', "").replace('"', "'");
    raw.run(&format!("PREPARE list AS {sql}")).unwrap();
    let plan = raw.lines(&format!("EXPLAIN EXECUTE list({binds})")).unwrap();
    raw.run("DEALLOCATE list").unwrap();
    plan
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
            let plan = sqlite_plan(&mut conn, &sent);
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
            let plan = postgres_plan(&mut raw, &sent);
            let condition = plan.iter().find(|line| line.contains("Index Cond:")).expect("an index");
            let plan = plan.join("\n");
            assert!(plan.contains(&format!("using {index} on orders")), "{sort:?}\n{plan}");
            assert!(condition.contains("(tenant_id =") && condition.contains(&range), "{sort:?}\n{plan}");
            assert!(!plan.contains("Sort"), "{sort:?}\n{plan}");
        });
    });
}

/// The statements that find an order by its number and what happened to it, among many orders and entries.
fn statements_of_one(database: &TestDatabase, shop: &TestShop) -> (String, String) {
    seed(database, shop);
    let tenant = shop.tenant.id;
    let mut raw = database.connect();
    let time = if matches!(raw, Raw::Sqlite(_)) { "1" } else { "to_timestamp(1)" };
    let insert = format!(
        "INSERT INTO audit_log (tenant_id, number, at, actor_name, actor_role, action, object_kind, object_id,
           facts_before, facts_after, link)
         SELECT tenant_id, 1000 + id, {time}, 'owner', 'owner', 'order.update', 'order', id, '{{}}', '{{}}', ''
         FROM orders"
    );
    match raw {
        Raw::Sqlite(_) => raw.run(&insert).unwrap(),
        Raw::Postgres(_) => {
            let enter = format!("SET LOCAL app.tenant_id = '{tenant}'");
            raw.run(&format!("BEGIN; {enter}; {insert}; COMMIT; ANALYZE audit_log")).unwrap();
        }
    }
    let filter = OrderFilter { number: Some(7), ..OrderFilter::default() };
    let ((page, history), sent) = recorder::sent(|| {
        shop.act(Role::Owner, move |cx| {
            let page = list_orders(cx, filter, &page_of("-id", 20))?;
            Ok((page, read_history(cx, OrderId::new(7))?))
        })
        .unwrap()
    });
    assert_eq!((page.items.len(), history.len()), (1, 1));
    let one =
        |what: [&str; 2]| sent.iter().find(|sql| what.iter().all(|part| sql.contains(part))).unwrap().clone();
    (one(["number", "ORDER BY"]), one(["object_kind", "ORDER BY"]))
}

#[test]
fn on_sqlite_one_order_and_its_history_are_found_by_an_index() {
    recorder::on(&[Engine::Sqlite], |_, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        let (order, history) = statements_of_one(database, &shop);
        let Raw::Sqlite(mut conn) = database.connect() else { panic!("a file") };
        let plan = sqlite_plan(&mut conn, &order);
        assert!(plan.iter().any(|line| line.ends_with("(tenant_id=? AND number=?)")), "{plan:?}");
        assert_eq!(
            sqlite_plan(&mut conn, &history),
            [
                "SEARCH audit_log USING INDEX audit_log_of_object (tenant_id=? AND object_kind=? AND object_id=?)"
            ]
        );
    });
}

#[test]
fn on_postgres_one_order_and_its_history_are_found_by_an_index() {
    recorder::on(&[Engine::Postgres], |_, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        let (order, history) = statements_of_one(database, &shop);
        let mut raw = database.connect();
        raw.run(&format!("SET ROLE haat_app; SET app.tenant_id = '{}'", shop.tenant.id)).unwrap();
        let plan = postgres_plan(&mut raw, &order).join("\n");
        assert!(plan.contains("using orders_tenant_id_number_key on orders"), "{plan}");
        let plan = postgres_plan(&mut raw, &history).join("\n");
        assert!(plan.contains("using audit_log_of_object on audit_log") && !plan.contains("Sort"), "{plan}");
    });
}
