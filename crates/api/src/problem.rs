//! Errors as clients see them: RFC 9457, one shape everywhere. The one table of status codes.

use actix_web::http::header::{ACCEPT_ENCODING, ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use haat_domain::error::{Conflict, Error};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Whatever can go wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The domain said no.
    #[error(transparent)]
    Domain(#[from] Error),
    /// The body is no JSON object.
    #[error("{0}")]
    Malformed(String),
    /// The body is longer than so many bytes.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// The body is something else than JSON.
    #[error("the body must be application/json")]
    WrongType,
    /// The body is compressed.
    #[error("the body must not have a Content-Encoding")]
    WrongEncoding,
    /// The body did not arrive in time.
    #[error("the body did not arrive in time")]
    SlowBody,
    /// Path and query are longer than so many bytes.
    #[error("the path with its query is longer than {0} bytes")]
    UriTooLong(usize),
    /// The headers are longer than so many bytes.
    #[error("the headers are longer than {0} bytes")]
    HeadTooLarge(usize),
    /// A limit is used up.
    #[error("the limit for one {policy} is used up")]
    Limited {
        /// Which one.
        policy: &'static str,
        /// Seconds until there is more.
        retry_after: u32,
    },
    /// More is under way than this server takes on.
    #[error("the server is overloaded")]
    Overloaded,
    /// The server is about to stop.
    #[error("the server is about to stop")]
    Stopping,
    /// There is nothing at this path.
    #[error("there is nothing at this path")]
    NoSuchPath,
    /// The path is there, but not for this method; these are.
    #[error("this method is not allowed here")]
    WrongMethod(String),
    /// The framework refused the request.
    #[error("{0}")]
    Framework(StatusCode),
}

/// The body of every answer that is an error (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A page that explains this kind of problem; ends in its code.
    #[serde(rename = "type")]
    #[schema(example = "https://haat.dev/problems/validation")]
    pub kind: String,
    /// What this kind of problem is, in words that never change.
    #[schema(example = "The request is not valid")]
    pub title: &'static str,
    /// The status code of the answer.
    #[schema(example = 400)]
    pub status: u16,
    /// The stable code of this kind of problem.
    #[schema(example = "validation")]
    pub code: &'static str,
    /// What is wrong this time.
    #[schema(example = "price must have at most 2 decimal places")]
    pub detail: String,
    /// The faulty fields, with all that is wrong with each; absent where no field is at fault.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"price": ["must have at most 2 decimal places"]}))]
    pub errors: BTreeMap<String, Vec<String>>,
    /// With `insufficient_stock`: how many pieces are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<i64>,
    /// With `insufficient_stock`: of which product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<i64>,
    /// With `illegal_transition`: where the order may go from where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<&'static str>>,
    /// The number of this request, as the server's log has it.
    #[schema(example = "0b7c2a5e9d5f4b6f8a3e1c2d4f6a8b0c")]
    pub request_id: String,
}

impl ApiError {
    /// Status, code and title of each kind of problem: the table.
    pub fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Domain(error) => {
                let (status, title) = match error {
                    Error::Invalid(_) => (StatusCode::BAD_REQUEST, "The request is not valid"),
                    Error::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "Not authenticated"),
                    Error::Forbidden(_) => (StatusCode::FORBIDDEN, "Not permitted"),
                    Error::NotFound => (StatusCode::NOT_FOUND, "Not found"),
                    Error::Conflict(_) => (StatusCode::CONFLICT, "Conflict with the present state"),
                    Error::Stale => (StatusCode::PRECONDITION_FAILED, "Precondition failed"),
                    Error::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "Idempotency key reused"),
                    Error::Busy { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
                    Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable"),
                    Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
                };
                (status, error.code(), title)
            }
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed_json", "The body is not JSON"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large"),
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request took too long"),
            Self::UriTooLong(_) => (StatusCode::URI_TOO_LONG, "uri_too_long", "The path is too long"),
            Self::HeadTooLarge(_) => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers_too_large",
                "The headers are too large",
            ),
            Self::Limited { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests"),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded"),
            Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping", "Stopping"),
            Self::WrongType | Self::WrongEncoding => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type")
            }
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Self::WrongMethod(_) => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
            }
            Self::Framework(status) if status.is_server_error() => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error")
            }
            Self::Framework(status) => (*status, "bad_request", "The request is not valid"),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most problems have no more to say than their kind")]
    /// The body, but for the request's number.
    pub fn problem(&self) -> Problem {
        let (status, code, title) = self.kind();
        let mut problem = Problem {
            kind: format!("https://haat.dev/problems/{code}"),
            title,
            status: status.as_u16(),
            code,
            detail: self.to_string(),
            errors: BTreeMap::new(),
            available: None,
            product: None,
            allowed: None,
            request_id: String::new(),
        };
        match self {
            Self::Domain(Error::Invalid(fields)) => {
                let first = fields
                    .iter()
                    .find_map(|(field, messages)| Some(format!("{field} {}", messages.first()?)));
                problem.detail = first.unwrap_or(problem.detail);
                problem.errors = fields.iter().map(|(field, all)| (field.to_owned(), all.to_vec())).collect();
            }
            Self::Domain(Error::Conflict(Conflict::InsufficientStock { product, available })) => {
                problem.available = Some(*available);
                problem.product = Some(product.get());
            }
            Self::Domain(Error::Conflict(Conflict::IllegalTransition { allowed, .. })) => {
                problem.allowed = Some(allowed.iter().map(|status| status.name()).collect());
            }
            _ => {}
        }
        problem
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.kind().0
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most problems have no header of their own")]
    /// Status and headers; the body is written by `edge`, which knows the request's number.
    fn error_response(&self) -> HttpResponse {
        if let Self::Domain(error @ (Error::Internal(_) | Error::Unavailable(_))) = self {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(code = error.code(), cause, "the request failed");
        }
        let mut response = HttpResponse::new(self.status_code());
        let headers = response.headers_mut();
        match self {
            Self::Domain(Error::Unauthenticated(failure)) => {
                let challenge = match failure {
                    haat_domain::error::AuthFailure::BadToken => "Bearer error=\"invalid_token\"",
                    _ => "Bearer",
                };
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Self::Domain(Error::Busy { retry_after }) | Self::Limited { retry_after, .. } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            Self::Domain(Error::Unavailable(_)) | Self::Overloaded | Self::Stopping => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::WrongEncoding => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            Self::WrongMethod(allowed) => {
                if let Ok(allowed) = HeaderValue::from_str(allowed) {
                    headers.insert(ALLOW, allowed);
                }
            }
            _ => {}
        }
        if matches!(self, Self::SlowBody) {
            // The rest may still come, or never: there is no next request to be found behind it.
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response.extensions_mut().insert(self.problem());
        response
    }
}
