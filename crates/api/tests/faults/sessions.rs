//! Others have what the program needs: every connection to PostgreSQL, or the rows.

use crate::client::Client;
use crate::load::Load;
use crate::program::Haat;
use crate::{market, server};
use haat_infra::testing::Raw;
use serde_json::json;

#[test]
fn every_connection_is_held_by_others() {
    let Some(cluster) = server::own(&["--max-connections=32"]) else { return };
    let url = server::url(&cluster);
    let mut haat = Haat::serve(&url, &["--database-pool", "4"]);
    let market = market::open(haat.address, 2);
    let anybody = Client::anonymous(haat.address);
    let mut superuser = server::raw(&cluster.superuser_url_for("haat"));
    let load = Load::start(&market, 4);
    for _ in 0..2 {
        load.placed(40);
        let mut others = Vec::new();
        loop {
            superuser.run(&format!("SELECT pg_terminate_backend(pid) {HAATS}")).unwrap();
            // What they leave is taken before they come again.
            let gone = haats_sessions(&mut superuser) == 0;
            while let Ok(other) = Raw::open(&cluster.url_for("postgres").parse().unwrap()) {
                others.push(other);
            }
            if gone && haats_sessions(&mut superuser) == 0 {
                break;
            }
        }
        load.unknown(16);
        anybody.get("/healthz/").must(200);
        anybody.get("/readyz/").must(503);
        drop(others);
    }
    load.placed(40);
    assert!(haat.is_running());
    market::settle(&url, &market, load).was_always_answered();
}

/// The program's sessions.
const HAATS: &str = "FROM pg_stat_activity WHERE datname = 'haat' AND usename = 'haat_owner'";

fn haats_sessions(superuser: &mut Raw) -> usize {
    superuser.lines(&format!("SELECT pid::text {HAATS}")).unwrap().len()
}

#[test]
fn rows_are_locked_by_others() {
    let Some(cluster) = server::own(&[]) else { return };
    let url = server::url(&cluster);
    let mut haat = Haat::serve(&url, &["--database-pool", "4"]);
    let market = market::open(haat.address, 2);
    let mut superuser = server::raw(&cluster.superuser_url_for("haat"));
    let load = Load::start(&market, 4);
    for (table, key) in [("products", "id"), ("audit_heads", "tenant_id"), ("order_counters", "tenant_id")] {
        load.placed(40);
        // In the order in which the program locks them, or the two would wait in a circle.
        superuser.run(&format!("BEGIN; SELECT 1 FROM {table} ORDER BY {key} FOR UPDATE")).unwrap();
        load.unknown(16);
        // Who only looks waits for no lock, only for a connection.
        let looks = || market[0].customer.get("/api/products/").status == 200;
        assert!((0..20).any(|_| looks()), "nobody can read while rows are locked");
        superuser.run("ROLLBACK").unwrap();
    }
    load.placed(40);
    assert!(haat.is_running());
    market::settle(&url, &market, load).was_always_answered();
}

#[test]
fn one_store_in_which_everybody_waits_leaves_the_others_their_connections() {
    let Some(cluster) = server::own(&[]) else { return };
    let url = server::url(&cluster);
    let mut haat = Haat::serve(&url, &["--database-pool", "4"]);
    let market = market::open(haat.address, 2);
    let (crowded, other) = (&market[..1], &market[1]);
    let mut superuser = server::raw(&cluster.superuser_url_for("haat"));
    let load = Load::start(crowded, 8);
    load.placed(16);
    superuser
        .run("BEGIN; SELECT 1 FROM audit_heads WHERE tenant_id = (SELECT id FROM tenants WHERE name = 'Store 0') FOR UPDATE")
        .unwrap();
    load.unknown(2);
    let product = other.prices.keys().next().unwrap();
    for _ in 0..20 {
        other.customer.post("/api/orders/", &json!({ "product": product, "quantity": 1 })).must(201);
    }
    superuser.run("ROLLBACK").unwrap();
    load.placed(16);
    assert!(haat.is_running());
    market::settle(&url, crowded, load).was_always_answered();
}
