//! The `haat` program as its users meet it: arguments, environment, exit codes, files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backup;
mod deploy;
mod portable;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const KEY: &str = "a key that is long enough for HS256, surely";

/// The program in a folder of its own, with an environment of its own.
fn haat(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haat"));
    command.current_dir(folder).env_clear().env("HAAT_BCRYPT_COST", "4").stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
}

fn succeeds(command: &mut Command) -> String {
    let (success, text) = output(command);
    assert!(success, "{text}");
    text
}

/// The text with which the program refuses.
fn refuses(command: &mut Command) -> String {
    let (success, text) = output(command);
    assert!(!success, "{text}");
    text
}

#[test]
fn production_refuses_what_is_missing_short_or_known() {
    let folder = tempfile::tempdir().unwrap();
    let production = || {
        let mut command = haat(folder.path());
        command.env("HAAT_ENV", "production");
        command
    };
    let (database, key) = (("DATABASE_URL", "sqlite:./haat.db"), ("HAAT_SECRET_KEY", KEY));
    let previous = "HAAT_PREVIOUS_SECRET_KEY";
    assert!(refuses(production().env(key.0, key.1).arg("check")).contains("DATABASE_URL must be set"));
    assert!(refuses(production().env(database.0, database.1)).contains("HAAT_SECRET_KEY must be set"));
    assert!(
        refuses(production().env(database.0, database.1).env(key.0, "short")).contains("at least 32 bytes")
    );
    let known = "change-me-change-me-change-me-change-me";
    assert!(
        refuses(production().env(database.0, database.1).env(key.0, known)).contains("stands in an example")
    );
    let text = refuses(production().env(database.0, database.1).env(key.0, key.1).env(previous, "short"));
    assert!(text.contains(previous) && text.contains("at least 32 bytes"), "{text}");
    for weak in ["0".repeat(64), "123456789".repeat(8)] {
        for name in [key.0, previous] {
            let mut command = production();
            let text =
                refuses(command.env(database.0, database.1).env(key.0, key.1).env(name, &weak).arg("check"));
            assert!(text.contains(&format!("{name} must have at least 10 different bytes")), "{text}");
            assert!(!text.contains(&weak), "no secret is shown");
        }
    }
    let demo = refuses(production().env(database.0, database.1).env(key.0, key.1).args(["serve", "--demo"]));
    assert!(demo.contains("not in production"), "{demo}");
    assert!(!demo.contains(KEY), "no secret is shown");
    let loss =
        production().env(database.0, database.1).env(key.0, key.1).args(["migrate", "--to", "none"]).output();
    assert!(String::from_utf8(loss.unwrap().stderr).unwrap().contains("throws all data away"));
}

#[test]
fn a_key_file_stands_for_the_secret_and_check_says_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let checked = |file: &str, text: &str| {
        std::fs::write(folder.path().join(file), text).unwrap();
        let mut command = haat(folder.path());
        let database = "sqlite:./haat.db";
        command.envs([
            ("HAAT_ENV", "production"),
            ("DATABASE_URL", database),
            ("HAAT_SIGNING_KEY_FILE", file),
            ("HAAT_BCRYPT_COST", "10"),
        ]);
        command.arg("check");
        command
    };
    succeeds(haat(folder.path()).env("DATABASE_URL", "sqlite:./haat.db").arg("migrate"));
    let good = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIHz3/t6NxYrY747KPO06giiqBcAxPNOJODr2ogC1TYNs\n-----END PRIVATE KEY-----\n";
    assert!(succeeds(&mut checked("good.pem", good)).contains("are in order"));
    let text = refuses(&mut checked("broken.pem", "no key at all"));
    assert!(text.contains("FAULT settings: HAAT_SIGNING_KEY_FILE: broken.pem is no Ed25519"), "{text}");
    let text = refuses(checked("good.pem", good).env("HAAT_BCRYPT_COST", "9"));
    assert!(text.contains("FAULT settings: HAAT_BCRYPT_COST must be at least 10"), "{text}");
    let mut missing = checked("good.pem", good);
    let text = refuses(missing.env("HAAT_PREVIOUS_SIGNING_KEY_FILE", "gone.pem"));
    assert!(
        text.contains("FAULT settings: HAAT_PREVIOUS_SIGNING_KEY_FILE: gone.pem cannot be read"),
        "{text}"
    );
}

#[test]
fn a_database_url_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["mysql://somewhere/db", "haat.db", "sqlite:", "sqlite::memory:"] {
        let text = refuses(haat(folder.path()).args(["--database-url", url, "migrate"]));
        assert!(text.contains("DATABASE_URL must begin with"), "{url}: {text}");
    }
}

