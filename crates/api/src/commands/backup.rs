//! `haat backup` and `haat restore`: a whole SQLite database; and what does the same on PostgreSQL.

use super::new_file::{NewFile, at, folder, same, sync_folder};
use super::portable::about;
use crate::Failure;
use crate::config::{self, Settings};
use haat_infra::db::{self, DatabaseUrl};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn backup(settings: &Settings, to: &config::NewFile) -> Result<(), Failure> {
    let database = match settings.database()? {
        DatabaseUrl::Sqlite(path) => path,
        DatabaseUrl::Postgres(url) => return Err(pg_dump(&url, &to.file).into()),
    };
    if same(&database, &to.file) {
        return Err("this is the database itself".into());
    }
    let new = NewFile::beside(to)?;
    db::copy_database(&database, &settings.database_options().sqlite, new.path())
        .map_err(|error| about(&to.file, error))?;
    new.keep()?;
    println!("backed up {} to {}", database.display(), to.file.display());
    Ok(())
}

pub(super) fn restore(settings: &Settings, from: &Path) -> Result<(), Failure> {
    let database = match settings.database()? {
        DatabaseUrl::Sqlite(path) => path,
        DatabaseUrl::Postgres(url) => return Err(pg_restore(&url, from).into()),
    };
    if same(&database, from) {
        return Err("this is the database itself".into());
    }
    // A database in use is more than its file, and what is in its log would be lost.
    if beside(from, "-wal").metadata().is_ok_and(|log| log.len() > 0) {
        let log = beside(from, "-wal");
        return Err(format!(
            "{} is no backup: there is a write-ahead log, {}",
            from.display(),
            log.display()
        )
        .into());
    }
    std::fs::create_dir_all(folder(&database)).map_err(|error| at(&database, &error))?;
    let new = NewFile::beside(&config::NewFile { file: database.clone(), force: true })?;
    let mut backup = File::open(from).map_err(|error| at(from, &error))?;
    io::copy(&mut backup, &mut new.file()).map_err(|error| at(from, &error))?;
    // The copy: what is looked at is what will be used.
    db::verify_database(new.path()).map_err(|error| about(from, error))?;
    let kept = replace(&database, new)?;
    println!("restored {} from {}", database.display(), from.display());
    if let Some(kept) = kept {
        println!("what was there is kept as {}", kept.display());
    }
    Ok(())
}

/// Puts the new file in the database's place, which is never empty meanwhile; says under which name the old one is
/// kept.
fn replace(database: &Path, new: NewFile) -> Result<Option<PathBuf>, Failure> {
    if !database.exists() {
        set_log_aside(database, &beside(database, ".before-restore"))?;
        return new.keep().map(|()| None);
    }
    let _held = db::hold_database(database).map_err(|error| about(database, error))?;
    let kept = second_name(database)?;
    set_log_aside(database, &kept)?;
    new.keep()?;
    sync_folder(database)?;
    Ok(Some(kept))
}

/// `haat.db.before-restore`, or the first such name with a number behind it that is free.
fn second_name(database: &Path) -> Result<PathBuf, Failure> {
    for number in 1..=1000 {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let kept = beside(database, &format!(".before-restore{suffix}"));
        match std::fs::hard_link(database, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(at(&kept, &error)),
            Ok(()) => return Ok(kept),
        }
    }
    Err("there are a thousand databases from before a restore: remove some".into())
}

/// A write-ahead log that was left behind would be played into the new database, and ruin it. Beside the database that
/// it belongs to it can still be read; its index is made anew then.
fn set_log_aside(database: &Path, kept: &Path) -> Result<(), Failure> {
    let (log, index) = (beside(database, "-wal"), beside(database, "-shm"));
    for done in [std::fs::rename(&log, beside(kept, "-wal")), std::fs::remove_file(index)] {
        match done {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&log, &error)),
            _ => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The tables' owner is subject to row-level security, so that it could not read them all.
const WHO: &str = "as a superuser, or in another role that bypasses row-level security:";

fn pg_dump(url: &str, to: &Path) -> String {
    let (url, to) = (as_superuser(url), to.display());
    format!("on PostgreSQL pg_dump makes backups, {WHO}\n\n  pg_dump --format=custom --file='{to}' '{url}'")
}

fn pg_restore(url: &str, from: &Path) -> String {
    let (url, from) = (as_superuser(url), from.display());
    format!(
        "on PostgreSQL pg_restore puts backups back, {WHO}\n\n  \
         pg_restore --clean --if-exists --exit-on-error --single-transaction --dbname='{url}' '{from}'\n\n\
         The server must be stopped, and the roles be there: docs/operations.md, \"On PostgreSQL\"."
    )
}

/// The same database for the superuser, and without anybody's password.
fn as_superuser(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (server, options) = rest.split_once('?').unwrap_or((rest, ""));
    let server = server.rsplit_once('@').map_or(server, |(_, server)| server);
    let secret = |option: &&str| !option.starts_with("user=") && !option.starts_with("password=");
    let options: Vec<_> = options.split('&').filter(|option| !option.is_empty()).filter(secret).collect();
    let mark = if options.is_empty() { "" } else { "?" };
    format!("{scheme}://postgres@{server}{mark}{}", options.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_name_the_database_and_no_password() {
        for (url, shown) in [
            ("postgres://haat_owner:s3c@ret@db:5433/haat", "postgres://postgres@db:5433/haat"),
            (
                "postgresql://db/haat?user=x&sslmode=require&password=y",
                "postgresql://postgres@db/haat?sslmode=require",
            ),
            ("postgres:///haat?host=%2Frun", "postgres://postgres@/haat?host=%2Frun"),
        ] {
            assert_eq!(as_superuser(url), shown);
        }
    }
}
