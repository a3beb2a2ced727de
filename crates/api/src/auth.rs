//! Who is calling, as far as the request says.

use crate::address::ClientAddress;
use crate::telemetry::REQUEST;
use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use haat_app::{Caller, Shown};
use std::convert::Infallible;
use std::future::{Ready, ready};

/// The header in which a platform admin names the store to act in. For anybody else it means nothing.
pub const STORE_HEADER: &str = "X-Haat-Store";

/// The token of a request, if it shows one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    // `to_str` looks at each byte by itself, which for a token took as long as to find its account's row.
    let value = str::from_utf8(headers.get(AUTHORIZATION)?.as_bytes()).ok()?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The sender of a request. Reading what it says of them never fails: whether a token is needed is for the handler to
/// say, and whether it counts is for the account's row.
#[derive(Debug, Clone)]
pub struct Sender(pub Caller);

impl FromRequest for Sender {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        // The limits have verified the token already, unless that was our own fault.
        let shown = match (req.extensions().get(), bearer(req.headers())) {
            (Some(verified), _) => Shown::Verified(*verified),
            (None, Some(token)) => Shown::Token(token.to_owned()),
            (None, None) => Shown::Nothing,
        };
        // A name may be of any script, as UTF-8; bytes that are none name no store.
        let store = req.headers().get(STORE_HEADER);
        let store = store.map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned());
        let request = REQUEST.try_with(Clone::clone).ok();
        let address = req.extensions().get::<ClientAddress>().and_then(|ClientAddress(address)| *address);
        ready(Ok(Self(Caller { shown, store, request, address })))
    }
}
