//! What every request pays to the rules: `cargo bench -p haat-domain`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin must end")]

use criterion::{Criterion, criterion_group, criterion_main};
use haat_domain::authz::{Action, Actor, authorize};
use haat_domain::catalog::ProductKey;
use haat_domain::ids::TenantId;
use haat_domain::money::{Currency, Money};
use haat_domain::orders::OrderStatus;
use haat_domain::page::{After, Cursor, Key, Sort};
use haat_domain::pricing::{Quantity, line_total, order_total};
use haat_domain::tenancy::{Slug, StoreName, Tenant, TenantStatus};
use haat_domain::time::Timestamp;
use std::hint::black_box;

fn rules(bench: &mut Criterion) {
    let rupee = Currency::parse("INR").unwrap();
    let price = Money::from_minor(129_999, rupee);
    let three = Quantity::parse(3).unwrap();

    bench.bench_function("price a cart of ten lines", |bench| {
        let line = || line_total(black_box(price), black_box(three)).unwrap();
        bench.iter(|| order_total(rupee, (0..10).map(|_| line())).unwrap());
    });
    bench.bench_function("an amount as text", |bench| bench.iter(|| black_box(price).to_string()));
    bench.bench_function("an instant as text", |bench| {
        let now = Timestamp::from_micros(1_795_435_200_123_456).unwrap();
        bench.iter(|| black_box(now).to_string());
    });
    bench.bench_function("a move of an order", |bench| {
        bench.iter(|| black_box(OrderStatus::Pending).moves_to(black_box(OrderStatus::Confirmed)));
    });
    bench.bench_function("write and read a cursor", |bench| {
        let (tenant, sort) = (TenantId::new(7), Sort { by: ProductKey::Price, descending: false });
        bench.iter(|| {
            let after = After { key: Key::Number(black_box(129_900)), id: 42 };
            let text = Cursor::new(tenant, sort, after).to_string();
            Cursor::parse(&text).unwrap().position(tenant, sort).unwrap()
        });
    });
    bench.bench_function("ask the policy and mint a scope", |bench| {
        let store = Tenant {
            id: TenantId::new(7),
            name: StoreName::parse("Shop").unwrap(),
            slug: Slug::from_stored("shop".to_owned()),
            currency: rupee,
            status: TenantStatus::Active,
            created_at: Timestamp::EPOCH,
        };
        let operator = Actor::operator(&store);
        bench.iter(|| authorize(black_box(&operator), black_box(Action::ReadProducts)).unwrap());
    });
}

criterion_group!(benches, rules);
criterion_main!(benches);
