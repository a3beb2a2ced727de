//! A few stores with goods, and what is in them.

use crate::checker::{Kept, Store, faults};
use crate::client::Client;
use crate::history::{History, Pieces, Receipt};
use crate::load::Load;
use crate::program::command;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// A store, and who talks to it.
#[derive(Clone)]
pub(crate) struct Stall {
    pub(crate) owner: Client,
    pub(crate) customer: Client,
    /// What its products cost, in minor units.
    pub(crate) prices: BTreeMap<i64, i64>,
    before: Pieces,
}

/// Plenty of three products, and too little of the fourth.
const GOODS: [(&str, i64, i64); 4] =
    [("Cup", 250, 50_000), ("Pot", 1999, 50_000), ("Tea", 7, 50_000), ("Lamp", 123_456, 40)];

const PASSWORD: &str = "correct horse 7";

/// Opens so many stores.
pub(crate) fn open(address: SocketAddr, stores: usize) -> Vec<Stall> {
    (0..stores).map(|number| stall(&Client::anonymous(address), number)).collect()
}

fn stall(anybody: &Client, number: usize) -> Stall {
    let store = format!("Store {number}");
    let join = |username: String, role: &str| {
        let email = format!("{username}@example.com");
        let body = json!({"username": username, "password": PASSWORD, "role": role, "email": email, "tenant_name": store});
        anybody.post("/api/auth/register/", &body).must(201);
        let body = json!({"username": username, "password": PASSWORD, "store": store});
        let pair = anybody.post("/api/auth/login/", &body).must(200);
        anybody.with(pair["access"].as_str().expect("a token"))
    };
    let (owner, customer) =
        (join(format!("owner{number}"), "owner"), join(format!("buyer{number}"), "customer"));
    let (mut prices, mut before) = (BTreeMap::new(), Pieces::new());
    for (name, price, stock) in GOODS {
        let body =
            json!({"name": name, "price": format!("{}.{:02}", price / 100, price % 100), "stock": stock});
        let id = integer(&owner.post("/api/products/", &body).must(201)["id"]);
        prices.insert(id, price);
        before.insert(id, stock);
    }
    Stall { owner, customer, prices, before }
}

/// Ends the load, and holds what is there against what was told.
#[track_caller]
pub(crate) fn settle(url: &str, market: &[Stall], load: Load) -> History {
    let history = load.finish();
    println!("{}", history.summary());
    let stores: Vec<_> = market.iter().map(Stall::look).collect();
    assert_eq!(faults(&history, &stores), BTreeSet::new());
    command(url, &["check", "--audit"]);
    history
}

impl Stall {
    /// What there is now, as its owner sees it.
    pub(crate) fn look(&self) -> Store {
        let products = self.owner.all("/api/products/?limit=200");
        let orders = self.owner.all("/api/orders/?limit=200&ordering=id");
        let log = self.owner.all("/api/audit/?limit=200&ordering=number&object=order");
        Store {
            prices: self.prices.clone(),
            before: self.before.clone(),
            left: products.iter().map(|row| (integer(&row["id"]), integer(&row["stock"]))).collect(),
            orders: orders
                .iter()
                .map(|row| Kept { receipt: receipt(row), cancelled: row["status"] == "cancelled" })
                .collect(),
            log: log
                .iter()
                .map(|row| (row["action"].as_str().unwrap().to_owned(), integer(&row["object_id"])))
                .collect(),
        }
    }
}

/// An order in JSON.
pub(crate) fn receipt(order: &Value) -> Receipt {
    let lines = order["lines"].as_array().expect("lines").iter();
    Receipt {
        id: integer(&order["id"]),
        number: integer(&order["number"]),
        total: order["total_price"].as_str().expect("a total").replace('.', "").parse().expect("an amount"),
        lines: lines.map(|line| (integer(&line["product"]), integer(&line["quantity"]))).collect(),
    }
}

#[track_caller]
fn integer(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number"))
}
