//! A world for each test: a database, the server on it, and people who talk to it.

pub(crate) use crate::answer::{Answer, number, send};
use clap::Parser;
use haat_api::config::{Cli, Settings};
use haat_domain::authz::Role;
use haat_domain::identity::{Email, NewPassword, NewUser, Username};
use haat_domain::ports::PasswordHasher;
use haat_infra::db::DatabaseUrl;
use haat_infra::password::BcryptHasher;
use haat_infra::testing::{Engine, TestDatabase};
use reqwest::Method;
use reqwest::blocking::{Client as Http, RequestBuilder};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// What tokens are signed with.
pub(crate) const KEY: &str = "the tests sign their tokens with this key";
/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse 7";
/// The password's hash costs next to nothing here.
const COST: u32 = 4;

/// Runs a case in a fresh world; where there is no such database to be had, that has been said.
pub(crate) fn on(engine: Engine, case: fn(&World)) {
    if let Some(database) = TestDatabase::new(engine) {
        case(&World::start(database));
    }
}

#[cfg(not(feature = "rls-only"))]
/// Runs a case in a fresh world on PostgreSQL that row-level security does not protect: the program works as the owner
/// of the tables, whom they do not bind any more.
pub(crate) fn on_filters_alone(case: fn(&World)) {
    let Some(database) = TestDatabase::new(Engine::Postgres) else { return };
    let mut owner = database.connect();
    let walls = "SELECT quote_ident(relname) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relforcerowsecurity";
    for table in owner.lines(walls).unwrap() {
        owner.run(&format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")).unwrap();
    }
    let role = owner.lines("SELECT current_user::text").unwrap().remove(0);
    let world = World::start_with(database, &["--database-role", &role]);
    case(&world);
    let seen = "SELECT count(DISTINCT tenant_id)::text FROM users";
    assert_ne!(owner.lines(seen).unwrap(), ["0"], "the walls still stand, and nothing was shown");
}

/// A server that ends with the test.
pub(crate) struct Server {
    running: Option<(actix_web::dev::ServerHandle, JoinHandle<()>)>,
    pub(crate) address: SocketAddr,
    internal: Option<SocketAddr>,
}

impl Server {
    fn start(settings: Settings) -> Self {
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let listening = haat_api::build(&settings).expect("the server starts");
                tell.send((listening.address, listening.internal, listening.server.handle())).unwrap();
                listening.server.await.expect("the server runs");
            });
        });
        let (address, internal, handle) = told.recv().expect("the server says where it listens");
        Self { running: Some((handle, thread)), address, internal }
    }

    /// The same client, talking to this server instead.
    pub(crate) fn serve(&self, client: &Client) -> Client {
        Client { base: format!("http://{}", self.address), ..client.clone() }
    }

    /// The same client at the internal address.
    pub(crate) fn serve_inside(&self, client: &Client) -> Client {
        let address = self.internal.expect("an internal address");
        Client { base: format!("http://{address}"), ..client.clone() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.running.take() {
            drop(handle.stop(false));
            // If the server broke, the case has failed already.
            let _ = thread.join();
        }
    }
}

/// A server on a database of its own.
pub(crate) struct World {
    server: Server,
    base: String,
    http: Http,
    /// Goes last: the server has let go of it by then.
    pub(crate) database: Arc<TestDatabase>,
}

impl World {
    pub(crate) fn start(database: TestDatabase) -> Self {
        Self::start_with(database, &[])
    }

    fn start_with(database: TestDatabase, flags: &[&str]) -> Self {
        let settings = settings(&database.url_text(), flags);
        Self::serve(Arc::new(database), settings)
    }

