//! Requests that create something, once: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).

use crate::auth::STORE_HEADER;
use crate::problem::ApiError;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use haat_app::{App, Caller};
use haat_domain::authz::Action;
use haat_domain::cx::Cx;
use haat_domain::error::{Error, FieldErrors, Result, Violation};
use haat_domain::idempotency::{Answer, Claim, IdempotencyKey};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// A client's name for a request that it may have to send again.
pub const KEY_HEADER: &str = "Idempotency-Key";
/// Says that an answer was given before.
pub const REPLAYED_HEADER: &str = "Idempotency-Replayed";

/// Reads the key of a request with this body, if it has one.
pub fn claim(req: &HttpRequest, body: &[u8], errors: &mut FieldErrors) -> Option<Claim> {
    if req.method() != Method::POST {
        return None;
    }
    let mut keys = req.headers().get_all(KEY_HEADER);
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) => IdempotencyKey::parse(key.to_str().unwrap_or_default()),
        (Some(_), Some(_)) => Err(Violation::new("must not be given twice")),
        (None, _) => return None,
    };
    let key = errors.check(KEY_HEADER, key)?;
    let store = req.headers().get(STORE_HEADER).map_or(&[][..], |store| store.as_bytes());
    // A body that is read in part only, because of what nobody asks for, is none to be compared.
    let body =
        without_password(body).map_err(|_| Violation::new("goes only with a body that can be read whole"));
    let body = errors.check(KEY_HEADER, body)?;
    let mut hash = Sha256::new();
    for part in [req.method().as_str().as_bytes(), req.path().as_bytes(), store, &body] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    Some(Claim { key, fingerprint: format!("{:x}", hash.finalize()) })
}

/// A password leaves no digest behind that is quicker to guess from than its hash: it is not compared.
fn without_password(body: &[u8]) -> serde_json::Result<Cow<'_, [u8]>> {
    let mut members: Map<String, Value> = serde_json::from_slice(body)?;
    Ok(match members.remove("password") {
        Some(_) => Cow::Owned(Value::Object(members).to_string().into_bytes()),
        None => Cow::Borrowed(body),
    })
}

/// Something that was created: where it is, and how it is shown.
pub struct Created {
    answer: Answer,
    kept: Answer,
}

impl Created {
    /// Something that is shown like this.
    pub fn new<T: Serialize>(location: String, body: &T) -> Result<Self> {
        let body = serde_json::to_string(body).map_err(Error::internal)?;
        let answer = Answer { status: StatusCode::CREATED.as_u16(), location: Some(location), body };
        Ok(Self { kept: answer.clone(), answer })
    }

    /// The same, of which only this is kept to be shown again: a secret is shown once and stored nowhere.
    pub fn keeping<T: Serialize>(mut self, body: &T) -> Result<Self> {
        self.kept.body = serde_json::to_string(body).map_err(Error::internal)?;
        Ok(self)
    }
}

/// Creates something as the caller, once if the request has a key.
pub async fn create(
    app: &App,
    caller: &Caller,
    action: Action,
    claim: Option<Claim>,
    work: impl FnOnce(&mut Cx<'_>) -> Result<Created> + Send + 'static,
) -> Result<HttpResponse, ApiError> {
    let work = |cx: &mut Cx<'_>| work(cx).map(|Created { answer, kept }| (answer, kept));
    let done = app.create(caller, action, claim, work).await?;
    let status = StatusCode::from_u16(done.answer.status).map_err(Error::internal)?;
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, "application/json"));
    if let Some(location) = done.answer.location {
        response.insert_header((LOCATION, location));
    }
    if done.replayed {
        response.insert_header((REPLAYED_HEADER, "true"));
    }
    Ok(response.body(done.answer.body))
}
