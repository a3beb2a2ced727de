//! JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256, checked as RFC 8725 asks: one algorithm, every claim
//! required, the kind of token named, times compared with the clock port.

use haat_domain::error::{AuthFailure, Error, Result};
use haat_domain::identity::{Credential, Grant, Refresh, TokenPair};
use haat_domain::ids::{SessionId, TenantId, UserId};
use haat_domain::ports::TokenIssuer;
use haat_domain::time::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

/// A signing key is at least this long, in bytes: as much as the digest (RFC 7518 section 3.2).
pub const MIN_KEY: usize = 32;

/// The access token's life, in seconds.
pub const ACCESS_SECONDS: i64 = 300;

/// A clock may be behind by so many seconds.
const LEEWAY: i64 = 5;

/// Issues and verifies tokens with one secret.
pub struct JwtIssuer {
    sign: EncodingKey,
    verify: DecodingKey,
    issuer: String,
    audience: String,
    header: Header,
    validation: Validation,
}

/// The key is too short.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a signing key must have at least {MIN_KEY} bytes")]
pub struct ShortKey;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    user_id: i64,
    /// Null for a platform admin.
    tenant_id: Option<i64>,
    role: String,
    token_type: String,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    iss: String,
    aud: String,
    sid: i64,
    tv: i64,
    /// Only in refresh tokens: which generation of the session's token this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<i64>,
}

impl JwtIssuer {
    /// An issuer with this secret, naming itself and its audience in each token.
    pub fn new(key: &[u8], issuer: &str, audience: &str) -> Result<Self, ShortKey> {
        if key.len() < MIN_KEY {
            return Err(ShortKey);
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // The library would ask the machine for the time; `decode` asks the port.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Ok(Self {
            sign: EncodingKey::from_secret(key),
            verify: DecodingKey::from_secret(key),
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            header: Header::new(Algorithm::HS256),
            validation,
        })
    }

    #[expect(clippy::disallowed_methods, reason = "a token's number is random, and nothing depends on which")]
    fn token(&self, grant: &Grant, kind: Kind, now: Timestamp) -> Result<String> {
        let (token_type, exp, generation) = match kind {
            Kind::Access => ("access", now.as_seconds() + ACCESS_SECONDS, None),
            Kind::Refresh => ("refresh", grant.refresh_until.as_seconds(), Some(grant.generation)),
        };
        let claims = Claims {
            sub: grant.user.to_string(),
            user_id: grant.user.get(),
            tenant_id: Some(grant.tenant.get()).filter(|_| !grant.tenant.is_platform()),
            role: grant.role.name().to_owned(),
            token_type: token_type.to_owned(),
            jti: uuid::Uuid::new_v4().simple().to_string(),
            iat: now.as_seconds(),
            nbf: now.as_seconds(),
            exp,
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sid: grant.session.get(),
            tv: grant.token_version,
            generation,
        };
        jsonwebtoken::encode(&self.header, &claims, &self.sign).map_err(Error::internal)
    }

    fn decode(&self, token: &str, kind: Kind, now: Timestamp) -> Result<Claims> {
        let bad = || Error::Unauthenticated(AuthFailure::BadToken);
        let claims: Claims =
            jsonwebtoken::decode(token, &self.verify, &self.validation).map_err(|_| bad())?.claims;
        let wanted = match kind {
            Kind::Access => "access",
            Kind::Refresh => "refresh",
        };
        let now = now.as_seconds();
        let good = claims.token_type == wanted && now < claims.exp && claims.nbf <= now + LEEWAY;
        if good { Ok(claims) } else { Err(bad()) }
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Access,
    Refresh,
}

impl TokenIssuer for JwtIssuer {
    fn issue(&self, grant: &Grant, now: Timestamp) -> Result<TokenPair> {
        Ok(TokenPair {
            access: self.token(grant, Kind::Access, now)?,
            refresh: self.token(grant, Kind::Refresh, now)?,
        })
    }

