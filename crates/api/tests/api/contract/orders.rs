//! Orders, and their way from pending to delivered.

use crate::support::{Shop, World};
use serde_json::{Value, json};

cases! {
    an_order_of_one_line_is_told_in_short,
    an_order_of_many_lines_is_summed,
    orders_are_numbered_in_their_store,
    an_order_goes_its_way_and_no_other,
    cancelling_returns_the_stock_once,
    a_customer_cancels_while_it_is_pending,
    a_changed_quantity_moves_total_and_stock,
    other_lines_keep_old_prices_and_take_new_ones,
    an_order_sent_back_as_it_was_received_changes_nothing,
    no_more_is_taken_of_what_is_not_for_sale,
    returned_pieces_never_make_a_product_unreadable,
    deleting_cancels_and_hides,
    lists_are_filtered,
}

fn path(order: i64) -> String {
    format!("/api/orders/{order}/")
}

fn an_order_of_one_line_is_told_in_short(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "19.99", Some(10));
    let order = shop.customer.post("/api/orders/", &json!({"product": product, "quantity": 3})).must(201);
    let members: Vec<_> = order.json.as_object().unwrap().keys().cloned().collect();
    let all = [
        "created_at",
        "currency",
        "customer",
        "id",
        "lines",
        "number",
        "product",
        "quantity",
        "status",
        "tenant",
        "total_price",
        "updated_at",
    ];
    assert_eq!(members, all);
    assert_eq!((&order.json["product"], &order.json["quantity"]), (&json!(product), &json!(3)));
    assert_eq!((order.text_of("total_price"), order.text_of("status")), ("59.97", "pending"));
    let line = json!({"product": product, "sku": null, "name": "Cup", "unit_price": "19.99", "quantity": 3,
        "line_total": "59.97"});
    assert_eq!(order.json["lines"], json!([line]));
    assert_eq!(shop.stock(product), json!(7));
    for client in [&shop.customer, &shop.staff, &shop.owner] {
        assert_eq!(client.get(&path(order.id())).must(200).json, order.json);
    }
    // A price that changes later changes no order.
    shop.owner.patch(&format!("/api/products/{product}/"), &json!({"price": "1"})).must(200);
    assert_eq!(shop.customer.get(&path(order.id())).must(200).json, order.json);
}

fn an_order_of_many_lines_is_summed(world: &World) {
    let shop = world.open("Alpha");
    let (cup, pot) = (shop.product("Cup", "0.10", Some(10)), shop.product("Pot", "0.20", None));
    let lines = json!({"lines": [{"product": pot, "quantity": 1}, {"product": cup, "quantity": 2},
        {"product": pot, "quantity": 4}]});
    let order = shop.customer.post("/api/orders/", &lines).must(201).json;
    assert_eq!((&order["product"], &order["quantity"]), (&Value::Null, &Value::Null));
    assert_eq!(order["total_price"], "1.20");
    let lines = order["lines"].as_array().unwrap();
    let told: Vec<_> = lines.iter().map(|line| (&line["product"], &line["quantity"])).collect();
    assert_eq!(told, [(&json!(pot), &json!(5)), (&json!(cup), &json!(2))]);
    assert_eq!(shop.stock(cup), json!(8));
}

fn orders_are_numbered_in_their_store(world: &World) {
    for name in ["Alpha", "Beta"] {
        let shop = world.open(name);
        let product = shop.product("Cup", "1.00", Some(2));
        for number in 1001..1003 {
            let order = shop.order(product, 1);
            assert_eq!(shop.owner.get(&path(order)).json["number"], number);
        }
        shop.customer
            .post("/api/orders/", &json!({"product": product, "quantity": 1}))
            .refused(409, "insufficient_stock");
    }
}

fn move_to(shop: &Shop, order: i64, status: &str) -> crate::support::Answer {
    shop.staff.patch(&path(order), &json!({ "status": status }))
}

