//! Logging in, going on, and ending it.

use crate::support::{Answer, PASSWORD, World};
use serde_json::{Value, json};

cases! {
    login_says_who_and_where,
    a_refresh_token_is_good_for_one_new_pair,
    a_refresh_token_used_twice_ends_its_family,
    verify_knows_both_kinds_of_token,
    logout_ends_this_session_alone,
    logout_of_all_ends_every_session,
    a_new_password_ends_every_other_session,
    one_name_may_have_an_account_in_two_stores,
    names_are_unique_in_a_store_whatever_their_case,
    an_owner_sets_a_password_and_ends_the_users_sessions,
    a_refresh_token_shown_while_the_store_is_suspended_is_not_used_up,
    a_stranger_has_little_to_say,
}

fn a_refresh_token_shown_while_the_store_is_suspended_is_not_used_up(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    let set = |what: &str| {
        admin.post(&format!("/api/platform/tenants/{}/{what}/", shop.id), &json!({})).must(200);
    };
    set("suspend");
    for _ in 0..2 {
        refresh(world, &shop.owner.refresh).refused(401, "store_suspended");
    }
    set("resume");
    refresh(world, &shop.owner.refresh).must(200);
    refresh(world, &shop.owner.refresh).refused(401, "token_not_valid");
}

fn a_stranger_has_little_to_say(world: &World) {
    let long = json!({"username": "x".repeat(17 * 1024), "password": PASSWORD});
    for path in ["login", "register", "refresh", "verify"] {
        let path = format!("/api/auth/{path}/");
        world.anonymous().post(&path, &long).refused(413, "body_too_large");
    }
}

fn login(world: &World, body: &Value) -> Answer {
    world.anonymous().post("/api/auth/login/", body)
}

fn refresh(world: &World, token: &str) -> Answer {
    world.anonymous().post("/api/auth/refresh/", &json!({"refresh": token}))
}

fn verify(world: &World, token: &str) -> Answer {
    world.anonymous().post("/api/auth/verify/", &json!({"token": token}))
}

fn login_says_who_and_where(world: &World) {
    let (shop, admin) = (world.open("Alpha"), world.admin());
    for store in ["Alpha", "alpha", " ALPHA "] {
        let body = json!({"username": "OWNER.alpha", "password": PASSWORD, "store": store});
        let answer = login(world, &body).must(200);
        assert_eq!((&answer.json["tenant_id"], &answer.json["role"]), (&json!(shop.id), &json!("owner")));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let members: Vec<_> = answer.json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["access", "refresh", "role", "tenant_id"]);
    }
    let answer = login(world, &json!({"username": "admin", "password": PASSWORD})).must(200);
    assert_eq!((&answer.json["tenant_id"], &answer.json["role"]), (&Value::Null, &json!("superuser")));
    assert_eq!(admin.get("/api/auth/me/").must(200).json["tenant"], Value::Null);
}

fn a_refresh_token_is_good_for_one_new_pair(world: &World) {
    let shop = world.open("Alpha");
    let pair = refresh(world, &shop.staff.refresh).must(200);
    assert_ne!(pair.text_of("refresh"), shop.staff.refresh);
    world.anonymous().with(pair.text_of("access")).get("/api/orders/").must(200);
    let next = refresh(world, pair.text_of("refresh")).must(200);
    assert_eq!((&next.json["tenant_id"], &next.json["role"]), (&json!(shop.id), &json!("staff")));
    shop.staff.get("/api/orders/").must(200);
}

fn a_refresh_token_used_twice_ends_its_family(world: &World) {
    let shop = world.open("Alpha");
    let elsewhere = world.log_in(&shop.staff.username, "Alpha");
    let pair = refresh(world, &shop.staff.refresh).must(200);
    refresh(world, &shop.staff.refresh).refused(401, "token_not_valid");
    refresh(world, pair.text_of("refresh")).refused(401, "token_not_valid");
    world.anonymous().with(pair.text_of("access")).get("/api/orders/").refused(401, "token_not_valid");
    shop.staff.get("/api/orders/").refused(401, "token_not_valid");
    elsewhere.get("/api/orders/").must(200);
    refresh(world, &elsewhere.refresh).must(200);
}

fn verify_knows_both_kinds_of_token(world: &World) {
    let shop = world.open("Alpha");
    let access = shop.staff.token.clone().unwrap();
    assert_eq!(verify(world, &access).must(200).json, json!({}));
    assert_eq!(verify(world, &shop.staff.refresh).must(200).json, json!({}));
    refresh(world, &shop.staff.refresh).must(200);
    verify(world, &shop.staff.refresh).refused(401, "token_not_valid");
    verify(world, "nonsense").refused(401, "token_not_valid");
    shop.staff.post("/api/auth/logout/", &json!({})).must(204);
    verify(world, &access).refused(401, "token_not_valid");
}

