//! chromedriver: one for all tests of the process, which have sessions of their own.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

/// Programs, and the port that the driver listens on.
pub(super) struct Driver {
    pub(super) url: String,
    pub(super) chromium: std::path::PathBuf,
    /// Closes when this process ends, however it does; then the driver ends, and its browsers with it.
    _leash: Option<ChildStdin>,
    _shell: Child,
}

static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();

/// The driver; where there is none, that is said.
pub(super) fn driver(what: &str) -> Option<&'static Driver> {
    let driver = DRIVER.get_or_init(start).as_ref();
    if driver.is_none() {
        haat_testkit::skip_or_fail(what, "there is no chromium with chromedriver");
    }
    driver
}

/// A process that is killed leaves its children running, so the driver is one of a shell's that waits for our end. And a
/// browser that is killed leaves its folders behind, so they have one that goes with it.
const LEASH: &str = r#"
exec 3<&0 </dev/null
TMPDIR=$(mktemp -d)
export TMPDIR
"$1" --port=0 3<&- &
driver=$!
{ cat <&3 >/dev/null; kill "$driver"; } &
wait "$driver"
rm -rf "$TMPDIR"
"#;

fn start() -> Option<Driver> {
    let (program, chromium) = (haat_testkit::chromedriver()?, haat_testkit::chromium()?);
    let mut shell = Command::new("sh");
    shell.args(["-c", LEASH, "haat-browser-leash"]).arg(program);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.find_map(|line| {
        let (_, port) = line.split_once("started successfully on port")?;
        Some(port.trim().trim_end_matches('.').to_owned())
    });
    let port = told.expect("chromedriver says where it listens");
    // What else it says goes nowhere, but it must be able to say it.
    thread::spawn(move || lines.for_each(drop));
    Some(Driver {
        url: format!("http://127.0.0.1:{port}"),
        chromium,
        _leash: shell.stdin.take(),
        _shell: shell,
    })
}
