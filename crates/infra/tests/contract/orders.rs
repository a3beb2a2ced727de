//! Orders: frozen lines, numbers without gap, stock that is sold once.

use crate::{at_once, conflict, count_ok, inside, open_shop};
use haat_domain::audit::Object;
use haat_domain::authz::{Action, Role};
use haat_domain::catalog::*;
use haat_domain::error::{Conflict, Denied, Error, Result};
use haat_domain::ids::{OrderId, ProductId};
use haat_domain::orders::*;
use haat_domain::page::Sort;
use haat_domain::ports::{Store, TenantTx};
use haat_domain::testing::*;
use std::collections::BTreeSet;
use std::sync::Arc;

cases![
    an_order_is_read_as_it_was_placed,
    an_order_keeps_the_terms_it_was_placed_at,
    an_order_of_a_hundred_lines_keeps_their_order,
    an_order_placed_for_a_customer_says_who_placed_it,
    every_store_counts_its_orders_from_1001,
    a_failed_order_leaves_no_trace,
    other_lines_replace_the_old_ones,
    a_hidden_order_is_found_by_nothing,
    every_filter_shows_what_it_names,
    the_history_of_an_order_is_what_happened_to_it_alone,
    the_last_pieces_are_sold_once,
    orders_crossing_each_other_all_get_through,
    stock_comes_back_once_however_many_cancel,
    one_of_two_contrary_moves_wins,
];

fn product(shop: &TestShop, name: &str, amount: &str, stock: Option<i64>) -> ProductId {
    let details = details(name, amount, stock);
    shop.act(Role::Owner, |cx| create_product(cx, details)).unwrap().id
}

fn stock(shop: &TestShop, id: ProductId) -> i64 {
    let product = inside(shop, move |tx, _| tx.products().find(id)).unwrap().unwrap();
    product.details.stock.unwrap().get()
}

fn place(shop: &TestShop, role: Role, lines: &[(ProductId, i64)]) -> Result<Order> {
    let wish = order_of(lines);
    shop.act(role, |cx| place_order(cx, wish))
}

fn find(shop: &TestShop, id: OrderId) -> Option<Order> {
    inside(shop, move |tx, _| tx.orders().find(id)).unwrap()
}

fn page(tx: &mut dyn TenantTx, filter: &OrderFilter) -> Result<Vec<Order>> {
    tx.orders().page(filter, Sort { by: OrderKey::Id, descending: false }, None, 1000)
}

fn an_order_is_read_as_it_was_placed(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let mut dear = details("Ring 💍", "99999999.99", None);
    dear.sku = Some(Sku::parse("R-1").unwrap());
    let ring = shop.act(Role::Owner, |cx| create_product(cx, dear)).unwrap().id;
    let lamp = product(&shop, "Lamp", "0.01", Some(10));
    let order = place(&shop, Role::Customer, &[(ring, 1_000_000), (lamp, 3)]).unwrap();
    assert_eq!(order.total.to_string(), "99999999990000.03");
    assert_eq!(order.lines.iter().map(|line| line.counted).collect::<Vec<_>>(), [0, 3]);
    let id = order.id;
    let locked = inside(&shop, move |tx, _| tx.orders().lock(id)).unwrap();
    let listed = inside(&shop, |tx, _| page(tx, &OrderFilter::default())).unwrap();
    assert_eq!(find(&shop, id), Some(order.clone()));
    assert_eq!(locked, Some(order.clone()));
    assert_eq!(listed, [order]);
}

fn an_order_keeps_the_terms_it_was_placed_at(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = product(&shop, "Lamp", "5", None);
    let order = place(&shop, Role::Customer, &[(lamp, 2)]).unwrap();
    let dearer = details("Chandelier", "500", None);
    shop.act(Role::Owner, move |cx| replace_product(cx, lamp, dearer)).unwrap();
    shop.act(Role::Owner, move |cx| delete_product(cx, lamp)).unwrap();
    assert_eq!(find(&shop, order.id), Some(order));
}