fn an_order_goes_its_way_and_no_other(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", None);
    let order = shop.order(product, 1);
    let all = ["pending", "confirmed", "shipped", "delivered", "cancelled"];
    let ways: [(&str, &[&str]); 4] = [
        ("pending", &["confirmed", "cancelled"]),
        ("confirmed", &["shipped", "cancelled"]),
        ("shipped", &["delivered"]),
        ("delivered", &[]),
    ];
    for (from, allowed) in ways {
        let here = move_to(&shop, order, from).must(200);
        assert_eq!(here.text_of("status"), from);
        let again = move_to(&shop, order, from).must(200);
        assert_eq!(again.json, here.json, "a move made twice is made once");
        for wrong in all.iter().filter(|to| **to != from && !allowed.contains(to)) {
            let refused = move_to(&shop, order, wrong).refused(409, "illegal_transition");
            assert_eq!(refused.json["allowed"], json!(allowed), "{from} to {wrong}");
        }
    }
    shop.owner.delete(&path(order)).refused(409, "illegal_transition");
    move_to(&shop, order, "lost").faults(&["status"]);
    let cancelled = shop.order(product, 1);
    move_to(&shop, cancelled, "cancelled").must(200);
    let back = move_to(&shop, cancelled, "pending").refused(409, "illegal_transition");
    assert_eq!(back.json["allowed"], json!([]));
}

fn cancelling_returns_the_stock_once(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(5));
    let order = shop.order(product, 3);
    assert_eq!(shop.stock(product), json!(2));
    move_to(&shop, order, "confirmed").must(200);
    for _ in 0..2 {
        let answer = shop.staff.post(&format!("{}cancel/", path(order)), &json!({})).must(200);
        assert_eq!(answer.text_of("status"), "cancelled");
        assert_eq!(shop.stock(product), json!(5));
    }
}

fn a_customer_cancels_while_it_is_pending(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(5));
    let (first, second) = (shop.order(product, 1), shop.order(product, 1));
    for _ in 0..2 {
        shop.customer.call("POST", &format!("{}cancel/", path(first)), None).must(200);
    }
    move_to(&shop, second, "confirmed").must(200);
    let late = shop.customer.post(&format!("{}cancel/", path(second)), &json!({}));
    assert_eq!(late.refused(409, "illegal_transition").json["allowed"], json!([]));
    shop.customer.patch(&path(first), &json!({"status": "confirmed"})).refused(403, "permission_denied");
    assert_eq!(shop.stock(product), json!(4));
}

fn a_changed_quantity_moves_total_and_stock(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "2.50", Some(10));
    let order = shop.order(product, 4);
    let change = |quantity: i64| shop.staff.patch(&path(order), &json!({ "quantity": quantity }));
    for (quantity, total, left) in [(6, "15.00", 4), (1, "2.50", 9), (10, "25.00", 0), (10, "25.00", 0)] {
        let changed = change(quantity).must(200);
        assert_eq!((&changed.json["quantity"], changed.text_of("total_price")), (&json!(quantity), total));
        assert_eq!(shop.stock(product), json!(left));
    }
    let before = shop.owner.get(&path(order)).json;
    let short = change(11).refused(409, "insufficient_stock");
    assert_eq!(short.json["product"], product);
    assert_eq!((shop.owner.get(&path(order)).json, shop.stock(product)), (before, json!(0)));
    move_to(&shop, order, "confirmed").must(200);
    change(1).refused(409, "order_not_pending");
}

fn other_lines_keep_old_prices_and_take_new_ones(world: &World) {
    let shop = world.open("Alpha");
    let (cup, pot) = (shop.product("Cup", "1.00", Some(9)), shop.product("Pot", "5.00", Some(9)));
    let order = shop.order(cup, 2);
    for product in [cup, pot] {
        shop.owner.patch(&format!("/api/products/{product}/"), &json!({"price": "7"})).must(200);
    }
    let lines = json!({"lines": [{"product": pot, "quantity": 1}, {"product": cup, "quantity": 3}]});
    let changed = shop.staff.patch(&path(order), &lines).must(200);
    assert_eq!(changed.text_of("total_price"), "10.00");
    assert_eq!((shop.stock(cup), shop.stock(pot)), (json!(6), json!(8)));
    let lines = json!({"lines": [{"product": pot, "quantity": 2}], "status": "confirmed"});
    let changed = shop.staff.patch(&path(order), &lines).must(200);
    assert_eq!((changed.text_of("total_price"), changed.text_of("status")), ("14.00", "confirmed"));
    assert_eq!((shop.stock(cup), shop.stock(pot)), (json!(9), json!(7)));
}

