//! What is counted for Prometheus. No label names a store, a user or anything else that a client chooses.
//!
//! Counting is cheap: a request finds its route's counters in a map by the route's pattern, and they are atomics.
//! Whatever is dearer is done when somebody reads them.

mod process;
mod series;

use self::series::Series;
use actix_web::http::Method;
use actix_web::web::Data;
use haat_app::App;
use haat_app::vitals::{Count, Durations};
use haat_domain::time::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The label of every path that leads nowhere: there is no end of them.
const NOWHERE: &str = "none";

/// The counters of one server.
pub struct Metrics {
    registry: Registry,
    http: Arc<Http>,
}

/// What is counted of requests.
#[derive(Debug, Default)]
struct Http {
    routes: RwLock<HashMap<String, Arc<Route>>>,
    in_flight: AtomicI64,
    shed: Count,
    stalled: Count,
    limited: [Count; POLICIES.len()],
}

/// The limits whose refusals are told apart.
const POLICIES: [&str; 3] = ["address", "user", "tenant"];

/// What is counted of one route's requests.
#[derive(Debug, Default)]
struct Route {
    took: Durations,
    /// By method and status: a handful, made when they first come.
    answers: RwLock<Vec<(&'static str, u16, Count)>>,
}

impl Metrics {
    /// Counts what this program does from now on.
    pub fn new(app: Data<App>, started: Timestamp) -> Self {
        let http = Arc::<Http>::default();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Series { http: Arc::clone(&http), app, started }));
        Self { registry, http }
    }

    /// Counts a request as under way, until this is dropped: a client may go away before there is an answer.
    pub fn begin(&self) -> InFlight {
        self.http.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(&self.http))
    }

    /// How many have begun and not ended.
    pub fn in_flight(&self) -> u32 {
        u32::try_from(self.http.in_flight.load(Ordering::Relaxed)).unwrap_or(u32::MAX)
    }

    /// Counts an answer.
    pub fn answered(&self, method: &Method, route: Option<&str>, status: u16, took: Duration) {
        let route = self.http.route(route.unwrap_or(NOWHERE));
        route.took.add(took);
        route.count(name(method), status);
    }

    /// Counts a request that was turned away because too much is under way.
    pub fn shed(&self) {
        self.http.shed.up();
    }

    /// Counts a connection that was ended since it stood still.
    pub fn stalled(&self) {
        self.http.stalled.up();
    }

    /// Counts a request that was turned away by this limit.
    pub fn limited(&self, policy: &str) {
        if let Some((_, count)) = POLICIES.iter().zip(&self.http.limited).find(|(name, _)| **name == policy) {
            count.up();
        }
    }

    /// All of them, as Prometheus reads them.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Http {
    fn route(&self, pattern: &str) -> Arc<Route> {
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(pattern).map(Arc::clone);
        known.unwrap_or_else(|| {
            let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(routes.entry(pattern.to_owned()).or_default())
        })
    }
}

impl Route {
    fn count(&self, method: &'static str, status: u16) {
        let is_it = |(other, code, _): &&(&str, u16, Count)| (*other, *code) == (method, status);
        let known = self.answers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, count)) = known.iter().find(is_it) {
            return count.up();
        }
        drop(known);
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        if !answers.iter().any(|answer| is_it(&answer)) {
            answers.push((method, status, Count::default()));
        }
        if let Some((_, _, count)) = answers.iter().find(is_it) {
            count.up();
        }
    }
}

/// A request under way.
pub struct InFlight(Arc<Http>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A client may invent methods; a label may not grow with them.
pub(crate) fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
