use super::*;
use haat_domain::authz::Role;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

pub(super) const KEY: &[u8; MIN_KEY] = b"a key of exactly 32 bytes, or so";
const OTHER_KEY: &[u8; MIN_KEY] = b"another key of at least 32 bytes";

/// Two keys, as `openssl genpkey -algorithm ed25519` wrote them.
pub(super) const ED_ONE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIHz3/t6NxYrY747KPO06giiqBcAxPNOJODr2ogC1TYNs\n-----END PRIVATE KEY-----\n";
const ED_TWO: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIG5C8Xf/46jURDXXGX5Zi06Ah+MQYPv4ErSPLZRguzFi\n-----END PRIVATE KEY-----\n";

fn secret(key: &[u8]) -> Key {
    Key::secret(key).unwrap()
}

fn ed(pem: &str) -> Key {
    Key::ed25519(pem).unwrap()
}

/// An issuer that signs with the first key and verifies with the others too.
fn issuer_with(current: Key, others: impl Into<Vec<Key>>) -> JwtIssuer {
    JwtIssuer::new(&Keys { current, others: others.into() }, "haat", "haat-api")
}

fn issuer() -> JwtIssuer {
    issuer_with(secret(KEY), [])
}

/// The header of a good access token.
fn header() -> Header {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(secret(KEY).id);
    header
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-23T12:00:00Z").unwrap()
}

fn grant() -> Grant {
    Grant {
        tenant: TenantId::new(7),
        user: UserId::new(42),
        role: Role::Staff,
        token_version: 3,
        session: SessionId::new(9),
        generation: 5,
        refresh_until: now().plus_seconds(86_400),
    }
}

fn pair() -> TokenPair {
    issuer().issue(&grant(), Entrance::Api, now()).unwrap()
}

/// The claims of a good access token, changed and signed again.
fn forged(header: &Header, key: &[u8], change: impl FnOnce(&mut Claims)) -> String {
    let mut claims = issuer().decode(&pair().access, Kind::Access, now()).unwrap();
    change(&mut claims);
    jsonwebtoken::encode(header, &claims, &EncodingKey::from_secret(key)).unwrap()
}

fn signed(change: impl FnOnce(&mut Claims)) -> String {
    forged(&header(), KEY, change)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: &Result<T>) {
    assert!(matches!(result, Err(Error::Unauthenticated(AuthFailure::BadToken))), "{result:?}");
}

#[track_caller]
fn no_access(token: &str) {
    refused(&issuer().verify_access(token, now()));
}

#[test]
fn a_good_pair_says_what_it_was_issued_for() {
    let TokenPair { access, refresh } = pair();
    let credential = issuer().verify_access(&access, now()).unwrap();
    let Credential { tenant, user, session, token_version } = credential;
    assert_eq!((tenant.get(), user.get(), session.get(), token_version), (7, 42, 9, 3));
    let Refresh { tenant, session, generation } =
        issuer().verify_refresh(&refresh, Entrance::Api, now()).unwrap();
    assert_eq!((tenant.get(), session.get(), generation), (7, 9, 5));
}

#[test]
fn a_platform_admins_token_names_no_store() {
    let grant = Grant { tenant: TenantId::PLATFORM, role: Role::Superuser, ..grant() };
    let TokenPair { access, refresh } = issuer().issue(&grant, Entrance::Api, now()).unwrap();
    assert_eq!(issuer().decode(&access, Kind::Access, now()).unwrap().tenant_id, None);
    assert!(issuer().verify_access(&access, now()).unwrap().tenant.is_platform());
    assert!(issuer().verify_refresh(&refresh, Entrance::Api, now()).unwrap().tenant.is_platform());
}

#[test]
fn no_two_tokens_are_equal() {
    let (one, other) = (pair(), pair());
    assert_ne!(one.access, other.access);
    assert_ne!(one.refresh, other.refresh);
}

#[test]
fn a_token_ends_at_its_time_by_the_clock_port_alone() {
    let TokenPair { access, refresh } = pair();
    let access_at = |seconds| issuer().verify_access(&access, now().plus_seconds(seconds));
    access_at(ACCESS_SECONDS - 1).unwrap();
    refused(&access_at(ACCESS_SECONDS));
    let refresh_at = |seconds| issuer().verify_refresh(&refresh, Entrance::Api, now().plus_seconds(seconds));
    refresh_at(86_399).unwrap();
    refused(&refresh_at(86_400));
}

#[test]
fn a_token_of_the_future_is_refused_but_for_a_slow_clock() {
    let at = |seconds| issuer().verify_access(&pair().access, now().plus_seconds(seconds));
    at(-LEEWAY).unwrap();
    refused(&at(-LEEWAY - 1));
}

