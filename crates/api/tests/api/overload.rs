//! More than the server can do: it says so soon, does what it has begun, and goes on afterwards.

use crate::support::{Answer, Client, World};
use haat_infra::testing::{Engine, Raw};
use serde_json::json;
use std::thread;

cases! {
    what_is_too_much_is_turned_away_at_the_door,
    who_has_waited_too_long_is_told_so_while_others_hold_the_database,
}

/// Keeps everybody from writing products, until it ends.
pub(crate) struct Hold(Raw);

impl Hold {
    pub(crate) fn on(world: &World) -> Self {
        let mut raw = world.database.connect();
        match world.engine() {
            Engine::Sqlite => raw.run("BEGIN IMMEDIATE").unwrap(),
            Engine::Postgres => {
                raw.run("BEGIN").unwrap();
                raw.run("LOCK TABLE products IN EXCLUSIVE MODE").unwrap();
            }
        }
        Self(raw)
    }

    pub(crate) fn end(mut self) {
        self.0.run("ROLLBACK").unwrap();
    }
}

/// Asks until a series has this value.
pub(crate) fn until(client: &Client, line: &str) {
    let told = (0..3000).any(|_| {
        let text = client.get("/metrics").must(200).text;
        text.lines().any(|one| one == line) || {
            thread::sleep(std::time::Duration::from_millis(10));
            false
        }
    });
    assert!(told, "it never was {line}");
}

fn refused(answer: Answer, code: &str) {
    let answer = answer.refused(503, code);
    let seconds: u32 = answer.header("retry-after").expect("when to come again").parse().unwrap();
    assert!((1..=5).contains(&seconds), "{answer:?}");
}

fn what_is_too_much_is_turned_away_at_the_door(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(5));
    let server = world.beside(|settings| {
        settings.edge.work_limit = 1;
        settings.patience = 60_000;
        settings.workers = Some(2);
    });
    let anybody = server.anonymous();
    let customer = anybody.with(shop.customer.token.as_deref().unwrap());
    let hold = Hold::on(world);
    let order = json!({"product": product, "quantity": 1});
    thread::scope(|scope| {
        let first = scope.spawn(|| customer.post("/api/orders/", &order));
        until(&anybody, "haat_work_under_way 1");
        // Whoever it is, whatever it is: nothing of it is looked at.
        refused(customer.get("/api/products/"), "overloaded");
        refused(customer.raw("POST", "/api/orders/", "no json"), "overloaded");
        refused(anybody.with("no token").get("/api/orders/"), "overloaded");
        let page = anybody.get("/admin/login/");
        assert_eq!(page.status, 503);
        assert!(page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
        for path in ["/healthz", "/readyz", "/metrics"] {
            anybody.get(path).must(200);
        }
        until(&anybody, "haat_http_shed_total 4");
        hold.end();
        first.join().unwrap().must(201);
    });
    customer.post("/api/orders/", &order).must(201);
    assert_eq!(shop.stock(product), 3);
}

fn who_has_waited_too_long_is_told_so_while_others_hold_the_database(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(9));
    let server = world.beside(|settings| {
        settings.database_pool = 1;
        settings.patience = 300;
        settings.workers = Some(2);
    });
    let anybody = server.anonymous();
    let customer = anybody.with(shop.customer.token.as_deref().unwrap());
    let order = json!({"product": product, "quantity": 1});
    let hold = Hold::on(world);
    let first = thread::scope(|scope| {
        let first = scope.spawn(|| customer.post("/api/orders/", &order));
        until(&anybody, "haat_work_under_way 1");
        // The one connection is taken, by somebody who waits for the lock.
        refused(customer.post("/api/orders/", &order), "unavailable");
        hold.end();
        first.join().unwrap()
    });
    // SQLite's writer itself gave up waiting for the other process; PostgreSQL's has its own time for locks.
    assert!(matches!(first.status, 201 | 503), "{first:?}");
    customer.post("/api/orders/", &order).must(201);
    let sold = if first.status == 201 { 2 } else { 1 };
    assert_eq!(shop.stock(product), 9 - sold, "what was refused was not done");
}
