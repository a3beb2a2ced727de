//! The same request many times at once, through several processes, and through the end of one.

use super::{at_once, keyed};
use crate::process::Process;
use crate::support::{Answer, Client, World};
use haat_infra::testing::{Engine, TestDatabase};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

cases! {
    twenty_at_once_are_one,
    twenty_at_once_through_two_processes_are_one,
    a_retry_storm_of_many_keys_gives_one_order_each,
    an_admin_has_a_key_in_each_store,
}

/// One of these was the first, and all others say so or that it is not done yet.
#[track_caller]
fn is_one(answers: &[Answer]) -> Answer {
    let (made, rest): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    for answer in rest {
        answer.clone().refused(409, "request_in_flight");
    }
    let first: Vec<_> =
        made.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).collect();
    assert_eq!(first.len(), 1, "{answers:?}");
    assert!(made.iter().all(|answer| answer.text == first[0].text));
    (**first[0]).clone()
}

fn twenty_at_once_are_one(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(100));
    let body = json!({"product": product, "quantity": 3});
    for round in 1..=5 {
        let key = format!("round-{round}");
        let first = is_one(&at_once(20, |_| keyed(&shop.customer, "/api/orders/", &key, &body)));
        assert_eq!(first.json["number"], 1000 + round);
        assert_eq!(shop.stock(product), 100 - 3 * round);
        assert_eq!(keyed(&shop.customer, "/api/orders/", &key, &body).must(201).text, first.text);
    }
}

fn twenty_at_once_through_two_processes_are_one(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(100));
    let processes = [Process::start(&world.database, &[]), Process::start(&world.database, &[])];
    let clients = processes.each_ref().map(|process| process.as_user(&shop.customer));
    let body = json!({"product": product, "quantity": 3});
    for round in 1..=5 {
        let key = format!("round-{round}");
        let first = is_one(&at_once(20, |n| keyed(&clients[n % 2], "/api/orders/", &key, &body)));
        assert_eq!(
            (first.json["number"].clone(), shop.stock(product)),
            (json!(1000 + round), json!(100 - 3 * round))
        );
        for client in &clients {
            let again = keyed(client, "/api/orders/", &key, &body).must(201);
            assert_eq!(
                (again.text.as_str(), again.header("idempotency-replayed")),
                (first.text.as_str(), Some("true"))
            );
        }
    }
}

fn a_retry_storm_of_many_keys_gives_one_order_each(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(7));
    let body = json!({"product": product, "quantity": 1});
    let send = |n: usize| (n % 10, keyed(&shop.customer, "/api/orders/", &format!("key-{}", n % 10), &body));
    let mut sold = BTreeMap::new();
    for (key, answer) in at_once(40, send) {
        match answer.status {
            201 => {
                let number = answer.json["number"].as_i64().unwrap();
                assert_eq!(*sold.entry(key).or_insert(number), number, "one key, one order");
            }
            _ => assert!(
                ["request_in_flight", "insufficient_stock"].contains(&answer.code()),
                "{}",
                answer.text
            ),
        }
    }
    let mut numbers: Vec<_> = sold.into_values().collect();
    numbers.sort_unstable();
    assert_eq!((numbers, shop.stock(product)), ((1001..=1007).collect::<Vec<_>>(), json!(0)));
}

