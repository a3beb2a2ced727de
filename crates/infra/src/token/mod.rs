//! JSON Web Tokens (RFC 7519), checked as RFC 8725 asks: the key is one of ours, the algorithm is that key's, every
//! claim is required, the kind of token is named, times are compared with the clock port.

mod keys;
#[cfg(test)]
mod tests;

pub use keys::{Key, KeyFault, Keys, MIN_KEY, PublicKey};

use haat_domain::error::{AuthFailure, Error, Result};
use haat_domain::identity::{Credential, Entrance, Grant, Refresh, TokenPair};
use haat_domain::ids::{SessionId, TenantId, UserId};
use haat_domain::ports::TokenIssuer;
use haat_domain::time::Timestamp;
use jsonwebtoken::{Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

/// The access token's life, in seconds.
pub const ACCESS_SECONDS: i64 = 300;

/// A clock may be behind by so many seconds.
const LEEWAY: i64 = 5;

/// So many access tokens are remembered: one for each client that has been here in the last minutes, in a few
/// megabytes at most.
const REMEMBERED: usize = 16 * 1024;

/// Issues and verifies tokens.
pub struct JwtIssuer {
    current: Key,
    /// All keys, each with what a token must be that it signed.
    verifiers: Vec<(Key, Validation)>,
    issuer: String,
    audience: String,
    /// Access tokens whose signature was found to be good. A client shows its token with every request, and verifying
    /// one costs more than looking it up: a tenth of what reading a product costs, with Ed25519 more than all the rest.
    known: Cache<String, Known>,
}

/// What an access token says that is one of ours. Its times are compared anew each time.
#[derive(Debug, Clone, Copy)]
struct Known {
    credential: Credential,
    from: i64,
    until: i64,
}

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
    /// An issuer with these keys, naming itself and its audience in each token.
    pub fn new(keys: &Keys, issuer: &str, audience: &str) -> Self {
        // The key says which algorithm it is for. If the token did, it could have a public key taken for a secret.
        let validation = |key: &Key| {
            let mut validation = Validation::new(key.algorithm);
            validation.set_issuer(&[issuer]);
            validation.set_audience(&[audience]);
            validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
            // The library would ask the machine for the time; `decode` asks the port.
            validation.validate_exp = false;
            validation.validate_nbf = false;
            validation
        };
        Self {
            current: keys.current.clone(),
            verifiers: keys.all().map(|key| (key.clone(), validation(key))).collect(),
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            known: Cache::new(REMEMBERED),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a token's number is random, and nothing depends on which")]
    fn token(&self, grant: &Grant, kind: Kind, now: Timestamp) -> Result<String> {
        let (exp, generation) = match kind {
            Kind::Access => (now.as_seconds() + ACCESS_SECONDS, None),
            Kind::Refresh(_) => (grant.refresh_until.as_seconds(), Some(grant.generation)),
        };
        let claims = Claims {
            sub: grant.user.to_string(),
            user_id: grant.user.get(),
            tenant_id: grant.tenant.of_store(),
            role: grant.role.name().to_owned(),
            token_type: kind.claim().to_owned(),
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
        let key = &self.current;
        let mut header = Header::new(key.algorithm);
        header.typ = Some(kind.header().to_owned());
        header.kid = Some(key.id.clone());
        jsonwebtoken::encode(&header, &claims, &key.sign).map_err(Error::internal)
    }

    fn decode(&self, token: &str, kind: Kind, now: Timestamp) -> Result<Claims> {
        let bad = || Error::Unauthenticated(AuthFailure::BadToken);
        let header = jsonwebtoken::decode_header(token).map_err(|_| bad())?;
        // Of the header, these three count. A key that a token brings along (`jwk`, `jku`, `x5u`) is never looked at,
        // and what must be understood (`crit`) we do not understand.
        if header.typ.as_deref() != Some(kind.header()) || header.crit.is_some() {
            return Err(bad());
        }
        let named = |(key, _): &&(Key, Validation)| header.kid.as_ref() == Some(&key.id);
        let (key, validation) = self.verifiers.iter().find(named).ok_or_else(bad)?;
        let claims: Claims = jsonwebtoken::decode(token, &key.verify, validation).map_err(|_| bad())?.claims;
        let good = claims.token_type == kind.claim() && in_time(claims.nbf, claims.exp, now);
        if good { Ok(claims) } else { Err(bad()) }
    }
}

/// Whether a token counts at this time that counts between these seconds.
fn in_time(from: i64, until: i64, now: Timestamp) -> bool {
    let now = now.as_seconds();
    now < until && from <= now + LEEWAY
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Access,
    Refresh(Entrance),
}

impl Kind {
    /// What the claim `token_type` says.
    const fn claim(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh(_) => "refresh",
        }
    }

    /// What the header `typ` says (RFC 8725 section 3.11; `at+jwt` is RFC 9068's).
    const fn header(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh(Entrance::Api) => "rt+jwt",
            Self::Refresh(Entrance::Panel) => "panel-rt+jwt",
        }
    }
}

impl TokenIssuer for JwtIssuer {
    fn issue(&self, grant: &Grant, entrance: Entrance, now: Timestamp) -> Result<TokenPair> {
        Ok(TokenPair {
            access: self.token(grant, Kind::Access, now)?,
            refresh: self.token(grant, Kind::Refresh(entrance), now)?,
        })
    }

    fn verify_access(&self, token: &str, now: Timestamp) -> Result<Credential> {
        // One that is remembered and out of time is told so by the long way.
        if let Some(known) = self.known.get(token).filter(|known| in_time(known.from, known.until, now)) {
            return Ok(known.credential);
        }
        let claims = self.decode(token, Kind::Access, now)?;
        let credential = Credential {
            tenant: claims.tenant_id.map_or(TenantId::PLATFORM, TenantId::new),
            user: UserId::new(claims.user_id),
            session: SessionId::new(claims.sid),
            token_version: claims.tv,
        };
        self.known.insert(token.to_owned(), Known { credential, from: claims.nbf, until: claims.exp });
        Ok(credential)
    }

    fn verify_refresh(&self, token: &str, entrance: Entrance, now: Timestamp) -> Result<Refresh> {
        let claims = self.decode(token, Kind::Refresh(entrance), now)?;
        Ok(Refresh {
            tenant: claims.tenant_id.map_or(TenantId::PLATFORM, TenantId::new),
            session: SessionId::new(claims.sid),
            generation: claims.generation.unwrap_or_default(),
        })
    }
}
