//! Traces, as a collector gets them.

use crate::process::Process;
use crate::support::{World, send};
use haat_infra::testing::Engine;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

cases! {
    a_request_goes_on_with_its_clients_trace_and_tells_nobodys_name,
}

/// A collector: it takes what it is sent, and hands on the bodies.
fn collect() -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tell = tell.clone();
            thread::spawn(move || answer(stream, &tell));
        }
    });
    (endpoint, told)
}

fn answer(stream: TcpStream, tell: &Sender<Vec<u8>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            let lower = line.to_lowercase();
            length = lower.strip_prefix("content-length:").map_or(length, |n| n.trim().parse().unwrap());
            line.clear();
        }
        let mut body = vec![0; length];
        if length == 0 || reader.read_exact(&mut body).is_err() || tell.send(body).is_err() {
            return;
        }
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
}

fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    format!("{:?}", found.unwrap_or_else(|| panic!("{name} is not in {span:#?}")).value)
}

fn a_request_goes_on_with_its_clients_trace_and_tells_nobodys_name(world: &World) {
    let shop = world.open("Quokka");
    let product = shop.product("Lampshade", "1.00", Some(5));
    let (endpoint, collected) = collect();
    let mut process = Process::start(&world.database, &["--otlp-endpoint", &endpoint]);
    let customer = process.as_user(&shop.customer);
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let request = customer.request("POST", "/api/orders/?search=secretword");
    let request = request.json(&json!({"product": product, "quantity": 1}));
    send(request.header("traceparent", format!("00-{trace}-{parent}-01"))).must(201);
    customer.get("/api/products/?search=secretword").must(200);
    // What was not sent yet is sent at the end.
    process.signal("TERM");
    assert!(process.ended().success());

    let bodies: Vec<_> = collected.try_iter().collect();
    for name in ["uokka", "customer", "example.com", "ampshade", "secretword", "127.0.0.1", "eyJ"] {
        let holds = |body: &Vec<u8>| body.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(!bodies.iter().any(holds), "{name} was sent");
    }
    let sent = bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
    let resources: Vec<_> = sent.flat_map(|sent| sent.resource_spans).collect();
    let service = &resources[0].resource.as_ref().unwrap().attributes;
    assert!(format!("{service:?}").contains("\"haat\""), "{service:?}");
    let scopes = resources.into_iter().flat_map(|resource| resource.scope_spans);
    let spans: Vec<_> = scopes.flat_map(|scope| scope.spans).collect();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();

    let ours: Vec<_> = spans.iter().filter(|span| hex(&span.trace_id) == trace).collect();
    let named = |name: &str| {
        let told: Vec<_> = spans.iter().map(|span| (&span.name, hex(&span.trace_id))).collect();
        ours.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} is not in {told:#?}"))
    };
    let request = named("POST /api/orders/");
    assert_eq!(hex(&request.parent_span_id), parent);
    assert!(attribute(request, "http.route").contains("\"/api/orders/\""));
    assert!(attribute(request, "http.response.status_code").contains("201"));
    for name in ["wait", "transaction"] {
        let part = named(name);
        assert_eq!(part.parent_span_id, request.span_id, "{name}");
        assert!(part.end_time_unix_nano >= part.start_time_unix_nano);
    }
    // The database's part of it: which statements, and nothing that is in them.
    let transaction = named("transaction");
    let order = if world.engine() == Engine::Sqlite { "INSERT orders" } else { "WITH orders" };
    for name in ["SELECT users", order] {
        let statement = named(name);
        assert_eq!(statement.parent_span_id, transaction.span_id, "{name}");
        assert_eq!(statement.kind(), SpanKind::Client);
        let system = if world.engine() == Engine::Sqlite { "sqlite" } else { "postgresql" };
        assert!(attribute(statement, "db.system.name").contains(system));
        let (operation, table) = name.split_once(' ').unwrap();
        assert!(attribute(statement, "db.operation.name").contains(operation));
        assert!(attribute(statement, "db.collection.name").contains(table));
    }
    let list = spans.iter().find(|span| span.name == "GET /api/products/").expect("the other request");
    assert!(hex(&list.trace_id) != trace && list.parent_span_id.is_empty(), "a trace of its own: {list:#?}");
}
