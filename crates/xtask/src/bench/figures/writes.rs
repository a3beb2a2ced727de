//! Orders, many at once.

use std::thread::{scope, sleep};
use std::time::Duration;

use serde_json::{Value, json};

use super::{BOTH, Bench, Finding, USUAL};
use crate::bench::load::wrk;
use crate::bench::options::Engine;
use crate::bench::place::Place;
use crate::bench::report::median_of;
use crate::bench::subject::Subject;
use crate::bench::workloads::{Buyer, For, Workload, log_in, requests};

/// SQLite: what sharing a COMMIT is worth.
pub(super) fn commits(bench: &Bench<'_>) -> Result<Vec<Finding>, String> {
    let place = Place::fill(Engine::Sqlite, USUAL, bench.programs)?;
    let haat = Subject::haat(&place.folder, &place.url, &[])?;
    let pool = Subject::floor(&place.folder, &place.url, Some("--one-per-commit"))?;
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    let buyers = log_in(&haat, 1..=USUAL.tenants, USUAL.products)?;
    for _ in 0..bench.options.rounds {
        let run = |subject, server| {
            wrk(&place, subject, &requests(Workload::Order, server, &buyers), 32, bench.options.seconds)
        };
        ours.push(run(&haat, For::Haat)?);
        others.push(run(&pool, For::Floor)?);
    }
    let (ours, others) = (median_of(&ours), median_of(&others));
    let ratio = ours.rate / others.rate;
    Ok(vec![Finding {
        engine: Engine::Sqlite,
        what: "orders of 32 buyers, at FULL, against a pool with one transaction per commit".to_owned(),
        goal: "at least 3.3 times the rate, p99 under 15 ms",
        found: format!(
            "{ratio:.1} times ({:.0}/s against {:.0}/s), p99 {:.1} ms against {:.0} ms, {} and {} errors",
            ours.rate, others.rate, ours.p99_ms, others.p99_ms, ours.errors, others.errors
        ),
        reached: ratio >= 3.3 && ours.p99_ms < 15.0 && ours.errors == 0.0,
    }])
}

/// SQLite: readers, alone and beside sixteen writers.
pub(super) fn readers(bench: &Bench<'_>) -> Result<Vec<Finding>, String> {
    let place = Place::fill(Engine::Sqlite, USUAL, bench.programs)?;
    let haat = Subject::haat(&place.folder, &place.url, &[])?;
    let buyers = log_in(&haat, 1..=USUAL.tenants, USUAL.products)?;
    let reads = requests(Workload::One, For::Haat, &buyers);
    let writes = requests(Workload::Order, For::Haat, &buyers);
    let (mut alone, mut beside, mut written) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds {
        let seconds = bench.options.seconds;
        alone.push(wrk(&place, &haat, &reads, 16, seconds)?);
        let (one, other) = scope(|scope| {
            let writers = scope.spawn(|| wrk(&place, &haat, &writes, 16, seconds));
            (wrk(&place, &haat, &reads, 16, seconds), writers.join())
        });
        beside.push(one?);
        written.push(other.map_err(|_| "the writers panicked")??);
    }
    let (alone, beside, written) = (median_of(&alone), median_of(&beside), median_of(&written));
    let ratio = beside.rate / alone.rate;
    Ok(vec![Finding {
        engine: Engine::Sqlite,
        what: "reads of 16 readers while 16 writers place orders, against reads alone".to_owned(),
        goal: "at least 0.5",
        found: format!(
            "{ratio:.2} ({:.0}/s beside {:.0} orders/s, against {:.0}/s), p99 {:.1} ms against {:.1} ms",
            beside.rate, written.rate, alone.rate, beside.p99_ms, alone.p99_ms
        ),
        reached: ratio >= 0.5 && beside.errors + written.errors == 0.0,
    }])
}

/// All buyers want the same thing.
pub(super) fn rush(bench: &Bench<'_>) -> Result<Vec<Finding>, String> {
    bench.options.engines_of(&BOTH).map(|engine| rush_on(engine, bench)).collect()
}

/// Fewer than are asked for, so that it is sold out.
const FEW: i64 = 1000;

fn rush_on(engine: Engine, bench: &Bench<'_>) -> Result<Finding, String> {
    let place = Place::fill(engine, USUAL, bench.programs)?;
    let haat = Subject::haat(&place.folder, &place.url, &[])?;
    let buyers = log_in(&haat, 1..=USUAL.tenants, USUAL.products)?;
    let (mut spread, mut hot) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds {
        let run =
            |workload| wrk(&place, &haat, &requests(workload, For::Haat, &buyers), 64, bench.options.seconds);
        spread.push(run(Workload::Order)?);
        hot.push(run(Workload::HotOrder)?);
    }
    let (spread, hot) = (median_of(&spread), median_of(&hot));
    let (left, sold, refused, failed) = sell_out(&place, &haat, &buyers)?;
    let ratio = hot.rate / spread.rate;
    Ok(Finding {
        engine,
        what: "64 buyers of one product, against orders spread over stores".to_owned(),
        goal: "at least 0.5, nothing oversold, no 5xx",
        found: format!(
            "{ratio:.2} ({:.0}/s against {:.0}/s), p99 {:.0} ms, {} errors; of {FEW} pieces {sold} sold, {left} left, \
             {refused} buyers told so, {failed} other answers",
            hot.rate,
            spread.rate,
            hot.p99_ms,
            hot.errors + spread.errors
        ),
        reached: ratio >= 0.5 && hot.errors + spread.errors == 0.0 && (left, sold, failed) == (0, FEW, 0),
    })
}

/// How many orders there are when those are done that nobody waits for any more.
fn settled(place: &Place) -> Result<i64, String> {
    let mut last = place.orders()?;
    loop {
        sleep(Duration::from_millis(200));
        let now = place.orders()?;
        if now == last {
            return Ok(now);
        }
        last = now;
    }
}

/// Has 64 threads order a product of which there are too few, and counts: pieces left, orders, refusals for want of
/// stock, other answers.
fn sell_out(place: &Place, haat: &Subject, buyers: &[Buyer]) -> Result<(i64, i64, i64, i64), String> {
    let buyer = buyers.last().ok_or("there is no store")?;
    let product = *buyer.products.first().ok_or("there is no product")?;
    let path = format!("/api/products/{product}/");
    let ask =
        |method, path: &str, body: Value| buyer.answer((haat, For::Haat), method, path, &body.to_string());
    ask("PATCH", &path, json!({ "stock": FEW }))?;
    let before = settled(place)?;
    let wish = json!({ "product": product, "quantity": 1 });
    let statuses: Vec<u16> = scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| (0..20).map(|_| ask("POST", "/api/orders/", wish.clone())).collect::<Vec<_>>())
            })
            .collect();
        let answers = threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default());
        answers.map(|answer| answer.map_or(0, |answer| answer.status)).collect()
    });
    let count = |wanted: u16| {
        i64::try_from(statuses.iter().filter(|status| **status == wanted).count()).unwrap_or(-1)
    };
    let (sold, refused) = (count(201), count(409));
    let stored = place.orders()? - before;
    if stored != sold {
        return Err(format!("{sold} orders were acknowledged, and {stored} are there"));
    }
    let shown: Value =
        serde_json::from_str(&buyer.answer((haat, For::Haat), "GET", &path, "")?.body).unwrap_or_default();
    let left = shown.get("stock").and_then(Value::as_i64).unwrap_or(-1);
    Ok((left, sold, refused, i64::try_from(statuses.len()).unwrap_or(-1) - sold - refused))
}
