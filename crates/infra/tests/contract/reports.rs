//! Figures: quarters of an hour, best sellers, what runs out, and how much there is.

use crate::{inside, open_shop};
use haat_domain::audit::Entry;
use haat_domain::authz::{Action, Actor, Role};
use haat_domain::catalog::*;
use haat_domain::identity::{delete_user, update_user};
use haat_domain::ids::ProductId;
use haat_domain::money::Money;
use haat_domain::orders::*;
use haat_domain::page::Limit;
use haat_domain::ports::{Clock, Store};
use haat_domain::reports::*;
use haat_domain::tenancy::measure_tenant;
use haat_domain::testing::*;
use haat_domain::time::Timestamp;
use std::sync::Arc;

cases![
    what_was_sold_is_summed_by_quarters_of_an_hour,
    cancelled_hidden_and_earlier_orders_do_not_count,
    customers_who_joined_and_are_still_there_are_counted_by_quarters_of_an_hour,
    best_sellers_come_by_revenue_under_their_newest_name,
    what_runs_out_comes_with_the_fewest_pieces_first,
    a_revenue_beyond_all_numbers_is_an_error,
    a_store_is_measured_without_being_seen,
];

fn product(shop: &TestShop, name: &str, amount: &str, stock: Option<i64>) -> ProductId {
    let details = details(name, amount, stock);
    shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap().id
}

fn place(shop: &TestShop, lines: &[(ProductId, i64)]) -> Order {
    let wish = order_of(lines);
    shop.act(Role::Customer, |cx| place_order(cx, wish)).unwrap()
}

fn report(shop: &TestShop, since: Timestamp, rows: i64) -> SalesReport {
    let limit = Limit::parse(rows).unwrap();
    let request = SalesRequest { since, best: limit, low: limit };
    shop.act(Role::Staff, move |cx| read_sales(cx, &request)).unwrap()
}

/// Quarter, orders, revenue.
fn sales(shop: &TestShop, since: Timestamp) -> Vec<(String, i64, String)> {
    let row = |sold: Sold| (sold.from.to_string(), sold.orders, sold.revenue.to_string());
    report(shop, since, 1).sales.into_iter().map(row).collect()
}

fn best(shop: &TestShop, rows: i64) -> Vec<(String, i64, String)> {
    let best = report(shop, Timestamp::EPOCH, rows).best.into_iter();
    best.map(|row| (row.name.as_str().to_owned(), row.pieces, row.revenue.to_string())).collect()
}

fn low(shop: &TestShop, rows: i64) -> Vec<ProductId> {
    report(shop, Timestamp::EPOCH, rows).low.into_iter().map(|product| product.id).collect()
}

fn what_was_sold_is_summed_by_quarters_of_an_hour(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    assert_eq!(sales(&shop, Timestamp::EPOCH), []);
    let (lamp, bell) = (product(&shop, "Lamp", "5", None), product(&shop, "Bell", "0.5", None));
    place(&shop, &[(lamp, 2), (bell, 1)]);
    shop.clock.set(Timestamp::parse("2026-11-23T12:14:59.999999Z").unwrap());
    place(&shop, &[(bell, 1)]);
    shop.clock.set(Timestamp::parse("2026-11-23T12:15:00Z").unwrap());
    place(&shop, &[(lamp, 1)]);
    shop.clock.set(Timestamp::parse("2026-11-23T23:44:00Z").unwrap());
    place(&shop, &[(lamp, 3)]);
    let quarter =
        |at: &str, orders, revenue: &str| (format!("2026-11-23T{at}:00.000000Z"), orders, revenue.to_owned());
    let all = [quarter("12:00", 2, "11.00"), quarter("12:15", 1, "5.00"), quarter("23:30", 1, "15.00")];
    assert_eq!(sales(&shop, Timestamp::EPOCH), all);
    assert_eq!(sales(&shop, Timestamp::parse("2026-11-23T12:15:00Z").unwrap()), all[1..]);
}

fn cancelled_hidden_and_earlier_orders_do_not_count(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = product(&shop, "Lamp", "5", None);
    place(&shop, &[(lamp, 1)]);
    shop.clock.advance(1);
    let since = shop.clock.now();
    let (cancelled, hidden, delivered) =
        (place(&shop, &[(lamp, 10)]).id, place(&shop, &[(lamp, 100)]).id, place(&shop, &[(lamp, 1000)]).id);
    shop.act(Role::Staff, move |cx| cancel_order(cx, cancelled)).unwrap();
    inside(&shop, move |tx, now| tx.orders().hide(hidden, now)).unwrap();
    shop.act(Role::Staff, move |cx| {
        for status in [OrderStatus::Confirmed, OrderStatus::Shipped, OrderStatus::Delivered] {
            update_order(cx, delivered, OrderPatch { status: Some(status), ..OrderPatch::default() })?;
        }
        Ok(())
    })
    .unwrap();
    let SalesReport { sales, best, .. } = report(&shop, since, 10);
    assert_eq!(
        sales.iter().map(|sold| (sold.orders, sold.revenue.minor())).collect::<Vec<_>>(),
        [(1, 500_000)]
    );
    assert_eq!(best.iter().map(|row| (row.product, row.pieces)).collect::<Vec<_>>(), [(lamp, 1000)]);
}

