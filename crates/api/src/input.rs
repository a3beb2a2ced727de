//! Reading requests: JSON bodies with all their faults at once, query strings, ids.

pub use crate::digits::Digits;

use crate::edge::Edge;
use crate::once;
use crate::problem::ApiError;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use actix_web::mime::Mime;
use actix_web::web::{BytesMut, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use haat_domain::error::{Error, FieldErrors, Violation};
use haat_domain::idempotency::Claim;
use haat_domain::ids::MAX_ID;
use haat_domain::page::{Cursor, Limit, PageRequest, Sort, SortKey};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

/// A JSON body, or why there is none. Reading it never fails at once: see [`App::checked`](haat_app::App::checked).
pub struct Body<T>(pub Result<Draft<T>, ApiError>);

/// A body as far as it could be read, and what is wrong with the rest: what its meaning adds is reported with it.
pub struct Draft<T> {
    /// The members; a faulty one is absent.
    pub dto: T,
    /// The faulty ones.
    pub errors: FieldErrors,
    /// The request's idempotency key; for what creates something.
    pub claim: Option<Claim>,
}

impl<T> Draft<T> {
    /// The members, if none is faulty.
    pub fn whole(self) -> Result<T, ApiError> {
        self.errors.finish()?;
        Ok(self.dto)
    }

    /// What the members mean, if nothing is wrong with shape or meaning.
    pub fn read<U, E: Into<ApiError>>(
        self,
        meaning: impl FnOnce(T, FieldErrors) -> Result<U, E>,
    ) -> Result<U, ApiError> {
        meaning(self.dto, self.errors).map_err(Into::into)
    }

    /// The same with the request's idempotency key.
    pub fn claimed<U, E: Into<ApiError>>(
        self,
        meaning: impl FnOnce(T, FieldErrors) -> Result<U, E>,
    ) -> Result<(Option<Claim>, U), ApiError> {
        let claim = self.claim;
        Ok((claim, meaning(self.dto, self.errors).map_err(Into::into)?))
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move { Ok(Self(read(&req, payload).await.and_then(|bytes| parse(&req, &bytes)))) })
    }
}

/// The largest body that is read of somebody who may not be known yet, in bytes.
const DOOR_LIMIT: usize = 16 * 1024;

async fn read(req: &HttpRequest, payload: Payload) -> Result<BytesMut, ApiError> {
    let edge = req.app_data::<Data<Edge>>();
    let (limit, time) = edge.map_or((0, Duration::ZERO), |edge| (edge.body_limit, edge.body_time));
    // Strangers come here, and have little to say.
    let limit = if req.match_info().get_ref().path().starts_with("/api/auth/") {
        limit.min(DOOR_LIMIT)
    } else {
        limit
    };
    let encoded = |value: &HeaderValue| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if req.headers().get_all(CONTENT_ENCODING).any(encoded) {
        return Err(ApiError::WrongEncoding);
    }
    let body = tokio::time::timeout(time, read_all(req, payload, limit));
    let body = body.await.unwrap_or(Err(ApiError::SlowBody))?;
    if body.is_empty() || is_json(req) { Ok(body) } else { Err(ApiError::WrongType) }
}

/// A body that nobody will look at is waited for no longer than this.
const SOON: Duration = Duration::from_millis(250);

/// Answers without having looked at the body. Where something of it is left on a connection the HTTP library closes it,
/// and then each refusal costs another connection, which is more than all else about it.
pub async fn turn_away(req: ServiceRequest, answer: HttpResponse) -> ServiceResponse {
    let (req, body) = req.into_parts();
    // One that is large or slow ends with the connection.
    let _ = tokio::time::timeout(SOON, read_all(&req, body, DOOR_LIMIT)).await;
    ServiceResponse::new(req, answer)
}

/// Whether the body is said to be JSON, in the one charset that JSON has.
fn is_json(req: &HttpRequest) -> bool {
    let is_utf8 = |mime: &Mime| {
        let charset = mime.get_param("charset");
        charset.is_none_or(|charset| charset.as_str().eq_ignore_ascii_case("utf-8"))
    };
    req.headers().contains_key(CONTENT_TYPE)
        && matches!(req.mime_type(), Ok(Some(mime)) if mime.type_() == "application"
            && (mime.subtype() == "json" || mime.suffix().is_some_and(|suffix| suffix == "json"))
            && is_utf8(&mime))
}

