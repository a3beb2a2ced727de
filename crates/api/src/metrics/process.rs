//! What the system says of this process, as Linux tells it in `/proc`; elsewhere nothing.

use std::fs;
use std::time::Duration;

/// Linux counts a process's time in hundredths of a second, on whatever machine (`USER_HZ`).
const TICK_MILLIS: u64 = 10;

/// A process at one moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) resident_bytes: Option<u64>,
    pub(super) threads: Option<u64>,
    pub(super) open_files: Option<usize>,
    pub(super) most_files: Option<u64>,
    pub(super) cpu: Option<Duration>,
}

impl Process {
    /// This one, now.
    pub(super) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            resident_bytes: field(&status, "VmRSS:").map(|kibibytes| kibibytes * 1024),
            threads: field(&status, "Threads:"),
            open_files: fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
            most_files: rlimit::Resource::NOFILE.get_soft().ok(),
            cpu: fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu(&stat)),
        }
    }
}

/// A number in `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User's and system's time in `/proc/self/stat`. The second field is the program's name, in brackets, which may hold
/// anything.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some(Duration::from_millis(TICK_MILLIS.saturating_mul(user.saturating_add(system))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_from_proc() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 9 0 12345 1 2";
        assert_eq!(cpu(stat), Some(Duration::from_secs(2)));
        assert_eq!(cpu("7 (haat"), None);
        let status = "Name:\thaat\nVmRSS:\t   31234 kB\nThreads:\t9\n";
        assert_eq!((field(status, "VmRSS:"), field(status, "Threads:")), (Some(31_234), Some(9)));
        assert_eq!(field(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_has_memory_threads_and_files() {
        let process = Process::now();
        assert!(process.resident_bytes.unwrap() > 1024 * 1024, "{process:?}");
        assert!(process.threads.unwrap() >= 1 && process.open_files.unwrap() >= 3, "{process:?}");
        assert!(process.most_files.is_some() && process.cpu.is_some(), "{process:?}");
    }
}
