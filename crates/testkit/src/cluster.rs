use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::processes::{Frozen, children, signal};
use tempfile::TempDir;

const POLL: Duration = Duration::from_millis(50);
/// 30 seconds of [`POLL`]s.
const POLLS: u32 = 600;

/// Whether what a [`Cluster`] has committed would survive a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// No: nothing waits for the disk. For tests.
    Fast,
    /// Yes, as a server is by default. For measurements, and for what is killed.
    Durable,
}

/// A private PostgreSQL cluster in a directory of its own, reached over a Unix socket in there.
///
/// It has two roles that log in without a password: the superuser `postgres`, and `haat_owner`, which may create
/// databases and roles. Dropping it stops the server and removes the directory; the same happens when this process
/// ends without doing so, even by `kill -9`.
#[derive(Debug)]
pub struct Cluster {
    watchdog: Child,
    dir: TempDir,
    /// Where PostgreSQL's programs are.
    bin: PathBuf,
}

impl Cluster {
    /// Makes a cluster and starts its server, and returns once that accepts connections: about two seconds.
    ///
    /// # Errors
    ///
    /// A sentence to show to whoever runs this, when there is no server program or it does not come up.
    pub fn start(durability: Durability) -> Result<Self, String> {
        Self::start_with(durability, &[])
    }

    /// The same with further options of the server program, such as `--max-connections=20`.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with(durability: Durability, options: &[&str]) -> Result<Self, String> {
        Self::make(durability, None, options)
    }

    /// Makes a standby of this cluster, a copy that follows it and can be read, in a directory of its own, and returns
    /// once it accepts connections. What it calls itself when it asks for changes is `walreceiver`.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn standby(&self, options: &[&str]) -> Result<Self, String> {
        Self::make(Durability::Durable, Some(self.dir.path()), options)
    }

    fn make(durability: Durability, primary: Option<&Path>, options: &[&str]) -> Result<Self, String> {
        let bin = server_binaries().ok_or(
            "no PostgreSQL server binaries found: apt-get install postgresql (or put initdb on PATH)",
        )?;
        // Ours alone, for its server asks nobody for a password. Not in `TMPDIR`, which may be too long for a
        // socket's path, or closed to the server's account.
        let dir = tempfile::Builder::new()
            .prefix("haat-pg-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in("/tmp")
            .map_err(|error| format!("no directory for a PostgreSQL cluster in /tmp: {error}"))?;
        let watchdog = spawn(&bin, dir.path(), primary, durability, options)
            .map_err(|error| format!("the PostgreSQL cluster does not start: {error}"))?;
        let mut cluster = Self { watchdog, dir, bin };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// The directory of the server's socket, `.s.PGSQL.5432`, and of its data, `data`.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Kills the server and all its sessions, as a power cut would: `kill -9`, all at once.
    ///
    /// # Errors
    ///
    /// A sentence to show to whoever runs this, when the server was not there or does not go.
    pub fn crash(&mut self) -> Result<(), String> {
        let failed = |error: io::Error| format!("the PostgreSQL server cannot be killed: {error}");
        let server = self.server().map_err(failed)?;
        let mark = self.dir.path().join("killed");
        fs::write(&mark, "").map_err(failed)?;
        signal("-KILL", &[&[server], children(server).as_slice()].concat()).map_err(failed)?;
        self.wait_until("the PostgreSQL server was not killed", || !mark.exists())
    }

    /// Stops the server and all its sessions where they are, as a machine does that hangs: connections stay, new ones
    /// seem to be made, and nobody answers. When what this returns is dropped they go on.
    ///
    /// # Errors
    ///
    /// A sentence to show to whoever runs this, when the server was not there or does not stop.
    pub fn freeze(&self) -> Result<Frozen, String> {
        let failed = |error: io::Error| format!("the PostgreSQL server cannot be stopped: {error}");
        self.server().and_then(Frozen::with_children).map_err(failed)
    }

    /// Starts a server that has been killed again, on the data that it has left, and returns once it accepts
    /// connections.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn restart(&mut self) -> Result<(), String> {
        let told = self.watchdog.stdin.as_mut().map(|input| input.write_all(b"again\n"));
        told.transpose().map_err(|error| format!("nobody starts the PostgreSQL server again: {error}"))?;
        self.wait_until_ready()
    }

    /// The number of the server's process.
    fn server(&self) -> io::Result<u32> {
        let file = fs::read_to_string(self.dir.path().join("data/postmaster.pid"))?;
        let number = file.lines().next().and_then(|number| number.parse().ok());
        number.ok_or_else(|| io::Error::other("its file names no process"))
    }

    /// The URL of a database for the role `haat_owner`.
    pub fn url_for(&self, database: &str) -> String {
        self.url("haat_owner", database)
    }

    /// The URL of a database for the superuser `postgres`.
    pub fn superuser_url_for(&self, database: &str) -> String {
        self.url("postgres", database)
    }

    /// The number of the server's process, whose children are the backends.
    pub fn server_pid(&self) -> Option<u32> {
        fs::read_to_string(self.dir.path().join("data/postmaster.pid")).ok()?.lines().next()?.parse().ok()
    }

    /// The URL of a database of whichever of these clusters can be written to, for the role `haat_owner`.
    pub fn url_for_any(clusters: &[&Self], database: &str) -> String {
        let hosts: Vec<_> = clusters.iter().map(|cluster| cluster.dir.path().to_string_lossy()).collect();
        url("haat_owner", database, &hosts.join(","))
    }

    fn url(&self, role: &str, database: &str) -> String {
        url(role, database, &self.dir.path().to_string_lossy())
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let mut pg_isready = Command::new(self.bin.join("pg_isready"));
        pg_isready.args(["--quiet", "--port=5432", "--host"]).arg(self.dir.path());
        self.wait_until("the PostgreSQL server accepted no connection", || {
            pg_isready.status().is_ok_and(|status| status.success())
        })
    }

    /// Waits 30 seconds at most, and no longer than the watchdog lives.
    fn wait_until(&mut self, otherwise: &str, mut done: impl FnMut() -> bool) -> Result<(), String> {
        for _ in 0..POLLS {
            if done() {
                return Ok(());
            }
            if self.watchdog.try_wait().is_ok_and(|status| status.is_some()) {
                let mut log = String::new();
                if let Some(stderr) = &mut self.watchdog.stderr {
                    let _ = stderr.read_to_string(&mut log);
                }
                return Err(format!("the PostgreSQL server ended while starting:\n{}", log.trim_end()));
            }
            sleep(POLL);
        }
        Err(format!("{otherwise} within 30 seconds"))
    }
}

