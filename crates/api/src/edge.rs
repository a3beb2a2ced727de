//! What happens to every request and every answer: the request's number, the client's address, the error body, entity
//! tags, headers, metrics, the access log.

use crate::address::{ClientAddress, over_tls};
use crate::etag::tag;
use crate::input::turn_away;
use crate::line::Handling;
use crate::metrics::{Metrics, name};
use crate::problem::{ApiError, Problem};
use crate::stopping::Stopping;
use crate::telemetry::REQUEST;
use crate::wall;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, ResponseError};
use haat_admin::{Panel, Seen};
use haat_app::{App, TRACES, Verified};
use haat_infra::token::PublicKey;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Instrument;
use tracing::field::Empty;
use uuid::Uuid;

/// Carries the request's number, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// An answer of the API is data: a browser that takes it for a page loads and runs nothing.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The longest path with its query, in bytes. The longest that means something is a search for 200 characters.
const MAX_URI: usize = 8 * 1024;
/// The largest head of a request, in bytes of its names and values; the HTTP library reads up to 128 KiB of it.
const MAX_HEAD: usize = 32 * 1024;

/// How many are turned away in a second. Most ask again at once, and each costs a little: time that those need who were
/// let in.
const REFUSALS_PER_SECOND: u32 = 5000;
/// No refusal is held back for longer: it is when the next try is welcome.
const MAX_HOLD: Duration = Duration::from_secs(1);

/// What this server knows of the outside.
pub struct Edge {
    /// How many proxies stand in front.
    pub proxies: usize,
    /// The listener for what is not for the public; without one, all is on the one listener.
    pub internal: Option<SocketAddr>,
    /// The largest body of a request, in bytes.
    pub body_limit: usize,
    /// How long reading it may take.
    pub body_time: Duration,
    /// What others may verify tokens with.
    pub public_keys: Vec<PublicKey>,
    /// Whoever asks the database whether it is there.
    pub readiness: tokio::sync::Mutex<()>,
    /// The counters of this server.
    pub metrics: Metrics,
    /// Units of work that may be under way at once.
    pub work_limit: usize,
    /// Connections that there may be.
    pub max_connections: u32,
    /// Whether this server is about to stop.
    pub stopping: Arc<Stopping>,
}

