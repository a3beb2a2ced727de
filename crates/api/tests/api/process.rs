//! The `haat` program in a process of its own, for what one process cannot show.

use crate::support::{Answer, Client, KEY, PASSWORD, User, client_of, number};
use haat_infra::testing::TestDatabase;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

/// A `haat` process; it ends with this value.
pub(crate) struct Process {
    child: Child,
    pub(crate) client: Client,
}

/// The program on this database, with a test's settings.
pub(crate) fn program(database: &TestDatabase) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haat"));
    command
        .env_clear()
        .envs([("HAAT_LOG", "info"), ("HAAT_BCRYPT_COST", "4"), ("HAAT_SECRET_KEY", KEY)])
        .envs(["ADDRESS", "USER", "TENANT"].map(|whose| (format!("HAAT_LIMIT_{whose}"), "off")))
        .env("DATABASE_URL", database.url_text())
        .stdin(Stdio::null());
    command
}

impl Process {
    pub(crate) fn start(database: &TestDatabase, flags: &[&str]) -> Self {
        let mut child = program(database)
            .args(["serve", "--port", "0", "--host", "127.0.0.1"])
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = Vec::new();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let address = line.split_once("listening address=").map(|(_, address)| address.trim().to_owned());
            log.push(line);
            address
        });
        let address = address.unwrap_or_else(|| panic!("it never listened:\n{}", log.join("\n")));
        // A log that nobody reads would stop the program when the pipe is full.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, client: client_of(&format!("http://{address}")) }
    }

    /// Ends it as a power cut would: it hears nothing of it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it has ended");
    }

    /// Tells it something, as `kill` does: `TERM`, `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let told = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status();
        assert!(told.expect("a shell").success());
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("it has ended")
    }

    /// Somebody at this process.
    pub(crate) fn as_user(&self, user: &User) -> Client {
        self.client.with(user.token.as_deref().expect("a token"))
    }

    /// Asks for a session.
    pub(crate) fn log_in(&self, username: &str, store: &str) -> Answer {
        let body = json!({"username": username, "password": PASSWORD, "store": store});
        self.client.post("/api/auth/login/", &body)
    }

    /// Somebody who joins a store, or opens it, and is logged in; and their number.
    pub(crate) fn register(&self, username: &str, role: &str, store: &str) -> (Client, i64) {
        let body = json!({"username": username, "password": PASSWORD, "role": role, "tenant_name": store,
            "email": format!("{username}@example.com")});
        self.client.post("/api/auth/register/", &body).must(201);
        let client = self.client.with(self.log_in(username, store).must(200).text_of("access"));
        let id = number(&client.get("/api/auth/me/").must(200).json["id"]);
        (client, id)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended by itself is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
