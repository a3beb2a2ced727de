//! Listings from a standby: who has changed something sees it, whoever answers; who was shut out is out; and whatever
//! becomes of the standby, the database lists.

use crate::client::Client;
use crate::program::{Haat, KEY};
use crate::server::{caught_up, soon, standby_of, superuser};
use crate::{market, server};
use clap::Parser;
use haat_api::config::Cli;
use haat_app::standby::Listings;
use haat_app::{App, Caller};
use haat_domain::authz::Action;
use haat_domain::catalog::{ProductFilter, list_products};
use haat_domain::cx::Cx;
use haat_domain::error::{AuthFailure, Error, Result};
use haat_domain::page::{Limit, PageRequest, Sort};
use haat_domain::ports::Access;
use haat_testkit::Cluster;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, RwLock};
use std::time::{Duration, Instant};

/// A database with a standby; a process that writes, and another one, inside this one, that lists from the standby.
struct Scene {
    database: Cluster,
    standby: Cluster,
    app: App,
    market: Vec<market::Stall>,
    /// The listings before the test's own.
    before: Listings,
    _writing: Haat,
}

fn scene(options: &[&str]) -> Option<Scene> {
    let database = server::own(&[])?;
    let url = server::url(&database);
    let writing = Haat::serve(&url, &[]);
    let market = market::open(writing.address, 2);
    let standby = standby_of(&database, options);
    let replica = server::url(&standby);
    let flags = ["haat", "--database-url", &url, "--database-replica-url", &replica, "--secret-key", KEY];
    let cli = Cli::try_parse_from(flags.into_iter().chain(["--database-pool", "2"])).expect("settings");
    let app = haat_api::app(&cli.settings).expect("an app");
    let before = Listings { standby: 0, behind: 0, away: 0 };
    let scene = Scene { database, standby, app, market, before, _writing: writing };
    // Its connections are made when they are needed, which may take a moment.
    scene.standby_lists_again();
    Some(Scene { before: scene.listings(), ..scene })
}

impl Scene {
    /// The names of a store's products, as the second process lists them.
    fn names(&self, who: &Client) -> Result<Vec<String>> {
        self.list(who, Access::Read, names)
    }

    fn list<T: Send + 'static>(
        &self,
        who: &Client,
        access: Access,
        work: impl Fn(&mut Cx<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let caller = Caller::with(who.token().to_owned());
        let listed = self.app.list(&caller, access, Action::ReadProducts, work);
        actix_web::rt::System::new().block_on(listed)
    }

    fn add(&self, name: &str) {
        let body = json!({"name": name, "price": "1.00"});
        self.market[0].owner.post("/api/products/", &body).must(201);
    }

    fn listings(&self) -> Listings {
        let Listings { standby, behind, away } = self.app.standby.as_ref().expect("a standby").listings();
        Listings {
            standby: standby - self.before.standby,
            behind: behind - self.before.behind,
            away: away - self.before.away,
        }
    }

