//! `Idempotency-Key`: a request that is sent again happens once.

use super::{count, keyed, lines};
use crate::support::{Answer, Client, PASSWORD, Shop, User, World, send};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use std::collections::BTreeSet;

cases! {
    every_creation_happens_once_and_answers_the_same_again,
    a_key_is_for_one_request,
    a_key_belongs_to_one_user_in_one_store,
    what_failed_has_claimed_nothing,
    a_malformed_key_is_refused,
    who_may_no_longer_do_it_gets_nothing_back,
    a_replayed_order_takes_no_stock_and_a_replay_is_of_the_first_moment,
    the_token_of_an_invitation_is_not_kept,
}

/// Something that can be created: the operation, who does it, where, with what.
struct Creation {
    operation: &'static str,
    client: Client,
    path: &'static str,
    body: Value,
}

fn creations(shop: &Shop, admin: &User) -> Vec<Creation> {
    let product = shop.product("Stock", "1.00", Some(50));
    let new =
        |operation, client: &Client, path, body| Creation { operation, client: client.clone(), path, body };
    vec![
        new("create_product", &shop.owner, "/api/products/", json!({"name": "Cup", "price": "2.00"})),
        new("place_order", &shop.customer, "/api/orders/", json!({"product": product, "quantity": 2})),
        new(
            "create_user",
            &shop.owner,
            "/api/users/",
            json!({"username": "newcomer", "email": "newcomer@example.com", "password": PASSWORD}),
        ),
        new(
            "create_invitation",
            &shop.owner,
            "/api/invitations/",
            json!({"email": "invited@example.com", "role": "staff"}),
        ),
        new("create_tenant", admin, "/api/platform/tenants/", json!({"name": "Gamma"})),
    ]
}

#[test]
fn whatever_creates_something_takes_a_key() {
    let document = haat_api::openapi::document();
    let (mut creating, mut declaring) = (BTreeSet::new(), BTreeSet::new());
    for operation in
        document["paths"].as_object().unwrap().values().flat_map(|all| all.as_object().unwrap().values())
    {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        if parameters.into_iter().any(|one| one["name"] == "Idempotency-Key" && one["in"] == "header") {
            declaring.insert(id.clone());
        }
        if operation["responses"].get("201").is_some() && id != "register" {
            creating.insert(id);
        }
    }
    let tested = ["create_product", "place_order", "create_user", "create_invitation", "create_tenant"];
    assert_eq!(creating, tested.map(str::to_owned).into_iter().collect());
    assert_eq!(creating, declaring);
}

/// Whether this is that answer, given once more.
#[track_caller]
fn is_again(answer: &Answer, first: &Answer) {
    assert_eq!(answer.header("idempotency-replayed"), Some("true"), "{}", answer.text);
    for name in ["location", "content-type", "etag", "cache-control"] {
        assert_eq!(answer.header(name), first.header(name), "{name}");
    }
    assert_eq!((answer.status, &answer.text), (first.status, &first.text));
}

fn every_creation_happens_once_and_answers_the_same_again(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    for Creation { operation, client, path, body } in creations(&shop, &admin) {
        let state = || {
            let list = format!("{path}?limit=200");
            (
                count(&client, &list),
                count(&shop.owner, "/api/audit/?limit=200"),
                lines(world, shop.id, STOCKS),
            )
        };
        let before = state();
        let first = keyed(&client, path, operation, &body).must(201);
        assert_eq!(first.header("idempotency-replayed"), None, "{operation}");
        assert!(first.header("location").is_some(), "{operation}");
        let after = state();
        assert_eq!(after.0, before.0 + 1, "{operation}");
        for path in [path, path.trim_end_matches('/'), path] {
            let again = keyed(&client, path, operation, &body).must(201);
            if operation == "create_invitation" {
                let mut shown = first.json.clone();
                shown["token"] = Value::Null;
                assert_eq!((&again.json, again.header("location")), (&shown, first.header("location")));
                assert_eq!(again.header("idempotency-replayed"), Some("true"));
            } else {
                is_again(&again, &first);
            }
        }
        assert_eq!(state(), after, "{operation}");
        // Without the key it is another request, and the key is still for the first one.
        client.post(path, &body);
        assert_eq!(keyed(&client, path, operation, &body).must(201).json["id"], first.json["id"]);
    }
}

const STOCKS: &str = "SELECT CAST(stock AS text) FROM products WHERE stock IS NOT NULL ORDER BY id";