    fn verify_access(&self, token: &str, now: Timestamp) -> Result<Credential> {
        let claims = self.decode(token, Kind::Access, now)?;
        Ok(Credential {
            tenant: claims.tenant_id.map_or(TenantId::PLATFORM, TenantId::new),
            user: UserId::new(claims.user_id),
            session: SessionId::new(claims.sid),
            token_version: claims.tv,
        })
    }

    fn verify_refresh(&self, token: &str, now: Timestamp) -> Result<Refresh> {
        let claims = self.decode(token, Kind::Refresh, now)?;
        Ok(Refresh {
            tenant: claims.tenant_id.map_or(TenantId::PLATFORM, TenantId::new),
            session: SessionId::new(claims.sid),
            generation: claims.generation.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use haat_domain::authz::Role;

    const KEY: &[u8; MIN_KEY] = b"a key of exactly 32 bytes, or so";

    fn issuer() -> JwtIssuer {
        JwtIssuer::new(KEY, "haat", "haat-api").unwrap()
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
        issuer().issue(&grant(), now()).unwrap()
    }

    /// The claims of a good access token, changed and signed again.
    fn forged(header: &Header, key: &[u8], change: impl FnOnce(&mut Claims)) -> String {
        let mut claims = issuer().decode(&pair().access, Kind::Access, now()).unwrap();
        change(&mut claims);
        jsonwebtoken::encode(header, &claims, &EncodingKey::from_secret(key)).unwrap()
    }

    fn signed(change: impl FnOnce(&mut Claims)) -> String {
        forged(&Header::new(Algorithm::HS256), KEY, change)
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
        let Refresh { tenant, session, generation } = issuer().verify_refresh(&refresh, now()).unwrap();
        assert_eq!((tenant.get(), session.get(), generation), (7, 9, 5));
    }

    #[test]
    fn a_platform_admins_token_names_no_store() {
        let grant = Grant { tenant: TenantId::PLATFORM, role: Role::Superuser, ..grant() };
        let TokenPair { access, refresh } = issuer().issue(&grant, now()).unwrap();
        assert_eq!(issuer().decode(&access, Kind::Access, now()).unwrap().tenant_id, None);
        assert!(issuer().verify_access(&access, now()).unwrap().tenant.is_platform());
        assert!(issuer().verify_refresh(&refresh, now()).unwrap().tenant.is_platform());
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
        let refresh_at = |seconds| issuer().verify_refresh(&refresh, now().plus_seconds(seconds));
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
        refused(&issuer().verify_refresh(&access, now()));
    }

    #[test]
    fn another_issuer_audience_or_key_is_refused() {
        issuer().verify_access(&signed(|_| ()), now()).unwrap();
        no_access(&signed(|claims| claims.iss = "other".to_owned()));
        no_access(&signed(|claims| claims.aud = "other".to_owned()));
        no_access(&forged(&Header::new(Algorithm::HS256), b"another key of at least 32 bytes", |_| ()));
    }

    #[test]
    fn another_algorithm_is_refused_even_with_our_key() {
        for algorithm in [Algorithm::HS384, Algorithm::HS512] {
            no_access(&forged(&Header::new(algorithm), KEY, |_| ()));
        }
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
        let access = pair().access;
        let [header, claims, signature] = access.split('.').collect::<Vec<_>>().try_into().unwrap();
        for algorithm in ["none", "None", "NONE", "RS256", ""] {
            let unsigned = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#));
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
            let header = Header::new(Algorithm::HS256);
            no_access(&jsonwebtoken::encode(&header, &fewer, &EncodingKey::from_secret(KEY)).unwrap());
        }
    }

    #[test]
    fn a_key_shorter_than_the_digest_is_refused() {
        for length in [0, 1, MIN_KEY - 1] {
            assert!(JwtIssuer::new(&KEY[..length], "haat", "haat-api").is_err(), "{length}");
        }
        assert!(JwtIssuer::new(KEY, "haat", "haat-api").is_ok());
    }
}
