//! Figures that say more than what one request costs. Each has a goal; whether it is reached is said beside it.

mod living;
mod pgbench;
mod sizes;
mod writes;

use std::path::Path;

use super::options::{Engine, Options, Size};

/// A figure, and what it should be.
pub(crate) struct Finding {
    pub(crate) engine: Engine,
    pub(crate) what: String,
    pub(crate) goal: &'static str,
    pub(crate) found: String,
    pub(crate) reached: bool,
}

impl Finding {
    /// As a row of the table.
    pub(crate) fn row(&self, name: &str) -> String {
        let reached = if self.reached { "yes" } else { "**no**" };
        format!(
            "| `{name}` | {} | {} | {} | {} | {reached} |",
            self.engine.title(),
            self.what,
            self.goal,
            self.found
        )
    }
}

/// The head of the table.
pub(crate) const HEAD: &str =
    "| figure | engine | what | goal | found | reached |\n|---|---|---|---|---|---|";

/// What all figures are measured with.
pub(crate) struct Bench<'a> {
    pub(crate) programs: &'a Path,
    pub(crate) options: &'a Options,
}

type Measure = fn(&Bench<'_>) -> Result<Vec<Finding>, String>;

/// By the name that `--only` has for each.
pub(crate) const ALL: &[(&str, Measure)] = &[
    ("start", living::start),
    ("idle", living::idle),
    ("soak", living::soak),
    ("commits", writes::commits),
    ("readers", writes::readers),
    ("rush", writes::rush),
    ("pgbench", pgbench::pgbench),
    ("pages", sizes::pages),
    ("stores", sizes::stores),
    ("catalogue", sizes::catalogue),
];

/// What figures are measured on unless they are about size.
const USUAL: Size = Size { tenants: 100, products: 1000, orders: 0 };

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