fn a_key_is_for_one_request(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    for Creation { operation, client, path, body } in creations(&shop, &admin) {
        let first = keyed(&client, path, operation, &body).must(201);
        let mut other = body.clone();
        let member = if operation == "place_order" { "quantity" } else { "email" };
        let member = if body.get(member).is_some() { member } else { "name" };
        other[member] = if member == "quantity" { json!(3) } else { json!("else@example.com") };
        let rows = count(&client, &format!("{path}?limit=200"));
        let refused = keyed(&client, path, operation, &other).refused(422, "idempotency_key_reused");
        assert!(!refused.text.contains(&first.json["id"].to_string()) || first.id() < 1000);
        assert_eq!(refused.header("location"), None);
        assert_eq!(count(&client, &format!("{path}?limit=200")), rows, "{operation}");
    }
    // Another path, with the very same body, is another request as well.
    let body = json!({"name": "Cup", "price": "2.00", "username": "someone", "email": "someone@example.com",
        "password": PASSWORD, "role": "staff"});
    keyed(&shop.owner, "/api/products/", "one", &body).must(201);
    for path in ["/api/users/", "/api/invitations/"] {
        keyed(&shop.owner, path, "one", &body).refused(422, "idempotency_key_reused");
    }
    // And so is one that names a store, though that means nothing for a store's own people.
    let elsewhere = shop.owner.inside("elsewhere");
    keyed(&elsewhere, "/api/products/", "one", &body).refused(422, "idempotency_key_reused");
    keyed(&shop.owner, "/api/products/", "One", &body).must(201);
}

fn a_key_belongs_to_one_user_in_one_store(world: &World) {
    let (one, two, admin) = (world.open("Alpha"), world.open("Beta"), world.admin());
    let people: [Client; 6] = [
        (*one.owner).clone(),
        (*one.staff).clone(),
        (*two.owner).clone(),
        (*two.staff).clone(),
        admin.inside(&one.slug),
        admin.inside(&two.slug),
    ];
    let body = json!({"name": "Cup", "price": "2.00"});
    let firsts: Vec<_> = people
        .iter()
        .map(|person| {
            let first = keyed(person, "/api/products/", "the-same", &body).must(201);
            assert_eq!(first.header("idempotency-replayed"), None);
            first
        })
        .collect();
    for (person, first) in people.iter().zip(&firsts) {
        is_again(&keyed(person, "/api/products/", "the-same", &body), first);
    }
    let ids: BTreeSet<_> = firsts.iter().map(Answer::id).collect();
    assert_eq!(ids.len(), people.len());
    assert_eq!((count(&one.owner, "/api/products/"), count(&two.owner, "/api/products/")), (3, 3));
    // Another session of the same user is the same user.
    let again = world.log_in(&one.owner.username, "Alpha");
    is_again(&keyed(&again, "/api/products/", "the-same", &body), &firsts[0]);
}

fn what_failed_has_claimed_nothing(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "2.00", Some(1));
    let kept = "SELECT CAST(COUNT(*) AS text) FROM idempotency_keys";
    let order = json!({"product": product, "quantity": 2});
    keyed(&shop.customer, "/api/orders/", "k", &order).refused(409, "insufficient_stock");
    keyed(&shop.customer, "/api/orders/", "k", &json!({"product": product})).faults(&["quantity"]);
    keyed(&shop.customer, "/api/orders/", "k", &json!({"product": 987_654, "quantity": 1}))
        .faults(&["product"]);
    let broken = shop.customer.request("POST", "/api/orders/").header("Idempotency-Key", "k");
    send(broken.header("Content-Type", "application/json").body("{")).refused(400, "malformed_json");
    keyed(&shop.customer, "/api/products/", "k", &order).refused(403, "permission_denied");
    assert_eq!((lines(world, shop.id, kept), shop.stock(product)), (vec!["0".to_owned()], json!(1)));
    shop.owner.patch(&format!("/api/products/{product}/"), &json!({"stock": 5})).must(200);
    let first = keyed(&shop.customer, "/api/orders/", "k", &order).must(201);
    assert_eq!((first.header("idempotency-replayed"), first.json["number"].clone()), (None, json!(1001)));
    is_again(&keyed(&shop.customer, "/api/orders/", "k", &order), &first);
    assert_eq!((lines(world, shop.id, kept), shop.stock(product)), (vec!["1".to_owned()], json!(3)));
    // A conflict of another kind, and the same key for what is sent instead.
    let product = |sku: &str| json!({"name": "Cup", "price": "1", "sku": sku});
    shop.owner.post("/api/products/", &product("A")).must(201);
    keyed(&shop.owner, "/api/products/", "s", &product("A")).refused(409, "sku_taken");
    let made = keyed(&shop.owner, "/api/products/", "s", &product("B")).must(201);
    assert_eq!(made.header("idempotency-replayed"), None);
}

