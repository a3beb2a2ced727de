use crate::authz::Role;
use crate::catalog::Product;
use crate::identity::{Invitation, User};
use crate::orders::Order;
use crate::tenancy::Tenant;
use std::collections::BTreeMap;

/// One value in an audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

impl From<bool> for Fact {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Fact {
    fn from(value: i64) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Fact {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Fact {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Fact {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What was so, by name. Never a secret: a password shows as the word that it was set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<String, Fact>);

impl Facts {
    /// These and one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Fact>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Fact)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Of both only what differs.
    pub(crate) fn changes(mut before: Self, mut after: Self) -> (Self, Self) {
        let same: Vec<_> = before
            .0
            .iter()
            .filter(|(name, value)| after.0.get(*name) == Some(value))
            .map(|(name, _)| name.clone())
            .collect();
        for name in same {
            before.0.remove(&name);
            after.0.remove(&name);
        }
        (before, after)
    }
}

impl FromIterator<(String, Fact)> for Facts {
    fn from_iter<I: IntoIterator<Item = (String, Fact)>>(facts: I) -> Self {
        Self(facts.into_iter().collect())
    }
}

impl From<&Product> for Facts {
    fn from(product: &Product) -> Self {
        let details = &product.details;
        Self::default()
            .with("name", details.name.as_str())
            .with("description", details.description.as_str())
            .with("price", details.price.to_string())
            .with("sku", details.sku.as_ref().map(crate::catalog::Sku::as_str))
            .with("stock", details.stock.map(crate::catalog::Stock::get))
            .with("status", details.status.name())
    }
}

impl From<&Order> for Facts {
    fn from(order: &Order) -> Self {
        let line = |line: &crate::orders::Line| {
            format!("{} x product {} at {}", line.quantity.get(), line.product, line.unit_price)
        };
        let lines: Vec<_> = order.lines.iter().map(line).collect();
        Self::default()
            .with("number", order.number)
            .with("customer", order.customer.get())
            .with("status", order.status.name())
            .with("total_price", order.total.to_string())
            .with("lines", lines.join("; "))
    }
}

impl From<&User> for Facts {
    fn from(user: &User) -> Self {
        Self::default()
            .with("username", user.username.as_str())
            .with("email", user.email.as_str())
            .with("role", user.role.name())
            .with("is_active", user.is_active)
    }
}

impl From<&Tenant> for Facts {
    fn from(store: &Tenant) -> Self {
        Self::default()
            .with("name", store.name.as_str())
            .with("slug", store.slug.as_str())
            .with("currency", store.currency.code())
            .with("status", store.status.name())
    }
}

impl From<&Invitation> for Facts {
    fn from(invitation: &Invitation) -> Self {
        Self::default()
            .with("email", invitation.email.as_str())
            .with("role", Role::name(invitation.role))
            .with("expires_at", invitation.expires_at.to_string())
    }
}