#[test]
fn migrations_go_up_and_down_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    assert!(succeeds(haat(folder.path()).args(["migrate", "--status"])).contains("missing 0001_init"));
    assert!(succeeds(haat(folder.path()).arg("migrate")).contains("done 0001_init"));
    assert!(succeeds(haat(folder.path()).arg("migrate")).contains("nothing to do"));
    assert!(succeeds(haat(folder.path()).args(["migrate", "--status"])).contains("applied 0001_init"));
    assert!(
        refuses(haat(folder.path()).args(["migrate", "--to", "0999_nothing"])).contains("must be one of")
    );
    assert!(succeeds(haat(folder.path()).args(["migrate", "--to", "none"])).contains("done 0001_init"));
    let mode = std::fs::metadata(folder.path().join("data/haat.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn check_names_each_fault_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refuses(haat(folder.path()).arg("check")).contains("FAULT database: there is no file"));
    assert!(!folder.path().join("data/haat.db").exists());
    succeeds(haat(folder.path()).arg("migrate"));
    assert!(succeeds(haat(folder.path()).arg("check")).contains("are in order"));
    succeeds(haat(folder.path()).args(["migrate", "--to", "none"]));
    assert!(refuses(haat(folder.path()).arg("check")).contains("FAULT migrations"));
}

#[test]
fn an_admin_is_created_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let create = |password: &str| {
        let mut command = haat(folder.path());
        command.args(["create-admin", "root", "root@example.com"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
        let done = child.wait_with_output().unwrap();
        (
            done.status.success(),
            String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap(),
        )
    };
    let (created, text) = create("password");
    assert!(!created && text.contains("guessed first"), "{text}");
    let (created, text) = create("a better one 17");
    assert!(created && text.contains("created platform admin root"), "{text}");
    let (created, text) = create("a better one 17");
    assert!(!created && text.contains("this username is taken"), "{text}");
}

#[test]
fn demo_data_is_loaded_once_and_in_any_size() {
    let folder = tempfile::tempdir().unwrap();
    assert!(succeeds(haat(folder.path()).arg("demo")).contains("was loaded"));
    assert!(succeeds(haat(folder.path()).arg("demo")).contains("is there already"));
    let many = ["demo", "--tenants", "3", "--products", "700"];
    assert!(succeeds(haat(folder.path()).args(many)).contains("3 stores with 700 products"));
}

#[test]
fn the_document_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let text = succeeds(haat(folder.path()).arg("openapi"));
    assert_eq!(text, haat_api::openapi::json());
}

#[test]
fn a_dotenv_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "DATABASE_URL=sqlite:./elsewhere.db\n").unwrap();
    succeeds(haat(folder.path()).arg("migrate"));
    assert!(folder.path().join("elsewhere.db").exists());
}

#[test]
fn a_dotenv_file_that_cannot_be_read_to_its_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "HAAT_BODY_LIMIT=10\nBAD LINE HERE\nHAAT_ENV=production\n")
        .unwrap();
    assert!(refuses(haat(folder.path()).arg("check")).contains(".env: "));
}

/// A server, and the lines of its log.
fn serve(mut command: Command) -> (Child, impl Iterator<Item = String>) {
    let command = command.env("HAAT_LOG_FORMAT", "json").args(["serve", "--port", "0"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    (child, log)
}

/// Waits until the server whose log says where it listens has answered: from then on it hears signals.
fn answers(listening: &str) {
    let (_, address) = listening.split_once("\"address\":\"").unwrap();
    let mut stream = TcpStream::connect(address.split('"').next().unwrap()).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn ping_tells_a_living_server_from_none() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut log) = serve(haat(folder.path()));
    let listening = log.find(|line| line.contains("listening")).unwrap();
    let (_, address) = listening.split_once("\"address\":\"").unwrap();
    let port = address.split('"').next().and_then(|address| address.rsplit(':').next()).unwrap().to_owned();
    for host in ["127.0.0.1", "0.0.0.0"] {
        succeeds(haat(folder.path()).args(["ping", "--host", host, "--port", &port]));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let text = refuses(haat(folder.path()).args(["ping", "--port", &port]));
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
}

#[test]
fn a_replica_is_for_postgres_and_the_database_is_one_that_can_be_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let checked = |database: &str, replica: &str| {
        let mut command = haat(folder.path());
        command.envs([("DATABASE_URL", database), ("DATABASE_REPLICA_URL", replica)]).arg("check");
        refuses(&mut command)
    };
    let two = "postgres://u@127.0.0.1:1,127.0.0.1:2/d";
    for (database, replica) in [("sqlite:./haat.db", two), (two, "sqlite:./haat.db")] {
        let text = checked(database, replica);
        assert!(text.contains("FAULT settings: DATABASE_REPLICA_URL is for PostgreSQL"), "{text}");
    }
    let text = checked(&format!("{two}?target_session_attrs=any"), "");
    assert!(text.contains("FAULT settings: DATABASE_URL is written to"), "{text}");
    let text = checked("postgres://u@127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/d", two);
    assert!(!text.contains("FAULT settings"), "{text}");
    assert!(text.contains("FAULT database") && text.contains("FAULT replica"), "{text}");
    let text = refuses(
        haat(folder.path()).envs([("DATABASE_URL", "sqlite:./haat.db"), ("DATABASE_REPLICA_URL", two)]),
    );
    assert!(text.contains("DATABASE_REPLICA_URL is for PostgreSQL"), "serve: {text}");
}

#[test]
fn the_first_start_makes_a_key_that_later_starts_use_and_sigterm_ends_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let (mut child, mut log) = serve(haat(folder.path()));
        let listening = log.find(|line| line.contains("listening")).unwrap();
        assert!(listening.starts_with('{'), "{listening}");
        answers(&listening);
        keys.push(std::fs::read_to_string(folder.path().join("data/haat.key")).unwrap());
        let mode = std::fs::metadata(folder.path().join("data/haat.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        assert!(log.any(|line| line.contains("stopped")), "it drains and says so");
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(keys.first(), keys.last());
    assert!(keys.iter().all(|key| key.len() >= 32));
}
