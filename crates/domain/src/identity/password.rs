use crate::error::Violation;
use std::fmt;
use zxcvbn::matching::patterns::MatchPattern;

/// A password that may be set: 8 to 128 characters of any script, and not one that is guessed first
/// (NIST SP 800-63B section 3.1.1.2).
#[derive(Clone)]
pub struct NewPassword(String);

impl NewPassword {
    /// Longer passwords are no words of a list, and the check's time grows with the length.
    const GUESSABLE: usize = 32;

    /// Checks a password against the rules. `known` is what anybody knows of its owner: username, e-mail address.
    ///
    /// ```
    /// # use haat_domain::identity::NewPassword;
    /// assert!(NewPassword::parse("rohan12345", &["rohan"]).is_ok());
    /// assert!(NewPassword::parse("iloveyou", &[]).is_err());
    /// assert!(NewPassword::parse("Priya@Example.com", &["priya", "priya@example.com"]).is_err());
    /// ```
    pub fn parse(password: &str, known: &[&str]) -> Result<Self, Violation> {
        let length = password.chars().count();
        if password.contains('\0') {
            Err(Violation::new("must not contain NUL characters"))
        } else if length < 8 {
            Err(Violation::new("must have at least 8 characters"))
        } else if length > 128 {
            Err(Violation::new("must have at most 128 characters"))
        } else if known.iter().any(|known| known.to_lowercase() == password.to_lowercase()) {
            Err(Violation::new("must not be the username or the e-mail address"))
        } else if length <= Self::GUESSABLE && is_common(password) {
            Err(Violation::new("is one of those that are guessed first"))
        } else {
            Ok(Self(password.to_owned()))
        }
    }

    /// The password in clear text, for the hasher.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// One word of a list of common passwords and words (also reversed or in l33t), one run of keys, one repetition.
fn is_common(password: &str) -> bool {
    let estimate = zxcvbn::zxcvbn(password, &[]);
    match estimate.sequence() {
        [only] => !matches!(only.pattern, MatchPattern::BruteForce),
        _ => false,
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(..)")
    }
}

/// A password as it is stored: the text that a [`PasswordHasher`](crate::ports::PasswordHasher) made.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps what a hasher made.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a [`PasswordHasher`](crate::ports::PasswordHasher) says of a password and a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// This is not the password.
    No,
    /// This is the password.
    Yes,
    /// This is the password, and its hash is of an older kind or another cost: it should be hashed again.
    Outdated,
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}