    fn serve(database: Arc<TestDatabase>, settings: Settings) -> Self {
        let server = Server::start(settings);
        let base = format!("http://{}", server.address);
        Self { server, base, http: http(), database }
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// What its database is.
    pub(crate) fn engine(&self) -> Engine {
        match self.database.url() {
            DatabaseUrl::Sqlite(_) => Engine::Sqlite,
            DatabaseUrl::Postgres(_) => Engine::Postgres,
        }
    }

    /// A second server on the same database, set up in another way.
    pub(crate) fn another(&self, flags: &[&str]) -> Server {
        Server::start(settings(&self.database.url_text(), flags))
    }

    /// Another server on the same database, with other settings: a second replica, or the same one after a restart.
    pub(crate) fn beside(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.settings();
        change(&mut settings);
        Self::serve(Arc::clone(&self.database), settings)
    }

    /// The settings of a server on this database.
    pub(crate) fn settings(&self) -> Settings {
        settings(&self.database.url_text(), &[])
    }

    /// Somebody whom nobody knows.
    pub(crate) fn anonymous(&self) -> Client {
        Client { http: self.http.clone(), base: self.base.clone(), token: None, store: None }
    }

    /// A new store in rupees, with its people.
    pub(crate) fn open(&self, name: &str) -> Shop {
        self.open_in(name, "INR")
    }

    /// A new store in some currency, with its people: `{owner,staff,customer,other}.{first word of the name}`.
    pub(crate) fn open_in(&self, name: &str, currency: &str) -> Shop {
        let tail = name.split(' ').next().unwrap().to_lowercase();
        let owner = format!("owner.{tail}");
        self.anonymous()
            .post(
                "/api/auth/register/",
                &json!({"username": owner, "password": PASSWORD, "role": "owner",
                "email": format!("{owner}@example.com"), "tenant_name": name, "currency": currency}),
            )
            .must(201);
        let owner = self.log_in(&owner, name);
        let person = |role: &str, name: &str| {
            let username = format!("{name}.{tail}");
            let email = format!("{username}@example.com");
            let body = json!({"username": username, "password": PASSWORD, "role": role, "email": email});
            owner.post("/api/users/", &body).must(201);
            username
        };
        let staff = self.log_in(&person("staff", "staff"), name);
        let customer = self.log_in(&person("customer", "customer"), name);
        let other = self.log_in(&person("customer", "other"), name);
        let store = owner.get("/api/store/").must(200).json;
        let slug = store["slug"].as_str().unwrap().to_owned();
        Shop { name: name.to_owned(), slug, id: number(&store["id"]), owner, staff, customer, other }
    }

    /// Logs somebody in.
    pub(crate) fn log_in(&self, username: &str, store: &str) -> User {
        let body = json!({"username": username, "password": PASSWORD, "store": store});
        self.user(username, &self.anonymous().post("/api/auth/login/", &body).must(200))
    }

    /// A platform admin, appointed at the console and logged in.
    pub(crate) fn admin(&self) -> User {
        self.admin_named("admin")
    }

    /// Another one.
    pub(crate) fn admin_named(&self, name: &str) -> User {
        let password = NewPassword::parse(PASSWORD, &[]).unwrap();
        let new = NewUser {
            username: Username::parse(name).unwrap(),
            email: Email::parse(&format!("{name}@example.com")).unwrap(),
            role: Role::Superuser,
            hash: BcryptHasher::new(COST, "").unwrap().hash(&password).unwrap(),
        };
        haat_api::commands::appoint(self.database.store().as_ref(), new).unwrap();
        let body = json!({"username": name, "password": PASSWORD});
        self.user(name, &self.anonymous().post("/api/auth/login/", &body).must(200))
    }

    fn user(&self, username: &str, login: &Answer) -> User {
        let client = self.anonymous().with(login.text_of("access"));
        let id = number(&client.get("/api/auth/me/").must(200).json["id"]);
        User { client, id, username: username.to_owned(), refresh: login.text_of("refresh").to_owned() }
    }
}

/// The settings of a test's server: without limits, and then as the flags say.
pub(crate) fn settings(url: &str, flags: &[&str]) -> Settings {
    let own = flags;
    let cost = COST.to_string();
    let flags = ["haat", "--env", "development", "--database-url", url, "--host", "127.0.0.1", "--port", "0"];
    let tuned = ["--bcrypt-cost", &cost, "--secret-key", KEY, "--workers", "1", "--database-pool", "4"];
    let quick = ["--sqlite-synchronous", "normal", "--hashing-queue", "200"];
    let all: Vec<_> = flags.into_iter().chain(tuned).chain(quick).chain(own.iter().copied()).collect();
    let unlimited = ["--limit-address", "--limit-user", "--limit-tenant"];
    let unlimited = unlimited.into_iter().filter(|flag| !own.contains(flag)).flat_map(|flag| [flag, "off"]);
    let patient = (!own.contains(&"--free-failures")).then_some(["--free-failures", "0"]);
    let all: Vec<_> = all.into_iter().chain(unlimited).chain(patient.into_iter().flatten()).collect();
    Cli::try_parse_from(all).expect("flags of this program").settings
}

/// Somebody whom nobody knows, at this base of all addresses.
pub(crate) fn client_of(base: &str) -> Client {
    Client { http: http(), base: base.to_owned(), token: None, store: None }
}

/// A client that follows nothing and waits for a while.
pub(crate) fn http() -> Http {
    let builder = Http::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.timeout(std::time::Duration::from_mins(1)).build().unwrap()
}

/// A store and its people.
pub(crate) struct Shop {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) id: i64,
    pub(crate) owner: User,
    pub(crate) staff: User,
    pub(crate) customer: User,
    /// Another customer.
    pub(crate) other: User,
}

impl Shop {
    /// A product that customers see; its number.
    pub(crate) fn product(&self, name: &str, price: &str, stock: Option<i64>) -> i64 {
        let body = json!({"name": name, "price": price, "stock": stock});
        number(&self.owner.post("/api/products/", &body).must(201).json["id"])
    }

    /// What is left of a product.
    pub(crate) fn stock(&self, product: i64) -> Value {
        self.owner.get(&format!("/api/products/{product}/")).must(200).json["stock"].clone()
    }

    /// An order of the customer; its number on the server.
    pub(crate) fn order(&self, product: i64, quantity: i64) -> i64 {
        let body = json!({"product": product, "quantity": quantity});
        number(&self.customer.post("/api/orders/", &body).must(201).json["id"])
    }
}

/// Somebody who is logged in.
pub(crate) struct User {
    client: Client,
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) refresh: String,
}

impl std::ops::Deref for User {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Sends requests as somebody.
#[derive(Clone)]
pub(crate) struct Client {
    http: Http,
    base: String,
    pub(crate) token: Option<String>,
    store: Option<String>,
}

impl Client {
    /// The same with another token.
    pub(crate) fn with(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Where it sends its requests.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The same, naming a store to act in.
    pub(crate) fn inside(&self, store: &str) -> Self {
        Self { store: Some(store.to_owned()), ..self.clone() }
    }

    /// A request to be completed and given to [`send`].
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(store) = &self.store {
            request = request.header("X-Haat-Store", store);
        }
        request
    }

    /// A request with a JSON body, or none.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(method, path);
        send(match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    /// A request whose body is these bytes, said to be JSON.
    pub(crate) fn raw(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        send(self.request(method, path).header("Content-Type", "application/json").body(body.into()))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body))
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, Some(body))
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, Some(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None)
    }
}
