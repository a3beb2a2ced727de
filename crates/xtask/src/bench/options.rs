//! What the command can be told.

use std::path::PathBuf;

use super::workloads::Workload;

/// For `cargo xtask help`.
pub(crate) const HELP: &str = "\
  bench [--engine sqlite|postgres|both] [--only NAME,...] [--rounds N] [--seconds N] [--soak N]
        [--tenants N] [--products N] [--orders N] [--large] [--markdown FILE]
                         what requests cost, beside the floor (list, one, search, order, hot, mixed, login), and
                         further figures (start, idle, soak, commits, readers, rush, pgbench, pages, stores,
                         catalogue); docs/performance.md
  overload [the options of bench]
                         orders and lists at half to ten times the rate that the server can do
";

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// How much data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) tenants: u32,
    /// In each store.
    pub(crate) products: u32,
    /// In all stores together.
    pub(crate) orders: u32,
}

pub(crate) struct Options {
    pub(crate) engines: Vec<Engine>,
    only: Option<String>,
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    pub(crate) size: Size,
    /// Seconds of load before memory is looked at.
    pub(crate) soak: u32,
    pub(crate) markdown: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            engines: vec![Engine::Sqlite, Engine::Postgres],
            only: None,
            rounds: 3,
            seconds: 5,
            size: Size { tenants: 100, products: 1000, orders: 0 },
            soak: 600,
            markdown: None,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            if *name == "--large" {
                options.size = Size { tenants: 10_000, products: 100, orders: 1_000_000 };
                continue;
            }
            let value = *rest.next().ok_or_else(|| format!("{name}: a value is missing"))?;
            let number = || value.parse::<u32>().map_err(|_| format!("{name} {value}: no number"));
            match *name {
                "--engine" => {
                    options.engines = match value {
                        "sqlite" => vec![Engine::Sqlite],
                        "postgres" => vec![Engine::Postgres],
                        "both" => vec![Engine::Sqlite, Engine::Postgres],
                        _ => return Err(format!("--engine {value}: sqlite, postgres or both")),
                    }
                }
                "--only" => options.only = Some(value.to_owned()),
                "--rounds" => options.rounds = number()?.max(1),
                "--seconds" => options.seconds = number()?.max(1),
                "--tenants" => options.size.tenants = number()?.max(1),
                "--products" => options.size.products = number()?.max(1),
                "--orders" => options.size.orders = number()?,
                "--soak" => options.soak = number()?,
                "--markdown" => options.markdown = Some(value.into()),
                _ => return Err(format!("no such option: {name}\n\n{HELP}")),
            }
        }
        Ok(options)
    }

    /// Whether any row of the table of requests is to be measured.
    pub(crate) fn table(&self) -> bool {
        Workload::ALL.iter().any(|workload| self.wants(workload.name()))
    }

    /// Of these engines the wanted ones.
    pub(crate) fn engines_of<'a>(&'a self, these: &'a [Engine]) -> impl Iterator<Item = Engine> + 'a {
        these.iter().copied().filter(|engine| self.engines.contains(engine))
    }

    /// Whether a part is to be measured: `--only` may name several, with commas between them.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.split(',').any(|name| name == part))
    }
}
