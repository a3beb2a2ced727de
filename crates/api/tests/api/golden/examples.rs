//! The examples of the OpenAPI document: a run through every operation.

use super::compare;
use crate::support::{Answer, Client, World, on};
use haat_api::operations::OPERATIONS;
use haat_infra::testing::Engine;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What was asked and answered, by operation.
#[derive(Default)]
struct Examples(Map<String, Value>);

impl Examples {
    /// Asks, notes it, and hands the answer on.
    fn take(
        &mut self,
        operation: &str,
        client: &Client,
        (method, path): (&str, &str),
        body: &Value,
    ) -> Answer {
        let sent = if body.is_null() { None } else { Some(body) };
        let answer = client.call(method, path, sent);
        assert!((200..300).contains(&answer.status), "{operation}: {}", answer.text);
        let mut example = json!({"status": answer.status.to_string()});
        if let Some(body) = sent {
            example["request"] = masked(body.clone());
        }
        // The document is no example in itself.
        if !answer.json.is_null() && operation != "get_schema" {
            example["response"] = masked(answer.json.clone());
        }
        self.0.insert(operation.to_owned(), example);
        answer
    }
}

/// The same without what differs from run to run.
fn masked(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("eyJ") => json!("eyJhbGciOiJIUzI1NiJ9.…"),
        Value::String(text) if text.starts_with("invite-") => {
            json!("invite-1-00112233445566778899aabbccddeeff")
        }
        Value::String(text) if is_digest(&text) => json!("0".repeat(text.len())),
        Value::String(text) if is_time(&text) => json!("2026-01-01T00:00:00.000000Z"),
        Value::Array(all) => all.into_iter().map(masked).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, masked(value))).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

