//! The installation: its stores, its admins, its health. Platform admins only.

use crate::desk::Desk;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::{Draft, Fields, Posted, Query, id, limited};
use crate::page::Frame;
use crate::routes::{Pages, Rule};
use crate::session::Jar;
use crate::show::{bytes, capital, count};
use crate::ui::{Input, Question, badge, empty, head, nothing, pager, press, problem};
use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::http::StatusCode;
use actix_web::web::{Path, block};
use actix_web::{Error as WebError, HttpResponse};
use haat_domain::authz::Action;
use haat_domain::cx::Cx;
use haat_domain::error::{Error, FieldErrors, Result};
use haat_domain::identity::{User, UserKey, list_admins};
use haat_domain::ids::TenantId;
use haat_domain::money::Currency;
use haat_domain::page::{Page, PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::reports::Counts;
use haat_domain::tenancy::{
    NewTenant, StoreName, Tenant, TenantFilter, TenantKey, TenantStatus, create_tenant, list_tenants,
    lock_tenant, measure_tenant, read_tenant, set_tenant_status, update_tenant,
};
use haat_domain::text::Search;
use maud::{Markup, html};

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = WebError, InitError = ()>,
{
    pages
        .get("/platform/tenants/", Rule::Needs(Action::ReadTenants), list)
        .get("/platform/tenants/new/", Rule::Needs(Action::CreateTenant), ask)
        .post("/platform/tenants/new/", Rule::Needs(Action::CreateTenant), create)
        .get("/platform/tenants/{id}/", Rule::Needs(Action::ReadTenants), show)
        .post("/platform/tenants/{id}/", Rule::Needs(Action::UpdateTenant), rename)
        .get("/platform/tenants/{id}/suspend/", Rule::Needs(Action::ReadTenants), ask_to_suspend)
        .post("/platform/tenants/{id}/suspend/", Rule::Needs(Action::SuspendTenant), suspend)
        .post("/platform/tenants/{id}/resume/", Rule::Needs(Action::ResumeTenant), resume)
        .post("/platform/tenants/{id}/enter/", Rule::Needs(Action::EnterStore), enter)
        .post("/platform/leave/", Rule::Needs(Action::ReadTenants), leave)
        .get("/platform/admins/", Rule::Needs(Action::ReadAdmins), admins)
        .get("/platform/health/", Rule::Needs(Action::ReadTenants), health)
}

async fn list(desk: Desk, Query(typed): Query) -> Result<HttpResponse, Failure> {
    let mut errors = FieldErrors::default();
    let filter = TenantFilter {
        search: errors.check("search", Search::parse(typed.get("search"))).flatten(),
        status: typed.filled("status").and_then(|name| errors.check("status", TenantStatus::parse(name))),
    };
    let newest = Sort { by: TenantKey::Id, descending: true };
    let request = PageRequest { limit: limited(50), sort: newest, cursor: typed.cursor(&mut errors) };
    let faulty = !errors.is_empty();
    let work = move |cx: &mut Cx<'_>| {
        if faulty { Ok(Page::default()) } else { list_tenants(cx, &filter, &request) }
    };
    let (frame, page) = desk.show(Access::Scan, Action::ReadTenants, work).await?;
    let status = if faulty { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let draft = Draft { errors, ..Draft::of(typed) };
    Ok(frame.answer(status, "Stores", table(&frame, &draft, &page)))
}

fn table(frame: &Frame, draft: &Draft, page: &Page<Tenant>) -> Markup {
    let any = [("", "Any".to_owned())].into_iter();
    let statuses = any.chain(TenantStatus::ALL.map(|status| (status.name(), capital(status.name()))));
    let add = html! { a.button.primary href=(frame.at("/platform/tenants/new/")) { "Open a store" } };
    html! {
        (head(frame, None, "Stores", &add))
        (problem(draft))
        form.filters method="get" action=(frame.at("/platform/tenants/")) role="search" aria-label="Stores" {
            (Input::search(draft, "search", "Name").max(200))
            (Input::choice(draft, "status", "Status", statuses))
            button.button type="submit" { "Filter" }
            @if !draft.typed.is_plain() { a.button.quiet href=(frame.at("/platform/tenants/")) { "Clear" } }
        }
        @if page.items.is_empty() {
            (nothing(frame, draft, "stores",
                &empty("No stores yet", "Owners open stores by registering; you can open one here.", &add)))
        } @else {
            div.scroll role="region" tabindex="0" aria-label="Stores" {
                table.list {
                    caption.sr { "Stores" }
                    thead { tr {
                        th scope="col" { "Store" } th scope="col" { "In addresses" } th scope="col" { "Currency" }
                        th scope="col" { "Status" } th scope="col" { "Opened" }
                    } }
                    tbody {
                        @for store in &page.items {
                            tr {
                                th scope="row" { a href=(frame.at(&at(store.id))) { (store.name.as_str()) } }
                                td data-label="In addresses" { code { (store.slug.as_str()) } }
                                td data-label="Currency" { (store.currency) }
                                td.state data-label="Status" { (badge(store.status.name())) }
                                td data-label="Opened" { (frame.time(store.created_at)) }
                            }
                        }
                    }
                }
            }
            (pager(frame, page.next.as_ref()))
        }
    }
}

/// The page of a store.
fn at(id: TenantId) -> String {
    format!("/platform/tenants/{id}/")
}

const OPEN: &str = "Open a store";

async fn ask(desk: Desk) -> Result<HttpResponse, Failure> {
    let (frame, ()) = desk.show(Access::Read, Action::CreateTenant, |_| Ok(())).await?;
    let typed = Fields::default().with("currency", desk.sight.app.currency.code());
    Ok(frame.page(OPEN, form(&frame, &Draft::of(typed))))
}

fn form(frame: &Frame, draft: &Draft) -> Markup {
    let currencies = Currency::all().iter().map(|currency| (currency.code(), currency.code()));
    html! {
        (head(frame, Some(("/platform/tenants/", "Stores")), OPEN, &html! {}))
        (problem(draft))
        form.form.card method="post" action=(frame.at("/platform/tenants/new/")) {
            (frame.token())
            (Input::text(draft, "name", "Name").required().max(100))
            (Input::choice(draft, "currency", "Currency", currencies))
            p.hint { "The store has no users yet: enter it afterwards, and invite its owner." }
            div.buttons {
                button.button.primary type="submit" { "Open the store" }
                a.button href=(frame.at("/platform/tenants/")) { "Cancel" }
            }
        }
    }
}

async fn create(Posted(desk, typed): Posted) -> Result<HttpResponse, Failure> {
    let mut errors = FieldErrors::default();
    let name = errors.check("name", StoreName::parse(typed.get("name")));
    let currency = errors.check("currency", Currency::parse(typed.get("currency")));
    let work = move |cx: &mut Cx<'_>| {
        errors.finish()?;
        let (Some(name), Some(currency)) = (name, currency) else {
            return Err(Error::invalid("name", "is required"));
        };
        create_tenant(cx, &NewTenant { name, currency })
    };
    match desk.act(Action::CreateTenant, work).await {
        Ok(store) => Ok(desk.sight.go(&at(store.id), Some(Flash::TenantCreated))),
        Err(failure) => {
            let draft = Draft::refused(typed, failure)?;
            let (frame, ()) = desk.show(Access::Read, Action::CreateTenant, |_| Ok(())).await?;
            Ok(frame.answer(StatusCode::BAD_REQUEST, OPEN, form(&frame, &draft)))
        }
    }
}

