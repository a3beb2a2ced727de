//! The store's users. Owners only; the last of them is protected.

use crate::customers::state;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::{Draft, Fields, Posted, Query, id, limited, once, sorted};
use crate::page::Frame;
use crate::routes::{Pages, Rule};
use crate::show::capital;
use crate::ui::{Input, Question, badge, empty, head, nothing, pager, problem, sortable};
use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{Error as WebError, HttpResponse};
use haat_app::people::{Candidate, with_password};
use haat_domain::authz::{Action, Role};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, FieldErrors, Result};
use haat_domain::identity::{
    Email, NewPassword, User, UserFilter, UserKey, UserPatch, create_user, delete_user, list_users,
    lock_user, read_user, update_user,
};
use haat_domain::ids::UserId;
use haat_domain::page::{Page, PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::text::Search;
use maud::{Markup, html};

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = WebError, InitError = ()>,
{
    pages
        .get("/users/", Rule::Needs(Action::ReadUsers), list)
        .get("/users/new/", Rule::Needs(Action::CreateUser), ask)
        .post("/users/new/", Rule::Needs(Action::CreateUser), create)
        .get("/users/{id}/", Rule::Needs(Action::ReadUsers), show)
        .post("/users/{id}/", Rule::Needs(Action::UpdateUser), change)
        .get("/users/{id}/delete/", Rule::Needs(Action::ReadUsers), ask_to_delete)
        .post("/users/{id}/delete/", Rule::Needs(Action::DeleteUser), delete)
}

const NEWEST: Sort<UserKey> = Sort { by: UserKey::Id, descending: true };

/// What somebody can be in a store.
pub(crate) const ROLES: [Role; 3] = [Role::Owner, Role::Staff, Role::Customer];

/// The roles, for a form.
pub(crate) fn roles() -> [(&'static str, &'static str); 3] {
    ROLES.map(|role| match role {
        Role::Owner => (role.name(), "Owner: everything"),
        Role::Staff => (role.name(), "Staff: products and orders"),
        Role::Customer | Role::Superuser | Role::Anonymous => {
            (role.name(), "Customer: own orders, in the shop")
        }
    })
}

async fn list(desk: Desk, Query(typed): Query) -> Result<HttpResponse, Failure> {
    let mut errors = FieldErrors::default();
    let filter = UserFilter {
        search: errors.check("search", Search::parse(typed.get("search"))).flatten(),
        role: typed.filled("role").and_then(|role| errors.check("role", Role::parse_member(role))),
        is_active: typed.filled("active").map(|active| active == "true"),
    };
    let request =
        PageRequest { limit: limited(50), sort: sorted(&typed, NEWEST), cursor: typed.cursor(&mut errors) };
    let faulty = !errors.is_empty();
    let work = move |cx: &mut Cx<'_>| {
        if faulty { Ok(Page::default()) } else { list_users(cx, &filter, &request) }
    };
    let (frame, page) = desk.list(Access::Scan, Action::ReadUsers, work).await?;
    let status = if faulty { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let draft = Draft { errors, ..Draft::of(typed) };
    Ok(frame.answer(status, "Users", table(&frame, &draft, &page)))
}

fn table(frame: &Frame, draft: &Draft, page: &Page<User>) -> Markup {
    let sort = sorted(&draft.typed, NEWEST);
    let ordering = sort.to_string();
    let any = [("", "Any".to_owned())].into_iter();
    let add = html! {
        a.button href=(frame.at("/invitations/new/")) { "Invite somebody" }
        a.button.primary href=(frame.at("/users/new/")) { "Add a user" }
    };
    html! {
        (head(frame, None, "Users", &add))
        (problem(draft))
        form.filters method="get" action=(frame.at("/users/")) role="search" aria-label="Users" {
            (Input::search(draft, "search", "Name or e-mail address").max(200))
            (Input::choice(draft, "role", "Role", any.clone().chain(ROLES.map(|role| (role.name(), capital(role.name()))))))
            (Input::choice(draft, "active", "Status", any.chain([("true", "Active".to_owned()), ("false", "Inactive".to_owned())])))
            button.button type="submit" { "Filter" }
            @if !draft.typed.is_plain() { a.button.quiet href=(frame.at("/users/")) { "Clear" } }
        }
        @if page.items.is_empty() {
            (nothing(frame, draft, "users", &empty(
                "No users yet", "A store that was opened here has nobody in it: invite its owner.",
                &html! { a.button.primary href=(frame.at("/invitations/new/")) { "Invite somebody" } },
            )))
        } @else {
            div.scroll role="region" tabindex="0" aria-label="Users" {
                table.list {
                    caption.sr { "Users" }
                    thead { tr {
                        (sortable(frame, &ordering, "username", "User", None))
                        th scope="col" { "E-mail address" }
                        th scope="col" { "Role" }
                        th scope="col" { "Status" }
                        (sortable(frame, &ordering, "id", "Since", None))
                    } }
                    tbody {
                        @for user in &page.items {
                            tr {
                                th scope="row" { a href=(frame.at(&format!("/users/{}/", user.id))) { (user.username.as_str()) } }
                                td data-label="E-mail address" { (user.email.as_str()) }
                                td data-label="Role" { (badge(user.role.name())) }
                                td.state data-label="Status" { (state(user)) }
                                td data-label="Since" { (frame.time(user.created_at)) }
                            }
                        }
                    }
                }
            }
            (pager(frame, page.next.as_ref()))
        }
    }
}

async fn ask(desk: Desk) -> Result<HttpResponse, Failure> {
    let (frame, ()) = desk.show(Access::Read, Action::CreateUser, |_| Ok(())).await?;
    let typed = Fields::default().with("role", Role::Staff.name());
    let draft = Draft::of(desk.sight.once(typed).map_err(Failure::Domain)?);
    Ok(frame.page(ADD, form(&frame, &draft)))
}

const ADD: &str = "Add a user";

fn form(frame: &Frame, draft: &Draft) -> Markup {
    html! {
        (head(frame, Some(("/users/", "Users")), ADD, &html! {}))
        (problem(draft))
        form.form.card method="post" action=(frame.at("/users/new/")) data-guard {
            (frame.token())
            (once(draft))
            (Input::text(draft, "username", "Username").required().max(150).hint("Letters, digits and @ . + - _"))
            (Input::email(draft, "email", "E-mail address").required().max(254))
            (Input::choice(draft, "role", "Role", roles()))
            (Input::password(draft, "password", "Password").required().auto("new-password")
                .hint("8 to 128 characters, not a common one. Tell them in person; they can change it."))
            div.buttons {
                button.button.primary type="submit" { "Add the user" }
                a.button href=(frame.at("/users/")) { "Cancel" }
            }
        }
    }
}

async fn create(Posted(desk, typed): Posted) -> Result<HttpResponse, Failure> {
    match really_create(&desk, &typed).await {
        Ok(place) => Ok(desk.sight.go(&place, Some(Flash::UserCreated))),
        Err(failure) => {
            let draft = desk.sight.refused(typed, failure)?;
            let (frame, ()) = desk.show(Access::Read, Action::CreateUser, |_| Ok(())).await?;
            Ok(frame.answer(StatusCode::BAD_REQUEST, ADD, form(&frame, &draft)))
        }
    }
}

async fn really_create(desk: &Desk, typed: &Fields) -> Result<String, Failure> {
    let mut errors = FieldErrors::default();
    let field = |name| Some(typed.get(name));
    let candidate =
        Candidate::parse(field("username"), field("email"), field("role"), field("password"), &mut errors);
    // Hashing is dear: only for those who may.
    desk.admit(Action::CreateUser).await?;
    errors.finish()?;
    let candidate = candidate.ok_or_else(|| Error::invalid("username", "is required"))?;
    let new = candidate.hashed(&desk.sight.app, &desk.caller).await?;
    let work = move |cx: &mut Cx<'_>| Ok(format!("/users/{}/", create_user(cx, &new)?.id));
    desk.create(typed, Action::CreateUser, work).await
}

/// An account as a form has it; what it was made from is kept beside it, to see whether somebody else was faster.
fn fields(user: &User) -> Fields {
    let active = if user.is_active { "true" } else { "" };
    let all = [("email", user.email.as_str()), ("role", user.role.name()), ("active", active)];
    all.into_iter()
        .fold(Fields::default(), |fields, (name, value)| fields.with(name, value).with(&was(name), value))
}

fn was(name: &str) -> String {
    format!("was_{name}")
}

async fn show(desk: Desk, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = UserId::new(id(&path)?);
    let (frame, user) = desk.show(Access::Read, Action::ReadUsers, move |cx| read_user(cx, id)).await?;
    let draft = Draft::of(fields(&user));
    Ok(frame.page(user.username.as_str(), one(&frame, &user, &draft)))
}

async fn change(Posted(desk, typed): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = UserId::new(id(&path)?);
    match really_change(&desk, id, &typed).await {
        Ok(()) => Ok(desk.sight.go(&format!("/users/{id}/"), Some(Flash::UserChanged))),
        Err(failure) => {
            let mut draft = Draft::refused(typed, failure)?;
            let (frame, user) =
                desk.show(Access::Read, Action::ReadUsers, move |cx| read_user(cx, id)).await?;
            // Whoever has read how it is now may overwrite it.
            let now = fields(&user);
            for name in ["email", "role", "active"] {
                draft.typed = draft.typed.set(&was(name), now.get(name));
            }
            Ok(frame.answer(StatusCode::CONFLICT, user.username.as_str(), one(&frame, &user, &draft)))
        }
    }
}

async fn really_change(desk: &Desk, id: UserId, typed: &Fields) -> Result<(), Failure> {
    // Hashing is dear: only for those who may.
    desk.admit(Action::UpdateUser).await?;
    let mut errors = FieldErrors::default();
    let changed = |name: &str| typed.get(name) != typed.get(&was(name));
    let patch = UserPatch {
        email: if changed("email") { errors.check("email", Email::parse(typed.get("email"))) } else { None },
        role: if changed("role") {
            errors.check("role", Role::parse_member(typed.get("role")))
        } else {
            None
        },
        is_active: changed("active").then(|| typed.get("active") == "true"),
        hash: None,
    };
    let password = Some(typed.get("password")).filter(|password| !password.is_empty());
    let password = password.and_then(|password| errors.check("password", NewPassword::parse(password, &[])));
    errors.finish()?;
    let patch = with_password(&desk.sight.app, &desk.caller, id, patch, password).await?;
    let seen = typed.clone();
    let work = move |cx: &mut Cx<'_>| {
        let now = fields(&lock_user(cx, id)?);
        let overtaken = |name: &&str| {
            let was = was(name);
            seen.get(name) != seen.get(&was) && now.get(name) != seen.get(&was)
        };
        if ["email", "role", "active"].iter().any(overtaken) {
            return Err(Error::Stale);
        }
        update_user(cx, id, patch).map(drop)
    };
    desk.act(Action::UpdateUser, work).await
}

