//! Bodies and values that no well-meaning client sends.

use crate::support::{World, send};
use serde_json::{Value, json};

cases! {
    a_price_is_a_decimal_within_its_bounds,
    a_quantity_is_a_whole_number_within_its_bounds,
    what_is_no_json_object_is_malformed,
    a_body_beyond_the_limit_is_too_large,
    a_body_of_another_type_is_refused,
    texts_hold_every_character_but_nul,
    all_faulty_fields_are_named_at_once,
    a_path_id_that_is_none_is_not_found,
}

fn a_price_is_a_decimal_within_its_bounds(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", None);
    let wrong = [
        "-1",
        "-0.01",
        r#""-1""#,
        r#""abc""#,
        r#""""#,
        "1.234",
        r#""1.234""#,
        "1e400",
        r#""1e400""#,
        "1e-400",
        r#""NaN""#,
        r#""Infinity""#,
        "100000000",
        r#""99999999.995""#,
        "true",
        "[]",
        "{}",
        r#""1,5""#,
        r#""0x10""#,
        "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
    ];
    for price in wrong {
        let body = format!(r#"{{"name": "Cup", "price": {price}}}"#);
        shop.owner.raw("POST", "/api/products/", body.clone()).faults(&["price"]);
        shop.owner.raw("PUT", &format!("/api/products/{product}/"), body.clone()).faults(&["price"]);
        shop.owner.raw("PATCH", &format!("/api/products/{product}/"), body).faults(&["price"]);
    }
    for price in ["NaN", "Infinity", "+1", "01", ".5", "'1'"] {
        let body = format!(r#"{{"name": "Cup", "price": {price}}}"#);
        shop.owner.raw("POST", "/api/products/", body).refused(400, "malformed_json");
    }
    shop.owner.raw("POST", "/api/products/", r#"{"name": "Cup", "price": null}"#).faults(&["price"]);
    assert_eq!(shop.owner.get("/api/products/").json.as_array().unwrap().len(), 1);

    for (price, kept) in [
        ("0", "0.00"),
        ("0.1", "0.10"),
        (r#""1e3""#, "1000.00"),
        ("1.5e1", "15.00"),
        ("99999999.99", "99999999.99"),
        (r#"" 7 ""#, "7.00"),
    ] {
        let body = format!(r#"{{"name": "Cup", "price": {price}}}"#);
        let answer = shop.owner.raw("POST", "/api/products/", body);
        assert_eq!(answer.must(201).json["price"], kept, "{price}");
    }
}

fn a_quantity_is_a_whole_number_within_its_bounds(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", Some(5));
    let order = shop.order(product, 1);
    let wrong = [
        "0",
        "-1",
        "1.5",
        "1000000000",
        "1000001",
        "9223372036854775808",
        "-9223372036854775809",
        "1e400",
        r#""2""#,
        "true",
        "[1]",
    ];
    for quantity in wrong {
        let single = format!(r#"{{"product": {product}, "quantity": {quantity}}}"#);
        shop.customer.raw("POST", "/api/orders/", single.clone()).faults(&["quantity"]);
        shop.staff.raw("PATCH", &format!("/api/orders/{order}/"), single.clone()).faults(&["quantity"]);
        let lines = format!(r#"{{"lines": [{single}]}}"#);
        shop.customer.raw("POST", "/api/orders/", lines).faults(&["lines[0].quantity"]);
    }
    for reference in ["0", "-1", "9007199254740993", "9223372036854775807", "9223372036854775808", r#""x""#] {
        let body = format!(r#"{{"product": {reference}, "quantity": 1}}"#);
        shop.customer.raw("POST", "/api/orders/", body).faults(&["product"]);
    }
    for none in [json!({}), json!({"product": null, "quantity": null})] {
        shop.customer.post("/api/orders/", &none).faults(&["product", "quantity"]);
    }
    shop.customer.post("/api/orders/", &json!({"lines": []})).faults(&["lines"]);
    let many: Vec<_> = (0..101).map(|_| json!({"product": product, "quantity": 1})).collect();
    shop.customer.post("/api/orders/", &json!({"lines": many})).faults(&["lines"]);
    let sum =
        json!({"lines": [{"product": product, "quantity": 999_999}, {"product": product, "quantity": 2}]});
    assert_eq!(shop.customer.post("/api/orders/", &sum).status, 400, "the sum is beyond the bound");
    assert_eq!(shop.stock(product), json!(4));
}

fn what_is_no_json_object_is_malformed(world: &World) {
    let shop = world.open("Alpha");
    let deep = format!(r#"{{"name": {}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let in_order = r#"["Cup", "", "1.00", null, null, null]"#;
    let texts =
        ["{", "nul", "[]", "7", "\"text\"", "null", "{\"name\": \"a\",}", "{} {}", " ", in_order, &deep];
    for text in texts {
        shop.owner.raw("POST", "/api/products/", text).refused(400, "malformed_json");
    }
    // What is ignored is not even looked at.
    for text in ["", "{}", " { } ", &deep.replace("name", "unknown")] {
        shop.owner.raw("POST", "/api/products/", text).faults(&["name", "price"]);
    }
    for bytes in [&b"{\"name\": \"\xff\xfe\"}"[..], b"\xef\xbb\xbf{}", b"{\"name\": \"\\ud800\"}"] {
        shop.owner.raw("POST", "/api/products/", bytes).refused(400, "malformed_json");
    }
    assert_eq!(shop.owner.get("/api/products/").json, json!([]));
}

fn a_body_beyond_the_limit_is_too_large(world: &World) {
    let shop = world.open("Alpha");
    let large = json!({"name": "x".repeat(1_048_577), "price": 1}).to_string();
    shop.owner.raw("POST", "/api/products/", large.clone()).refused(413, "body_too_large");
    let chunked = reqwest::blocking::Body::new(std::io::Cursor::new(large.into_bytes()));
    let request = shop.owner.request("POST", "/api/products/").header("Content-Type", "application/json");
    send(request.body(chunked)).refused(413, "body_too_large");
    let allowed = json!({"name": "x".repeat(1_000_000), "price": 1});
    shop.owner.post("/api/products/", &allowed).faults(&["name"]);
}

fn a_body_of_another_type_is_refused(world: &World) {
    let shop = world.open("Alpha");
    let body = r#"{"name": "Cup", "price": "1.00"}"#;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ""] {
        let request = shop.owner.request("POST", "/api/products/").header("Content-Type", kind);
        send(request.body(body)).refused(415, "unsupported_media_type");
    }
    send(shop.owner.request("POST", "/api/products/").body(body)).refused(415, "unsupported_media_type");
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
        let request = shop.owner.request("POST", "/api/products/").header("Content-Type", kind);
        send(request.body(body)).must(201);
    }
}

fn texts_hold_every_character_but_nul(world: &World) {
    let shop = world.open("Alpha");
    let kept = "चाय 😀 𝒳 \u{10ffff}";
    let body = json!({"name": kept, "price": 1, "description": format!("{kept}\n\t\"'<b>--;")});
    let product = shop.owner.post("/api/products/", &body).must(201);
    assert_eq!((&product.json["name"], &product.json["description"]), (&body["name"], &body["description"]));
    assert_eq!(shop.owner.get(&format!("/api/products/{}/", product.id())).json, product.json);
    let composed = shop.owner.post("/api/products/", &json!({"name": " Cafe\u{301} ", "price": 1}));
    assert_eq!(composed.must(201).json["name"], "Café");

    let nul = |field: &str, mut body: Value| {
        body[field] = json!("a\0b");
        body
    };
    let product = json!({"name": "Cup", "price": 1});
    for field in ["name", "description", "sku", "status", "price"] {
        shop.owner.post("/api/products/", &nul(field, product.clone())).faults(&[field]);
    }
    let user = json!({"username": "nul", "email": "nul@example.com", "password": "a good 7 word"});
    for field in ["username", "email", "role", "password"] {
        shop.owner.post("/api/users/", &nul(field, user.clone())).faults(&[field]);
    }
    shop.owner.patch("/api/store/", &json!({"name": "a\0b"})).faults(&["name"]);
    for query in ["search=%00", "status=%00", "ordering=%00", "cursor=%00", "min_price=%00"] {
        let answer = shop.owner.get(&format!("/api/products/?{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
    }
    let login = json!({"username": "a\0b", "password": "a\0b", "store": "a\0b"});
    world.anonymous().post("/api/auth/login/", &login).faults(&["password", "store", "username"]);
    let twice = shop.owner.raw("POST", "/api/products/", r#"{"name": "a", "name": "b", "price": 1}"#);
    assert!(twice.refused(400, "malformed_json").text.contains("duplicate field"));
    let many = format!(r#"{{"lines": [{}]}}"#, vec!["{}"; 300_000].join(","));
    shop.customer.raw("POST", "/api/orders/", many).faults(&["lines"]);
    for time in ["-009000-01-01T00:00:00Z", "20200101T000000Z", "2020-01-01T00:00:00+05:30[Asia/Kolkata]"] {
        shop.owner.get(&format!("/api/orders/?created_after={time}")).faults(&["created_after"]);
    }
}

fn all_faulty_fields_are_named_at_once(world: &World) {
    let shop = world.open("Alpha");
    let product = json!({"name": " ", "price": "1.234", "stock": -1, "sku": "a b", "status": "sold"});
    shop.owner.post("/api/products/", &product).faults(&["name", "price", "sku", "status", "stock"]);
    let mixed = json!({"name": 7, "price": "abc", "stock": "many", "description": [], "sku": {}});
    shop.owner.post("/api/products/", &mixed).faults(&["description", "name", "price", "sku", "stock"]);
    let mixed = json!({"name": " ", "price": "abc", "stock": -1, "sku": 5, "status": "sold"});
    shop.owner.post("/api/products/", &mixed).faults(&["name", "price", "sku", "status", "stock"]);
    let user = json!({"username": "a b", "email": "nowhere", "password": "short", "role": "king"});
    shop.owner.post("/api/users/", &user).faults(&["email", "password", "role", "username"]);
    world.anonymous().post("/api/auth/register/", &json!({})).faults(&["email", "password", "username"]);
    let lines = json!({"lines": [{"product": 1}, {"quantity": 1}, {"product": 1, "quantity": "x"}]});
    let fields = ["lines[0].quantity", "lines[1].product", "lines[2].quantity"];
    shop.customer.post("/api/orders/", &lines).faults(&fields);
    let query = "/api/products/?limit=0&ordering=color&cursor=x&status=new&min_price=a&in_stock=maybe";
    shop.owner.get(query).faults(&["cursor", "in_stock", "limit", "min_price", "ordering", "status"]);
}

fn a_path_id_that_is_none_is_not_found(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", None);
    for id in
        ["+1", "01x", "1%20", "%00", "..%2f", "1e3", "9007199254740993", "99999999999999999999999", "null"]
    {
        shop.owner.get(&format!("/api/products/{id}/")).refused(404, "not_found");
        shop.owner.get(&format!("/api/orders/{id}/")).refused(404, "not_found");
    }
    shop.owner.get(&format!("/api/products/{product}/{product}/")).refused(404, "not_found");
}
