use haat_domain::error::{AuthFailure, Error, Result};
use haat_domain::identity::Credential;
use haat_domain::ports::{Clock, TokenIssuer};
use std::net::IpAddr;
use std::sync::Arc;

/// What a token says, or why it does not count.
#[derive(Debug, Clone, Copy)]
pub struct Verified(pub Result<Credential, AuthFailure>);

impl Verified {
    /// What this access token says; `None` where that is not for the token to say: our own fault is reported when
    /// somebody asks again.
    pub fn of(token: &str, tokens: &dyn TokenIssuer, clock: &dyn Clock) -> Option<Self> {
        match tokens.verify_access(token, clock.now()) {
            Ok(credential) => Some(Self(Ok(credential))),
            Err(Error::Unauthenticated(failure)) => Some(Self(Err(failure))),
            Err(_) => None,
        }
    }
}

/// What a request shows of its sender.
#[derive(Debug, Clone, Default)]
pub enum Shown {
    /// No token.
    #[default]
    Nothing,
    /// An access token that nobody has looked at yet.
    Token(String),
    /// One that was looked at, and what it says.
    Verified(Verified),
}

/// What a request says about its sender. Whether a token is needed is for the use case to say, and whether it counts
/// is for the account's row.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// What they show.
    pub shown: Shown,
    /// The store that a platform admin wants to act in.
    pub store: Option<String>,
    /// The number of the request, for the audit log.
    pub request: Option<Arc<str>>,
    /// Where the request comes from.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// Somebody who shows no token.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Whoever this token says.
    pub fn with(token: String) -> Self {
        Self { shown: Shown::Token(token), ..Self::default() }
    }

    /// The sender of the same request, whatever token they show.
    #[must_use]
    pub fn at_the_door(&self) -> Self {
        Self { request: self.request.clone(), address: self.address, ..Self::default() }
    }

    /// Whether no token came along.
    pub const fn is_anonymous(&self) -> bool {
        matches!(self.shown, Shown::Nothing)
    }

    /// What the token says, if it is one of ours and in time.
    pub(crate) fn credential(&self, tokens: &dyn TokenIssuer, clock: &dyn Clock) -> Result<Credential> {
        match &self.shown {
            Shown::Nothing => Err(Error::Unauthenticated(AuthFailure::Missing)),
            Shown::Token(token) => tokens.verify_access(token, clock.now()),
            Shown::Verified(Verified(said)) => said.map_err(Error::Unauthenticated),
        }
    }
}
