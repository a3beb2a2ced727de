//! What a PostgreSQL standby may answer, and that the walls between tenants stand there too.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use haat_domain::authz::{Action, Role};
use haat_domain::catalog::{ProductFilter, create_product, list_products, read_product};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, Result};
use haat_domain::orders::place_order;
use haat_domain::page::Page;
use haat_domain::ports::{Store, Tx};
use haat_domain::standby::Pass;
use haat_domain::testing::{TestShop, details, first_page, order_of};
use haat_infra::db::{DatabaseUrl, Migrations, Options, check_standby, open_with_standby};
use haat_infra::testing::Raw;
use haat_testkit::{Cluster, Durability, server_binaries, skip_or_fail};
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Pair {
    store: Arc<dyn Store>,
    copy: Arc<dyn Store>,
    standby: Cluster,
    primary: Cluster,
}

fn pair() -> Option<Pair> {
    if server_binaries().is_none() {
        skip_or_fail("a PostgreSQL standby", "no PostgreSQL server binaries");
        return None;
    }
    let primary = Cluster::start(Durability::Durable).unwrap();
    Raw::open(&DatabaseUrl::Postgres(primary.url_for("postgres")))
        .unwrap()
        .run("CREATE DATABASE haat")
        .unwrap();
    let url = DatabaseUrl::Postgres(primary.url_for("haat"));
    Migrations::of(&url, &Options::default()).and_then(|mut all| all.up()).unwrap();
    let standby = primary.standby(&[]).unwrap();
    let replica = DatabaseUrl::Postgres(standby.url_for("haat"));
    assert_eq!(check_standby(&replica, &Options::default()).unwrap(), [""; 0]);
    let (store, copy) = open_with_standby(&url, &replica, &Options::default()).unwrap();
    Some(Pair { store, copy, standby, primary })
}

/// A connection to a server, whether or not it can be written to.
fn anywhere(url: &str) -> Raw {
    Raw::open(&DatabaseUrl::Postgres(format!("{url}&target_session_attrs=any"))).unwrap()
}

impl Pair {
    fn on_standby(&self, sql: &str) {
        anywhere(&self.standby.superuser_url_for("haat")).run(sql).unwrap();
    }

