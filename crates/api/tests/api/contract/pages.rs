//! Lists: bare arrays, page by page.

use crate::support::{Client, Shop, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;

cases! {
    a_walk_shows_every_row_once,
    rows_that_come_during_a_walk_disturb_nothing,
    a_cursor_is_good_for_its_own_list_alone,
    a_limit_has_bounds,
    a_query_member_that_comes_twice_is_refused,
    filters_hold_on_every_page,
}

/// All rows of a list, page by page.
fn walk(client: &Client, path: &str) -> Vec<Value> {
    let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let page = client.get(&path).must(200);
        rows.extend(page.json.as_array().unwrap().iter().cloned());
        next = page.next();
        assert!(rows.len() < 1000, "the walk has no end");
    }
    rows
}

/// So many products.
fn cups(shop: &Shop, count: usize) -> Vec<i64> {
    (0..count).map(|n| shop.product(&format!("Cup {n}"), "1.00", None)).collect()
}

fn ids(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

fn a_walk_shows_every_row_once(world: &World) {
    let shop = world.open("Alpha");
    let made: Vec<_> = (0..11)
        .map(|n| shop.product(&format!("Cup {}", n % 3), &format!("{}.00", n % 4), Some(100)))
        .collect();
    for product in &made {
        shop.order(*product, 1);
    }
    for ordering in ["id", "-id", "name", "-name", "price", "-price", "created_at", "-created_at"] {
        for limit in [1, 2, 3, 10, 11, 12] {
            let path = format!("/api/products/?ordering={ordering}&limit={limit}");
            let rows = walk(&shop.customer, &path);
            assert_eq!(rows.len(), made.len(), "{path}");
            assert_eq!(ids(&rows).into_iter().collect::<BTreeSet<_>>(), made.iter().copied().collect());
            assert_eq!(rows, walk(&shop.customer, &format!("/api/products/?ordering={ordering}")), "{path}");
        }
    }
    for ordering in ["id", "-id", "created_at", "-created_at", "total_price", "-total_price"] {
        let rows = walk(&shop.customer, &format!("/api/orders?limit=2&ordering={ordering}"));
        assert_eq!(ids(&rows).into_iter().collect::<BTreeSet<_>>().len(), 11, "{ordering}");
        assert_eq!(rows.len(), 11);
    }
    for ordering in ["id", "-id", "username", "-username"] {
        assert_eq!(walk(&shop.owner, &format!("/api/users/?limit=3&ordering={ordering}")).len(), 4);
    }
    let by_default = ids(&walk(&shop.customer, "/api/orders/?limit=4"));
    assert!(by_default.is_sorted_by(|a, b| a > b), "the newest order comes first");
    assert_eq!(ids(&walk(&shop.customer, "/api/products/?limit=4")), made);
}

fn rows_that_come_during_a_walk_disturb_nothing(world: &World) {
    let shop = world.open("Alpha");
    let made = cups(&shop, 6);
    let first = shop.owner.get("/api/products/?ordering=-id&limit=3").must(200);
    shop.product("Late", "1.00", None);
    shop.owner.delete(&format!("/api/products/{}/", made[3])).must(204);
    let second = shop.owner.get(&first.next().unwrap()).must(200);
    let seen: Vec<_> = [&first, &second].iter().flat_map(|page| ids(page.json.as_array().unwrap())).collect();
    assert_eq!(seen, [made[5], made[4], made[3], made[2], made[1], made[0]]);
}

fn a_cursor_is_good_for_its_own_list_alone(world: &World) {
    let (one, two) = (world.open("Alpha"), world.open("Beta"));
    for shop in [&one, &two] {
        cups(shop, 3);
    }
    let next = one.owner.get("/api/products/?limit=1").must(200).next().unwrap();
    let (_, cursor) = next.split_once("cursor=").unwrap();
    let with = |path: &str| format!("{path}limit=1&cursor={cursor}");
    one.staff.get(&with("/api/products/?")).must(200);
    two.owner.get(&with("/api/products/?")).faults(&["cursor"]);
    one.owner.get(&with("/api/orders/?")).faults(&["cursor"]);
    one.owner.get(&with("/api/users/?")).faults(&["cursor"]);
    one.owner.get(&with("/api/products/?ordering=-id&")).faults(&["cursor"]);
    one.owner.get(&with("/api/products/?ordering=price&")).faults(&["cursor"]);
    for broken in ["x", "%00", "AAAA", "e30", "'--", cursor.get(1..).unwrap(), &format!("{cursor}A")] {
        one.owner.get(&format!("/api/products/?cursor={broken}")).faults(&["cursor"]);
    }
}

fn a_limit_has_bounds(world: &World) {
    let shop = world.open("Alpha");
    cups(&shop, 101);
    for wrong in ["0", "-1", "201", "1.5", "x", "99999999999999999999"] {
        shop.owner.get(&format!("/api/products/?limit={wrong}")).faults(&["limit"]);
    }
    let page = shop.owner.get("/api/products/").must(200);
    assert_eq!(page.json.as_array().unwrap().len(), 100);
    assert!(page.next().is_some());
    let page = shop.owner.get("/api/products/?limit=200").must(200);
    assert_eq!((page.json.as_array().unwrap().len(), page.next()), (101, None));
}

fn a_query_member_that_comes_twice_is_refused(world: &World) {
    let shop = world.open("Alpha");
    assert_eq!(shop.owner.get("/api/products/?limit=1&limit=2").status, 400);
    shop.owner.get("/api/products/?unknown=1&limit=1").must(200);
    shop.owner.get("/api/products/?status=&search=&min_price=").must(200);
}

fn filters_hold_on_every_page(world: &World) {
    let shop = world.open("Alpha");
    for n in 0..6 {
        let status = if n % 2 == 0 { "active" } else { "draft" };
        let body = json!({"name": format!("Teekanne Größe {n}"), "price": format!("{n}.50"), "stock": n % 3,
            "status": status, "description": "aus Ton"});
        shop.owner.post("/api/products/", &body).must(201);
    }
    for (query, count) in [
        ("status=draft", 3),
        ("search=GRÖSSE%20ton", 6),
        ("search=glas", 0),
        ("search=%25", 0),
        ("min_price=2.50", 4),
        ("max_price=2.5", 3),
        ("min_price=1&max_price=3", 2),
        ("in_stock=true", 4),
        ("in_stock=false", 2),
        ("status=active&in_stock=true&min_price=2", 2),
    ] {
        assert_eq!(walk(&shop.owner, &format!("/api/products/?limit=1&{query}")).len(), count, "{query}");
    }
    assert_eq!(walk(&shop.customer, "/api/products/?search=gr%C3%B6sse&limit=2").len(), 3);
}
