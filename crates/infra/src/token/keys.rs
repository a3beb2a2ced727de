//! Keys that sign and verify tokens, and the public half of those that others may verify with.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use hmac::{Hmac, Mac};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use sha2::Sha256;

/// A secret is at least this long, in bytes: as much as the digest (RFC 7518 section 3.2).
pub const MIN_KEY: usize = 32;

/// What stands before the 32 bytes of an Ed25519 private key in PKCS#8 (RFC 8410 section 7), as OpenSSL writes it.
const ED25519: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// Why bytes are no key for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// A secret that is shorter than the digest.
    #[error("must have at least {MIN_KEY} bytes")]
    Short,
    /// A file with something else in it.
    #[error("is no Ed25519 private key in PEM, as `openssl genpkey -algorithm ed25519` writes it")]
    NotEd25519,
}

/// A key that signs and verifies tokens with one algorithm.
#[derive(Clone)]
pub struct Key {
    /// The name of the key in the header of each token that it signed.
    pub(super) id: String,
    /// The one algorithm it is good for.
    pub(super) algorithm: Algorithm,
    pub(super) sign: EncodingKey,
    pub(super) verify: DecodingKey,
    public: Option<PublicKey>,
}

/// The keys of an installation.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Signs, and verifies.
    pub current: Key,
    /// Verify only: what they have signed stays good while keys are changed.
    pub others: Vec<Key>,
}

/// The public half of an Ed25519 key: who has it can verify tokens and not make any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The key's thumbprint (RFC 7638), which tokens name as `kid`.
    pub id: String,
    /// Its 32 bytes, in base64url (RFC 8037 section 2).
    pub x: String,
}

impl Key {
    /// A secret: HMAC-SHA-256. Whoever can verify with it can sign with it, so it is never shown to anybody.
    pub fn secret(secret: &[u8]) -> Result<Self, KeyFault> {
        if secret.len() < MIN_KEY {
            return Err(KeyFault::Short);
        }
        Ok(Self {
            id: secret_id(secret)?,
            algorithm: Algorithm::HS256,
            sign: EncodingKey::from_secret(secret),
            verify: DecodingKey::from_secret(secret),
            public: None,
        })
    }

    /// An Ed25519 private key, as PKCS#8 in PEM: `EdDSA`.
    pub fn ed25519(pem: &str) -> Result<Self, KeyFault> {
        let fault = || KeyFault::NotEd25519;
        let der = pem_content(pem).ok_or_else(fault)?;
        if der.len() != ED25519.len() + 32 || !der.starts_with(ED25519) {
            return Err(fault());
        }
        let sign = EncodingKey::from_ed_der(&der);
        let jwk = Jwk::from_encoding_key(&sign, Algorithm::EdDSA).map_err(|_| fault())?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| fault())?;
        let verify = DecodingKey::from_jwk(&jwk).map_err(|_| fault())?;
        let AlgorithmParameters::OctetKeyPair(pair) = jwk.algorithm else { return Err(fault()) };
        let public = Some(PublicKey { id: id.clone(), x: pair.x });
        Ok(Self { id, algorithm: Algorithm::EdDSA, sign, verify, public })
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// One key for everything.
    pub const fn of(current: Key) -> Self {
        Self { current, others: Vec::new() }
    }

    /// What others verify our tokens with. A secret has no public half, and is not among them.
    pub fn public(&self) -> Vec<PublicKey> {
        let mut all: Vec<_> = self.all().filter_map(|key| key.public.clone()).collect();
        all.dedup();
        all
    }

    /// All keys, the signing one first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.others)
    }
}

/// A name that is the same wherever the same secret is, and tells nothing of it.
fn secret_id(secret: &[u8]) -> Result<String, KeyFault> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| KeyFault::Short)?;
    mac.update(b"haat kid");
    Ok(format!("{:.16x}", mac.finalize().into_bytes()))
}

/// The bytes between the lines that begin and end a private key.
fn pem_content(pem: &str) -> Option<Vec<u8>> {
    let content = pem.trim().strip_prefix("-----BEGIN PRIVATE KEY-----")?;
    let content = content.strip_suffix("-----END PRIVATE KEY-----")?;
    BASE64.decode(content.split_ascii_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::{ED_ONE, KEY};

    /// The key of RFC 8037 appendix A.
    const OF_THE_RFC: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

    #[test]
    fn an_ed25519_key_is_named_by_its_thumbprint() {
        let key = Key::ed25519(OF_THE_RFC).unwrap();
        let public = PublicKey {
            id: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned(),
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
        };
        assert_eq!(key.id, public.id);
        assert_eq!(Keys::of(key).public(), [public]);
    }

    #[test]
    fn a_secrets_name_is_stable_short_and_no_part_of_it() {
        let (key, again) = (Key::secret(KEY).unwrap(), Key::secret(KEY).unwrap());
        assert_eq!(key.id, again.id);
        assert_eq!(key.id.len(), 16);
        assert_ne!(key.id, Key::secret(b"another key of at least 32 bytes").unwrap().id);
    }

    #[test]
    fn a_secret_shorter_than_the_digest_is_refused() {
        for length in [0, 1, MIN_KEY - 1] {
            assert_eq!(Key::secret(&KEY[..length]).unwrap_err(), KeyFault::Short, "{length}");
        }
        Key::secret(KEY).unwrap();
    }

    #[test]
    fn another_kind_of_key_file_is_refused() {
        let of_x25519 = "-----BEGIN PRIVATE KEY-----\n\
            MC4CAQAwBQYDK2VuBCIEIGBp1fFUP7ZkWzhSNxg1wjUhacRz9ofv7KuQMQs7CP1C\n-----END PRIVATE KEY-----\n";
        let of_a_public_key = ED_ONE.replace("PRIVATE", "PUBLIC");
        let cut = ED_ONE.replace("MC4CAQ", "MC4C");
        for pem in ["", "-----BEGIN PRIVATE KEY-----", of_x25519, &of_a_public_key, &cut] {
            assert_eq!(Key::ed25519(pem).unwrap_err(), KeyFault::NotEd25519, "{pem}");
        }
        Key::ed25519(&ED_ONE.replace('\n', "\r\n")).unwrap();
    }

    #[test]
    fn no_key_is_shown() {
        for key in [Key::secret(KEY).unwrap(), Key::ed25519(ED_ONE).unwrap()] {
            let text = format!("{key:?}");
            assert!(text.contains(&key.id) && !text.contains("content"), "{text}");
        }
    }
}