fn logout_ends_this_session_alone(world: &World) {
    let shop = world.open("Alpha");
    let elsewhere = world.log_in(&shop.staff.username, "Alpha");
    shop.staff.call("POST", "/api/auth/logout/", None).must(204);
    shop.staff.get("/api/orders/").refused(401, "token_not_valid");
    refresh(world, &shop.staff.refresh).refused(401, "token_not_valid");
    elsewhere.get("/api/orders/").must(200);
}

fn logout_of_all_ends_every_session(world: &World) {
    let shop = world.open("Alpha");
    let elsewhere = world.log_in(&shop.staff.username, "Alpha");
    shop.staff.call("POST", "/api/auth/logout/?all=maybe", None).faults(&["all"]);
    shop.staff.call("POST", "/api/auth/logout/?all=true", None).must(204);
    for session in [&shop.staff, &elsewhere] {
        session.get("/api/orders/").refused(401, "token_not_valid");
        refresh(world, &session.refresh).refused(401, "token_not_valid");
    }
    shop.owner.get("/api/orders/").must(200);
    world.log_in(&shop.staff.username, "Alpha").get("/api/orders/").must(200);
}

fn a_new_password_ends_every_other_session(world: &World) {
    let shop = world.open("Alpha");
    let elsewhere = world.log_in(&shop.staff.username, "Alpha");
    let new = "battery staple 9";
    let change = |old: &str, new: &str| {
        shop.staff.post("/api/auth/password/", &json!({"old_password": old, "new_password": new}))
    };
    change("wrong", new).faults(&["old_password"]);
    change(PASSWORD, "short").faults(&["new_password"]);
    change(PASSWORD, &shop.staff.username).faults(&["new_password"]);
    elsewhere.get("/api/orders/").must(200);

    change(PASSWORD, new).must(204);
    shop.staff.get("/api/orders/").must(200);
    elsewhere.get("/api/orders/").must(401);
    refresh(world, &elsewhere.refresh).must(401);
    refresh(world, &shop.staff.refresh).must(200);
    let attempt =
        |password: &str| json!({"username": shop.staff.username, "password": password, "store": "Alpha"});
    login(world, &attempt(PASSWORD)).refused(401, "invalid_credentials");
    login(world, &attempt(new)).must(200);
}

fn one_name_may_have_an_account_in_two_stores(world: &World) {
    let (one, two) = (world.open("Alpha"), world.open("Beta"));
    let join = |store: &str, password: &str| {
        let body = json!({"username": "shopper", "password": password, "email": "shopper@example.com",
            "tenant_name": store});
        world.anonymous().post("/api/auth/register/", &body).must(201)
    };
    let (first, second) = ("the first 1 word", "the second 2 word");
    join("Alpha", first);
    join("beta", second);
    let attempt = |password: &str, store: Option<&str>| {
        login(world, &json!({"username": "shopper", "password": password, "store": store}))
    };
    // Without a store, the account that took the name first is meant.
    assert_eq!(attempt(first, None).must(200).json["tenant_id"], one.id);
    attempt(second, None).refused(401, "invalid_credentials");
    assert_eq!(attempt(second, Some("Beta")).must(200).json["tenant_id"], two.id);
    assert_eq!(attempt(first, Some("Alpha")).must(200).json["tenant_id"], one.id);
    attempt(first, Some("Beta")).refused(401, "invalid_credentials");
}

fn names_are_unique_in_a_store_whatever_their_case(world: &World) {
    let shop = world.open("Alpha");
    let user = |username: &str, email: &str| {
        let body = json!({"username": username, "email": email, "password": PASSWORD});
        shop.owner.post("/api/users/", &body)
    };
    user("Straße", "one@example.com").must(201);
    user("STRASSE", "two@example.com").refused(409, "username_taken");
    user("other", "ONE@example.com").refused(409, "email_taken");
    user("other", "two@example.com").must(201);
}

fn an_owner_sets_a_password_and_ends_the_users_sessions(world: &World) {
    let shop = world.open("Alpha");
    let path = format!("/api/users/{}/", shop.customer.id);
    shop.owner.patch(&path, &json!({"password": "a new 3 word"})).must(200);
    shop.customer.get("/api/auth/me/").must(401);
    let body = json!({"username": shop.customer.username, "password": "a new 3 word", "store": "Alpha"});
    login(world, &body).must(200);
}
