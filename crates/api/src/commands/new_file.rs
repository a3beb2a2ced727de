use crate::Failure;
use crate::config;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that gets its name when it is complete. Until then it lies beside its place under another name, for nobody
/// but its owner to read; it is removed if it never gets so far.
pub(super) struct NewFile {
    file: NamedTempFile,
    to: PathBuf,
    force: bool,
}

impl NewFile {
    /// Nothing but an ordinary file is ever written over, and that only if it is wanted.
    pub(super) fn beside(to: &config::NewFile) -> Result<Self, Failure> {
        let config::NewFile { file: to, force } = to;
        match std::fs::symlink_metadata(to) {
            Ok(there) if !there.is_file() => {
                return Err(format!("{} is no ordinary file", to.display()).into());
            }
            Ok(_) if !force => return Err(taken(to)),
            _ => {}
        }
        let name = to.file_name().ok_or("this is no name of a file")?.to_string_lossy();
        let file =
            tempfile::Builder::new().prefix(&format!(".{name}.")).suffix(".partial").tempfile_in(folder(to));
        Ok(Self { file: file.map_err(|error| at(to, &error))?, to: to.clone(), force: *force })
    }

    /// What is written to.
    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Where it is meanwhile.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Gives the file its name, once the disk has all of it.
    pub(super) fn keep(self) -> Result<(), Failure> {
        let Self { file, to, force } = self;
        // By its name: who wrote to it may have opened it anew.
        File::open(file.path()).and_then(|file| file.sync_all()).map_err(|error| at(&to, &error))?;
        let kept = if force { file.persist(&to) } else { file.persist_noclobber(&to) };
        kept.map_err(|refused| {
            let there = refused.error.kind() == io::ErrorKind::AlreadyExists;
            if there { taken(&to) } else { at(&to, &refused.error) }
        })?;
        sync_folder(&to)
    }
}

fn taken(path: &Path) -> Failure {
    format!("{} is there already; --force writes over it", path.display()).into()
}

/// An error of the disk, and which file it was about.
pub(super) fn at(path: &Path, error: &io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}

pub(super) fn folder(of: &Path) -> &Path {
    of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Has the disk keep which names there are.
pub(super) fn sync_folder(of: &Path) -> Result<(), Failure> {
    File::open(folder(of)).and_then(|folder| folder.sync_all()).map_err(|error| at(of, &error))
}

/// Whether both names lead to one file.
pub(super) fn same(one: &Path, other: &Path) -> bool {
    let identity = |path| std::fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    identity(one).is_some_and(|one| Some(one) == identity(other))
}