    /// Lists until the standby answers, which it must soon.
    #[track_caller]
    fn standby_lists_again(&self) {
        let (start, before) = (Instant::now(), self.listings().standby);
        while self.listings().standby == before {
            assert!(start.elapsed() < Duration::from_secs(30), "it is not asked any more");
            self.names(&self.market[0].owner).expect("whoever answers");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn names(cx: &mut Cx<'_>) -> Result<Vec<String>> {
    let sort = Sort { by: haat_domain::catalog::ProductKey::Id, descending: false };
    let request = PageRequest { limit: Limit::default(), sort, cursor: None };
    let page = list_products(cx, ProductFilter::default(), &request)?;
    Ok(page.items.into_iter().map(|product| product.details.name.as_str().to_owned()).collect())
}

#[test]
fn a_standby_that_is_up_to_date_lists_and_one_that_is_behind_does_not() {
    let Some(scene) = scene(&[]) else { return };
    let (owner, other) = (&scene.market[0].owner, &scene.market[1].owner);
    assert_eq!(scene.names(owner).unwrap(), ["Cup", "Pot", "Tea", "Lamp"]);
    assert_eq!(scene.listings(), Listings { standby: 1, behind: 0, away: 0 });

    superuser(&scene.standby).run("SELECT pg_wal_replay_pause()").unwrap();
    scene.add("Spoon");
    assert_eq!(scene.names(owner).unwrap(), ["Cup", "Pot", "Tea", "Lamp", "Spoon"], "who wrote it sees it");
    assert_eq!(scene.listings(), Listings { standby: 1, behind: 1, away: 0 });
    assert_eq!(
        scene.names(other).unwrap(),
        ["Cup", "Pot", "Tea", "Lamp"],
        "in this store nothing has changed"
    );
    assert_eq!(scene.listings(), Listings { standby: 2, behind: 1, away: 0 });

    superuser(&scene.standby).run("SELECT pg_wal_replay_resume()").unwrap();
    caught_up(&server::url(&scene.database), &server::url(&scene.standby));
    assert_eq!(scene.names(owner).unwrap().len(), 5);
    assert_eq!(scene.listings(), Listings { standby: 3, behind: 1, away: 0 });
}

#[test]
fn who_is_shut_out_is_out_though_the_standby_does_not_know() {
    let Some(scene) = scene(&[]) else { return };
    let [market::Stall { owner, customer, .. }, ..] = scene.market.as_slice() else { panic!("two stores") };
    scene.names(customer).unwrap();
    superuser(&scene.standby).run("SELECT pg_wal_replay_pause()").unwrap();
    let users = owner.get("/api/users/?role=customer").must(200);
    let path = format!("/api/users/{}/", users[0]["id"]);
    owner.patch(&path, &json!({"is_active": false})).must(200);
    let refused = scene.names(customer);
    assert!(matches!(refused, Err(Error::Unauthenticated(AuthFailure::Inactive))), "{refused:?}");

    owner.post("/api/auth/logout/", &json!({})).must(204);
    let refused = scene.names(owner);
    assert!(matches!(refused, Err(Error::Unauthenticated(AuthFailure::BadToken))), "{refused:?}");
    assert_eq!(scene.listings().standby, 1, "neither was asked of it");
}

#[test]
fn when_the_standby_is_killed_the_database_lists_and_when_it_is_back_it_lists_again() {
    let Some(mut scene) = scene(&[]) else { return };
    let owner = scene.market[0].owner.clone();
    scene.names(&owner).unwrap();
    scene.standby.crash().unwrap();
    for _ in 0..20 {
        assert_eq!(scene.names(&owner).unwrap().len(), 4);
    }
    let Listings { standby, behind, away } = scene.listings();
    assert_eq!((standby, behind, away), (1, 0, 20));
    scene.standby.restart().unwrap();
    scene.standby_lists_again();
}

#[test]
fn who_hangs_in_the_midst_of_a_listing_leaves_the_other_time_for_it_and_both_have_that_of_one_answer() {
    let Some(scene) = scene(&[]) else { return };
    let (tries, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(3)));
    let (count, end) = (Arc::clone(&tries), Arc::clone(&over));
    let hangs = move |_: &mut Cx<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
        end.wait();
        Ok(())
    };
    let start = Instant::now();
    let told = scene.list(&scene.market[0].owner, Access::Read, hangs);
    assert!(matches!(told, Err(Error::Unavailable(_))), "{told:?}");
    assert!(start.elapsed() < scene.app.patience.short * 3 / 2, "{:?}", start.elapsed());
    assert_eq!(tries.load(Ordering::Relaxed), 2, "the standby has tried, and then the database");
    over.wait();
    scene.names(&scene.market[0].owner).unwrap();
    assert_eq!(scene.listings(), Listings { standby: 0, behind: 0, away: 2 }, "nobody waits for it again");
    scene.standby_lists_again();
}

#[test]
fn a_standby_that_had_next_to_no_time_is_not_to_blame() {
    let Some(mut scene) = scene(&[]) else { return };
    scene.app.patience.scan = Duration::from_millis(600);
    let gate = Arc::new(RwLock::new(()));
    let shut = gate.write().unwrap();
    let way = Arc::clone(&gate);
    let waits = move |_: &mut Cx<'_>| {
        drop(way.read());
        Ok(())
    };
    let told = scene.list(&scene.market[0].owner, Access::Scan, waits);
    assert!(matches!(told, Err(Error::Unavailable(_))), "{told:?}");
    drop(shut);
    scene.names(&scene.market[0].owner).unwrap();
    assert_eq!(scene.listings(), Listings { standby: 1, behind: 0, away: 1 }, "it is asked again at once");
}

#[test]
fn what_nobody_can_wait_for_is_not_begun() {
    let Some(mut scene) = scene(&[]) else { return };
    scene.app.patience.scan = Duration::ZERO;
    let tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tries);
    let counts = move |_: &mut Cx<'_>| Ok(count.fetch_add(1, Ordering::Relaxed));
    let told = scene.list(&scene.market[0].owner, Access::Scan, counts);
    assert!(matches!(told, Err(Error::Unavailable(_))), "{told:?}");
    soon("somebody holds the work", || Arc::strong_count(&tries) == 1);
    assert_eq!(tries.load(Ordering::Relaxed), 0);
    assert_eq!(scene.listings(), Listings { standby: 0, behind: 0, away: 1 });
}

#[test]
fn a_listing_that_the_standby_breaks_off_is_made_by_the_database() {
    // What stands in the way of what the standby follows is ended at once.
    let Some(scene) = scene(&["-cmax_standby_streaming_delay=0"]) else { return };
    let (database, standby) = (server::url(&scene.database), server::url(&scene.standby));
    let tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tries);
    let broken = move |cx: &mut Cx<'_>| {
        let before = names(cx)?;
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            // Rows that the standby's transaction sees are removed for good.
            let mut owner = server::anywhere(&database);
            let enter = "BEGIN; SET LOCAL app.tenant_id = '1'; UPDATE products SET stock = stock; COMMIT";
            owner.run(enter).map_err(Error::internal)?;
            owner.run("VACUUM products").map_err(Error::internal)?;
            caught_up(&database, &standby);
        }
        Ok((before, names(cx)?))
    };
    let (before, after) = scene.list(&scene.market[0].owner, Access::Read, broken).unwrap();
    assert_eq!((before.len(), after), (4, before));
    assert_eq!(tries.load(Ordering::Relaxed), 2, "the standby has tried, and then the database");
    let Listings { standby, behind, away } = scene.listings();
    assert_eq!((standby, behind, away), (0, 0, 1));
    scene.standby_lists_again();
}
