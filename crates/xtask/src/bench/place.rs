//! A database to measure on, filled by `haat demo`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use haat_testkit::{Cluster, Durability};

use super::options::{Engine, Size};
use super::{growth, machine, subject};
use crate::shell::{Outcome, empty_folder, output, run, write};

/// So many products are made by the use cases; the rest are copies.
const MODEL: u32 = 1000;

/// A filled database; gone with its value, unless it is a SQLite file, which the next run replaces.
pub(crate) struct Place {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    pub(crate) folder: PathBuf,
    cluster: Option<Cluster>,
}

impl Place {
    /// Makes and fills it. Every COMMIT waits for the disk, on both engines.
    pub(crate) fn fill(engine: Engine, size: Size, programs: &Path) -> Result<Self, String> {
        // Two may be compared: each has a folder of its own.
        let folder = programs.join(format!("{}-{}-{}", engine.name(), size.tenants, size.products));
        empty_folder(&folder)?;
        let (url, cluster) = match engine {
            Engine::Sqlite => (format!("sqlite:{}", folder.join("haat.db").display()), None),
            Engine::Postgres => {
                let cluster = Cluster::start(Durability::Durable)?;
                let mut psql = Command::new("psql");
                run(psql.args(["-X", "-q", "-c", "CREATE DATABASE haat", &cluster.url_for("postgres")]))?;
                (cluster.url_for("haat"), Some(cluster))
            }
        };
        let place = Self { engine, url, folder: programs.to_owned(), cluster };
        let began = Instant::now();
        run(place.haat().arg("migrate").stdout(Stdio::null()))?;
        let model = size.products.min(MODEL);
        let demo = ["demo", "--tenants", "1", "--products", &model.to_string()];
        run(place.haat().args(demo).stdout(Stdio::null()).stderr(Stdio::null()))?;
        place.execute(&growth::statements(engine, size, model))?;
        println!("filled in {:.1} s", began.elapsed().as_secs_f64());
        Ok(place)
    }

    /// Sends statements, past all walls.
    fn execute(&self, sql: &str) -> Outcome {
        let file = self.folder.join("growth.sql");
        write(&file, sql)?;
        let input = File::open(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        run(self.client().stdin(input).stdout(Stdio::null()))
    }

    /// How many orders there are, as the database says.
    pub(crate) fn orders(&self) -> Result<i64, String> {
        let flag = if self.cluster.is_some() { "-Atc" } else { "-list" };
        let told = output(self.client().args([flag, "SELECT count(*) FROM orders"]))?;
        let told = String::from_utf8_lossy(&told);
        told.trim().parse().map_err(|_| format!("a count of orders: {told}"))
    }

    fn client(&self) -> Command {
        match &self.cluster {
            None => {
                let mut sqlite = Command::new("sqlite3");
                sqlite.args(["-bail", self.url.trim_start_matches("sqlite:")]);
                sqlite
            }
            Some(cluster) => {
                let mut psql = Command::new("psql");
                let url = cluster.superuser_url_for("haat");
                psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &url]);
                psql
            }
        }
    }

    /// The database's URL for whoever no wall stops.
    pub(crate) fn superuser_url(&self) -> String {
        self.cluster.as_ref().map_or_else(|| self.url.clone(), |cluster| cluster.superuser_url_for("haat"))
    }

    /// The program on this database.
    pub(crate) fn haat(&self) -> Command {
        subject::haat(&self.folder, &self.url)
    }

    /// The CPU milliseconds of the database's own processes; on SQLite it has none.
    pub(crate) fn cpu_ms(&self) -> f64 {
        self.cluster.as_ref().and_then(Cluster::server_pid).map_or(0.0, machine::family_cpu_ms)
    }
}
