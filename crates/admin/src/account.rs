//! The viewer's own account, and what their browser shall remember.

use crate::desk::Desk;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::{Draft, Fields, Posted};
use crate::page::Frame;
use crate::routes::{Pages, Rule};
use crate::session::Jar;
use crate::ui::{Input, badge, head, problem};
use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::http::StatusCode;
use actix_web::{Error, HttpResponse};
use haat_app::sessions;
use haat_domain::authz::Action;
use haat_domain::identity::{Email, User, end_all_sessions, read_me, update_me};
use haat_domain::ports::Access;
use jiff::tz::TimeZone;
use maud::{Markup, html};

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    pages
        .get("/account/", Rule::Needs(Action::ReadSelf), show)
        .post("/account/", Rule::Needs(Action::UpdateSelf), change)
        .post("/account/password/", Rule::Needs(Action::ChangePassword), change_password)
        .post("/account/preferences/", Rule::SignedIn, prefer)
        .post("/account/sign-out-everywhere/", Rule::Needs(Action::EndSession), sign_out_everywhere)
}

async fn show(desk: Desk) -> Result<HttpResponse, Failure> {
    let (frame, me) = desk.show(Access::Read, Action::ReadSelf, read_me).await?;
    let typed = Fields::default().with("email", me.email.as_str());
    Ok(frame.page("Your account", page(&frame, &me, &Draft::of(typed), &Draft::default())))
}

async fn again(desk: &Desk, mail: Draft, password: Draft) -> Result<HttpResponse, Failure> {
    let (frame, me) = desk.show(Access::Read, Action::ReadSelf, read_me).await?;
    Ok(frame.answer(StatusCode::BAD_REQUEST, "Your account", page(&frame, &me, &mail, &password)))
}

async fn change(Posted(desk, typed): Posted) -> Result<HttpResponse, Failure> {
    let email = Email::parse(typed.get("email")).map_err(|fault| Failure::Domain(fault.on("email")));
    let done = match email {
        Ok(email) => desk.act(Action::UpdateSelf, move |cx| update_me(cx, Some(email))).await,
        Err(fault) => Err(fault),
    };
    match done {
        Ok(_) => Ok(desk.sight.go("/account/", Some(Flash::AccountChanged))),
        Err(failure) => again(&desk, Draft::refused(typed, failure)?, Draft::default()).await,
    }
}

async fn change_password(Posted(desk, typed): Posted) -> Result<HttpResponse, Failure> {
    desk.admit(Action::ChangePassword).await?;
    let (old, new) = (typed.get("old_password").to_owned(), typed.get("new_password"));
    let done = if new == typed.get("new_password_again") {
        sessions::change_password(&desk.sight.app, &desk.caller, old, new).await
    } else {
        Err(haat_domain::error::Error::invalid("new_password_again", "is not the same"))
    };
    match done {
        Ok(()) => Ok(desk.sight.go("/account/", Some(Flash::PasswordChanged))),
        Err(error) => {
            let (_, me) = desk.show(Access::Read, Action::ReadSelf, read_me).await?;
            let mail = Draft::of(Fields::default().with("email", me.email.as_str()));
            again(&desk, mail, Draft::refused(Fields::default(), error.into())?).await
        }
    }
}

async fn prefer(Posted(desk, typed): Posted) -> Result<HttpResponse, Failure> {
    // Whoever is signed in may, but must be.
    desk.admit(Action::ReadSelf).await?;
    if TimeZone::get(typed.get("zone")).is_ok() {
        desk.sight.keep(Jar::Zone, typed.get("zone").to_owned());
    }
    match typed.get("theme") {
        theme @ ("light" | "dark") => desk.sight.keep(Jar::Theme, theme.to_owned()),
        _ => desk.sight.empty(Jar::Theme),
    }
    Ok(desk.sight.go("/account/", Some(Flash::PreferencesKept)))
}

async fn sign_out_everywhere(Posted(desk, _): Posted) -> Result<HttpResponse, Failure> {
    desk.act(Action::EndSession, end_all_sessions).await?;
    for jar in [Jar::Session, Jar::Seed, Jar::Store] {
        desk.sight.empty(jar);
    }
    Ok(desk.sight.go("/sign-in/", Some(Flash::SignedOutEverywhere)))
}

fn page(frame: &Frame, me: &User, mail: &Draft, password: &Draft) -> Markup {
    html! {
        (head(frame, None, "Your account", &html! {}))
        div.cards {
            section.card {
                h2 { "Who you are" }
                dl.facts {
                    dt { "Username" } dd { (me.username.as_str()) }
                    dt { "Role" } dd { (badge(me.role.name())) }
                    dt { "Since" } dd { (frame.time(me.created_at)) }
                }
                (problem(mail))
                form.form method="post" action=(frame.at("/account/")) {
                    (frame.token())
                    (Input::email(mail, "email", "E-mail address").required().auto("email").max(254))
                    div.buttons { button.button.primary type="submit" { "Change" } }
                }
            }
            section.card {
                h2 { "Password" }
                (problem(password))
                form.form method="post" action=(frame.at("/account/password/")) {
                    (frame.token())
                    (Input::password(password, "old_password", "The one you have").required().auto("current-password"))
                    (Input::password(password, "new_password", "A new one").required().auto("new-password")
                        .hint("8 to 128 characters, not a common one."))
                    (Input::password(password, "new_password_again", "The new one again").required().auto("new-password"))
                    div.buttons { button.button.primary type="submit" { "Change the password" } }
                }
            }
            (preferences(frame))
            section.card {
                h2 { "Sessions" }
                p { "Ends every session of this account, on every computer and for every program." }
                (crate::ui::press(frame, "/account/sign-out-everywhere/", "Sign out everywhere", "danger", &[]))
            }
        }
    }
}

fn preferences(frame: &Frame) -> Markup {
    let zone = frame.sight.zone.iana_name().unwrap_or("UTC");
    let draft =
        Draft::of(Fields::default().with("zone", zone).with("theme", frame.sight.theme.unwrap_or("auto")));
    let zones = jiff::tz::db().available().map(|name| (name.to_string(), name.to_string().replace('_', " ")));
    let themes = [("auto", "As the computer has it"), ("light", "Light"), ("dark", "Dark")];
    html! {
        section.card {
            h2 { "This browser" }
            form.form method="post" action=(frame.at("/account/preferences/")) {
                (frame.token())
                (Input::choice(&draft, "zone", "Time zone", zones).hint("All times in the panel are shown in it."))
                (Input::choice(&draft, "theme", "Colours", themes))
                div.buttons { button.button.primary type="submit" { "Remember" } }
            }
        }
    }
}
