//! Passwords: bcrypt over a keyed digest, as OWASP's Password Storage Cheat Sheet has it.
//!
//! bcrypt looks at no more than 72 bytes of a password. So it gets a digest of fixed length instead, in which every
//! byte counts: base64 of HMAC-SHA-384, 64 characters. The key is a pepper if the operator has set one.
//!
//! Hashes that other systems have made are verified too, for users who were moved here: Django's PBKDF2, and bcrypt of
//! the password itself. They are outdated from the beginning: the first login replaces them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use haat_domain::error::{Error, Result};
use haat_domain::identity::{NewPassword, PasswordHash, Verified};
use haat_domain::ports::PasswordHasher;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384};
use std::ops::RangeInclusive;
use subtle::ConstantTimeEq;

/// The kind of hash, in front of bcrypt's own text: version 1.
const PREFIX: &str = "hmac384-bcrypt-1:";

/// Where Django's hashes begin.
const DJANGO: &str = "pbkdf2_sha256$";

/// Where bcrypt's own text begins.
const BCRYPT: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// A hash that costs more is neither made nor verified: it would hold up everybody else's login.
const COSTS: RangeInclusive<u32> = 4..=16;
const ITERATIONS: RangeInclusive<u32> = 1..=10_000_000;

/// Hashes with bcrypt.
pub struct BcryptHasher {
    cost: u32,
    key: Vec<u8>,
    /// What is verified where there is no account, so that it takes as long.
    dummy: String,
}

impl BcryptHasher {
    /// A hasher of this cost (4 to 16; each step doubles the time) with this pepper, which may be empty and must
    /// never change: with another one no stored password fits any more.
    pub fn new(cost: u32, pepper: &str) -> Result<Self> {
        if !COSTS.contains(&cost) {
            return Err(Error::internal("a password hash costs 4 to 16"));
        }
        let key = format!("haat password 1 {pepper}").into_bytes();
        let dummy = bcrypt::hash("nobody has this password", cost).map_err(Error::internal)?;
        Ok(Self { cost, key, dummy })
    }

    fn digest(&self, password: &str) -> Result<String> {
        let mut mac = Hmac::<Sha384>::new_from_slice(&self.key).map_err(Error::internal)?;
        mac.update(password.as_bytes());
        Ok(BASE64.encode(mac.finalize().into_bytes()))
    }

    fn hash_text(&self, password: &str) -> Result<PasswordHash> {
        let hash = bcrypt::hash(self.digest(password)?, self.cost).map_err(Error::internal)?;
        Ok(PasswordHash::new(format!("{PREFIX}{hash}")))
    }
}

/// A stored hash of a kind that can be verified.
enum Known<'a> {
    /// Our own, and its cost.
    Current(&'a str, u32),
    /// bcrypt of the password's first 72 bytes.
    Bcrypt(&'a str),
    /// Django's.
    Django(Pbkdf2<'a>),
}

/// PBKDF2 with HMAC-SHA-256.
struct Pbkdf2<'a> {
    iterations: u32,
    salt: &'a str,
    key: Vec<u8>,
}

impl<'a> Known<'a> {
    fn parse(hash: &'a str) -> Option<Self> {
        if let Some(text) = hash.strip_prefix(PREFIX) {
            return bcrypt_cost(text).map(|cost| Self::Current(text, cost));
        }
        if let Some(rest) = hash.strip_prefix(DJANGO) {
            return Pbkdf2::parse(rest).map(Self::Django);
        }
        let raw = BCRYPT.iter().any(|prefix| hash.starts_with(prefix));
        bcrypt_cost(hash).filter(|_| raw).map(|_| Self::Bcrypt(hash))
    }
}

/// The cost of a hash in bcrypt's own text, if it is one and can be borne.
fn bcrypt_cost(text: &str) -> Option<u32> {
    let parts: bcrypt::HashParts = text.parse().ok()?;
    Some(parts.get_cost()).filter(|cost| COSTS.contains(cost))
}

impl<'a> Pbkdf2<'a> {
    /// From `iterations$salt$key`.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('$');
        let (iterations, salt, key) = (parts.next()?, parts.next()?, parts.next()?);
        let iterations = iterations.parse().ok().filter(|number| ITERATIONS.contains(number))?;
        let key = BASE64.decode(key).ok().filter(|key| key.len() == 32)?;
        parts.next().is_none().then_some(Self { iterations, salt, key })
    }

    fn fits(&self, password: &str) -> bool {
        let mut key = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), self.salt.as_bytes(), self.iterations, &mut key);
        key.ct_eq(&self.key).into()
    }
}

impl PasswordHasher for BcryptHasher {
    fn hash(&self, password: &NewPassword) -> Result<PasswordHash> {
        self.hash_text(password.expose())
    }

    fn rehash(&self, verified: &str) -> Result<PasswordHash> {
        self.hash_text(verified)
    }

