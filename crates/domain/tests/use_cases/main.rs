//! What the use cases promise, on the in-memory store.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

mod catalog;
mod identity;
mod orders;
mod platform;
mod registration;
mod sessions;
mod standby;
mod stock;

use haat_domain::authz::Role;
use haat_domain::catalog::{Product, create_product};
use haat_domain::error::{AuthFailure, Conflict, Denied, Error, Result};
use haat_domain::ids::ProductId;
use haat_domain::testing::{MemoryStore, TestShop, details};
use std::fmt::Debug;

fn shop() -> TestShop {
    MemoryStore::default().open_shop("Bazaar", "INR")
}

fn product(shop: &TestShop, name: &str, amount: &str, stock: Option<i64>) -> Product {
    let details = details(name, amount, stock);
    shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap()
}

fn stock_of(shop: &TestShop, id: ProductId) -> Option<i64> {
    let product = shop.act(Role::Owner, move |cx| haat_domain::catalog::read_product(cx, id)).unwrap();
    product.details.stock.map(haat_domain::catalog::Stock::get)
}

fn conflict<T: Debug>(result: Result<T>) -> Conflict {
    match result {
        Err(Error::Conflict(conflict)) => conflict,
        other => panic!("a conflict was expected, not {other:?}"),
    }
}

fn denied<T: Debug>(result: Result<T>) -> Denied {
    match result {
        Err(Error::Forbidden(denied)) => denied,
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

fn unknown<T: Debug>(result: Result<T>) -> AuthFailure {
    match result {
        Err(Error::Unauthenticated(failure)) => failure,
        other => panic!("a failure to authenticate was expected, not {other:?}"),
    }
}

/// The one field that is at fault.
fn faulty_field<T: Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Invalid(errors)) => errors.iter().map(|(field, _)| field).collect::<Vec<_>>().join(", "),
        other => panic!("an invalid field was expected, not {other:?}"),
    }
}

fn is_not_found<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::NotFound))
}
