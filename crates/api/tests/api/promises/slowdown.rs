//! Who guesses passwords waits, and learns nothing meanwhile.

use super::at_once;
use crate::process::Process;
use crate::support::{Answer, Client, PASSWORD, World, send};
use haat_infra::testing::Engine;
use serde_json::json;

cases! {
    after_the_free_failures_even_the_right_password_waits,
    an_account_and_an_address_wait_each_for_themselves,
    nobody_learns_whether_there_is_such_an_account,
    a_success_forgives_the_account,
    two_processes_count_together,
    many_guesses_at_once_are_worth_no_more_than_one_after_the_other,
    where_no_failure_is_free_nobody_waits,
}

const FLAGS: [&str; 4] = ["--free-failures", "3", "--trusted-proxies", "1"];
const HOME: &str = "198.51.100.1";

/// A login from an address, as the proxy in front says.
fn log_in(client: &Client, address: &str, username: &str, password: &str) -> Answer {
    let body = json!({"username": username, "password": password, "store": "Alpha"});
    send(client.request("POST", "/api/auth/login/").header("X-Forwarded-For", address).json(&body))
}

#[track_caller]
fn waits(answer: Answer) -> u32 {
    let answer = answer.refused(429, "too_many_requests");
    assert!(!answer.text.contains("access"), "{}", answer.text);
    let seconds = answer.header("retry-after").expect("Retry-After").parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
    seconds
}

/// Sets how long everybody has to wait who has to wait at all: a test must not depend on how fast it is.
pub(crate) fn set_wait(world: &World, minutes: i64) {
    let sql = match world.engine() {
        Engine::Sqlite => format!(
            "UPDATE login_failures SET blocked_until = last_at + {minutes} * 60000000 WHERE blocked_until > last_at"
        ),
        Engine::Postgres => format!(
            "UPDATE login_failures SET blocked_until = last_at + {minutes} * INTERVAL '1 minute' WHERE blocked_until > last_at"
        ),
    };
    world.database.connect().run(&sql).unwrap();
}

/// Wastes what is free, and one more: from then on the subjects of these logins wait for minutes.
fn exhaust(world: &World, client: &Client, address: &str, username: &str) {
    for _ in 0..4 {
        log_in(client, address, username, "wrong").refused(401, "invalid_credentials");
    }
    set_wait(world, 10);
}

fn after_the_free_failures_even_the_right_password_waits(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&FLAGS);
    let client = server.serve(&world.anonymous());
    let username = &shop.staff.username;
    exhaust(world, &client, HOME, username);
    assert!(waits(log_in(&client, HOME, username, PASSWORD)) > 500);
    waits(log_in(&client, HOME, username, "wrong"));
    waits(log_in(&client, HOME, &username.to_uppercase(), PASSWORD));
    // The store's other name is the same store.
    let body = json!({"username": username, "password": PASSWORD, "store": shop.slug});
    let other = client.request("POST", "/api/auth/login/").header("X-Forwarded-For", "198.51.100.9");
    waits(send(other.json(&body)));
    // Whoever is logged in goes on.
    shop.staff.get("/api/orders/").must(200);
    set_wait(world, -1);
    log_in(&client, HOME, username, PASSWORD).must(200);
}

fn an_account_and_an_address_wait_each_for_themselves(world: &World) {
    let shop = world.open("Alpha");
    world.open("Beta");
    let server = world.another(&FLAGS);
    let client = server.serve(&world.anonymous());
    exhaust(world, &client, HOME, &shop.staff.username);
    // The account waits wherever it is tried from, and the address whomever it tries.
    waits(log_in(&client, "203.0.113.7", &shop.staff.username, PASSWORD));
    waits(log_in(&client, HOME, &shop.customer.username, PASSWORD));
    waits(log_in(&client, HOME, "no.such.user", PASSWORD));
    // What a client says of itself further left is not believed.
    waits(log_in(&client, &format!("203.0.113.7, {HOME}"), &shop.customer.username, PASSWORD));
    // Another account from elsewhere does not, nor the same name in another store.
    log_in(&client, "203.0.113.7", &shop.customer.username, PASSWORD).must(200);
    let body = json!({"username": "owner.beta", "password": PASSWORD, "store": "Beta"});
    let other = client.request("POST", "/api/auth/login/").header("X-Forwarded-For", "203.0.113.7");
    send(other.json(&body)).must(200);
}