fn customers_who_joined_and_are_still_there_are_counted_by_quarters_of_an_hour(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let first = shop.clock.now();
    shop.clock.advance(20 * 60);
    let (late, promoted, removed) =
        (shop.join("late").unwrap(), shop.join("promoted").unwrap(), shop.join("removed").unwrap());
    let (inactive, promoted, removed) = (late.user.id, promoted.user.id, removed.user.id);
    shop.act(Role::Owner, move |cx| {
        let patch = haat_domain::identity::UserPatch { is_active: Some(false), ..Default::default() };
        update_user(cx, inactive, patch)?;
        let patch = haat_domain::identity::UserPatch { role: Some(Role::Staff), ..Default::default() };
        update_user(cx, promoted, patch)?;
        delete_user(cx, removed)
    })
    .unwrap();
    let later = Joined { from: first.plus_seconds(15 * 60), customers: 1 };
    assert_eq!(report(&shop, first, 1).newcomers, [Joined { from: first, customers: 2 }, later]);
    assert_eq!(report(&shop, first.plus_seconds(1), 1).newcomers, [later]);
}

fn best_sellers_come_by_revenue_under_their_newest_name(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let [lamp, bell, cup] =
        [("Lamp", "5"), ("Bell", "2"), ("Cup", "2")].map(|(name, amount)| product(&shop, name, amount, None));
    place(&shop, &[(cup, 5), (lamp, 1), (bell, 5)]);
    place(&shop, &[(lamp, 2)]);
    let dearer = details("Chandelier", "500", None);
    shop.act(Role::Owner, move |cx| replace_product(cx, lamp, dearer)).unwrap();
    assert_eq!(best(&shop, 1), [("Lamp".to_owned(), 3, "15.00".to_owned())], "as it was ordered");
    place(&shop, &[(lamp, 1)]);
    shop.act(Role::Owner, move |cx| delete_product(cx, lamp)).unwrap();
    let row = |name: &str, pieces, revenue: &str| (name.to_owned(), pieces, revenue.to_owned());
    let all = [row("Chandelier", 4, "515.00"), row("Bell", 5, "10.00"), row("Cup", 5, "10.00")];
    assert_eq!(best(&shop, 200), all, "also of what is gone; ties by number");
    assert_eq!(best(&shop, 2), all[..2]);
}

fn what_runs_out_comes_with_the_fewest_pieces_first(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let [five, six, none, uncounted, two, twin] =
        [Some(5), Some(6), Some(0), None, Some(2), Some(2)].map(|stock| product(&shop, "Lamp", "5", stock));
    for (status, gone) in
        [(Some(ProductStatus::Draft), false), (Some(ProductStatus::Archived), false), (None, true)]
    {
        let id = product(&shop, "Not for sale", "5", Some(1));
        shop.act(Role::Owner, move |cx| {
            update_product(cx, id, ProductPatch { status, ..ProductPatch::default() })?;
            if gone { delete_product(cx, id) } else { Ok(()) }
        })
        .unwrap();
    }
    assert_eq!(low(&shop, 200), [none, two, twin, five]);
    assert_eq!(low(&shop, 2), [none, two]);
    place(&shop, &[(six, 2), (uncounted, 9)]);
    assert_eq!(low(&shop, 200), [none, two, twin, six, five], "an order takes it there");
    let plenty = ProductPatch { stock: Some(Some(Stock::parse(6).unwrap())), ..ProductPatch::default() };
    shop.act(Role::Staff, move |cx| update_product(cx, none, plenty)).unwrap();
    assert_eq!(low(&shop, 1), [two], "and a delivery away from there");
}

fn a_revenue_beyond_all_numbers_is_an_error(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = product(&shop, "Lamp", "5", None);
    let order = place(&shop, &[(lamp, 1)]);
    inside(&shop, move |tx, now| {
        let total = Money::from_minor(i64::MAX / 2 + 1, order.total.currency());
        let entry = Entry::of(&Actor::operator(&tx.settings().read()?), Action::PlaceOrder, now);
        for _ in 0..2 {
            let (_, OrderNumbers { id, number }) =
                tx.orders().open(lamp, quantity(1), [order.customer; 2], now)?.expect("lamps");
            tx.orders().insert(&Order { id, number, total, ..order.clone() }, &entry)?;
        }
        Ok(())
    })
    .unwrap();
    let request = SalesRequest { since: Timestamp::EPOCH, best: Limit::default(), low: Limit::default() };
    assert!(shop.act(Role::Owner, move |cx| read_sales(cx, &request)).is_err());
}

fn a_store_is_measured_without_being_seen(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let admin = TestPlatform::open(Arc::clone(store));
    let measure = |shop: &TestShop| {
        let id = shop.tenant.id;
        let (tenant, counts) = admin.act(move |cx| measure_tenant(cx, id)).unwrap();
        assert_eq!(tenant, shop.tenant);
        counts
    };
    let (before, elsewhere) = (measure(&shop), measure(&other));
    assert_eq!((before.users, before.products, before.orders), (4, 0, 0));
    let lamp = product(&shop, "Lamp", "5", None);
    let order = place(&shop, &[(lamp, 1)]).id;
    let full = measure(&shop);
    assert_eq!((full.users, full.products, full.orders, full.entries), (4, 1, 1, before.entries + 2));
    assert!(before.bytes > 0 && full.bytes > before.bytes);
    let neighbour = shop.neighbour.user.id;
    shop.act(Role::Owner, move |cx| {
        delete_order(cx, order)?;
        delete_product(cx, lamp)?;
        delete_user(cx, neighbour)
    })
    .unwrap();
    let after = measure(&shop);
    assert_eq!((after.users, after.products, after.orders, after.entries), (3, 0, 0, full.entries + 3));
    assert!(after.bytes > full.bytes, "what was removed is still kept");
    assert_eq!(measure(&other), elsewhere);
}