fn url(role: &str, database: &str, host: &str) -> String {
    format!("postgres://{role}@/{}?host={}", percent_encoded(database), percent_encoded(host))
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of its input is what the watchdog waits for.
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Starts the watchdog, and it the server, under an account that may run one.
fn spawn(
    bin: &Path,
    dir: &Path,
    primary: Option<&Path>,
    durability: Durability,
    options: &[&str],
) -> io::Result<Child> {
    let mut watchdog = Command::new("sh");
    watchdog.args(["-c", include_str!("watchdog.sh"), "haat-testkit-watchdog"]).args([bin, dir]);
    watchdog.arg(primary.unwrap_or(Path::new("")));
    watchdog.args(["--port=5432", "--listen-addresses=", "--max-connections=200", "--timezone=UTC"]);
    if durability == Durability::Fast {
        watchdog.args(["--fsync=off", "--synchronous-commit=off", "--full-page-writes=off"]);
        // A worker of its own that is in a test's database just when the test drops it would keep it from that.
        watchdog.arg("--autovacuum=off");
    }
    // Of two that say the same the last one counts.
    watchdog.args(options);
    // The server refuses to run as root. The directory's owner tells who we are without a system call of our own.
    if fs::metadata(dir)?.uid() == 0 {
        let (uid, gid) = unprivileged_account().ok_or_else(|| io::Error::other("no account to run it as"))?;
        chown(dir, Some(uid), Some(gid))?;
        watchdog.uid(uid).gid(gid);
    }
    watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    // A process group of its own, so that the ctrl-C that ends us leaves the watchdog to clean up.
    watchdog.current_dir(dir).process_group(0).spawn()
}

/// The user and group number of `postgres` or, failing that, of `nobody`.
fn unprivileged_account() -> Option<(u32, u32)> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    let account = |wanted: &str| {
        passwd.lines().find_map(|line| match line.split(':').collect::<Vec<_>>().as_slice() {
            [name, _, uid, gid, ..] if *name == wanted => Some((uid.parse().ok()?, gid.parse().ok()?)),
            _ => None,
        })
    };
    account("postgres").or_else(|| account("nobody"))
}

/// The directory of PostgreSQL's server programs: on the `PATH`, where `pg_config` says, or the newest of Debian's.
pub fn server_binaries() -> Option<PathBuf> {
    let programs = ["initdb", "postgres", "pg_isready"];
    let complete = |dir: &PathBuf| programs.iter().all(|name| dir.join(name).is_file());

    let on_path = || Some(crate::find_program("initdb")?.parent()?.to_owned());
    let configured = || {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end()))
    };
    let debian = || {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let numbered = versions.filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        });
        numbered.filter(|(_, dir)| complete(dir)).max().map(|(_, dir)| dir)
    };
    on_path().filter(complete).or_else(|| configured().filter(complete)).or_else(debian)
}

