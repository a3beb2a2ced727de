//! Rate limits, and whose address counts.

use super::wire::talk;
use crate::support::{Client, World, send};
use serde_json::json;
use std::time::Duration;

cases! {
    one_stores_flood_is_not_anothers,
    one_users_flood_is_not_the_stores,
    an_address_is_limited_whoever_it_says_it_is,
    a_forwarded_address_counts_only_from_ones_own_proxies,
    what_is_left_is_said_on_every_answer,
    those_who_watch_the_server_are_not_limited,
    a_refusal_comes_before_the_body_and_the_database,
    a_refusal_leaves_the_connection_to_the_next_request,
}

/// Asks so often; the statuses.
fn flood(client: &Client, times: usize) -> Vec<u16> {
    (0..times).map(|_| client.get("/api/products/").status).collect()
}

fn refused(statuses: &[u16]) -> usize {
    assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 429).count()
}

fn one_stores_flood_is_not_anothers(world: &World) {
    let (one, two) = (world.open("Alpha"), world.open("Beta"));
    let server = world.another(&["--limit-tenant", "1/10"]);
    let people = [&one.owner, &one.staff, &one.customer].map(|user| server.serve(user));
    let calm = server.serve(&two.customer);
    let mut floods = Vec::new();
    for round in 0..10 {
        floods.extend(people.iter().flat_map(|user| flood(user, 4)));
        if round % 2 == 0 {
            calm.get("/api/products/").must(200);
        }
    }
    // A slow machine may have given some back.
    let refused = refused(&floods);
    assert!((60..=110).contains(&refused), "{refused} of {}", floods.len());
    let answer = loop {
        let answer = people[0].get("/api/products/");
        if answer.status == 429 {
            break answer.refused(429, "too_many_requests");
        }
    };
    assert_eq!(answer.header("ratelimit-policy"), Some("\"tenant\";q=10;w=10"));
    assert!(answer.header("ratelimit").unwrap().starts_with("\"tenant\";r=0;t="));
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
}

fn one_users_flood_is_not_the_stores(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&["--limit-user", "1/5", "--limit-tenant", "1/20"]);
    let loud = flood(&server.serve(&shop.staff), 40);
    assert!(refused(&loud) >= 25, "{loud:?}");
    // What was refused to one did not come out of what the store has.
    server.serve(&shop.customer).get("/api/products/").must(200);
    let answer = server.serve(&shop.owner).get("/api/products/").must(200);
    assert_eq!(answer.header("ratelimit-policy"), Some("\"user\";q=5;w=5, \"tenant\";q=20;w=20"));
    assert!(answer.header("ratelimit").unwrap().starts_with("\"user\";r=4;t="));
}

fn an_address_is_limited_whoever_it_says_it_is(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&["--limit-address", "1/20", "--limit-user", "1/1000"]);
    let mut refused = 0;
    for _ in 0..10 {
        for client in [
            server.serve(&shop.owner),
            server.serve(&shop.customer),
            server.serve(&world.anonymous()),
            server.serve(&world.anonymous().with("no.such.token")),
        ] {
            let answer = client.get("/api/products/");
            refused += usize::from(answer.status == 429);
        }
    }
    assert!(refused >= 15, "{refused}");
    let bad = server.serve(&world.anonymous().with("no.such.token")).get("/api/products/");
    assert_eq!(bad.header("ratelimit-policy"), Some("\"address\";q=20;w=20"));
}

