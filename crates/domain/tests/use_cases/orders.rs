use crate::{conflict, denied, faulty_field, is_not_found, product, shop, stock_of};
use haat_domain::authz::Role;
use haat_domain::catalog::{ProductPatch, ProductStatus, Stock, delete_product, update_product};
use haat_domain::error::{Conflict, Denied, Error, Result};
use haat_domain::ids::{OrderId, ProductId};
use haat_domain::orders::*;
use haat_domain::testing::*;

fn place(shop: &TestShop, lines: &[(ProductId, i64)]) -> Result<Order> {
    let wish = order_of(lines);
    shop.act(Role::Customer, |cx| place_order(cx, wish))
}

fn change(shop: &TestShop, id: OrderId, patch: OrderPatch) -> Result<Order> {
    shop.act(Role::Staff, move |cx| update_order(cx, id, patch))
}

fn move_to(shop: &TestShop, id: OrderId, status: OrderStatus) -> Result<Order> {
    change(shop, id, OrderPatch { lines: None, status: Some(status) })
}

fn cancel(shop: &TestShop, role: Role, id: OrderId) -> Result<Order> {
    shop.act(role, move |cx| cancel_order(cx, id))
}

fn set_product(shop: &TestShop, id: ProductId, patch: ProductPatch) {
    shop.act(Role::Owner, move |cx| update_product(cx, id, patch)).unwrap();
}

fn costing(amount: &str) -> ProductPatch {
    ProductPatch { price: Some(details("x", amount, None).price), ..ProductPatch::default() }
}

#[test]
fn the_total_is_computed_from_the_prices_of_this_moment() {
    let shop = shop();
    let (lamp, bell) = (product(&shop, "Lamp", "999.99", None).id, product(&shop, "Bell", "0.01", None).id);
    let order = place(&shop, &[(lamp, 3), (bell, 5)]).unwrap();
    assert_eq!(order.total.to_string(), "3000.02");
    assert_eq!((order.status, order.customer), (OrderStatus::Pending, shop.customer.user.id));
    set_product(&shop, lamp, costing("1"));
    let id = order.id;
    assert_eq!(shop.act(Role::Customer, move |cx| read_order(cx, id)).unwrap(), order, "and frozen");
}

#[test]
fn the_same_product_twice_is_one_line() {
    let shop = shop();
    let (lamp, bell) = (product(&shop, "Lamp", "5", Some(9)).id, product(&shop, "Bell", "1", None).id);
    let order = place(&shop, &[(lamp, 2), (bell, 1), (lamp, 3)]).unwrap();
    let lines: Vec<_> = order.lines.iter().map(|line| (line.product, line.quantity.get())).collect();
    assert_eq!(lines, [(lamp, 5), (bell, 1)]);
    assert_eq!(faulty_field(place(&shop, &[(bell, 1_000_000), (bell, 1)])), "quantity");
}

#[test]
fn an_order_has_between_one_and_a_hundred_lines() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", None).id;
    assert_eq!(faulty_field(place(&shop, &[])), "lines");
    assert_eq!(faulty_field(place(&shop, &[(lamp, 1); 101])), "lines");
    let id = place(&shop, &[(lamp, 1); 100]).unwrap().id;
    assert_eq!(faulty_field(change(&shop, id, changes(&[]))), "lines");
}

#[test]
fn what_cannot_be_ordered_is_told_before_what_is_short() {
    let shop = shop();
    let short = product(&shop, "Short", "5", Some(1)).id;
    let [draft, archived, deleted] =
        ["Draft", "Archived", "Deleted"].map(|name| product(&shop, name, "5", None).id);
    for (id, status) in [(draft, ProductStatus::Draft), (archived, ProductStatus::Archived)] {
        set_product(&shop, id, ProductPatch { status: Some(status), ..ProductPatch::default() });
    }
    shop.act(Role::Owner, move |cx| delete_product(cx, deleted)).unwrap();
    let mut wish = order_of(&[(short, 2), (draft, 1), (archived, 1), (deleted, 1)]);
    for (number, line) in wish.lines.iter_mut().enumerate() {
        line.field = format!("lines[{number}].product");
    }
    let refused = shop.act(Role::Staff, |cx| place_order(cx, wish));
    assert_eq!(faulty_field(refused), "lines[1].product, lines[2].product, lines[3].product");
    let refused = conflict(place(&shop, &[(short, 2)]));
    assert_eq!(refused, Conflict::InsufficientStock { product: short, available: 1 });
}

