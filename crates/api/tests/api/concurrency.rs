//! Two processes of the program on one database, and fifty buyers who all come at once.

use crate::support::{KEY, PASSWORD, http};
use haat_infra::testing::{Engine, TestDatabase};
use reqwest::blocking::Client as Http;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;

const STOCK: usize = 20;
const BUYERS: usize = 50;

/// A `haat` process; it ends with this value.
struct Process {
    child: Child,
    base: String,
}

impl Process {
    fn start(database: &TestDatabase) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_haat"))
            .args(["serve", "--port", "0", "--host", "127.0.0.1"])
            .env_clear()
            .envs([("HAAT_LOG", "info"), ("HAAT_BCRYPT_COST", "4"), ("HAAT_SECRET_KEY", KEY)])
            .env("DATABASE_URL", database.url_text())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = Vec::new();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let address = line.split_once("listening address=").map(|(_, address)| address.trim().to_owned());
            log.push(line);
            address
        });
        let address = address.unwrap_or_else(|| panic!("it never listened:\n{}", log.join("\n")));
        // A log that nobody reads would stop the program when the pipe is full.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, base: format!("http://{address}") }
    }

    fn post(&self, http: &Http, token: Option<&str>, path: &str, body: &Value) -> (u16, Value) {
        let request = http.post(format!("{}{path}", self.base)).json(body);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().expect("an answer");
        (answer.status().as_u16(), answer.json().expect("JSON"))
    }

    fn log_in(&self, http: &Http, username: &str) -> String {
        let body = json!({"username": username, "password": PASSWORD, "store": "Rush"});
        let (status, tokens) = self.post(http, None, "/api/auth/login/", &body);
        assert_eq!(status, 200, "{tokens}");
        tokens["access"].as_str().unwrap().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended by itself is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn twenty_of_fifty_buyers_get_one(engine: Engine) {
    let Some(database) = TestDatabase::new(engine) else { return };
    let processes = [Process::start(&database), Process::start(&database)];
    let (first, http) = (&processes[0], http());
    for (username, role) in [("seller", "owner"), ("buyer", "customer")] {
        let body = json!({"username": username, "password": PASSWORD, "role": role, "tenant_name": "Rush",
            "email": format!("{username}@example.com")});
        assert_eq!(first.post(&http, None, "/api/auth/register/", &body).0, 201);
    }
    // A session that one process opened counts at the other.
    let (seller, buyer) = (first.log_in(&http, "seller"), processes[1].log_in(&http, "buyer"));
    let product = json!({"name": "The last ones", "price": "9.99", "stock": STOCK});
    let (status, product) = processes[1].post(&http, Some(&seller), "/api/products/", &product);
    assert_eq!(status, 201, "{product}");
    let order = json!({"product": product["id"], "quantity": 1});

    let start = Barrier::new(BUYERS);
    let answers: Vec<(u16, Value)> = thread::scope(|scope| {
        let buyers: Vec<_> = (0..BUYERS)
            .map(|number| {
                let (process, start, http) = (&processes[number % 2], &start, &http);
                let (buyer, order) = (&buyer, &order);
                scope.spawn(move || {
                    start.wait();
                    process.post(http, Some(buyer), "/api/orders/", order)
                })
            })
            .collect();
        buyers.into_iter().map(|buyer| buyer.join().unwrap()).collect()
    });

    let (sold, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 201);
    for (status, problem) in &refused {
        assert_eq!((*status, &problem["code"]), (409, &json!("insufficient_stock")), "{problem}");
        assert_eq!(problem["available"], 0);
    }
    assert_eq!((sold.len(), refused.len()), (STOCK, BUYERS - STOCK));
    let mut numbers: Vec<_> = sold.iter().map(|(_, order)| order["number"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        (1001..1021).collect::<Vec<_>>(),
        "each order has a number of its own, without a gap"
    );

    let path = format!("{}/api/products/{}/", first.base, product["id"]);
    let left: Value = http.get(path).bearer_auth(&seller).send().unwrap().json().unwrap();
    assert_eq!(left["stock"], 0);
}

#[test]
fn twenty_of_fifty_buyers_get_one_on_sqlite() {
    twenty_of_fifty_buyers_get_one(Engine::Sqlite);
}

#[test]
fn twenty_of_fifty_buyers_get_one_on_postgres() {
    twenty_of_fifty_buyers_get_one(Engine::Postgres);
}
