//! `kill -9` of the program while it sells.

use crate::load::Load;
use crate::market;
use crate::program::Haat;
use haat_infra::testing::{Engine, TestDatabase};

/// Of what is acknowledged before its COMMIT one kill in ten finds something: once the system has the pages, what has
/// become of the program is nothing to them.
const KILLS: usize = 30;

fn nothing_is_lost_and_nothing_happens_twice(engine: Engine) {
    let Some(database) = TestDatabase::new(engine) else { return };
    let url = database.url_text();
    let mut haat = Haat::serve(&url, &["--sqlite-synchronous", "full"]);
    let market = market::open(haat.address, 2);
    let load = Load::start(&market, 4);
    for _ in 0..KILLS {
        load.placed(20);
        haat.kill();
        haat.restart();
    }
    load.placed(100);
    market::settle(&url, &market, load);
}

#[test]
fn nothing_is_lost_and_nothing_happens_twice_on_sqlite() {
    nothing_is_lost_and_nothing_happens_twice(Engine::Sqlite);
}

#[test]
fn nothing_is_lost_and_nothing_happens_twice_on_postgres() {
    nothing_is_lost_and_nothing_happens_twice(Engine::Postgres);
}
