//! The primary is killed and its standby promoted while the program sells. The program stays, with both in its URL.

use crate::load::Load;
use crate::program::Haat;
use crate::server::{caught_up, follows_synchronously, standby_of, superuser};
use crate::{market, server};
use haat_testkit::Cluster;

#[test]
fn orders_go_on_at_the_promoted_standby_and_what_was_acknowledged_is_there() {
    let Some(mut primary) = server::own(&[]) else { return };
    let mut standby = None;
    let mut haat = Haat::serve(&server::url(&primary), &[]);
    let market = market::open(haat.address, 2);
    let standby = standby.insert(standby_of(&primary, &[]));
    follows_synchronously(&primary);
    haat.kill();
    // The standby first: the program must pass it by for as long as it is one.
    let url = Cluster::url_for_any(&[standby, &primary], "haat");
    let haat = &mut Haat::serve_at(&url, haat.address, &["--database-pool", "4"]);

    let load = Load::start(&market, 4);
    load.placed(150);
    primary.crash().unwrap();
    superuser(standby).run("SELECT pg_promote()").unwrap();
    load.placed(150);
    assert!(haat.is_running(), "the program was not started again");
    market::settle(&url, &market, load);
}

#[test]
fn a_server_that_becomes_read_only_is_left_for_the_one_that_takes_over() {
    let Some(primary) = server::own(&[]) else { return };
    let mut haat = Haat::serve(&server::url(&primary), &[]);
    let market = market::open(haat.address, 1);
    let standby = standby_of(&primary, &[]);
    follows_synchronously(&primary);
    haat.kill();
    let url = Cluster::url_for_any(&[&primary, &standby], "haat");
    let haat = &mut Haat::serve_at(&url, haat.address, &["--database-pool", "4"]);

    let load = Load::start(&market, 4);
    load.placed(100);
    // As managed servers do before they hand over. Connections stay.
    let read_only = "ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()";
    for statement in read_only.split("; ") {
        superuser(&primary).run(statement).unwrap();
    }
    caught_up(&server::url(&primary), &server::url(&standby));
    superuser(&standby).run("SELECT pg_promote()").unwrap();
    load.placed(100);
    assert!(haat.is_running(), "the program was not started again");
    market::settle(&url, &market, load);
}
