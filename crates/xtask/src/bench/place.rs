//! A database to measure on, filled by `haat demo`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use haat_testkit::{Cluster, Durability};

use super::{Engine, Size, machine, subject};
use crate::shell::{empty_folder, run};

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
        let folder = programs.join(engine.name());
        empty_folder(&folder)?;
        let (url, cluster) = match engine {
            Engine::Sqlite => (format!("sqlite:{}", folder.join("haat.db").display()), None),
            Engine::Postgres => {
                let cluster = Cluster::start(Durability::Durable)?;
                (cluster.url_for("postgres"), Some(cluster))
            }
        };
        let place = Self { engine, url, folder: programs.to_owned(), cluster };
        let began = Instant::now();
        run(place.haat().arg("migrate").stdout(Stdio::null()))?;
        let Size { tenants, products } = size;
        let demo = ["demo", "--tenants", &tenants.to_string(), "--products", &products.to_string()];
        run(place.haat().args(demo).stderr(Stdio::null()))?;
        println!("filled in {:.1} s", began.elapsed().as_secs_f64());
        Ok(place)
    }

    /// The program on this database.
    pub(crate) fn haat(&self) -> std::process::Command {
        subject::haat(&self.folder, &self.url)
    }

    /// The CPU milliseconds of the database's own processes; on SQLite it has none.
    pub(crate) fn cpu_ms(&self) -> f64 {
        self.cluster.as_ref().and_then(Cluster::server_pid).map_or(0.0, machine::family_cpu_ms)
    }
}