#[test]
fn a_customer_sees_and_cancels_own_orders_only() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", None).id;
    let id = place(&shop, &[(lamp, 1)]).unwrap().id;
    assert!(is_not_found(&shop.act_as(&shop.neighbour, move |cx| read_order(cx, id))));
    assert!(is_not_found(&shop.act_as(&shop.neighbour, move |cx| cancel_order(cx, id))));
    let list = |member: &Member, filter: OrderFilter| {
        shop.act_as(member, move |cx| list_orders(cx, filter, &first_page("id"))).unwrap().items.len()
    };
    let of_customer = OrderFilter { customer: Some(shop.customer.user.id), ..OrderFilter::default() };
    assert_eq!(list(&shop.neighbour, OrderFilter::default()), 0);
    assert_eq!(list(&shop.neighbour, of_customer.clone()), 0);
    assert_eq!(list(&shop.customer, OrderFilter::default()), 1);
    assert_eq!(list(&shop.staff, of_customer), 1);
    assert_eq!(
        denied(shop.act(Role::Customer, move |cx| update_order(cx, id, OrderPatch::default()))),
        Denied::Role
    );
    assert_eq!(denied(shop.act(Role::Customer, move |cx| delete_order(cx, id))), Denied::Role);
    assert_eq!(cancel(&shop, Role::Customer, id).unwrap().status, OrderStatus::Cancelled);
}

#[test]
fn a_customer_orders_for_nobody_else() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", None).id;
    let wish = PlaceOrder { customer: Some(shop.neighbour.user.id), ..order_of(&[(lamp, 1)]) };
    let own = {
        let wish = wish.clone();
        shop.act(Role::Customer, |cx| place_order(cx, wish)).unwrap()
    };
    assert_eq!(own.customer, shop.customer.user.id, "whatever the request says");
    let theirs = shop.act(Role::Staff, |cx| place_order(cx, wish)).unwrap();
    assert_eq!((theirs.customer, theirs.placed_by), (shop.neighbour.user.id, Some(shop.staff.user.id)));
}

#[test]
fn a_customer_cancels_while_the_order_is_pending() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", Some(5)).id;
    let id = place(&shop, &[(lamp, 2)]).unwrap().id;
    for status in [OrderStatus::Confirmed, OrderStatus::Shipped, OrderStatus::Delivered] {
        move_to(&shop, id, status).unwrap();
        let refused = conflict(cancel(&shop, Role::Customer, id));
        assert_eq!(refused, Conflict::IllegalTransition { from: status, allowed: &[] });
    }
    let id = place(&shop, &[(lamp, 2)]).unwrap().id;
    cancel(&shop, Role::Customer, id).unwrap();
    cancel(&shop, Role::Customer, id).expect("done already");
    assert_eq!(stock_of(&shop, lamp), Some(3));
}

#[test]
fn staff_cancel_until_it_is_shipped_and_stock_comes_back_once() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", Some(5)).id;
    let id = place(&shop, &[(lamp, 2)]).unwrap().id;
    move_to(&shop, id, OrderStatus::Confirmed).unwrap();
    cancel(&shop, Role::Staff, id).unwrap();
    move_to(&shop, id, OrderStatus::Cancelled).unwrap();
    shop.act(Role::Staff, move |cx| delete_order(cx, id)).unwrap();
    assert_eq!(stock_of(&shop, lamp), Some(5));

    let id = place(&shop, &[(lamp, 2)]).unwrap().id;
    for status in [OrderStatus::Confirmed, OrderStatus::Shipped] {
        move_to(&shop, id, status).unwrap();
    }
    let refused =
        Conflict::IllegalTransition { from: OrderStatus::Shipped, allowed: &[OrderStatus::Delivered] };
    assert_eq!(conflict(cancel(&shop, Role::Staff, id)), refused);
    assert_eq!(conflict(shop.act(Role::Staff, move |cx| delete_order(cx, id))), refused);
    assert_eq!(stock_of(&shop, lamp), Some(3));
}

#[test]
fn a_move_already_made_changes_nothing() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", None).id;
    let id = place(&shop, &[(lamp, 1)]).unwrap().id;
    shop.clock.advance(1);
    let confirmed = move_to(&shop, id, OrderStatus::Confirmed).unwrap();
    shop.clock.advance(1);
    assert_eq!(move_to(&shop, id, OrderStatus::Confirmed).unwrap(), confirmed, "the time of change included");
}

