//! Passwords: bcrypt over a keyed digest, as OWASP's Password Storage Cheat Sheet has it.
//!
//! bcrypt looks at no more than 72 bytes of a password. So it gets a digest of fixed length instead, in which every
//! byte counts: base64 of HMAC-SHA-384, 64 characters. The key is a pepper if the operator has set one.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use haat_domain::error::{Error, Result};
use haat_domain::identity::{NewPassword, PasswordHash};
use haat_domain::ports::PasswordHasher;
use hmac::{Hmac, Mac};
use sha2::Sha384;

/// The kind of hash, in front of bcrypt's own text: version 1.
const PREFIX: &str = "hmac384-bcrypt-1:";

/// Hashes with bcrypt.
pub struct BcryptHasher {
    cost: u32,
    key: Vec<u8>,
    /// What is verified where there is no account, so that it takes as long.
    dummy: String,
}

impl BcryptHasher {
    /// A hasher of this cost (4 to 31; each step doubles the time) with this pepper, which may be empty and must
    /// never change: with another one no stored password fits any more.
    pub fn new(cost: u32, pepper: &str) -> Result<Self> {
        let key = format!("haat password 1 {pepper}").into_bytes();
        let dummy = bcrypt::hash("nobody has this password", cost).map_err(Error::internal)?;
        Ok(Self { cost, key, dummy })
    }

    fn digest(&self, password: &str) -> Result<String> {
        let mut mac = Hmac::<Sha384>::new_from_slice(&self.key).map_err(Error::internal)?;
        mac.update(password.as_bytes());
        Ok(BASE64.encode(mac.finalize().into_bytes()))
    }
}

impl PasswordHasher for BcryptHasher {
    fn hash(&self, password: &NewPassword) -> Result<PasswordHash> {
        let hash = bcrypt::hash(self.digest(password.expose())?, self.cost).map_err(Error::internal)?;
        Ok(PasswordHash::new(format!("{PREFIX}{hash}")))
    }

    fn verify(&self, candidate: &str, hash: Option<&PasswordHash>) -> Result<bool> {
        let known = hash.and_then(|hash| hash.as_str().strip_prefix(PREFIX));
        let fits =
            bcrypt::verify(self.digest(candidate)?, known.unwrap_or(&self.dummy)).map_err(Error::internal)?;
        Ok(fits && known.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(pepper: &str) -> BcryptHasher {
        BcryptHasher::new(4, pepper).unwrap()
    }

    #[test]
    fn every_byte_of_a_long_password_counts() {
        let (one, other) = ("x".repeat(80) + "1", "x".repeat(80) + "2");
        let hash = hasher("").hash(&NewPassword::parse(&one, &[]).unwrap()).unwrap();
        assert!(hasher("").verify(&one, Some(&hash)).unwrap());
        assert!(!hasher("").verify(&other, Some(&hash)).unwrap());
    }

    #[test]
    fn another_pepper_fits_nothing() {
        let hash = hasher("salt").hash(&NewPassword::parse("rohan12345", &[]).unwrap()).unwrap();
        assert!(!hasher("pepper").verify("rohan12345", Some(&hash)).unwrap());
    }

    #[test]
    fn no_account_is_never_right() {
        assert!(!hasher("").verify("nobody has this password", None).unwrap());
    }
}
