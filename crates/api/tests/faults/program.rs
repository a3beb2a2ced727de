//! The `haat` program on a database that is about to suffer.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// A `haat serve` that can be killed, and comes back at the same address.
pub(crate) struct Haat {
    child: Child,
    url: String,
    flags: Vec<String>,
    pub(crate) address: SocketAddr,
    /// The last lines that it has written.
    log: Arc<Mutex<VecDeque<String>>>,
}

/// What tokens are signed with.
pub(crate) const KEY: &str = "whoever breaks things has a key like this";

/// The program on this database, with a test's settings.
fn program(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haat"));
    command
        .env_clear()
        .envs([("HAAT_LOG", "warn,haat_api=info"), ("HAAT_BCRYPT_COST", "4")])
        .env("HAAT_SECRET_KEY", KEY)
        .envs(["ADDRESS", "USER", "TENANT"].map(|whose| (format!("HAAT_LIMIT_{whose}"), "off")))
        .env("DATABASE_URL", url)
        .stdin(Stdio::null());
    command
}

/// Runs a command of the program to its end; what it has printed.
#[track_caller]
pub(crate) fn command(url: &str, arguments: &[&str]) -> String {
    let output = program(url).args(arguments).output().expect("the program runs");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "haat {}: {text}", arguments.join(" "));
    text
}

impl Haat {
    /// Migrates the database and serves it.
    pub(crate) fn serve(url: &str, flags: &[&str]) -> Self {
        let flags: Vec<_> = flags.iter().map(ToString::to_string).collect();
        let log = Arc::default();
        let (child, address) = start(url, "0", &[flags.clone(), vec!["--migrate".to_owned()]].concat(), &log);
        Self { child, url: url.to_owned(), flags, address, log }
    }

    /// Serves a database that is there, at an address that was another's.
    pub(crate) fn serve_at(url: &str, address: SocketAddr, flags: &[&str]) -> Self {
        let flags: Vec<_> = flags.iter().map(ToString::to_string).collect();
        let log = Arc::default();
        let (child, address) = start(url, &address.port().to_string(), &flags, &log);
        Self { child, url: url.to_owned(), flags, address, log }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it has ended");
    }

    /// SIGTERM: it answers what it has taken, and ends.
    #[track_caller]
    pub(crate) fn drain(&mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("a signal").success());
        assert!(self.child.wait().expect("it has ended").success());
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        (self.child, self.address) =
            start(&self.url, &self.address.port().to_string(), &self.flags, &self.log);
    }

    /// Whether this is still the process that was started.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child's state").is_none()
    }
}

fn start(url: &str, port: &str, flags: &[String], log: &Arc<Mutex<VecDeque<String>>>) -> (Child, SocketAddr) {
    let mut child = program(url)
        .args(["serve", "--host", "127.0.0.1", "--port", port])
        .args(flags)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut told = Vec::new();
    let address = lines.by_ref().find_map(|line| {
        let address =
            line.split_once("listening address=").and_then(|(_, address)| address.trim().parse().ok());
        told.push(line);
        address
    });
    let address = address.unwrap_or_else(|| panic!("it never listened:\n{}", told.join("\n")));
    let log = Arc::clone(log);
    // A log that nobody reads would stop the program when the pipe is full.
    thread::spawn(move || {
        for line in lines.filter(|line| line.contains("ERROR") || line.contains("WARN")) {
            let mut log = log.lock().unwrap();
            log.push_back(line);
            if log.len() > 40 {
                log.pop_front();
            }
        }
    });
    (child, address)
}

impl Drop for Haat {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log.lock().unwrap();
            println!("the program's last remarks:\n{}", log.iter().cloned().collect::<Vec<_>>().join("\n"));
        }
    }
}
