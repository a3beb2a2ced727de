//! The standby hangs, which is worse than to be dead: connections stay, new ones seem to be made, and no answer comes.
//! Nobody but who lists notices, and those only once.

use crate::chaos::{Network, Weather};
use crate::client::Client;
use crate::load::Load;
use crate::program::{Haat, command};
use crate::server::{caught_up, soon, standby_of};
use crate::{market, server};
use haat_testkit::Cluster;
use std::thread;
use std::time::{Duration, Instant};

/// So many connections to the standby, all of which will hang.
const POOL: &str = "4";

/// Two stores: orders are placed in the first one, and the second is listed.
struct Scene {
    database: Cluster,
    market: Vec<market::Stall>,
    haat: Haat,
}

impl Scene {
    fn with(database: Cluster, standby: &Cluster, replica: &str) -> Self {
        let flags = ["--database-pool", POOL, "--database-replica-url", replica];
        let haat = Haat::serve(&server::url(&database), &flags);
        let market = market::open(haat.address, 2);
        caught_up(&server::url(&database), &server::url(standby));
        let scene = Self { database, market, haat };
        scene.standby_lists();
        scene
    }

    /// Whoever lists must be told, whoever makes the list.
    #[track_caller]
    fn list(&self) {
        let listed = self.market[1].owner.get("/api/products/").must(200);
        assert_eq!(listed.as_array().unwrap().len(), 4);
    }

    /// Listings so far that were made by the standby.
    fn listed_by_the_standby(&self) -> u64 {
        let series = "haat_listings_total{by=\"standby\"} ";
        let text = Client::anonymous(self.haat.address).text("/metrics");
        text.lines().find_map(|line| line.strip_prefix(series)).expect("the series").parse().unwrap()
    }

    fn standby_lists(&self) {
        let before = self.listed_by_the_standby();
        soon("the standby lists nothing", || {
            self.list();
            self.listed_by_the_standby() > before
        });
    }

    /// While the standby hangs.
    fn nobody_else_notices(&self, load: &Load) {
        let before = self.listed_by_the_standby();
        let look = |path: &str| self.market[1].owner.get(path).must(200);
        let product = self.market[1].prices.keys().next().unwrap();
        // More at once than there are connections.
        thread::scope(|scope| {
            let lists: Vec<_> = (0..16).map(|_| scope.spawn(|| self.list())).collect();
            look(&format!("/api/products/{product}/"));
            look("/api/auth/me/");
            assert!(lists.iter().any(|list| !list.is_finished()), "who lists waits longer than who looks");
        });
        // Nobody waits for it any more, or this would take a minute. Nor is it by then that it was never asked.
        let start = Instant::now();
        for _ in 0..40 {
            self.list();
        }
        assert!(start.elapsed() < Duration::from_secs(20), "each one has waited for it");
        load.placed(100);
        look("/api/auth/me/");
        look("/readyz/");
        assert_eq!(self.listed_by_the_standby(), before);
    }

    fn settle(&self, load: Load) {
        market::settle(&server::url(&self.database), &self.market, load).was_never_in_doubt();
    }
}

/// A database with a standby.
fn pair() -> Option<(Cluster, Cluster)> {
    let database = server::own(&[])?;
    command(&server::url(&database), &["migrate"]);
    let standby = standby_of(&database, &[]);
    Some((database, standby))
}

#[test]
fn while_the_standbys_processes_are_stopped_the_database_lists() {
    let Some((database, standby)) = pair() else { return };
    let mut scene = Scene::with(database, &standby, &server::url(&standby));
    let load = Load::start(&scene.market[..1], 4);
    for _ in 0..2 {
        load.placed(40);
        let frozen = standby.freeze().unwrap();
        scene.nobody_else_notices(&load);
        drop(frozen);
        scene.standby_lists();
    }
    scene.settle(load);
    assert!(scene.haat.is_running());

    // Nor does it keep the program from ending, or from starting.
    let frozen = standby.freeze().unwrap();
    scene.list();
    scene.haat.drain();
    scene.haat.restart();
    scene.list();
    drop(frozen);
    scene.standby_lists();
}

#[test]
fn while_the_network_swallows_what_is_said_to_the_standby_the_database_lists() {
    let Some((database, standby)) = pair() else { return };
    let network = Network::before(&standby.dir().join(".s.PGSQL.5432"));
    let replica = format!("postgres://haat_owner@{}/haat", network.address);
    let mut scene = Scene::with(database, &standby, &replica);
    let load = Load::start(&scene.market[..1], 4);
    for _ in 0..2 {
        load.placed(40);
        network.becomes(Weather::Silent);
        scene.nobody_else_notices(&load);
        network.becomes(Weather::Fair);
        scene.standby_lists();
    }
    scene.settle(load);
    assert!(scene.haat.is_running());
}
