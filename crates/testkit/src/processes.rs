//! Processes and what they have started.

use std::fs;
use std::io;
use std::process::{Command, Stdio};

/// A process that does nothing, nor do those that it has started, as long as this is there.
#[derive(Debug)]
pub struct Frozen {
    parent: u32,
}

impl Frozen {
    pub(crate) fn with_children(parent: u32) -> io::Result<Self> {
        let frozen = Self { parent };
        // First the one that makes the others, and then all that it has made.
        signal("-STOP", &[parent])?;
        signal("-STOP", &children(parent))?;
        Ok(frozen)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // What is gone need not go on.
        let _ = signal("-CONT", &[children(self.parent).as_slice(), &[self.parent]].concat());
    }
}

/// Sends a signal to all of these. A session that ended in between makes `kill` complain, which is nothing to us.
pub(crate) fn signal(name: &str, processes: &[u32]) -> io::Result<()> {
    let mut kill = Command::new("kill");
    kill.arg(name).args(processes.iter().map(ToString::to_string));
    kill.stderr(Stdio::null()).status().map(drop)
}

/// The processes that this one has started.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent_of = |process: &u32| {
        let status = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name, in brackets, may hold anything; the parent is the second field behind it.
        status.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    numbers.filter(|process| parent_of(process) == Some(parent)).collect()
}
