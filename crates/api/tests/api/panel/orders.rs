//! Orders: placing one, moving it, printing it, and whose they are.

use super::html::{form, links, main, rows, section, tags, words};
use crate::support::{World, number};
use serde_json::json;

cases! {
    a_form_sent_twice_makes_one_order,
    an_order_is_looked_at_before_it_is_placed,
    a_customers_page_has_their_orders_and_nobody_elses,
    a_move_from_a_state_that_is_over_does_nothing,
    a_removed_order_is_in_no_list_and_its_pieces_are_back,
    what_cannot_be_is_not_asked_about,
    an_order_is_printed_without_what_is_around_it,
}

fn a_form_sent_twice_makes_one_order(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Lamp", "10.00", Some(5)).to_string();
    let visitor = world.panel(&shop.staff.username, "Alpha");
    let page = visitor.get("/orders/new/").must(200);
    let wish = [
        ("customer", shop.customer.username.as_str()),
        ("product-1", product.as_str()),
        ("quantity-1", "2"),
        ("do", "place"),
    ];
    let first = visitor.send_form(&page, "/orders/new/", &wish).must(303);
    let second = visitor.send_form(&page, "/orders/new/", &wish).must(303);
    assert_eq!(first.place(), second.place());
    assert_eq!(shop.stock(product.parse().unwrap()), 3);
    // The same form with something else in it: they are told, and only if they send it again it is another order.
    let mut more = wish;
    more[2] = ("quantity-1", "3");
    let told = visitor.send_form(&page, "/orders/new/", &more).must(400);
    assert!(told.text.contains("You have sent this form before"), "{}", told.text);
    assert_eq!(shop.stock(product.parse().unwrap()), 3);
    let third = visitor.send_form(&told, "/orders/new/", &[("do", "place")]).must(303);
    assert_ne!(third.place(), first.place());
    assert_eq!(shop.stock(product.parse().unwrap()), 0);
    let placed = shop.owner.get("/api/orders/").must(200).json;
    assert_eq!(placed.as_array().unwrap().len(), 2);
    assert!(placed.as_array().unwrap().iter().all(|order| number(&order["customer"]) == shop.customer.id));
}

fn an_order_is_looked_at_before_it_is_placed(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Lamp", "10.50", Some(5)).to_string();
    let visitor = world.panel(&shop.staff.username, "Alpha");
    let wish = [("customer", shop.customer.username.as_str()), ("product-1", &product), ("quantity-1", "2")];
    let seen = visitor.fill_in("/orders/new/", "/orders/new/", &wish).must(200);
    assert_eq!(rows(&seen.text), [["Lamp", "₹10.50", "2", "5", "₹21.00"]]);
    assert_eq!(shop.stock(product.parse().unwrap()), 5, "looking at it has placed it");
    let placed = visitor.send_form(&seen, "/orders/new/", &[("do", "place")]).must(303);
    let page = visitor.follow(&placed).must(200).text;
    assert!(words(main(&page)).contains(&format!("Placed by {}", shop.staff.username)), "{page}");
    for (field, value) in [("customer", "nobody"), ("product-1", "987654321"), ("quantity-1", "0")] {
        let mut bad = wish.to_vec();
        bad.retain(|(name, _)| *name != field);
        bad.push((field, value));
        let refused = visitor.fill_in("/orders/new/", "/orders/new/", &bad).must(400);
        assert!(refused.text.contains(&format!("href=\"#field-{field}\"")), "{field}: {}", refused.text);
    }
}

fn a_customers_page_has_their_orders_and_nobody_elses(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Lamp", "10.00", None);
    let (first, second) = (shop.order(product, 1), shop.order(product, 2));
    let wish = json!({"product": product, "quantity": 7});
    let others = shop.other.post("/api/orders/", &wish).must(201);
    let visitor = world.panel(&shop.staff.username, "Alpha");
    let of = |id: i64| {
        let page = visitor.get(&format!("/customers/{id}/")).must(200).text;
        rows(&page).iter().map(|row| (row[0].clone(), row[2].clone())).collect::<Vec<_>>()
    };
    let told = |order: i64, name: &str| {
        let order = shop.owner.get(&format!("/api/orders/{order}/")).must(200).json;
        (order["number"].to_string(), name.to_owned())
    };
    let name = &shop.customer.username;
    assert_eq!(of(shop.customer.id), [told(second, name), told(first, name)]);
    assert_eq!(of(shop.other.id), [told(others.id(), &shop.other.username)]);
    // Owner and staff are no customers.
    visitor.get(&format!("/customers/{}/", shop.staff.id)).must(404);
}