fn an_order_of_a_hundred_lines_keeps_their_order(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let mut ids: Vec<_> = shop
        .act(Role::Owner, |cx| {
            (0..100).map(|n| create_product(cx, details(&format!("P{n}"), "1", Some(1)))).collect()
        })
        .map(|products: Vec<Product>| products.into_iter().map(|product| (product.id, 1)).collect())
        .unwrap();
    ids.reverse();
    let order = place(&shop, Role::Customer, &ids).unwrap();
    assert_eq!(order.lines.iter().map(|line| (line.product, 1)).collect::<Vec<_>>(), ids);
    assert_eq!(find(&shop, order.id), Some(order));
}

fn an_order_placed_for_a_customer_says_who_placed_it(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = product(&shop, "Lamp", "5", None);
    let wish = PlaceOrder { customer: Some(shop.customer.user.id), ..order_of(&[(lamp, 1)]) };
    let by_staff = {
        let wish = wish.clone();
        shop.act(Role::Staff, |cx| place_order(cx, wish)).unwrap()
    };
    let by_operator = shop.operate(|cx| place_order(cx, wish)).unwrap();
    assert_eq!((by_staff.customer, by_staff.placed_by), (shop.customer.user.id, Some(shop.staff.user.id)));
    assert_eq!((by_operator.customer, by_operator.placed_by), (shop.customer.user.id, None));
    assert_eq!(find(&shop, by_staff.id), Some(by_staff));
    assert_eq!(find(&shop, by_operator.id), Some(by_operator));
}

fn every_store_counts_its_orders_from_1001(store: &Arc<dyn Store>) {
    let (one, other) = (open_shop(store, "One"), open_shop(store, "Other"));
    let (lamp, bell) = (product(&one, "Lamp", "5", Some(9)), product(&other, "Bell", "5", None));
    let number = |shop: &TestShop, product| place(shop, Role::Customer, &[(product, 1)]).unwrap().number;
    assert_eq!(number(&one, lamp), 1001);
    assert_eq!(number(&other, bell), 1001);
    let hidden = place(&one, Role::Customer, &[(lamp, 1)]).unwrap();
    assert_eq!(hidden.number, 1002);
    one.act(Role::Owner, move |cx| delete_order(cx, hidden.id)).unwrap();
    place(&one, Role::Customer, &[(lamp, 100)]).unwrap_err();
    assert_eq!(number(&one, lamp), 1003, "a hidden order keeps its number; one that failed never had any");
    assert_eq!(number(&other, bell), 1002);
}

fn a_failed_order_leaves_no_trace(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (lamp, bell) = (product(&shop, "Lamp", "5", Some(9)), product(&shop, "Bell", "5", Some(1)));
    let short = conflict(place(&shop, Role::Customer, &[(lamp, 3), (bell, 2)]));
    assert_eq!(short, Conflict::InsufficientStock { product: bell, available: 1 });
    let gone = place(&shop, Role::Customer, &[(lamp, 3), (ProductId::new(987_654), 2)]);
    assert!(matches!(gone, Err(Error::Invalid(_))));
    assert_eq!((stock(&shop, lamp), stock(&shop, bell)), (9, 1));
    assert_eq!(inside(&shop, |tx, _| page(tx, &OrderFilter::default())).unwrap(), []);
}

fn other_lines_replace_the_old_ones(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let ids = ["A", "B", "C"].map(|name| product(&shop, name, "5", Some(10)));
    let [a, b, c] = ids;
    let order = place(&shop, Role::Customer, &[(a, 1), (b, 4)]).unwrap();
    shop.clock.advance(5);
    let id = order.id;
    let changed = shop.act(Role::Staff, move |cx| update_order(cx, id, changes(&[(c, 2), (b, 1)]))).unwrap();
    assert_eq!(changed.lines.iter().map(|line| line.product).collect::<Vec<_>>(), [c, b]);
    assert_eq!(changed.total.to_string(), "15.00");
    assert!(changed.updated_at > changed.created_at);
    assert_eq!(find(&shop, id), Some(changed));
    assert_eq!(ids.map(|id| stock(&shop, id)), [10, 9, 8]);
}

fn a_hidden_order_is_found_by_nothing(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = product(&shop, "Lamp", "5", Some(9));
    let id = place(&shop, Role::Customer, &[(lamp, 1)]).unwrap().id;
    inside(&shop, move |tx, now| {
        tx.orders().hide(id, now)?;
        assert_eq!(tx.orders().find(id)?, None);
        assert_eq!(tx.orders().lock(id)?, None);
        let of_lamp = OrderFilter { product: Some(lamp), ..OrderFilter::default() };
        assert_eq!(page(tx, &of_lamp)?, []);
        assert_eq!(page(tx, &OrderFilter::default())?, []);
        Ok(())
    })
    .unwrap();
    let again = shop.act(Role::Owner, move |cx| delete_order(cx, id));
    assert!(matches!(again, Err(Error::NotFound)));
}

