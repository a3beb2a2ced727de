use crate::error::Violation;
use crate::text::{Lines, clean, fold, in_word};

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
        if name.chars().all(|c| in_word(c) || "@.+-_".contains(c)) {
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
                && local.chars().all(|c| in_word(c) || "!#$%&'*+/=?^_`{|}~.-".contains(c))
                && domain.contains('.')
                && labels.all(|label| {
                    !label.is_empty()
                        && label.len() <= 63
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label.chars().all(|c| in_word(c) || c == '-')
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_username_has_letters_digits_and_a_few_signs() {
        for good in ["a", "rohan.k+shop@home_1-2", "Zoë", "रोहन123", "हिन्दी", "用户", &"x".repeat(150)]
        {
            assert_eq!(Username::parse(good).map(|name| name.as_str().to_owned()).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "  ",
            "a b",
            "a\0b",
            "a/b",
            "<b>",
            "a\u{200b}b",
            "a\u{fe0f}",
            "\u{3164}",
            "😀",
            &"x".repeat(151),
        ] {
            assert!(Username::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Username::parse(" rohan ").unwrap().as_str(), "rohan");
    }

    #[test]
    fn an_address_has_the_shape_of_one() {
        for good in ["a@b.co", "rohan.k+tag@mail.dreamkart.com", "zoë@exämple.de", "a@1.2", "o'hara@x-y.org"]
        {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        let long = format!("{}@b.co", "x".repeat(65));
        for bad in [
            "",
            "a",
            "@b.co",
            "a@",
            "a@b",
            "a@.co",
            "a@b.",
            "a@b..co",
            "a@-b.co",
            "a@b-.co",
            "a b@c.co",
            "a@b c.co",
            "a@@b.co",
            "<a@b.co>",
            "a@b.co\r\nBcc: c@d.eu",
            &long,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_are_compared_without_regard_to_case() {
        let key = |name| Username::parse(name).unwrap().key();
        assert_eq!(key("Rohan"), key("rOHAN"));
        assert_eq!(key("ＲＯＨＡＮ"), key("rohan"));
        let key = |address| Email::parse(address).unwrap().key();
        assert_eq!(key("Rohan@DreamKart.com"), key("rohan@dreamkart.COM"));
    }

    proptest! {
        #[test]
        fn what_was_accepted_is_accepted_again(text in "\\PC{0,20}", local in "[a-zé.+]{1,9}", domain in "[a-zö-]{1,9}\\.[a-z]{2,5}") {
            if let Ok(name) = Username::parse(&text) {
                prop_assert_eq!(Username::parse(name.as_str()), Ok(name));
            }
            if let Ok(address) = Email::parse(&format!("{local}@{domain}")) {
                prop_assert_eq!(Email::parse(address.as_str()), Ok(address));
            }
        }
    }
}
