//! The `haat` program with its demo data, on a port and a database of its own.

use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A server that ends with the test.
pub(crate) struct Haat {
    program: Child,
    /// `http://127.0.0.1:1234`.
    pub(crate) origin: String,
    pub(crate) folder: TempDir,
}

impl Haat {
    /// A shop with goods and people in it.
    pub(crate) fn demo() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_haat"));
        command.args([
            "serve",
            "--demo",
            "--port",
            "0",
            "--bcrypt-cost",
            "4",
            "--sqlite-synchronous",
            "normal",
        ]);
        command.args(["--database-url", "sqlite:./haat.db", "--free-failures", "0"]);
        // All requests come from one address, and quicker than people's.
        command.args(["--limit-address", "off", "--limit-user", "off", "--limit-tenant", "off"]);
        let log = File::create(log_of(folder.path())).unwrap();
        let mut program = command
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut docs = lines.filter_map(|line| Some(line.split_once("Swagger UI")?.1.trim().to_owned()));
        let origin = docs.next().map(|docs| docs.trim_end_matches("/api/docs/").to_owned());
        let Some(origin) = origin else {
            panic!("{}", std::fs::read_to_string(log_of(folder.path())).unwrap())
        };
        Self { program, origin, folder }
    }

    /// Somebody who talks to the REST API.
    pub(crate) async fn api(&self, username: &str) -> Api {
        let stranger =
            Api { http: reqwest::Client::new(), origin: self.origin.clone(), token: String::new() };
        let body = json!({ "username": username, "password": password(username) });
        let pair = stranger.post("/api/auth/login/", body).await;
        Api { token: pair["access"].as_str().unwrap().to_owned(), ..stranger }
    }
}

fn log_of(folder: &Path) -> std::path::PathBuf {
    folder.join("server.log")
}

impl Drop for Haat {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(log_of(self.folder.path())).unwrap_or_default();
            let faults = log.lines().filter(|line| line.contains("ERROR") || line.contains("WARN"));
            println!("the server's remarks:\n{}", faults.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// The demo accounts' passwords are made after one pattern.
pub(crate) fn password(username: &str) -> String {
    format!("{}12345", username.to_lowercase())
}

/// Somebody who is logged in to the REST API, and gets what they ask for.
pub(crate) struct Api {
    http: reqwest::Client,
    origin: String,
    token: String,
}

impl Api {
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.origin));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.call("POST", path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Value {
        self.call("PATCH", path, Some(body)).await
    }

    /// The number of the first thing in a list.
    pub(crate) async fn first(&self, path: &str) -> i64 {
        let list = self.get(path).await;
        let list = list.as_array().or_else(|| list["results"].as_array()).expect("a list");
        list.first().and_then(|row| row["id"].as_i64()).unwrap_or_else(|| panic!("{path} is empty"))
    }
}
