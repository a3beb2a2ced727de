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
