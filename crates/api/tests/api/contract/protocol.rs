//! Paths, methods, headers.

use crate::support::{PASSWORD, World, send};
use serde_json::json;

cases! {
    a_path_works_with_and_without_its_slash,
    what_is_not_there_is_a_problem_too,
    another_method_is_answered_with_those_that_are_allowed,
    head_is_get_without_its_body,
    options_names_the_methods,
    a_sane_request_id_is_kept_and_another_replaced,
    answers_are_not_for_caches,
    what_was_created_says_where_it_is,
    the_document_and_the_user_interface_are_served,
    health_and_readiness_are_open,
    a_platform_admin_names_the_store_to_act_in,
    platform_admins_open_rename_and_list_stores,
    an_owner_renames_the_store_and_its_slug_stays,
}

fn a_path_works_with_and_without_its_slash(world: &World) {
    let shop = world.open("Alpha");
    let body = json!({"name": "Cup", "price": "1.00"});
    for path in ["/api/products", "/api/products/"] {
        let id = shop.owner.post(path, &body).must(201).id();
        assert_eq!(shop.owner.get(&format!("{path}?limit=5")).must(200).status, 200);
        for path in [format!("/api/products/{id}"), format!("/api/products/{id}/")] {
            shop.owner.get(&path).must(200);
            shop.owner.patch(&path, &json!({"stock": 3})).must(200);
        }
    }
    let login = json!({"username": shop.owner.username, "password": PASSWORD});
    world.anonymous().post("/api/auth/login", &login).must(200);
    for path in ["/healthz", "/healthz/", "/readyz", "/api/schema", "/openapi.json"] {
        world.anonymous().get(path).must(200);
    }
}

fn what_is_not_there_is_a_problem_too(world: &World) {
    let shop = world.open("Alpha");
    for client in [&world.anonymous(), &shop.owner] {
        for path in
            ["/api/", "/api/nothing/", "/nothing", "/api/products/1/2/", "/api/products/1/cancel/", "/.env"]
        {
            for method in ["GET", "POST", "DELETE"] {
                client.call(method, path, None).refused(404, "not_found");
            }
        }
    }
}

