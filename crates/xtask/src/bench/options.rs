//! What the command can be told.

use std::path::PathBuf;

/// For `cargo xtask help`.
pub(crate) const HELP: &str = "\
  bench [--engine sqlite|postgres|both] [--only NAME] [--rounds N] [--seconds N]
        [--tenants N] [--products N] [--orders N] [--markdown FILE]
                         what a request costs, beside the floor: list, one, search, order, hot, mixed, login
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
            markdown: None,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
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
                "--markdown" => options.markdown = Some(value.into()),
                _ => return Err(format!("no such option: {name}\n\n{HELP}")),
            }
        }
        Ok(options)
    }

    /// Whether a part is to be measured: `--only` may name several, with commas between them.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.split(',').any(|name| name == part))
    }
}
