//! The figures of the first page, for orders that are known.

use super::html::{link, links, rows, section, tags, words};
use super::visitor::Visitor;
use crate::promises::raw;
use crate::support::{Shop, World};
use haat_infra::testing::Engine;
use serde_json::json;

cases! {
    the_figures_are_those_of_the_viewers_days,
    a_chart_has_its_figures_in_words,
    what_runs_out_is_told,
    a_store_without_orders_has_no_average,
}

/// Has a row be so many hours older.
fn age(world: &World, shop: &Shop, table: &str, id: i64, hours: i64) {
    let then = match world.engine() {
        Engine::Sqlite => format!("created_at - {hours} * 3600000000"),
        Engine::Postgres => format!("created_at - {hours} * INTERVAL '1 hour'"),
    };
    let sql = format!("UPDATE {table} SET created_at = {then} WHERE id = {id}");
    raw(world, shop.id).run(&sql).unwrap();
}

/// Somebody where it is this hour of the day, so that a day neither ends nor begins while the test runs.
fn at(world: &World, shop: &Shop, hour: i32) -> Visitor {
    let visitor = world.panel(&shop.staff.username, &shop.name);
    let store = shop.owner.get("/api/store/").must(200);
    let now: i32 = store.text_of("created_at").get(11..13).unwrap().parse().unwrap();
    // No zone is more than twelve hours behind.
    let ahead = if hour - now < -12 { hour - now + 24 } else { hour - now };
    // POSIX counts these the other way round.
    visitor.keep("haat_zone", &format!("Etc/GMT{:+}", -ahead));
    visitor
}

/// A store in which 100 bricks at 10.00 were sold ten days ago, and singles at 1.00 at other times.
fn trading(world: &World) -> Shop {
    let shop = world.open("Alpha");
    let (single, dear) = (shop.product("Single", "1.00", None), shop.product("Brick", "10.00", None));
    let days = |days: i64| days * 24;
    // Today, yesterday, and on both sides of the ends of 7 and of 30 days.
    let sold = [(10, 0), (20, 1), (5, 10), (7, 14), (100, days(3)), (3, days(6)), (4, days(7))];
    for (quantity, ago) in sold.into_iter().chain([(1, days(29)), (2, days(30)), (5000, days(40))]) {
        age(world, &shop, "orders", shop.order(single, quantity), ago);
    }
    age(world, &shop, "orders", shop.order(dear, 100), days(10));
    // What does not count: an order that was cancelled, one that was removed, and another store's.
    let cancelled = shop.order(single, 900);
    shop.customer.post(&format!("/api/orders/{cancelled}/cancel/"), &json!({})).must(200);
    let removed = shop.order(single, 800);
    shop.owner.delete(&format!("/api/orders/{removed}/")).must(204);
    let other = world.open("Beta");
    other.order(other.product("Theirs", "77.00", None), 1);
    // Of the two customers one has joined today.
    age(world, &shop, "users", shop.other.id, days(10));
    shop
}

fn the_figures_are_those_of_the_viewers_days(world: &World) {
    let shop = trading(world);
    let page = at(world, &shop, 12).get("/").must(200).text;
    for (period, revenue, orders, average, newcomers) in [
        ("Today", "₹35.00", 3, "₹11.67", 1),
        ("7 days", "₹145.00", 6, "₹24.17", 1),
        ("30 days", "₹1,150.00", 9, "₹127.78", 2),
    ] {
        let told = format!(
            "{period} {revenue} revenue Orders {orders} Average order {average} New customers {newcomers}"
        );
        assert_eq!(words(section(&page, period)), told);
    }
    // The newest orders, with what was cancelled and without what was removed.
    let latest = rows(section(&page, "Latest orders"));
    let numbers: Vec<_> = latest.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(numbers, ["1012", "1011", "1010", "1009", "1008", "1007", "1006", "1005"]);
    assert_eq!((latest[0][5].as_str(), latest[0][4].as_str()), ("cancelled", "₹900.00"));
    // Where the day is an hour old, most of today was yesterday.
    let night = words(section(&at(world, &shop, 1).get("/").must(200).text, "Today"));
    assert!(night.starts_with("Today ₹30.00 revenue Orders 2 Average order ₹15.00"), "{night}");
}

fn a_chart_has_its_figures_in_words(world: &World) {
    let shop = trading(world);
    let page = at(world, &shop, 12).get("/").must(200).text;
    for heading in ["Revenue, 30 days", "Best sellers, 30 days"] {
        let part = section(&page, heading);
        let drawings: Vec<_> = tags(part).into_iter().filter(|tag| tag.name == "svg" && !tag.ends).collect();
        assert!(!drawings.is_empty(), "{heading}");
        for drawing in drawings {
            assert_eq!(drawing.get("role"), Some("img"), "{heading}");
            assert!(drawing.get("aria-label").is_some_and(|name| !name.is_empty()), "{heading}");
        }
        assert!(words(part).contains("the table below has the figures"), "{heading}");
    }
    let days = rows(section(&page, "Revenue, 30 days"));
    assert_eq!(days.len(), 30);
    let figures: Vec<_> = days.iter().map(|day| [day[1].as_str(), day[2].as_str()]).collect();
    assert_eq!([figures[0], figures[1], figures[2]], [["3", "₹35.00"], ["1", "₹7.00"], ["0", "₹0.00"]]);
    assert_eq!([figures[10], figures[29]], [["1", "₹1,000.00"], ["1", "₹1.00"]]);
    let best = rows(section(&page, "Best sellers, 30 days"));
    assert_eq!(best, [["Brick", "100", "₹1,000.00"], ["Single", "150", "₹150.00"]]);
}

fn what_runs_out_is_told(world: &World) {
    let shop = world.open("Alpha");
    for (name, stock) in [("Gone", 0), ("Last", 1), ("Few", 5), ("Many", 6)] {
        shop.product(name, "1.00", Some(stock));
    }
    shop.product("Uncounted", "1.00", None);
    let archived = shop.product("Archived", "1.00", Some(2));
    shop.owner.patch(&format!("/api/products/{archived}/"), &json!({"status": "archived"})).must(200);
    let visitor = world.panel(&shop.staff.username, "Alpha");
    let page = visitor.get("/").must(200).text;
    let low = section(&page, "Low stock");
    assert_eq!(words(low), "Low stock Gone low sold out Last low 1 left Few low 5 left");
    for (name, path) in links(low) {
        assert!(visitor.get(&path).must(200).text.contains(&name), "{path}");
    }
}

fn a_store_without_orders_has_no_average(world: &World) {
    let shop = world.open("Alpha");
    let visitor = world.panel(&shop.staff.username, "Alpha");
    let page = visitor.get("/").must(200).text;
    let today = words(section(&page, "Today"));
    assert!(today.starts_with("Today ₹0.00 revenue Orders 0 Average order – New customers"), "{today}");
    assert!(words(section(&page, "Best sellers, 30 days")).contains("Nothing was sold yet."));
    assert!(words(section(&page, "Low stock")).contains("Nothing is running out."));
    visitor.get(&link(section(&page, "Latest orders"), "See what they can order")).must(200);
}
