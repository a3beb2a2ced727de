//! What a browser sends with a form, and what is wrong with it.

use crate::desk::{Desk, Sight, behind_the_counter};
use crate::failure::Failure;
use crate::kept;
use crate::show::start_of;
use actix_web::dev::Payload;
use actix_web::http::header::{HOST, ORIGIN};
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest};
use futures_core::Stream;
use haat_domain::authz::Action;
use haat_domain::cx::Cx;
use haat_domain::error::{Conflict, Error, FieldErrors, Violation};
use haat_domain::idempotency::{Answer, Claim, IdempotencyKey};
use haat_domain::ids::MAX_ID;
use haat_domain::page::{Cursor, Limit, Sort, SortKey};
use haat_domain::text::hex;
use haat_domain::time::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use sha2::{Digest, Sha256};
use std::future::Future;
use std::pin::Pin;

/// The largest form, in bytes: a description of 10 000 characters, each of four bytes that are percent-encoded.
const FORM_LIMIT: usize = 256 * 1024;

/// The largest form of somebody who is not known yet.
const DOOR_LIMIT: usize = 16 * 1024;

/// The name of the token in every form; see [`Seed::token`](crate::session::Seed::token).
pub(crate) const TOKEN: &str = "form_token";

/// The name of what makes one form another than the next: a form with it is done once, however often it is sent.
pub(crate) const ONCE: &str = "form_key";

/// Names and values, as they were typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The same with one more value.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// The same with this value and no other of that name.
    #[must_use]
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.with(name, value)
    }

    /// What the form claims to be, if it has a key: the key, and a digest of everything else in it. But for a password,
    /// which leaves no digest behind that is quicker to guess from than its hash.
    fn claim(&self, action: Action) -> Option<Claim> {
        let key = IdempotencyKey::parse(self.get(ONCE)).ok()?;
        let mut hash = Sha256::new();
        let told = self.0.iter().filter(|(name, _)| ![TOKEN, ONCE, "password"].contains(&name.as_str()));
        for part in told.flat_map(|(name, value)| [name.as_str(), value.as_str()]).chain([action.name()]) {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Some(Claim { key, fingerprint: format!("{:x}", hash.finalize()) })
    }

    /// The value of that name, which may be empty.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The same, if there is more in it than blanks.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|value| !value.is_empty())
    }

    /// Whether a box of that name was ticked, or a button of that name pressed.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Whether nothing was asked for: the list as it is opened.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.iter().all(|(name, value)| value.is_empty() || matches!(name.as_str(), "ordering" | "cursor"))
    }

    /// The page of a list that is wanted.
    pub(crate) fn cursor(&self, errors: &mut FieldErrors) -> Option<Cursor> {
        self.filled("cursor").and_then(|text| errors.check("cursor", Cursor::parse(text)))
    }

    /// All names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All values of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The members of an address's query.
pub(crate) struct Query(pub(crate) Fields);

impl FromRequest for Query {
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self(Fields::parse(req.query_string().as_bytes()))))
    }
}

/// The order of a list: as a head was clicked, or else this.
pub(crate) fn sorted<K: SortKey>(typed: &Fields, default: Sort<K>) -> Sort<K> {
    typed.filled("ordering").and_then(|text| Sort::parse(text).ok()).unwrap_or(default)
}

/// So many rows on a page.
pub(crate) fn limited(rows: i64) -> Limit {
    Limit::parse(rows).unwrap_or_default()
}

/// The number in a path. What cannot be one names nothing.
pub(crate) fn id(path: &str) -> Result<i64, Failure> {
    let id =
        path.parse().ok().filter(|id| (1..=MAX_ID).contains(id) && path.bytes().all(|b| b.is_ascii_digit()));
    id.ok_or(Failure::Domain(Error::NotFound))
}

/// When a day, as browsers write it, begins in a zone; or so many days later.
pub(crate) fn day(text: &str, zone: &TimeZone, later: i64) -> Result<Timestamp, Violation> {
    let wrong = || Violation::new("must be a day such as 2026-11-23");
    let day: Date = text.parse().map_err(|_| wrong())?;
    let day = day.checked_add(later.days()).map_err(|_| wrong())?;
    start_of(day, zone).ok_or_else(wrong)
}