fn another_method_is_answered_with_those_that_are_allowed(world: &World) {
    let shop = world.open("Alpha");
    for (method, path, allowed) in [
        ("DELETE", "/api/products/", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/api/products/1/", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("PUT", "/api/orders/1", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("GET", "/api/orders/1/cancel/", "OPTIONS, POST"),
        ("GET", "/api/auth/login/", "OPTIONS, POST"),
        ("PATCH", "/healthz", "GET, HEAD, OPTIONS"),
    ] {
        let answer = shop.owner.call(method, path, None).refused(405, "method_not_allowed");
        let mut methods: Vec<_> = answer.header("allow").unwrap().split(", ").collect();
        methods.sort_unstable();
        assert_eq!(methods.join(", "), allowed, "{method} {path}");
    }
}

fn head_is_get_without_its_body(world: &World) {
    let shop = world.open("Alpha");
    let product = shop.product("Cup", "1.00", None);
    for path in ["/api/products/", &format!("/api/products/{product}/"), "/healthz", "/api/schema/"] {
        let (head, get) = (shop.owner.call("HEAD", path, None).must(200), shop.owner.get(path).must(200));
        assert_eq!(head.text, "");
        assert_eq!(head.header("content-type"), get.header("content-type"));
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
    }
    let missing = shop.owner.call("HEAD", "/api/products/987654/", None).must(404);
    assert_eq!(
        (missing.text.as_str(), missing.header("content-type")),
        ("", Some("application/problem+json"))
    );
    world.anonymous().call("HEAD", "/api/products/", None).must(401);
}

fn options_names_the_methods(world: &World) {
    let answer = world.anonymous().call("OPTIONS", "/api/products/", None).must(204);
    assert!(answer.header("allow").is_some_and(|allowed| allowed.contains("POST")));
    world.anonymous().call("OPTIONS", "/api/nothing/", None).refused(404, "not_found");
}

fn a_sane_request_id_is_kept_and_another_replaced(world: &World) {
    let ask = |id: &str| {
        let request = world.anonymous().request("GET", "/api/products/").header("X-Request-Id", id);
        let answer = send(request).refused(401, "not_authenticated");
        answer.header("x-request-id").unwrap().to_owned()
    };
    let longest = "x".repeat(128);
    for sane in ["a", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "trace.1_2", &longest] {
        assert_eq!(ask(sane), sane);
    }
    for insane in ["", "a b", "a\"b", "<script>", "a\tb", &"x".repeat(129)] {
        let given = ask(insane);
        assert_ne!(given, insane);
        assert!(given.len() == 32 && given.bytes().all(|b| b.is_ascii_hexdigit()), "{given}");
    }
    assert_ne!(ask(""), ask(""));
    assert!(world.anonymous().get("/healthz").header("x-request-id").is_some());
}

fn answers_are_not_for_caches(world: &World) {
    let shop = world.open("Alpha");
    for path in ["/api/products/", "/api/auth/me/", "/api/products/987654/", "/api/users/"] {
        let answer = shop.customer.get(path);
        let cached = answer.header("cache-control").unwrap_or("nothing");
        let tagged = answer.header("etag").is_some();
        assert!(cached.contains(if tagged { "no-cache" } else { "no-store" }), "{path}: {cached}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}

fn what_was_created_says_where_it_is(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let product = shop.product("Cup", "1.00", None);
    let user = json!({"username": "new", "email": "new@example.com", "password": PASSWORD});
    for (client, path, body) in [
        (&shop.owner, "/api/products/", json!({"name": "Cup", "price": "1.00"})),
        (&shop.customer, "/api/orders/", json!({"product": product, "quantity": 1})),
        (&shop.owner, "/api/users/", user),
        (&admin, "/api/platform/tenants/", json!({"name": "Gamma"})),
    ] {
        let made = client.post(path, &body).must(201);
        let place = made.header("location").unwrap();
        assert_eq!(place, format!("{path}{}/", made.id()));
        assert_eq!(client.get(place).must(200).json, made.json);
    }
}

fn the_document_and_the_user_interface_are_served(world: &World) {
    let document = world.anonymous().get("/api/schema/").must(200);
    assert!(document.text_of("openapi").starts_with("3.1"));
    assert_eq!(world.anonymous().get("/openapi.json").must(200).text, document.text);
    let page = world.anonymous().get("/api/docs/").must(200);
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    world.anonymous().get("/api/docs/swagger-ui.css").must(200);
    world.anonymous().get("/api/docs/nothing.js").refused(404, "not_found");
    assert_eq!(world.anonymous().get("/").header("location"), Some("/api/docs/"));
}

fn health_and_readiness_are_open(world: &World) {
    for path in ["/healthz", "/readyz"] {
        assert_eq!(world.anonymous().get(path).must(200).json["status"], "ok");
    }
}

fn a_platform_admin_names_the_store_to_act_in(world: &World) {
    let (one, two, admin) = (world.open("Alpha Store"), world.open("Beta"), world.admin());
    one.product("Cup", "1.00", None);
    admin.get("/api/products/").refused(403, "store_required");
    admin.inside("nowhere").get("/api/products/").refused(404, "not_found");
    for name in [&one.slug, &one.name] {
        assert_eq!(admin.inside(name).get("/api/products/").must(200).json[0]["name"], "Cup");
    }
    assert_eq!(admin.inside(&two.slug).get("/api/products/").must(200).json, json!([]));
    let product =
        admin.inside(&two.slug).post("/api/products/", &json!({"name": "Pot", "price": 1})).must(201);
    assert_eq!((&product.json["tenant"], &product.json["created_by"]), (&json!(two.id), &json!(null)));
    assert_eq!(admin.inside(&one.slug).get("/api/auth/me/").must(200).json["username"], "admin");
    // For anybody else the header means nothing.
    assert_eq!(two.owner.inside(&one.slug).get("/api/products/").json[0]["name"], "Pot");
    assert_eq!(two.owner.inside("nowhere").get("/api/store/").must(200).json["id"], two.id);
}

fn platform_admins_open_rename_and_list_stores(world: &World) {
    let (one, admin) = (world.open("Alpha"), world.admin());
    let path = "/api/platform/tenants/";
    let made = admin.post(path, &json!({"name": " Gamma  Ray ", "currency": "JPY"})).must(201);
    assert_eq!((made.text_of("slug"), made.text_of("currency")), ("gamma-ray", "JPY"));
    admin.post(path, &json!({"name": "ＧAMMA ray"})).refused(409, "tenant_taken");
    admin.post(path, &json!({"name": "", "currency": "XXQ"})).faults(&["currency", "name"]);
    let renamed = admin.patch(&format!("{path}{}/", made.id()), &json!({"name": "Delta"})).must(200);
    assert_eq!((renamed.text_of("name"), renamed.text_of("slug")), ("Delta", "gamma-ray"));
    let names = |answer: crate::support::Answer| -> Vec<String> {
        let rows = answer.must(200).json.as_array().unwrap().clone();
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(admin.get(path)), ["Alpha", "Delta"]);
    admin.post(&format!("{path}{}/suspend/", one.id), &json!({})).must(200);
    admin.post(&format!("{path}{}/suspend/", one.id), &json!({})).must(200);
    assert_eq!(names(admin.get(&format!("{path}?status=suspended"))), ["Alpha"]);
    assert_eq!(names(admin.get(&format!("{path}?search=del"))), ["Delta"]);
}

fn an_owner_renames_the_store_and_its_slug_stays(world: &World) {
    let shop = world.open("Alpha");
    world.open("Beta");
    shop.owner.patch("/api/store/", &json!({"name": "beta"})).refused(409, "tenant_taken");
    let renamed = shop.owner.patch("/api/store/", &json!({"name": "Omega", "slug": "x", "id": 9})).must(200);
    assert_eq!((renamed.text_of("name"), renamed.text_of("slug")), ("Omega", "alpha"));
    shop.owner.patch("/api/store/", &json!({"currency": "JPY"})).must(200);
    shop.product("Cup", "100", None);
    shop.owner.patch("/api/store/", &json!({"currency": "INR"})).refused(409, "currency_in_use");
    assert_eq!(shop.customer.get("/api/store/").must(200).json["name"], "Omega");
}
