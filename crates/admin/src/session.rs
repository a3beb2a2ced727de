//! Cookies: the session, the seed of form tokens, and what a browser is told to remember.
//!
//! The session's cookie holds a pair of tokens as the API hands it out, of the same session record: logout,
//! deactivation and a new password end it wherever it was opened. Its refresh token is the panel's own. Over TLS every
//! cookie that guards something has the prefix `__Host-` (RFC 6265bis, 4.1.3), so that no neighbouring host can plant
//! one.

use crate::Seen;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpMessage, HttpRequest};

use actix_web::http::header::COOKIE;
use haat_domain::identity::{Session, TokenPair};
use haat_domain::text::hex;
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use subtle::ConstantTimeEq;

/// The cookies of the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jar {
    /// Access token and refresh token.
    Session,
    /// What form tokens are made from.
    Seed,
    /// The store that a platform admin has entered.
    Store,
    /// What was just done, to be said on the next page.
    Flash,
    /// The viewer's time zone. Not hidden from scripts: one of ours sets it.
    Zone,
    /// Light or dark.
    Theme,
}

impl Jar {
    const fn plain_name(self) -> &'static str {
        match self {
            Self::Session => "haat_session",
            Self::Seed => "haat_seed",
            Self::Store => "haat_store",
            Self::Flash => "haat_flash",
            Self::Zone => "haat_zone",
            Self::Theme => "haat_theme",
        }
    }

    /// Whether it is more than a taste.
    const fn is_guarded(self) -> bool {
        matches!(self, Self::Session | Self::Seed | Self::Store | Self::Flash)
    }

    fn name(self, tls: bool) -> String {
        let prefix = if tls && self.is_guarded() { "__Host-" } else { "" };
        format!("{prefix}{}", self.plain_name())
    }

    /// What the browser has in it. A name counts as it was sent: decoded first, `%5F_Host-` would pass for the prefix
    /// that only a host itself can set. Of two that are called alike, one is planted: neither counts.
    pub(crate) fn read(self, req: &HttpRequest) -> Option<String> {
        let tls = req.extensions().get::<Seen>().is_some_and(|seen| seen.tls);
        let name = self.name(tls);
        let lines =
            req.headers().get_all(COOKIE).filter_map(|line| std::str::from_utf8(line.as_bytes()).ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
        let value = found.next().filter(|value| !value.is_empty() && found.next().is_none())?;
        percent_decode_str(value).decode_utf8().ok().map(Cow::into_owned)
    }

    /// A cookie that puts this in it.
    pub(crate) fn keep(self, tls: bool, value: String) -> Cookie<'static> {
        let cookie = Cookie::build(self.name(tls), value)
            .path("/")
            .secure(tls)
            .http_only(self.is_guarded())
            .same_site(SameSite::Lax);
        match self {
            Self::Session => cookie.max_age(Duration::days(Session::IDLE_DAYS)),
            Self::Zone | Self::Theme => cookie.max_age(Duration::days(365)),
            Self::Flash => cookie.max_age(Duration::minutes(1)),
            Self::Seed | Self::Store => cookie,
        }
        .finish()
    }

    /// A cookie that empties it.
    pub(crate) fn empty(self, tls: bool) -> Cookie<'static> {
        let mut cookie = self.keep(tls, String::new());
        cookie.set_max_age(Duration::ZERO);
        cookie
    }
}

/// Between access token and refresh token; no token has it.
const BETWEEN: char = '~';

/// The pair as its cookie holds it.
pub(crate) fn joined(pair: &TokenPair) -> String {
    format!("{}{BETWEEN}{}", pair.access, pair.refresh)
}

/// The access and the refresh token of a session's cookie.
pub(crate) fn split(value: &str) -> Option<(&str, &str)> {
    value.split_once(BETWEEN)
}

/// The access token that a request to the panel shows.
pub fn shown_token(req: &HttpRequest) -> Option<String> {
    let value = Jar::Session.read(req)?;
    split(&value).map(|(access, _)| access.to_owned())
}

/// What makes the form tokens of one browser: 128 random bits in a cookie that no script can read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Seed(String);

impl Seed {
    /// A new one.
    pub(crate) fn new(random: [u8; 16]) -> Self {
        Self(hex(&random))
    }

    /// The browser's.
    pub(crate) fn read(req: &HttpRequest) -> Option<Self> {
        Jar::Seed.read(req).filter(|seed| seed.len() == 32).map(Self)
    }

    /// What its cookie holds.
    pub(crate) fn value(&self) -> &str {
        &self.0
    }

    /// The token of every form in this session (0: at the door). Another site can have the browser send the cookie,
    /// but cannot read it, and so does not know the token.
    pub(crate) fn token(&self, session: i64) -> String {
        format!("{:x}", Sha256::digest(format!("form{BETWEEN}{}{BETWEEN}{session}", self.0)))
    }

    /// Whether a form came from one of our pages.
    pub(crate) fn vouches(&self, session: i64, token: &str) -> bool {
        bool::from(self.token(session).as_bytes().ct_eq(token.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn over_tls_every_guarded_cookie_is_bound_to_the_host() {
        for jar in [Jar::Session, Jar::Seed, Jar::Store, Jar::Flash] {
            let text = jar.keep(true, "x".to_owned()).to_string();
            let wanted = ["__Host-", "Path=/", "Secure", "HttpOnly", "SameSite=Lax"];
            assert!(wanted.iter().all(|part| text.contains(part)) && !text.contains("Domain"), "{text}");
            assert!(!jar.keep(false, "x".to_owned()).to_string().contains("__Host-"));
        }
        assert!(Jar::Session.empty(true).to_string().contains("Max-Age=0"));
    }

    #[test]
    fn a_form_token_is_of_one_browser_and_one_session() {
        let (one, other) = (Seed::new([1; 16]), Seed::new([2; 16]));
        assert!(one.vouches(7, &one.token(7)));
        assert!(!one.vouches(8, &one.token(7)) && !other.vouches(7, &one.token(7)) && !one.vouches(7, ""));
    }

    #[test]
    fn a_cookie_is_called_what_it_is_called_and_comes_once() {
        let read = |line: &'static str| {
            let req = TestRequest::get().insert_header(("Cookie", line)).to_http_request();
            req.extensions_mut().insert(Seen { tls: true, ..Seen::default() });
            Jar::Store.read(&req)
        };
        assert_eq!(read("a=b; __Host-haat_store=tea%20room; c=\u{fc}"), Some("tea room".to_owned()));
        for planted in [
            "%5F_Host-haat_store=evil",
            "__host-haat_store=evil",
            "__Host-haat_store=evil; __Host-haat_store=mine",
            "haat_store=evil",
            "__Host-haat_store=",
        ] {
            assert_eq!(read(planted), None, "{planted}");
        }
    }

    #[test]
    fn the_access_token_is_read_from_the_cookie() {
        let req = TestRequest::get().insert_header(("Cookie", "haat_session=a.b.c~d.e.f")).to_http_request();
        assert_eq!(shown_token(&req).as_deref(), Some("a.b.c"));
        let planted = TestRequest::get().insert_header(("Cookie", "haat_session=a~b")).to_http_request();
        planted.extensions_mut().insert(Seen { tls: true, ..Seen::default() });
        assert_eq!(shown_token(&planted), None, "over TLS only the guarded name counts");
    }
}
