//! What grows, and must not be felt.

use super::{BOTH, Bench, Finding};
use crate::bench::load::{Sample, wrk};
use crate::bench::options::{Engine, Size};
use crate::bench::place::Place;
use crate::bench::report::median_of;
use crate::bench::subject::Subject;
use crate::bench::workloads::{For, Workload, buyers, log_in, requests};

/// A store with a million products.
const LARGE: Size = Size { tenants: 1, products: 1_000_000, orders: 0 };
const SMALL: Size = Size { tenants: 1, products: 1000, orders: 0 };

/// The first page of a list against the thousandth.
pub(super) fn pages(bench: &Bench<'_>) -> Result<Vec<Finding>, String> {
    bench.options.engines_of(&BOTH).map(|engine| pages_on(engine, bench)).collect()
}

fn pages_on(engine: Engine, bench: &Bench<'_>) -> Result<Finding, String> {
    let place = Place::fill(engine, LARGE, bench.programs)?;
    let haat = Subject::haat(&place.folder, &place.url, &[])?;
    let buyers = log_in(&haat, 1..=1, LARGE.products)?;
    let buyer = buyers.first().ok_or("there is no store")?;
    let first = "/api/products/?limit=50".to_owned();
    let mut path = first.clone();
    for _ in 1..1000 {
        path = buyer.answer((&haat, For::Haat), "GET", &path, "")?.next().ok_or("the list ends too early")?;
    }
    let ask = |path: &str| vec![buyer.ask(For::Haat, "GET", path, "")];
    let [near, far] = by_turns(bench, &[(&place, &haat, ask(&first)), (&place, &haat, ask(&path))])?;
    Ok(within(engine, "page 1 000 against page 1, 50 of 1 000 000 products".to_owned(), near, far))
}

/// A store with many products against one with few.
pub(super) fn catalogue(bench: &Bench<'_>) -> Result<Vec<Finding>, String> {
    grown(bench, [SMALL, LARGE], "1 000 000 products in a store against 1 000")
}

/// An installation with many stores against one with few.
pub(super) fn stores(bench: &Bench<'_>) -> Result<Vec<Finding>, String> {
    let few = Size { tenants: 10, products: 100, orders: 1000 };
    let many = Size { tenants: 10_000, products: 100, orders: 1_000_000 };
    grown(bench, [few, many], "10 000 stores (1 000 000 products, 1 000 000 orders) against 10")
}

fn grown(bench: &Bench<'_>, sizes: [Size; 2], what: &str) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for engine in bench.options.engines_of(&BOTH) {
        let [small, large] = sizes.map(|size| {
            let place = Place::fill(engine, size, bench.programs)?;
            let haat = Subject::haat(&place.folder, &place.url, &[])?;
            Ok::<_, String>((place, haat))
        });
        let ((place, haat), (other_place, other_haat)) = (small?, large?);
        for workload in [Workload::List, Workload::One, Workload::Order] {
            // Tokens do not outlive a large one being filled, or many rounds. Of both as many stores are asked: the
            // question is how many there are, and not how many pages a batch of orders touches.
            let [few, many] = sizes;
            let of = |haat, size| {
                let buyers = buyers(haat, size, few.tenants)?;
                Ok::<_, String>(requests(workload, For::Haat, &buyers))
            };
            let pair =
                [(&place, &haat, of(&haat, few)?), (&other_place, &other_haat, of(&other_haat, many)?)];
            let [near, far] = by_turns(bench, &pair)?;
            findings.push(within(engine, format!("{what}: {}", workload.title()), near, far));
        }
    }
    Ok(findings)
}

type Load<'a> = (&'a Place, &'a Subject, Vec<String>);

fn by_turns(bench: &Bench<'_>, loads: &[Load<'_>; 2]) -> Result<[Sample; 2], String> {
    let mut samples = [Vec::new(), Vec::new()];
    for round in 0..=bench.options.rounds {
        let seconds = if round == 0 { 1 } else { bench.options.seconds };
        for ((place, haat, requests), samples) in loads.iter().zip(&mut samples) {
            let sample = wrk(place, haat, requests, 32, seconds)?;
            // The first round warms up.
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    Ok(samples.map(|samples| median_of(&samples)))
}

fn within(engine: Engine, what: String, near: Sample, far: Sample) -> Finding {
    let all = |sample: Sample| sample.cpu_ms + sample.database_cpu_ms;
    let ratio = all(far) / all(near);
    Finding {
        engine,
        what,
        goal: "within 1.2",
        found: format!(
            "{ratio:.2} ({:.3} ms of CPU a request, PostgreSQL's among it, against {:.3} ms; {:.0}/s against {:.0}/s)",
            all(far),
            all(near),
            far.rate,
            near.rate
        ),
        reached: ratio <= 1.2 && near.errors + far.errors == 0.0,
    }
}
