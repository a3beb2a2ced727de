//! `cargo xtask overload`: what is left of a server's rate when it is asked for more than it can do.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::load::wrk;
use super::machine;
use super::open_loop::{Told, ask};
use super::options::{Engine, Options};
use super::place::Place;
use super::subject::{self, Subject};
use super::workloads::{ASKED, For, Workload, buyers, requests};
use crate::shell::{Outcome, run, tools_folder};

/// The load, as parts of what the server can do.
const STEPS: [f64; 5] = [0.5, 1.0, 2.0, 5.0, 10.0];

/// More than the server lets in at once, so that it must choose.
const CONNECTIONS: usize = 1000;

/// Does what the arguments say: those of `bench`.
pub(crate) fn overload(arguments: &[&str]) -> Outcome {
    let options = Options::parse(arguments)?;
    crate::install(&["wrk", "sqlite3"])?;
    let folder = tools_folder("bench")?;
    subject::build_haat(&folder)?;
    let mut rows = Vec::new();
    for engine in &options.engines {
        // What is measured, a database server too, has one processor, and what measures it the other.
        pin(0)?;
        let place = Place::fill(*engine, options.size, &folder)?;
        let haat = Subject::haat(&place.folder, &place.url, &[])?;
        pin(1)?;
        let wanted = [Workload::Order, Workload::List].into_iter().filter(|one| options.wants(one.name()));
        for workload in wanted {
            rows.extend(steps(&place, &haat, workload, &options)?);
        }
    }
    println!("\n{}\n", machine::description());
    println!(
        "| | load | offered/s | good/s | of the best | p50 | p99 | 503/s | too late/s | no connection/s | failed |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for row in &rows {
        println!("{row}");
    }
    Ok(())
}

/// This thread, and what it starts from now on.
fn pin(processor: u32) -> Outcome {
    let own = std::process::id().to_string();
    run(Command::new("taskset").args(["-cp", &processor.to_string(), &own]).stdout(Stdio::null()))
}

fn steps(place: &Place, haat: &Subject, workload: Workload, options: &Options) -> Result<Vec<Row>, String> {
    let requests = requests(workload, For::Haat, &buyers(haat, options.size, ASKED)?);
    let capacity = wrk(place, haat, &requests, 64, options.seconds)?.rate;
    println!("{}, {}: {capacity:.0}/s with 64 in a closed loop", place.engine.title(), workload.title());
    let lasts = Duration::from_secs(options.seconds.into());
    let told = STEPS.map(|step| ask(haat.port, &requests, step * capacity, lasts, CONNECTIONS));
    let told: Vec<Told> = told.into_iter().collect::<Result<_, _>>()?;
    let good = |told: &Told| count(told.good.len()) / lasts.as_secs_f64();
    let best = told.iter().map(good).fold(0.0, f64::max);
    let rows = STEPS.into_iter().zip(told).map(|(step, told)| {
        let row = Row { engine: place.engine, workload, step, seconds: lasts.as_secs_f64(), best, told };
        println!("{row}");
        row
    });
    Ok(rows.collect())
}

fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

struct Row {
    engine: Engine,
    workload: Workload,
    step: f64,
    seconds: f64,
    best: f64,
    told: Told,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut good = self.told.good.clone();
        good.sort_unstable();
        let at = |part: usize| {
            good.get(good.len() * part / 100).copied().map_or(0.0, |micros| f64::from(micros) / 1e3)
        };
        let rate = |count: u32| f64::from(count) / self.seconds;
        let goodput = count(good.len()) / self.seconds;
        write!(
            f,
            "| {}, {} | {}x | {:.0} | {goodput:.0} | {:.0} % | {:.1} ms | {:.1} ms | {:.0} | {:.0} | {:.0} | {} |",
            self.engine.title(),
            self.workload.title(),
            self.step,
            rate(self.told.offered),
            100.0 * goodput / self.best,
            at(50),
            at(99),
            rate(self.told.shed),
            rate(self.told.gone),
            rate(self.told.unasked),
            self.told.failed,
        )
    }
}
