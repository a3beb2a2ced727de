//! Keys that sign tokens, and how one follows the other.

use crate::support::{Client, User, World};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use haat_api::config::Settings;
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

cases! {
    with_a_secret_alone_no_key_is_published,
    others_verify_an_access_token_with_the_published_key,
    a_new_key_file_logs_nobody_out,
    a_new_secret_logs_nobody_out,
    one_goes_over_from_a_secret_to_a_key_file_and_logs_nobody_out,
    a_key_file_that_is_none_is_refused_by_name,
}

/// Two keys, as `openssl genpkey -algorithm ed25519` wrote them.
const ONE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIHz3/t6NxYrY747KPO06giiqBcAxPNOJODr2ogC1TYNs\n-----END PRIVATE KEY-----\n";
const TWO: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIG5C8Xf/46jURDXXGX5Zi06Ah+MQYPv4ErSPLZRguzFi\n-----END PRIVATE KEY-----\n";

/// A folder with both key files.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        for (name, pem) in [("one.pem", ONE), ("two.pem", TWO)] {
            std::fs::write(files.path(name), pem).unwrap();
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Settings with these key files and without a secret.
    fn set(&self, settings: &mut Settings, current: &str, previous: Option<&str>) {
        settings.secret_key = None;
        settings.signing_key_file = Some(self.path(current));
        settings.previous_signing_key_file = previous.map(|name| self.path(name));
    }
}

fn published(world: &World) -> Vec<Value> {
    let answer = world.anonymous().get("/.well-known/jwks.json").must(200);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    answer.json["keys"].as_array().unwrap().clone()
}

/// A part of a token, decoded.
fn part(token: &str, number: usize) -> Vec<u8> {
    BASE64.decode(token.split('.').nth(number).unwrap()).unwrap()
}

fn header(token: &str) -> Value {
    serde_json::from_slice(&part(token, 0)).unwrap()
}

fn access(user: &User) -> &str {
    user.token.as_deref().unwrap()
}

/// As a service elsewhere does it, with another library: whether one of these keys has signed the token.
fn verifies(keys: &[Value], token: &str) -> bool {
    let kid = &header(token)["kid"];
    let Some(key) = keys.iter().find(|key| key["kid"] == *kid) else { return false };
    let public = BASE64.decode(key["x"].as_str().unwrap()).unwrap();
    let public = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    public.verify(signed.as_bytes(), &Signature::from_slice(&part(token, 2)).unwrap()).is_ok()
}

/// Whether this server takes the tokens of that user, both kinds.
fn knows(world: &World, user: &User) -> bool {
    let client: Client = world.anonymous().with(access(user));
    let me = client.get("/api/auth/me/");
    let refresh = world.anonymous().post("/api/auth/verify/", &json!({"token": user.refresh}));
    if me.status == 200 {
        refresh.must(200);
        return true;
    }
    me.refused(401, "token_not_valid");
    refresh.refused(401, "token_not_valid");
    false
}

fn with_a_secret_alone_no_key_is_published(world: &World) {
    assert!(published(world).is_empty());
    let shop = world.open("Alpha");
    let header = header(access(&shop.owner));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("HS256"), &json!("at+jwt")));
    assert_eq!(header["kid"].as_str().unwrap().len(), 16);
}

fn others_verify_an_access_token_with_the_published_key(world: &World) {
    let files = Files::new();
    let world = world.beside(|settings| files.set(settings, "one.pem", None));
    let shop = world.open("Alpha");
    let token = access(&shop.owner);
    assert_eq!(header(token)["alg"], "EdDSA");
    let keys = published(&world);
    let [key] = keys.as_slice() else { panic!("one key: {keys:?}") };
    let members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"], "and nothing private");
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));

    assert!(verifies(&keys, token));
    let [first, _, last] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut claims: Value = serde_json::from_slice(&part(token, 1)).unwrap();
    claims["role"] = json!("superuser");
    let forged = format!("{first}.{}.{last}", BASE64.encode(claims.to_string()));
    assert!(!verifies(&keys, &forged));
    world.anonymous().with(&forged).get("/api/auth/me/").refused(401, "token_not_valid");
}

fn a_new_key_file_logs_nobody_out(world: &World) {
    let files = Files::new();
    let before = world.beside(|settings| files.set(settings, "one.pem", None));
    let shop = before.open("Alpha");
    let during = before.beside(|settings| files.set(settings, "two.pem", Some("one.pem")));
    let after = before.beside(|settings| files.set(settings, "two.pem", None));

    assert_eq!(published(&during).len(), 2);
    assert!(verifies(&published(&during), access(&shop.owner)), "others can still verify the old ones");
    assert!(knows(&during, &shop.owner));
    let renewed = during.log_in(&shop.staff.username, "Alpha");
    assert_ne!(header(access(&renewed))["kid"], header(access(&shop.staff))["kid"], "the new key signs");
    assert!(knows(&after, &renewed));
    assert!(!knows(&after, &shop.owner), "the old key is gone, and all that it signed");
    assert!(!knows(&before, &renewed), "a replica that does not know the new key yet refuses its tokens");
}

fn a_new_secret_logs_nobody_out(world: &World) {
    let shop = world.open("Alpha");
    let new = "the secret that follows the first one";
    let during = world.beside(|settings| {
        settings.previous_secret_key = settings.secret_key.replace(new.to_owned());
    });
    let after = world.beside(|settings| settings.secret_key = Some(new.to_owned()));
    assert!(knows(&during, &shop.owner));
    assert!(knows(&after, &during.log_in(&shop.staff.username, "Alpha")));
    assert!(!knows(&after, &shop.owner));
    assert!(published(&during).is_empty());
}

fn one_goes_over_from_a_secret_to_a_key_file_and_logs_nobody_out(world: &World) {
    let (files, shop) = (Files::new(), world.open("Alpha"));
    let during = world.beside(|settings| settings.signing_key_file = Some(files.path("one.pem")));
    let after = world.beside(|settings| files.set(settings, "one.pem", None));
    assert!(knows(&during, &shop.owner));
    let renewed = during.log_in(&shop.staff.username, "Alpha");
    assert!(verifies(&published(&during), access(&renewed)), "the file's key signs");
    assert_eq!(published(&during).len(), 1, "a secret is never shown");
    assert!(knows(&after, &renewed));
    assert!(!knows(&after, &shop.owner));
}

fn a_key_file_that_is_none_is_refused_by_name(world: &World) {
    let files = Files::new();
    std::fs::write(files.path("broken.pem"), ONE.replace("MC4C", "MC4D")).unwrap();
    for (name, what) in [("broken.pem", "is no Ed25519 private key"), ("nowhere.pem", "cannot be read")] {
        let mut settings = world.settings();
        files.set(&mut settings, name, None);
        let fault = haat_api::build(&settings).map(drop).unwrap_err().to_string();
        assert!(fault.contains("HAAT_SIGNING_KEY_FILE") && fault.contains(name), "{fault}");
        assert!(fault.contains(what) && !fault.contains("MC4D"), "{fault}");
    }
}
