//! Changes that are made only if nobody else was faster: `If-Match` (RFC 9110, 13.1.1).

use crate::etag::etag_of;
use actix_web::dev::Payload;
use actix_web::http::header::IF_MATCH;
use actix_web::{FromRequest, HttpRequest};
use haat_domain::error::{Error, Result};
use serde::Serialize;
use std::convert::Infallible;
use std::future::{Ready, ready};

/// What a request says about the state that it wants to change; nothing, if it does not care.
#[derive(Debug, Clone)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// Refuses unless the present state is one of those that the client names. `present` is called only if it names
    /// any, and keeps the thing from others' changes.
    pub fn check<T: Serialize>(&self, present: impl FnOnce() -> Result<T>) -> Result<()> {
        let Some(wanted) = &self.0 else { return Ok(()) };
        let tag = etag_of(&present()?);
        // A weak tag never matches here, and no tag of ours holds a comma.
        let matches = |wanted: &str| matches!(wanted.trim(), known if known == "*" || known == tag);
        if wanted.split(',').any(matches) { Ok(()) } else { Err(Error::Stale) }
    }
}

impl FromRequest for IfMatch {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Bytes that are no text are a tag of nothing.
        let lines: Vec<_> =
            req.headers().get_all(IF_MATCH).map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        ready(Ok(Self((!lines.is_empty()).then(|| lines.join(",")))))
    }
}