#[test]
fn what_stays_in_an_order_keeps_its_price_and_what_is_new_comes_at_todays() {
    let shop = shop();
    let (lamp, bell) = (product(&shop, "Lamp", "5", Some(9)).id, product(&shop, "Bell", "1", Some(9)).id);
    let id = place(&shop, &[(lamp, 1)]).unwrap().id;
    set_product(&shop, lamp, costing("50"));
    set_product(&shop, bell, costing("2"));
    let changed = change(&shop, id, changes(&[(bell, 1), (lamp, 3)])).unwrap();
    assert_eq!(changed.total.to_string(), "17.00");
    assert_eq!((stock_of(&shop, lamp), stock_of(&shop, bell)), (Some(6), Some(8)));
    let back = change(&shop, id, changes(&[(bell, 1)])).unwrap();
    assert_eq!(back.total.to_string(), "2.00");
    assert_eq!(stock_of(&shop, lamp), Some(9));
}

#[test]
fn an_order_of_one_line_changes_by_product_or_quantity_alone() {
    let shop = shop();
    let (lamp, bell) = (product(&shop, "Lamp", "5", Some(9)).id, product(&shop, "Bell", "1", Some(9)).id);
    let single = |product, count: Option<i64>| OrderPatch {
        lines: Some(LinesChange::Single { product, quantity: count.map(quantity) }),
        status: None,
    };
    let id = place(&shop, &[(lamp, 1)]).unwrap().id;
    let more = change(&shop, id, single(None, Some(4))).unwrap();
    assert_eq!((more.total.to_string(), stock_of(&shop, lamp)), ("20.00".to_owned(), Some(5)));
    let other = change(&shop, id, single(Some(bell), None)).unwrap();
    assert_eq!(
        (other.total.to_string(), stock_of(&shop, lamp), stock_of(&shop, bell)),
        ("4.00".to_owned(), Some(9), Some(5))
    );
    let short = conflict(change(&shop, id, single(None, Some(10))));
    assert_eq!(short, Conflict::InsufficientStock { product: bell, available: 5 });
    let two = place(&shop, &[(lamp, 1), (bell, 1)]).unwrap().id;
    assert_eq!(faulty_field(change(&shop, two, single(None, Some(2)))), "lines");
}

#[test]
fn lines_and_status_change_together_or_not_at_all() {
    let shop = shop();
    let lamp = product(&shop, "Lamp", "5", Some(9)).id;
    let id = place(&shop, &[(lamp, 1)]).unwrap().id;
    let both = |count, status| OrderPatch { status: Some(status), ..changes(&[(lamp, count)]) };
    let refused = conflict(change(&shop, id, both(2, OrderStatus::Delivered)));
    assert!(matches!(refused, Conflict::IllegalTransition { .. }));
    assert_eq!(stock_of(&shop, lamp), Some(8));
    let moved = change(&shop, id, both(2, OrderStatus::Confirmed)).unwrap();
    assert_eq!((moved.status, moved.total.to_string()), (OrderStatus::Confirmed, "10.00".to_owned()));
    let late = conflict(change(&shop, id, changes(&[(lamp, 3)])));
    assert_eq!(late, Conflict::OrderNotPending { status: OrderStatus::Confirmed });
}

#[test]
fn an_order_goes_on_when_its_product_is_no_longer_sold_or_counted() {
    let shop = shop();
    let [gone, uncounted, counted] = ["A", "B", "C"].map(|name| product(&shop, name, "5", Some(9)).id);
    let uncounted_first = product(&shop, "D", "5", None).id;
    let id = place(&shop, &[(gone, 1), (uncounted, 1), (counted, 1), (uncounted_first, 1)]).unwrap().id;
    shop.act(Role::Owner, move |cx| delete_product(cx, gone)).unwrap();
    set_product(&shop, uncounted, ProductPatch { stock: Some(None), ..ProductPatch::default() });
    let counting = ProductPatch { stock: Some(Some(Stock::parse(4).unwrap())), ..ProductPatch::default() };
    set_product(&shop, uncounted_first, counting);
    let more = |gone_now| changes(&[(gone, gone_now), (uncounted, 20), (counted, 2), (uncounted_first, 2)]);
    // Of what is no longer sold the order keeps what it has, and gets no more.
    assert!(matches!(change(&shop, id, more(2)), Err(Error::Invalid(_))));
    change(&shop, id, more(1)).unwrap();
    assert_eq!((stock_of(&shop, uncounted), stock_of(&shop, uncounted_first)), (None, Some(4)));
    cancel(&shop, Role::Staff, id).unwrap();
    assert_eq!((stock_of(&shop, uncounted), stock_of(&shop, uncounted_first)), (None, Some(4)));
    assert_eq!(stock_of(&shop, counted), Some(9));
}
