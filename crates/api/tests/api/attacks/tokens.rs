//! Tokens that the server did not make, or made for something else.

use crate::support::{Client, KEY, World};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const OTHER_KEY: &str = "another key that is long enough, too";

cases! {
    a_token_that_is_not_ours_or_not_in_time_is_refused,
    a_token_of_the_other_kind_is_refused,
    the_accounts_row_is_believed_and_not_the_token,
    an_authorization_header_of_another_shape_is_no_login,
}

/// A token with this header and these claims, signed with this key.
pub(crate) fn sign(header: &Value, claims: &Value, key: &str) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(mac.finalize().into_bytes()))
}

pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_slice(&BASE64.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// These claims with one of them changed.
pub(crate) fn but(claims: &Value, name: &str, value: Value) -> Value {
    let mut changed = claims.clone();
    changed[name] = value;
    changed
}

/// The header of a token of this server.
pub(crate) fn header(token: &str) -> Value {
    serde_json::from_slice(&BASE64.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

#[track_caller]
fn is_refused(client: &Client, token: &str) {
    let client = client.with(token);
    for (method, path) in
        [("GET", "/api/auth/me/"), ("GET", "/api/products/"), ("DELETE", "/api/products/1/")]
    {
        let answer = client.call(method, path, None).refused(401, "token_not_valid");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    client.post("/api/auth/verify/", &json!({"token": token})).refused(401, "token_not_valid");
    client.post("/api/auth/refresh/", &json!({"refresh": token})).refused(401, "token_not_valid");
}

fn a_token_that_is_not_ours_or_not_in_time_is_refused(world: &World) {
    let shop = world.open("Alpha");
    let token = shop.owner.token.clone().unwrap();
    let (good, head) = (claims(&token), header(&token));
    world.anonymous().with(&sign(&head, &good, KEY)).get("/api/auth/me/").must(200);
    // Another key, as somebody would bring it along.
    let (own, url) =
        (json!({"kty": "oct", "k": BASE64.encode(OTHER_KEY)}), json!("https://evil.example/jwks.json"));
    let bringing = but(&but(&head, "jwk", own), "jku", url);

    let [first, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = BASE64.encode(but(&good, "role", json!("superuser")).to_string());
    let expired = good["iat"].as_i64().unwrap() - 1;
    let tokens = [
        String::new(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{first}.{other}.{signature}"),
        format!("{first}.{payload}."),
        format!("{first}.{payload}"),
        format!("{first}.{payload}.{}", BASE64.encode([0; 32])),
        format!("{}.{payload}.", BASE64.encode(but(&head, "alg", json!("none")).to_string())),
        format!("{}.{payload}.{signature}", BASE64.encode(but(&head, "alg", json!("none")).to_string())),
        sign(&but(&head, "alg", json!("none")), &good, KEY),
        sign(&but(&head, "alg", json!("HS512")), &good, KEY),
        sign(&but(&head, "alg", json!("RS256")), &good, KEY),
        sign(&but(&head, "alg", json!("EdDSA")), &good, KEY),
        sign(&but(&head, "typ", json!("JWT")), &good, KEY),
        sign(&but(&head, "typ", json!("rt+jwt")), &good, KEY),
        sign(&but(&head, "typ", Value::Null), &good, KEY),
        sign(&but(&head, "kid", json!("unknown")), &good, KEY),
        sign(&but(&head, "kid", json!("../../../dev/null")), &good, KEY),
        sign(&but(&head, "kid", Value::Null), &good, KEY),
        sign(&json!({"alg": "HS256"}), &good, KEY),
        sign(&bringing, &good, OTHER_KEY),
        sign(&head, &good, OTHER_KEY),
        sign(&head, &but(&good, "exp", json!(expired)), KEY),
        sign(&head, &but(&good, "nbf", json!(good["exp"])), KEY),
        sign(&head, &but(&good, "aud", json!("another-api")), KEY),
        sign(&head, &but(&good, "iss", json!("another")), KEY),
        sign(&head, &but(&good, "token_type", json!("id")), KEY),
        sign(&head, &but(&good, "exp", Value::Null), KEY),
        sign(&head, &json!({}), KEY),
        sign(&head, &json!([]), KEY),
    ];
    for token in tokens {
        is_refused(&world.anonymous(), &token);
    }
}

fn a_token_of_the_other_kind_is_refused(world: &World) {
    let shop = world.open("Alpha");
    let refresh = world.anonymous().with(&shop.owner.refresh);
    refresh.get("/api/products/").refused(401, "token_not_valid");
    refresh.post("/api/auth/logout/", &json!({})).refused(401, "token_not_valid");
    let body = json!({"refresh": shop.owner.token});
    world.anonymous().post("/api/auth/refresh/", &body).refused(401, "token_not_valid");
    shop.owner.get("/api/products/").must(200);
}

/// Even somebody with the signing key gets no more than an account's row gives.
fn the_accounts_row_is_believed_and_not_the_token(world: &World) {
    let (one, two) = (world.open("Alpha"), world.open("Beta"));
    let token = one.customer.token.as_deref().unwrap();
    let (head, good) = (header(token), claims(token));
    let client = |claims: &Value| world.anonymous().with(&sign(&head, claims, KEY));

    let role = client(&but(&good, "role", json!("owner")));
    role.get("/api/users/").refused(403, "permission_denied");
    assert_eq!(role.get("/api/auth/me/").must(200).json["role"], "customer");
    for (claim, value) in [
        ("tenant_id", json!(two.id)),
        ("tenant_id", Value::Null),
        ("user_id", json!(one.owner.id)),
        ("user_id", json!(987_654)),
        ("sid", json!(987_654)),
        ("tv", json!(987_654)),
    ] {
        client(&but(&good, claim, value)).get("/api/auth/me/").refused(401, "token_not_valid");
    }
}

fn an_authorization_header_of_another_shape_is_no_login(world: &World) {
    let shop = world.open("Alpha");
    let token = shop.owner.token.clone().unwrap();
    let ask = |value: &str| {
        let request = world.anonymous().request("GET", "/api/products/");
        crate::support::send(request.header("Authorization", value))
    };
    for value in ["", "Basic cm9oYW46cm9oYW4=", &token, &format!("Token {token}")] {
        let answer = ask(value).refused(401, "not_authenticated");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{value}");
    }
    for value in [format!("bearer {token}"), format!("BEARER  {token} ")] {
        ask(&value).must(200);
    }
}
