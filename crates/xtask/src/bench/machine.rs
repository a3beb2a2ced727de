//! What the kernel knows of processes, and of the machine.

use std::fs;

/// What `/proc` counts time in: a hundredth of a second, on every architecture that Linux has.
const TICK_MS: f64 = 10.0;

/// The CPU milliseconds of a process so far, in the program and in the kernel for it, all threads.
pub(crate) fn cpu_ms(pid: u32) -> f64 {
    stat(pid).map_or(0.0, |stat| stat.own)
}

/// The same of a process and its children, those that have ended among them.
pub(crate) fn family_cpu_ms(pid: u32) -> f64 {
    let numbered = |name: std::ffi::OsString| name.to_str().and_then(|name| name.parse().ok());
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = all.filter_map(|entry| stat(numbered(entry.file_name())?)).filter(|one| one.parent == pid);
    stat(pid).map_or(0.0, |stat| stat.own + stat.ended) + children.map(|child| child.own).sum::<f64>()
}

struct Stat {
    parent: u32,
    own: f64,
    /// Of children that have ended.
    ended: f64,
}

/// `/proc/PID/stat`, behind the name, which may hold anything.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: (ticks(11)? + ticks(12)?) * TICK_MS,
        ended: (ticks(13)? + ticks(14)?) * TICK_MS,
    })
}

/// Resident memory, in MiB: all of it, with what is mapped of a SQLite file.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    status_mib(pid, "VmRSS:")
}

/// The part of it that is of no file.
pub(crate) fn anonymous_mib(pid: u32) -> f64 {
    status_mib(pid, "RssAnon:")
}

fn status_mib(pid: u32, name: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Processors, their model, memory, and the kernel.
pub(crate) fn description() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (processors, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        line.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    let memory: f64 = field(&memory, "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
    format!(
        "{count} processors ({}), {:.0} GiB of memory, Linux {}",
        field(&processors, "model name"),
        memory / 1024.0 / 1024.0,
        read("/proc/sys/kernel/osrelease").trim(),
    )
}
