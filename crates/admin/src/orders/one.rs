//! One order: what is in it, where it is, and where it can go.

use super::list::Names;
use super::verb;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::flash::Flash;
use crate::form::{Draft, Posted, id};
use crate::page::Frame;
use crate::ui::{Question, badge, head, press, problem};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use haat_domain::audit::{Fact, Facts, Recorded};
use haat_domain::authz::Action;
use haat_domain::cx::Cx;
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::identity::Username;
use haat_domain::ids::{OrderId, UserId};
use haat_domain::orders::{
    Order, OrderPatch, OrderStatus, delete_order, lock_order, read_history, read_order, update_order,
};
use haat_domain::ports::Access;
use maud::{Markup, html};

struct Whole {
    order: Order,
    names: Names,
    history: Vec<Recorded>,
}

fn whole(cx: &mut Cx<'_>, id: OrderId) -> Result<Whole> {
    let order = read_order(cx, id)?;
    let people: Vec<UserId> = [Some(order.customer), order.placed_by].into_iter().flatten().collect();
    let names = haat_domain::identity::names_of(cx, &people)?;
    Ok(Whole { order, names, history: read_history(cx, id)? })
}

pub(super) async fn show(desk: Desk, path: Path<String>) -> Result<HttpResponse, Failure> {
    let order = OrderId::new(id(&path)?);
    let (frame, found) = desk.show(Access::Read, Action::ReadOrders, move |cx| whole(cx, order)).await?;
    Ok(frame.page(&title(&found.order), body(&frame, &found, &Draft::default())))
}

fn title(order: &Order) -> String {
    format!("Order {}", order.number)
}

pub(super) async fn move_on(
    Posted(desk, typed): Posted,
    path: Path<String>,
) -> Result<HttpResponse, Failure> {
    let order = OrderId::new(id(&path)?);
    let to = OrderStatus::parse(typed.get("to")).map_err(|fault| Failure::Domain(fault.on("to")))?;
    let from = typed.get("from").to_owned();
    let work = move |cx: &mut Cx<'_>| {
        let now = lock_order(cx, order)?.status;
        // Whoever has pressed the button saw another state: they may want something else now.
        if now != to && now.name() != from {
            return Err(Error::Stale);
        }
        update_order(cx, order, OrderPatch { lines: None, status: Some(to) })
    };
    match desk.act(Action::UpdateOrder, work).await {
        Ok(_) => Ok(desk.sight.go(&format!("/orders/{order}/"), Some(Flash::OrderMoved))),
        Err(failure) => refused(&desk, order, failure).await,
    }
}

async fn refused(desk: &Desk, order: OrderId, failure: Failure) -> Result<HttpResponse, Failure> {
    let draft = Draft::refused(crate::form::Fields::default(), failure)?;
    let (frame, found) = desk.show(Access::Read, Action::ReadOrders, move |cx| whole(cx, order)).await?;
    Ok(frame.answer(StatusCode::CONFLICT, &title(&found.order), body(&frame, &found, &draft)))
}

pub(super) async fn ask_to_cancel(desk: Desk, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = OrderId::new(id(&path)?);
    let (frame, order) = desk.show(Access::Read, Action::ReadOrders, move |cx| read_order(cx, id)).await?;
    if !cancellable(&order) {
        return refused(&desk, id, not_now(&order)).await;
    }
    let question = Question {
        title: &format!("Cancel order {}?", order.number),
        text: "Its pieces go back into the stock. A cancelled order stays in the list and cannot be opened again.",
        yes: "Cancel the order",
        path: &format!("/orders/{id}/move/"),
        back: &format!("/orders/{id}/"),
        hidden: &[("to", OrderStatus::Cancelled.name()), ("from", order.status.name())],
    };
    Ok(frame.page(question.title, question.ask(&frame, &Draft::default())))
}

pub(super) async fn ask_to_delete(desk: Desk, path: Path<String>) -> Result<HttpResponse, Failure> {
    let id = OrderId::new(id(&path)?);
    let (frame, order) = desk.show(Access::Read, Action::ReadOrders, move |cx| read_order(cx, id)).await?;
    if !removable(&order) {
        return refused(&desk, id, not_now(&order)).await;
    }
    let question = Question {
        title: &format!("Remove order {}?", order.number),
        text: if order.status == OrderStatus::Cancelled {
            "Nobody finds it in any list any more. The audit log keeps what happened. This cannot be undone."
        } else {
            "It is cancelled, its pieces go back into the stock, and nobody finds it in any list any more. \
             The audit log keeps what happened. This cannot be undone."
        },
        yes: "Remove the order",
        path: &format!("/orders/{id}/delete/"),
        back: &format!("/orders/{id}/"),
        hidden: &[],
    };
    Ok(frame.page(question.title, question.ask(&frame, &Draft::default())))
}

