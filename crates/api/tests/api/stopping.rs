//! How the program stops: nothing that it has taken on is lost, and whoever asks whether it is ready knows before.

use crate::overload::{Hold, until};
use crate::process::Process;
use crate::support::{Answer, Client, World, send};
use reqwest::blocking::RequestBuilder;
use serde_json::json;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

cases! {
    a_balancer_that_asks_whether_it_is_ready_loses_nothing,
    what_is_under_way_when_the_listener_closes_is_answered,
    a_second_signal_ends_it_at_once,
}

/// Asks whether it is ready until it says no; what it says then.
fn wait_until_red(client: &Client) -> Answer {
    for _ in 0..3000 {
        let answer = client.get("/readyz");
        if answer.status != 200 {
            return answer;
        }
        thread::sleep(std::time::Duration::from_millis(2));
    }
    panic!("it never turned red")
}

fn a_balancer_that_asks_whether_it_is_ready_loses_nothing(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(1_000_000));
    let mut process = Process::start(&world.database, &["--drain-seconds", "5"]);
    let customer = process.as_user(&shop.customer);
    let (red, placed) = (AtomicBool::new(false), AtomicU32::new(0));
    let order = || customer.request("POST", "/api/orders/").json(&json!({"product": product, "quantity": 1}));
    // Some keep their connection, some come anew each time.
    let kept = |request: RequestBuilder| request;
    let fresh = |request: RequestBuilder| request.header("Connection", "close");
    let buy = |how: fn(RequestBuilder) -> RequestBuilder| {
        let mut after = 0;
        while after < 3 {
            after += u32::from(red.load(Ordering::SeqCst));
            let answer = send(how(order())).must(201);
            placed.fetch_add(1, Ordering::SeqCst);
            if after > 0 {
                assert_eq!(answer.header("connection"), Some("close"), "the next goes elsewhere");
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| buy(kept));
            scope.spawn(|| buy(fresh));
        }
        while placed.load(Ordering::SeqCst) < 50 {
            thread::yield_now();
        }
        process.signal("TERM");
        let answer = wait_until_red(&process.client).refused(503, "stopping");
        assert_eq!(answer.header("retry-after"), Some("1"));
        process.client.get("/healthz").must(200);
        red.store(true, Ordering::SeqCst);
    });
    assert!(process.ended().success());
    assert_eq!(shop.stock(product), 1_000_000 - placed.into_inner());
}

fn what_is_under_way_when_the_listener_closes_is_answered(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(5));
    let mut process = Process::start(&world.database, &["--patience", "60000"]);
    let customer = process.as_user(&shop.customer);
    let hold = Hold::on(world);
    let address = process.client.base().trim_start_matches("http://").to_owned();
    thread::scope(|scope| {
        let order = json!({"product": product, "quantity": 1});
        let order = scope.spawn(move || customer.post("/api/orders/", &order));
        until(&process.client, "haat_work_under_way 1");
        process.signal("TERM");
        while TcpStream::connect(&address).is_ok() {
            thread::yield_now();
        }
        hold.end();
        let answer = order.join().unwrap().must(201);
        assert_eq!(answer.header("connection"), Some("close"));
    });
    assert!(process.ended().success());
    assert_eq!(shop.stock(product), 4);
}

fn a_second_signal_ends_it_at_once(world: &World) {
    for second in ["TERM", "INT"] {
        let mut process = Process::start(&world.database, &["--drain-seconds", "600"]);
        process.signal("TERM");
        wait_until_red(&process.client).refused(503, "stopping");
        process.signal(second);
        assert!(!process.ended().success(), "it was not allowed to finish");
    }
}
