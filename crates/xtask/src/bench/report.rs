//! Figures as people read them.

use std::fmt::{self, Display, Formatter, Write as _};

use super::{Engine, Sample, Workload};

/// What one kind of load came to.
pub(crate) struct Row {
    pub(crate) engine: Engine,
    pub(crate) workload: Workload,
    pub(crate) haat: Sample,
    pub(crate) floor: Option<Sample>,
}

impl Row {
    /// The CPU time of a request, as a multiple of the floor's.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.floor.map(|floor| self.haat.cpu_ms / floor.cpu_ms)
    }
}

impl Display for Row {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self { engine, workload, haat, floor } = self;
        line(out, engine.title(), workload.title(), "Haat", haat, self.ratio())?;
        if let Some(floor) = floor {
            writeln!(out)?;
            line(out, engine.title(), workload.title(), "floor", floor, None)?;
        }
        Ok(())
    }
}

fn line(
    out: &mut Formatter<'_>,
    engine: &str,
    what: &str,
    server: &str,
    sample: &Sample,
    ratio: Option<f64>,
) -> fmt::Result {
    let database =
        if sample.database_cpu_ms > 0.0 { format!("{:.3}", sample.database_cpu_ms) } else { String::new() };
    let errors = if sample.errors > 0.0 { format!("**{}**", sample.errors) } else { "0".to_owned() };
    let ratio = ratio.map(|ratio| format!("**{ratio:.2}**")).unwrap_or_default();
    write!(
        out,
        "| {engine} | {what} | {server} | {:.0} | {:.2} | {:.2} | {:.3} | {database} | {:.0} | {errors} | {ratio} |",
        sample.rate, sample.p50_ms, sample.p99_ms, sample.cpu_ms, sample.resident_mib,
    )
}

/// All rows as a Markdown table.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = "\
| engine | request | server | requests/s | p50 ms | p99 ms | CPU ms | PostgreSQL CPU ms | resident MiB | errors | CPU, of the floor's |
|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|
"
    .to_owned();
    for row in rows {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{row}");
    }
    text
}

/// Of each figure the one in the middle; errors and requests are summed.
pub(crate) fn median_of(samples: &[Sample]) -> Option<Sample> {
    let middle = |figure: fn(&Sample) -> f64| {
        let mut all: Vec<f64> = samples.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    };
    Some(Sample {
        rate: middle(|one| one.rate)?,
        p50_ms: middle(|one| one.p50_ms)?,
        p99_ms: middle(|one| one.p99_ms)?,
        cpu_ms: middle(|one| one.cpu_ms)?,
        database_cpu_ms: middle(|one| one.database_cpu_ms)?,
        resident_mib: middle(|one| one.resident_mib)?,
        requests: samples.iter().map(|one| one.requests).sum(),
        errors: samples.iter().map(|one| one.errors).sum(),
    })
}

/// The same of what was measured at least once.
pub(crate) fn median(samples: &[Sample]) -> Sample {
    median_of(samples).unwrap_or_default()
}
