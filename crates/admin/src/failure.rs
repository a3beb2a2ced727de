//! Pages for what went wrong.

use crate::Panel;
use crate::page::card;
use crate::show::{capital, spoken};
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use haat_domain::error::{AuthFailure, Conflict, Denied, Error};
use maud::html;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody is signed in, or not any more.
    #[error("sign in first")]
    SignIn(AuthFailure),
    /// The domain said no.
    #[error(transparent)]
    Domain(Error),
    /// The form did not come from a page of this panel.
    #[error(
        "this form did not come from this panel, or is too old: go back, reload the page, and send it again"
    )]
    Forged,
    /// There is no such page.
    #[error("there is nothing here")]
    NoSuchPage,
    /// The page is there, but does not take this.
    #[error("this page cannot do that")]
    WrongMethod,
    /// What was sent is longer than so many bytes.
    #[error("that is more than {0} bytes")]
    TooLarge(usize),
    /// What was sent did not arrive in time.
    #[error("it did not arrive in time")]
    Slow,
    /// What was sent cannot be read.
    #[error("{0}")]
    Malformed(String),
}

impl From<Error> for Failure {
    #[expect(clippy::wildcard_enum_match_arm, reason = "one error leads to the door, all others to a page")]
    fn from(error: Error) -> Self {
        match error {
            Error::Unauthenticated(failure) => Self::SignIn(failure),
            error => Self::Domain(error),
        }
    }
}

/// What a response is about, for the layer that makes a page of it.
#[derive(Debug, Clone)]
pub(crate) enum Note {
    /// The viewer must sign in first.
    SignIn(AuthFailure),
    /// This page must be shown.
    Page { title: &'static str, text: String },
}

impl Failure {
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::SignIn(_) => (StatusCode::SEE_OTHER, "Sign in"),
            Self::Forged => (StatusCode::FORBIDDEN, "Not accepted"),
            Self::NoSuchPage | Self::Domain(Error::NotFound) => (StatusCode::NOT_FOUND, "Not found"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "Not possible"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "Too slow"),
            Self::Malformed(_) | Self::Domain(Error::Invalid(_)) => {
                (StatusCode::BAD_REQUEST, "Not understood")
            }
            Self::Domain(Error::Unauthenticated(_)) => (StatusCode::UNAUTHORIZED, "Sign in"),
            Self::Domain(Error::Forbidden(_)) => (StatusCode::FORBIDDEN, "Not permitted"),
            Self::Domain(Error::Conflict(_) | Error::KeyReused) => (StatusCode::CONFLICT, "Not possible now"),
            Self::Domain(Error::Stale) => (StatusCode::PRECONDITION_FAILED, "Somebody was faster"),
            Self::Domain(Error::Busy { .. }) => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Domain(Error::Unavailable(_)) => (StatusCode::SERVICE_UNAVAILABLE, "Not available"),
            Self::Domain(Error::Internal(_)) => (StatusCode::INTERNAL_SERVER_ERROR, "Our fault"),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most failures say themselves what they are")]
    fn note(&self) -> Note {
        match self {
            Self::SignIn(failure) => Note::SignIn(*failure),
            Self::Domain(error) => Note::Page { title: self.kind().1, text: said(error) },
            other => Note::Page { title: self.kind().1, text: sentence(&other.to_string()) },
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most errors say themselves what they are")]
/// A domain error as somebody at a desk reads it.
pub(crate) fn said(error: &Error) -> String {
    match error {
        Error::NotFound => "There is no such thing here. It may have been removed.".to_owned(),
        Error::Forbidden(Denied::Role) => "Your role may not do this.".to_owned(),
        Error::Forbidden(Denied::StoreRequired) => "Enter a store first: choose one under Stores.".to_owned(),
        Error::Invalid(fields) => {
            let all = fields.iter().flat_map(|(field, messages)| {
                messages.iter().map(move |message| format!("{} {message}", spoken(field)))
            });
            sentence(&all.collect::<Vec<_>>().join("; "))
        }
        Error::Busy { retry_after } => {
            let wait = if *retry_after == 1 { "a second".to_owned() } else { format!("{retry_after} seconds") };
            format!("That is too much at once. Wait {wait}, then try again.")
        }
        Error::Stale => "Somebody else has changed this meanwhile. Look at it again before you change it.".to_owned(),
        Error::Conflict(Conflict::Duplicate) => "Somebody else was doing the same at this moment. Try again.".to_owned(),
        Error::Conflict(Conflict::InFlight) => {
            "This form was sent twice, and the first one is still being worked on. Send it again in a moment: nothing is \
             done twice."
                .to_owned()
        }
        Error::KeyReused => {
            "You have sent this form before, with something else in it, and that was done. Send it again if you want \
             this as well."
                .to_owned()
        }
        Error::Unavailable(_) => "The database does not answer. Nothing was changed; try again in a moment.".to_owned(),
        Error::Internal(_) => "Something is wrong on our side. It was noted; nothing was changed.".to_owned(),
        other => sentence(&other.to_string()),
    }
}

/// The text with a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{}{end}", capital(text))
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.kind().0
    }

    /// Status and headers; the page is made by the layer around the handlers, which knows where the panel is.
    fn error_response(&self) -> HttpResponse {
        if let Self::Domain(error) = self {
            log(error);
        }
        let mut response = HttpResponse::new(self.status_code());
        if let Self::Domain(Error::Busy { retry_after }) = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*retry_after));
        }
        if let Self::Domain(Error::Unavailable(_)) = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self.note());
        response
    }
}

/// Notes for the operator what is not told to the viewer.
pub(crate) fn log(error: &Error) {
    if matches!(error, Error::Internal(_) | Error::Unavailable(_)) {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(code = error.code(), cause, "the request failed");
    }
}

/// A page that says what went wrong, for requests that the panel's own handlers never saw.
pub fn failure_page(panel: &Panel, title: &str, text: &str, request: &str) -> String {
    let body = html! {
        h1 { (title) }
        p { (text) }
        p.buttons { a.button href=(panel.at("/")) { "Back to the start" } }
        p.muted { a href=(panel.at("/sign-in/?why=other")) { "Sign out, or sign in as somebody else" } }
        @if !request.is_empty() { p.muted { "Request " code { (request) } } }
    };
    card(panel, title, body).into_string()
}

/// Makes a page of a response that is about a failure.
pub(crate) fn page_of(
    panel: &Panel,
    note: &Note,
    request: &str,
    here: &str,
    lost: bool,
) -> (Option<StatusCode>, BoxBody, Option<HeaderValue>) {
    match note {
        Note::Page { title, text } => (None, BoxBody::new(failure_page(panel, title, text, request)), None),
        Note::SignIn(why) => {
            let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
            let lost = if lost { "&lost=true" } else { "" };
            let place = format!("{}?why={}&next={next}{lost}", panel.at("/sign-in/"), why.code());
            (Some(StatusCode::SEE_OTHER), BoxBody::new(()), HeaderValue::from_str(&place).ok())
        }
    }
}
