//! What every store must do. One list of cases; each runs on each engine, on a database of its own:
//! `cargo test -p haat-infra --test contract sqlite`.
//!
//! A case is a function of a store, named in its file's [`cases!`]. One that is not named there is dead code, and dead
//! code does not compile here.

#![deny(dead_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a case is a test's body"
)]

use haat_domain::authz::{Action, Role};
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::ports::{Store, TenantTx};
use haat_domain::testing::{MemoryStore, TestShop};
use haat_domain::time::Timestamp;
use haat_infra::testing::{Engine, TestDatabase};
use std::fmt::Debug;
use std::sync::{Arc, Barrier};
use std::thread;

/// Instantiates the named cases of a file for each engine.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        mod memory {$(
            #[test]
            fn $name() {
                crate::in_memory(super::$name);
            }
        )+}

        mod sqlite {$(
            #[test]
            fn $name() {
                crate::on(haat_infra::testing::Engine::Sqlite, super::$name);
            }
        )+}

        mod postgres {$(
            #[test]
            fn $name() {
                crate::on(haat_infra::testing::Engine::Postgres, super::$name);
            }
        )+}
    };
}

mod audit;
mod catalog;
mod customers;
mod idempotency;
mod identity;
mod import;
mod invitations;
mod isolation;
mod orders;
mod pages;
mod reports;
mod sessions;
mod slowdown;
mod tenancy;
mod transactions;

fn in_memory(case: fn(&Arc<dyn Store>)) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    case(&store);
}

/// Runs a case on a fresh database; where there is none to be had, that has been said.
fn on(engine: Engine, case: fn(&Arc<dyn Store>)) {
    if let Some(database) = TestDatabase::new(engine) {
        case(&database.store());
    }
}

fn open_shop(store: &Arc<dyn Store>, name: &str) -> TestShop {
    TestShop::open(Arc::clone(store), name, "INR")
}

/// Works on a shop's repositories themselves, with its owner's permission, in one transaction.
fn inside<T: Send + 'static>(
    shop: &TestShop,
    work: impl FnOnce(&mut dyn TenantTx, Timestamp) -> Result<T> + Send + 'static,
) -> Result<T> {
    shop.act(Role::Owner, |cx| {
        let shop = cx.enter(Action::UpdateStore)?;
        work(shop.tx, shop.now)
    })
}

/// Does it `count` times at the same moment, each in a thread of its own and told its number, and gathers the answers.
fn at_once<T: Send>(count: usize, work: impl Fn(usize) -> Result<T> + Sync) -> Vec<Result<T>> {
    let (work, start) = (&work, &Barrier::new(count));
    thread::scope(|scope| {
        let run = |number| {
            start.wait();
            patiently(|| work(number))
        };
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(move || run(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that ends")).collect()
    })
}

/// A store may turn work away when too much comes at once, as long as it has done nothing: then it is tried again.
fn patiently<T>(work: impl Fn() -> Result<T>) -> Result<T> {
    let busy = |result: &Result<T>| matches!(result, Err(Error::Unavailable(_) | Error::Busy { .. }));
    (0..100).map(|_| work()).find(|result| !busy(result)).unwrap_or_else(work)
}

/// The conflict that this must have ended with.
fn conflict<T: Debug>(result: Result<T>) -> Conflict {
    match result {
        Err(Error::Conflict(conflict)) => conflict,
        other => panic!("a conflict was expected, not {other:?}"),
    }
}

fn count_ok<T>(results: &[Result<T>]) -> usize {
    results.iter().filter(|result| result.is_ok()).count()
}
