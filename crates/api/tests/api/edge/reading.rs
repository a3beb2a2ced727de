//! What is read of a request is bounded: in bytes, in time, in depth.

use super::wire::{status, talk};
use crate::support::{Server, World, send, settings};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

cases! {
    a_slow_body_is_given_up,
    a_slow_head_is_given_up,
    a_later_head_that_drips_is_given_up,
    a_body_that_nobody_reads_is_given_up,
    an_answer_that_nobody_takes_is_given_up,
    answers_without_a_body_that_nobody_takes_are_given_up,
    a_body_in_another_coding_or_charset_is_refused,
    an_object_that_looks_like_serdes_number_is_none,
    a_name_that_nobody_sees_is_refused,
    deep_and_long_bodies_are_refused_quickly,
    a_long_path_and_long_headers_are_refused,
    connections_beyond_the_limit_wait,
}

fn a_slow_body_is_given_up(world: &World) {
    let shop = world.open("Alpha");
    let server = world.another(&["--request-timeout", "1"]);
    let token = shop.owner.token.as_deref().unwrap();
    let head = format!(
        "POST /api/products/ HTTP/1.1\r\nHost: haat\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{\"name\": "
    );
    let began = Instant::now();
    let (answer, closed) = talk(server.address, head.as_bytes(), Duration::from_secs(8));
    assert_eq!(status(&answer), 408, "{answer}");
    assert!(answer.contains("\"code\":\"request_timeout\""), "{answer}");
    assert!(closed && answer.to_lowercase().contains("connection: close"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(8));

    // A byte now and then does not buy time.
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut piece = [0; 64];
    let answered = (0..80).any(|_| {
        let _ = stream.write_all(b" ");
        stream.read(&mut piece).is_ok_and(|read| piece[..read].starts_with(b"HTTP/1.1 408"))
    });
    assert!(answered);
    // Who may not do it at all is told that first.
    let foreign = head.replace(token, "no.such.token");
    assert_eq!(status(&talk(server.address, foreign.as_bytes(), Duration::from_secs(8)).0), 401);
}

fn a_slow_head_is_given_up(world: &World) {
    let server = world.another(&["--head-timeout", "1"]);
    let head = b"GET /healthz HTTP/1.1\r\nHost: ha";
    let (answer, closed) = talk(server.address, head, Duration::from_secs(8));
    assert!(closed && (answer.is_empty() || status(&answer) == 408), "{answer}");
}

/// Sends this, and then that now and then, for as long as the other side takes it; whether it ever stops.
fn is_given_up(mut stream: TcpStream, bytes: &[u8], then: &[u8]) -> bool {
    stream.write_all(bytes).unwrap();
    (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        stream.write_all(then).is_err()
    })
}

/// A connection on which a request has been answered.
fn used(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(b"GET /healthz/ HTTP/1.1\r\nHost: haat\r\n\r\n").unwrap();
    let mut answer = [0; 4096];
    assert!(stream.read(&mut answer).unwrap() > 0);
    stream
}

fn impatient(world: &World) -> Server {
    world.another(&["--head-timeout", "1", "--request-timeout", "1"])
}

fn a_later_head_that_drips_is_given_up(world: &World) {
    let server = impatient(world);
    assert!(is_given_up(used(&server), b"GET /healthz/ HTTP/1.1\r\nHost: haat\r\nX-Long: ", b"x"));
}

fn a_body_that_nobody_reads_is_given_up(world: &World) {
    let server = impatient(world);
    // In pieces: where the length is known, the HTTP library itself closes after the answer.
    let head = b"GET /healthz/ HTTP/1.1\r\nHost: haat\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(is_given_up(used(&server), head, b"1\r\nx\r\n"));
}

fn an_answer_that_nobody_takes_is_given_up(world: &World) {
    let server = impatient(world);
    // More than all buffers between hold.
    let much = b"GET /openapi.json HTTP/1.1\r\nHost: haat\r\n\r\n".repeat(500);
    assert!(is_given_up(used(&server), &much, b"x"));
}

fn answers_without_a_body_that_nobody_takes_are_given_up(world: &World) {
    let server = impatient(world);
    // The HTTP library stops at a body that it cannot send, and gathers what is a head alone.
    let many = b"GET /healthz/ HTTP/1.1\r\nHost: haat\r\nIf-None-Match: *\r\n\r\n".repeat(1000);
    assert!(is_given_up(used(&server), &many, &many));
}

