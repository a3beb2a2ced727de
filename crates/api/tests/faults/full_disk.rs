//! The disk under a SQLite file is full, and then has room again.

use crate::load::Load;
use crate::program::Haat;
use crate::{market, server};
use std::fs::File;
use std::io::{Read, copy, repeat};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A small disk of a test's own, in memory.
struct Disk {
    folder: TempDir,
}

impl Disk {
    /// `None`: nobody may make one here, and that has been said.
    fn make(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m,mode=0700");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "haat-full-disk"])
            .arg(folder.path())
            .output()
            .expect("mount runs");
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            haat_testkit::skip_or_fail("a full disk", &format!("it takes root to mount one: {}", why.trim()));
            return None;
        }
        Some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        let full = copy(&mut repeat(0).take(u64::MAX), &mut ballast).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> std::path::PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // `--lazy`: also while the program, which goes later where the test fails, still has its files open.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_stops_writes_alone_and_loses_nothing() {
    let Some(disk) = Disk::make(48) else { return };
    let url = format!("sqlite:{}", disk.path().join("haat.db").display());
    let mut haat = Haat::serve(&url, &[]);
    let market = market::open(haat.address, 2);
    let load = Load::start(&market, 4);
    for _ in 0..2 {
        load.placed(50);
        disk.fill();
        // What is in the log of SQLite already may be written over; then nothing goes any more.
        load.unknown(50);
        for stall in &market {
            stall.customer.get("/api/products/").must(200);
            stall.owner.get("/api/orders/?limit=200").must(200);
        }
        disk.make_room();
    }
    load.placed(50);
    assert!(haat.is_running());
    market::settle(&url, &market, load).was_always_answered();
    let mut database = server::raw(&url);
    assert_eq!(database.lines("SELECT integrity_check FROM pragma_integrity_check").unwrap(), ["ok"]);
}