fn one(frame: &Frame, user: &User, draft: &Draft) -> Markup {
    let path = format!("/users/{}/", user.id);
    let orders = html! {
        @if user.role == Role::Customer {
            a.button href=(frame.at(&format!("/customers/{}/", user.id))) { "Orders" }
        }
        a.button.danger href=(frame.at(&format!("{path}delete/"))) { "Remove…" }
    };
    html! {
        (head(frame, Some(("/users/", "Users")), user.username.as_str(), &orders))
        (problem(draft))
        @if draft.problem.is_some() {
            p { "As it is now: " (user.email.as_str()) ", " (badge(user.role.name())) " " (state(user)) }
        }
        div.columns {
            form.form.card method="post" action=(frame.at(&path)) data-guard {
                (frame.token())
                @for name in ["email", "role", "active"] {
                    input type="hidden" name=(was(name)) value=(draft.typed.get(&was(name)));
                }
                (Input::email(draft, "email", "E-mail address").required().max(254))
                (Input::choice(draft, "role", "Role", roles()))
                (Input::check(draft, "active", "May sign in").hint("Without it they are turned away at once, everywhere."))
                (Input::password(draft, "password", "New password").auto("new-password")
                    .hint("Leave it empty to keep the present one. A new one ends all their sessions."))
                div.buttons {
                    button.button.primary type="submit" { "Save" }
                    a.button href=(frame.at("/users/")) { "Cancel" }
                }
            }
            section.card {
                h2 { "About" }
                dl.facts {
                    dt { "Number" } dd { (user.id) }
                    dt { "Status" } dd { (state(user)) }
                    dt { "Since" } dd { (frame.time(user.created_at)) }
                }
            }
        }
    }
}