fn nobody_learns_whether_there_is_such_an_account(world: &World) {
    let shop = world.open("Alpha");
    let gone = &shop.other.username;
    shop.owner.patch(&format!("/api/users/{}/", shop.other.id), &json!({"is_active": false})).must(200);
    let server = world.another(&FLAGS);
    let client = server.serve(&world.anonymous());
    let course = |number: u8, username: &str| -> Vec<_> {
        let address = format!("198.51.100.{number}");
        let one = |password: &str| {
            let (status, headers, body) = log_in(&client, &address, username, password).essence();
            let telling =
                |(name, _): &(String, String)| name != "retry-after" && !name.starts_with("ratelimit");
            (status, headers.into_iter().filter(telling).collect::<Vec<_>>(), body)
        };
        let mut course: Vec<_> = (0..4).map(|_| one("wrong")).collect();
        set_wait(world, 10);
        course.extend([one("wrong"), one(PASSWORD)]);
        course
    };
    let known = course(1, &shop.staff.username);
    assert_eq!(known.iter().map(|(status, ..)| *status).collect::<Vec<_>>(), [401, 401, 401, 401, 429, 429]);
    for (number, username) in [(2, "no.such.user"), (3, gone.as_str()), (4, "not a name \u{1f600}")] {
        assert_eq!(course(number, username), known, "{username}");
    }
}

fn a_success_forgives_the_account(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&FLAGS);
    let client = server.serve(&world.anonymous());
    for round in 0..4 {
        // Each time from elsewhere: an address is not forgiven because it knows one password.
        let address = format!("203.0.113.{round}");
        for _ in 0..3 {
            log_in(&client, &address, &shop.staff.username, "wrong").refused(401, "invalid_credentials");
        }
        log_in(&client, &address, &shop.staff.username, PASSWORD).must(200);
    }
    for _ in 0..3 {
        log_in(&client, HOME, "no.such.user", "wrong").refused(401, "invalid_credentials");
    }
    log_in(&client, HOME, &shop.customer.username, PASSWORD).must(200);
    log_in(&client, HOME, "no.such.user", "wrong").must(401);
    set_wait(world, 10);
    waits(log_in(&client, HOME, &shop.customer.username, PASSWORD));
}

fn two_processes_count_together(world: &World) {
    let shop = world.open("Alpha");
    let processes = [Process::start(&world.database, &FLAGS), Process::start(&world.database, &FLAGS)];
    for n in 0..4 {
        let address = format!("198.51.100.{n}");
        log_in(&processes[n % 2].client, &address, &shop.staff.username, "wrong").must(401);
    }
    set_wait(world, 10);
    for process in &processes {
        waits(log_in(&process.client, "203.0.113.7", &shop.staff.username, PASSWORD));
        log_in(&process.client, "203.0.113.7", &shop.customer.username, PASSWORD).must(200);
    }
    set_wait(world, -1);
    log_in(&processes[1].client, HOME, &shop.staff.username, PASSWORD).must(200);
    log_in(&processes[0].client, HOME, &shop.staff.username, "wrong").must(401);
}

fn many_guesses_at_once_are_worth_no_more_than_one_after_the_other(world: &World) {
    let shop = world.open("Alpha");
    let processes = [Process::start(&world.database, &FLAGS), Process::start(&world.database, &FLAGS)];
    let guess = |n: usize, address: &str, username: &str, password: &str| {
        log_in(&processes[n % 2].client, address, username, password).status
    };
    for round in 0..3 {
        // The next failure costs minutes, and not a second that may be over before the last guess has come.
        let (spread, username) = (round % 2 == 0, &shop.staff.username);
        for n in 0..3 {
            assert_eq!(guess(n, &format!("198.51.100.{round}"), username, "wrong"), 401);
        }
        world.database.connect().run("UPDATE login_failures SET failures = 12").unwrap();
        let statuses = at_once(30, |n| {
            let address = if spread { format!("203.0.113.{n}") } else { format!("198.51.100.{round}") };
            guess(n, &address, username, if n == 29 { PASSWORD } else { "wrong" })
        });
        assert!(statuses.iter().all(|status| [200, 401, 429].contains(status)), "{statuses:?}");
        let looked_at = |status| statuses.iter().filter(|answer| **answer == status).count();
        if looked_at(200) == 0 {
            assert_eq!(looked_at(401), 1, "{statuses:?}");
            waits(log_in(&processes[0].client, "192.0.2.1", username, PASSWORD));
        } else {
            // The right one came first, or second: then the account was forgiven, and has its free failures again.
            assert!(statuses[29] == 200 && looked_at(401) <= 4, "{statuses:?}");
        }
        world.database.connect().run("DELETE FROM login_failures").unwrap();
        assert_eq!(guess(0, "192.0.2.1", username, PASSWORD), 200);
        world.database.connect().run("DELETE FROM login_failures").unwrap();
    }
}

fn where_no_failure_is_free_nobody_waits(world: &World) {
    let shop = world.open("Alpha");
    for _ in 0..20 {
        log_in(&world.anonymous(), HOME, &shop.staff.username, "wrong").refused(401, "invalid_credentials");
    }
    log_in(&world.anonymous(), HOME, &shop.staff.username, PASSWORD).must(200);
}
