//! Decimal numbers in bodies, digit by digit.

use haat_domain::money::decimal;
use rust_decimal::Decimal;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt::Formatter;

/// A decimal number as its digits, from a JSON number or string, never through a binary float.
#[derive(Debug, Clone)]
pub struct Digits(pub Decimal);

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DigitsVisitor)
    }
}

struct DigitsVisitor;

impl<'de> Visitor<'de> for DigitsVisitor {
    type Value = Digits;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("a decimal number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Digits, E> {
        decimal(text).map(Digits).map_err(E::custom)
    }

    // `serde_json` hands a number over in these ways only where nothing is lost.
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Digits, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Digits, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Digits, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Digits, A::Error> {
        let mut number = None;
        while members.next_key::<IgnoredAny>()?.is_some() {
            let Owned(text) = members.next_value()?;
            number = text;
        }
        match number {
            Some(text) => self.visit_str(&text),
            None => Err(de::Error::invalid_type(Unexpected::Map, &self)),
        }
    }
}

/// The text of a number, or nothing if it is anything else. `serde_json` hands a number over as an object with one
/// member, whose name a client could write as well; but its value is a text of `serde_json`'s own, and a client's is
/// a part of the body.
struct Owned(Option<String>);

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OwnedVisitor)
    }
}

struct OwnedVisitor;

/// Fails nowhere: an error in here would be said of a member that is none of ours.
impl<'de> Visitor<'de> for OwnedVisitor {
    type Value = Owned;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("anything")
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Owned, E> {
        Ok(Owned(Some(text)))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Owned, E> {
        Ok(Owned(None))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Owned, E> {
        Ok(Owned(None))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Owned, E> {
        Ok(Owned(None))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Owned, E> {
        Ok(Owned(None))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Owned, E> {
        Ok(Owned(None))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Owned, E> {
        Ok(Owned(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Owned, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| Owned(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Owned, A::Error> {
        IgnoredAny.visit_map(members).map(|_| Owned(None))
    }
}
