//! Signing in and out.

use crate::desk::{Desk, Sight};
use crate::failure::{Failure, said};
use crate::flash::Flash;
use crate::form::{Draft, Fields, Posted, PostedAtTheDoor, Query};
use crate::routes::{Pages, Rule};
use crate::session::{Jar, Seed};
use crate::ui::{Input, problem};
use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};
use haat_app::sessions;
use haat_domain::authz::{Action, Role};
use haat_domain::error::AuthFailure;
use haat_domain::identity::{Login, Username, end_session};
use haat_domain::ports::Access;
use maud::{Markup, html};

/// Where somebody goes out.
pub(crate) const OUT: &str = "/sign-out/";

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    pages.get("/sign-in/", Rule::Open, ask).post("/sign-in/", Rule::Open, sign_in).post(
        OUT,
        Rule::Needs(Action::EndSession),
        sign_out,
    )
}

async fn ask(sight: Sight, Query(query): Query, req: HttpRequest) -> Result<HttpResponse, Failure> {
    let within = Desk::extract(&req).await.ok();
    // Whoever is signed in has no business at the door, but to go out by it.
    if query.get("why").is_empty() && within.is_some() {
        return Ok(sight.go("/", None));
    }
    let mut draft =
        Draft::of(Fields::default().with("next", query.get("next")).with("store", query.get("store")));
    let why = AuthFailure::ALL.into_iter().find(|failure| failure.code() == query.get("why"));
    draft.problem = match why {
        Some(AuthFailure::StoreSuspended) => Some("This store is suspended.".to_owned()),
        Some(AuthFailure::Inactive) => Some("This account is deactivated.".to_owned()),
        Some(AuthFailure::BadToken) => Some("Your session is over. Sign in again.".to_owned()),
        Some(AuthFailure::Missing | AuthFailure::BadCredentials) | None => None,
    };
    if query.has("lost") {
        let lost = "What you sent was not saved.";
        draft.problem = Some(draft.problem.map_or_else(|| lost.to_owned(), |why| format!("{why} {lost}")));
    }
    let page = html! {
        (form(&sight, &draft))
        @if let Some(desk) = within {
            hr;
            form method="post" action=(sight.at(OUT)) {
                (desk.token())
                p { "Somebody is signed in here. " button.link type="submit" { "Sign out" } }
            }
        }
    };
    Ok(sight.door(StatusCode::OK, "Sign in", page))
}

/// Ends the session that a browser had before somebody else signed in with it.
async fn end_the_old(sight: &Sight, req: &HttpRequest) {
    if let Ok(old) = Desk::extract(req).await {
        // That it has ended already is as good.
        drop(sight.app.run(&old.caller, Access::Write, Action::EndSession, end_session).await);
    }
}

async fn sign_in(
    PostedAtTheDoor(sight, typed): PostedAtTheDoor,
    req: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let store = typed.filled("store").map(str::to_owned);
    // A name that cannot be one is nobody's, and takes as long as any other.
    let wanted = Username::parse(typed.get("username")).ok().map(|username| Login { username, store });
    let password = typed.get("password").to_owned();
    let grant = match sessions::sign_in(&sight.app, &sight.stranger(), wanted, password).await {
        Ok(grant) => grant,
        Err(error) => return refuse(&sight, &typed, error.into()),
    };
    end_the_old(&sight, &req).await;
    let caller = sight.keep_session(&grant)?;
    if grant.role == Role::Customer {
        sight.app.run(&caller, Access::Write, Action::EndSession, end_session).await?;
        sight.empty(Jar::Session);
        let problem = "This panel is for those who run a store. Your account is a customer's.".to_owned();
        let draft = Draft { problem: Some(problem), ..Draft::of(without_password(&typed)) };
        return Ok(sight.door(StatusCode::FORBIDDEN, "Sign in", form(&sight, &draft)));
    }
    // What was known before somebody signed in vouches for nothing afterwards.
    sight.keep(Jar::Seed, Seed::new(sight.app.random.secret()?).value().to_owned());
    sight.empty(Jar::Store);
    Ok(sight.go(place(&sight, typed.get("next")), None))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most failures are no answer to a password")]
fn refuse(sight: &Sight, typed: &Fields, failure: Failure) -> Result<HttpResponse, Failure> {
    use actix_web::ResponseError;
    let (status, problem) = match &failure {
        Failure::SignIn(AuthFailure::StoreSuspended) => {
            (StatusCode::FORBIDDEN, "This store is suspended.".to_owned())
        }
        Failure::SignIn(_) => (
            StatusCode::UNAUTHORIZED,
            "Username or password is wrong, or the account is deactivated. If you have an account in more than one \
             store, name the store as well."
                .to_owned(),
        ),
        Failure::Domain(error @ haat_domain::error::Error::Busy { .. }) => {
            (failure.status_code(), said(error))
        }
        _ => return Err(failure),
    };
    let draft = Draft { problem: Some(problem), ..Draft::of(without_password(typed)) };
    let mut answer = sight.door(status, "Sign in", form(sight, &draft));
    if let Some(wait) = failure.error_response().headers().get(RETRY_AFTER) {
        answer.headers_mut().insert(RETRY_AFTER, wait.clone());
    }
    Ok(answer)
}

/// What is shown again.
fn without_password(typed: &Fields) -> Fields {
    ["username", "store", "next"]
        .into_iter()
        .fold(Fields::default(), |kept, name| kept.with(name, typed.get(name)))
}

/// Where to go afterwards: a page of this panel and nothing else.
fn place<'a>(sight: &Sight, next: &'a str) -> &'a str {
    let inside = next.strip_prefix(sight.panel.base.as_str());
    let plain = |path: &&str| {
        let way = path.split('?').next().unwrap_or_default();
        // What a browser would take for a step upwards leads out of the panel.
        let upwards = way.contains("..") || way.to_ascii_lowercase().contains("%2e");
        path.starts_with('/')
            && !path.starts_with("//")
            && !upwards
            && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
    };
    inside.filter(plain).unwrap_or("/")
}

/// The door for somebody whose session was over when they sent something, with what it was.
pub(crate) fn page(sight: &Sight, sent: &Markup) -> HttpResponse {
    let problem =
        "Your session is over, and what you sent was not saved. It stands below: copy what you need.";
    let draft = Draft { problem: Some(problem.to_owned()), ..Draft::of(Fields::default()) };
    sight.door(StatusCode::UNAUTHORIZED, "Sign in", html! { (form(sight, &draft)) (sent) })
}

fn form(sight: &Sight, draft: &Draft) -> Markup {
    html! {
        h1 { "Haat" }
        p.muted { "Sign in to run your store." }
        (problem(draft))
        form.form method="post" action=(sight.at("/sign-in/")) {
            (sight.token())
            input type="hidden" name="next" value=(draft.typed.get("next"));
            (Input::text(draft, "username", "Username").required().auto("username").max(150))
            (Input::password(draft, "password", "Password").required().auto("current-password"))
            (Input::text(draft, "store", "Store").hint("Name of the store, if you have an account in more than one.").auto("organization").max(100))
            div.buttons { button.button.primary type="submit" { "Sign in" } }
        }
    }
}

async fn sign_out(Posted(desk, _): Posted) -> Result<HttpResponse, Failure> {
    // Whoever has come in may go out.
    desk.sight.app.run(&desk.caller, Access::Write, Action::EndSession, end_session).await?;
    for jar in [Jar::Session, Jar::Seed, Jar::Store] {
        desk.sight.empty(jar);
    }
    Ok(desk.sight.go("/sign-in/", Some(Flash::SignedOut)))
}
