//! A server to try things on: the real program on a fresh SQLite file, on a free port of this machine, with two stores
//! that were made through its API.
#![expect(
    clippy::indexing_slicing,
    reason = "serde_json's Value answers an unknown member with null, or makes it"
)]

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{call_json, free_port};
use crate::shell::{cargo, copy, empty_folder, run, target_folder};

/// Ends with its value.
pub(crate) struct Server {
    process: Child,
    port: u16,
    folder: PathBuf,
}

/// A store, and who is in it.
pub(crate) struct Store {
    pub(crate) id: i64,
    pub(crate) owner: Account,
    pub(crate) customer: Account,
}

/// Somebody who can log in.
pub(crate) struct Account {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) password: String,
}

/// In clear text here, for a database that is thrown away.
const PASSWORD: &str = "kamal-lotus-5731";

impl Server {
    /// Builds and starts it. Its database and its log are in `folder`, which is emptied first.
    pub(crate) fn start(folder: &Path) -> Result<Self, String> {
        run(&mut cargo("build --package haat-api --bin haat --locked"))?;
        empty_folder(folder)?;
        // A copy: a build that goes on beside us may replace the original.
        let program = folder.join("haat");
        copy(&target_folder()?.join("debug/haat"), &program)?;

        let io = |error: std::io::Error| format!("{}: {error}", folder.display());
        let port = free_port()?;
        let log = File::create(folder.join("server.log")).map_err(io)?;
        let process = Self::program(folder)
            .args(["serve", "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(io)?)
            .stderr(log)
            .spawn()
            .map_err(io)?;
        let mut server = Self { process, port, folder: folder.to_owned() };
        server.wait()?;
        Ok(server)
    }

    /// The program on the database in `folder`, in an environment where nothing else is set.
    fn program(folder: &Path) -> Command {
        let mut program = Command::new(folder.join("haat"));
        program
            .current_dir(folder)
            .env_clear()
            .env("DATABASE_URL", format!("sqlite:{}", folder.join("haat.db").display()))
            .env("HAAT_LOG", "warn")
            // Cheap hashes, as many as are asked for, and no limits: thousands of requests come from one address.
            .env("HAAT_BCRYPT_COST", "4")
            .env("HAAT_HASHING_QUEUE", "1000")
            .env("HAAT_LIMIT_ADDRESS", "off")
            .env("HAAT_LIMIT_USER", "off")
            .env("HAAT_LIMIT_TENANT", "off")
            .env("HAAT_FREE_FAILURES", "0");
        program
    }

    fn wait(&mut self) -> Result<(), String> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("the server has ended ({status}):\n{}", self.log()));
            }
            if self.call("GET", "/healthz/", None, None).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err(format!("the server does not answer:\n{}", self.log()))
    }

    /// Whether it is still there: what was asked of it may have ended it.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            _ => Err(format!("the server has ended:\n{}", self.log())),
        }
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Opens a store: an owner who registers, three products, a customer, and an order of theirs.
    pub(crate) fn open_store(&self, name: &str, owner: &str, customer: &str) -> Result<Store, String> {
        let account = |username: &str| json!({ "username": username, "password": PASSWORD, "email": format!("{username}@example.com") });
        let mut registration = account(owner);
        registration["role"] = "owner".into();
        registration["tenant_name"] = name.into();
        self.call("POST", "/api/auth/register/", None, Some(&registration))?;
        let token = self.login(owner)?;
        self.call("POST", "/api/users/", Some(&token), Some(&account(customer)))?;
        let mut product = 0;
        for (name, price, stock) in [
            ("Clay pot", "120.00", json!(1000)),
            ("Silk scarf", "899.50", json!(7)),
            ("Gift card", "500.00", Value::Null),
        ] {
            let wish = json!({ "name": name, "price": price, "stock": stock, "sku": name.replace(' ', "-") });
            let made = self.call("POST", "/api/products/", Some(&token), Some(&wish))?;
            product = made["id"].as_i64().unwrap_or_default();
        }
        let customer_token = self.login(customer)?;
        let wish = json!({ "product": product, "quantity": 1 });
        self.call("POST", "/api/orders/", Some(&customer_token), Some(&wish))?;
        let store = self.call("GET", "/api/store/", Some(&token), None)?;
        Ok(Store {
            id: store["id"].as_i64().unwrap_or_default(),
            owner: self.account(owner, &token)?,
            customer: self.account(customer, &customer_token)?,
        })
    }

    /// A platform admin, whom only a command makes.
    pub(crate) fn create_admin(&self, username: &str) -> Result<Account, String> {
        let failed = |error: std::io::Error| format!("haat create-admin: {error}");
        let mut command = Self::program(&self.folder)
            .args(["create-admin", username, &format!("{username}@example.com")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        if let Some(mut input) = command.stdin.take() {
            writeln!(input, "{PASSWORD}").map_err(failed)?;
        }
        let status = command.wait().map_err(failed)?;
        if !status.success() {
            return Err(format!("haat create-admin: {status}"));
        }
        let token = self.login(username)?;
        self.account(username, &token)
    }

    fn login(&self, username: &str) -> Result<String, String> {
        let credentials = json!({ "username": username, "password": PASSWORD });
        let tokens = self.call("POST", "/api/auth/login/", None, Some(&credentials))?;
        Ok(tokens["access"].as_str().unwrap_or_default().to_owned())
    }

    fn account(&self, username: &str, token: &str) -> Result<Account, String> {
        let me = self.call("GET", "/api/auth/me/", Some(token), None)?;
        let id = me["id"].as_i64().unwrap_or_default();
        Ok(Account { id, username: username.to_owned(), password: PASSWORD.to_owned() })
    }

    fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        call_json(self.port, method, path, token, body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // By its process id: no other server is touched.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