fn a_move_from_a_state_that_is_over_does_nothing(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Lamp", "10.00", Some(5));
    let order = shop.order(product, 2);
    let visitor = world.panel(&shop.staff.username, "Alpha");
    let (path, to) = (format!("/orders/{order}/"), format!("/orders/{order}/move/"));
    let seen = visitor.get(&path).must(200);
    let cancel = visitor.get(&format!("{path}cancel/")).must(200);
    visitor.send_form(&seen, &to, &[]).must(303);
    let status = || shop.owner.get(&format!("/api{path}")).must(200).text_of("status").to_owned();
    assert_eq!(status(), "confirmed");
    // The page on which it was pending is still open elsewhere.
    let late = visitor.send_form(&cancel, &to, &[]).must(409);
    assert!(late.text.contains("Somebody else has changed this meanwhile."), "{}", late.text);
    assert_eq!((status().as_str(), shop.stock(product)), ("confirmed", 3.into()));
    // Pressed twice, it was moved once, and that is what they wanted.
    visitor.send_form(&seen, &to, &[]).must(303);
    assert_eq!(status(), "confirmed");
    let history = section(&visitor.get(&path).must(200).text, "History").matches("<li>").count();
    assert_eq!(history, 2, "placed, and confirmed once");
}

fn a_removed_order_is_in_no_list_and_its_pieces_are_back(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Lamp", "10.00", Some(5));
    let (order, kept) = (shop.order(product, 2), shop.order(product, 1));
    let visitor = world.panel(&shop.staff.username, "Alpha");
    let path = format!("/orders/{order}/delete/");
    let gone = visitor.fill_in(&path, &path, &[]).must(303);
    let list = visitor.follow(&gone).must(200).text;
    assert!(list.contains("The order was cancelled and hidden."), "{list}");
    let number = shop.owner.get(&format!("/api/orders/{kept}/")).must(200).json["number"].to_string();
    assert_eq!(rows(&list).iter().map(|row| row[0].clone()).collect::<Vec<_>>(), [number]);
    visitor.get(&format!("/orders/{order}/")).must(404);
    assert_eq!(shop.stock(product), 4);
}

fn what_cannot_be_is_not_asked_about(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Lamp", "10.00", None);
    let visitor = world.panel(&shop.staff.username, "Alpha");
    let (gone, cancelled) = (shop.order(product, 1), shop.order(product, 1));
    for status in ["confirmed", "shipped"] {
        shop.staff.patch(&format!("/api/orders/{gone}/"), &json!({"status": status})).must(200);
    }
    shop.customer.post(&format!("/api/orders/{cancelled}/cancel/"), &json!({})).must(200);
    for (order, question, said) in [
        (gone, "cancel", "An order that is shipped cannot be moved there."),
        (gone, "delete", "An order that is shipped cannot be moved there."),
        (cancelled, "cancel", "An order that is cancelled cannot be moved there."),
    ] {
        let page = visitor.get(&format!("/orders/{order}/{question}/")).must(409).text;
        assert!(words(main(&page)).contains(said), "{page}");
        assert!(form(&page, &format!("/admin/orders/{order}/delete/")).is_none(), "{page}");
        // Neither is it offered.
        let page = visitor.get(&format!("/orders/{order}/")).must(200).text;
        assert!(!links(&page).iter().any(|(_, to)| *to == format!("/orders/{order}/{question}/")), "{page}");
    }
    let page = visitor.get(&format!("/orders/{cancelled}/delete/")).must(200).text;
    assert!(!words(main(&page)).contains("It is cancelled"), "it has been for a while: {page}");
}

/// The page has what the style sheet's rules for paper ask for; what comes of them is looked at in a browser.
fn an_order_is_printed_without_what_is_around_it(world: &World) {
    let shop = world.open("Alpha");
    let order = shop.order(shop.product("Lamp", "10.00", None), 2);
    let visitor = world.panel(&shop.staff.username, "Alpha");
    let page = visitor.get(&format!("/orders/{order}/")).must(200).text;
    let (before, paper) = page.split_once("<div class=\"paper\">").expect("the order as it is printed");
    let number = shop.owner.get(&format!("/api/orders/{order}/")).must(200).json["number"].to_string();
    let said = words(paper.split("<section").next().unwrap());
    for told in
        ["Alpha", &format!("Order {number}"), &shop.customer.username, "Lamp", "₹10.00", "Total ₹20.00"]
    {
        assert!(said.contains(told), "{told:?} is not on paper: {said}");
    }
    assert!(
        form(paper.split("<section").next().unwrap(), "").is_none() && !said.contains("Cancel"),
        "{said}"
    );
    let print = tags(before).into_iter().find(|tag| tag.get("data-print").is_some()).expect("a button");
    assert!(print.get("hidden").is_some(), "a button that does nothing without scripts");
    let style = tags(&page).into_iter().find(|tag| tag.get("rel") == Some("stylesheet")).unwrap();
    let style = visitor.get(style.get("href").unwrap().strip_prefix("/admin").unwrap()).must(200).text;
    let paper = style.split_once("@media print").expect("rules for paper").1;
    assert!(paper.contains("main:has(.paper)") && paper.contains("display: none"), "{paper}");
}