fn a_body_in_another_coding_or_charset_is_refused(world: &World) {
    let shop = world.open("Alpha");
    let body = r#"{"name": "Cup", "price": "1.00"}"#;
    let request =
        |kind: &str| shop.owner.request("POST", "/api/products/").header("Content-Type", kind).body(body);
    for coding in ["gzip", "br", "deflate", "identity, gzip", "x"] {
        let answer = send(request("application/json").header("Content-Encoding", coding));
        let answer = answer.refused(415, "unsupported_media_type");
        assert_eq!(answer.header("accept-encoding"), Some("identity"));
    }
    send(request("application/json").header("Content-Encoding", "Identity")).must(201);
    for charset in ["utf-16", "iso-8859-1", "\"latin1\"", "us-ascii"] {
        send(request(&format!("application/json; charset={charset}"))).refused(415, "unsupported_media_type");
    }
    for charset in ["utf-8", "UTF-8", "\"utf-8\""] {
        send(request(&format!("application/json; charset={charset}"))).must(201);
    }
    // 401 and 403 come first here as well.
    let customer = shop.customer.request("POST", "/api/products/").body(body);
    send(customer.header("Content-Encoding", "gzip")).refused(403, "permission_denied");
}

fn an_object_that_looks_like_serdes_number_is_none(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(9));
    let names = [
        "a",
        "$serde_json::private::Number",
        r"\u0024serde_json::private::Number",
        "$serde_json::private::RawValue",
    ];
    for name in names {
        for value in [r#""5""#, r#""\u0035""#, "5", "null"] {
            let number = format!(r#"{{"{name}": {value}}}"#);
            let body = format!(r#"{{"name": "Cup", "price": {number}}}"#);
            shop.owner.raw("POST", "/api/products/", body.clone()).faults(&["price"]);
            shop.owner.raw("PATCH", &format!("/api/products/{product}/"), body).faults(&["price"]);
            let body = format!(r#"{{"product": {product}, "quantity": {number}}}"#);
            shop.customer.raw("POST", "/api/orders/", body).faults(&["quantity"]);
            let body = format!(r#"{{"name": {number}, "price": 1}}"#);
            shop.owner.raw("POST", "/api/products/", body).faults(&["name"]);
        }
        // With other faults it is a fault all the same.
        let body = format!(r#"{{"name": 7, "price": {{"{name}": "5"}}}}"#);
        shop.owner.raw("POST", "/api/products/", body).refused(400, "validation");
    }
    assert_eq!(shop.owner.get("/api/products/").json.as_array().unwrap().len(), 1);
    assert_eq!(shop.stock(product), 9);
}

fn a_name_that_nobody_sees_is_refused(world: &World) {
    let shop = world.open("Alpha");
    for name in ["\u{200b}", "\u{2060}\u{feff}", "\u{ad} \u{200d}", "\u{3164}", "\u{2800}", "\u{e0041}"] {
        shop.owner.post("/api/products/", &json!({"name": name, "price": 1})).faults(&["name"]);
        shop.owner.patch("/api/store/", &json!({"name": name})).faults(&["name"]);
    }
    shop.owner.post("/api/products/", &json!({"name": "👩\u{200d}🚀", "price": 1})).must(201);
}

fn deep_and_long_bodies_are_refused_quickly(world: &World) {
    let shop = world.open("Alpha");
    let began = Instant::now();
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    for value in [deep("[", "]"), deep(r#"{"a":"#, "}")] {
        for field in ["name", "price", "stock"] {
            let answer = shop.owner.raw("POST", "/api/products/", format!(r#"{{"{field}": {value}}}"#));
            assert_eq!(answer.status, 400, "{}", answer.text);
        }
        let answer = shop.customer.raw("POST", "/api/orders/", format!(r#"{{"lines": {value}}}"#));
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    // Texts within texts, each of which serde_json may read anew, with a depth of its own.
    let mut nested = "1".to_owned();
    loop {
        let value = format!("{}{nested}{}", "[".repeat(120), "]".repeat(120));
        let text = serde_json::to_string(&value).unwrap();
        let next = format!(r#"{{"$serde_json::private::RawValue":{text}}}"#);
        if next.len() > 1_000_000 {
            break;
        }
        nested = next;
    }
    let body = format!(r#"{{"name": "Cup", "price": {nested}}}"#);
    assert_eq!(shop.owner.raw("POST", "/api/products/", body).status, 400);
    // Just below the body's limit, whole and faulty.
    let lines =
        |line: &str| format!(r#"{{"lines": [{}]}}"#, vec![line; 1_040_000 / (line.len() + 1)].join(","));
    for line in [r#"{"product":1,"quantity":1}"#, "{}", "1", r#"{"product":"x"}"#] {
        shop.customer.raw("POST", "/api/orders/", lines(line)).refused(400, "validation");
    }
    for text in ["é".repeat(500_000), "\u{301}".repeat(500_000), r"\u0000".repeat(170_000)] {
        let body = format!(r#"{{"name": "{text}", "description": "{}", "price": 1}}"#, "");
        shop.owner.raw("POST", "/api/products/", body).faults(&["name"]);
    }
    let members: Vec<_> = (0..60_000).map(|n| format!("\"member{n}\":0")).collect();
    let body = format!("{{{}}}", members.join(","));
    shop.owner.raw("POST", "/api/products/", body).faults(&["name", "price"]);
    let digits = format!(r#"{{"name": "Cup", "price": {}}}"#, "1".repeat(1_000_000));
    shop.owner.raw("POST", "/api/products/", digits).faults(&["price"]);
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}

fn a_long_path_and_long_headers_are_refused(world: &World) {
    let shop = world.open("Alpha");
    let query = |members: usize| {
        let members: Vec<_> = (0..members).map(|n| format!("member{n}={n}")).collect();
        format!("/api/products/?{}", members.join("&"))
    };
    shop.owner.get(&query(400)).must(200);
    shop.owner.get(&query(3_000)).refused(414, "uri_too_long");
    shop.owner.get(&format!("/api/products/?search={}", "x".repeat(60_000))).refused(414, "uri_too_long");
    shop.owner.get(&format!("/{}", "x".repeat(10_000))).refused(414, "uri_too_long");
    let search = "%E0%A4%9A".repeat(200);
    shop.owner.get(&format!("/api/products/?search={search}")).must(200);

    let large = shop.owner.request("GET", "/api/products/").header("X-Large", "x".repeat(100 * 1024));
    send(large).refused(431, "headers_too_large");
    let token = world.anonymous().with(&"x".repeat(100 * 1024));
    token.get("/api/products/").refused(431, "headers_too_large");
    let allowed = shop.owner.request("GET", "/api/products/").header("X-Large", "x".repeat(16 * 1024));
    send(allowed).must(200);
    // Beyond what the HTTP library reads, and more lines than it counts.
    let patience = Duration::from_secs(3);
    let head = |lines: String| format!("GET /healthz HTTP/1.1\r\nHost: haat\r\n{lines}\r\n");
    for lines in [format!("X-Large: {}\r\n", "x".repeat(300_000)), "X-Many: 1\r\n".repeat(2_000)] {
        let (answer, closed) = talk(world.address(), head(lines).as_bytes(), patience);
        assert!(closed && (answer.is_empty() || (400..500).contains(&status(&answer))), "{answer}");
    }
    world.anonymous().get("/healthz").must(200);
}

fn connections_beyond_the_limit_wait(world: &World) {
    let server = world.another(&["--max-connections", "1"]);
    let request = b"GET /healthz HTTP/1.1\r\nHost: haat\r\n\r\n";
    let mut first = TcpStream::connect(server.address).unwrap();
    first.write_all(request).unwrap();
    let mut piece = [0; 1024];
    assert!(first.read(&mut piece).unwrap() > 0);
    let (answer, closed) = talk(server.address, request, Duration::from_millis(500));
    assert_eq!((answer.as_str(), closed), ("", false));
    drop(first);
    let (answer, _) = talk(server.address, request, Duration::from_secs(2));
    assert_eq!(status(&answer), 200);
}

#[test]
fn the_database_has_as_long_for_a_statement_as_the_settings_say() {
    let times = |flags: &[&str]| {
        let settings = settings("sqlite:unused", flags);
        let (postgres, patience) = (settings.database_options().postgres, settings.patience());
        assert_eq!((postgres.statement_timeout, postgres.scan_timeout), (patience.short, patience.scan));
        [patience.short, patience.scan].map(|time| time.as_secs())
    };
    assert_eq!(times(&[]), [2, 10]);
    assert_eq!(times(&["--statement-timeout", "3", "--scan-timeout", "20"]), [3, 20]);
}
