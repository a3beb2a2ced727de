//! Customers and their orders.

use crate::desk::Desk;
use crate::failure::Failure;
use crate::form::{Draft, Query, id, limited, sorted};
use crate::orders;
use crate::page::Frame;
use crate::routes::{Pages, Rule};
use crate::ui::{Input, badge, empty, head, nothing, pager, problem, sortable};
use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{Error, HttpResponse};
use haat_domain::authz::Action;
use haat_domain::cx::Cx;
use haat_domain::error::FieldErrors;
use haat_domain::identity::{User, UserKey, list_customers, read_customer};
use haat_domain::ids::UserId;
use haat_domain::orders::{OrderFilter, OrderKey, list_orders};
use haat_domain::page::{Page, PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::text::Search;
use maud::{Markup, html};

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    pages.get("/customers/", Rule::Needs(Action::ReadCustomers), list).get(
        "/customers/{id}/",
        Rule::Needs(Action::ReadCustomers),
        show,
    )
}

const NEWEST: Sort<UserKey> = Sort { by: UserKey::Id, descending: true };

async fn list(desk: Desk, Query(typed): Query) -> Result<HttpResponse, Failure> {
    let mut errors = FieldErrors::default();
    let search = errors.check("search", Search::parse(typed.get("search"))).flatten();
    let request =
        PageRequest { limit: limited(50), sort: sorted(&typed, NEWEST), cursor: typed.cursor(&mut errors) };
    let faulty = !errors.is_empty();
    let work = move |cx: &mut Cx<'_>| {
        if faulty { Ok(Page::default()) } else { list_customers(cx, search.clone(), &request) }
    };
    let (frame, page) = desk.list(Access::Scan, Action::ReadCustomers, work).await?;
    let status = if faulty { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let draft = Draft { errors, ..Draft::of(typed) };
    Ok(frame.answer(status, "Customers", body(&frame, &draft, &page)))
}

fn body(frame: &Frame, draft: &Draft, page: &Page<User>) -> Markup {
    let sort = sorted(&draft.typed, NEWEST);
    let ordering = sort.to_string();
    html! {
        (head(frame, None, "Customers", &html! {}))
        (problem(draft))
        form.filters method="get" action=(frame.at("/customers/")) role="search" aria-label="Customers" {
            (Input::search(draft, "search", "Name or e-mail address").max(200))
            button.button type="submit" { "Search" }
            @if !draft.typed.is_plain() { a.button.quiet href=(frame.at("/customers/")) { "Clear" } }
        }
        @if !page.items.is_empty() {
            div.scroll role="region" tabindex="0" aria-label="Customers" {
                table.list {
                    caption.sr { "Customers" }
                    thead { tr {
                        (sortable(frame, &ordering, "username", "Customer", None))
                        th scope="col" { "E-mail address" }
                        (sortable(frame, &ordering, "id", "Since", None))
                        th scope="col" { "Status" }
                    } }
                    tbody {
                        @for customer in &page.items {
                            tr {
                                th scope="row" {
                                    a href=(frame.at(&format!("/customers/{}/", customer.id))) { (customer.username.as_str()) }
                                }
                                td data-label="E-mail address" { (customer.email.as_str()) }
                                td data-label="Since" { (frame.time(customer.created_at)) }
                                td.state data-label="Status" { (state(customer)) }
                            }
                        }
                    }
                }
            }
            (pager(frame, page.next.as_ref()))
        } @else {
            (nothing(frame, draft, "customers", &empty(
                "No customers yet", "Customers register themselves in your shop, with the store's name.",
                &html! { @if frame.may(Action::CreateUser) { a.button href=(frame.at("/users/new/")) { "Add a user" } } },
            )))
        }
    }
}

/// Whether an account counts, as a word.
pub(crate) fn state(user: &User) -> Markup {
    badge(if user.is_active { "active" } else { "inactive" })
}

async fn show(desk: Desk, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = UserId::new(id(&path)?);
    let work = move |cx: &mut Cx<'_>| {
        let customer = read_customer(cx, id)?;
        let newest = Sort { by: OrderKey::Id, descending: true };
        let request = PageRequest { limit: limited(25), sort: newest, cursor: None };
        let filter = OrderFilter { customer: Some(id), ..OrderFilter::default() };
        let page = list_orders(cx, filter, &request)?;
        let names = orders::names(cx, &page.items)?;
        Ok((customer, page, names))
    };
    let (frame, (customer, page, names)) = desk.show(Access::Scan, Action::ReadCustomers, work).await?;
    let name = customer.username.as_str();
    let query = |name: &str| form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
    let place = html! {
        @if frame.may(Action::UpdateUser) {
            a.button href=(frame.at(&format!("/users/{id}/"))) { "Change the account" }
        }
        a.button.primary href=(frame.at(&format!("/orders/new/?customer={}", query(name)))) { "Place an order" }
    };
    let body = html! {
        (head(&frame, Some(("/customers/", "Customers")), name, &place))
        section.card {
            dl.facts {
                dt { "E-mail address" } dd { (customer.email.as_str()) }
                dt { "Status" } dd { (state(&customer)) }
                dt { "Since" } dd { (frame.time(customer.created_at)) }
            }
        }
        h2 { "Orders" }
        @if page.items.is_empty() {
            p.muted { "None yet." }
        } @else {
            (orders::table(&frame, &page.items, &names, None))
            @if page.next.is_some() {
                p { a href=(frame.at(&format!("/orders/?customer={}", query(name)))) { "All orders of " (name) } }
            }
        }
    };
    Ok(frame.page(name, body))
}