fn an_admin_has_a_key_in_each_store(world: &World) {
    let (one, two, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    let clients = [admin.inside(&one.slug), admin.inside(&two.slug)];
    let body = json!({"name": "Cup", "price": "1"});
    for round in 0..10 {
        let answers = at_once(2, |n| keyed(&clients[n], "/api/products/", &format!("round-{round}"), &body));
        for answer in answers {
            assert_eq!(answer.must(201).header("idempotency-replayed"), None);
        }
    }
}

#[test]
fn a_key_that_is_locked_for_long_is_answered_as_in_flight_on_postgres() {
    let held = |world: &World| {
        let shop = world.open("Alpha");
        let product = shop.product("Cup", "1.00", Some(5));
        let body = json!({"product": product, "quantity": 1});
        let mut raw = world.database.connect();
        raw.run(&format!(
            "BEGIN; SET LOCAL app.tenant_id = '{}'; INSERT INTO idempotency_keys \
             (tenant_id, user_id, idempotency_key, fingerprint, claimed_at) VALUES ({}, {}, 'k', 'f', now())",
            shop.id, shop.id, shop.customer.id
        ))
        .unwrap();
        let began = Instant::now();
        keyed(&shop.customer, "/api/orders/", "k", &body).refused(409, "request_in_flight");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        assert_eq!(shop.stock(product), 5);
        keyed(&shop.customer, "/api/orders/", "another", &body).must(201);
        raw.run("ROLLBACK").unwrap();
        let first = keyed(&shop.customer, "/api/orders/", "k", &body).must(201);
        assert_eq!((first.header("idempotency-replayed"), shop.stock(product)), (None, json!(3)));
    };
    if let Some(database) = TestDatabase::new(Engine::Postgres) {
        held(&World::start(database));
    }
}

const BUYERS: usize = 6;
const STOCK: i64 = 100_000;
/// So many orders are acknowledged before the process is killed.
const ENOUGH: usize = 60;

/// Orders until the process is gone: what was acknowledged, and the key of which nobody knows what became.
fn buy(
    client: &Client,
    buyer: usize,
    body: &Value,
    told: &mpsc::Sender<()>,
) -> (BTreeMap<String, Value>, String) {
    let mut acknowledged = BTreeMap::new();
    for number in 0.. {
        let key = format!("{buyer}-{number}");
        let request = client.request("POST", "/api/orders/").header("Idempotency-Key", &key).json(body);
        let answer = request.send().and_then(|answer| Ok((answer.status().as_u16(), answer.text()?)));
        let Ok((status, text)) = answer else { return (acknowledged, key) };
        assert_eq!(status, 201, "{text}");
        acknowledged.insert(key, serde_json::from_str(&text).unwrap());
        // Nobody listens any more once there are enough.
        let _ = told.send(());
    }
    panic!("the process is killed some time")
}

fn a_killed_process_has_neither_lost_nor_doubled_an_order(engine: Engine) {
    let Some(database) = TestDatabase::new(engine) else { return };
    let mut process = Process::start(&database, &[]);
    let (owner, _) = process.register("seller", "owner", "Rush");
    let (buyer, _) = process.register("buyer", "customer", "Rush");
    let product =
        owner.post("/api/products/", &json!({"name": "Cup", "price": "1", "stock": STOCK})).must(201).id();
    let body = json!({"product": product, "quantity": 2});

    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    let mut keys = Vec::new();
    for round in 0..2 {
        let client = process.client.with(buyer.token.as_deref().unwrap());
        let (told, tell) = mpsc::channel();
        let ends: Vec<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..BUYERS)
                .map(|buyer| {
                    let (client, body, told) = (&client, &body, told.clone());
                    scope.spawn(move || buy(client, round * BUYERS + buyer, body, &told))
                })
                .collect();
            drop(told);
            assert_eq!(tell.iter().take(ENOUGH).count(), ENOUGH);
            process.kill();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        process = Process::start(&database, &[]);
        for (acknowledged, unknown) in ends {
            keys.push(unknown);
            known.extend(acknowledged);
        }
    }
    let client = process.client.with(buyer.token.as_deref().unwrap());
    let done_before = AtomicUsize::new(0);
    for key in keys {
        let answer = keyed(&client, "/api/orders/", &key, &body).must(201);
        done_before
            .fetch_add(usize::from(answer.header("idempotency-replayed").is_some()), Ordering::Relaxed);
        known.insert(key, answer.json);
    }
    for (key, order) in &known {
        let again = keyed(&client, "/api/orders/", key, &body).must(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{key}");
        assert_eq!(again.json, *order, "{key}");
    }

    let (mut orders, mut next) = (Vec::new(), Some("/api/orders/?ordering=id&limit=200".to_owned()));
    while let Some(path) = next {
        let page = client.get(&path).must(200);
        orders.extend(page.json.as_array().unwrap().iter().cloned());
        next = page.next();
    }
    let by_id = |order: &Value| (order["id"].as_i64().unwrap(), order["number"].as_i64().unwrap());
    let mut stored: Vec<_> = orders.iter().map(by_id).collect();
    let mut wanted: Vec<_> = known.values().map(by_id).collect();
    stored.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(stored, wanted, "every key has one order, and there is no other");
    let mut numbers: Vec<_> = stored.iter().map(|(_, number)| *number).collect();
    numbers.sort_unstable();
    let sold = i64::try_from(known.len()).unwrap();
    assert_eq!(numbers, (1001..1001 + sold).collect::<Vec<_>>());
    let owner = process.client.with(owner.token.as_deref().unwrap());
    assert_eq!(owner.get(&format!("/api/products/{product}/")).must(200).json["stock"], STOCK - 2 * sold);
}

#[test]
fn a_killed_process_has_neither_lost_nor_doubled_an_order_on_sqlite() {
    a_killed_process_has_neither_lost_nor_doubled_an_order(Engine::Sqlite);
}

#[test]
fn a_killed_process_has_neither_lost_nor_doubled_an_order_on_postgres() {
    a_killed_process_has_neither_lost_nor_doubled_an_order(Engine::Postgres);
}
