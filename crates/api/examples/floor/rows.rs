//! Rows as they are read, and as JSON.

use crate::statement::At;
use diesel::Queryable;
use haat_domain::audit::Fact;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use std::fmt::{self, Display, Formatter};

/// What a token would say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who {
    pub(crate) tenant: i64,
    pub(crate) user: i64,
    pub(crate) session: i64,
}

#[derive(Queryable)]
pub(crate) struct Account {
    _tenant: i64,
    pub(crate) id: i64,
    pub(crate) username: String,
    _email: String,
    pub(crate) role: String,
    is_active: bool,
    _token_version: i64,
    _created_at: At,
    status: String,
    _currency: String,
    revoked_at: Option<At>,
    expires_at: At,
}

impl Account {
    pub(crate) fn counts(&self, now: i64) -> bool {
        self.is_active && self.status == "active" && self.revoked_at.is_none() && self.expires_at > At(now)
    }

    pub(crate) fn role(&self) -> &'static str {
        haat_domain::authz::Role::from_name(&self.role).map_or("", haat_domain::authz::Role::name)
    }
}

#[derive(Queryable)]
pub(crate) struct Product {
    id: i64,
    name: String,
    description: String,
    price_minor: i64,
    currency: String,
    sku: Option<String>,
    stock: Option<i64>,
    status: String,
    created_by: Option<i64>,
    created_at: At,
    updated_at: At,
}

/// A product and its store, which is in no column that is read.
pub(crate) struct ProductOf<'a>(pub(crate) i64, pub(crate) &'a Product);

impl Serialize for ProductOf<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Self(tenant, product) = self;
        let mut out = out.serialize_struct("Product", 12)?;
        out.serialize_field("id", &product.id)?;
        out.serialize_field("name", &product.name)?;
        out.serialize_field("description", &product.description)?;
        out.serialize_field("price", &Text(Amount(product.price_minor)))?;
        out.serialize_field("currency", &product.currency)?;
        out.serialize_field("sku", &product.sku)?;
        out.serialize_field("stock", &product.stock)?;
        out.serialize_field("status", &product.status)?;
        out.serialize_field("tenant", tenant)?;
        out.serialize_field("created_by", &product.created_by)?;
        out.serialize_field("created_at", &Text(product.created_at))?;
        out.serialize_field("updated_at", &Text(product.updated_at))?;
        out.end()
    }
}

#[derive(Queryable)]
pub(crate) struct Taken {
    pub(crate) name: String,
    pub(crate) sku: Option<String>,
    pub(crate) price: i64,
    pub(crate) currency: String,
    pub(crate) stock: Option<i64>,
}

/// What was taken, the order's numbers, and the end of the audit log.
pub(crate) struct Opened {
    pub(crate) taken: Taken,
    pub(crate) id: i64,
    pub(crate) number: i64,
    pub(crate) entry: i64,
    pub(crate) link: String,
}

/// An entry of the audit log about an order.
pub(crate) struct Logged {
    pub(crate) number: i64,
    pub(crate) actor: i64,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) action: String,
    pub(crate) request: String,
    pub(crate) after: String,
    pub(crate) link: String,
}

/// An order without its line.
pub(crate) struct Placed {
    pub(crate) tenant: i64,
    pub(crate) number: i64,
    pub(crate) customer: i64,
    pub(crate) currency: String,
    pub(crate) total: i64,
    pub(crate) at: At,
}

/// An order with its one line.
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) product: i64,
    pub(crate) pieces: i64,
    /// How many of them the stock has lost.
    pub(crate) counted: i64,
    pub(crate) name: String,
    pub(crate) sku: Option<String>,
    pub(crate) price: i64,
    pub(crate) placed: Placed,
}

impl Order {
    /// What the audit log says of it, by name.
    pub(crate) fn facts(&self) -> [(&'static str, Fact); 5] {
        let line = format!("{} x product {} at {}", self.pieces, self.product, Amount(self.price));
        [
            ("customer", Fact::from(self.placed.customer)),
            ("lines", Fact::from(line)),
            ("number", Fact::from(self.placed.number)),
            ("status", Fact::from("pending")),
            ("total_price", Fact::from(Amount(self.placed.total).to_string())),
        ]
    }
}

/// Facts that need no escapes, as the JSON object that the log keeps.
pub(crate) fn json_of(facts: &[(&'static str, Fact)]) -> String {
    let fact = |(name, fact): &(&str, Fact)| match fact {
        Fact::Number(number) => format!("\"{name}\":{number}"),
        Fact::Text(text) => format!("\"{name}\":\"{text}\""),
        Fact::Null | Fact::Bool(_) => format!("\"{name}\":null"),
    };
    format!("{{{}}}", facts.iter().map(fact).collect::<Vec<_>>().join(","))
}

#[derive(serde::Serialize)]
struct Line<'a> {
    product: i64,
    sku: &'a Option<String>,
    name: &'a str,
    unit_price: Text<Amount>,
    quantity: i64,
    #[serde(rename = "line_total")]
    total: Text<Amount>,
}

impl Serialize for Order {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let (placed, total) = (&self.placed, Text(Amount(self.placed.total)));
        let line = Line {
            product: self.product,
            sku: &self.sku,
            name: &self.name,
            unit_price: Text(Amount(self.price)),
            quantity: self.pieces,
            total,
        };
        let mut out = out.serialize_struct("Order", 12)?;
        out.serialize_field("id", &self.id)?;
        out.serialize_field("number", &placed.number)?;
        out.serialize_field("product", &self.product)?;
        out.serialize_field("quantity", &self.pieces)?;
        out.serialize_field("total_price", &total)?;
        out.serialize_field("currency", &placed.currency)?;
        out.serialize_field("status", "pending")?;
        out.serialize_field("lines", &[line])?;
        out.serialize_field("tenant", &placed.tenant)?;
        out.serialize_field("customer", &placed.customer)?;
        out.serialize_field("created_at", &Text(placed.at))?;
        out.serialize_field("updated_at", &Text(placed.at))?;
        out.end()
    }
}

/// What is written as a string.
#[derive(Clone, Copy)]
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&self.0)
    }
}

/// Hundredths, as the demo stores' currency has them.
#[derive(Clone, Copy)]
struct Amount(i64);

impl Display for Amount {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl Display for At {
    /// RFC 3339, by Howard Hinnant's `civil_from_days`.
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0.div_euclid(1_000_000), self.0.rem_euclid(1_000_000));
        let (days, second) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}