pub(super) async fn delete(Posted(desk, _): Posted, path: Path<String>) -> Result<HttpResponse, Failure> {
    let order = OrderId::new(id(&path)?);
    match desk.act(Action::DeleteOrder, move |cx| delete_order(cx, order)).await {
        Ok(()) => Ok(desk.sight.go("/orders/", Some(Flash::OrderDeleted))),
        Err(failure) => refused(&desk, order, failure).await,
    }
}

fn body(frame: &Frame, Whole { order, names, history }: &Whole, draft: &Draft) -> Markup {
    html! {
        (head(frame, Some(("/orders/", "Orders")), &title(order), &actions(frame, order)))
        (problem(draft))
        div.columns {
            (paper(frame, order, names))
            div {
                section.card {
                    h2 { "About" }
                    dl.facts {
                        dt { "Status" } dd { (badge(order.status.name())) }
                        dt { "Customer" } dd { a href=(frame.at(&format!("/customers/{}/", order.customer))) { (name(names, order.customer)) } }
                        dt { "Placed by" } dd { (order.placed_by.map_or("a platform admin", |id| name(names, id))) }
                        dt { "Placed" } dd { (frame.time(order.created_at)) }
                        dt { "Changed" } dd { (frame.time(order.updated_at)) }
                    }
                    @if removable(order) {
                        p { a href=(frame.at(&format!("/orders/{}/delete/", order.id))) { (if order.status == OrderStatus::Cancelled { "Remove…" } else { "Cancel and remove…" }) } }
                    }
                }
                section.card {
                    h2 { "History" }
                    ol.history { @for entry in history { (step(frame, entry)) } }
                }
            }
        }
    }
}

/// Only the moves that are allowed now are offered.
fn actions(frame: &Frame, order: &Order) -> Markup {
    let path = format!("/orders/{}/move/", order.id);
    html! {
        button.button data-print hidden type="button" { "Print" }
        @for to in order.status.allowed() {
            @if *to == OrderStatus::Cancelled {
                a.button.danger href=(frame.at(&format!("/orders/{}/cancel/", order.id))) { (verb(*to)) "…" }
            } @else {
                (press(frame, &path, verb(*to), "primary", &[("to", to.name()), ("from", order.status.name())]))
            }
        }
    }
}

fn cancellable(order: &Order) -> bool {
    matches!(order.status.moves_to(OrderStatus::Cancelled), Ok(true))
}

fn removable(order: &Order) -> bool {
    order.status.moves_to(OrderStatus::Cancelled).is_ok()
}

/// Nobody is asked whether they want what cannot be.
fn not_now(order: &Order) -> Failure {
    let (from, allowed) = (order.status, order.status.allowed());
    Failure::Domain(Error::Conflict(Conflict::IllegalTransition { from, allowed }))
}

fn name(names: &Names, id: UserId) -> &str {
    names.get(&id).map_or("", Username::as_str)
}

/// The order as it is printed.
fn paper(frame: &Frame, order: &Order, names: &Names) -> Markup {
    html! {
        div.paper {
            header {
                strong { (frame.store().map_or("", |store| store.name.as_str())) }
                p { "Order " (order.number) " · " (frame.time(order.created_at)) }
                p { "For " (name(names, order.customer)) }
            }
            div.scroll role="region" tabindex="0" aria-label="Lines of the order" {
                table.lines {
                    caption.sr { "Lines of the order" }
                    thead { tr {
                        th scope="col" { "Product" }
                        th.num scope="col" { "Price" }
                        th.num scope="col" { "Pieces" }
                        th.num scope="col" { "Total" }
                    } }
                    tbody {
                        @for line in &order.lines {
                            tr {
                                th scope="row" {
                                    a href=(frame.at(&format!("/products/{}/", line.product))) { (line.name.as_str()) }
                                    @if let Some(sku) = &line.sku { " " span.muted { (sku.as_str()) } }
                                }
                                td.num { (frame.money(line.unit_price)) }
                                td.num { (line.quantity.get()) }
                                td.num { (frame.money(line.line_total)) }
                            }
                        }
                    }
                    tfoot { tr { th scope="row" colspan="3" { "Total" } td.num { (frame.money(order.total)) } } }
                }
            }
        }
    }
}

fn step(frame: &Frame, Recorded { entry, .. }: &Recorded) -> Markup {
    let word = |facts: &Facts| facts.iter().find(|(name, _)| *name == "status").map(|(_, fact)| fact.clone());
    let (was, is) = (word(&entry.before), word(&entry.after));
    let what = match (was, is) {
        (Some(Fact::Text(was)), Some(Fact::Text(is))) => format!("{was} → {is}"),
        (None, Some(_)) => "placed".to_owned(),
        (Some(_), None) => "removed".to_owned(),
        _ => "changed".to_owned(),
    };
    html! { li { (frame.time(entry.at)) " " span { (what) " by " (entry.actor_name) } } }
}
