//! What lists are asked for, and whether that changes what they show.

use super::html::{link, links, main, rows, words};
use super::visitor::Visitor;
use crate::promises::raw;
use crate::support::{Shop, World};
use haat_infra::testing::Engine;
use serde_json::json;

cases! {
    products_are_found_by_what_the_filters_say,
    products_are_sorted_by_the_heads_and_the_choice,
    products_go_on_on_the_next_page_with_the_same_filters,
    orders_are_found_by_what_the_filters_say,
    orders_are_sorted_by_the_heads,
    orders_go_on_on_the_next_page_with_the_same_filters,
    people_are_found_by_what_the_filters_say,
    a_faulty_filter_is_told_and_shows_no_list_for_an_answer,
}

/// A column of a list's page, without what stands below the first word of a cell.
fn column(page: &str, column: usize) -> Vec<String> {
    rows(page).iter().map(|row| row[column].split(' ').next().unwrap_or_default().to_owned()).collect()
}

/// The names of the products that the list shows.
fn products(visitor: &Visitor, query: &str) -> Vec<String> {
    column(&visitor.get(&format!("/products/{query}")).must(200).text, 1)
}

/// The numbers of the orders that the list shows.
fn orders(visitor: &Visitor, query: &str) -> Vec<String> {
    column(&visitor.get(&format!("/orders/{query}")).must(200).text, 0)
}

fn products_are_found_by_what_the_filters_say(world: &World) {
    let (shop, visitor) = world.staff();
    for (name, price, stock, sku, status) in [
        ("Lamp", "10.00", json!(9), "L-1", "active"),
        ("Lantern", "20.00", json!(2), "L-2", "active"),
        ("Cup", "30.00", json!(0), "C-1", "active"),
        ("Plate", "40.00", json!(null), "P-1", "draft"),
        ("Bowl", "50.00", json!(5), "B-1", "archived"),
    ] {
        let body = json!({"name": name, "price": price, "stock": stock, "sku": sku, "status": status});
        shop.owner.post("/api/products/", &body).must(201);
    }
    for (query, found) in [
        ("", vec!["Plate", "Cup", "Lantern", "Lamp"]),
        ("?search=la", vec!["Plate", "Lantern", "Lamp"]),
        ("?search=L-2", vec!["Lantern"]),
        ("?status=active", vec!["Cup", "Lantern", "Lamp"]),
        ("?status=draft", vec!["Plate"]),
        ("?status=archived", vec!["Bowl"]),
        ("?status=all", vec!["Bowl", "Plate", "Cup", "Lantern", "Lamp"]),
        ("?stock=in", vec!["Plate", "Lantern", "Lamp"]),
        ("?stock=out", vec!["Cup"]),
        ("?stock=low", vec!["Cup", "Lantern"]),
        ("?min_price=20&max_price=30.00", vec!["Cup", "Lantern"]),
        ("?search=la&status=active&max_price=15", vec!["Lamp"]),
    ] {
        assert_eq!(products(&visitor, query), found, "{query}");
    }
    // What was asked for stands in the fields, and one click asks for all.
    let page = visitor.get("/products/?search=la&status=active&stock=in&min_price=1&max_price=15").must(200);
    let kept = super::html::form(&page.text, "/admin/products/").unwrap();
    for (name, value) in
        [("search", "la"), ("status", "active"), ("stock", "in"), ("min_price", "1"), ("max_price", "15")]
    {
        assert!(kept.contains(&(name.to_owned(), value.to_owned())), "{name}: {kept:?}");
    }
    assert_eq!(link(main(&page.text), "Clear"), "/products/");
}

fn products_are_sorted_by_the_heads_and_the_choice(world: &World) {
    let (shop, visitor) = world.staff();
    for (name, price) in [("Beaker", "30.00"), ("Ashtray", "20.00"), ("Candle", "10.00"), ("Dog", "5.00")] {
        shop.product(name, price, None);
    }
    for (query, sorted) in [
        ("?ordering=created_at", ["Beaker", "Ashtray", "Candle", "Dog"]),
        ("?ordering=-created_at", ["Dog", "Candle", "Ashtray", "Beaker"]),
        ("?ordering=-id", ["Dog", "Candle", "Ashtray", "Beaker"]),
        ("?ordering=price", ["Dog", "Candle", "Ashtray", "Beaker"]),
        ("?ordering=-name", ["Dog", "Candle", "Beaker", "Ashtray"]),
    ] {
        assert_eq!(products(&visitor, query), sorted, "{query}");
    }
    // A head sorts what was found, and the other way round when it is clicked again.
    let mut page = visitor.get("/products/?min_price=10").must(200).text;
    for (head, sorted) in [
        ("Product", ["Ashtray", "Beaker", "Candle"]),
        ("Product", ["Candle", "Beaker", "Ashtray"]),
        ("Price (INR)", ["Candle", "Ashtray", "Beaker"]),
        ("Price (INR)", ["Beaker", "Ashtray", "Candle"]),
    ] {
        page = visitor.get(&link(main(&page), head)).must(200).text;
        assert_eq!(column(&page, 1), sorted, "{head}");
    }
    assert!(page.contains("aria-sort=\"descending\""));
}

