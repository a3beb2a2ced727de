//! Orders on PostgreSQL against the best that SQL can do for them.

use std::process::Command;

use super::{Bench, Finding, USUAL};
use crate::bench::load::wrk;
use crate::bench::options::Engine;
use crate::bench::place::Place;
use crate::bench::report::median_of;
use crate::bench::subject::Subject;
use crate::bench::workloads::{For, Workload, log_in, requests};
use crate::shell::{output, write};

/// One order as one statement, prepared, in one message; sent by `pgbench` over the same socket, on as many connections
/// as Haat has, past row-level security. The same rows are written; the audit log's link is SHA-256 over a little less.
const SCRIPT: &str = include_str!("order.pgbench.sql");

/// As `HAAT_DATABASE_POOL` has it.
const CONNECTIONS: u32 = 8;

pub(super) fn pgbench(bench: &Bench<'_>) -> Result<Vec<Finding>, String> {
    let place = Place::fill(Engine::Postgres, USUAL, bench.programs)?;
    let haat = Subject::haat(&place.folder, &place.url, &[])?;
    let script = place.folder.join("order.pgbench.sql");
    write(&script, SCRIPT)?;
    let ours_for = |seconds| {
        let buyers = log_in(&haat, 1..=USUAL.tenants, USUAL.products)?;
        wrk(&place, &haat, &requests(Workload::Order, For::Haat, &buyers), 32, seconds)
    };
    let best_for = |seconds: u32| {
        let mut pgbench = Command::new("pgbench");
        pgbench
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", &format!("--client={CONNECTIONS}")])
            .args([&format!("--time={seconds}"), "--file"])
            .arg(&script)
            .args([
                &format!("--define=tenants={}", USUAL.tenants),
                &format!("--define=products={}", USUAL.products),
            ])
            .arg(place.superuser_url());
        let told = output(&mut pgbench)?;
        let told = String::from_utf8_lossy(&told);
        let rate =
            told.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
        rate.ok_or_else(|| format!("pgbench says: {told}"))
    };
    // What a database that was just filled does for the first time is in nobody's figure.
    ours_for(1).and_then(|_| best_for(1))?;
    let (mut ours, mut bests) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds {
        ours.push(ours_for(bench.options.seconds)?);
        bests.push(best_for(bench.options.seconds)?);
    }
    bests.sort_by(f64::total_cmp);
    let (ours, best) = (median_of(&ours), bests.get(bests.len() / 2).copied().unwrap_or(f64::MAX));
    let ratio = ours.rate / best;
    Ok(vec![Finding {
        engine: Engine::Postgres,
        what: "orders, against pgbench with the best SQL for the same order".to_owned(),
        goal: "at least 0.7",
        found: format!("{ratio:.2} ({:.0}/s against {best:.0}/s)", ours.rate),
        reached: ratio >= 0.7 && ours.errors == 0.0,
    }])
}
