//! What Haat's tests borrow from the machine they run on: a throw-away PostgreSQL cluster, and a browser.
//!
//! ```no_run
//! match haat_testkit::postgres_url() {
//!     Ok(url) => println!("connect to {url} and create a database of your own"),
//!     Err(why) => haat_testkit::skip_or_fail("the PostgreSQL engine", &why),
//! }
//! ```

mod cluster;
mod processes;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

pub use cluster::{Cluster, Durability, server_binaries};
pub use processes::Frozen;

/// This process's private cluster, once somebody has asked for it.
static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();

/// The URL of a PostgreSQL database whose role may create databases and roles and is no superuser:
/// `TEST_DATABASE_URL` where that is set, else the database `postgres` of a private cluster that is started once
/// per process and ends with it.
///
/// # Errors
///
/// A sentence to show to whoever runs the tests, when there is no server to be had.
pub fn postgres_url() -> Result<String, String> {
    match env("TEST_DATABASE_URL").map(OsString::into_string) {
        Some(Ok(url)) => Ok(url),
        Some(Err(_)) => Err("TEST_DATABASE_URL is not valid UTF-8".to_owned()),
        None => CLUSTER
            .get_or_init(|| Cluster::start(Durability::Fast))
            .as_ref()
            .map(|cluster| cluster.url_for("postgres"))
            .map_err(Clone::clone),
    }
}

/// The URL of a database of [`postgres_url`]'s server for the superuser, where that is a private cluster: of this
/// process, or of the one that says so in `TEST_SUPERUSER_URL`.
pub fn superuser_url_for(database: &str) -> Option<String> {
    match env("TEST_SUPERUSER_URL").and_then(|url| url.into_string().ok()) {
        Some(url) => with_database(&url, database),
        None => Some(CLUSTER.get()?.as_ref().ok()?.superuser_url_for(database)),
    }
}

/// The same server's URL with another database: what stands between the host and the question mark.
pub fn with_database(server: &str, name: &str) -> Option<String> {
    let (front, options) = server.split_once('?').unwrap_or((server, ""));
    let (front, _) = front.rsplit_once('/')?;
    Some(if options.is_empty() { format!("{front}/{name}") } else { format!("{front}/{name}?{options}") })
}

/// Says loudly that a test of `what` is skipped, or fails it where `HAAT_REQUIRE_ALL=1` allows no skipping.
///
/// # Panics
///
/// With `HAAT_REQUIRE_ALL=1` in the environment, as `cargo xtask test` sets it.
pub fn skip_or_fail(what: &str, why: &str) {
    assert!(env("HAAT_REQUIRE_ALL").is_none_or(|value| value != "1"), "{what} cannot be tested: {why}");
    // Not `eprintln!`: the test harness would keep that to itself, for the test passes. Nothing is left to do when
    // even stderr is closed.
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why}");
}

/// Chromium, or a browser that takes the same options, if `PATH` has one.
pub fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find_program)
}

/// The `WebDriver` server for [`chromium`], if `PATH` has it.
pub fn chromedriver() -> Option<PathBuf> {
    find_program("chromedriver")
}

/// nginx, where `PATH` has it or where Debian puts it, which is on the path of administrators only.
pub fn nginx() -> Option<PathBuf> {
    let debian = || Some(PathBuf::from("/usr/sbin/nginx")).filter(|path| path.is_file());
    find_program("nginx").or_else(debian)
}

/// The source of axe-core, which finds what shuts people out of a page: where `HAAT_AXE` says, or where
/// `cargo xtask test` has put it, beside what cargo has built this test into.
pub fn axe_core() -> Option<PathBuf> {
    let here = std::env::current_exe().ok();
    let installed = here.iter().flat_map(|exe| exe.ancestors()).map(|folder| folder.join(AXE_CORE));
    env("HAAT_AXE").map(PathBuf::from).into_iter().chain(installed).find(|file| file.is_file())
}

/// Where axe-core is in the folder that cargo builds into.
const AXE_CORE: &str = "tools/axe/node_modules/axe-core/axe.min.js";

/// Where pictures of the pages go: `HAAT_SCREENSHOTS`, or a folder `haat-screenshots` among temporary files.
pub fn screenshots_folder() -> PathBuf {
    env("HAAT_SCREENSHOTS").map_or_else(|| std::env::temp_dir().join("haat-screenshots"), PathBuf::from)
}

/// The first file of that name in the directories of `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&env("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// A variable of the environment; an empty one counts as not set.
#[expect(clippy::disallowed_methods, reason = "the tests' own switches are no configuration of Haat")]
fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
