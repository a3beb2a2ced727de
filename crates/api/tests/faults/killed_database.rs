//! `kill -9` of PostgreSQL, with all its sessions, while the program sells. The program stays.

use crate::client::Client;
use crate::load::Load;
use crate::program::Haat;
use crate::{market, server};

#[test]
fn the_program_recovers_by_itself_when_postgres_was_killed() {
    let Some(mut cluster) = server::own(&[]) else { return };
    let url = server::url(&cluster);
    let mut haat = Haat::serve(&url, &["--database-pool", "4"]);
    let market = market::open(haat.address, 2);
    let anybody = Client::anonymous(haat.address);
    let load = Load::start(&market, 4);
    for _ in 0..2 {
        load.placed(60);
        cluster.crash().unwrap();
        // While it is away the program says so, and lives.
        anybody.get("/healthz/").must(200);
        anybody.get("/readyz/").must(503);
        cluster.restart().unwrap();
    }
    load.placed(60);
    assert!(haat.is_running(), "the program was not started again");
    market::settle(&url, &market, load);
}