#[test]
fn refresh_and_access_tokens_are_not_each_other() {
    let TokenPair { access, refresh } = pair();
    no_access(&refresh);
    refused(&issuer().verify_refresh(&access, Entrance::Api, now()));
}

#[test]
fn a_refresh_token_is_good_at_its_own_entrance_alone() {
    for (mine, other) in [(Entrance::Api, Entrance::Panel), (Entrance::Panel, Entrance::Api)] {
        let TokenPair { access, refresh } = issuer().issue(&grant(), mine, now()).unwrap();
        assert_eq!(issuer().verify_refresh(&refresh, mine, now()).unwrap().generation, 5);
        refused(&issuer().verify_refresh(&refresh, other, now()));
        no_access(&refresh);
        issuer().verify_access(&access, now()).unwrap();
    }
}

#[test]
fn another_issuer_audience_or_key_is_refused() {
    issuer().verify_access(&signed(|_| ()), now()).unwrap();
    no_access(&signed(|claims| claims.iss = "other".to_owned()));
    no_access(&signed(|claims| claims.aud = "other".to_owned()));
    no_access(&forged(&header(), OTHER_KEY, |_| ()));
}

#[test]
fn another_algorithm_is_refused_even_with_our_key() {
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        no_access(&forged(&Header { alg: algorithm, ..header() }, KEY, |_| ()));
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    let access = pair().access;
    let [header, claims, signature] = access.split('.').collect::<Vec<_>>().try_into().unwrap();
    let kid = secret(KEY).id;
    for algorithm in ["none", "None", "NONE", "RS256", ""] {
        let unsigned = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{kid}"}}"#);
        let unsigned = BASE64_URL_SAFE_NO_PAD.encode(unsigned);
        no_access(&format!("{unsigned}.{claims}."));
        no_access(&format!("{unsigned}.{claims}.{signature}"));
    }
    no_access(&format!("{header}.{claims}."));
    no_access(&format!("{header}.{claims}"));
}

#[test]
fn a_changed_token_is_refused() {
    let access = pair().access;
    let other = signed(|claims| claims.user_id = 1);
    let part = |token: &str, number| token.split('.').nth(number).unwrap().to_owned();
    no_access(&format!("{}.{}.{}", part(&access, 0), part(&other, 1), part(&access, 2)));
    let cut = access.trim_start_matches('e');
    for broken in ["", ".", "..", "a.b.c", cut, &format!("{access}.x"), &format!(" {access}")] {
        no_access(broken);
    }
}

#[test]
fn every_claim_must_be_there() {
    let claims = issuer().decode(&pair().access, Kind::Access, now()).unwrap();
    let all = serde_json::to_value(&claims).unwrap();
    for name in all.as_object().unwrap().keys().filter(|name| *name != "tenant_id") {
        let mut fewer = all.clone();
        fewer.as_object_mut().unwrap().remove(name);
        no_access(&jsonwebtoken::encode(&header(), &fewer, &EncodingKey::from_secret(KEY)).unwrap());
    }
}

#[test]
fn the_header_names_the_key_and_the_kind_of_token() {
    let TokenPair { access, refresh } = pair();
    for (token, kind) in [(access, "at+jwt"), (refresh, "rt+jwt")] {
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!((header.typ.as_deref(), header.kid), (Some(kind), Some(secret(KEY).id)));
    }
}

#[test]
fn a_token_of_another_type_or_of_none_is_refused() {
    for typ in [None, Some("JWT"), Some("rt+jwt"), Some("id+jwt"), Some("AT+JWT"), Some("")] {
        no_access(&forged(&Header { typ: typ.map(str::to_owned), ..header() }, KEY, |_| ()));
    }
}

#[test]
fn a_token_of_no_key_or_of_an_unknown_one_is_refused() {
    for kid in [None, Some(String::new()), Some("unknown".to_owned()), Some(secret(OTHER_KEY).id)] {
        no_access(&forged(&Header { kid, ..header() }, KEY, |_| ()));
    }
}

#[test]
fn a_header_that_must_be_understood_is_refused() {
    no_access(&forged(&Header { crit: Some(vec!["b64".to_owned()]), ..header() }, KEY, |_| ()));
}

