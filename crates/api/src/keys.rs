//! The keys of tokens, from the settings: which one signs, and which ones verify.

use crate::config::{Environment, SettingError, Settings};
use haat_infra::db::DatabaseUrl;
use haat_infra::token::{Key, Keys};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Keys that stand in examples; whoever signs with one signs with everybody's.
const KNOWN_KEYS: &[&str] = &["change-me-change-me-change-me-change-me", "secret", "changeme"];

/// A random secret of 32 bytes has more different ones, even if they are all hexadecimal digits.
const MIN_DIFFERENT_BYTES: usize = 10;

impl Settings {
    /// The keys of tokens. In development a missing one is made, beside the database, for its owner's eyes only.
    pub fn keys(&self) -> Result<Keys, SettingError> {
        let mut given = self.given_keys().into_iter();
        let current = if self.names_a_current_key() { given.next() } else { None };
        let current = current.unwrap_or_else(|| self.own_key())?;
        Ok(Keys { current, others: given.collect::<Result<_, _>>()? })
    }

    /// Every fault of the keys. Looking must not make anything: in development a missing key is made at the first
    /// start.
    pub(crate) fn key_faults(&self) -> Vec<SettingError> {
        let made_later = self.environment == Environment::Development;
        let own = if self.names_a_current_key() || made_later { None } else { self.own_key().err() };
        own.into_iter().chain(self.given_keys().into_iter().filter_map(Result::err)).collect()
    }

    const fn names_a_current_key(&self) -> bool {
        self.signing_key_file.is_some() || self.secret_key.is_some()
    }

    /// The keys that the settings name. The first one signs: beside a key file a secret only verifies, so that one
    /// can go over from the one to the other.
    fn given_keys(&self) -> Vec<Result<Key, SettingError>> {
        let file = |name, path: &Option<PathBuf>| path.as_deref().map(|path| ed25519(name, path));
        let secret = |name, secret: &Option<String>| {
            secret.as_deref().map(|secret| self.secret(name, secret.as_bytes()))
        };
        let all = [
            file("HAAT_SIGNING_KEY_FILE", &self.signing_key_file),
            secret("HAAT_SECRET_KEY", &self.secret_key),
            file("HAAT_PREVIOUS_SIGNING_KEY_FILE", &self.previous_signing_key_file),
            secret("HAAT_PREVIOUS_SECRET_KEY", &self.previous_secret_key),
        ];
        all.into_iter().flatten().collect()
    }

    /// The key of a server that was given none.
    fn own_key(&self) -> Result<Key, SettingError> {
        match self.environment {
            Environment::Development => self.secret("HAAT_SECRET_KEY", &key_file(&self.key_path()?)?),
            Environment::Production => Err(SettingError::new(
                "HAAT_SECRET_KEY must be set in production, or HAAT_SIGNING_KEY_FILE instead",
            )),
        }
    }

    fn secret(&self, name: &str, secret: &[u8]) -> Result<Key, SettingError> {
        let key = Key::secret(secret).map_err(|fault| SettingError::new(format!("{name} {fault}")))?;
        if KNOWN_KEYS.iter().any(|known| known.as_bytes() == secret) {
            return Err(SettingError::new(format!("{name} must not be a key that stands in an example")));
        }
        let different = secret.iter().collect::<BTreeSet<_>>().len();
        if self.environment == Environment::Production && different < MIN_DIFFERENT_BYTES {
            return Err(SettingError::new(format!(
                "{name} must have at least {MIN_DIFFERENT_BYTES} different bytes: \
                 take a random one, from `openssl rand -base64 48`"
            )));
        }
        Ok(key)
    }

    fn key_path(&self) -> Result<PathBuf, SettingError> {
        Ok(match self.database()? {
            DatabaseUrl::Sqlite(path) => path.with_extension("key"),
            DatabaseUrl::Postgres(_) => "./data/haat.key".into(),
        })
    }
}

fn ed25519(name: &str, path: &Path) -> Result<Key, SettingError> {
    let path_text = path.display();
    let pem = std::fs::read_to_string(path)
        .map_err(|error| SettingError::new(format!("{name}: {path_text} cannot be read: {error}")))?;
    Key::ed25519(&pem).map_err(|fault| SettingError::new(format!("{name}: {path_text} {fault}")))
}

/// Reads a key file, or makes one with mode 0600.
#[expect(clippy::disallowed_methods, reason = "a key is random")]
fn key_file(path: &Path) -> Result<Vec<u8>, SettingError> {
    let failed =
        |error: std::io::Error| SettingError::new(format!("the key file {}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let random = || uuid::Uuid::new_v4().simple().to_string();
            let key = format!("{}{}{}", random(), random(), random());
            file.write_all(key.as_bytes()).map_err(failed)?;
            Ok(key.into_bytes())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let mut key = Vec::new();
            OpenOptions::new()
                .read(true)
                .open(path)
                .and_then(|mut file| file.read_to_end(&mut key))
                .map_err(failed)?;
            Ok(key.trim_ascii().to_vec())
        }
        Err(error) => Err(failed(error)),
    }
}
