//! Migrations: embedded, the same names on both engines, each split into statements that are sent one at a time.

use super::postgres::establish;
use super::{DatabaseUrl, Options, sqlite, unavailable};
use diesel::backend::Backend;
use diesel::connection::{BoxableConnection, SimpleConnection};
use diesel::migration::{Migration, MigrationMetadata, MigrationName, MigrationVersion};
use diesel::prelude::*;
use diesel_migrations::MigrationHarness;
use haat_domain::error::{Error, Result};
use std::fmt;

type MigrationResult<T> = diesel::migration::Result<T>;

macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        /// The names of all migrations, oldest first.
        pub const NAMES: &[&str] = &[$($name),+];
        const SQLITE: &[Script] = &[$(Script {
            name: $name,
            up: include_str!(concat!("../../../../migrations/sqlite/", $name, "/up.sql")),
            down: include_str!(concat!("../../../../migrations/sqlite/", $name, "/down.sql")),
        }),+];
        const POSTGRES: &[Script] = &[$(Script {
            name: $name,
            up: include_str!(concat!("../../../../migrations/postgres/", $name, "/up.sql")),
            down: include_str!(concat!("../../../../migrations/postgres/", $name, "/down.sql")),
        }),+];
    };
}

migrations!["0001_init", "0002_walls", "0003_panel"];

/// The line between two statements. Citus takes no message of several statements.
const MARKER: &str = "--;;";

#[derive(Debug, Clone, Copy)]
struct Script {
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl MigrationName for Script {
    fn version(&self) -> MigrationVersion<'_> {
        MigrationVersion::from(version(self.name))
    }
}

impl MigrationMetadata for Script {}

impl<DB: Backend> Migration<DB> for Script {
    fn run(&self, conn: &mut dyn BoxableConnection<DB>) -> MigrationResult<()> {
        send(conn, self.up)
    }

    fn revert(&self, conn: &mut dyn BoxableConnection<DB>) -> MigrationResult<()> {
        send(conn, self.down)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self
    }
}

fn send<DB: Backend>(conn: &mut dyn BoxableConnection<DB>, script: &str) -> MigrationResult<()> {
    script.split(MARKER).try_for_each(|statement| Ok(conn.batch_execute(statement)?))
}

/// `0001` of `0001_init`.
fn version(name: &'static str) -> &'static str {
    name.split('_').next().unwrap_or(name)
}

/// The schema of one database. On PostgreSQL the login must own the schema, or be allowed to make it.
pub struct Migrations {
    conn: Conn,
}

enum Conn {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Migrations {
    /// Connects.
    pub fn of(url: &DatabaseUrl, options: &Options) -> Result<Self> {
        Ok(Self {
            conn: match url {
                DatabaseUrl::Sqlite(path) => Conn::Sqlite(sqlite::connect(path, &options.sqlite)?),
                DatabaseUrl::Postgres(url) => Conn::Postgres(establish(url)?),
            },
        })
    }

    /// Each migration, oldest first, and whether it was applied.
    pub fn status(&mut self) -> Result<Vec<(&'static str, bool)>> {
        let applied = match &mut self.conn {
            Conn::Sqlite(conn) => applied(conn),
            Conn::Postgres(conn) => applied(conn),
        }?;
        Ok(NAMES.iter().map(|name| (*name, applied.iter().any(|known| known == version(name)))).collect())
    }

    /// Applies what is missing; says what was done. Several programs may do so at once.
    pub fn up(&mut self) -> Result<Vec<&'static str>> {
        self.to(NAMES.last().copied().unwrap_or_default())
    }

    /// Applies or takes back migrations until this one is the newest; an empty name takes all of them back.
    pub fn to(&mut self, name: &str) -> Result<Vec<&'static str>> {
        if !name.is_empty() && !NAMES.contains(&name) {
            return Err(Error::invalid("to", format!("must be one of {}", NAMES.join(", "))));
        }
        match &mut self.conn {
            Conn::Sqlite(conn) => {
                conn.immediate_transaction(|conn| Ok::<_, Failure>(go(conn, SQLITE, name)?))
            }
            Conn::Postgres(conn) => {
                // Makes the table of migrations, outside the transaction. Of two programs that make it at once one
                // fails, and finds it there when it looks again.
                conn.applied_migrations().or_else(|_| conn.applied_migrations()).map_err(Error::Internal)?;
                conn.transaction(|conn| {
                    conn.batch_execute("LOCK TABLE __diesel_schema_migrations IN SHARE ROW EXCLUSIVE MODE")?;
                    Ok::<_, Failure>(go(conn, POSTGRES, name)?)
                })
            }
        }
        .map_err(|failure| Error::Internal(failure.0))
    }
}