/// The outermost layer.
pub async fn edge(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let handling = Handling::of(&req);
    let id = request_id(req.headers());
    let method = req.method().clone();
    let known = req.app_data::<Data<Edge>>().cloned();
    let _under_way = known.as_ref().map(|edge| edge.metrics.begin());
    let proxies = known.as_ref().map_or(0, |edge| edge.proxies);
    let address = ClientAddress::of(&req, proxies);
    let panel = req.app_data::<Data<Panel>>().filter(|panel| panel.serves(&req)).cloned();
    let refusal = known.as_ref().and_then(|edge| refusal(&req, edge));
    let turned_away = matches!(refusal, Some(ApiError::Overloaded));
    // HEAD is GET whose body stays at home; the HTTP library holds it back.
    if method == Method::HEAD {
        req.head_mut().method = Method::GET;
    }
    req.extensions_mut().insert(address);
    let tls = over_tls(req.headers(), proxies);
    if panel.is_some() {
        req.extensions_mut().insert(Seen { request: id.clone(), address: address.0, tls });
    }
    let trace = tracing::trace_span!(target: TRACES, parent: None, "request", otel.kind = "server",
        http.request.method = name(&method), http.route = Empty, http.response.status_code = Empty);
    #[cfg(feature = "otlp")]
    crate::traces::go_on(&trace, req.headers());

    let res = if let Some(refusal) = refusal {
        turn_away(req, refusal.error_response()).await
    } else {
        // Handlers' errors are answers by now; what is left as an error is the framework's own.
        let answer = REQUEST.scope(id.clone(), next.call(req)).instrument(trace.clone());
        answer.await?.map_into_boxed_body()
    };
    let res = write_problem(res, &id, panel.as_ref());
    let mut res = tag(&method, res);
    let asked = res.request().headers();
    let authenticated = asked.contains_key(AUTHORIZATION);
    let headers = res.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    protect(headers, authenticated, tls);

    // Who is turned away has found no route, and to look for it now would cost more than all else.
    let path = if turned_away { None } else { res.request().match_pattern() };
    let (status, took) = (res.status().as_u16(), began.elapsed());
    let client = address.0.map(tracing::field::display);
    let who = res.request().extensions().get::<Verified>().and_then(|Verified(who)| who.ok());
    let (tenant, user) = (who.map(|who| who.tenant.get()), who.map(|who| who.user.get()));
    // Nor is there a line for each: they are counted.
    if !turned_away {
        let (method, micros) = (method.as_str(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        REQUEST.sync_scope(id, || {
            tracing::info!(method, path = path.as_deref(), status, client, tenant, user, micros, "answered");
        });
    }
    #[cfg(feature = "otlp")]
    crate::traces::answered(&trace, name(&method), path.as_deref().unwrap_or_default(), status);
    if let Some(edge) = known {
        edge.metrics.answered(&method, path.as_deref(), status, took);
        if edge.stopping.has_begun() {
            // Its next request goes to somebody who stays.
            res.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        // By so many that are under way, all of them waiting to be turned away but for a few hundred; and as long as
        // those do not take the connections from others.
        let waiting = edge.metrics.in_flight();
        if turned_away && waiting < edge.max_connections / 2 {
            tokio::time::sleep((Duration::from_secs(1) * waiting / REFUSALS_PER_SECOND).min(MAX_HOLD)).await;
        }
    }
    Ok(match handling {
        Some(handling) => res.map_body(|_, body| handling.until_made(body)),
        None => res,
    })
}

/// Why a request is not even looked at.
fn refusal(req: &ServiceRequest, edge: &Edge) -> Option<ApiError> {
    let uri = req.uri().path_and_query().map_or(0, |uri| uri.as_str().len());
    let head: usize =
        req.headers().iter().map(|(name, value)| name.as_str().len() + value.as_bytes().len()).sum();
    if uri > MAX_URI {
        Some(ApiError::UriTooLong(MAX_URI))
    } else if head > MAX_HEAD {
        Some(ApiError::HeadTooLarge(MAX_HEAD))
    } else {
        wall::refusal(req, edge.internal).or_else(|| overload(req, edge))
    }
}

/// Whether so much is under way that one more would only wait: it is turned away before its body is read and its token
/// verified, when that has cost next to nothing.
fn overload(req: &ServiceRequest, edge: &Edge) -> Option<ApiError> {
    let app = req.app_data::<Data<App>>()?;
    let crowded = app.vitals.under_way() >= edge.work_limit && !wall::is_watching(req.path());
    crowded.then(|| {
        edge.metrics.shed();
        ApiError::Overloaded
    })
}

/// Headers that tell browsers and caches to be careful.
fn protect(headers: &mut HeaderMap, authenticated: bool, tls: bool) {
    if !headers.contains_key(CACHE_CONTROL) {
        // What has a tag may be kept, as long as the server is asked each time whether it still holds.
        let policy = match (headers.contains_key(ETAG), authenticated) {
            (true, true) => "private, no-cache",
            (true, false) => "no-cache",
            (false, _) => "no-store",
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(policy));
    }
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let nothing = HeaderValue::from_static(NOTHING);
        headers.insert(CONTENT_SECURITY_POLICY, nothing);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if !headers.contains_key(REFERRER_POLICY) {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// Whether an answer must not be kept by anybody, as its handler says.
pub fn is_not_kept(headers: &HeaderMap) -> bool {
    headers.get(CACHE_CONTROL).is_some_and(|policy| policy == "no-store")
}

/// The client's own number, if it is a sane one; else a random one.
#[expect(clippy::disallowed_methods, reason = "a request's number is random, and nothing depends on which")]
fn request_id(headers: &HeaderMap) -> Arc<str> {
    let sane = |id: &&str| {
        (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let own = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane);
    own.map_or_else(
        || Arc::from(&*Uuid::new_v4().simple().encode_lower(&mut Uuid::encode_buffer())),
        Arc::from,
    )
}

/// Every error has the same body, those of the framework included; in the admin panel it is a page.
fn write_problem(
    mut res: ServiceResponse<BoxBody>,
    id: &str,
    panel: Option<&Data<Panel>>,
) -> ServiceResponse<BoxBody> {
    if !res.status().is_client_error() && !res.status().is_server_error() {
        return res;
    }
    if panel.is_some() && res.headers().contains_key(CONTENT_TYPE) {
        return res;
    }
    let known = res.response().extensions().get::<Problem>().cloned();
    let mut problem = known.unwrap_or_else(|| ApiError::Framework(res.status()).problem());
    let headers = res.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let body = if let Some(panel) = panel {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(haat_admin::HTML));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(haat_admin::POLICY));
        BoxBody::new(haat_admin::failure::failure_page(panel, problem.title, &problem.detail, id))
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        id.clone_into(&mut problem.request_id);
        BoxBody::new(serde_json::to_vec(&problem).unwrap_or_default())
    };
    res.map_body(|_, _| body)
}
