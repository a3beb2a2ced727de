//! The list of orders.

use crate::desk::Desk;
use crate::failure::Failure;
use crate::form::{Draft, Fields, Query, day, limited, sorted};
use crate::page::Frame;
use crate::show::capital;
use crate::ui::{Input, address, badge, empty, head, nothing, pager, problem, sortable};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use haat_domain::authz::Action;
use haat_domain::cx::Cx;
use haat_domain::error::{FieldErrors, Result, Violation};
use haat_domain::identity::{Username, find_customer, names_of};
use haat_domain::ids::{ProductId, UserId};
use haat_domain::orders::{Order, OrderFilter, OrderKey, OrderStatus, list_orders};
use haat_domain::page::{Page, PageRequest, Sort};
use haat_domain::ports::Access;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The newest first.
const NEWEST: Sort<OrderKey> = Sort { by: OrderKey::Id, descending: true };

/// Who ordered, by name.
pub(crate) type Names = BTreeMap<UserId, Username>;

pub(super) async fn list(desk: Desk, Query(typed): Query) -> Result<HttpResponse, Failure> {
    let mut errors = FieldErrors::default();
    let (filter, request) = wanted(&typed, &desk.sight.zone, &mut errors);
    let access = if typed.is_plain() { Access::Read } else { Access::Scan };
    let customer = typed.filled("customer").map(str::to_owned);
    let work = move |cx: &mut Cx<'_>| {
        let mut errors = errors.clone();
        let filter = for_customer(cx, filter.clone(), customer.as_deref(), &mut errors)?;
        // What is faulty is shown beside an empty list: a list that leaves a wish out would be taken for its answer.
        if !errors.is_empty() {
            return Ok((Page::default(), Names::new(), errors));
        }
        let page = list_orders(cx, filter, &request)?;
        let names = names(cx, &page.items)?;
        Ok((page, names, errors))
    };
    let (frame, (page, names, errors)) = desk.list(access, Action::ReadOrders, work).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let draft = Draft { errors, ..Draft::of(typed) };
    Ok(frame.answer(status, "Orders", body(&frame, &draft, &page, &names)))
}

/// Reads what the list shall show.
fn wanted(typed: &Fields, zone: &TimeZone, errors: &mut FieldErrors) -> (OrderFilter, PageRequest<OrderKey>) {
    let number = |text: &str| text.parse::<i64>().map_err(|_| Violation::new("must be a number"));
    let filter = OrderFilter {
        status: typed.filled("status").and_then(|name| errors.check("status", OrderStatus::parse(name))),
        number: typed.filled("number").and_then(|text| errors.check("number", number(text))),
        product: typed
            .filled("product")
            .and_then(|text| errors.check("product", number(text)))
            .map(ProductId::new),
        created_after: typed.filled("from").and_then(|text| errors.check("from", day(text, zone, 0))),
        created_before: typed.filled("to").and_then(|text| errors.check("to", day(text, zone, 1))),
        customer: None,
    };
    (filter, PageRequest { limit: limited(50), sort: sorted(typed, NEWEST), cursor: typed.cursor(errors) })
}

fn for_customer(
    cx: &mut Cx<'_>,
    filter: OrderFilter,
    name: Option<&str>,
    errors: &mut FieldErrors,
) -> Result<OrderFilter> {
    let Some(name) = name else { return Ok(filter) };
    let found = find_customer(cx, name)?;
    if found.is_none() {
        errors.add("customer", "is nobody's username or e-mail address here");
    }
    Ok(OrderFilter { customer: found.map(|customer| customer.id), ..filter })
}

/// The names of those who ordered.
pub(crate) fn names(cx: &mut Cx<'_>, orders: &[Order]) -> Result<Names> {
    let mut ids: Vec<_> = orders.iter().map(|order| order.customer).collect();
    ids.sort_unstable();
    ids.dedup();
    names_of(cx, &ids)
}

fn body(frame: &Frame, draft: &Draft, page: &Page<Order>, names: &Names) -> Markup {
    let place = html! { a.button.primary href=(frame.at("/orders/new/")) { "Place an order" } };
    let yet = || {
        let text = "Orders that customers place appear here. You can also place one for a customer.";
        empty("No orders yet", text, &place)
    };
    html! {
        (head(frame, None, "Orders", &place))
        (problem(draft))
        (filters(frame, draft))
        @if !page.items.is_empty() {
            (table(frame, &page.items, names, Some(sorted(&draft.typed, NEWEST))))
            (pager(frame, page.next.as_ref()))
        } @else {
            (nothing(frame, draft, "orders", &yet()))
        }
    }
}

fn filters(frame: &Frame, draft: &Draft) -> Markup {
    let any = [("", "Any".to_owned())].into_iter();
    let statuses = any.chain(OrderStatus::ALL.map(|status| (status.name(), capital(status.name()))));
    html! {
        form.filters method="get" action=(frame.at("/orders/")) role="search" aria-label="Orders" {
            (Input::search(draft, "number", "Number").max(16))
            (Input::choice(draft, "status", "Status", statuses))
            (Input::text(draft, "customer", "Customer").max(254))
            (Input::date(draft, "from", "From"))
            (Input::date(draft, "to", "To"))
            @if let Some(product) = draft.typed.filled("product") { input type="hidden" name="product" value=(product); }
            button.button type="submit" { "Filter" }
            @if !draft.typed.is_plain() { a.button.quiet href=(frame.at("/orders/")) { "Clear" } }
        }
        @if let Some(product) = draft.typed.filled("product") {
            p.muted { "Orders of product " a href=(frame.at(&format!("/products/{product}/"))) { (product) } ". "
                a href=(address(&frame.at("/orders/"), &frame.sight.query, None, &[("product", "")])) { "Of any product" } }
        }
    }
}

/// Orders in rows; sorted by a click on their heads, where the page can do that.
pub(crate) fn table(frame: &Frame, orders: &[Order], names: &Names, sort: Option<Sort<OrderKey>>) -> Markup {
    let ordering = sort.map(|sort| sort.to_string());
    let column = |key: &str, name: &str, class: Option<&str>| {
        let plain = || html! { th scope="col" class=[class] { (name) } };
        ordering.as_deref().map_or_else(plain, |ordering| sortable(frame, ordering, key, name, class))
    };
    html! {
        div.scroll role="region" tabindex="0" aria-label="Orders" {
            table.list {
                caption.sr { "Orders" }
                thead { tr {
                    (column("id", "Order", None))
                    (column("created_at", "Placed", None))
                    th scope="col" { "Customer" }
                    th.num scope="col" { "Pieces" }
                    (column("total_price", "Total", Some("num")))
                    th scope="col" { "Status" }
                } }
                tbody { @for order in orders { (row(frame, order, names)) } }
            }
        }
    }
}

fn row(frame: &Frame, order: &Order, names: &Names) -> Markup {
    let pieces: i64 = order.lines.iter().map(|line| line.quantity.get()).sum();
    html! {
        tr {
            th scope="row" { a href=(frame.at(&format!("/orders/{}/", order.id))) { (order.number) } }
            td data-label="Placed" { (frame.time(order.created_at)) }
            td data-label="Customer" { (names.get(&order.customer).map_or("", Username::as_str)) }
            td.num data-label="Pieces" { (pieces) }
            td.num data-label="Total" { (frame.money(order.total)) }
            td.state data-label="Status" { (badge(order.status.name())) }
        }
    }
}
