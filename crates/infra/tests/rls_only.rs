//! Row-level security stands alone: with the tenant's filter out of every statement, PostgreSQL still keeps one store
//! from another, and SQLite, which has no such wall, does not. Run by `cargo xtask test`, or with
//! `cargo test -p haat-infra --features rls-only --test rls_only`.
#![cfg(feature = "rls-only")]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use haat_domain::authz::{Action, Role};
use haat_domain::catalog::{ProductFilter, ProductKey, Sku, create_product};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, Result};
use haat_domain::identity::{UserFilter, UserKey, register};
use haat_domain::ids::{OrderId, ProductId, SessionId, UserId};
use haat_domain::orders::{OrderFilter, OrderKey, place_order};
use haat_domain::page::Sort;
use haat_domain::ports::{Clock, Store, TenantTx};
use haat_domain::testing::{FixedClock, Member, TestShop, act_as, details, enlist, order_of};
use haat_domain::time::Timestamp;
use haat_infra::testing::{Engine, TestDatabase};
use std::sync::Arc;

/// On PostgreSQL only: on SQLite these fail with the filter out, as they should.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn on_postgres() {
                if let Some(database) = crate::TestDatabase::new(crate::Engine::Postgres) {
                    super::$name(&database.store());
                }
            }
        }
    )+};
}

/// Every method of every port of a tenant, tried with another tenant's numbers.
#[path = "contract/isolation.rs"]
mod isolation;

fn open_shop(store: &Arc<dyn Store>, name: &str) -> TestShop {
    TestShop::open(Arc::clone(store), name, "INR")
}

fn inside<T: Send + 'static>(
    shop: &TestShop,
    work: impl FnOnce(&mut dyn TenantTx, Timestamp) -> Result<T> + Send + 'static,
) -> Result<T> {
    shop.act(Role::Owner, |cx| {
        let shop = cx.enter(Action::UpdateStore)?;
        work(shop.tx, shop.now)
    })
}

/// A store's own numbers.
#[derive(Debug, Clone, Copy)]
struct Things {
    user: UserId,
    session: SessionId,
    product: ProductId,
    order: OrderId,
}

/// The owner of a store whose people are named after it, and what is in it. With the filter out, SQLite would find
/// the first of all people with a name, so that each has one of their own.
fn furnish(store: &Arc<dyn Store>, name: &str) -> (Member, Things) {
    let now = FixedClock::default().now();
    let join = |who: &str, role| {
        let wish = enlist(&format!("{name}-{who}"), role, Some(name), "INR");
        let user = store.write(None, move |tx| register(&mut Cx::anonymous(tx, now), &wish)).unwrap();
        Member::log_in(&**store, user, now).unwrap()
    };
    let owner = join("owner", Role::Owner);
    let customer = join("customer", Role::Customer);
    let mut details = details(&format!("{name} lamp"), "9", Some(5));
    details.sku = Some(Sku::parse(&format!("{name}-1")).unwrap());
    let product = act_as(&**store, owner.credential, now, |cx| create_product(cx, details)).unwrap().id;
    let order = move |cx: &mut Cx<'_>| place_order(cx, order_of(&[(product, 2)]));
    let order = act_as(&**store, customer.credential, now, order).unwrap().id;
    (owner, Things { user: customer.user.id, session: customer.credential.session, product, order })
}

/// Works on the repositories of somebody's store.
fn work_as<T: Send + 'static>(
    store: &Arc<dyn Store>,
    who: &Member,
    work: impl FnOnce(&mut dyn TenantTx, Timestamp) -> Result<T> + Send + 'static,
) -> Result<T> {
    act_as(&**store, who.credential, FixedClock::default().now(), |cx| {
        let shop = cx.enter(Action::UpdateStore)?;
        work(shop.tx, shop.now)
    })
}

/// Whether a read finds another store's things.
type Look = fn(&mut dyn TenantTx, Things) -> Result<bool>;