async fn show(desk: Desk, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = TenantId::new(id(&path)?);
    let work = move |cx: &mut Cx<'_>| measure_tenant(cx, id);
    let (frame, (store, counts)) = desk.show(Access::Scan, Action::ReadTenants, work).await?;
    let name = store.name.as_str();
    let draft = Draft::of(Fields::default().with("name", name).with("was_name", name));
    Ok(frame.page(name, one(&frame, &store, counts, &draft)))
}

fn one(frame: &Frame, store: &Tenant, counts: Counts, draft: &Draft) -> Markup {
    let path = at(store.id);
    let actions = html! {
        (press(frame, &format!("{path}enter/"), "Enter the store", "primary", &[]))
        @match store.status {
            TenantStatus::Active => a.button.danger href=(frame.at(&format!("{path}suspend/"))) { "Suspend…" },
            TenantStatus::Suspended => (press(frame, &format!("{path}resume/"), "Open it again", "", &[])),
        }
    };
    let figures = [
        ("Users", count(counts.users)),
        ("Products", count(counts.products)),
        ("Orders", count(counts.orders)),
        ("Audit entries", count(counts.entries)),
        ("Data, about", bytes(counts.bytes)),
    ];
    html! {
        (head(frame, Some(("/platform/tenants/", "Stores")), store.name.as_str(), &actions))
        (problem(draft))
        dl.stats { @for (name, figure) in figures { div.stat { dt { (name) } dd { (figure) } } } }
        div.cards {
            section.card {
                h2 { "About" }
                dl.facts {
                    dt { "Status" } dd { (badge(store.status.name())) }
                    dt { "In addresses" } dd { code { (store.slug.as_str()) } }
                    dt { "Currency" } dd { (store.currency) }
                    dt { "Number" } dd { (store.id) }
                    dt { "Opened" } dd { (frame.time(store.created_at)) }
                }
            }
            section.card {
                h2 { "Rename" }
                form.form method="post" action=(frame.at(&path)) {
                    (frame.token())
                    input type="hidden" name="was_name" value=(draft.typed.get("was_name"));
                    (Input::text(draft, "name", "Name").required().max(100))
                    div.buttons { button.button type="submit" { "Rename" } }
                }
            }
        }
    }
}