/// Goes through all pages of a list, and back to the first. All names, in their order.
fn all_pages(visitor: &Visitor, first: &str, column_of: usize, kept: &[&str]) -> Vec<String> {
    let mut page = visitor.get(first).must(200).text;
    let mut all = column(&page, column_of);
    let start = all.clone();
    assert!(!links(main(&page)).iter().any(|(name, _)| name == "« First page"), "this is the first page");
    while let Some((_, next)) = links(main(&page)).into_iter().find(|(name, _)| name == "Next page »") {
        for wish in kept {
            assert!(next.contains(wish), "{next} has forgotten {wish}");
        }
        page = visitor.get(&next).must(200).text;
        all.extend(column(&page, column_of));
        assert!(all.len() < 500, "there is no end to it");
    }
    let back = visitor.get(&link(main(&page), "« First page")).must(200).text;
    assert_eq!(column(&back, column_of), start, "the first page is another one");
    all
}

fn products_go_on_on_the_next_page_with_the_same_filters(world: &World) {
    let (shop, visitor) = world.staff();
    let mut lamps = Vec::new();
    for n in 0..120 {
        let name = format!("{}{n:03}", if n % 10 == 0 { "Cup" } else { "Lamp" });
        shop.product(&name, "1.00", None);
        if name.starts_with("Lamp") {
            lamps.push(name);
        }
    }
    let kept = ["search=lamp", "ordering=name", "min_price=1"];
    let query = "/products/?search=lamp&ordering=name&min_price=1&stock=";
    assert_eq!(all_pages(&visitor, query, 1, &kept), lamps);
    // Another order begins at its own first page.
    let second = visitor.get(query).must(200).text;
    let second = visitor.get(&link(main(&second), "Next page »")).must(200).text;
    let other = link(main(&second), "Price (INR)");
    assert!(!other.contains("cursor") && other.contains("search=lamp"), "{other}");
}

/// When an order was placed, as if by SQL.
fn placed_on(world: &World, shop: &Shop, order: i64, day: &str) {
    let at = match world.engine() {
        Engine::Sqlite => format!("CAST(strftime('%s', '{day}') AS INTEGER) * 1000000"),
        Engine::Postgres => format!("TIMESTAMPTZ '{day}+00'"),
    };
    raw(world, shop.id).run(&format!("UPDATE orders SET created_at = {at} WHERE id = {order}")).unwrap();
}

fn orders_are_found_by_what_the_filters_say(world: &World) {
    let (shop, visitor) = world.staff();
    let (lamp, cup) = (shop.product("Lamp", "10.00", None), shop.product("Cup", "1.00", None));
    let first = shop.order(lamp, 1);
    let second = shop.order(cup, 2);
    let third = shop.other.post("/api/orders/", &json!({"product": lamp, "quantity": 3})).must(201).id();
    shop.staff.patch(&format!("/api/orders/{second}/"), &json!({"status": "confirmed"})).must(200);
    for (order, at) in
        [(first, "2024-02-28 12:00:00"), (second, "2024-02-29 23:30:00"), (third, "2024-03-01 12:00:00")]
    {
        placed_on(world, &shop, order, at);
    }
    let mail = format!("?customer={}%40example.com", shop.other.username);
    let found: [(&str, &[&str]); 12] = [
        ("", &["1003", "1002", "1001"]),
        ("?status=pending", &["1003", "1001"]),
        ("?status=confirmed", &["1002"]),
        ("?number=1002", &["1002"]),
        ("?number=77", &[]),
        (&format!("?customer={}", shop.customer.username), &["1002", "1001"]),
        (&mail, &["1003"]),
        (&format!("?product={lamp}"), &["1003", "1001"]),
        ("?from=2024-02-29", &["1003", "1002"]),
        ("?to=2024-02-29", &["1002", "1001"]),
        ("?from=2024-02-29&to=2024-02-29", &["1002"]),
        (&format!("?product={lamp}&status=pending&to=2024-02-28"), &["1001"]),
    ];
    for (query, numbers) in found {
        assert_eq!(orders(&visitor, query), numbers, "{query}");
    }
    // A day is the viewer's: half past eleven at night is tomorrow in Kolkata.
    visitor.keep("haat_zone", "Asia/Kolkata");
    assert_eq!(orders(&visitor, "?from=2024-03-01"), ["1003", "1002"]);
    // From a product one comes to its orders, and from there to those of all.
    let page =
        visitor.get(&link(main(&visitor.get(&format!("/products/{lamp}/")).text), "Its orders")).must(200);
    assert_eq!(column(&page.text, 0), ["1003", "1001"]);
    assert_eq!(
        orders(&visitor, link(main(&page.text), "Of any product").strip_prefix("/orders/").unwrap()).len(),
        3
    );
}