#[rustfmt::skip]
const LOOKS: &[(&str, Look)] = &[
    ("Users::find", |tx, theirs| Ok(tx.users().find(theirs.user)?.is_some())),
    ("Users::lock", |tx, theirs| Ok(tx.users().lock(theirs.user)?.is_some())),
    ("Users::find_login", |tx, _| Ok(tx.users().find_login("other-customer")?.is_some())),
    ("Users::find_by_email", |tx, _| Ok(tx.users().find_by_email("other-customer@example.com")?.is_some())),
    ("Users::page", |tx, theirs| {
        let sort = Sort { by: UserKey::Id, descending: true };
        Ok(tx.users().page(&UserFilter::default(), sort, None, 200)?.iter().any(|user| user.id == theirs.user))
    }),
    ("Users::names", |tx, theirs| Ok(!tx.users().names(&[theirs.user])?.is_empty())),
    ("Reports::sales", |tx, _| {
        let inr = tx.settings().read()?.currency;
        Ok(tx.reports().sales(Timestamp::EPOCH, inr)?.iter().any(|sold| sold.orders > 1))
    }),
    ("Reports::newcomers", |tx, _| {
        Ok(tx.reports().newcomers(Timestamp::EPOCH)?.iter().any(|joined| joined.customers > 1))
    }),
    ("Reports::best", |tx, _| {
        let inr = tx.settings().read()?.currency;
        Ok(tx.reports().best(Timestamp::EPOCH, inr, 200)?.len() > 1)
    }),
    ("Reports::low", |tx, _| Ok(tx.reports().low(200)?.len() > 1)),
    ("Reports::counts", |tx, _| {
        let counts = tx.reports().counts()?;
        Ok(counts.users > 2 && counts.products > 1 && counts.orders > 1 && counts.entries > tx.audit().head()?.0)
    }),
    ("Users::lock_active_owners", |tx, _| Ok(tx.users().lock_active_owners()?.len() > 1)),
    ("Sessions::find", |tx, theirs| Ok(tx.sessions().find(theirs.session)?.is_some())),
    ("Products::find", |tx, theirs| Ok(tx.products().find(theirs.product)?.is_some())),
    ("Products::lock", |tx, theirs| Ok(tx.products().lock(theirs.product)?.is_some())),
    ("Products::find_by_sku", |tx, _| Ok(tx.products().find_by_sku("other-1")?.is_some())),
    ("Products::page", |tx, theirs| {
        let sort = Sort { by: ProductKey::Price, descending: false };
        let page = tx.products().page(&ProductFilter::default(), sort, None, 200)?;
        Ok(page.iter().any(|product| product.id == theirs.product))
    }),
    ("Orders::find", |tx, theirs| Ok(tx.orders().find(theirs.order)?.is_some())),
    ("Orders::lock", |tx, theirs| Ok(tx.orders().lock(theirs.order)?.is_some())),
    ("Orders::page", |tx, theirs| {
        let sort = Sort { by: OrderKey::CreatedAt, descending: true };
        let page = tx.orders().page(&OrderFilter::default(), sort, None, 200)?;
        Ok(page.iter().any(|order| order.id == theirs.order))
    }),
    ("Orders::page of a customer", |tx, theirs| {
        let filter = OrderFilter { customer: Some(theirs.user), ..OrderFilter::default() };
        let sort = Sort { by: OrderKey::Id, descending: false };
        Ok(!tx.orders().page(&filter, sort, None, 200)?.is_empty())
    }),
    ("Orders::page with a product", |tx, theirs| {
        let filter = OrderFilter { product: Some(theirs.product), ..OrderFilter::default() };
        let sort = Sort { by: OrderKey::Id, descending: false };
        Ok(!tx.orders().page(&filter, sort, None, 200)?.is_empty())
    }),
];

/// Whether a write hit another store's things: `Err` is a change that found no row.
type Touch = fn(&mut dyn TenantTx, Things, Timestamp) -> Result<bool>;

#[rustfmt::skip]
const TOUCHES: &[(&str, Touch)] = &[
    ("Users::bump_token_version", |tx, theirs, _| tx.users().bump_token_version(theirs.user).map(|()| true)),
    ("Users::delete", |tx, theirs, now| tx.users().delete(theirs.user, now).map(|()| true)),
    ("Sessions::rotate", |tx, theirs, now| tx.sessions().rotate(theirs.session, 1, now)),
    ("Products::take", |tx, theirs, now| {
        Ok(tx.products().take(theirs.product, haat_domain::testing::quantity(1), now)?.is_some())
    }),
    ("Products::delete", |tx, theirs, now| tx.products().delete(theirs.product, now)),
    ("Orders::hide", |tx, theirs, now| tx.orders().hide(theirs.order, now).map(|()| true)),
];

/// Which of the attempts of one store's owner reach the other store.
fn reached(engine: Engine) -> Option<Vec<&'static str>> {
    let database = TestDatabase::new(engine)?;
    let store = database.store();
    let (other, theirs) = furnish(&store, "other");
    let (own, mine) = furnish(&store, "own");
    let mut reached = Vec::new();
    for (name, look) in LOOKS {
        if work_as(&store, &own, move |tx, _| look(tx, theirs)).unwrap() {
            reached.push(*name);
        }
    }
    for (name, touch) in TOUCHES {
        // Taken back in either case, so that the next one finds the same.
        let (tell, told) = std::sync::mpsc::channel();
        let undone = work_as(&store, &own, move |tx, now| {
            tell.send(matches!(touch(tx, theirs, now), Ok(true))).unwrap();
            Err::<(), _>(Error::NotFound)
        });
        assert!(matches!(undone, Err(Error::NotFound)), "{name}: {undone:?}");
        if told.recv().unwrap() {
            reached.push(*name);
        }
    }
    for (who, things) in [(&own, mine), (&other, theirs)] {
        let own_things = work_as(&store, who, move |tx, _| {
            Ok(tx.users().find(things.user)?.is_some()
                && tx.sessions().find(things.session)?.is_some()
                && tx.products().find(things.product)?.is_some()
                && tx.orders().find(things.order)?.is_some_and(|order| order.lines.len() == 1))
        });
        assert!(own_things.unwrap(), "each store has its own: {engine:?} {things:?}");
    }
    Some(reached)
}

#[test]
fn on_postgres_the_wall_holds_without_the_filter() {
    if let Some(reached) = reached(Engine::Postgres) {
        assert_eq!(reached, [""; 0]);
    }
}

#[test]
fn on_sqlite_without_the_filter_everything_of_the_other_store_is_reached() {
    let all: Vec<_> =
        LOOKS.iter().map(|(name, _)| *name).chain(TOUCHES.iter().map(|(name, _)| *name)).collect();
    assert_eq!(reached(Engine::Sqlite).unwrap(), all, "the test above can fail");
}
