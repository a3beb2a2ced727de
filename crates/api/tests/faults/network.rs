//! The network between the program and PostgreSQL is bad for a while. The program answers that it cannot, soon, and goes
//! on by itself when the network is back.

use crate::chaos::{Network, Weather};
use crate::client::Client;
use crate::load::Load;
use crate::program::Haat;
use crate::{market, server};
use std::thread;
use std::time::Duration;

/// Orders are placed before and after the network is like this, and it is so for at least that many answers in doubt.
fn goes_on_after(weather: Weather, doubts: usize) {
    let Some(cluster) = server::own(&[]) else { return };
    let network = Network::before(&cluster.dir().join(".s.PGSQL.5432"));
    let url = format!("postgres://haat_owner@{}/haat", network.address);
    let mut haat = Haat::serve(&url, &["--database-pool", "4"]);
    let market = market::open(haat.address, 2);
    let anybody = Client::anonymous(haat.address);
    let load = Load::start(&market, 4);
    for _ in 0..2 {
        load.placed(40);
        network.becomes(weather);
        load.unknown(doubts);
        anybody.get("/healthz/").must(200);
        network.becomes(Weather::Fair);
    }
    load.placed(40);
    assert!(haat.is_running());
    market::settle(&server::url(&cluster), &market, load).was_always_answered();
}

#[test]
fn connections_are_cut_and_refused() {
    goes_on_after(Weather::Down, 40);
}

#[test]
fn what_is_sent_arrives_nowhere() {
    goes_on_after(Weather::Silent, 16);
}

#[test]
fn every_packet_takes_long() {
    goes_on_after(Weather::Slow(Duration::from_millis(700)), 16);
}

#[test]
fn the_answers_to_commits_are_lost() {
    goes_on_after(Weather::LosesCommits, 16);
}

/// All connections are idle when it begins, so that what gets lost is the first word of each transaction: the server has
/// nothing to end, and TCP nothing to notice.
#[test]
fn threads_that_wait_for_a_lost_answer_are_freed() {
    let Some(cluster) = server::own(&[]) else { return };
    let network = Network::before(&cluster.dir().join(".s.PGSQL.5432"));
    let url = format!("postgres://haat_owner@{}/haat", network.address);
    let haat = Haat::serve(&url, &["--database-pool", "2"]);
    let market = market::open(haat.address, 1);
    let look = || market[0].owner.get("/api/auth/me/");
    network.becomes(Weather::Silent);
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(look)).collect();
        for one in waiting {
            one.join().unwrap().must(503);
        }
    });
    network.becomes(Weather::Fair);
    assert!((0..20).any(|_| look().status == 200), "all threads wait for what never comes");
}
