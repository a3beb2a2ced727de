//! A server under load: Haat, or the floor.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::machine;
use crate::http::{call, free_port};
use crate::shell::{cargo, copy, run, target_folder};

/// The program, built as it is shipped; a copy, since the next build may replace it, as may one that goes on beside us.
pub(crate) fn build_haat(folder: &Path) -> Result<(), String> {
    run(&mut cargo("build --release --locked --package haat-api --bin haat"))?;
    copy(&target_folder()?.join("release/haat"), &folder.join("haat"))
}

/// The two programs.
pub(crate) fn build(folder: &Path) -> Result<(), String> {
    // Two builds: what the floor is made with besides must not come into the program.
    build_haat(folder)?;
    let release = target_folder()?.join("release");
    run(&mut cargo("build --release --locked --package haat-api --example floor"))?;
    copy(&release.join("examples/floor"), &folder.join("floor"))
}

/// A running server; ends with its value.
pub(crate) struct Subject {
    process: Child,
    pub(crate) port: u16,
}

/// The program on a database, in an environment where nothing else is set. Requests of one address are not limited, and
/// passwords are cheap unless `settings` says otherwise.
pub(crate) fn haat(folder: &Path, url: &str) -> Command {
    let mut program = Command::new(folder.join("haat"));
    program.current_dir(folder).env_clear().env("DATABASE_URL", url).env("HAAT_BCRYPT_COST", "4");
    for limit in ["HAAT_LIMIT_ADDRESS", "HAAT_LIMIT_USER", "HAAT_LIMIT_TENANT"] {
        program.env(limit, "off");
    }
    program.env("HAAT_FREE_FAILURES", "0").env("HAAT_HASHING_QUEUE", "1000");
    // As in the image of deploy/Dockerfile.
    program.env("HAAT_LOG_FORMAT", "json");
    program.env("HAAT_SECRET_KEY", "for measurements only, thrown away with the data");
    program
}

impl Subject {
    /// Starts Haat, with settings of its own. Its access log, one line a request, goes to `/dev/null`.
    pub(crate) fn haat(folder: &Path, url: &str, settings: &[(&str, &str)]) -> Result<Self, String> {
        let port = free_port()?;
        let mut program = haat(folder, url);
        program.arg("serve").env("PORT", port.to_string()).envs(settings.iter().copied());
        Self::start(program, port)
    }

    /// Starts the floor.
    pub(crate) fn floor(folder: &Path, url: &str, mode: Option<&str>) -> Result<Self, String> {
        let port = free_port()?;
        let mut program = Command::new(folder.join("floor"));
        program.args([url, &port.to_string()]).args(mode);
        Self::start(program, port)
    }

    fn start(mut program: Command, port: u16) -> Result<Self, String> {
        let quiet = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = quiet.spawn().map_err(|error| format!("{program:?} does not run: {error}"))?;
        let mut subject = Self { process, port };
        let began = Instant::now();
        // Any answer will do: the floor has nothing there.
        while call(port, "GET", "/healthz/", &[], "").is_err() {
            if let Ok(Some(status)) = subject.process.try_wait() {
                return Err(format!("{program:?} has ended: {status}"));
            }
            if began.elapsed() > Duration::from_mins(1) {
                return Err(format!("{program:?} does not answer"));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(subject)
    }

    pub(crate) fn cpu_ms(&self) -> f64 {
        machine::cpu_ms(self.process.id())
    }

    pub(crate) fn resident_mib(&self) -> f64 {
        machine::resident_mib(self.process.id())
    }

    pub(crate) fn anonymous_mib(&self) -> f64 {
        machine::anonymous_mib(self.process.id())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
