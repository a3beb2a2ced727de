//! Headers on every answer, methods that nobody has, pages of other origins.

use super::wire::{status, talk};
use crate::support::{Answer, Client, World, send};
use clap::Parser;
use haat_api::config::Cli;
use serde_json::json;
use std::time::Duration;

cases! {
    every_answer_tells_browsers_to_be_careful,
    tls_is_insisted_on_where_a_trusted_proxy_has_it,
    a_method_that_nobody_has_is_refused_everywhere,
    pages_of_other_origins_may_nothing_by_default,
    pages_of_listed_origins_may_use_the_api,
}

fn every_answer_tells_browsers_to_be_careful(world: &World) {
    let shop = world.open("Alpha");
    for answer in [
        shop.owner.get("/api/products/").must(200),
        shop.owner.get("/api/products/987654/").must(404),
        shop.owner.raw("POST", "/api/products/", "{").must(400),
        shop.owner.call("DELETE", "/api/products/", None).must(405),
        shop.owner.call("OPTIONS", "/api/products/", None).must(204),
        world.anonymous().get("/api/products/").must(401),
        world.anonymous().get("/nowhere").must(404),
        world.anonymous().get("/").must(302),
        world.anonymous().get("/healthz").must(200),
        world.anonymous().get("/metrics").must(200),
        world.anonymous().get("/api/schema/").must(200),
        world.anonymous().get("/api/docs/").must(200),
        world.anonymous().get("/api/docs/swagger-ui-bundle.js").must(200),
        world.anonymous().get("/api/docs/nothing.js").must(404),
    ] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{answer:?}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"));
        let page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/"));
        assert!(page || answer.text.len() > 1_000_000 || !policy.contains("script-src"), "{answer:?}");
        for absent in ["server", "x-powered-by", "strict-transport-security", "access-control-allow-origin"] {
            assert_eq!(answer.header(absent), None);
        }
    }
}

fn tls_is_insisted_on_where_a_trusted_proxy_has_it(world: &World) {
    let ask = |client: &Client, scheme: &str| {
        let answer = send(client.request("GET", "/healthz").header("X-Forwarded-Proto", scheme)).must(200);
        answer.header("strict-transport-security").map(str::to_owned)
    };
    assert_eq!(ask(&world.anonymous(), "https"), None);
    let server = world.another(&["--trusted-proxies", "1"]);
    let client = server.serve(&world.anonymous());
    assert_eq!(ask(&client, "https").as_deref(), Some("max-age=31536000"));
    assert_eq!(ask(&client, "http"), None);
}

fn a_method_that_nobody_has_is_refused_everywhere(world: &World) {
    let secret = "a-secret-that-must-not-come-back";
    for path in
        ["/api/products/", "/api/products/1", "/api/docs/", "/healthz", "/", "/nowhere", "/api/auth/login/"]
    {
        for method in ["TRACE", "TRACK", "PROPFIND", "BREW"] {
            let request = world.anonymous().request(method, path).header("X-Secret", secret);
            let answer = send(request).refused(405, "method_not_allowed");
            assert!(
                answer.header("allow").is_some_and(|allowed| allowed.contains("OPTIONS")),
                "{method} {path}"
            );
            assert!(!format!("{answer:?}").contains(secret));
        }
    }
    let patience = Duration::from_millis(500);
    let (answer, _) = talk(world.address(), b"TRACE * HTTP/1.1\r\nHost: haat\r\nX: secret\r\n\r\n", patience);
    assert!((400..500).contains(&status(&answer)) && !answer.contains("secret"), "{answer}");
    // A name as it is given is one label of metrics.
    let metrics = world.anonymous().get("/metrics").must(200).text;
    assert!(metrics.contains("method=\"other\"") && !metrics.contains("BREW"), "{metrics}");
}

fn preflight(client: &Client, origin: &str, method: &str, headers: &str) -> Answer {
    let request = client.request("OPTIONS", "/api/products/1/").header("Origin", origin);
    let request = request.header("Access-Control-Request-Method", method);
    send(request.header("Access-Control-Request-Headers", headers))
}

fn pages_of_other_origins_may_nothing_by_default(world: &World) {
    let (client, origin) = (world.anonymous(), "https://shop.example");
    let answer = preflight(&client, origin, "PATCH", "authorization").must(204);
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")));
    let answer = send(client.request("GET", "/healthz").header("Origin", origin)).must(200);
    assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), (None, None));
}

fn pages_of_listed_origins_may_use_the_api(world: &World) {
    let shop = world.open("Alpha");
    let origins = "https://shop.example,http://localhost:3000";
    let server = world.another(&["--cors-origins", origins, "--limit-user", "1/2"]);
    let client = server.serve(&shop.owner);
    for origin in origins.split(',') {
        let asked = "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id, x-haat-store";
        let answer = preflight(&client, origin, "PATCH", asked).must(200);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        let allowed = answer.header("access-control-allow-headers").unwrap().to_lowercase();
        assert!(asked.split(", ").all(|name| allowed.contains(name)), "{allowed}");
        assert!(answer.header("access-control-allow-methods").unwrap().contains("PATCH"));
        assert!(answer.header("vary").unwrap().contains("Origin"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert!(answer.header("x-request-id").is_some());
    }
    // A refusal can be read too, or a page would see a broken network.
    let mut last = 0;
    for _ in 0..6 {
        let answer = send(client.request("GET", "/api/products/").header("Origin", "https://shop.example"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
        let exposed = answer.header("access-control-expose-headers").unwrap().to_lowercase();
        for name in
            ["etag", "link", "location", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"]
        {
            assert!(exposed.split(", ").any(|one| one == name), "{exposed}");
        }
        assert!(exposed.contains("idempotency-replayed"));
        last = last.max(answer.status);
    }
    assert_eq!(last, 429);

    for other in ["https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null"]
    {
        let answer = preflight(&client, other, "PATCH", "authorization");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{other}");
        let request = client.request("POST", "/api/products/").header("Origin", other);
        let answer = send(request.json(&json!({})));
        assert_eq!(answer.header("access-control-allow-origin"), None, "{other}");
    }
    preflight(&client, "https://shop.example", "PATCH", "x-other").refused(400, "bad_request");
}

#[test]
fn an_origin_that_is_none_is_named() {
    for origins in ["*", "https://shop.example/", "https://good.example,shop.example"] {
        let fault = Cli::try_parse_from(["haat", "--cors-origins", origins]).unwrap_err().to_string();
        assert!(fault.contains("is no origin") && fault.contains("--cors-origins"), "{fault}");
    }
}
