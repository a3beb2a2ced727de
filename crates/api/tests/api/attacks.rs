//! What somebody tries who wants more than is theirs.

mod bodies;
pub(crate) mod tokens;

use crate::support::{PASSWORD, World};
use serde_json::{Value, json};

cases! {
    nobody_makes_themselves_staff_or_owner_of_a_store,
    a_foreign_product_cannot_be_ordered,
    an_order_with_one_bad_line_leaves_no_trace,
    customers_see_neither_others_orders_nor_drafts,
    what_only_the_server_sets_is_ignored,
    an_order_is_placed_for_a_customer_of_the_store_alone,
    a_demoted_users_token_counts_for_less_on_the_next_request,
    a_deactivated_user_is_out_on_the_next_request,
    a_suspended_store_is_closed_on_the_next_request,
    login_does_not_tell_who_exists,
    the_last_owner_stays,
}

fn registration(username: &str, role: &str, store: &str) -> Value {
    let email = format!("{username}@example.com");
    json!({"username": username, "password": PASSWORD, "email": email, "role": role, "tenant_name": store})
}

fn nobody_makes_themselves_staff_or_owner_of_a_store(world: &World) {
    let (one, two) = (world.open("Alpha"), world.open("Beta"));
    let before = one.owner.get("/api/users/").must(200).text;
    for client in [&world.anonymous(), &one.customer, &one.staff, &two.owner, &two.owner.inside(&one.slug)] {
        let path = "/api/auth/register/";
        client.post(path, &registration("mallory", "staff", "Alpha")).refused(403, "invitation_required");
        client.post(path, &registration("mallory", "staff", "Nowhere")).refused(403, "invitation_required");
        for spelling in ["Alpha", " alpha ", "ＡLPHA"] {
            client.post(path, &registration("mallory", "owner", spelling)).refused(409, "tenant_taken");
        }
        for role in ["superuser", "admin", "Owner", "anonymous", ""] {
            client.post(path, &registration("mallory", role, "Alpha")).faults(&["role"]);
        }
    }
    world
        .anonymous()
        .post("/api/auth/register/", &registration("mallory", "customer", "Nowhere"))
        .faults(&["tenant_name"]);
    assert_eq!(one.owner.get("/api/users/").must(200).text, before);

    let added = one.owner.post("/api/auth/register/", &registration("sam", "staff", "Alpha")).must(201);
    assert_eq!(added.json, json!({"username": "sam", "email": "sam@example.com", "role": "staff"}));
    world.log_in("sam", "Alpha").get("/api/orders/").must(200);
}

fn a_foreign_product_cannot_be_ordered(world: &World) {
    let (one, two) = (world.open("Alpha"), world.open("Beta"));
    let (mine, theirs) = (one.product("Own", "1.00", Some(5)), two.product("Foreign", "1.00", Some(5)));
    let absent =
        one.customer.post("/api/orders/", &json!({"product": 987_654, "quantity": 1})).faults(&["product"]);
    let foreign =
        one.customer.post("/api/orders/", &json!({"product": theirs, "quantity": 1})).faults(&["product"]);
    assert_eq!(foreign.essence(), absent.essence());
    for client in [&one.customer, &one.staff, &one.owner] {
        let lines = json!({"lines": [{"product": mine, "quantity": 1}, {"product": theirs, "quantity": 1}]});
        client.post("/api/orders/", &lines).faults(&["lines[1].product"]);
    }
    let order = one.order(mine, 2);
    let change = json!({"lines": [{"product": theirs, "quantity": 1}]});
    one.staff.patch(&format!("/api/orders/{order}/"), &change).faults(&["lines[0].product"]);
    one.staff.patch(&format!("/api/orders/{order}/"), &json!({"product": theirs})).faults(&["product"]);

    assert_eq!((one.stock(mine), two.stock(theirs)), (json!(3), json!(5)));
    assert_eq!(one.owner.get("/api/orders/").json.as_array().unwrap().len(), 1);
    assert_eq!(two.owner.get("/api/orders/").json, json!([]));
}

