//! Who is calling, as far as the request says.

use crate::address::ClientAddress;
use crate::app::App;
use crate::edge::RequestId;
use crate::problem::ApiError;
use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use haat_domain::error::{AuthFailure, Error};
use haat_domain::identity::Credential;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;

/// The header in which a platform admin names the store to act in. For anybody else it means nothing.
pub const STORE_HEADER: &str = "X-Haat-Store";

/// What the request's token says, or why it does not count: an extension of the request. The limits need it first, and
/// it is verified once.
#[derive(Debug, Clone, Copy)]
pub struct Verified(pub Result<Credential, AuthFailure>);

/// The token of a request, if it shows one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What a request says about its sender. Reading it never fails: whether a token is needed is for the handler to say,
/// and whether it counts is for the account's row.
#[derive(Debug, Clone)]
pub struct Caller {
    token: Option<String>,
    /// What the token says, where that is known already.
    verified: Option<Verified>,
    /// The store that a platform admin wants to act in.
    pub store: Option<String>,
    /// The number of the request, for the audit log.
    pub request: Option<String>,
    /// Where the request comes from.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// Somebody who shows no token.
    pub const fn anonymous() -> Self {
        Self { token: None, verified: None, store: None, request: None, address: None }
    }

    /// Whoever this token says.
    pub const fn with(token: String) -> Self {
        Self { token: Some(token), verified: None, store: None, request: None, address: None }
    }

    /// The sender of the same request, whatever token they show.
    #[must_use]
    pub fn at_the_door(&self) -> Self {
        Self { request: self.request.clone(), address: self.address, ..Self::anonymous() }
    }

    /// Whether no token came along.
    pub fn is_anonymous(&self) -> bool {
        self.token.is_none()
    }

    /// What the token says, if it is one of ours and in time.
    pub fn credential(&self, app: &App) -> Result<Credential, ApiError> {
        if let Some(Verified(verified)) = self.verified {
            return Ok(verified.map_err(Error::Unauthenticated)?);
        }
        let token = self.token.as_deref().ok_or(Error::Unauthenticated(AuthFailure::Missing))?;
        Ok(app.tokens.verify_access(token, app.clock.now())?)
    }
}

impl FromRequest for Caller {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = bearer(req.headers()).map(str::to_owned);
        let verified = req.extensions().get().copied();
        // A name may be of any script, as UTF-8; bytes that are none name no store.
        let store = req.headers().get(STORE_HEADER);
        let store = store.map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned());
        let request = req.extensions().get::<RequestId>().map(|RequestId(id)| id.clone());
        let address = req.extensions().get::<ClientAddress>().and_then(|ClientAddress(address)| *address);
        ready(Ok(Self { token, verified, store, request, address }))
    }
}
