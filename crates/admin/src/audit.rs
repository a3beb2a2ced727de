//! The audit log of the store.

use crate::desk::Desk;
use crate::failure::Failure;
use crate::form::{Draft, Fields, Query, day, limited};
use crate::page::Frame;
use crate::routes::{Pages, Rule};
use crate::ui::{Input, address, empty, head, nothing, pager, problem};
use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::http::StatusCode;
use actix_web::{Error as WebError, HttpResponse};
use haat_domain::audit::{AuditFilter, AuditKey, Entry, Fact, Facts, Object, Recorded, list_audit};
use haat_domain::authz::{Action, Realm};
use haat_domain::cx::Cx;
use haat_domain::error::{FieldErrors, Result, Violation};
use haat_domain::identity::find_user;
use haat_domain::ids::UserId;
use haat_domain::page::{Page, PageRequest, Sort};
use haat_domain::ports::Access;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use std::collections::BTreeSet;

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = WebError, InitError = ()>,
{
    pages.get("/audit/", Rule::Needs(Action::ReadAudit), list)
}

async fn list(desk: Desk, Query(typed): Query) -> Result<HttpResponse, Failure> {
    let mut errors = FieldErrors::default();
    let filter = wanted(&typed, &desk.sight.zone, &mut errors);
    let newest = Sort { by: AuditKey::Number, descending: true };
    let request = PageRequest { limit: limited(50), sort: newest, cursor: typed.cursor(&mut errors) };
    let actor = typed.filled("by").map(str::to_owned);
    let work = move |cx: &mut Cx<'_>| {
        let mut errors = errors.clone();
        let filter = by(cx, filter.clone(), actor.as_deref(), &mut errors)?;
        let none = Page::default();
        let page = if errors.is_empty() { list_audit(cx, &filter, &request)? } else { none };
        Ok((page, errors))
    };
    let (frame, (page, errors)) = desk.list(Access::Scan, Action::ReadAudit, work).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let draft = Draft { errors, ..Draft::of(typed) };
    Ok(frame.answer(status, "Audit log", body(&frame, &draft, &page)))
}

fn wanted(typed: &Fields, zone: &TimeZone, errors: &mut FieldErrors) -> AuditFilter {
    let action = |name: &str| Action::from_name(name).ok_or_else(|| Violation::new("is no action"));
    let number = |text: &str| text.parse::<i64>().map_err(|_| Violation::new("must be a number"));
    AuditFilter {
        action: typed.filled("action").and_then(|name| errors.check("action", action(name))),
        kind: typed.filled("kind").and_then(|name| errors.check("kind", Object::parse_kind(name))),
        object: typed.filled("object").and_then(|text| errors.check("object", number(text))),
        request: typed.filled("request").map(str::to_owned),
        since: typed.filled("from").and_then(|text| errors.check("from", day(text, zone, 0))),
        until: typed.filled("to").and_then(|text| errors.check("to", day(text, zone, 1))),
        actor: None,
    }
}

fn by(
    cx: &mut Cx<'_>,
    filter: AuditFilter,
    name: Option<&str>,
    errors: &mut FieldErrors,
) -> Result<AuditFilter> {
    let Some(name) = name else { return Ok(filter) };
    // Whoever was removed since, or came from the platform, is found by the number that their entries lead to. No
    // username begins like that.
    let actor = match name.strip_prefix('#') {
        Some(number) => number.parse().ok().map(UserId::new),
        None => find_user(cx, name)?.map(|user| user.id),
    };
    if actor.is_none() {
        errors.add("by", "is nobody's username here, and no account's number behind a #");
    }
    Ok(AuditFilter { actor, ..filter })
}

fn body(frame: &Frame, draft: &Draft, page: &Page<Recorded>) -> Markup {
    html! {
        (head(frame, None, "Audit log", &html! {}))
        (problem(draft))
        (filters(frame, draft))
        @if page.items.is_empty() {
            (nothing(frame, draft, "entries", &empty("No entries yet", "Whatever is changed appears here.", &html! {})))
        } @else {
            div.scroll role="region" tabindex="0" aria-label="Audit log" {
                table.list {
                    caption.sr { "Audit log" }
                    thead { tr {
                        th.num scope="col" { "No." } th scope="col" { "When" } th scope="col" { "Who" }
                        th scope="col" { "What" } th scope="col" { "To" } th scope="col" { "Changes" }
                    } }
                    tbody { @for recorded in &page.items { (row(frame, recorded)) } }
                }
            }
            (pager(frame, page.next.as_ref()))
        }
    }
}