struct Failure(haat_domain::error::Cause);

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self(error.into())
    }
}

impl From<haat_domain::error::Cause> for Failure {
    fn from(error: haat_domain::error::Cause) -> Self {
        Self(error)
    }
}

fn go<DB, C>(conn: &mut C, scripts: &'static [Script], name: &str) -> MigrationResult<Vec<&'static str>>
where
    DB: Backend,
    C: MigrationHarness<DB>,
{
    let applied: Vec<String> = conn.applied_migrations()?.iter().map(ToString::to_string).collect();
    let is_applied = |script: &Script| applied.iter().any(|known| known == version(script.name));
    let wanted = scripts.iter().position(|script| script.name == name).map_or(0, |newest| newest + 1);
    let (keep, drop) = scripts.split_at(wanted);
    let mut done = Vec::new();
    for script in drop.iter().rev().filter(|script| is_applied(script)) {
        conn.revert_migration(script)?;
        done.push(script.name);
    }
    for script in keep.iter().filter(|script| !is_applied(script)) {
        conn.run_migration(script)?;
        done.push(script.name);
    }
    Ok(done)
}

fn applied<DB, C>(conn: &mut C) -> Result<Vec<String>>
where
    DB: Backend,
    C: MigrationHarness<DB>,
{
    let applied = conn.applied_migrations().map_err(Error::Internal)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// Whether the schema is the one this program was built for.
pub(super) fn check_current<DB, C>(conn: &mut C) -> Result<()>
where
    DB: Backend,
    C: LoadVersions<DB>,
{
    let known = conn.versions().map_err(unavailable)?;
    match NAMES.iter().find(|name| !known.iter().any(|applied| applied == version(name))) {
        None => Ok(()),
        Some(missing) => Err(unavailable(format!("migration {missing} is missing: run `haat migrate`"))),
    }
}

/// Whether the schema is that one and no newer one either: whoever moves all of a store must know all that there is.
pub(super) fn check_exact<DB, C>(conn: &mut C) -> Result<()>
where
    DB: Backend,
    C: LoadVersions<DB>,
{
    check_current(conn)?;
    match newer(conn).map_err(unavailable)? {
        None => Ok(()),
        Some(version) => Err(unavailable(format!(
            "the database has migration {version}, which this program does not know: use the newer one"
        ))),
    }
}

/// A migration that this program does not know.
pub(super) fn newer<DB, C>(conn: &mut C) -> QueryResult<Option<String>>
where
    DB: Backend,
    C: LoadVersions<DB>,
{
    Ok(conn.versions()?.into_iter().find(|applied| !NAMES.iter().any(|name| applied == version(name))))
}

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
        run_on -> Timestamp,
    }
}

/// Reads the applied versions without making the table, which the application's role could not.
pub(super) trait LoadVersions<DB> {
    fn versions(&mut self) -> QueryResult<Vec<String>>;
}

macro_rules! load_versions {
    ($conn:ty, $db:ty) => {
        impl LoadVersions<$db> for $conn {
            fn versions(&mut self) -> QueryResult<Vec<String>> {
                __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(self)
            }
        }
    };
}
load_versions!(SqliteConnection, diesel::sqlite::Sqlite);
load_versions!(PgConnection, diesel::pg::Pg);
