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

    /// Hangs the standby, until somebody who looks is seen to overtake those who list. A busy machine may take longer
    /// for a look than anybody waits for the standby; then it is hung anew.
    #[track_caller]
    fn hung<H>(&self, hang: impl Fn() -> H) -> H {
        let start = Instant::now();
        loop {
            let hung = hang();
            if self.looks_overtake_lists() {
                return hung;
            }
            drop(hung);
            assert!(start.elapsed() < Duration::from_secs(30), "who looks waits as long as who lists");
            self.standby_lists();
        }
    }

    fn look(&self, path: &str) {
        self.market[1].owner.get(path).must(200);
    }

    fn looks_overtake_lists(&self) -> bool {
        let product = self.market[1].prices.keys().next().unwrap();
        // More at once than there are connections.
        thread::scope(|scope| {
            let lists: Vec<_> = (0..16).map(|_| scope.spawn(|| self.list())).collect();
            self.look(&format!("/api/products/{product}/"));
            self.look("/api/auth/me/");
            lists.iter().any(|list| !list.is_finished())
        })
    }

    /// While the standby hangs.
    fn nobody_else_notices(&self, load: &Load) {
        let before = self.listed_by_the_standby();
        // Nobody waits for it any more, or this would take a minute. Nor is it by then that it was never asked.
        let start = Instant::now();
        for _ in 0..40 {
            self.list();
        }
        assert!(start.elapsed() < Duration::from_secs(20), "each one has waited for it");
        // As many as this would not be acknowledged if orders waited for it.
        load.placed(100);
        self.look("/api/auth/me/");
        self.look("/readyz/");
        assert_eq!(self.listed_by_the_standby(), before);
    }

    fn settle(&self, load: Load) {
        market::settle(&server::url(&self.database), &self.market, load).was_always_answered();
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
        let frozen = scene.hung(|| standby.freeze().unwrap());
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

/// A network that swallows everything, as long as this is there.
struct Silence<'n>(&'n Network);

impl<'n> Silence<'n> {
    fn on(network: &'n Network) -> Self {
        network.becomes(Weather::Silent);
        Self(network)
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        self.0.becomes(Weather::Fair);
    }
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
        let silence = scene.hung(|| Silence::on(&network));
        scene.nobody_else_notices(&load);
        drop(silence);
        scene.standby_lists();
    }
    scene.settle(load);
    assert!(scene.haat.is_running());
}