fn filters(frame: &Frame, draft: &Draft) -> Markup {
    let any = [("", "Any")].into_iter();
    // What is never written into a store's log is not offered.
    let written = |action: &&Action| action.realm() != Realm::Account || **action == Action::ChangePassword;
    let actions: BTreeSet<_> = Action::ALL.iter().filter(written).map(|action| action.name()).collect();
    let actions = any.clone().chain(actions.into_iter().map(|name| (name, name)));
    let kinds = any.chain(Object::KINDS.iter().map(|kind| (*kind, *kind)));
    html! {
        form.filters method="get" action=(frame.at("/audit/")) role="search" aria-label="Audit log" {
            (Input::text(draft, "by", "Who").max(150))
            (Input::choice(draft, "action", "What", actions))
            (Input::choice(draft, "kind", "To what", kinds))
            (Input::number(draft, "object", "Its number").min(1))
            (Input::text(draft, "request", "Request").max(128))
            (Input::date(draft, "from", "From"))
            (Input::date(draft, "to", "To"))
            button.button type="submit" { "Filter" }
            @if !draft.typed.is_plain() { a.button.quiet href=(frame.at("/audit/")) { "Clear" } }
        }
    }
}

fn row(frame: &Frame, Recorded { number, entry, .. }: &Recorded) -> Markup {
    html! {
        tr {
            th.num scope="row" { (number) }
            td data-label="When" { (frame.time(entry.at)) }
            td data-label="Who" {
                @match entry.actor { Some(id) => a.plain href=(by_them(frame, id)) { (entry.actor_name) }, None => (entry.actor_name) }
                " " span.muted { (entry.actor_role) }
            }
            td data-label="What" { code { (entry.action) } }
            td data-label="To" { @if let Some(object) = entry.object { (object_of(frame, object)) } }
            td.facts data-label="Changes" { (changes(entry)) }
        }
    }
}

/// What the same account has done, out of what is looked at.
fn by_them(frame: &Frame, id: UserId) -> String {
    address(&frame.at("/audit/"), &frame.sight.query, None, &[("by", &format!("#{id}"))])
}

fn object_of(frame: &Frame, object: Object) -> Markup {
    let name = format!("{} {}", object.kind(), object.id());
    let path = match object {
        Object::Store(_) => Some("/store/".to_owned()),
        Object::User(id) => Some(format!("/users/{id}/")),
        Object::Product(id) => Some(format!("/products/{id}/")),
        Object::Order(id) => Some(format!("/orders/{id}/")),
        Object::Invitation(_) => None,
    };
    html! {
        @match path { Some(path) => a href=(frame.at(&path)) { (name) }, None => (name) }
    }
}

/// So many changes are shown at once.
const SHOWN: usize = 3;

fn changes(entry: &Entry) -> Markup {
    let names: BTreeSet<_> = entry.before.iter().chain(entry.after.iter()).map(|(name, _)| name).collect();
    let all = html! {
        dl.changes {
            @for name in &names {
                dt { (name) }
                dd {
                    @if let Some(was) = text_of(&entry.before, name) { del { (was) } " " }
                    @if let Some(is) = text_of(&entry.after, name) { ins { (is) } }
                }
            }
        }
    };
    html! {
        // What was made or removed is told by its name; how it was is there for whoever asks.
        @match names.len() {
            0 => {}
            1..=SHOWN => (all),
            many => details.more { summary { (many) " values" } (all) },
        }
        @if let Some(request) = &entry.request {
            details.more { summary { "Request" } code { (request) } }
        }
    }
}

fn text_of(facts: &Facts, name: &str) -> Option<String> {
    facts.iter().find(|(known, _)| *known == name).map(|(_, fact)| match fact {
        Fact::Null => "none".to_owned(),
        Fact::Bool(yes) => (if *yes { "yes" } else { "no" }).to_owned(),
        Fact::Number(number) => number.to_string(),
        Fact::Text(text) if text.is_empty() => "nothing".to_owned(),
        Fact::Text(text) => text.clone(),
    })
}
