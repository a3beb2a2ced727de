//! Two processes of the program on one database, and fifty buyers who all come at once.

use crate::process::Process;
use crate::support::Answer;
use haat_infra::testing::{Engine, TestDatabase};
use serde_json::json;
use std::sync::Barrier;
use std::thread;

const STOCK: usize = 20;
const BUYERS: usize = 50;

fn twenty_of_fifty_buyers_get_one(engine: Engine) {
    let Some(database) = TestDatabase::new(engine) else { return };
    let processes = [Process::start(&database, &[]), Process::start(&database, &[])];
    // A session that one process opened counts at the other.
    let (seller, _) = processes[0].register("seller", "owner", "Rush");
    let (buyer, _) = processes[1].register("buyer", "customer", "Rush");
    let product = processes[1].client.with(seller.token.as_deref().unwrap());
    let product = product
        .post("/api/products/", &json!({"name": "The last ones", "price": "9.99", "stock": STOCK}))
        .must(201);
    let order = json!({"product": product.id(), "quantity": 1});

    let start = Barrier::new(BUYERS);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let buyers: Vec<_> = (0..BUYERS)
            .map(|number| {
                let (process, start) = (&processes[number % 2], &start);
                let (buyer, order) = (&buyer, &order);
                scope.spawn(move || {
                    let buyer = process.client.with(buyer.token.as_deref().unwrap());
                    start.wait();
                    buyer.post("/api/orders/", order)
                })
            })
            .collect();
        buyers.into_iter().map(|buyer| buyer.join().unwrap()).collect()
    });

    let (sold, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    for problem in &refused {
        assert_eq!(problem.clone().refused(409, "insufficient_stock").json["available"], 0);
    }
    assert_eq!((sold.len(), refused.len()), (STOCK, BUYERS - STOCK));
    let mut numbers: Vec<_> = sold.iter().map(|order| order.json["number"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        (1001..1021).collect::<Vec<_>>(),
        "each order has a number of its own, without a gap"
    );
    let left = seller.get(&format!("/api/products/{}/", product.id())).must(200);
    assert_eq!(left.json["stock"], 0);
}

#[test]
fn twenty_of_fifty_buyers_get_one_on_sqlite() {
    twenty_of_fifty_buyers_get_one(Engine::Sqlite);
}

#[test]
fn twenty_of_fifty_buyers_get_one_on_postgres() {
    twenty_of_fifty_buyers_get_one(Engine::Postgres);
}
