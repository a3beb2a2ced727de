//! The program as a process: its start, its memory, its connections.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{BOTH, Bench, Finding, USUAL};
use crate::bench::load::wrk;
use crate::bench::options::Engine;
use crate::bench::place::Place;
use crate::bench::subject::Subject;
use crate::bench::workloads::{For, Workload, log_in, requests};

/// From the start of the process to its first answer, on SQLite.
pub(super) fn start(bench: &Bench<'_>) -> Result<Vec<Finding>, String> {
    let place = Place::fill(Engine::Sqlite, USUAL, bench.programs)?;
    let mut times = Vec::new();
    for _ in 0..11 {
        let began = Instant::now();
        let haat = Subject::haat(&place.folder, &place.url, &[])?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        drop(haat);
    }
    times.sort_by(f64::total_cmp);
    let (middle, worst) =
        (times.get(5).copied().unwrap_or(f64::MAX), times.last().copied().unwrap_or(f64::MAX));
    Ok(vec![Finding {
        engine: Engine::Sqlite,
        what: "from start to the first answer, 100 000 products".to_owned(),
        goal: "under 300 ms",
        found: format!("{middle:.0} ms, at worst {worst:.0} ms of eleven"),
        reached: worst < 300.0,
    }])
}

/// Connections that say nothing most of the time.
const CONNECTIONS: usize = 10_000;

/// Ten thousand connections that are kept alive and idle.
pub(super) fn idle(bench: &Bench<'_>) -> Result<Vec<Finding>, String> {
    let place = Place::fill(Engine::Sqlite, USUAL, bench.programs)?;
    let haat = Subject::haat(&place.folder, &place.url, &[("HAAT_MAX_CONNECTIONS", "20000")])?;
    let limit = rlimit::increase_nofile_limit(20_000).map_err(|error| error.to_string())?;
    if limit < 11_000 {
        return Err(format!("only {limit} open files are allowed here"));
    }
    let buyers = log_in(&haat, 1..=1, USUAL.products)?;
    let ask =
        buyers.first().map(|one| one.ask(For::Haat, "GET", "/api/products/?limit=5", "")).unwrap_or_default();
    let before = haat.resident_mib();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, haat.port));
    let (mut open, mut answered) = (Vec::with_capacity(CONNECTIONS), 0);
    for _ in 0..CONNECTIONS {
        let stream =
            TcpStream::connect(address).map_err(|error| format!("{} are open: {error}", open.len()))?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).map_err(|error| error.to_string())?;
        open.push(stream);
    }
    let began = Instant::now();
    // Twice: the second time tells that the first answer has not ended the connection.
    for _ in 0..2 {
        for stream in &mut open {
            answered += usize::from(is_answered(stream, &ask));
        }
    }
    let (seconds, resident) = (began.elapsed().as_secs_f64(), haat.resident_mib());
    Ok(vec![Finding {
        engine: Engine::Sqlite,
        what: format!("{CONNECTIONS} idle connections, two requests on each"),
        goal: "served, under 250 MiB",
        found: format!(
            "{answered} of {} answered in {seconds:.1} s, {resident:.0} MiB resident ({before:.0} MiB before)",
            CONNECTIONS * 2
        ),
        reached: answered == CONNECTIONS * 2 && resident < 250.0,
    }])
}

/// Whether a request is answered with a success; the whole answer is read.
fn is_answered(stream: &mut TcpStream, request: &str) -> bool {
    let mut text = Vec::new();
    let mut part = [0; 16 * 1024];
    if stream.write_all(request.as_bytes()).is_err() {
        return false;
    }
    loop {
        let Ok(count @ 1..) = stream.read(&mut part) else { return false };
        text.extend_from_slice(part.get(..count).unwrap_or_default());
        let answer = String::from_utf8_lossy(&text);
        let Some((head, body)) = answer.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if length.is_some_and(|length: usize| body.len() >= length) {
            return head.starts_with("HTTP/1.1 200");
        }
    }
}

/// Memory after a long load.
pub(super) fn soak(bench: &Bench<'_>) -> Result<Vec<Finding>, String> {
    bench.options.engines_of(&BOTH).map(|engine| soak_on(engine, bench)).collect()
}

/// Between two looks at the memory; the tokens are made anew each time, since they live for five minutes.
const PIECE: u32 = 20;

fn soak_on(engine: Engine, bench: &Bench<'_>) -> Result<Finding, String> {
    let place = Place::fill(engine, USUAL, bench.programs)?;
    let haat = Subject::haat(&place.folder, &place.url, &[])?;
    let mut seen = Vec::new();
    let (mut errors, mut answered) = (0.0, 0.0);
    let pieces = (bench.options.soak / PIECE).max(3);
    for _ in 0..pieces {
        let buyers = log_in(&haat, 1..=USUAL.tenants, USUAL.products)?;
        let sample = wrk(&place, &haat, &requests(Workload::Mixed, For::Haat, &buyers), 32, PIECE)?;
        seen.push(sample.resident_mib);
        (errors, answered) = (errors + sample.errors, answered + sample.requests);
    }
    let at = |part: usize| seen.get(part).copied().unwrap_or_default();
    let (early, half, last) = (at(0), at(seen.len() / 2), at(seen.len() - 1));
    Ok(Finding {
        engine,
        what: format!("memory under a mixed load of {} s", pieces * PIECE),
        goal: "under 60 MiB, flat",
        found: format!(
            "{early:.0} MiB after {PIECE} s, {half:.0} MiB at half time, {last:.0} MiB at the end, {:.0} MiB of it of no file; {answered:.0} requests, {errors} errors",
            haat.anonymous_mib(),
        ),
        reached: last < 60.0 && last - half < 3.0 && errors == 0.0,
    })
}