#[test]
fn a_key_that_the_token_brings_along_is_not_looked_at() {
    let stranger = EncodingKey::from_secret(OTHER_KEY);
    let jwk = Jwk::from_encoding_key(&stranger, Algorithm::HS256).unwrap();
    let kid = Some(jwk.thumbprint(ThumbprintHash::SHA256).unwrap());
    let url = Some("https://evil.example/jwks.json".to_owned());
    for kid in [header().kid, kid] {
        let bringing = Header { jwk: Some(jwk.clone()), jku: url.clone(), x5u: url.clone(), kid, ..header() };
        no_access(&forged(&bringing, OTHER_KEY, |_| ()));
    }
    // Nor does it harm a token that our own key has signed.
    let signed = forged(&Header { jwk: Some(jwk), jku: url, ..header() }, KEY, |_| ());
    issuer().verify_access(&signed, now()).unwrap();
}

/// Whether a token of the one issuer is good for the other.
fn accepts(verifier: &JwtIssuer, signer: &JwtIssuer) -> bool {
    let TokenPair { access, refresh } = signer.issue(&grant(), Entrance::Api, now()).unwrap();
    let verified =
        (verifier.verify_access(&access, now()), verifier.verify_refresh(&refresh, Entrance::Api, now()));
    match verified {
        (Ok(_), Ok(_)) => true,
        (access, refresh) => {
            refused(&access);
            refused(&refresh);
            false
        }
    }
}

fn key_of(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

#[test]
fn two_keys_are_good_while_one_follows_the_other() {
    let both_kinds = [(secret(KEY), secret(OTHER_KEY)), (ed(ED_ONE), ed(ED_TWO)), (secret(KEY), ed(ED_ONE))];
    for (old, new) in both_kinds {
        let before = issuer_with(old.clone(), []);
        let during = issuer_with(new.clone(), [old]);
        let after = issuer_with(new.clone(), []);
        assert!(accepts(&during, &before), "nobody is logged out");
        assert_eq!(
            key_of(&during.issue(&grant(), Entrance::Api, now()).unwrap().access),
            new.id,
            "the new key signs"
        );
        assert!(accepts(&after, &during));
        assert!(!accepts(&after, &before), "the old key has gone");
        assert!(!accepts(&before, &after), "it never knew the new one");
    }
}

/// A token with this header, signed with this key.
fn mixed(key: &EncodingKey, header: &Header) -> String {
    let claims = issuer().decode(&pair().access, Kind::Access, now()).unwrap();
    jsonwebtoken::encode(header, &claims, key).unwrap()
}

#[test]
fn a_key_is_good_for_its_own_algorithm_alone() {
    let (one, other) = (secret(KEY), ed(ED_ONE));
    let issuer = issuer_with(other.clone(), [one.clone()]);
    for (signer, named, good) in
        [(&one, &one, true), (&other, &other, true), (&one, &other, false), (&other, &one, false)]
    {
        let header = Header { alg: signer.algorithm, kid: Some(named.id.clone()), ..header() };
        assert_eq!(issuer.verify_access(&mixed(&signer.sign, &header), now()).is_ok(), good);
    }
}

/// The classic confusion: a public key is known to everybody, and a verifier that believes the token's `alg` takes
/// it for a secret.
#[test]
fn a_public_key_is_no_secret_to_sign_with() {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    let keys = Keys { current: ed(ED_ONE), others: vec![secret(KEY)] };
    let issuer = JwtIssuer::new(&keys, "haat", "haat-api");
    let [public] = keys.public().try_into().unwrap();
    let raw = BASE64_URL_SAFE_NO_PAD.decode(&public.x).unwrap();
    for known in [raw.as_slice(), public.x.as_bytes(), public.id.as_bytes()] {
        for kid in [&public.id, &secret(KEY).id] {
            let header = Header { kid: Some(kid.clone()), ..header() };
            refused(&issuer.verify_access(&mixed(&EncodingKey::from_secret(known), &header), now()));
        }
    }
}

#[test]
fn anybody_can_verify_with_the_public_keys_and_no_secret_is_among_them() {
    let keys = Keys { current: ed(ED_TWO), others: vec![secret(KEY), ed(ED_ONE)] };
    let issuer = JwtIssuer::new(&keys, "haat", "haat-api");
    let public = keys.public();
    assert_eq!(public.len(), 2, "{public:?}");
    assert!(Keys::of(secret(KEY)).public().is_empty());

    let access = issuer.issue(&grant(), Entrance::Api, now()).unwrap().access;
    let key = public.iter().find(|key| key.id == key_of(&access)).unwrap();
    let jwk = serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": key.x});
    let key = DecodingKey::from_jwk(&serde_json::from_value(jwk).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["haat-api"]);
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(&access, &key, &validation).unwrap().claims;
    assert_eq!(claims.user_id, 42);
}