fn deleting_cancels_and_hides(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(5));
    let order = shop.order(product, 2);
    shop.staff.delete(&path(order)).must(204);
    assert_eq!(shop.stock(product), json!(5));
    for client in [&shop.owner, &shop.customer] {
        client.get(&path(order)).refused(404, "not_found");
        assert_eq!(client.get("/api/orders/").must(200).json, json!([]));
    }
    shop.staff.delete(&path(order)).refused(404, "not_found");
}

fn lists_are_filtered(world: &World) {
    let shop = world.open("Alpha");
    let (cup, pot) = (shop.product("Cup", "1.00", None), shop.product("Pot", "5.00", None));
    let first = shop.order(cup, 1);
    shop.other.post("/api/orders/", &json!({"product": pot, "quantity": 1})).must(201);
    move_to(&shop, first, "confirmed").must(200);
    let placed = shop.owner.get(&path(first)).json["created_at"].as_str().unwrap().to_owned();
    let (cup_query, pot_query) = (format!("product={cup}"), format!("product={pot}&status=pending"));
    let (customer, after) = (format!("customer={}", shop.customer.id), format!("created_after={placed}"));
    let before = format!("created_before={placed}");
    for (query, count) in [
        ("status=confirmed", 1),
        ("status=shipped", 0),
        (&cup_query, 1),
        (&pot_query, 1),
        (&customer, 1),
        (&after, 2),
        (&before, 0),
        ("customer=987654", 0),
    ] {
        let rows = shop.staff.get(&format!("/api/orders/?{query}")).must(200).json;
        assert_eq!(rows.as_array().unwrap().len(), count, "{query}");
    }
    let wrong =
        "/api/orders/?status=lost&customer=x&product=y&created_after=yesterday&created_before=2026-13-01";
    let fields = ["created_after", "created_before", "customer", "product", "status"];
    shop.staff.get(wrong).faults(&fields);
}

fn an_order_sent_back_as_it_was_received_changes_nothing(world: &World) {
    let shop = world.open("Alpha");
    let order = shop.order(shop.product("Cup", "2.50", Some(10)), 4);
    let confirmed = move_to(&shop, order, "confirmed").must(200).json;
    assert_eq!(shop.staff.patch(&path(order), &confirmed).must(200).json, confirmed);
    let shipped = json!({"lines": confirmed["lines"], "status": "shipped"});
    assert_eq!(shop.staff.patch(&path(order), &shipped).must(200).text_of("status"), "shipped");
}

fn no_more_is_taken_of_what_is_not_for_sale(world: &World) {
    let shop = world.open("Alpha");
    for stock in [Some(10), None] {
        let product = shop.product("Cup", "2.50", stock);
        let order = shop.order(product, 4);
        shop.staff.delete(&format!("/api/products/{product}/")).must(204);
        shop.staff.patch(&path(order), &json!({"quantity": 5})).faults(&["product"]);
        shop.staff.patch(&path(order), &json!({"quantity": 3})).must(200);
    }
}

fn returned_pieces_never_make_a_product_unreadable(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "2.50", Some(10));
    let order = shop.order(product, 4);
    let item = format!("/api/products/{product}/");
    shop.staff.patch(&item, &json!({"stock": 1_000_000_000})).must(200);
    shop.customer.post(&format!("/api/orders/{order}/cancel/"), &json!({})).must(200);
    assert_eq!(shop.staff.get(&item).must(200).json["stock"], json!(1_000_000_004));
    shop.customer.get("/api/products/").must(200);
    shop.staff.patch(&item, &json!({"stock": 5})).must(200);
}