/// A form as it is shown: what was typed, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// What stands in the fields.
    pub(crate) typed: Fields,
    /// What is wrong with single fields.
    pub(crate) errors: FieldErrors,
    /// What is wrong altogether.
    pub(crate) problem: Option<String>,
}

impl Draft {
    /// A form that shows this.
    pub(crate) fn of(typed: Fields) -> Self {
        Self { typed, ..Self::default() }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most errors are about no field")]
    /// A form that was refused: what is about a field stands beside it. An error that is no answer to what was typed
    /// comes back.
    pub(crate) fn refused(typed: Fields, error: Failure) -> Result<Self, Failure> {
        let Failure::Domain(error) = error else { return Err(error) };
        let field = match &error {
            Error::Conflict(Conflict::UsernameTaken) => Some("username"),
            Error::Conflict(Conflict::EmailTaken) => Some("email"),
            Error::Conflict(Conflict::SkuTaken) => Some("sku"),
            Error::Conflict(Conflict::StoreTaken) => Some("name"),
            Error::Conflict(Conflict::CurrencyInUse) => Some("currency"),
            _ => None,
        };
        match (error, field) {
            (Error::Invalid(errors), _) => Ok(Self { typed, errors, problem: None }),
            (Error::Conflict(conflict), Some(field)) => {
                let mut errors = FieldErrors::default();
                errors.add(field, taken(&conflict));
                Ok(Self { typed, errors, problem: None })
            }
            (error @ (Error::Conflict(_) | Error::Stale | Error::KeyReused | Error::Busy { .. }), None) => {
                let problem = Some(crate::failure::said(&error));
                Ok(Self { typed, problem, errors: FieldErrors::default() })
            }
            (error, _) => Err(Failure::Domain(error)),
        }
    }

    /// What is wrong with a field.
    pub(crate) fn faults(&self, field: &str) -> &[String] {
        self.errors.iter().find(|(name, _)| *name == field).map_or(&[], |(_, faults)| faults)
    }
}

/// What is wrong with the field that a conflict is about.
fn taken(conflict: &Conflict) -> &'static str {
    if *conflict == Conflict::CurrencyInUse {
        "cannot be changed while the store has products"
    } else {
        "is taken: choose another"
    }
}

impl Sight {
    /// Fields with a key that no form has had: what is shown with them is done once.
    pub(crate) fn once(&self, fields: Fields) -> haat_domain::error::Result<Fields> {
        Ok(fields.set(ONCE, hex(&self.app.random.secret()?)))
    }

    /// A form of that kind that was refused. One that was done before, with something else in it, gets another key.
    pub(crate) fn refused(&self, typed: Fields, failure: Failure) -> Result<Draft, Failure> {
        let done = matches!(&failure, Failure::Domain(Error::KeyReused));
        Draft::refused(if done { self.once(typed)? } else { typed }, failure)
    }
}

/// The key of a form that is done once.
pub(crate) fn once(draft: &Draft) -> Markup {
    html! { input type="hidden" name=(ONCE) value=(draft.typed.get(ONCE)); }
}

impl Desk {
    /// Creates what a form asks for, and says where it is: once, however often the form is sent. `work` gives the path.
    pub(crate) async fn create(
        &self,
        typed: &Fields,
        action: Action,
        work: impl FnOnce(&mut Cx<'_>) -> haat_domain::error::Result<String> + Send + 'static,
    ) -> Result<String, Failure> {
        let work = |cx: &mut Cx<'_>| {
            behind_the_counter(cx)?;
            let answer = Answer { status: 303, location: Some(work(cx)?), body: String::new() };
            Ok((answer.clone(), answer))
        };
        let done = self.sight.app.create(&self.caller, action, typed.claim(action), work).await?;
        Ok(done.answer.location.unwrap_or_default())
    }
}

/// A form that somebody at a desk has sent from one of our pages.
pub(crate) struct Posted(pub(crate) Desk, pub(crate) Fields);

impl FromRequest for Posted {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, mut payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let desk = match Desk::from_request(&req, &mut payload).await {
                Ok(desk) => desk,
                Err(failure) => {
                    if matches!(&failure, Failure::SignIn(why) if kept::is_over(*why)) {
                        kept::read(&req, payload).await;
                    }
                    return Err(failure);
                }
            };
            let fields = read(&req, &desk.sight, desk.session, payload).await?;
            // Whether the session still counts is known when its row is read.
            kept::note(&req, fields.clone());
            Ok(Self(desk, fields))
        })
    }
}

