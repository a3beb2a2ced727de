//! Metrics and documentation, and where they can be reached.

use super::wire::{status, talk};
use crate::support::{Client, World, send};
use serde_json::json;
use std::time::Duration;

cases! {
    metrics_count_by_route_and_name_nobody,
    metrics_are_openmetrics_for_who_asks,
    without_an_internal_address_all_is_on_one,
    an_internal_address_has_what_is_internal_and_nothing_else,
}

fn metrics_count_by_route_and_name_nobody(world: &World) {
    let shop = world.open("Alphabet");
    let product = shop.product("Cup", "1.00", None);
    for _ in 0..3 {
        shop.owner.get(&format!("/api/products/{product}/")).must(200);
    }
    for path in ["/nowhere/1", "/nowhere/2", "/api/products/1/2/3"] {
        shop.owner.get(path).must(404);
    }
    shop.owner.call("HEAD", "/api/products/", None).must(200);
    shop.customer.post("/api/products/", &json!({})).must(403);
    let answer = world.anonymous().get("/metrics").must(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        r#"haat_http_requests_total{method="GET",route="/api/products/{id}/",status="200"} 3"#,
        r#"haat_http_requests_total{method="GET",route="none",status="404"} 3"#,
        r#"haat_http_requests_total{method="HEAD",route="/api/products/",status="200"} 1"#,
        r#"haat_http_requests_total{method="POST",route="/api/products/",status="403"} 1"#,
        r#"haat_http_request_duration_seconds_count{route="/api/products/{id}/"} 3"#,
        r#"haat_http_request_duration_seconds_bucket{le="+Inf",route="/api/products/{id}/"} 3"#,
        "haat_http_requests_in_flight 1",
    ] {
        assert!(answer.text.contains(line), "{line} is not in\n{}", answer.text);
    }
    for name in ["lphabet", "owner", "nowhere", "127.0.0.1"] {
        assert!(!answer.text.contains(name), "{name} is in\n{}", answer.text);
    }
}

fn metrics_are_openmetrics_for_who_asks(world: &World) {
    let request = world.anonymous().request("GET", "/metrics/");
    let answer =
        send(request.header("Accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1")).must(200);
    assert!(
        answer.header("content-type").unwrap().starts_with("application/openmetrics-text; version=1.0.0")
    );
    assert!(answer.text.ends_with("# EOF\n"));
}

const INTERNAL: [&str; 7] =
    ["/metrics", "/metrics/", "/api/docs/", "/api/docs/swagger-ui.css", "/api/schema/", "/openapi.json", "/"];

fn found(client: &Client, path: &str) -> bool {
    let status = client.get(path).status;
    assert!(matches!(status, 200 | 302 | 404), "{path}: {status}");
    status != 404
}

fn without_an_internal_address_all_is_on_one(world: &World) {
    assert!(INTERNAL.iter().all(|path| found(&world.anonymous(), path)));
}

fn an_internal_address_has_what_is_internal_and_nothing_else(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&["--internal-address", "127.0.0.1:0"]);
    let outside = server.serve(&shop.owner);
    let inside = server.serve_inside(&shop.owner);
    for path in INTERNAL {
        assert!(found(&inside, path), "{path}");
        outside.get(path).refused(404, "not_found");
        outside.post(path, &json!({})).refused(404, "not_found");
        outside.call("HEAD", path, None).must(404);
        outside.call("OPTIONS", path, None).refused(404, "not_found");
    }
    // However it is written.
    for path in [
        "/%6detrics",
        "/%6Detrics/",
        "//metrics",
        "/api//docs/",
        "/api/d%6fcs/",
        "/api/%73chema",
        "/openapi%2ejson",
        "/api/docs",
        "/./metrics",
        "/api/../metrics",
    ] {
        // A client would tidy the path up.
        let request = format!("GET {path} HTTP/1.1\r\nHost: haat\r\nConnection: close\r\n\r\n");
        let (answer, _) = talk(server.address, request.as_bytes(), Duration::from_secs(2));
        assert_eq!(status(&answer), 404, "{path}");
    }
    for path in ["/healthz", "/readyz/"] {
        inside.get(path).must(200);
        outside.get(path).must(200);
    }
    outside.get("/api/products/").must(200);
    for path in ["/api/products/", "/api/store", "/api/auth/me/", "/nowhere", "/api/", "/%61pi/products/"] {
        for method in ["GET", "POST", "DELETE", "OPTIONS"] {
            inside.call(method, path, None).refused(404, "not_found");
        }
        inside.call("TRACE", path, None).refused(405, "method_not_allowed");
    }
    inside.post("/api/auth/login/", &json!({})).refused(404, "not_found");
    inside.post("/metrics", &json!({})).refused(405, "method_not_allowed");
    // What was counted outside is shown inside.
    assert!(inside.get("/metrics").text.contains(r#"route="/api/products/",status="200"} 1"#));
}
