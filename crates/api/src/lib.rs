//! Haat's REST API and the wiring of the `haat` program.
//!
//! [`build`] makes the server that the program runs and the tests start: one way to do it.

pub mod address;
pub mod auth;
pub mod commands;
pub mod config;
pub mod cors;
pub mod demo;
pub mod digits;
pub mod edge;
pub mod etag;
pub mod input;
mod keys;
pub mod limits;
mod line;
pub mod metrics;
pub mod once;
pub mod openapi;
pub mod operations;
pub mod precondition;
pub mod problem;
pub mod routes;
pub mod stopping;
mod telemetry;
#[cfg(feature = "otlp")]
mod traces;
pub mod wall;

use crate::config::Settings;
use crate::edge::Edge;
use crate::limits::Limits;
use crate::line::Times;
use crate::metrics::Metrics;
use crate::problem::ApiError;
use crate::stopping::Stopping;
use actix_server::{Server, ServerBuilder};
use actix_web::http::Method;
use actix_web::middleware::{Condition, NormalizePath, TrailingSlash, from_fn};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use haat_app::App;
use haat_app::hashing::Hashing;
use haat_app::once::InFlight;
use haat_app::standby::Standby;
use haat_domain::ports::Clock;
use haat_infra::clock::SystemClock;
use haat_infra::db;
use haat_infra::password::BcryptHasher;
use haat_infra::random::OsRandom;
use haat_infra::token::JwtIssuer;
use haat_infra::workers::Workers;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use utoipa_actix_web::AppExt;

/// Why the program cannot do what it was asked, for its user.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A server that listens.
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    /// Where for those who run it, if that is set.
    pub internal: Option<SocketAddr>,
    /// Runs until it is stopped; no signal stops it by itself.
    pub server: Server,
    /// Where it is told that it is about to be stopped.
    pub stopping: Arc<Stopping>,
}

/// Opens the database and makes what handlers need.
pub fn app(settings: &Settings) -> Result<App, Failure> {
    let url = settings.database()?;
    let keys = settings.keys()?;
    let workers = Workers::start("hashing", settings.hashing_threads.into(), settings.hashing_queue.into())?;
    let hand_over = Box::new(move |task| workers.try_run(task).is_ok());
    let mut options = settings.database_options();
    // Requests wait for nobody longer than for their turn, and so not for the write of another process either.
    options.sqlite.busy_timeout = options.sqlite.patience;
    let (store, standby) = match settings.replica_database()? {
        None => (db::open(&url, &options).map_err(commands::explain)?, None),
        Some(replica) => {
            let (store, standby) =
                db::open_with_standby(&url, &replica, &options).map_err(commands::explain)?;
            (store, Some(Arc::new(Standby::new(standby))))
        }
    };
    store.ready().map_err(commands::explain)?;
    let hasher = BcryptHasher::new(settings.bcrypt_cost, &settings.password_pepper)?;
    Ok(App {
        store,
        clock: Arc::new(SystemClock),
        tokens: Arc::new(JwtIssuer::new(&keys, &settings.token_issuer, &settings.token_audience)),
        hasher: Arc::new(hasher),
        hashing: Hashing::new(settings.hashing_queue, hand_over),
        currency: settings.currency,
        patience: settings.patience(),
        free_failures: settings.free_failures,
        random: Arc::new(OsRandom),
        in_flight: InFlight::default(),
        vitals: Arc::default(),
        standby,
    })
}

