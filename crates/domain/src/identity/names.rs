use crate::error::Violation;
use crate::text::{Lines, clean, fold};

/// What somebody logs in with: 1 to 150 letters, digits and `@ . + - _`; unique per store as [`fold`]ed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// What a store has kept, which [`Self::parse`] has checked before: not checked again.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// A username within its bounds.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let name = clean(text, Lines::One, 1, 150)?;
        if name.chars().all(|c| c.is_alphanumeric() || "@.+-_".contains(c)) {
            Ok(Self(name))
        } else {
            Err(Violation::new("may have letters, digits and @ . + - _ only"))
        }
    }

    /// The name as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as compared.
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}

/// An e-mail address of at most 254 characters (RFC 5321); unique per store as [`fold`]ed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// What a store has kept, which [`Self::parse`] has checked before: not checked again.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// An address that mail could be sent to, by its shape: HTML's rule for `<input type=email>`, with a dot in the
    /// domain and letters of any script.
    ///
    /// ```
    /// # use haat_domain::identity::Email;
    /// assert!(Email::parse("rohan@dreamkart.com").is_ok());
    /// assert!(Email::parse("rohan@dreamkart").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let email = clean(text, Lines::One, 1, 254)?;
        let good = email.rsplit_once('@').is_some_and(|(local, domain)| {
            let mut labels = domain.split('.');
            !local.is_empty()
                && local.chars().count() <= 64
                && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c))
                && domain.contains('.')
                && labels.all(|label| {
                    !label.is_empty()
                        && label.len() <= 63
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                })
        });
        if good { Ok(Self(email)) } else { Err(Violation::new("must be an e-mail address")) }
    }

    /// The address as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as compared.
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}
