//! A database of one's own for each test, gone when the test ends.
#![expect(
    clippy::expect_used,
    reason = "only tests come here, and a test that cannot have its database must fail"
)]

use crate::db::{self, DatabaseUrl, Migrations, Options};
use diesel::RunQueryDsl;
use haat_domain::ports::Store;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file in a temporary folder.
    Sqlite,
    /// A database in `TEST_DATABASE_URL`'s server, or in a private one of this process.
    Postgres,
}

/// A fresh database with its schema in place.
pub struct TestDatabase {
    url: DatabaseUrl,
    options: Options,
    /// Holds the SQLite file.
    _folder: Option<TempDir>,
    /// Is dropped with this.
    _database: Option<PgDatabase>,
}

impl TestDatabase {
    /// A fresh database. `None`: there is no PostgreSQL here, and the test may be skipped; that has been said.
    pub fn new(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => Some(Self::sqlite()),
            Engine::Postgres => Self::postgres(),
        }
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("haat.db"));
        let options = Options::default();
        Migrations::of(&url, &options).and_then(|mut all| all.up()).expect("migrations");
        Self { url, options, _folder: Some(folder), _database: None }
    }

    fn postgres() -> Option<Self> {
        let server = match haat_testkit::postgres_url() {
            Ok(server) => server,
            Err(why) => {
                haat_testkit::skip_or_fail("PostgreSQL", &why);
                return None;
            }
        };
        let database = PgDatabase::copy(server);
        let mut options = Options::default();
        options.postgres.pool = 4;
        Some(Self {
            url: DatabaseUrl::Postgres(database.url.clone()),
            options,
            _folder: None,
            _database: Some(database),
        })
    }

    /// Its URL.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Its URL as text.
    pub fn url_text(&self) -> String {
        match &self.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        }
    }

    /// How to use it.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A store on it.
    pub fn store(&self) -> Arc<dyn Store> {
        db::open(&self.url, &self.options).expect("a store")
    }
}

struct PgDatabase {
    server: String,
    name: String,
    url: String,
}

/// The migrated database that the others are copied from; one per process.
static TEMPLATE: OnceLock<String> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl PgDatabase {
    fn copy(server: String) -> Self {
        let template = TEMPLATE.get_or_init(|| {
            let name = format!("haat_template_{}", std::process::id());
            execute(&server, &format!("CREATE DATABASE {name}"));
            let url = DatabaseUrl::Postgres(with_database(&server, &name));
            Migrations::of(&url, &Options::default()).and_then(|mut all| all.up()).expect("migrations");
            name
        });
        let name = format!("haat_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        execute(&server, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Self { url: with_database(&server, &name), server, name }
    }
}

impl Drop for PgDatabase {
    fn drop(&mut self) {
        execute(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn execute(server: &str, sql: &str) {
    let mut conn = db::establish_postgres(server).expect("the PostgreSQL server of the tests");
    diesel::sql_query(sql).execute(&mut conn).expect("a database for this test");
}

/// The same server's URL with another database: what stands between the host and the question mark.
fn with_database(server: &str, name: &str) -> String {
    let (front, options) = server.split_once('?').unwrap_or((server, ""));
    let (front, _) = front.rsplit_once('/').expect("a URL with a database");
    if options.is_empty() { format!("{front}/{name}") } else { format!("{front}/{name}?{options}") }
}