/// A form that somebody at the door has sent from one of our pages.
pub(crate) struct PostedAtTheDoor(pub(crate) Sight, pub(crate) Fields);

impl FromRequest for PostedAtTheDoor {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, mut payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let sight = Sight::from_request(&req, &mut payload).await?;
            let fields = read(&req, &sight, 0, payload).await?;
            Ok(Self(sight, fields))
        })
    }
}

/// Reads a form, and whether it is from one of our pages.
pub(crate) async fn read(
    req: &HttpRequest,
    sight: &Sight,
    session: i64,
    payload: Payload,
) -> Result<Fields, Failure> {
    same_site(req)?;
    // Strangers have little to say.
    let limit = if session == 0 { DOOR_LIMIT } else { FORM_LIMIT };
    let body = tokio::time::timeout(sight.panel.body_time, read_all(payload, limit));
    let fields = Fields::parse(&body.await.unwrap_or(Err(Failure::Slow))?);
    if sight.seed.vouches(session, fields.get(TOKEN)) { Ok(fields) } else { Err(Failure::Forged) }
}

pub(crate) async fn read_all(mut payload: Payload, limit: usize) -> Result<BytesMut, Failure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = std::future::poll_fn(|cx| {
        let payload: Pin<&mut Payload> = Pin::new(&mut payload);
        payload.poll_next(cx)
    })
    .await
    {
        let chunk = chunk.map_err(|broken| Failure::Malformed(broken.to_string()))?;
        if body.len() + chunk.len() > limit {
            return Err(Failure::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Refuses what a browser itself says to come from elsewhere (Fetch Metadata, and `Origin`); the token decides about
/// the rest.
pub(crate) fn same_site(req: &HttpRequest) -> Result<(), Failure> {
    let header = |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok());
    let fetch = header("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = header(ORIGIN.as_str()).is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some() && host == header(HOST.as_str())
    });
    if fetch && origin { Ok(()) } else { Err(Failure::Forged) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn fields_are_read_as_they_were_typed() {
        let fields = Fields::parse(b"name=Tea+%26+Co&pick=1&pick=2&empty=+&name=second");
        assert_eq!((fields.get("name"), fields.get("none")), ("Tea & Co", ""));
        assert_eq!(fields.all("pick").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((fields.filled("empty"), fields.filled("pick")), (None, Some("1")));
        assert!(fields.has("empty") && !fields.has("none"));
    }

    #[test]
    fn a_claim_is_about_all_that_was_typed_and_about_nothing_else() {
        let claim = |text: &str| Fields::parse(text.as_bytes()).claim(Action::CreateProduct);
        let digest = |text: &str| claim(text).unwrap().fingerprint;
        assert_eq!(claim("form_key=k&name=a").unwrap().key.as_str(), "k");
        assert!(claim("name=a").is_none() && claim("form_key=&name=a").is_none());
        assert_eq!(digest("form_key=k&form_token=1&name=a"), digest("form_token=2&name=a&form_key=l"));
        assert_ne!(digest("form_key=k&name=a"), digest("form_key=k&name=b"));
        assert_ne!(digest("form_key=k&a=bc"), digest("form_key=k&ab=c"));
        assert_eq!(
            digest("form_key=k&name=a&password=x"),
            digest("form_key=k&name=a"),
            "no trace of a password"
        );
        let other = Fields::parse(b"form_key=k&name=a").claim(Action::PlaceOrder).unwrap();
        assert_ne!(other.fingerprint, digest("form_key=k&name=a"));
        let again = Fields::parse(b"form_key=k&name=a").set(ONCE, "l");
        assert_eq!(again.all(ONCE).collect::<Vec<_>>(), ["l"]);
    }

    #[test]
    fn what_a_browser_says_to_come_from_elsewhere_is_refused() {
        let from = |name: &'static str, value: &'static str| {
            let req =
                TestRequest::post().insert_header(("Host", "shop.example")).insert_header((name, value));
            same_site(&req.to_http_request()).is_ok()
        };
        assert!(from("Origin", "https://shop.example") && from("Sec-Fetch-Site", "same-origin"));
        assert!(!from("Origin", "https://evil.example") && !from("Origin", "null"));
        assert!(!from("Sec-Fetch-Site", "cross-site") && !from("Sec-Fetch-Site", "same-site"));
    }
}
