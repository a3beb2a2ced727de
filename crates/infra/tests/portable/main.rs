//! One store as one file: what comes back is what went in, on either engine, and nothing else comes along.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod files;
mod journeys;
mod neighbours;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use haat_domain::audit::verify_chain;
use haat_domain::authz::Role;
use haat_domain::catalog::*;
use haat_domain::cx::Cx;
use haat_domain::error::Result;
use haat_domain::identity::*;
use haat_domain::orders::*;
use haat_domain::testing::*;
use haat_infra::db::portable::{FileError, Moved, StoreFile, export, import};
use haat_infra::testing::{Engine, TestDatabase};
use sha2::{Digest, Sha256};
use std::io::{Cursor, Read, Write};

const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// Texts that are somebody's SQL, JSON, markup or line end, and some that few programs get right.
const AWKWARD: [&str; 8] = [
    "'; DROP TABLE users; -- \"quoted\" \\ \\u0000 {\"users\":{}}",
    "{\"sha256\":\"0000\"}",
    "Ring 💍 für Ärzte \u{202e}desrever\u{202c} ﷽ \u{1F469}\u{200D}\u{1F680}",
    "क्षत्रिय \u{2028}\u{2029} \u{fffd} \u{10ffff} \u{e000}",
    "a\u{301}\u{302}\u{303}\u{304} İıſß ﬁ",
    "$1 %s %% ? :name @name",
    "NULL",
    "\u{feff}x",
];

/// A store with something in every table of it, and one beside it.
fn furnish(database: &TestDatabase) -> TestShop {
    let other = TestShop::open(database.store(), "Neighbour & Sons", "EUR");
    other
        .act(Role::Owner, |cx| create_product(cx, details_in("EUR", "Secret of the neighbour", "7", None)))
        .unwrap();
    let shop = TestShop::open(database.store(), "Bazaar \"of\" Ⅷ \\ Ñandú", "INR");
    let mut products = Vec::new();
    for (number, text) in AWKWARD.iter().enumerate() {
        shop.clock.advance(61);
        let mut new = details(text, "12345.67", (number % 2 == 0).then_some(9));
        new.description = Description::parse(&format!("{text}\n\t\r\n{text}\u{7f}\u{85}")).unwrap();
        new.sku = Some(Sku::parse(&format!("S-{number}")).unwrap());
        products.push(shop.act(Role::Owner, |cx| create_product(cx, new)).unwrap().id);
    }
    let place = |role, lines: Vec<_>| shop.act(role, move |cx| place_order(cx, order_of(&lines))).unwrap();
    let all = products.iter().map(|id| (*id, 2)).collect();
    place(Role::Customer, all);
    let regretted = place(Role::Customer, vec![(products[0], 1)]).id;
    shop.act(Role::Customer, move |cx| cancel_order(cx, regretted)).unwrap();
    let gone = products[7];
    shop.act(Role::Owner, move |cx| delete_product(cx, gone)).unwrap();
    let invite_guest = |random| {
        let guest = email("guest@example.com");
        shop.act(Role::Owner, move |cx| invite(cx, guest, Role::Staff, [random; 16])).unwrap().0.id
    };
    let invitation = invite_guest(9);
    shop.act(Role::Owner, move |cx| revoke_invitation(cx, invitation)).unwrap();
    invite_guest(8);
    let leaver = shop.join("leaver").unwrap().user.id;
    shop.act(Role::Owner, move |cx| delete_user(cx, leaver)).unwrap();
    shop.act(Role::Staff, end_session).unwrap();
    shop
}

fn written(database: &TestDatabase, store: &str) -> std::result::Result<(Vec<u8>, Moved), FileError> {
    let mut told = Vec::new();
    let tell = &mut |done, all| told.push((done, all));
    let (file, moved) = export(database.url(), database.options(), store, Vec::new(), tell)?;
    assert_eq!(told.last(), Some(&(moved.rows, moved.rows)));
    assert!(told.is_sorted());
    Ok((file, moved))
}

fn file_of(database: &TestDatabase, store: &str) -> Vec<u8> {
    written(database, store).unwrap().0
}

fn take(database: &TestDatabase, file: &[u8]) -> std::result::Result<Moved, FileError> {
    let file = StoreFile::verify(Cursor::new(file))?;
    import(database.url(), database.options(), file, &mut |_, _| ())
}

fn refusal<T: std::fmt::Debug>(result: std::result::Result<T, FileError>) -> String {
    result.expect_err("it is refused").to_string()
}

/// The lines of a file without the checksum.
fn lines(file: &[u8]) -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let mut lines: Vec<_> =
        text.split_inclusive('\n').map(|line| line.trim_end_matches('\n').to_owned()).collect();
    assert!(lines.pop().unwrap().starts_with("{\"sha256\":"));
    lines
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

/// A file of these lines, with the right checksum.
fn sealed(lines: &[String]) -> Vec<u8> {
    let text = lines.join("\n") + "\n";
    let checksum = haat_domain::text::hex(&Sha256::digest(&text));
    packed(format!("{text}{{\"sha256\":\"{checksum}\"}}\n").as_bytes())
}

/// The tables of a database and how many rows they have, past all walls on SQLite.
fn stores(database: &TestDatabase) -> Vec<String> {
    database.connect().lines("SELECT slug FROM tenants WHERE id <> 0 ORDER BY id").unwrap()
}

/// The store of that name as the operator at the console sees it.
fn verify(shop: &TestShop, on: &TestDatabase) -> Result<haat_domain::audit::Chain> {
    let there = TestShop { store: on.store(), ..shop.clone() };
    there.operate(|cx| verify_chain(cx, None))
}