    fn verify(&self, candidate: &str, hash: Option<&PasswordHash>) -> Result<Verified> {
        let bcrypt = |password: &str, text| bcrypt::verify(password, text).map_err(Error::internal);
        let (fits, right) = match hash.and_then(|hash| Known::parse(hash.as_str())) {
            Some(Known::Current(text, cost)) => {
                let right = if cost == self.cost { Verified::Yes } else { Verified::Outdated };
                (bcrypt(&self.digest(candidate)?, text)?, right)
            }
            Some(Known::Bcrypt(text)) => (bcrypt(candidate, text)?, Verified::Outdated),
            Some(Known::Django(pbkdf2)) => (pbkdf2.fits(candidate), Verified::Outdated),
            // Nobody's password, or nothing that we know: whatever comes out, it is wrong.
            None => (bcrypt(&self.digest(candidate)?, &self.dummy)?, Verified::No),
        };
        Ok(if fits { right } else { Verified::No })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(pepper: &str) -> BcryptHasher {
        BcryptHasher::new(4, pepper).unwrap()
    }

    fn stored(text: &str) -> PasswordHash {
        PasswordHash::new(text.to_owned())
    }

    fn verify(candidate: &str, hash: &PasswordHash) -> Verified {
        hasher("").verify(candidate, Some(hash)).unwrap()
    }

    #[test]
    fn every_byte_of_a_long_password_counts() {
        let (one, other) = ("x".repeat(80) + "1", "x".repeat(80) + "2");
        let hash = hasher("").hash(&NewPassword::parse(&one, &[]).unwrap()).unwrap();
        assert_eq!(verify(&one, &hash), Verified::Yes);
        assert_eq!(verify(&other, &hash), Verified::No);
    }

    #[test]
    fn another_pepper_fits_nothing() {
        let hash = hasher("salt").hash(&NewPassword::parse("rohan12345", &[]).unwrap()).unwrap();
        assert_eq!(hasher("pepper").verify("rohan12345", Some(&hash)).unwrap(), Verified::No);
    }

    #[test]
    fn no_account_is_never_right() {
        assert_eq!(hasher("").verify("nobody has this password", None).unwrap(), Verified::No);
    }

    #[test]
    fn a_hash_of_another_cost_is_outdated() {
        let old = BcryptHasher::new(5, "").unwrap().rehash("rohan12345").unwrap();
        assert_eq!(verify("rohan12345", &old), Verified::Outdated);
        assert_eq!(verify("rohan12346", &old), Verified::No);
        assert!(
            [3, 17].iter().all(|cost| BcryptHasher::new(*cost, "").is_err()),
            "and one out of bounds none"
        );
    }

    #[test]
    fn what_is_hashed_again_is_of_todays_kind_whatever_todays_rules_are() {
        let hash = hasher("").rehash("short").unwrap();
        assert!(hash.as_str().starts_with(PREFIX));
        assert_eq!(verify("short", &hash), Verified::Yes);
    }

    #[test]
    fn djangos_hashes_are_verified_and_outdated() {
        // The first one is in Django's own tests; the second one is `hashlib.pbkdf2_hmac`'s.
        for (password, hash) in [
            ("l\u{e8}tmein", "pbkdf2_sha256$12000$seasalt$Ybw8zsFxqja97tY/o6G+Fy1ksY4U/Hw3DRrGED6Up4s="),
            ("short", "pbkdf2_sha256$1000$Qm3vT8yLr2Xk$28xLupdyItgu7LsDjXG9DnPmonTwmnzxqD7pP3wKhqQ="),
        ] {
            assert_eq!(verify(password, &stored(hash)), Verified::Outdated, "{hash}");
            assert_eq!(verify("letmein", &stored(hash)), Verified::No, "{hash}");
        }
    }

    #[test]
    fn plain_bcrypt_is_verified_and_outdated() {
        let made = bcrypt::hash("rohan12345", 4).unwrap();
        for version in ["$2a$", "$2b$", "$2y$"] {
            let hash = stored(&made.replacen("$2b$", version, 1));
            assert_eq!(verify("rohan12345", &hash), Verified::Outdated, "{version}");
            assert_eq!(verify("rohan12346", &hash), Verified::No, "{version}");
        }
    }

    #[test]
    fn a_hash_of_an_unknown_kind_is_nobodys() {
        let key = "28xLupdyItgu7LsDjXG9DnPmonTwmnzxqD7pP3wKhqQ=";
        let plain = bcrypt::hash("short", 4).unwrap();
        for hash in [
            String::new(),
            "short".to_owned(),
            "!unusable".to_owned(),
            format!("{PREFIX}nonsense"),
            format!("{PREFIX}{}", plain.replacen("$04$", "$17$", 1)),
            plain.replacen("$04$", "$31$", 1),
            plain.replacen("$04$", "$00$", 1),
            plain.replacen("$2b$", "$2x$", 1),
            format!("{plain}x"),
            format!("pbkdf2_sha1$1000$Qm3vT8yLr2Xk${key}"),
            format!("pbkdf2_sha256$0$Qm3vT8yLr2Xk${key}"),
            format!("pbkdf2_sha256$10000001$Qm3vT8yLr2Xk${key}"),
            format!("pbkdf2_sha256$-1$Qm3vT8yLr2Xk${key}"),
            format!("pbkdf2_sha256$1000$Qm3vT8yLr2Xk${key}$more"),
            "pbkdf2_sha256$1000$Qm3vT8yLr2Xk$".to_owned(),
            "pbkdf2_sha256$1000$Qm3vT8yLr2Xk$28xL".to_owned(),
            "pbkdf2_sha256$1000$Qm3vT8yLr2Xk".to_owned(),
        ] {
            assert_eq!(verify("short", &stored(&hash)), Verified::No, "{hash}");
        }
    }
}
