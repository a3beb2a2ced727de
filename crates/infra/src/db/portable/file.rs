//! The file: gzip over lines of JSON. The first says what it is, the last is a checksum over all before it.

use super::records::{Record, Store};
use super::{FileError, damaged};
use crate::db::MIGRATIONS;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use haat_domain::text::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

/// Raised when a program must not read what the one before it could, or the other way round.
const FORMAT: u32 = 1;

/// The longest line: far more than a row can be, and little enough to be kept in memory.
const LONGEST: u64 = 16 * 1024 * 1024;

/// How many rows of each table there are.
pub(in crate::db) type Counts = BTreeMap<String, u64>;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::db) struct Header {
    format: u32,
    program: String,
    migrations: Vec<String>,
    pub(in crate::db) store: Store,
    pub(in crate::db) rows: Counts,
}

#[derive(Serialize, Deserialize)]
enum First<H> {
    #[serde(rename = "haat")]
    Haat(H),
}

/// What every format has had and will have.
#[derive(Deserialize)]
struct Origin {
    format: u32,
    program: String,
}

#[derive(Serialize, Deserialize)]
enum Last {
    #[serde(rename = "sha256")]
    Sha256(String),
}

/// How the last line begins, and no other one.
const LAST: &[u8] = b"{\"sha256\":";

impl Header {
    /// Of a store with these rows, as this program writes it. There is no time in it: the same store makes the same
    /// file.
    pub(in crate::db) fn new(store: Store, rows: Counts) -> Self {
        let migrations = MIGRATIONS.iter().map(ToString::to_string).collect();
        Self { format: FORMAT, program: env!("CARGO_PKG_VERSION").to_owned(), migrations, store, rows }
    }

    fn parse(line: &[u8]) -> Result<Self, FileError> {
        let First::Haat(Origin { format, program }) = serde_json::from_slice(line).map_err(|_| foreign())?;
        let newer = || {
            FileError::Refused(format!(
                "the file was made by haat {program}, which is newer than this program"
            ))
        };
        if format > FORMAT {
            return Err(newer());
        }
        let First::Haat(header) =
            serde_json::from_slice::<First<Self>>(line).map_err(|error| damaged(1, error))?;
        if header.migrations.iter().any(|name| !MIGRATIONS.contains(&name.as_str())) {
            return Err(newer());
        }
        // Store 0 is the platform: its users are everybody's admins.
        if header.store.id < 1 {
            return Err(damaged(1, "a store's number begins at 1"));
        }
        Ok(header)
    }
}

fn foreign() -> FileError {
    FileError::Refused("this is no exported store".to_owned())
}

/// Writes a file from its first line to its last.
pub(in crate::db) struct Writer<W: Write> {
    out: BufWriter<GzEncoder<W>>,
    hash: Sha256,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(in crate::db) fn begin(out: W, header: &Header) -> Result<Self, FileError> {
        let out = BufWriter::with_capacity(1 << 16, GzEncoder::new(out, Compression::default()));
        let mut writer = Self { out, hash: Sha256::new(), line: Vec::new() };
        writer.line(&First::Haat(header))?;
        Ok(writer)
    }

    pub(in crate::db) fn row(&mut self, row: &Record) -> Result<(), FileError> {
        self.line(row)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), FileError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value).map_err(io::Error::from)?;
        self.line.push(b'\n');
        if u64::try_from(self.line.len()).unwrap_or(u64::MAX) > LONGEST {
            return Err(FileError::Refused("a row is longer than a line of the file may be".to_owned()));
        }
        self.hash.update(&self.line);
        Ok(self.out.write_all(&self.line)?)
    }

    /// Writes the checksum, and gives back what was written to.
    pub(in crate::db) fn finish(mut self) -> Result<W, FileError> {
        let checksum = Last::Sha256(hex(&self.hash.clone().finalize()));
        self.line(&checksum)?;
        let mut out = self.out.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
        out.flush()?;
        Ok(out)
    }
}

/// Reads a file line by line, and says at its end whether it was all there and as it was written.
pub(in crate::db) struct Reader<R: Read> {
    lines: BufReader<GzDecoder<BufReader<R>>>,
    hash: Sha256,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the first line.
    pub(in crate::db) fn begin(file: R) -> Result<(Self, Header), FileError> {
        let mut file = BufReader::with_capacity(1 << 16, file);
        if !file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
            return Err(foreign());
        }
        let lines = BufReader::with_capacity(1 << 16, GzDecoder::new(file));
        let mut reader = Self { lines, hash: Sha256::new(), line: Vec::new(), number: 0 };
        let header = match reader.next()? {
            Some(line) => Header::parse(line)?,
            None => return Err(foreign()),
        };
        Ok((reader, header))
    }

    /// The next row; `None` at the end of a file that is whole and unchanged.
    pub(in crate::db) fn row(&mut self) -> Result<Option<Record>, FileError> {
        let number = self.number + 1;
        self.next()?
            .map(|line| serde_json::from_slice(line).map_err(|error| damaged(number, error)))
            .transpose()
    }

    /// Reads on to the end, whatever the lines say.
    pub(in crate::db) fn skip(&mut self) -> Result<(), FileError> {
        while self.next()?.is_some() {}
        Ok(())
    }

    fn next(&mut self) -> Result<Option<&[u8]>, FileError> {
        self.number += 1;
        self.line.clear();
        (&mut self.lines).take(LONGEST).read_until(b'\n', &mut self.line).map_err(unreadable)?;
        if self.line.last() != Some(&b'\n') {
            return Err(damaged(self.number, "it ends in the middle, or is too long"));
        }
        if self.line.starts_with(LAST) {
            return self.end().map(|()| None);
        }
        self.hash.update(&self.line);
        Ok(Some(&self.line))
    }

    fn end(&mut self) -> Result<(), FileError> {
        let Last::Sha256(wanted) =
            serde_json::from_slice(&self.line).map_err(|error| damaged(self.number, error))?;
        if wanted != hex(&self.hash.clone().finalize()) {
            return Err(damaged(self.number, "the checksum is not that of the lines before it"));
        }
        // Reading on has gzip verify its own checksum, too.
        let more = !self.lines.fill_buf().map_err(unreadable)?.is_empty();
        if more || !self.lines.get_mut().get_mut().fill_buf()?.is_empty() {
            return Err(damaged(self.number, "something follows behind the checksum"));
        }
        Ok(())
    }
}

/// What gzip finds wrong with the bytes is no fault of the disk.
fn unreadable(error: io::Error) -> FileError {
    let of_gzip = [io::ErrorKind::InvalidInput, io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof];
    if of_gzip.contains(&error.kind()) {
        FileError::Refused(format!("the file is damaged or cut off: {error}"))
    } else {
        FileError::Io(error)
    }
}
