//! What a request pays to the adapters, on SQLite and without HTTP: `cargo bench -p haat-infra`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin must end")]

use criterion::{Criterion, criterion_group, criterion_main};
use haat_domain::authz::Role;
use haat_domain::catalog::{ProductFilter, create_product, list_products, read_product};
use haat_domain::cx::Cx;
use haat_domain::error::Result;
use haat_domain::identity::{Entrance, Grant};
use haat_domain::ids::ProductId;
use haat_domain::orders::place_order;
use haat_domain::ports::{Clock, TokenIssuer, Tx};
use haat_domain::testing::{TestShop, details, order_of, page_of};
use haat_infra::testing::{Engine, TestDatabase};
use haat_infra::token::{JwtIssuer, Key, Keys};
use std::hint::black_box;

fn store(bench: &mut Criterion) {
    let database = TestDatabase::new(Engine::Sqlite).unwrap();
    let shop = TestShop::open(database.store(), "Shop", "INR");
    let products: Vec<ProductId> = shop
        .act(Role::Owner, |cx| {
            let product = |number| details(&format!("Lamp {number}"), "999.50", Some(1_000_000_000));
            (0..200).map(|number| Ok(create_product(cx, product(number))?.id)).collect()
        })
        .unwrap();
    let some = *products.get(100).unwrap();

    bench.bench_function("find a product", |bench| {
        bench.iter(|| read(&shop, move |cx| read_product(cx, black_box(some)).map(drop)));
    });
    bench.bench_function("a page of 50 products", |bench| {
        let page =
            |cx: &mut Cx<'_>| list_products(cx, ProductFilter::default(), &page_of("id", 50)).map(drop);
        bench.iter(|| read(&shop, page));
    });
    // Alone: with nobody to share the COMMIT, the disk is most of it.
    bench.bench_function("place an order", |bench| {
        bench.iter(|| shop.act(Role::Customer, move |cx| place_order(cx, order_of(&[(some, 1)])).map(drop)));
    });
}

/// Reads as the API does, as the holder of a token.
fn read(shop: &TestShop, work: impl FnOnce(&mut Cx<'_>) -> Result<()> + Send + 'static) {
    let (credential, now) = (shop.owner.credential, shop.clock.now());
    let work = move |tx: &mut dyn Tx| work(&mut Cx::authenticate(tx, &credential, now)?);
    shop.store.read(Some(credential.tenant), work).unwrap();
}

fn tokens(bench: &mut Criterion) {
    let database = TestDatabase::new(Engine::Sqlite).unwrap();
    let shop = TestShop::open(database.store(), "Shop", "INR");
    let now = shop.clock.now();
    let current = Key::secret(b"a secret for measurements, of enough bytes").unwrap();
    let keys = Keys { current, others: Vec::new() };
    let issuer = JwtIssuer::new(&keys, "haat", "haat-api");
    let credential = shop.owner.credential;
    let grant = Grant {
        tenant: credential.tenant,
        user: credential.user,
        role: Role::Owner,
        token_version: credential.token_version,
        session: credential.session,
        generation: 1,
        refresh_until: now.plus_seconds(3600),
    };
    let token = issuer.issue(&grant, Entrance::Api, now).unwrap().access;
    bench.bench_function("verify a token", |bench| {
        bench.iter(|| issuer.verify_access(black_box(&token), now).unwrap());
    });
}

criterion_group!(benches, store, tokens);
criterion_main!(benches);