fn question(user: &User) -> (String, String) {
    (format!("/users/{}/", user.id), format!("Remove {}?", user.username.as_str()))
}

fn removal(frame: &Frame, user: &User, draft: &Draft) -> Markup {
    let (path, title) = question(user);
    Question {
        title: &title,
        text: "They can no longer sign in and are in no list any more; their name and address are free again. \
               What they have done stays. This cannot be undone: to turn somebody away for a while, take away \
               “May sign in” instead.",
        yes: "Remove the user",
        path: &format!("{path}delete/"),
        back: &path,
        hidden: &[],
    }
    .ask(frame, draft)
}

async fn ask_to_delete(desk: Desk, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = UserId::new(id(&path)?);
    let (frame, user) = desk.show(Access::Read, Action::ReadUsers, move |cx| read_user(cx, id)).await?;
    Ok(frame.page(&question(&user).1, removal(&frame, &user, &Draft::default())))
}

async fn delete(Posted(desk, typed): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = UserId::new(id(&path)?);
    match desk.act(Action::DeleteUser, move |cx| delete_user(cx, id)).await {
        Ok(()) => Ok(desk.sight.go("/users/", Some(Flash::UserDeleted))),
        Err(failure) => {
            let draft = Draft::refused(typed, failure)?;
            let (frame, user) =
                desk.show(Access::Read, Action::ReadUsers, move |cx| read_user(cx, id)).await?;
            Ok(frame.answer(StatusCode::CONFLICT, &question(&user).1, removal(&frame, &user, &draft)))
        }
    }
}
