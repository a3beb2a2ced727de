//! Figures as people read them.

use super::load::Sample;
use super::options::Engine;
use super::workloads::Workload;

/// What one kind of load came to.
pub(crate) struct Row {
    pub(crate) engine: Engine,
    pub(crate) workload: Workload,
    pub(crate) haat: Sample,
    pub(crate) floor: Option<Sample>,
}

/// The head of the table.
pub(crate) const HEAD: &str = "\
| engine | request | server | requests/s | p50 ms | p99 ms | CPU ms | of the floor's | PostgreSQL CPU ms | resident MiB | errors |
|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|";

impl Row {
    /// As rows of the table: Haat, and the floor.
    pub(crate) fn lines(&self) -> Vec<String> {
        let ratio = self.floor.map(|floor| format!("**{:.2}**", self.haat.cpu_ms / floor.cpu_ms));
        let ours = self.line("Haat", &self.haat, &ratio.unwrap_or_default());
        let floor = self.floor.map(|floor| self.line("floor", &floor, ""));
        [ours].into_iter().chain(floor).collect()
    }

    fn line(&self, server: &str, sample: &Sample, ratio: &str) -> String {
        let database = match self.engine {
            Engine::Sqlite => String::new(),
            Engine::Postgres => format!("{:.3}", sample.database_cpu_ms),
        };
        let errors = if sample.errors > 0.0 { format!("**{}**", sample.errors) } else { "0".to_owned() };
        format!(
            "| {} | {} | {server} | {:.0} | {:.2} | {:.2} | {:.3} | {ratio} | {database} | {:.0} | {errors} |",
            self.engine.title(),
            self.workload.title(),
            sample.rate,
            sample.p50_ms,
            sample.p99_ms,
            sample.cpu_ms,
            sample.resident_mib,
        )
    }
}

/// Of each figure the one in the middle; errors and requests are summed.
pub(crate) fn median_of(samples: &[Sample]) -> Sample {
    let middle = |figure: fn(&Sample) -> f64| {
        let mut all: Vec<f64> = samples.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Sample {
        rate: middle(|one| one.rate),
        p50_ms: middle(|one| one.p50_ms),
        p99_ms: middle(|one| one.p99_ms),
        cpu_ms: middle(|one| one.cpu_ms),
        database_cpu_ms: middle(|one| one.database_cpu_ms),
        resident_mib: middle(|one| one.resident_mib),
        requests: samples.iter().map(|one| one.requests).sum(),
        errors: samples.iter().map(|one| one.errors).sum(),
    }
}