fn an_order_with_one_bad_line_leaves_no_trace(world: &World) {
    let shop = world.open("Alpha");
    let (many, few) = (shop.product("Many", "1.00", Some(50)), shop.product("Few", "1.00", Some(2)));
    let lines = json!({"lines": [{"product": many, "quantity": 10}, {"product": few, "quantity": 3}]});
    let short = shop.customer.post("/api/orders/", &lines).refused(409, "insufficient_stock");
    assert_eq!((&short.json["available"], &short.json["product"]), (&json!(2), &json!(few)));
    assert_eq!((shop.stock(many), shop.stock(few)), (json!(50), json!(2)));
    assert_eq!(shop.owner.get("/api/orders/").json, json!([]));
}

fn customers_see_neither_others_orders_nor_drafts(world: &World) {
    let shop = world.open("Alpha");
    let order = shop.order(shop.product("Cup", "2.00", Some(5)), 1);
    let nothing = shop.other.get("/api/orders/987654321/").refused(404, "not_found").essence();
    let path = format!("/api/orders/{order}/");
    assert_eq!(shop.other.get(&path).essence(), nothing);
    assert_eq!(shop.other.post(&format!("{path}cancel/"), &json!({})).essence(), nothing);
    shop.other.delete(&path).refused(403, "permission_denied");
    assert_eq!(shop.other.get("/api/orders/").must(200).json, json!([]));
    let filtered = format!("/api/orders/?customer={}", shop.customer.id);
    assert_eq!(shop.other.get(&filtered).must(200).json, json!([]));
    assert_eq!(shop.customer.get(&path).must(200).json["status"], "pending");

    let draft = json!({"name": "Secret", "price": "1.00", "status": "draft"});
    let draft = shop.staff.post("/api/products/", &draft).must(201).id();
    shop.customer.get(&format!("/api/products/{draft}/")).refused(404, "not_found");
    shop.customer.post("/api/orders/", &json!({"product": draft, "quantity": 1})).faults(&["product"]);
    assert!(!shop.customer.get("/api/products/?status=draft").text.contains("Secret"));
    assert!(shop.staff.get("/api/products/").text.contains("Secret"));
}

fn what_only_the_server_sets_is_ignored(world: &World) {
    let (one, two) = (world.open("Alpha"), world.open("Beta"));
    let product = json!({"name": "Cup", "price": "2.50", "stock": 9, "id": 77, "tenant": two.id, "tenant_id": two.id,
        "created_by": two.owner.id, "created_at": "1999-01-01T00:00:00Z", "currency": "USD", "anything": {"at": ["all"]}});
    let product = one.staff.post("/api/products/", &product).must(201);
    assert_ne!(product.id(), 77);
    assert_eq!(product.json["tenant"], one.id);
    assert_eq!(product.json["created_by"], one.staff.id);
    assert_eq!(product.json["currency"], "INR");
    assert!(!product.text_of("created_at").starts_with("1999"));

    let order = json!({"product": product.id(), "quantity": 3, "total_price": "0.01", "unit_price": "0.01", "id": 77,
        "number": 7, "tenant": two.id, "customer": one.other.id, "status": "delivered", "currency": "USD",
        "created_at": "1999-01-01T00:00:00Z"});
    let order = one.customer.post("/api/orders/", &order).must(201);
    assert_eq!(order.json["total_price"], "7.50");
    assert_eq!(order.json["customer"], one.customer.id);
    assert_eq!((&order.json["tenant"], &order.json["status"]), (&json!(one.id), &json!("pending")));
    assert_eq!((&order.json["number"], &order.json["currency"]), (&json!(1001), &json!("INR")));

    let path = format!("/api/orders/{}/", order.id());
    let same =
        one.staff.patch(&path, &json!({"total_price": "0.01", "customer": one.other.id, "tenant": two.id}));
    assert_eq!(same.must(200).json["total_price"], "7.50");
    let me = json!({"role": "owner", "is_active": false, "tenant": two.id, "username": "root"});
    let me = one.customer.patch("/api/auth/me/", &me).must(200);
    assert_eq!((&me.json["role"], &me.json["tenant"]), (&json!("customer"), &json!(one.id)));
    assert_eq!(one.customer.get(&path).must(200).json, order.json);
}

fn an_order_is_placed_for_a_customer_of_the_store_alone(world: &World) {
    let (one, two) = (world.open("Alpha"), world.open("Beta"));
    let product = one.product("Cup", "2.50", None);
    let wish = |customer: i64| json!({"product": product, "quantity": 1, "customer": customer});
    for client in [&one.staff, &one.owner] {
        let order = client.post("/api/orders/", &wish(one.customer.id)).must(201);
        assert_eq!(order.json["customer"], one.customer.id);
        for stranger in [two.customer.id, 987_654, 0, -1, i64::MAX] {
            client.post("/api/orders/", &wish(stranger)).faults(&["customer"]);
        }
    }
    assert_eq!(one.customer.get("/api/orders/").json.as_array().unwrap().len(), 2);
}