/// A link of the audit log, or the number of a request.
fn is_digest(text: &str) -> bool {
    matches!(text.len(), 32 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_time(text: &str) -> bool {
    let text = text.as_bytes();
    text.len() >= 20 && text.ends_with(b"Z") && text[4] == b'-' && text[10] == b'T' && text[13] == b':'
}

fn account(username: &str, domain: &str) -> Value {
    json!({"username": username, "password": format!("{username}12345"), "email": format!("{username}@{domain}")})
}

fn with(mut body: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn the_examples_are_golden() {
    on(Engine::Sqlite, |world| {
        let mut examples = Examples::default();
        let owner = people(world, &mut examples);
        goods(world, &mut examples, &owner);
        platform(world, &mut examples);
        sessions(world, &mut examples);
        let taken: BTreeSet<_> = examples.0.keys().map(String::as_str).collect();
        let all: BTreeSet<_> = OPERATIONS.iter().map(|(operation, _)| *operation).collect();
        assert_eq!(taken, all, "an operation has no example here");
        let mut text = serde_json::to_string_pretty(&examples.0).unwrap();
        text.push('\n');
        compare("openapi/examples.json", &text);
    });
}

/// Opens the store and fills it with people; its owner.
fn people(world: &World, examples: &mut Examples) -> Client {
    let nobody = world.anonymous();
    let store = json!({"role": "owner", "tenant_name": "DreamKart"});
    let owner = with(account("rohan", "dreamkart.com"), &store);
    examples.take("register", &nobody, ("POST", "/api/auth/register/"), &owner);
    let login = json!({"username": "rohan", "password": "rohan12345"});
    let tokens = examples.take("login", &nobody, ("POST", "/api/auth/login/"), &login);
    let owner = nobody.with(tokens.text_of("access"));
    examples.take("get_store", &owner, ("GET", "/api/store/"), &Value::Null);
    examples.take("update_store", &owner, ("PATCH", "/api/store/"), &json!({"currency": "INR"}));
    let staff = with(account("priya", "dreamkart.com"), &json!({"role": "staff"}));
    let staff = examples.take("create_user", &owner, ("POST", "/api/users/"), &staff).id();
    let path = format!("/api/users/{staff}/");
    examples.take("get_user", &owner, ("GET", &path), &Value::Null);
    let join =
        with(account("rahul", "dreamkart.com"), &json!({"role": "customer", "tenant_name": "DreamKart"}));
    nobody.post("/api/auth/register/", &join).must(201);
    examples.take("list_users", &owner, ("GET", "/api/users/"), &Value::Null);
    examples.take("update_user", &owner, ("PATCH", &path), &json!({"is_active": false}));
    examples.take("delete_user", &owner, ("DELETE", &path), &Value::Null);
    let invited = json!({"email": "meera@dreamkart.com", "role": "staff"});
    let path = "/api/invitations/";
    let invited = examples.take("create_invitation", &owner, ("POST", path), &invited).id();
    examples.take("list_invitations", &owner, ("GET", path), &Value::Null);
    examples.take("get_invitation", &owner, ("GET", &format!("{path}{invited}/")), &Value::Null);
    examples.take("revoke_invitation", &owner, ("DELETE", &format!("{path}{invited}/")), &Value::Null);
    owner
}

fn goods(world: &World, examples: &mut Examples, owner: &Client) {
    let body = json!({"username": "rahul", "password": "rahul12345", "store": "DreamKart"});
    let tokens = world.anonymous().post("/api/auth/login/", &body).must(200);
    let customer = world.anonymous().with(tokens.text_of("access"));

    let lamp = json!({"name": "Brass lamp", "description": "A lamp for every evening.", "price": "999.99",
        "sku": "LAMP-1", "stock": 25});
    let lamp = examples.take("create_product", owner, ("POST", "/api/products/"), &lamp).id();
    let path = format!("/api/products/{lamp}/");
    examples.take("get_product", &customer, ("GET", &path), &Value::Null);
    let replaced = json!({"name": "Brass lamp", "description": "Made in Moradabad.", "price": "999.99",
        "sku": "LAMP-1", "stock": 30, "status": "active"});
    examples.take("replace_product", owner, ("PUT", &path), &replaced);
    examples.take("update_product", owner, ("PATCH", &path), &json!({"price": "899.50"}));
    examples.take("list_products", &customer, ("GET", "/api/products/?in_stock=true"), &Value::Null);

    let wish = json!({"product": lamp, "quantity": 2});
    let order = examples.take("place_order", &customer, ("POST", "/api/orders/"), &wish).id();
    let path = format!("/api/orders/{order}/");
    examples.take("get_order", &customer, ("GET", &path), &Value::Null);
    examples.take("update_order", owner, ("PATCH", &path), &json!({"status": "confirmed"}));
    examples.take("list_orders", owner, ("GET", "/api/orders/"), &Value::Null);
    let second = customer.post("/api/orders/", &wish).must(201).id();
    let cancel = format!("/api/orders/{second}/cancel/");
    examples.take("cancel_order", &customer, ("POST", &cancel), &Value::Null);
    let path = format!("/api/orders/{second}/");
    examples.take("delete_order", owner, ("DELETE", &path), &Value::Null);
    let path = format!("/api/products/{lamp}/");
    examples.take("delete_product", owner, ("DELETE", &path), &Value::Null);
    examples.take("list_audit", owner, ("GET", "/api/audit/?object=product&limit=2"), &Value::Null);
}

fn platform(world: &World, examples: &mut Examples) {
    let admin = world.admin();
    let path = "/api/platform/tenants/";
    let store = json!({"name": "Tea Room", "currency": "INR"});
    let store = examples.take("create_tenant", &admin, ("POST", path), &store).id();
    let one = format!("{path}{store}/");
    examples.take("get_tenant", &admin, ("GET", &one), &Value::Null);
    examples.take("update_tenant", &admin, ("PATCH", &one), &json!({"name": "Darjeeling Tea Room"}));
    examples.take("suspend_tenant", &admin, ("POST", &format!("{one}suspend/")), &Value::Null);
    examples.take("resume_tenant", &admin, ("POST", &format!("{one}resume/")), &Value::Null);
    examples.take("list_tenants", &admin, ("GET", path), &Value::Null);
    let nobody = world.anonymous();
    examples.take("get_health", &nobody, ("GET", "/healthz/"), &Value::Null);
    examples.take("get_readiness", &nobody, ("GET", "/readyz/"), &Value::Null);
    examples.take("get_metrics", &nobody, ("GET", "/metrics/"), &Value::Null);
    examples.take("get_schema", &nobody, ("GET", "/api/schema/"), &Value::Null);
    examples.take("get_jwks", &nobody, ("GET", "/.well-known/jwks.json/"), &Value::Null);
}

fn sessions(world: &World, examples: &mut Examples) {
    let nobody = world.anonymous();
    let body = json!({"username": "rahul", "password": "rahul12345"});
    let tokens = nobody.post("/api/auth/login/", &body).must(200);
    let refresh = json!({"refresh": tokens.text_of("refresh")});
    let tokens = examples.take("refresh", &nobody, ("POST", "/api/auth/refresh/"), &refresh);
    let token = json!({"token": tokens.text_of("access")});
    examples.take("verify", &nobody, ("POST", "/api/auth/verify/"), &token);
    let user = nobody.with(tokens.text_of("access"));
    examples.take("get_me", &user, ("GET", "/api/auth/me/"), &Value::Null);
    let email = json!({"email": "rahul@example.com"});
    examples.take("update_me", &user, ("PATCH", "/api/auth/me/"), &email);
    let password = json!({"old_password": "rahul12345", "new_password": "a longer one, 2026"});
    examples.take("change_password", &user, ("POST", "/api/auth/password/"), &password);
    let tokens =
        nobody.post("/api/auth/login/", &json!({"username": "rahul", "password": "a longer one, 2026"}));
    let user = nobody.with(tokens.must(200).text_of("access"));
    examples.take("logout", &user, ("POST", "/api/auth/logout/"), &Value::Null);
}
