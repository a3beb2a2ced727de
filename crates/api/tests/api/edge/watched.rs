//! What can be seen of a server that is busy, and what must not be.

use crate::support::{Client, World};
use haat_infra::testing::Engine;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::str::FromStr;

cases! {
    no_label_tells_whose_request_it_was,
    work_queues_pools_and_the_process_are_told,
    hashing_is_timed_and_its_refusals_are_counted,
    refusals_by_a_limit_are_counted,
}

/// All series that there are, without their values.
fn series(client: &Client) -> BTreeSet<String> {
    let text = client.get("/metrics").must(200).text;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').expect("a value").0.to_owned()).collect()
}

/// The names and values of a series' labels.
fn labels(series: &str) -> Vec<(&str, &str)> {
    let Some((_, labels)) = series.split_once('{') else { return Vec::new() };
    let all = labels.trim_end_matches('}').split("\",");
    all.map(|label| label.split_once("=\"").unwrap())
        .map(|(name, value)| (name, value.trim_end_matches('"')))
        .collect()
}

fn value<T: FromStr<Err: Debug>>(client: &Client, series: &str) -> T {
    let text = client.get("/metrics").must(200).text;
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not in\n{text}")).parse().unwrap()
}

fn count(client: &Client, series: &str) -> u64 {
    value(client, series)
}

fn amount(client: &Client, series: &str) -> f64 {
    value(client, series)
}

/// Does something of everything in a store of this name.
fn be_busy(world: &World, name: &str) {
    let shop = world.open(name);
    let product = shop.product(&format!("Lamp of {name}"), "10.00", Some(3));
    let order = shop.order(product, 1);
    shop.customer.get(&format!("/api/products/?search={name}&limit=1")).must(200);
    shop.owner.patch(&format!("/api/orders/{order}/"), &json!({"status": "cancelled"}));
    shop.customer.post("/api/orders/", &json!({"product": product, "quantity": 99})).must(409);
    shop.owner.get(&format!("/api/products/{name}/")).must(404);
    shop.owner.get(&format!("/{name}/{order}")).must(404);
    shop.owner.get("/api/audit/").must(200);
    shop.owner.call(name, "/api/products/", None);
    let anybody = world.anonymous();
    anybody.with(name).get("/api/orders/").must(401);
    anybody.get("/admin/").must(303);
    anybody.get(&format!("/admin/login/?next={name}"));
    anybody.post("/api/auth/login/", &json!({"username": name, "password": name})).must(401);
    world
        .admin_named(&format!("admin{}", name.to_lowercase()))
        .inside(&shop.slug)
        .get("/api/users/")
        .must(200);
}

fn no_label_tells_whose_request_it_was(world: &World) {
    // The series of this question itself.
    series(&world.anonymous());
    be_busy(world, "Quokka");
    let first = series(&world.anonymous());
    be_busy(world, "Numbat");
    let second = series(&world.anonymous());
    let new: Vec<_> = second.difference(&first).collect();
    assert!(new.is_empty(), "another store makes other series: {new:#?}");
    let known = [
        "access", "le", "method", "outcome", "policy", "pool", "queue", "route", "state", "status", "version",
    ];
    for one in &second {
        for (name, value) in labels(one) {
            assert!(known.contains(&name), "{name} in {one}");
            let lower = value.to_lowercase();
            let of_somebody = ["quokka", "numbat", "lamp", "owner", "staff", "example", "127.0.0.1"];
            assert!(!of_somebody.iter().any(|canary| lower.contains(canary)), "{one}");
        }
    }
    assert!(second.len() > 400, "there is something to look at: {}", second.len());
}

fn work_queues_pools_and_the_process_are_told(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(5));
    let anybody = world.anonymous();
    let done = r#"haat_work_total{access="write",outcome="done"}"#;
    let before = count(&anybody, done);
    shop.order(product, 1);
    shop.order(product, 1);
    assert_eq!(count(&anybody, done), before + 2);
    shop.customer.post("/api/orders/", &json!({"product": product, "quantity": 99})).must(409);
    assert_eq!(count(&anybody, r#"haat_work_total{access="write",outcome="conflict"}"#), 1);
    let [ran, waited] =
        ["run", "wait"].map(|what| format!("haat_work_{what}_seconds_count{{access=\"write\"}}"));
    assert_eq!(count(&anybody, &ran), count(&anybody, &waited));
    assert_eq!(count(&anybody, "haat_work_under_way"), 0, "nothing is under way");
    for queue in ["scans", "hashing"] {
        assert!(count(&anybody, &format!("haat_queue_capacity{{queue=\"{queue}\"}}")) > 1);
        assert_eq!(count(&anybody, &format!("haat_queue_waiting{{queue=\"{queue}\"}}")), 0);
    }
    let all = series(&anybody);
    let (pool, batch) = match world.engine() {
        Engine::Sqlite => ("readers", true),
        Engine::Postgres => ("postgres", false),
    };
    assert_eq!(count(&anybody, &format!("haat_pool_max_connections{{pool=\"{pool}\"}}")), 4);
    assert_eq!(all.contains("haat_commit_batch_size_count"), batch);
    if batch {
        let commits = amount(&anybody, "haat_commit_batch_size_count");
        assert!(commits >= 3.0 && amount(&anybody, "haat_commit_batch_size_sum") >= commits);
    }
    assert!(count(&anybody, "process_resident_memory_bytes") > 1_000_000);
    assert!(count(&anybody, "process_open_fds") > 3 && amount(&anybody, "process_cpu_seconds_total") > 0.0);
    assert!(count(&anybody, "process_start_time_seconds") > 1_000_000_000);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(count(&anybody, &format!("haat_build_info{{version=\"{version}\"}}")), 1);
}

fn hashing_is_timed_and_its_refusals_are_counted(world: &World) {
    world.open("Alpha");
    let server = world.beside(|settings| settings.hashing_queue = 0);
    let client = server.anonymous();
    assert!(count(&world.anonymous(), "haat_hashing_seconds_count") >= 4, "each person's password");
    client.post("/api/auth/login/", &json!({"username": "owner.alpha", "password": "wrong"})).must(429);
    assert_eq!(count(&client, r#"haat_queue_refused_total{queue="hashing"}"#), 1);
}

fn refusals_by_a_limit_are_counted(world: &World) {
    let server = world.another(&["--limit-address", "1/1"]);
    let client = server.serve(&world.anonymous());
    let refused = (0..5).filter(|_| client.get("/api/schema/").status == 429).count();
    let counted = count(&client, r#"haat_http_limited_total{policy="address"}"#);
    assert!(refused > 0 && counted.to_string() == refused.to_string(), "{refused} and {counted}");
}
