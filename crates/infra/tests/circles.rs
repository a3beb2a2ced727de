//! Nobody waits in a circle on PostgreSQL: who changes an account and who places its order come to the store's audit log
//! last, both of them.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use haat_domain::authz::{Action, Role};
use haat_domain::catalog::create_product;
use haat_domain::identity::{UserPatch, lock_user, update_user};
use haat_domain::orders::place_order;
use haat_domain::testing::{TestShop, details, email, order_of};
use haat_infra::db::open;
use haat_infra::testing::{Engine, TestDatabase};
use std::sync::mpsc::channel;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(30);

/// Waits until a session waits for a lock.
fn wait_for_a_lock(database: &TestDatabase) {
    let mut raw = database.connect();
    let waiting = "SELECT pid::text FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let start = Instant::now();
    while raw.lines(waiting).unwrap().is_empty() {
        assert!(start.elapsed() < LONG / 2, "nobody waits");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_order_and_a_change_of_its_customers_account_do_not_wait_for_each_other() {
    let Some(database) = TestDatabase::new(Engine::Postgres) else { return };
    // PostgreSQL looks for circles after a second. Nobody gives up before, or for another reason.
    let mut options = database.options().clone();
    (options.postgres.lock_timeout, options.postgres.statement_timeout) = (LONG, LONG);
    let shop = TestShop::open(open(database.url(), &options).unwrap(), "Shop", "INR");
    let lamp = shop.act(Role::Owner, |cx| create_product(cx, details("Lamp", "1", Some(9)))).unwrap().id;
    let customer = shop.customer.user.id;
    scope(|scope| {
        let (tell, locked) = channel();
        let (go, wait) = channel::<()>();
        let change = scope.spawn(|| {
            shop.act(Role::Owner, move |cx| {
                // As `update_user` begins: an address is a key, and nobody may refer to the row any more.
                let mut user = lock_user(cx, customer)?;
                user.email = email("between@example.com");
                cx.enter(Action::UpdateUser)?.tx.users().update(&user)?;
                tell.send(()).unwrap();
                wait.recv().unwrap();
                let patch = UserPatch { email: Some(email("new@example.com")), ..UserPatch::default() };
                update_user(cx, customer, patch)
            })
        });
        locked.recv().unwrap();
        let order =
            scope.spawn(|| shop.act(Role::Customer, move |cx| place_order(cx, order_of(&[(lamp, 1)]))));
        // It waits for the account. What else it holds by now the change must not need.
        wait_for_a_lock(&database);
        go.send(()).unwrap();
        let (change, order) = (change.join().unwrap(), order.join().unwrap());
        assert!(change.is_ok() && order.is_ok(), "{change:?} {order:?}");
    });
}
