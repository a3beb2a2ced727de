//! What is not for the public: with an internal address, metrics and documentation are there and nowhere else.

use crate::line::State;
use crate::problem::ApiError;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use std::net::SocketAddr;
use std::rc::Rc;

/// Methods that some path of this server has.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Their names, for `Allow`.
fn methods() -> String {
    METHODS.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

/// Why this path is not there on this listener: as if it were nowhere.
pub fn refusal(req: &ServiceRequest, internal: Option<SocketAddr>) -> Option<ApiError> {
    let internal = internal?;
    // The path as the router reads it: a letter may be written as %6d.
    let path = req.match_info().get_ref().path();
    let inside = req.conn_data::<Rc<State>>().is_some_and(|line| line.listener == internal);
    let there = if inside { is_internal(path) || is_health(path) } else { !is_internal(path) };
    if there { None } else { Some(nowhere(req.method())) }
}

/// The answer where there is nothing: what no path has is refused before the path is looked for.
pub fn nowhere(method: &Method) -> ApiError {
    if METHODS.contains(method) { ApiError::NoSuchPath } else { ApiError::WrongMethod(methods()) }
}

fn is_internal(path: &str) -> bool {
    matches!(path, "/" | "/metrics/" | "/api/schema/" | "/openapi.json/") || path.starts_with("/api/docs/")
}

fn is_health(path: &str) -> bool {
    matches!(path, "/healthz/" | "/readyz/")
}

/// Whether somebody watches the server there: no limit applies to them.
pub fn is_watching(path: &str) -> bool {
    is_health(path) || path == "/metrics/"
}