fn a_malformed_key_is_refused(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    for Creation { operation, client, path, body } in creations(&shop, &admin) {
        let rows = count(&client, &format!("{path}?limit=200"));
        let post = |keys: &[&[u8]]| {
            let mut request = client.request("POST", path).json(&body);
            for key in keys {
                request = request.header("Idempotency-Key", HeaderValue::from_bytes(key).unwrap());
            }
            send(request)
        };
        let long = "x".repeat(256);
        for key in [&b""[..], long.as_bytes(), b"a b", b"a\tb", "schl\u{fc}ssel".as_bytes(), b"\xff"] {
            post(&[key]).faults(&["Idempotency-Key"]);
        }
        post(&[b"a", b"a"]).faults(&["Idempotency-Key"]);
        post(&[b"a", b""]).faults(&["Idempotency-Key"]);
        assert_eq!(count(&client, &format!("{path}?limit=200")), rows, "{operation}");
        post(&[format!("{operation:x<255}").as_bytes()]).must(201);
        // Who may not do it at all is told that.
        let stranger = world.anonymous().request("POST", path).header("Idempotency-Key", "").json(&body);
        send(stranger).refused(401, "not_authenticated");
    }
    keyed(&shop.customer, "/api/products/", "", &json!({})).refused(403, "permission_denied");
}

fn who_may_no_longer_do_it_gets_nothing_back(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let body = json!({"name": "A secret cup", "price": "2.00"});
    let again = |who: &Client, status: u16, code: &str| {
        let answer = keyed(who, "/api/products/", "k", &body).refused(status, code);
        assert!(!answer.text.contains("secret cup"), "{}", answer.text);
        assert_eq!((answer.header("location"), answer.header("idempotency-replayed")), (None, None));
        // Nor whether the key was ever used.
        let other = keyed(who, "/api/products/", "never-used", &body);
        assert_eq!(answer.essence(), other.essence());
    };
    let first = keyed(&shop.staff, "/api/products/", "k", &body).must(201);
    let path = format!("/api/users/{}/", shop.staff.id);
    shop.owner.patch(&path, &json!({"role": "customer"})).must(200);
    again(&shop.staff, 403, "permission_denied");
    shop.owner.patch(&path, &json!({"role": "staff"})).must(200);
    is_again(&keyed(&shop.staff, "/api/products/", "k", &body), &first);

    let tenant = format!("/api/platform/tenants/{}", shop.id);
    admin.post(&format!("{tenant}/suspend/"), &json!({})).must(200);
    again(&shop.staff, 401, "store_suspended");
    admin.post(&format!("{tenant}/resume/"), &json!({})).must(200);
    is_again(&keyed(&shop.staff, "/api/products/", "k", &body), &first);

    let elsewhere = world.log_in(&shop.staff.username, "Alpha");
    elsewhere.post("/api/auth/logout/", &json!({})).must(204);
    again(&elsewhere, 401, "token_not_valid");
    is_again(&keyed(&shop.staff, "/api/products/", "k", &body), &first);
    shop.owner.patch(&path, &json!({"is_active": false})).must(200);
    again(&shop.staff, 401, "account_inactive");
    again(&world.anonymous(), 401, "not_authenticated");
}

fn a_replayed_order_takes_no_stock_and_a_replay_is_of_the_first_moment(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "2.00", Some(10));
    let body = json!({"product": product, "quantity": 4});
    let first = keyed(&shop.customer, "/api/orders/", "k", &body).must(201);
    let path = first.header("location").unwrap().to_owned();
    shop.owner.patch(&format!("/api/products/{product}/"), &json!({"price": "9.00", "stock": 1})).must(200);
    is_again(&keyed(&shop.customer, "/api/orders/", "k", &body), &first);
    assert_eq!(shop.stock(product), 1);
    shop.customer.post(&format!("{path}cancel/"), &json!({})).must(200);
    assert_eq!(shop.stock(product), 5);
    is_again(&keyed(&shop.customer, "/api/orders/", "k", &body), &first);
    shop.owner.delete(&path).must(204);
    is_again(&keyed(&shop.customer, "/api/orders/", "k", &body), &first);
    assert_eq!((shop.stock(product), count(&shop.owner, "/api/orders/")), (json!(5), 0));
}

fn the_token_of_an_invitation_is_not_kept(world: &World) {
    let shop = world.open("Alpha");
    let body = json!({"email": "invited@example.com", "role": "staff"});
    let first = keyed(&shop.owner, "/api/invitations/", "k", &body).must(201);
    let secret = first.text_of("token").rsplit('-').next().unwrap().to_owned();
    let kept = lines(world, shop.id, "SELECT body FROM idempotency_keys");
    assert_eq!(kept.len(), 1);
    assert!(kept.iter().all(|body| !body.contains(&secret)));
    let again = keyed(&shop.owner, "/api/invitations/", "k", &body).must(201);
    assert!(again.json.as_object().unwrap().contains_key("token") && again.json["token"].is_null());
    let user = json!({"username": "invited", "email": "invited@example.com", "role": "staff",
        "password": PASSWORD, "invite_token": first.text_of("token")});
    world.anonymous().post("/api/auth/register/", &user).must(201);
}
