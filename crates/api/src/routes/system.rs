//! Health, the keys that verify tokens, and the API's description of itself.

use crate::edge::Edge;
use crate::openapi;
use crate::problem::ApiError;
use actix_web::http::header::{ACCEPT, CACHE_CONTROL};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use haat_app::App;
use haat_domain::error::Error;
use haat_infra::token::PublicKey;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_health)
        .service(get_readiness)
        .service(get_schema)
        .service(get_metrics)
        .service(get_jwks)
        .map(|config| {
            config
                .route("/openapi.json/", actix_web::web::get().to(document))
                .route("/api/docs/{file:.*}", actix_web::web::get().to(docs))
                .route("/", actix_web::web::get().to(home))
        });
}

/// How the program is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`
    #[schema(example = "ok")]
    status: &'static str,
}

/// Ask whether the process is up
#[utoipa::path(tag = "system", security(()), responses((status = 200, body = Health)))]
#[get("/healthz/")]
async fn get_health() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// Ask whether the database answers and its migrations are current
///
/// 503 from the moment at which the server was told to stop.
#[utoipa::path(tag = "system", security(()), responses((status = 200, body = Health)))]
#[get("/readyz/")]
async fn get_readiness(app: Data<App>, edge: Data<Edge>) -> Result<HttpResponse, ApiError> {
    if edge.stopping.has_begun() {
        return Err(ApiError::Stopping);
    }
    // One question at a time: whoever asks in a loop does not keep the database busy.
    let _turn = edge.readiness.lock().await;
    let store = app.store.clone();
    let ready = actix_web::web::block(move || store.ready()).await;
    ready.unwrap_or_else(|cancelled| Err(Error::Unavailable(cancelled.into())))?;
    Ok(HttpResponse::Ok().json(Health { status: "ok" }))
}

/// Read this document
#[utoipa::path(tag = "system", security(()), responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
#[get("/api/schema/")]
async fn get_schema() -> HttpResponse {
    document().await
}

/// Read the server's counters
///
/// For Prometheus: requests by method, route and status, their durations, and how the database, its queues, hashing and
/// the process are.
#[utoipa::path(tag = "system", security(()),
    responses((status = 200, description = "Prometheus text", body = String, content_type = "text/plain")))]
#[get("/metrics/")]
async fn get_metrics(req: HttpRequest, edge: Data<Edge>) -> HttpResponse {
    let accepts = req.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    // What is sent is OpenMetrics, and plain Prometheus text to whoever does not know that.
    let kind = if accepts.contains("application/openmetrics-text") {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8"
    };
    // Counters change with each request: a tag would never match.
    HttpResponse::Ok().content_type(kind).insert_header((CACHE_CONTROL, "no-store")).body(edge.metrics.text())
}

/// Keys that verify tokens (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct JwkSet {
    /// The public keys in use: one, or two while one follows the other. None where tokens are signed with a secret.
    keys: Vec<Jwk>,
}

/// A public key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
pub struct Jwk {
    /// `OKP`
    #[schema(example = "OKP")]
    kty: &'static str,
    /// `Ed25519`
    #[schema(example = "Ed25519")]
    crv: &'static str,
    /// The key's 32 bytes, in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: String,
    /// `sig`
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    usage: &'static str,
    /// `EdDSA`
    #[schema(example = "EdDSA")]
    alg: &'static str,
    /// What the header of a token calls this key: its thumbprint (RFC 7638).
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    kid: String,
}

/// Read the keys that verify tokens
///
/// For other services: with these they can verify an access token without asking. They must look at its `typ` (only
/// `at+jwt` proves who is calling), `iss`, `aud` and `exp`, and they do not learn of a logout before it expires.
#[utoipa::path(tag = "system", security(()), responses((status = 200, body = JwkSet)))]
#[get("/.well-known/jwks.json/")]
async fn get_jwks(edge: Data<Edge>) -> HttpResponse {
    let jwk = |key: &PublicKey| Jwk {
        kty: "OKP",
        crv: "Ed25519",
        x: key.x.clone(),
        usage: "sig",
        alg: "EdDSA",
        kid: key.id.clone(),
    };
    let keys = edge.public_keys.iter().map(jwk).collect();
    HttpResponse::Ok().insert_header(("Cache-Control", "public, max-age=300")).json(JwkSet { keys })
}

async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::json())
}

/// Swagger UI, from assets inside the binary.
async fn docs(path: Path<String>) -> Result<HttpResponse, ApiError> {
    openapi::swagger_file(path.trim_end_matches('/')).ok_or(ApiError::NoSuchPath)
}

async fn home() -> HttpResponse {
    HttpResponse::Found().insert_header(("Location", "/api/docs/")).finish()
}