async fn rename(Posted(desk, typed): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = TenantId::new(id(&path)?);
    let name = StoreName::parse(typed.get("name")).map_err(|fault| fault.on("name"));
    let was = typed.get("was_name").to_owned();
    let work = move |cx: &mut Cx<'_>| {
        let name = name?;
        if lock_tenant(cx, id)?.name.as_str() != was {
            return Err(Error::Stale);
        }
        update_tenant(cx, id, Some(name))
    };
    match desk.act(Action::UpdateTenant, work).await {
        Ok(_) => Ok(desk.sight.go(&at(id), Some(Flash::TenantChanged))),
        Err(failure) => {
            let mut draft = Draft::refused(typed, failure)?;
            let work = move |cx: &mut Cx<'_>| measure_tenant(cx, id);
            let (frame, (store, counts)) = desk.show(Access::Scan, Action::ReadTenants, work).await?;
            draft.typed = draft.typed.set("was_name", store.name.as_str());
            Ok(frame.answer(StatusCode::CONFLICT, store.name.as_str(), one(&frame, &store, counts, &draft)))
        }
    }
}

async fn ask_to_suspend(desk: Desk, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = TenantId::new(id(&path)?);
    let (frame, store) = desk.show(Access::Read, Action::ReadTenants, move |cx| read_tenant(cx, id)).await?;
    let question = Question {
        title: &format!("Suspend {}?", store.name.as_str()),
        text: "Its owner, staff and customers are turned away at once, everywhere. Its data is kept, and it can be \
               opened again.",
        yes: "Suspend the store",
        path: &format!("{}suspend/", at(id)),
        back: &at(id),
        hidden: &[],
    };
    Ok(frame.page(question.title, question.ask(&frame, &Draft::default())))
}

async fn suspend(Posted(desk, _): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    set(&desk, &path, TenantStatus::Suspended, Flash::TenantSuspended).await
}

async fn resume(Posted(desk, _): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    set(&desk, &path, TenantStatus::Active, Flash::TenantResumed).await
}

