//! Entity tags and what caches may keep.

use crate::support::{Answer, Client, PASSWORD, World, send};
use serde_json::json;

cases! {
    every_read_has_a_tag_of_what_it_shows,
    what_the_client_has_is_not_sent_again,
    a_change_answers_the_tag_that_a_read_will,
    a_page_has_another_tag_when_another_page_follows,
    nothing_else_has_a_tag_or_may_be_kept,
}

fn ask(client: &Client, method: &str, path: &str, tags: &str) -> Answer {
    send(client.request(method, path).header("If-None-Match", tags))
}

fn tag(answer: &Answer) -> String {
    let tag = answer.header("etag").expect("a tag").to_owned();
    assert!(tag.len() == 34 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    tag
}

fn every_read_has_a_tag_of_what_it_shows(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", None);
    let path = format!("/api/products/{product}/");
    for path in ["/api/store/", "/api/auth/me/", "/api/products/", "/api/orders/", "/api/users/", &path] {
        let answer = shop.owner.get(path).must(200);
        assert_eq!(tag(&answer), tag(&shop.owner.get(path)), "{path}");
        assert_eq!(tag(&answer), tag(&shop.owner.call("HEAD", path, None).must(200)), "{path}");
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    }
    for path in ["/api/schema/", "/openapi.json", "/api/docs/", "/healthz"] {
        let answer = world.anonymous().get(path).must(200);
        tag(&answer);
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
    }
    let before = tag(&shop.owner.get(&path));
    shop.owner.patch(&path, &json!({"name": "Mug"})).must(200);
    assert_ne!(tag(&shop.owner.get(&path)), before);
    let value = shop.owner.get(&path).json;
    assert_ne!(haat_api::etag::etag_of(&value), before);
}

fn what_the_client_has_is_not_sent_again(world: &World) {
    let shop = world.open("Alpha");
    let path = format!("/api/products/{}/", shop.product("Cup", "1.00", None));
    let shown = tag(&shop.customer.get(&path));
    let others = "\"00000000000000000000000000000000\"";
    for tags in [
        shown.clone(),
        "*".to_owned(),
        format!("W/{shown}"),
        format!("{others}, {shown}"),
        format!("{others},W/{shown} , \"x\""),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&shop.customer, method, &path, &tags).must(304);
            assert_eq!((tag(&answer), answer.text.as_str()), (shown.clone(), ""), "{tags}");
            assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
            assert_eq!((answer.header("content-type"), answer.header("content-length")), (None, None));
            assert!(answer.header("x-request-id").is_some());
        }
    }
    let twice = shop.customer.request("GET", &path).header("If-None-Match", others);
    send(twice.header("If-None-Match", &shown)).must(304);
    for tags in [others, "", "x", "\"", shown.trim_start_matches('"')] {
        ask(&shop.customer, "GET", &path, tags).must(200);
    }
    // It is no way around the walls, and no other method asks it.
    ask(&world.anonymous(), "GET", &path, "*").refused(401, "not_authenticated");
    ask(&shop.customer, "GET", "/api/products/987654/", "*").refused(404, "not_found");
    let change = shop.owner.request("PATCH", &path).header("If-None-Match", "*");
    send(change.json(&json!({"name": "Mug"}))).must(200);
    ask(&shop.customer, "GET", &path, &shown).must(200);
}

fn a_change_answers_the_tag_that_a_read_will(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let document = world.anonymous().get("/openapi.json").must(200).json;
    let declared =
        |path: &str| document["paths"][path]["post"]["responses"]["201"]["headers"]["ETag"].clone();
    let product = json!({"name": "Cup", "price": "1.00"});
    let user = json!({"username": "new", "email": "new@example.com", "password": PASSWORD});
    for (client, path, body) in [
        (&shop.owner, "/api/products/", product.clone()),
        (&shop.owner, "/api/users/", user),
        (&admin, "/api/platform/tenants/", json!({"name": "Gamma"})),
    ] {
        assert!(declared(path).is_object(), "{path}");
        let made = client.post(path, &body).must(201);
        assert_eq!(tag(&made), tag(&client.get(made.header("location").unwrap())), "{path}");
        assert_eq!(made.header("cache-control"), Some("private, no-cache"));
    }
    let invitation = json!({"email": "guest@example.com", "role": "staff"});
    let invited = shop.owner.post("/api/invitations/", &invitation).must(201);
    assert!(invited.header("location").is_some() && invited.header("etag").is_none());
    assert!(declared("/api/invitations/").is_null());
    let path = format!("/api/products/{}/", shop.product("Pot", "2.00", None));
    let changed = shop.owner.patch(&path, &json!({"price": "3.00"})).must(200);
    assert_eq!(tag(&changed), tag(&shop.owner.get(&path)));
    let me = shop.owner.patch("/api/auth/me/", &json!({"email": "me@example.com"})).must(200);
    assert_eq!(tag(&me), tag(&shop.owner.get("/api/auth/me/")));
}

fn a_page_has_another_tag_when_another_page_follows(world: &World) {
    let shop = world.open("Alpha");
    shop.product("Cup", "1.00", None);
    let path = "/api/products/?limit=1";
    let last = shop.owner.get(path).must(200);
    shop.product("Pot", "1.00", None);
    let first = shop.owner.get(path).must(200);
    assert_eq!(last.text, first.text);
    assert!(last.next().is_none() && first.next().is_some());
    assert_ne!(tag(&last), tag(&first));
    let link = ask(&shop.owner, "GET", path, &tag(&last)).must(200).next();
    assert_eq!(link, first.next());
    ask(&shop.owner, "GET", path, &tag(&first)).must(304);
}

fn nothing_else_has_a_tag_or_may_be_kept(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", None);
    let login = json!({"username": shop.other.username, "password": PASSWORD, "store": "Alpha"});
    let new =
        json!({"username": "new", "email": "new@example.com", "password": PASSWORD, "tenant_name": "Alpha"});
    let order = shop.order(product, 1);
    for answer in [
        world.anonymous().post("/api/auth/login/", &login).must(200),
        world.anonymous().post("/api/auth/refresh/", &json!({"refresh": shop.other.refresh})).must(200),
        world.anonymous().post("/api/auth/register/", &new).must(201),
        shop.customer.post(&format!("/api/orders/{order}/cancel/"), &json!({})).must(200),
        shop.owner.put(&format!("/api/products/{product}/"), &json!({"name": "Cup", "price": "1"})).must(200),
        shop.owner.delete(&format!("/api/products/{product}/")).must(204),
        shop.owner.get("/api/products/987654/").must(404),
        world.anonymous().get("/api/products/").must(401),
        world.anonymous().get("/metrics").must(200),
        world.anonymous().post("/api/auth/login/", &json!({})).must(400),
    ] {
        assert_eq!((answer.header("etag"), answer.header("cache-control")), (None, Some("no-store")));
    }
}