/// `text` as a component of a URL, nothing but unreserved characters in it.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _, stdin, stdout};

    use super::*;

    const HOLDER: &str = "HAAT_TESTKIT_HOLD_A_CLUSTER";

    fn start() -> Option<Cluster> {
        if server_binaries().is_none() {
            crate::skip_or_fail("the throw-away PostgreSQL cluster", "no PostgreSQL server binaries");
            return None;
        }
        Some(Cluster::start(Durability::Fast).unwrap())
    }

    /// The server's process, as the cluster's directory tells it.
    fn server(dir: &Path) -> PathBuf {
        let pid = fs::read_to_string(dir.join("data/postmaster.pid")).unwrap();
        Path::new("/proc").join(pid.lines().next().unwrap())
    }

    #[test]
    fn cluster_answers_and_leaves_nothing() {
        let Some(cluster) = start() else { return };
        let (dir, server) = (cluster.dir.path().to_owned(), server(cluster.dir.path()));
        assert!(server.exists());

        if let Some(psql) = crate::find_program("psql") {
            let ask = |url: String, sql: &str| {
                let output = Command::new(&psql).args(["-XAtc", sql, &url]).output().unwrap();
                String::from_utf8(output.stdout).unwrap().trim().to_owned()
            };
            let role = "SELECT current_user, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles \
                        WHERE rolname = current_user";
            assert_eq!(ask(cluster.url_for("postgres"), role), "haat_owner|f|t|t");
            assert_eq!(ask(cluster.superuser_url_for("postgres"), role), "postgres|t|t|t");
            assert_eq!(ask(cluster.url_for("postgres"), "CREATE DATABASE \"a ö/b\""), "CREATE DATABASE");
            assert_eq!(ask(cluster.url_for("a ö/b"), "SELECT current_database()"), "a ö/b");
            assert_eq!(ask(cluster.url_for("postgres"), "SHOW fsync"), "off");
        }

        drop(cluster);
        assert!(!server.exists());
        assert!(!dir.exists());
    }

    #[test]
    fn a_killed_cluster_starts_again_with_what_it_had() {
        if server_binaries().is_none() {
            return; // Another test says so.
        }
        let mut cluster = Cluster::start_with(Durability::Durable, &["--max-connections=10"]).unwrap();
        let killed = cluster.server().unwrap();
        let Some(psql) = crate::find_program("psql") else { return };
        let ask = |cluster: &Cluster, sql: &str| {
            let url = cluster.url_for("postgres");
            let output = Command::new(&psql).args(["-XAtc", sql, &url]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        ask(&cluster, "CREATE DATABASE kept");
        for _ in 0..2 {
            cluster.crash().unwrap();
            assert!(!Path::new("/proc").join(killed.to_string()).exists());
            cluster.restart().unwrap();
            assert_eq!(ask(&cluster, "SHOW fsync"), "on");
            assert_eq!(ask(&cluster, "SHOW max_connections"), "10");
            assert_eq!(ask(&cluster, "SELECT count(*) FROM pg_database WHERE datname = 'kept'"), "1");
        }
        let (dir, server) = (cluster.dir.path().to_owned(), server(cluster.dir.path()));
        drop(cluster);
        assert!(!server.exists() && !dir.exists());
    }

    #[test]
    fn a_standby_follows_and_cannot_be_written_to() {
        let Some(primary) = start() else { return };
        let Some(psql) = crate::find_program("psql") else { return };
        let standby = primary.standby(&[]).unwrap();
        let ask = |cluster: &Cluster, sql: &str| {
            let url = cluster.url_for("postgres");
            let output = Command::new(&psql).args(["-XAtc", sql, &url]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        assert_eq!(ask(&primary, "CREATE DATABASE followed"), "CREATE DATABASE");
        let there = || ask(&standby, "SELECT count(*) FROM pg_database WHERE datname = 'followed'") == "1";
        assert!((0..POLLS).any(|_| there() || (sleep(POLL), false).1), "it never arrived");
        assert_eq!(ask(&standby, "DROP DATABASE followed"), "", "it is refused");
        let any =
            Cluster::url_for_any(&[&standby, &primary], "postgres") + "&target_session_attrs=read-write";
        let output =
            Command::new(&psql).args(["-XAtc", "SELECT pg_is_in_recovery()", &any]).output().unwrap();
        assert_eq!(output.stdout, b"f\n");
    }

    /// Starts itself as another process, which holds a cluster, and kills that.
    #[test]
    fn cluster_does_not_outlive_a_killed_process() {
        if crate::env(HOLDER).is_some() {
            let cluster = start().unwrap();
            writeln!(stdout(), "\nholding {}", cluster.dir.path().display()).unwrap();
            stdin().read_line(&mut String::new()).unwrap();
            return;
        }
        if server_binaries().is_none() {
            return; // The other test says so.
        }
        let mut holder = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "cluster::tests::cluster_does_not_outlive_a_killed_process"])
            .env(HOLDER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines().map(Result::unwrap);
        let dir = lines.find_map(|line| line.strip_prefix("holding ").map(PathBuf::from)).unwrap();
        let server = server(&dir);
        assert!(server.exists());

        holder.kill().unwrap();
        holder.wait().unwrap();
        for _ in 0..POLLS {
            if !server.exists() && !dir.exists() {
                return;
            }
            sleep(POLL);
        }
        panic!("{} is still there", dir.display());
    }
}