async fn read_all(req: &HttpRequest, mut payload: Payload, limit: usize) -> Result<BytesMut, ApiError> {
    let length =
        req.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(ApiError::TooLarge(limit));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = std::future::poll_fn(|cx| {
        let payload: Pin<&mut Payload> = Pin::new(&mut payload);
        futures_core::Stream::poll_next(payload, cx)
    })
    .await
    {
        let chunk = chunk.map_err(|broken| ApiError::Malformed(broken.to_string()))?;
        if body.len() + chunk.len() > limit {
            return Err(ApiError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// At most so many faults of type are looked for; each one reads the body again.
const FAULTS: usize = 16;

/// Reads a DTO. A field of the wrong type is noted, taken out, and reading begins again, so that all faulty fields
/// are reported at once; a good body is read once.
fn parse<T: DeserializeOwned + Validate>(req: &HttpRequest, bytes: &[u8]) -> Result<Draft<T>, ApiError> {
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    // serde would read a struct from an array as well, member by member.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        let broken = serde_json::from_slice::<IgnoredAny>(bytes).err().map(|error| error.to_string());
        return Err(ApiError::Malformed(
            broken.unwrap_or_else(|| "the body must be a JSON object".to_owned()),
        ));
    }
    let mut errors = FieldErrors::default();
    let dto = match serde_json::from_slice::<T>(bytes) {
        Ok(dto) => dto,
        Err(first) => without_faults(bytes, &first, &mut errors)?,
    };
    if let Err(faults) = dto.validate() {
        collect(&faults, "", &mut errors);
    }
    let claim = once::claim(req, bytes, &mut errors);
    Ok(Draft { dto, errors, claim })
}

fn without_faults<T: DeserializeOwned>(
    bytes: &[u8],
    first: &serde_json::Error,
    errors: &mut FieldErrors,
) -> Result<T, ApiError> {
    let malformed = |error: &serde_json::Error| ApiError::Malformed(error.to_string());
    let mut value: serde_json::Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) if error.is_data() => {
            return Err(in_text_only::<T>(bytes, first, errors).unwrap_or_else(|| malformed(&error)));
        }
        Err(error) => return Err(malformed(&error)),
    };
    for fault in 0..FAULTS {
        match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(_) if fault == 0 => {
                return Err(in_text_only::<T>(bytes, first, errors).unwrap_or_else(|| malformed(first)));
            }
            Ok(dto) => return Ok(dto),
            Err(fault) => {
                let path = fault.path().to_string();
                errors.add(&path, must(&fault.inner().to_string()));
                let pointer = format!("/{}", path.replace('[', ".").replace(']', "").replace('.', "/"));
                match value.pointer_mut(&pointer) {
                    Some(faulty) => *faulty = serde_json::Value::Null,
                    None => break,
                }
            }
        }
    }
    Err(Error::Invalid(std::mem::take(errors)).into())
}

/// A fault that the text has and its [`serde_json::Value`] has not: an object in the form in which `serde_json` keeps
/// a number becomes one, or cannot be read. The other such fault, a member that stands there twice, is none of a field.
fn in_text_only<T: DeserializeOwned>(
    bytes: &[u8],
    first: &serde_json::Error,
    errors: &mut FieldErrors,
) -> Option<ApiError> {
    if first.to_string().starts_with("duplicate field") {
        return None;
    }
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let fault = serde_path_to_error::deserialize::<_, T>(&mut text).err()?;
    // Where it stands in the text helps nobody.
    let message = fault.inner().to_string();
    errors.add(&fault.path().to_string(), must(message.split(" at line ").next().unwrap_or_default()));
    Some(Error::Invalid(std::mem::take(errors)).into())
}

/// serde's "invalid type: string "x", expected i64" as a sentence about the field.
fn must(message: &str) -> String {
    match message.split_once("expected ") {
        Some((_, "i64" | "i32" | "u32")) => "must be an integer".to_owned(),
        Some((_, "a sequence")) => "must be an array".to_owned(),
        Some((_, wanted)) if wanted.starts_with("struct") => "must be an object".to_owned(),
        Some((_, "a boolean")) => "must be true or false".to_owned(),
        Some((_, wanted)) => format!("must be {wanted}"),
        // What serde_json says of 1.5 where an integer is wanted.
        None if message == "invalid number" => "must be an integer".to_owned(),
        None => message.to_owned(),
    }
}