/// What the filter means, told a second time.
fn shows(filter: &OrderFilter, order: &Order) -> bool {
    filter.number.is_none_or(|number| order.number == number)
        && filter.status.is_none_or(|status| order.status == status)
        && filter.customer.is_none_or(|customer| order.customer == customer)
        && filter.product.is_none_or(|product| order.lines.iter().any(|line| line.product == product))
        && filter.created_after.is_none_or(|from| from <= order.created_at)
        && filter.created_before.is_none_or(|until| order.created_at < until)
}

fn every_filter_shows_what_it_names(store: &Arc<dyn Store>) {
    let (shop, other) = (open_shop(store, "Bazaar"), open_shop(store, "Other"));
    let bell = product(&other, "Bell", "1", None);
    place(&other, Role::Customer, &[(bell, 1)]).unwrap();
    let [a, b] = ["A", "B"].map(|name| product(&shop, name, "5", None));
    let mut times = vec![None];
    for (status, who) in
        OrderStatus::ALL.iter().flat_map(|to| [(*to, &shop.customer), (*to, &shop.neighbour)])
    {
        for lines in [&[(a, 1)][..], &[(b, 1)], &[(b, 1), (a, 1)]] {
            let wish = order_of(lines);
            let order = shop.act_as(who, |cx| place_order(cx, wish)).unwrap();
            times.push(Some(order.created_at));
            inside(&shop, move |tx, now| {
                let mut order = order;
                (order.status, order.updated_at) = (status, now);
                tx.orders().update(&order)
            })
            .unwrap();
        }
        shop.clock.advance(1);
    }
    times.dedup();
    let customers =
        [None, Some(shop.customer.user.id), Some(shop.neighbour.user.id), Some(shop.staff.user.id)];
    let statuses: Vec<_> = OrderStatus::ALL.into_iter().map(Some).chain([None]).collect();
    inside(&shop, move |tx, _| {
        let all = page(tx, &OrderFilter::default())?;
        assert_eq!(all.len(), 30);
        let check = |tx: &mut dyn TenantTx, filter: OrderFilter| {
            let expected: Vec<_> = all.iter().filter(|order| shows(&filter, order)).cloned().collect();
            assert_eq!(page(tx, &filter)?, expected, "{filter:?}");
            Ok(())
        };
        for (status, customer) in
            statuses.iter().flat_map(|status| customers.map(|customer| (*status, customer)))
        {
            for product in [None, Some(a), Some(b), Some(bell)] {
                check(tx, OrderFilter { status, customer, product, ..OrderFilter::default() })?;
            }
        }
        for number in [None, Some(1000), Some(1001), Some(1030), Some(1031), Some(-1)] {
            for status in &statuses {
                check(tx, OrderFilter { number, status: *status, ..OrderFilter::default() })?;
            }
        }
        for created_after in &times {
            for created_before in &times {
                let (created_after, created_before) = (*created_after, *created_before);
                check(tx, OrderFilter { created_after, created_before, ..OrderFilter::default() })?;
            }
        }
        Ok(())
    })
    .unwrap();
}

