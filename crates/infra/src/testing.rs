//! A database of one's own for each test, gone when the test ends.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "only tests come here, and a test that cannot have its database must fail"
)]

use crate::db::{self, DatabaseUrl, Migrations, Options};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use haat_domain::ports::Store;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
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
    /// Is dropped with this.
    _database: Option<PgDatabase>,
    /// Holds the SQLite file.
    _folder: Option<TempDir>,
}

impl TestDatabase {
    /// A fresh database. `None`: there is no PostgreSQL here, and the test may be skipped; that has been said.
    pub fn new(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => {
                let database = Self::sqlite();
                database.migrations().up().expect("migrations");
                Some(database)
            }
            Engine::Postgres => Self::postgres(PgDatabase::copy),
        }
    }

    /// The same without a schema; on SQLite there is not even the file.
    pub fn empty(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => Some(Self::sqlite()),
            Engine::Postgres => Self::postgres(PgDatabase::empty),
        }
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("haat.db"));
        Self { url, options: Options::default(), _database: None, _folder: Some(folder) }
    }

    fn postgres(make: fn(String) -> PgDatabase) -> Option<Self> {
        let server = match haat_testkit::postgres_url() {
            Ok(server) => server,
            Err(why) => {
                haat_testkit::skip_or_fail("PostgreSQL", &why);
                return None;
            }
        };
        let database = make(server);
        let mut options = Options::default();
        options.postgres.pool = 4;
        Some(Self {
            url: DatabaseUrl::Postgres(database.url.clone()),
            options,
            _database: Some(database),
            _folder: None,
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

    /// Its migrations.
    pub fn migrations(&self) -> Migrations {
        Migrations::of(&self.url, &self.options).expect("a connection for the migrations")
    }

    /// A connection past the store, as the owner of the tables.
    pub fn connect(&self) -> Raw {
        Raw::open(&self.url).expect("a connection")
    }
}

/// A connection for SQL by hand.
pub enum Raw {
    /// To a file.
    Sqlite(SqliteConnection),
    /// To a server.
    Postgres(PgConnection),
}

impl Raw {
    /// To this database, whosever it is.
    pub fn open(url: &DatabaseUrl) -> Result<Self, haat_domain::error::Error> {
        match url {
            DatabaseUrl::Sqlite(path) => {
                db::connect_sqlite(path, &Options::default().sqlite).map(Self::Sqlite)
            }
            DatabaseUrl::Postgres(url) => db::establish_postgres(url).map(Self::Postgres),
        }
    }

    /// To PostgreSQL as its superuser, in no test's database: only where the server is the tests' own.
    pub fn superuser() -> Option<Self> {
        let url = haat_testkit::superuser_url_for("postgres")?;
        Some(Self::Postgres(db::establish_postgres(&url).expect("a connection")))
    }

    /// Sends statements.
    pub fn run(&mut self, sql: &str) -> QueryResult<()> {
        match self {
            Self::Sqlite(conn) => conn.batch_execute(sql),
            Self::Postgres(conn) => conn.batch_execute(sql),
        }
    }

    /// The first column, a text, of each row.
    pub fn lines(&mut self, sql: &str) -> QueryResult<Vec<String>> {
        let query = diesel::dsl::sql::<Text>(sql);
        match self {
            Self::Sqlite(conn) => query.load(conn),
            Self::Postgres(conn) => query.load(conn),
        }
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
/// Names this process: its number would come again, and a server of others keeps what a killed process left.
#[expect(clippy::disallowed_methods, reason = "only that it is new matters")]
static RUN: LazyLock<String> = LazyLock::new(|| uuid::Uuid::new_v4().simple().to_string());

impl PgDatabase {
    fn copy(server: String) -> Self {
        let template = TEMPLATE.get_or_init(|| {
            let name = format!("haat_template_{}", *RUN);
            execute(&server, &format!("CREATE DATABASE {name}"));
            let url = DatabaseUrl::Postgres(database_of(&server, &name));
            Migrations::of(&url, &Options::default()).and_then(|mut all| all.up()).expect("migrations");
            name
        });
        Self::create(server, &format!("TEMPLATE {template}"))
    }

    fn empty(server: String) -> Self {
        Self::create(server, "")
    }

    fn create(server: String, how: &str) -> Self {
        let name = format!("haat_test_{}_{}", *RUN, NUMBER.fetch_add(1, Ordering::Relaxed));
        execute(&server, &format!("CREATE DATABASE {name} {how}"));
        Self { url: database_of(&server, &name), server, name }
    }
}

impl Drop for PgDatabase {
    fn drop(&mut self) {
        execute(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn database_of(server: &str, name: &str) -> String {
    haat_testkit::with_database(server, name).expect("a URL with a database")
}

fn execute(server: &str, sql: &str) {
    let mut conn = db::establish_postgres(server).expect("the PostgreSQL server of the tests");
    diesel::sql_query(sql).execute(&mut conn).expect("a database for this test");
}