/// The server, listening. It answers once it is awaited: see [`stopping::run`].
pub fn build(settings: &Settings) -> Result<Listening, Failure> {
    let app = Data::new(app(settings)?);
    let paths = Data::new(known_paths());
    let edge = &settings.edge;
    // Bound first: with port 0 only the listener knows where it is.
    let listener = line::bind((settings.host, settings.port).into())?;
    let address = listener.local_addr()?;
    let internal = edge.internal_address.map(line::bind).transpose()?;
    let internal_address = internal.as_ref().map(TcpListener::local_addr).transpose()?;
    let stopping = Arc::<Stopping>::default();
    let limits = Data::new(Limits::new(edge.limit_address, edge.limit_user, edge.limit_tenant));
    let outside = Data::new(Edge {
        proxies: edge.trusted_proxies.into(),
        internal: internal_address,
        body_limit: settings.body_limit,
        body_time: edge.body_time(),
        public_keys: settings.keys()?.public(),
        readiness: tokio::sync::Mutex::default(),
        metrics: Metrics::new(app.clone(), SystemClock.now()),
        work_limit: edge.work_limit(),
        max_connections: edge.max_connections,
        stopping: Arc::clone(&stopping),
    });
    let watched = outside.clone();
    let origins = edge.cors_origins.clone();
    let panel = edge.panel().map(Data::new);
    let threads = settings.workers.map_or_else(processors, usize::from);
    let serve = move || {
        actix_web::App::new()
            .app_data(app.clone())
            .app_data(paths.clone())
            .app_data(limits.clone())
            .app_data(outside.clone())
            .into_utoipa_app()
            .configure(routes::all)
            .into_app()
            .configure(|config| {
                if let Some(panel) = &panel {
                    haat_admin::mount(config, panel);
                }
            })
            .default_service(actix_web::web::to(elsewhere))
            .wrap(from_fn(limits::limit))
            .wrap(Condition::new(!origins.is_empty(), cors::layer(&origins)))
            .wrap(from_fn(edge::edge))
            .wrap(NormalizePath::new(TrailingSlash::Always))
    };
    let mut server = ServerBuilder::default()
        .workers(threads)
        .max_concurrent_connections(edge.connections_each(threads))
        .disable_signals()
        .shutdown_timeout(settings.shutdown_seconds.into());
    let times = Times { head: edge.head_time(), still: edge.head_time().max(edge.body_time()) };
    let ended = move || watched.metrics.stalled();
    for listener in std::iter::once(listener).chain(internal) {
        server = line::listen(server, listener, times, ended.clone(), serve.clone())?;
    }
    Ok(Listening { address, internal: internal_address, server: server.run(), stopping })
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Path templates of the server, and their methods.
struct KnownPaths(Vec<(actix_web::dev::ResourceDef, Vec<String>)>);

fn known_paths() -> KnownPaths {
    let mut known: Vec<(String, Vec<String>)> = Vec::new();
    let unlisted =
        ["/", "/openapi.json/", "/api/docs/{file:.*}"].map(|path| ("GET".to_owned(), path.to_owned()));
    for (method, path) in openapi::paths().into_iter().chain(unlisted) {
        match known.iter_mut().find(|(other, _)| *other == path) {
            Some((_, methods)) => methods.push(method),
            None => known.push((path, vec![method])),
        }
    }
    KnownPaths(
        known.into_iter().map(|(path, methods)| (actix_web::dev::ResourceDef::new(path), methods)).collect(),
    )
}

/// What is not routed: 405 with `Allow` where only the method is wrong, 404 elsewhere.
async fn elsewhere(req: HttpRequest, known: Data<KnownPaths>) -> Result<HttpResponse, ApiError> {
    let found = known.0.iter().find(|(path, _)| path.is_match(req.path()));
    let (_, methods) = found.ok_or_else(|| wall::nowhere(req.method()))?;
    let mut allowed = methods.clone();
    if methods.iter().any(|method| method == "GET") {
        allowed.push("HEAD".to_owned());
    }
    allowed.push("OPTIONS".to_owned());
    let allowed = allowed.join(", ");
    if req.method() == Method::OPTIONS {
        Ok(HttpResponse::NoContent().insert_header(("Allow", allowed)).finish())
    } else {
        Err(ApiError::WrongMethod(allowed))
    }
}