fn orders_are_sorted_by_the_heads(world: &World) {
    let (shop, visitor) = world.staff();
    let cup = shop.product("Cup", "1.00", None);
    for (quantity, at) in [(2, "2024-03-02 12:00:00"), (3, "2024-03-01 12:00:00"), (1, "2024-03-03 12:00:00")]
    {
        placed_on(world, &shop, shop.order(cup, quantity), at);
    }
    let mut page = visitor.get("/orders/?status=pending").must(200).text;
    for (head, sorted) in [
        ("Order", ["1001", "1002", "1003"]),
        ("Order", ["1003", "1002", "1001"]),
        ("Placed", ["1002", "1001", "1003"]),
        ("Placed", ["1003", "1001", "1002"]),
        ("Total", ["1003", "1001", "1002"]),
        ("Total", ["1002", "1001", "1003"]),
    ] {
        let to = link(main(&page), head);
        assert!(to.contains("status=pending"), "{head} has forgotten the filter: {to}");
        page = visitor.get(&to).must(200).text;
        assert_eq!(column(&page, 0), sorted, "{head}");
    }
}

fn orders_go_on_on_the_next_page_with_the_same_filters(world: &World) {
    let (shop, visitor) = world.staff();
    let cup = shop.product("Cup", "1.00", None);
    for _ in 0..60 {
        shop.order(cup, 1);
    }
    let other = shop.other.post("/api/orders/", &json!({"product": cup, "quantity": 1})).must(201);
    assert_eq!(other.json["number"], 1061);
    let query = format!("/orders/?customer={}&status=pending&number=&ordering=id", shop.customer.username);
    let name = format!("customer={}", shop.customer.username);
    let all = all_pages(&visitor, &query, 0, &["status=pending", "ordering=id", &name]);
    assert_eq!(all, (1001..=1060).map(|number| number.to_string()).collect::<Vec<_>>());
}

fn people_are_found_by_what_the_filters_say(world: &World) {
    let shop = world.open("Alpha");
    let owner = world.panel(&shop.owner.username, "Alpha");
    shop.owner.patch(&format!("/api/users/{}/", shop.other.id), &json!({"is_active": false})).must(200);
    let found = |path: &str| column(&owner.get(path).must(200).text, 0);
    let [boss, staff, customer, other] =
        [&shop.owner, &shop.staff, &shop.customer, &shop.other].map(|user| user.username.clone());
    assert_eq!(found("/users/"), [other.clone(), customer.clone(), staff.clone(), boss.clone()]);
    assert_eq!(found("/users/?role=customer"), [other.clone(), customer.clone()]);
    assert_eq!(found("/users/?active=false"), [other.as_str()]);
    assert_eq!(found("/users/?search=STAFF"), [staff.as_str()]);
    assert_eq!(found("/users/?ordering=username&active=true"), [customer.clone(), boss, staff]);
    assert_eq!(found("/customers/"), [other.clone(), customer.clone()]);
    assert_eq!(found("/customers/?search=other"), [other.as_str()]);
    assert_eq!(found("/customers/?ordering=username"), [customer, other]);
}

fn a_faulty_filter_is_told_and_shows_no_list_for_an_answer(world: &World) {
    let (shop, visitor) = world.staff();
    shop.order(shop.product("Lamp", "1.00", None), 1);
    for query in [
        "/orders/?status=eaten",
        "/orders/?number=x",
        "/orders/?customer=nobody",
        "/orders/?from=yesterday",
        "/orders/?product=lamp",
        "/products/?status=eaten",
        "/products/?min_price=dear",
        "/products/?stock=some",
    ] {
        let page = visitor.get(query).must(400).text;
        assert!(words(main(&page)).contains("That did not work"), "{query}");
        assert_eq!(
            rows(&page).len(),
            0,
            "{query}: a list that leaves a wish out would be taken for its answer"
        );
    }
}
