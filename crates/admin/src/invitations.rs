//! Invitations: who comes with a link becomes what it says.

use crate::desk::{Desk, Sight};
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::{Draft, Fields, Posted, PostedAtTheDoor, Query, id, limited};
use crate::page::Frame;
use crate::routes::{Pages, Rule};
use crate::show::capital;
use crate::ui::{Input, badge, empty, head, nothing, pager, press, problem};
use crate::users::roles;
use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{Error as WebError, HttpResponse};
use haat_app::people::Candidate;
use haat_domain::authz::{Action, Role};
use haat_domain::cx::Cx;
use haat_domain::error::{Denied, Error, FieldErrors, Result};
use haat_domain::identity::{
    Email, Enlist, Invitation, InvitationKey, InvitationStatus, InviteToken, User, invite, invited_as,
    list_invitations, register, revoke_invitation,
};
use haat_domain::ids::InvitationId;
use haat_domain::page::{Page, PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::time::Timestamp;
use maud::{Markup, html};

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = WebError, InitError = ()>,
{
    pages
        .get("/invitations/", Rule::Needs(Action::ReadInvitations), list)
        .get("/invitations/new/", Rule::Needs(Action::CreateInvitation), ask)
        .post("/invitations/new/", Rule::Needs(Action::CreateInvitation), create)
        .post("/invitations/{id}/revoke/", Rule::Needs(Action::RevokeInvitation), revoke)
        .get("/join/", Rule::Open, ask_to_join)
        .post("/join/", Rule::Open, join)
}

async fn list(desk: Desk, Query(typed): Query) -> Result<HttpResponse, Failure> {
    let mut errors = FieldErrors::default();
    let status =
        typed.filled("status").and_then(|name| errors.check("status", InvitationStatus::parse(name)));
    let newest = Sort { by: InvitationKey::Id, descending: true };
    let request = PageRequest { limit: limited(50), sort: newest, cursor: typed.cursor(&mut errors) };
    let faulty = !errors.is_empty();
    let work = move |cx: &mut Cx<'_>| {
        let none = Page::default();
        let page = if faulty { none } else { list_invitations(cx, status, &request)? };
        Ok((page, cx.now()))
    };
    let (frame, (page, now)) = desk.list(Access::Scan, Action::ReadInvitations, work).await?;
    let status = if faulty { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let draft = Draft { errors, ..Draft::of(typed) };
    Ok(frame.answer(status, "Invitations", table(&frame, &draft, &page, now)))
}

fn table(frame: &Frame, draft: &Draft, page: &Page<Invitation>, now: Timestamp) -> Markup {
    let any = [("", "Any".to_owned())].into_iter();
    let statuses = any.chain(InvitationStatus::ALL.map(|status| (status.name(), capital(status.name()))));
    let add = html! { a.button.primary href=(frame.at("/invitations/new/")) { "Invite somebody" } };
    html! {
        (head(frame, None, "Invitations", &add))
        (problem(draft))
        form.filters method="get" action=(frame.at("/invitations/")) role="search" aria-label="Invitations" {
            (Input::choice(draft, "status", "Status", statuses))
            button.button type="submit" { "Filter" }
            @if !draft.typed.is_plain() { a.button.quiet href=(frame.at("/invitations/")) { "Clear" } }
        }
        @if page.items.is_empty() {
            (nothing(frame, draft, "invitations", &empty(
                "No invitations yet", "Invite staff or another owner: they choose a name and a password of their own.", &add,
            )))
        } @else {
            div.scroll role="region" tabindex="0" aria-label="Invitations" {
                table.list {
                    caption.sr { "Invitations" }
                    thead { tr {
                        th scope="col" { "For" } th scope="col" { "As" } th scope="col" { "Status" }
                        th scope="col" { "Made" } th scope="col" { "Ends" } th.act scope="col" { span.sr { "Take back" } }
                    } }
                    tbody { @for invitation in &page.items { (row(frame, invitation, now)) } }
                }
            }
            (pager(frame, page.next.as_ref()))
        }
    }
}

fn row(frame: &Frame, invitation: &Invitation, now: Timestamp) -> Markup {
    let status = invitation.status(now);
    html! {
        tr {
            th scope="row" { (invitation.email.as_str()) }
            td data-label="As" { (badge(invitation.role.name())) }
            td data-label="Status" { (badge(status.name())) }
            td data-label="Made" { (frame.time(invitation.created_at)) }
            td data-label="Ends" { (frame.time(invitation.expires_at)) }
            td.act {
                @if status == InvitationStatus::Pending {
                    (press(frame, &format!("/invitations/{}/revoke/", invitation.id), "Take back", "small", &[]))
                }
            }
        }
    }
}

const INVITE: &str = "Invite somebody";

async fn ask(desk: Desk) -> Result<HttpResponse, Failure> {
    let (frame, ()) = desk.show(Access::Read, Action::CreateInvitation, |_| Ok(())).await?;
    let draft = Draft::of(Fields::default().with("role", Role::Staff.name()));
    Ok(frame.page(INVITE, form(&frame, &draft)))
}

fn form(frame: &Frame, draft: &Draft) -> Markup {
    html! {
        (head(frame, Some(("/invitations/", "Invitations")), INVITE, &html! {}))
        (problem(draft))
        form.form.card method="post" action=(frame.at("/invitations/new/")) {
            (frame.token())
            (Input::email(draft, "email", "E-mail address").required().max(254)
                .hint("Whoever comes with the invitation must give this address."))
            (Input::choice(draft, "role", "As", roles()))
            div.buttons {
                button.button.primary type="submit" { "Make the invitation" }
                a.button href=(frame.at("/invitations/")) { "Cancel" }
            }
        }
    }
}

async fn create(Posted(desk, typed): Posted) -> Result<HttpResponse, Failure> {
    let mut errors = FieldErrors::default();
    let email = errors.check("email", Email::parse(typed.get("email")));
    let role = errors.check("role", Role::parse_member(typed.get("role")));
    let random = desk.sight.app.random.secret()?;
    let work = move |cx: &mut Cx<'_>| {
        errors.finish()?;
        let (Some(email), Some(role)) = (email, role) else {
            return Err(Error::invalid("email", "is required"));
        };
        invite(cx, email, role, random)
    };
    match desk.act(Action::CreateInvitation, work).await {
        // The token is shown on this very page and nowhere else: it is not kept.
        Ok(made) => {
            let (frame, ()) = desk.show(Access::Read, Action::CreateInvitation, |_| Ok(())).await?;
            Ok(frame.answer(StatusCode::CREATED, "The invitation", shown_once(&frame, &made)))
        }
        Err(failure) => {
            let draft = Draft::refused(typed, failure)?;
            let (frame, ()) = desk.show(Access::Read, Action::CreateInvitation, |_| Ok(())).await?;
            Ok(frame.answer(StatusCode::BAD_REQUEST, INVITE, form(&frame, &draft)))
        }
    }
}