/// validator's errors, without the input that it repeats in them.
fn collect(faults: &ValidationErrors, prefix: &str, errors: &mut FieldErrors) {
    for (field, kind) in faults.errors() {
        let field = format!("{prefix}{field}");
        match kind {
            ValidationErrorsKind::Field(all) if !errors.has(&field) => {
                for fault in all {
                    let message = fault.message.as_deref().unwrap_or(match fault.code.as_ref() {
                        "required" => "is required",
                        _ => "is not valid",
                    });
                    errors.add(&field, message);
                }
            }
            ValidationErrorsKind::Field(_) => {}
            ValidationErrorsKind::Struct(inner) => collect(inner, &format!("{field}."), errors),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(inner, &format!("{field}[{index}]."), errors);
                }
            }
        }
    }
}

/// A member that tells absent (`None`) from null (`Some(None)`), for PATCH.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The id in a path. What cannot be one names nothing.
pub fn id(text: &str) -> Result<i64, ApiError> {
    let digits = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    let id = text.parse().ok().filter(|id| digits && (1..=MAX_ID).contains(id));
    id.ok_or(ApiError::Domain(Error::NotFound))
}

/// A reference in a body or query: any integer may be asked for; what cannot be an id is no id of anything.
pub fn reference(id: i64) -> i64 {
    if (1..=MAX_ID).contains(&id) { id } else { -1 }
}

/// The paging members of a query string, read into a request for a page.
pub fn page<K: SortKey>(
    limit: Option<&str>,
    cursor: Option<&str>,
    ordering: Option<&str>,
    default: Sort<K>,
    errors: &mut FieldErrors,
) -> PageRequest<K> {
    let number = |text: &str| text.parse().map_err(|_| Violation::new("must be an integer"));
    let limit = limit.and_then(|text| errors.check("limit", number(text).and_then(Limit::parse)));
    let sort = ordering.and_then(|text| errors.check("ordering", Sort::parse(text)));
    let cursor = cursor.and_then(|text| errors.check("cursor", Cursor::parse(text)));
    PageRequest { limit: limit.unwrap_or_default(), sort: sort.unwrap_or(default), cursor }
}

/// Reads an optional member of a query string.
pub fn optional<T>(
    errors: &mut FieldErrors,
    field: &str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Violation>,
) -> Option<T> {
    text.filter(|text| !text.is_empty()).and_then(|text| errors.check(field, parse(text)))
}

/// An integer in a query string that refers to something.
pub fn query_reference(text: &str) -> Result<i64, Violation> {
    text.parse().map(reference).map_err(|_| Violation::new("must be an integer"))
}

/// "true" or "false" in a query string.
pub fn query_bool(text: &str) -> Result<bool, Violation> {
    match text {
        "true" | "True" | "1" => Ok(true),
        "false" | "False" | "0" => Ok(false),
        _ => Err(Violation::new("must be true or false")),
    }
}

/// A query string; a member that comes twice is refused.
pub fn query<T: DeserializeOwned>(req: &HttpRequest) -> Result<T, ApiError> {
    let read = actix_web::web::Query::<T>::from_query(req.query_string());
    read.map(actix_web::web::Query::into_inner).map_err(|fault| {
        // All members are text: what serde can find is a name, between back-quotes, that comes twice.
        let text = fault.to_string();
        let name = text.split('`').nth(1).unwrap_or("query");
        Error::invalid(name, "must not be given twice").into()
    })
}

/// Writes what has a text of its own right into the JSON, without a string in between.
pub fn as_text<T: Display, S: Serializer>(value: &T, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(value)
}

/// A page of a list: a bare array, and a `Link` to the next page while there is one (RFC 8288).
pub fn list<T: serde::Serialize>(req: &HttpRequest, rows: &[T], next: Option<&Cursor>) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    if let Some(next) = next {
        let kept =
            req.query_string().split('&').filter(|part| !part.is_empty() && !part.starts_with("cursor="));
        let cursor = format!("cursor={next}");
        let query: Vec<_> = kept.chain([cursor.as_str()]).collect();
        answer.insert_header(("Link", format!("<{}?{}>; rel=\"next\"", req.path(), query.join("&"))));
    }
    answer.json(rows)
}