async fn set(desk: &Desk, path: &str, status: TenantStatus, flash: Flash) -> Result<HttpResponse, Failure> {
    let id = TenantId::new(id(path)?);
    desk.act(status.set_by(), move |cx| set_tenant_status(cx, id, status)).await?;
    Ok(desk.sight.go(&at(id), Some(flash)))
}

/// Enters a store: from now on every page is of it, and every look at one is in its audit log, the first as well.
async fn enter(Posted(desk, _): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = TenantId::new(id(&path)?);
    let store = desk.act(Action::EnterStore, move |cx| read_tenant(cx, id)).await?;
    desk.sight.keep(Jar::Store, store.slug.as_str().to_owned());
    Ok(desk.sight.go("/", Some(Flash::StoreEntered)))
}

async fn leave(Posted(desk, _): Posted) -> Result<HttpResponse, Failure> {
    desk.admit(Action::ReadTenants).await?;
    desk.sight.empty(Jar::Store);
    Ok(desk.sight.go("/platform/tenants/", Some(Flash::StoreLeft)))
}

async fn admins(desk: Desk, Query(typed): Query) -> Result<HttpResponse, Failure> {
    let mut errors = FieldErrors::default();
    let by_name = Sort { by: UserKey::Username, descending: false };
    let request = PageRequest { limit: limited(50), sort: by_name, cursor: typed.cursor(&mut errors) };
    let work = move |cx: &mut Cx<'_>| {
        errors.finish()?;
        list_admins(cx, &request)
    };
    let (frame, page) = desk.show(Access::Read, Action::ReadAdmins, work).await?;
    Ok(frame.page("Admins", admins_table(&frame, &Draft::of(typed), &page)))
}

fn admins_table(frame: &Frame, draft: &Draft, page: &Page<User>) -> Markup {
    html! {
        (head(frame, None, "Admins", &html! {}))
        p { "Nobody becomes a platform admin from a browser. On the server: "
            code { "haat create-admin USERNAME EMAIL" } }
        @if page.items.is_empty() { (nothing(frame, draft, "admins", &html! {})) } @else { div.scroll role="region" tabindex="0" aria-label="Admins" {
            table.list {
                caption.sr { "Admins" }
                thead { tr {
                    th scope="col" { "Admin" } th scope="col" { "E-mail address" } th scope="col" { "Status" } th scope="col" { "Since" }
                } }
                tbody {
                    @for admin in &page.items {
                        tr {
                            th scope="row" { (admin.username.as_str()) }
                            td data-label="E-mail address" { (admin.email.as_str()) }
                            td.state data-label="Status" { (crate::customers::state(admin)) }
                            td data-label="Since" { (frame.time(admin.created_at)) }
                        }
                    }
                }
            }
        }
        (pager(frame, page.next.as_ref())) }
    }
}

async fn health(desk: Desk) -> Result<HttpResponse, Failure> {
    let (frame, now) = desk.show(Access::Read, Action::ReadTenants, |cx| Ok(cx.now())).await?;
    let store = std::sync::Arc::clone(&desk.sight.app.store);
    let began = std::time::Instant::now();
    let ready = block(move || store.ready()).await;
    let took = began.elapsed();
    let ready: Result<()> = ready.unwrap_or_else(|cancelled| Err(Error::Unavailable(cancelled.into())));
    let database = match &ready {
        Ok(()) => "Answers; its schema is the one that this program was built for".to_owned(),
        Err(error) => error.to_string(),
    };
    let body = html! {
        (head(&frame, None, "Health", &html! {}))
        section.card.narrow {
            dl.facts {
                dt { "Database" } dd { (database) }
                dt { "It took" } dd { (took.as_micros()) " µs" }
                dt { "Program" } dd { "Haat " (env!("CARGO_PKG_VERSION")) }
                dt { "Its clock" } dd { (frame.time(now)) }
            }
        }
        p.muted { "For monitoring: " code { "/healthz" } ", " code { "/readyz" } " and " code { "/metrics" } "." }
    };
    let status = if ready.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(frame.answer(status, "Health", body))
}
