use super::dialect::store_error;
use super::store::{SqliteOptions, establish, existing, file_name};
use crate::db::migrate;
use crate::db::portable::FileError;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use std::path::Path;

/// Writes the database as it is at one moment, while others write on, into a file that is empty or not there, and
/// looks whether the copy is good.
pub fn copy_database(database: &Path, options: &SqliteOptions, to: &Path) -> Result<(), FileError> {
    let mut conn = existing(database, options)?;
    migrate::check_exact(&mut conn)?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(file_name(to)?)
        .execute(&mut conn)
        .map_err(store_error)?;
    verify_database(to)
}

/// Whether a file that nobody uses is a whole database of Haat, of this version or one before it.
pub fn verify_database(file: &Path) -> Result<(), FileError> {
    let mut conn = establish(file_name(file)?)?;
    let refused = |why: String| FileError::Refused(format!("this is no database of Haat: {why}"));
    let lines = |conn: &mut SqliteConnection, sql: &str| {
        diesel::dsl::sql::<Text>(sql).load::<String>(conn).map_err(|error| refused(error.to_string()))
    };
    // What comes from elsewhere may hold triggers and the like, and they shall do nothing.
    conn.batch_execute("PRAGMA trusted_schema = OFF").map_err(|error| refused(error.to_string()))?;
    let faults = lines(&mut conn, "PRAGMA integrity_check(10)")?;
    if faults != ["ok"] {
        return Err(refused(faults.join("; ")));
    }
    if let Some(version) = migrate::newer(&mut conn).map_err(|error| refused(error.to_string()))? {
        return Err(FileError::Refused(format!(
            "the database has migration {version}, which this program does not know: use the newer one"
        )));
    }
    if lines(&mut conn, "SELECT slug FROM tenants WHERE id = 0")?.len() != 1 {
        return Err(refused("it has no platform".to_owned()));
    }
    match lines(&mut conn, "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")?.first() {
        None => Ok(()),
        Some(table) => Err(refused(format!("a row of {table} refers to one that is not there"))),
    }
}

/// A database that nobody else has open, until this is dropped.
pub struct Held {
    _conn: SqliteConnection,
}

/// Holds a database, all of it in its file and none in a write-ahead log. `None`: it cannot be read at all, so that
/// nobody can be using it.
pub fn hold_database(file: &Path) -> Result<Option<Held>, FileError> {
    let mut conn = establish(file_name(file)?)?;
    // Who leaves the write-ahead log must be alone; and stays so, for the mode is exclusive.
    let alone = conn.batch_execute(
        "PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE",
    );
    let mode = diesel::dsl::sql::<Text>("PRAGMA journal_mode").get_result::<String>(&mut conn);
    let in_use = || FileError::Refused(format!("{} is in use: stop the server first", file.display()));
    match alone {
        Ok(()) if mode.is_ok_and(|mode| mode == "delete") => Ok(Some(Held { _conn: conn })),
        Err(error) if !error.to_string().contains("is locked") => Ok(None),
        Ok(()) | Err(_) => Err(in_use()),
    }
}
