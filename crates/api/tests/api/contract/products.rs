//! Products, from the first to the last request about one.

use crate::support::World;
use serde_json::{Value, json};

cases! {
    a_product_is_made_read_changed_and_archived,
    put_gives_defaults_and_patch_leaves_alone,
    null_takes_away_where_a_member_may_be_absent,
    a_price_has_the_digits_of_its_currency,
    a_sku_is_unique_in_its_store,
    an_archived_product_is_gone_and_orders_keep_their_copy,
}

fn a_product_is_made_read_changed_and_archived(world: &World) {
    let shop = world.open("Alpha");
    let body =
        json!({"name": "  Tea pot ", "price": 999.99, "description": "Brown", "sku": "TP-1", "stock": 7});
    let made = shop.staff.post("/api/products/", &body).must(201);
    let members: Vec<_> = made.json.as_object().unwrap().keys().cloned().collect();
    let all = [
        "created_at",
        "created_by",
        "currency",
        "description",
        "id",
        "name",
        "price",
        "sku",
        "status",
        "stock",
        "tenant",
        "updated_at",
    ];
    assert_eq!(members, all);
    for (member, value) in [
        ("name", json!("Tea pot")),
        ("price", json!("999.99")),
        ("currency", json!("INR")),
        ("status", json!("active")),
        ("stock", json!(7)),
        ("created_by", json!(shop.staff.id)),
        ("updated_at", made.json["created_at"].clone()),
    ] {
        assert_eq!(made.json[member], value, "{member}");
    }
    assert!(made.text_of("created_at").ends_with('Z'));
    let path = format!("/api/products/{}/", made.id());
    assert_eq!(shop.customer.get(&path).must(200).json, made.json);
    let changed = shop.owner.patch(&path, &json!({"price": "5"})).must(200);
    assert_eq!((changed.text_of("price"), changed.text_of("name")), ("5.00", "Tea pot"));
    assert!(changed.text_of("updated_at") >= made.text_of("updated_at"));

    let gone = shop.owner.delete(&path).must(204);
    assert_eq!((gone.text.as_str(), gone.header("content-type")), ("", None));
    assert_eq!(shop.owner.get("/api/products/").must(200).json, json!([]));
    shop.owner.delete(&path).refused(404, "not_found");
    shop.customer.get(&path).refused(404, "not_found");
}

fn put_gives_defaults_and_patch_leaves_alone(world: &World) {
    let shop = world.open("Alpha");
    let body = json!({"name": "Cup", "price": "1.00", "description": "Blue", "sku": "C", "stock": 3, "status": "draft"});
    let made = shop.owner.post("/api/products/", &body).must(201);
    let path = format!("/api/products/{}/", made.id());
    let without_time = |mut product: Value| {
        product["updated_at"] = Value::Null;
        product
    };
    let same = shop.owner.patch(&path, &json!({})).must(200);
    assert_eq!(without_time(same.json), without_time(made.json.clone()));
    // A client may send back what it received.
    let same = shop.owner.put(&path, &made.json).must(200);
    assert_eq!(without_time(same.json), without_time(made.json.clone()));

    shop.owner.put(&path, &json!({"name": "Cup"})).faults(&["price"]);
    shop.owner.put(&path, &json!({})).faults(&["name", "price"]);
    let put = shop.owner.put(&path, &json!({"name": "Mug", "price": 2})).must(200).json;
    assert_eq!((&put["sku"], &put["stock"]), (&Value::Null, &Value::Null));
    assert_eq!((&put["description"], &put["status"]), (&json!(""), &json!("active")));
    assert_eq!(put["created_at"], made.json["created_at"]);
}

fn null_takes_away_where_a_member_may_be_absent(world: &World) {
    let shop = world.open("Alpha");
    let body = json!({"name": "Cup", "price": "1.00", "sku": "C", "stock": 3});
    let made = shop.owner.post("/api/products/", &body).must(201);
    let path = format!("/api/products/{}/", made.id());
    let none = shop.owner.patch(&path, &json!({"sku": null})).must(200).json;
    assert_eq!((&none["sku"], &none["stock"]), (&Value::Null, &json!(3)));
    let none = shop.owner.patch(&path, &json!({"stock": null})).must(200).json;
    assert_eq!(none["stock"], Value::Null);
    assert!(shop.order(made.id(), 1_000_000) > 0, "what is not counted never ends");
    for member in ["name", "price", "status"] {
        let answer = shop.owner.patch(&path, &json!({ member: null }));
        let kept = answer.status == 200 && answer.json[member] == made.json[member];
        assert!(kept || answer.status == 400, "{member}: {}", answer.text);
    }
}

fn a_price_has_the_digits_of_its_currency(world: &World) {
    for (currency, sent, kept, too_fine) in [
        ("INR", json!("999.9"), "999.90", "0.001"),
        ("JPY", json!(1000), "1000", "0.1"),
        ("KWD", json!("1.25"), "1.250", "0.0001"),
    ] {
        let shop = world.open_in(&format!("{currency} store"), currency);
        let made = shop.owner.post("/api/products/", &json!({"name": "Cup", "price": sent})).must(201);
        assert_eq!((made.text_of("price"), made.text_of("currency")), (kept, currency));
        let fine = json!({"name": "Cup", "price": too_fine});
        shop.owner.post("/api/products/", &fine).faults(&["price"]);
        let order = shop.customer.post("/api/orders/", &json!({"product": made.id(), "quantity": 3}));
        let order = order.must(201);
        let total = match currency {
            "INR" => "2999.70",
            "JPY" => "3000",
            _ => "3.750",
        };
        assert_eq!((order.text_of("total_price"), order.text_of("currency")), (total, currency));
        assert_eq!(
            (&order.json["lines"][0]["unit_price"], &order.json["lines"][0]["line_total"]),
            (&json!(kept), &json!(total))
        );
    }
}

fn a_sku_is_unique_in_its_store(world: &World) {
    let (one, two) = (world.open("Alpha"), world.open("Beta"));
    let body = json!({"name": "Cup", "price": "1.00", "sku": "CUP-1"});
    let first = one.owner.post("/api/products/", &body).must(201).id();
    one.owner.post("/api/products/", &body).refused(409, "sku_taken");
    two.owner.post("/api/products/", &body).must(201);
    let second = one.product("Mug", "1.00", None);
    one.owner.patch(&format!("/api/products/{second}/"), &json!({"sku": "CUP-1"})).refused(409, "sku_taken");
    one.owner.patch(&format!("/api/products/{first}/"), &json!({"sku": "CUP-1"})).must(200);
    one.owner.patch(&format!("/api/products/{first}/"), &json!({"sku": null})).must(200);
    one.owner.patch(&format!("/api/products/{second}/"), &json!({"sku": "CUP-1"})).must(200);
}

fn an_archived_product_is_gone_and_orders_keep_their_copy(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "2.00", Some(5));
    let order = format!("/api/orders/{}/", shop.order(product, 2));
    let path = format!("/api/products/{product}/");
    shop.owner.patch(&path, &json!({"name": "Golden cup", "price": "200"})).must(200);
    shop.owner.delete(&path).must(204);
    let kept = shop.customer.get(&order).must(200).json;
    assert_eq!((&kept["lines"][0]["name"], &kept["total_price"]), (&json!("Cup"), &json!("4.00")));
    shop.customer.post("/api/orders/", &json!({"product": product, "quantity": 1})).faults(&["product"]);
    shop.staff.post(&format!("{order}cancel/"), &json!({})).must(200);
}
