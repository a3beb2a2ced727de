//! nginx with the configuration that this repository has for it, in front of two processes.

use std::fs::{self, Permissions};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running nginx; it ends with this, or with the process that has started it.
pub(crate) struct Proxy {
    process: Child,
    dir: TempDir,
    /// Where it takes requests without TLS, for a client that has none.
    pub(crate) address: SocketAddr,
}

/// nginx beside a shell that ends it when there is no more input.
const RUN: &str = r#""$0" -p "$1" -c "$1/nginx.conf" -g 'daemon off;' & read -r _; kill "$!"; wait "$!""#;

impl Proxy {
    /// Starts one. `None`: there is no nginx here, and that has been said.
    pub(crate) fn start(replicas: [SocketAddr; 2]) -> Option<Self> {
        let Some(nginx) = haat_testkit::nginx() else {
            haat_testkit::skip_or_fail("nginx before two processes", "no nginx");
            return None;
        };
        let dir = tempfile::Builder::new().permissions(Permissions::from_mode(0o711)).tempdir().unwrap();
        let address = configure(dir.path(), replicas);
        let mut tried = Command::new(&nginx);
        tried.arg("-tp").arg(dir.path()).arg("-c").arg(dir.path().join("nginx.conf"));
        let tried = tried.output().unwrap();
        let said = String::from_utf8_lossy(&tried.stderr);
        assert!(tried.status.success() && !said.contains("[warn]"), "{said}");
        let mut run = Command::new("sh");
        run.args(["-c", RUN]).arg(&nginx).arg(dir.path()).stdin(Stdio::piped());
        let process = run.stdout(Stdio::null()).stderr(fs::File::create(dir.path().join("said")).unwrap());
        let process = process.spawn().unwrap();
        let proxy = Self { process, dir, address };
        crate::server::soon("nginx does not listen", || std::net::TcpStream::connect(address).is_ok());
        Some(proxy)
    }

    /// How many requests the process at this address has answered.
    pub(crate) fn asked(&self, replica: SocketAddr) -> usize {
        let log = fs::read_to_string(self.dir.path().join("access.log")).unwrap();
        log.lines().filter(|line| line.contains(&format!("from {replica} (2"))).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        if std::thread::panicking() {
            println!("nginx said:\n{}", fs::read_to_string(self.dir.path().join("said")).unwrap_or_default());
        }
    }
}

/// Writes the configuration of `deploy/nginx` with what belongs to one machine changed: folders, ports, the shop's name,
/// the addresses of the processes. Beside the port with TLS there is one without.
fn configure(dir: &Path, replicas: [SocketAddr; 2]) -> SocketAddr {
    let folder = dir.to_str().expect("a plain path");
    let [redirect, tls, plain, check] = [(); 4].map(|()| free_address());
    let [first, second] = replicas.map(|replica| replica.to_string());
    let ports = [
        ("    listen [::]:80 default_server;\n", String::new()),
        ("    listen [::]:443 ssl http2 default_server;\n", String::new()),
        ("    listen [::]:80;\n", String::new()),
        ("    listen [::]:443 ssl http2;\n", format!("    listen {plain};\n")),
        ("listen 80", format!("listen {redirect}")),
        ("listen 443", format!("listen {tls}")),
        ("127.0.0.1:8081", check.to_string()),
        ("shop.example", plain.ip().to_string()),
        ("/etc/nginx/tls/", format!("{folder}/")),
        ("/var/log/nginx/", format!("{folder}/")),
    ];
    let upstream = [("172.30.88.11:8000", first), ("172.30.88.12:8000", second)];
    let paths = [(" /tmp/", format!(" {folder}/")), ("/etc/nginx/haat", format!("{folder}/haat"))];
    write(dir, "haat.conf", &ports);
    write(dir, "haat-upstream.conf", &upstream);
    write(dir, "nginx.conf", &paths);
    // As deploy/README.md has it.
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "1", "-subj", "/CN=shop.example", "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(dir)
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    plain
}

/// Copies a file of `deploy/nginx`; each of these stands in it.
fn write(dir: &Path, name: &str, changes: &[(&str, String)]) {
    let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../deploy/nginx", name].iter().collect();
    let mut text = fs::read_to_string(file).unwrap();
    for (old, new) in changes {
        assert!(text.contains(old), "{name} has no {old:?} any more");
        text = text.replace(old, new);
    }
    fs::File::create(dir.join(name)).unwrap().write_all(text.as_bytes()).unwrap();
}

/// An address that nobody listens at just now.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