fn the_history_of_an_order_is_what_happened_to_it_alone(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = product(&shop, "Lamp", "5", Some(1000));
    // Other orders, and a product that may have the order's number.
    let [before, order, after] = [1, 2, 3].map(|n| place(&shop, Role::Customer, &[(lamp, n)]).unwrap().id);
    shop.act(Role::Staff, move |cx| {
        cancel_order(cx, before)?;
        update_order(
            cx,
            order,
            OrderPatch { status: Some(OrderStatus::Confirmed), ..OrderPatch::default() },
        )?;
        cancel_order(cx, order)?;
        cancel_order(cx, after)
    })
    .unwrap();
    let history = |role, id| shop.act(role, move |cx| read_history(cx, id));
    let told: Vec<_> = history(Role::Staff, order)
        .unwrap()
        .into_iter()
        .map(|row| {
            assert_eq!(row.entry.object, Some(Object::Order(order)));
            (row.entry.action, row.entry.actor_name)
        })
        .collect();
    let by = |action, name: &str| (action, name.to_owned());
    assert_eq!(
        told,
        [
            by(Action::PlaceOrder, "customer"),
            by(Action::UpdateOrder, "staff"),
            by(Action::CancelOrder, "staff")
        ]
    );
    assert!(matches!(history(Role::Customer, order), Err(Error::Forbidden(Denied::Role))));
    assert!(matches!(history(Role::Owner, OrderId::new(987_654)), Err(Error::NotFound)));
    shop.act(Role::Owner, move |cx| delete_order(cx, order)).unwrap();
    assert!(matches!(history(Role::Owner, order), Err(Error::NotFound)), "nor of one that is hidden");

    shop.act(Role::Owner, move |cx| {
        let id = place_order(
            cx,
            PlaceOrder { customer: Some(cx.known()?.user().unwrap()), ..order_of(&[(lamp, 1)]) },
        )?
        .id;
        for n in 1..=201 {
            update_order(cx, id, changes(&[(lamp, 1 + n % 2)]))?;
        }
        let history = read_history(cx, id)?;
        assert_eq!((history.len(), history[0].entry.action), (200, Action::PlaceOrder), "the first ones");
        Ok(())
    })
    .unwrap();
}

fn the_last_pieces_are_sold_once(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = product(&shop, "Lamp", "5", Some(5));
    let bought = at_once(8, |_| place(&shop, Role::Customer, &[(lamp, 1)]));
    let (sold, refused): (Vec<_>, Vec<_>) = bought.into_iter().partition(Result::is_ok);
    let numbers: BTreeSet<_> = sold.into_iter().map(|order| order.unwrap().number).collect();
    assert_eq!(numbers, (1001..=1005).collect(), "neither gap nor twin");
    assert_eq!(refused.len(), 3);
    for refused in refused {
        assert_eq!(conflict(refused), Conflict::InsufficientStock { product: lamp, available: 0 });
    }
    assert_eq!(stock(&shop, lamp), 0);
}

fn orders_crossing_each_other_all_get_through(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let [a, b] = ["A", "B"].map(|name| product(&shop, name, "5", Some(100)));
    let placed = at_once(8, |number| {
        let lines = if number % 2 == 0 { [(a, 2), (b, 1)] } else { [(b, 1), (a, 2)] };
        let order = place(&shop, Role::Customer, &lines)?;
        let lines = if number % 2 == 0 { [(b, 2), (a, 1)] } else { [(a, 1), (b, 2)] };
        shop.act(Role::Staff, move |cx| update_order(cx, order.id, changes(&lines)))
    });
    assert_eq!(count_ok(&placed), 8, "{placed:?}");
    assert_eq!((stock(&shop, a), stock(&shop, b)), (92, 84));
}

fn stock_comes_back_once_however_many_cancel(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = product(&shop, "Lamp", "5", Some(5));
    let id = place(&shop, Role::Customer, &[(lamp, 3)]).unwrap().id;
    let cancelled = at_once(4, |number| {
        let role = if number % 2 == 0 { Role::Customer } else { Role::Staff };
        shop.act(role, move |cx| cancel_order(cx, id))
    });
    assert_eq!(count_ok(&cancelled), 4, "cancelling what is cancelled is no error: {cancelled:?}");
    assert_eq!(stock(&shop, lamp), 5);
}

fn one_of_two_contrary_moves_wins(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let lamp = product(&shop, "Lamp", "5", Some(5));
    let id = place(&shop, Role::Customer, &[(lamp, 3)]).unwrap().id;
    let confirm = OrderPatch { lines: None, status: Some(OrderStatus::Confirmed) };
    shop.act(Role::Staff, move |cx| update_order(cx, id, confirm)).unwrap();
    let moved = at_once(2, |number| {
        let to = if number == 0 { OrderStatus::Shipped } else { OrderStatus::Cancelled };
        let patch = OrderPatch { lines: None, status: Some(to) };
        shop.act(Role::Staff, move |cx| update_order(cx, id, patch))
    });
    assert_eq!(count_ok(&moved), 1, "{moved:?}");
    let left = if find(&shop, id).unwrap().status == OrderStatus::Shipped { 2 } else { 5 };
    assert_eq!(stock(&shop, lamp), left);
}
