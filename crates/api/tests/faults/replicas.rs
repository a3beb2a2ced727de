//! Two processes behind nginx over one PostgreSQL with a standby for listings, as `deploy/compose.yaml` has them.

use crate::client::Client;
use crate::load::Load;
use crate::program::Haat;
use crate::proxy::Proxy;
use crate::server::{anywhere, caught_up, soon, standby_of, superuser};
use crate::{market, server};
use haat_testkit::Cluster;
use serde_json::json;

/// Both processes, and what is before and behind them.
struct House {
    database: Cluster,
    standby: Cluster,
    replicas: [Haat; 2],
    proxy: Proxy,
}

fn house(flags: &[&str]) -> Option<House> {
    let database = server::own(&[])?;
    let url = server::url(&database);
    crate::program::command(&url, &["migrate"]);
    let standby = standby_of(&database, &[]);
    let replica = server::url(&standby);
    let all = [&["--trusted-proxies", "1", "--database-replica-url", &replica], flags].concat();
    let replicas = [(); 2].map(|()| Haat::serve(&url, &all));
    let proxy = Proxy::start([replicas[0].address, replicas[1].address])?;
    Some(House { database, standby, replicas, proxy })
}

impl House {
    fn units_of_work_on_the_standby(&self) -> i64 {
        let counted = "SELECT xact_commit::text FROM pg_stat_database WHERE datname = 'haat'";
        let mut raw = anywhere(&self.standby.superuser_url_for("postgres"));
        raw.lines(counted).unwrap().remove(0).parse().unwrap()
    }
}

#[test]
fn requests_are_shared_out_and_who_has_written_sees_it_at_the_other_process() {
    let Some(house) = house(&[]) else { return };
    let market = market::open(house.proxy.address, 1);
    let owner = &market[0].owner;
    let [first, second] = [0, 1].map(|n| Client::anonymous(house.replicas[n].address).with(owner.token()));

    superuser(&house.standby).run("SELECT pg_wal_replay_pause()").unwrap();
    for turn in 0..6 {
        let (here, there) = if turn % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let made = here.post("/api/products/", &json!({"name": format!("Spoon {turn}"), "price": "1.00"}));
        let id = made.must(201)["id"].clone();
        for other in [there, owner] {
            let seen = other.get("/api/products/?limit=200").must(200);
            assert!(seen.as_array().unwrap().iter().any(|row| row["id"] == id), "{seen}");
        }
    }

    superuser(&house.standby).run("SELECT pg_wal_replay_resume()").unwrap();
    caught_up(&server::url(&house.database), &server::url(&house.standby));
    let before = house.units_of_work_on_the_standby();
    soon("the standby lists nothing", || {
        let listed = owner.get("/api/products/?limit=200").must(200);
        assert_eq!(listed.as_array().unwrap().len(), 10);
        house.units_of_work_on_the_standby() > before + 20
    });
    for replica in &house.replicas {
        assert!(house.proxy.asked(replica.address) > 5, "both answer");
    }
}

#[test]
fn a_process_that_is_killed_or_drained_costs_no_order() {
    let Some(mut house) = house(&[]) else { return };
    let url = server::url(&house.database);
    let market = market::open(house.proxy.address, 2);
    let load = Load::start(&market, 4);
    for turn in 0..4 {
        load.placed(60);
        let replica = &mut house.replicas[turn % 2];
        if turn < 2 {
            replica.kill();
        } else {
            replica.drain();
        }
        // The other one sells on.
        load.placed(60);
        replica.restart();
    }
    load.placed(60);
    market::settle(&url, &market, load);
}

#[test]
fn limits_go_by_the_address_that_nginx_has_seen_and_not_by_what_a_client_says_of_itself() {
    let Some(house) = house(&["--limit-address", "1/3"]) else { return };
    let ask = |from: [u8; 4], claimed: &str| {
        let http =
            reqwest::blocking::Client::builder().no_proxy().local_address(std::net::IpAddr::from(from));
        let path = format!("http://{}/api/products/", house.proxy.address);
        http.build().unwrap().get(path).header("X-Forwarded-For", claimed).send().unwrap().status().as_u16()
    };
    // Both processes have a bucket of three; requests take turns.
    let told: Vec<_> = (0..12).map(|n| ask([127, 0, 0, 1], &format!("203.0.113.{n}"))).collect();
    assert_eq!((told[0], told[11]), (401, 429), "{told:?}");
    assert_eq!(ask([127, 0, 0, 2], "127.0.0.1"), 401, "another address is somebody else");
}
