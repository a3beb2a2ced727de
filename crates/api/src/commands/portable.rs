//! `haat export` and `haat import`: one store as one file.

use super::new_file::{NewFile, at};
use super::{explain, migrations};
use crate::Failure;
use crate::config::{self, Settings};
use haat_infra::db::DatabaseUrl;
use haat_infra::db::portable::{self, FileError, Moved, StoreFile};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::path::Path;

pub(super) fn export(settings: &Settings, store: &str, to: &config::NewFile) -> Result<(), Failure> {
    let (url, options) = (settings.database()?, settings.database_options());
    let new = NewFile::beside(to)?;
    let bar = bar()?;
    let written =
        portable::export(&url, &options, store, new.file(), &mut |done, all| advance(&bar, done, all));
    let (_, moved) = written.map_err(|error| about(&to.file, error))?;
    new.keep()?;
    bar.finish_and_clear();
    println!("exported {} to {}", told(&moved), to.file.display());
    Ok(())
}

pub(super) fn import(settings: &Settings, path: &Path) -> Result<(), Failure> {
    let (owner, options) = (settings.owner_database()?, settings.database_options());
    let file = File::open(path).map_err(|error| at(path, &error))?;
    let file = StoreFile::verify(file).map_err(|error| about(path, error))?;
    if let DatabaseUrl::Sqlite(_) = owner {
        migrations(settings)?.up().map_err(explain)?;
    }
    let bar = bar()?;
    let moved = portable::import(&owner, &options, file, &mut |done, all| advance(&bar, done, all))
        .map_err(|error| about(path, error))?;
    bar.finish_and_clear();
    println!("imported {} from {}", told(&moved), path.display());
    Ok(())
}

/// It is drawn on standard error, and only if that is a terminal.
fn bar() -> Result<ProgressBar, Failure> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {per_sec}, {eta} left")?;
    Ok(ProgressBar::new(0).with_style(style))
}

fn advance(bar: &ProgressBar, done: u64, all: u64) {
    bar.set_length(all);
    bar.set_position(done);
}

fn told(moved: &Moved) -> String {
    format!("store {} {} with {} rows", moved.id, moved.name, moved.rows)
}

/// What is wrong, and with which file where it is about one.
pub(super) fn about(path: &Path, error: FileError) -> Failure {
    match error {
        FileError::Refused(why) => why.into(),
        FileError::Io(error) => at(path, &error),
        FileError::Database(error) => explain(error),
    }
}