    /// Waits until the standby has what the primary has.
    fn caught_up(&self) {
        let mut primary = anywhere(&self.primary.superuser_url_for("haat"));
        let now = primary.lines("SELECT pg_current_wal_lsn()::text").unwrap().remove(0);
        let shown = format!("SELECT (pg_last_wal_replay_lsn() >= '{now}')::text");
        let mut standby = anywhere(&self.standby.superuser_url_for("haat"));
        let start = Instant::now();
        while standby.lines(&shown).unwrap() != ["true"] {
            assert!(start.elapsed() < Duration::from_secs(30), "it is behind");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// As whoever holds the pass, on the standby; `None` where it refuses to know.
    fn read<T: Send + 'static>(
        &self,
        pass: &Pass,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        let (tenant, pass) = (pass.tenant(), pass.clone());
        let work = move |tx: &mut dyn Tx| Cx::with_pass(tx, &pass)?.map(|mut cx| work(&mut cx)).transpose();
        self.copy.read(Some(tenant), work)
    }
}

fn pass(shop: &TestShop, action: Action) -> Pass {
    shop.act(Role::Customer, move |cx| cx.pass(action)).unwrap()
}

fn names(cx: &mut Cx<'_>) -> Result<Vec<String>> {
    let Page { items, .. } = list_products(cx, ProductFilter::default(), &first_page("id"))?;
    Ok(items.into_iter().map(|product| product.details.name.as_str().to_owned()).collect())
}

fn add(shop: &TestShop, name: &'static str) -> haat_domain::ids::ProductId {
    shop.act(Role::Owner, move |cx| create_product(cx, details(name, "1.00", Some(9)))).unwrap().id
}

#[test]
fn the_standby_answers_in_the_very_state_in_which_the_pass_was_given_and_in_no_other() {
    let Some(pair) = pair() else { return };
    let shop = TestShop::open(Arc::clone(&pair.store), "Bazaar", "INR");
    let lamp = add(&shop, "Lamp");
    pair.caught_up();
    let early = pass(&shop, Action::ReadProducts);
    assert_eq!(pair.read(&early, names).unwrap().unwrap(), ["Lamp"]);

    pair.on_standby("SELECT pg_wal_replay_pause()");
    shop.act(Role::Customer, move |cx| place_order(cx, order_of(&[(lamp, 1)]))).unwrap();
    let late = pass(&shop, Action::ReadProducts);
    assert_eq!(pair.read(&late, names).unwrap(), None, "the standby is behind");
    assert!(pair.read(&early, names).unwrap().is_some());

    pair.on_standby("SELECT pg_wal_replay_resume()");
    pair.caught_up();
    assert_eq!(pair.read(&late, names).unwrap().unwrap(), ["Lamp"]);
    assert_eq!(pair.read(&early, names).unwrap(), None, "the standby is ahead");
}

#[test]
fn what_is_read_on_the_standby_is_of_one_moment() {
    let Some(pair) = pair() else { return };
    let shop = TestShop::open(Arc::clone(&pair.store), "Bazaar", "INR");
    add(&shop, "Lamp");
    pair.caught_up();
    let pass = pass(&shop, Action::ReadProducts);
    let pair = Arc::new(pair);
    let (within, shop) = (Arc::clone(&pair), Arc::new(shop));
    let twice = move |cx: &mut Cx<'_>| {
        let before = names(cx)?;
        add(&shop, "Cup");
        within.caught_up();
        Ok((before, names(cx)?))
    };
    let (before, after) = pair.read(&pass, twice).unwrap().unwrap();
    assert_eq!((before, after), (vec!["Lamp".to_owned()], vec!["Lamp".to_owned()]));
}

#[test]
fn the_walls_stand_on_the_standby_and_nothing_is_written_there() {
    let Some(pair) = pair() else { return };
    let (one, other) = (
        TestShop::open(Arc::clone(&pair.store), "One", "INR"),
        TestShop::open(Arc::clone(&pair.store), "Other", "INR"),
    );
    add(&one, "Lamp");
    let theirs = add(&other, "Cup");
    pair.caught_up();
    let pass = pass(&one, Action::ReadProducts);
    assert_eq!(pair.read(&pass, names).unwrap().unwrap(), ["Lamp"]);
    let found = pair.read(&pass, move |cx| read_product(cx, theirs));
    assert!(matches!(found, Err(Error::NotFound)), "{found:?}");

    // The role of the sessions is subject to the walls there as well.
    let mut raw = anywhere(&pair.standby.url_for("haat"));
    raw.run("SET ROLE haat_app").unwrap();
    assert_eq!(raw.lines("SELECT count(*)::text FROM products").unwrap(), ["0"]);
    raw.run(&format!("SET app.tenant_id = '{}'", one.tenant.id)).unwrap();
    assert_eq!(raw.lines("SELECT name::text FROM products").unwrap(), ["Lamp"]);

    let owner = one.act(Role::Owner, |cx| cx.pass(Action::CreateProduct)).unwrap();
    let written = pair.read(&owner, |cx| create_product(cx, details("Pot", "1.00", None)));
    assert!(written.is_err(), "{written:?}");
}

#[test]
fn a_pass_is_for_what_one_store_can_tell() {
    let Some(pair) = pair() else { return };
    let shop = TestShop::open(Arc::clone(&pair.store), "Bazaar", "INR");
    for action in Action::ALL.iter().filter(|action| !haat_domain::standby::is_in_one_store(**action)) {
        assert!(shop.act(Role::Owner, move |cx| cx.pass(*action)).is_err(), "{action}");
    }
    assert!(shop.act(Role::Customer, |cx| cx.pass(Action::ReadUsers)).is_err(), "the policy is asked");
}
