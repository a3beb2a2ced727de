//! Orders: the list, one of them, and its way.

mod list;
mod one;
mod place;

use crate::routes::{Pages, Rule};
use actix_web::Error;
use actix_web::dev::{ServiceFactory, ServiceRequest};
use haat_domain::authz::Action;
use haat_domain::orders::OrderStatus;

pub(crate) use list::{Names, names, table};

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    pages
        .get("/orders/", Rule::Needs(Action::ReadOrders), list::list)
        .get("/orders/new/", Rule::Needs(Action::PlaceOrder), place::ask)
        .post("/orders/new/", Rule::Needs(Action::PlaceOrder), place::place)
        .get("/orders/{id}/", Rule::Needs(Action::ReadOrders), one::show)
        .post("/orders/{id}/move/", Rule::Needs(Action::UpdateOrder), one::move_on)
        .get("/orders/{id}/cancel/", Rule::Needs(Action::ReadOrders), one::ask_to_cancel)
        .get("/orders/{id}/delete/", Rule::Needs(Action::ReadOrders), one::ask_to_delete)
        .post("/orders/{id}/delete/", Rule::Needs(Action::DeleteOrder), one::delete)
}

/// What a button says that moves an order there.
const fn verb(to: OrderStatus) -> &'static str {
    match to {
        OrderStatus::Pending => "Reopen",
        OrderStatus::Confirmed => "Confirm",
        OrderStatus::Shipped => "Ship",
        OrderStatus::Delivered => "Mark as delivered",
        OrderStatus::Cancelled => "Cancel the order",
    }
}