fn a_demoted_users_token_counts_for_less_on_the_next_request(world: &World) {
    let shop = world.open("Alpha");
    let product = json!({"name": "Cup", "price": "1.00"});
    shop.staff.post("/api/products/", &product).must(201);
    shop.owner.patch(&format!("/api/users/{}/", shop.staff.id), &json!({"role": "customer"})).must(200);
    let answer = shop.staff.post("/api/products/", &product);
    assert!(matches!(answer.status, 401 | 403), "{}", answer.text);
}

fn a_deactivated_user_is_out_on_the_next_request(world: &World) {
    let shop = world.open("Alpha");
    let path = format!("/api/users/{}/", shop.staff.id);
    shop.owner.patch(&path, &json!({"is_active": false})).must(200);
    shop.staff.get("/api/products/").must(401);
    let refresh = json!({"refresh": shop.staff.refresh});
    world.anonymous().post("/api/auth/refresh/", &refresh).must(401);
    let login = json!({"username": shop.staff.username, "password": PASSWORD, "store": "Alpha"});
    world.anonymous().post("/api/auth/login/", &login).must(401);
    shop.owner.patch(&path, &json!({"is_active": true})).must(200);
    world.log_in(&shop.staff.username, "Alpha").get("/api/products/").must(200);

    shop.owner.delete(&format!("/api/users/{}/", shop.customer.id)).must(204);
    shop.customer.get("/api/auth/me/").must(401);
}

fn a_suspended_store_is_closed_on_the_next_request(world: &World) {
    let (one, two, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    let path = format!("/api/platform/tenants/{}/", one.id);
    let suspended = admin.post(&format!("{path}suspend/"), &json!({})).must(200);
    assert_eq!(suspended.json["status"], "suspended");
    for user in [&one.owner, &one.staff, &one.customer] {
        let answer = user.get("/api/products/").refused(401, "store_suspended");
        assert!(answer.header("www-authenticate").is_some());
        let refresh = json!({"refresh": user.refresh});
        world.anonymous().post("/api/auth/refresh/", &refresh).must(401);
    }
    world
        .anonymous()
        .post("/api/auth/register/", &registration("late", "customer", "Alpha"))
        .faults(&["tenant_name"]);
    two.owner.get("/api/products/").must(200);
    admin.post(&format!("{path}resume/"), &json!({})).must(200);
    one.owner.get("/api/products/").must(200);
    world.log_in(&one.customer.username, "Alpha").get("/api/products/").must(200);
}

fn login_does_not_tell_who_exists(world: &World) {
    let shop = world.open("Alpha");
    let attempt = |body: Value| world.anonymous().post("/api/auth/login/", &body);
    let wrong = json!({"username": shop.owner.username, "password": "wrong", "store": "Alpha"});
    let wrong = attempt(wrong).refused(401, "invalid_credentials");
    assert_eq!(wrong.header("www-authenticate"), Some("Bearer"));
    for (username, store) in [
        ("nobody", Some("Alpha")),
        ("nobody", None),
        (&*shop.owner.username, Some("Nowhere")),
        ("not a name\u{1}", None),
        ("", None),
    ] {
        let answer = attempt(json!({"username": username, "password": PASSWORD, "store": store}));
        assert_eq!(answer.essence(), wrong.essence(), "{username:?} in {store:?}");
    }
    attempt(json!({})).faults(&["password", "username"]);
}

fn the_last_owner_stays(world: &World) {
    let shop = world.open("Alpha");
    let path = format!("/api/users/{}/", shop.owner.id);
    for change in [json!({"role": "staff"}), json!({"is_active": false})] {
        shop.owner.patch(&path, &change).refused(409, "last_owner");
    }
    shop.owner.delete(&path).refused(409, "last_owner");
    shop.owner.patch(&format!("/api/users/{}/", shop.staff.id), &json!({"role": "owner"})).must(200);
    shop.owner.delete(&path).must(204);
    shop.owner.get("/api/store/").must(401);
}