fn a_forwarded_address_counts_only_from_ones_own_proxies(world: &World) {
    let ask = |client: &Client, forwarded: &str| {
        send(client.request("GET", "/api/products/").header("X-Forwarded-For", forwarded)).status
    };
    let direct = world.another(&["--limit-address", "1/5"]);
    let client = direct.serve(&world.anonymous());
    let spoofed: Vec<_> = (0..30).map(|n| ask(&client, &format!("203.0.113.{n}"))).collect();
    assert!(spoofed.iter().filter(|status| **status == 429).count() >= 15, "{spoofed:?}");

    let behind = world.another(&["--limit-address", "1/5", "--trusted-proxies", "1"]);
    let client = behind.serve(&world.anonymous());
    for n in 0..30 {
        assert_eq!(ask(&client, &format!("203.0.113.{n}")), 401, "each is another client");
    }
    // What the client wrote itself stands further left.
    let spoofed: Vec<_> = (0..30).map(|n| ask(&client, &format!("203.0.113.{n}, 198.51.100.1"))).collect();
    assert!(spoofed.iter().filter(|status| **status == 429).count() >= 15, "{spoofed:?}");
    // One subscriber's many IPv6 addresses are one.
    let spread: Vec<_> = (0..30).map(|n| ask(&client, &format!("2001:db8::{n}"))).collect();
    assert!(spread.iter().filter(|status| **status == 429).count() >= 15, "{spread:?}");
}

fn what_is_left_is_said_on_every_answer(world: &World) {
    let shop = world.open("Alpha");
    // So slow that nothing comes back while the test runs.
    let flags = ["--limit-address", "1/1000", "--limit-user", "1/100", "--limit-tenant", "1/102"];
    let server = world.another(&flags);
    let (owner, staff) = (server.serve(&shop.owner), server.serve(&shop.staff));
    let policies = "\"address\";q=1000;w=1000, \"user\";q=100;w=100, \"tenant\";q=102;w=102";
    let first = owner.get("/api/products/").must(200);
    assert_eq!(first.header("ratelimit-policy"), Some(policies));
    assert_eq!(first.header("ratelimit"), Some("\"user\";r=99;t=1"));
    let missing = owner.get("/api/products/987654/").refused(404, "not_found");
    assert!(missing.header("ratelimit").unwrap().starts_with("\"user\";r=9"));
    for _ in 0..4 {
        owner.get("/api/store/").must(200);
    }
    let second = staff.get("/api/products/").must(200);
    assert!(second.header("ratelimit").unwrap().starts_with("\"tenant\";r=9"), "{second:?}");
    assert_eq!(world.anonymous().get("/api/products/").header("ratelimit"), None, "limits are off there");
}

fn those_who_watch_the_server_are_not_limited(world: &World) {
    let server = world.another(&["--limit-address", "1/2"]);
    let client = server.serve(&world.anonymous());
    for _ in 0..10 {
        for path in ["/healthz", "/readyz/", "/metrics"] {
            assert_eq!(client.get(path).must(200).header("ratelimit"), None);
        }
    }
    assert!((0..10).filter(|_| client.get("/api/schema/").status == 429).count() >= 5);
}

fn a_refusal_comes_before_the_body_and_the_database(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&["--limit-user", "1/1"]);
    let token = shop.owner.token.as_deref().unwrap();
    // The body that is announced never comes.
    let head = format!(
        "POST /api/products/ HTTP/1.1\r\nHost: haat\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    );
    let client = server.serve(&shop.owner);
    let refused = (0..10).any(|_| {
        client.get("/api/store/");
        let (answer, _) = talk(server.address, head.as_bytes(), Duration::from_millis(500));
        answer.starts_with("HTTP/1.1 429 ")
    });
    assert!(refused);
}

fn a_refusal_leaves_the_connection_to_the_next_request(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&["--limit-user", "1/1"]);
    let client = server.serve(&shop.owner);
    let refused = || {
        let answers =
            (0..10).map(|_| client.post("/api/products/", &json!({ "name": "Cup", "price": "1.00" })));
        answers.into_iter().find(|answer| answer.status == 429).expect("a refusal")
    };
    assert_eq!(refused().header("connection"), None);
    // One with a large body does not: the rest of it would have to be read.
    let token = shop.owner.token.as_deref().unwrap();
    let head = format!(
        "POST /api/products/ HTTP/1.1\r\nHost: haat\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 200000\r\n\r\n"
    );
    let closed = (0..10).any(|_| {
        refused();
        let (answer, _) = talk(server.address, head.as_bytes(), Duration::from_millis(500));
        answer.starts_with("HTTP/1.1 429 ") && answer.to_lowercase().contains("connection: close")
    });
    assert!(closed);
}
