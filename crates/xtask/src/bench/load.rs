//! Load by `wrk`: closed loop, each connection sends its next request when it has the answer to the last one.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;

use super::place::Place;
use super::subject::Subject;
use crate::shell::{output, remove, write};

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Of the server, for each request.
    pub(crate) cpu_ms: f64,
    /// Of PostgreSQL, for each request.
    pub(crate) database_cpu_ms: f64,
    pub(crate) resident_mib: f64,
    /// Requests that were answered.
    pub(crate) requests: f64,
    /// Answers that were no success, and connections that broke.
    pub(crate) errors: f64,
}

/// What the script prints; times are microseconds.
#[derive(Deserialize)]
struct Told {
    requests: f64,
    micros: f64,
    errors: f64,
    p50: f64,
    p99: f64,
}

static LISTS: AtomicU32 = AtomicU32::new(0);

const SCRIPT: &str = include_str!("requests.lua");

/// Between two requests in the file that the script reads.
const END: &str = "\u{1e}";

/// Has so many connections send these requests one after the other, over and over, for some seconds.
pub(crate) fn wrk(
    place: &Place,
    subject: &Subject,
    requests: &[String],
    connections: u32,
    seconds: u32,
) -> Result<Sample, String> {
    // Two loads may run at once, each with a list of its own.
    let list = place.folder.join(format!("requests-{}.txt", LISTS.fetch_add(1, Ordering::Relaxed)));
    let script = place.folder.join("requests.lua");
    write(&script, SCRIPT)?;
    write(&list, requests.join(END))?;
    let before = (subject.cpu_ms(), place.cpu_ms());
    let told = drive(subject.port, &script, &list, connections, seconds)?;
    remove(&list)?;
    let (cpu, database) = (subject.cpu_ms() - before.0, place.cpu_ms() - before.1);
    let each = |total: f64| if told.requests > 0.0 { total / told.requests } else { 0.0 };
    Ok(Sample {
        rate: told.requests / (told.micros / 1e6),
        p50_ms: told.p50 / 1e3,
        p99_ms: told.p99 / 1e3,
        cpu_ms: each(cpu),
        database_cpu_ms: each(database),
        resident_mib: subject.resident_mib(),
        requests: told.requests,
        errors: told.errors,
    })
}

fn drive(port: u16, script: &Path, list: &Path, connections: u32, seconds: u32) -> Result<Told, String> {
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads=1", "--timeout=10s", &format!("--connections={connections}")])
        .args([&format!("--duration={seconds}s"), "--script"])
        .arg(script)
        .args([&format!("http://127.0.0.1:{port}"), "--"])
        .arg(list);
    let printed = output(&mut wrk)?;
    let printed = String::from_utf8_lossy(&printed);
    let told = printed.lines().find(|line| line.starts_with('{'));
    told.and_then(|line| serde_json::from_str(line).ok()).ok_or_else(|| format!("wrk says: {printed}"))
}