fn shown_once(frame: &Frame, (invitation, token): &(Invitation, InviteToken)) -> Markup {
    let token = token.expose();
    html! {
        (head(frame, Some(("/invitations/", "Invitations")), "The invitation", &html! {}))
        section.card {
            p { "Send this link to " b { (invitation.email.as_str()) } ". It is shown now and never again, and works once." }
            div.secret {
                code { (frame.link(&format!("/join/?token={token}"))) }
                button.button.small.copy type="button" hidden { "Copy" }
            }
            p.muted { "For programs, the token alone: " code { (token) } }
            p { "It ends " (frame.time(invitation.expires_at)) "." }
        }
    }
}

async fn revoke(Posted(desk, _): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = InvitationId::new(id(&path)?);
    desk.act(Action::RevokeInvitation, move |cx| revoke_invitation(cx, id)).await?;
    Ok(desk.sight.go("/invitations/", Some(Flash::InvitationRevoked)))
}

async fn ask_to_join(sight: Sight, Query(query): Query) -> Result<HttpResponse, Failure> {
    let draft = Draft::of(Fields::default().with("token", query.get("token")));
    Ok(sight.door(StatusCode::OK, JOIN, joining(&sight, &draft)))
}

const JOIN: &str = "Join a store";

fn joining(sight: &Sight, draft: &Draft) -> Markup {
    html! {
        h1 { (JOIN) }
        p.muted { "You were invited. Choose what you will sign in with." }
        (problem(draft))
        form.form method="post" action=(sight.at("/join/")) {
            (sight.token())
            (Input::text(draft, "token", "Invitation").required().max(80))
            (Input::email(draft, "email", "E-mail address").required().auto("email").max(254)
                .hint("The one that the invitation was made for."))
            (Input::text(draft, "username", "Username").required().auto("username").max(150))
            (Input::password(draft, "password", "Password").required().auto("new-password").hint("8 to 128 characters, not a common one."))
            div.buttons { button.button.primary type="submit" { "Join" } }
        }
    }
}

async fn join(PostedAtTheDoor(sight, typed): PostedAtTheDoor) -> Result<HttpResponse, Failure> {
    match really_join(&sight, &typed).await {
        Ok(_) => Ok(sight.go("/sign-in/", Some(Flash::Joined))),
        Err(Failure::Domain(Error::Forbidden(Denied::InvitationRequired))) => {
            let problem =
                "This is no invitation for this address, or it was used, taken back, or is over.".to_owned();
            let draft = Draft { problem: Some(problem), ..Draft::of(typed) };
            Ok(sight.door(StatusCode::FORBIDDEN, JOIN, joining(&sight, &draft)))
        }
        Err(failure) => {
            let draft = Draft::refused(typed, failure)?;
            Ok(sight.door(StatusCode::BAD_REQUEST, JOIN, joining(&sight, &draft)))
        }
    }
}

/// Registers whoever holds an invitation as what it says.
async fn really_join(sight: &Sight, typed: &Fields) -> Result<User, Failure> {
    let required = || Error::Forbidden(Denied::InvitationRequired);
    let mut errors = FieldErrors::default();
    let field = |name| Some(typed.get(name));
    let candidate = Candidate::parse(field("username"), field("email"), None, field("password"), &mut errors);
    errors.finish()?;
    let mut candidate = candidate.ok_or_else(|| Error::invalid("username", "is required"))?;
    let token = InviteToken::parse(typed.get("token")).map_err(|_| required())?;
    let (email, shown) = (candidate.email.clone(), token.clone());
    let stranger = sight.stranger();
    let find = move |cx: &mut Cx<'_>| invited_as(cx, &shown, &email);
    candidate.role = sight.app.visit(&stranger, Access::Read, find).await?;
    let user = candidate.hashed(&sight.app, &stranger).await?;
    let wish = Enlist { user, store: None, invitation: Some(token), currency: sight.app.currency };
    Ok(sight.app.visit(&stranger, Access::Write, move |cx| register(cx, &wish)).await?)
}
