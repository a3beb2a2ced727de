//! What happens to every request and every answer: the request's number, the error body, headers, the access log.

use crate::problem::{ApiError, Problem};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use std::time::Instant;
use tracing::Instrument;

/// Carries the request's number, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's number, for whoever is within: an extension of the request.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The outermost layer.
pub async fn edge(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(req.headers());
    let method = req.method().clone();
    // HEAD is GET whose body stays at home; the HTTP library holds it back.
    if method == Method::HEAD {
        req.head_mut().method = Method::GET;
    }
    req.extensions_mut().insert(RequestId(id.clone()));
    let authenticated = req.headers().contains_key(AUTHORIZATION);
    let began = Instant::now();
    let span = tracing::info_span!("request", id = %id);

    // Handlers' errors are answers by now; what is left as an error is the framework's own.
    let mut res = next.call(req).instrument(span.clone()).await?.map_into_boxed_body();
    write_problem(&mut res, &id);

    let headers = res.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if authenticated && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let path = res.request().match_pattern();
    let _entered = span.entered();
    tracing::info!(%method, path, status = res.status().as_u16(), micros = began.elapsed().as_micros(), "answered");
    Ok(res)
}

/// The client's own number, if it is a sane one; else a random one.
#[expect(clippy::disallowed_methods, reason = "a request's number is random, and nothing depends on which")]
fn request_id(headers: &HeaderMap) -> String {
    let sane = |id: &&str| {
        (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let own = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane);
    own.map_or_else(|| uuid::Uuid::new_v4().simple().to_string(), str::to_owned)
}

/// Every error has the same body, those of the framework included.
fn write_problem(res: &mut ServiceResponse<BoxBody>, id: &str) {
    if !res.status().is_client_error() && !res.status().is_server_error() {
        return;
    }
    let known = res.response().extensions().get::<Problem>().cloned();
    let mut problem = known.unwrap_or_else(|| ApiError::Framework(res.status()).problem());
    id.clone_into(&mut problem.request_id);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    let status = res.status();
    *res.response_mut() = std::mem::replace(res.response_mut(), actix_web::HttpResponse::new(status))
        .set_body(BoxBody::new(body));
}
