//! One small, closed error for the whole domain.
//!
//! `Display` is what a client may read. A private cause travels as `source` and is logged once, at the edge;
//! it never becomes part of the public text.

use crate::ids::ProductId;
use crate::orders::OrderStatus;
use std::collections::BTreeMap;

/// The result of every use case and port.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something failed, for the operator only.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field values, or references to things that do not exist for this tenant.
    #[error("the request is not valid")]
    Invalid(FieldErrors),
    /// Nobody we know, or somebody whose credentials no longer count.
    #[error("{}", .0.detail())]
    Unauthenticated(AuthFailure),
    /// Known, but this may not be done by this role.
    #[error("{}", .0.detail())]
    Forbidden(Denied),
    /// No such thing here: never existed, another tenant's, or another customer's.
    #[error("not found")]
    NotFound,
    /// The present state does not allow it.
    #[error("{}", .0.detail())]
    Conflict(Conflict),
    /// Somebody has changed it since the caller last saw it.
    #[error("it has changed since you last read it")]
    Stale,
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// Too much at once; try again after so many seconds.
    #[error("too many requests")]
    Busy {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The database is away or overloaded. Nothing was done, unless it went away in the middle of a COMMIT.
    #[error("temporarily unavailable")]
    Unavailable(#[source] Cause),
    /// Our fault.
    #[error("internal error")]
    Internal(#[source] Cause),
}

impl Error {
    /// The stable, documented code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation",
            Self::Unauthenticated(failure) => failure.code(),
            Self::Forbidden(denied) => denied.code(),
            Self::NotFound => "not_found",
            Self::Conflict(conflict) => conflict.code(),
            Self::Stale => "precondition_failed",
            Self::KeyReused => "idempotency_key_reused",
            Self::Busy { .. } => "too_many_requests",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// A single faulty field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        let mut errors = FieldErrors::default();
        errors.add(field, message);
        Self::Invalid(errors)
    }

    /// An internal error with a private explanation.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }
}

/// Why the caller is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthFailure {
    /// No credentials came with the request.
    Missing,
    /// The token is broken, expired, revoked, or of the wrong kind.
    BadToken,
    /// Wrong username or password.
    BadCredentials,
    /// The account was deactivated.
    Inactive,
    /// The store is suspended.
    StoreSuspended,
}

impl AuthFailure {
    /// Every failure, for documentation and tests.
    pub const ALL: [Self; 5] =
        [Self::Missing, Self::BadToken, Self::BadCredentials, Self::Inactive, Self::StoreSuspended];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "not_authenticated",
            Self::BadToken => "token_not_valid",
            Self::BadCredentials => "invalid_credentials",
            Self::Inactive => "account_inactive",
            Self::StoreSuspended => "store_suspended",
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::Missing => "authentication credentials were not provided",
            Self::BadToken => "the token is invalid or expired",
            Self::BadCredentials => "no active account found with the given credentials",
            Self::Inactive => "this account is deactivated",
            Self::StoreSuspended => "this store is suspended",
        }
    }
}

/// Why a known caller is refused, before anything is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The policy gives this role no such right.
    Role,
    /// Staff and further owners come by invitation, or are created by an owner.
    InvitationRequired,
    /// A platform admin must name the store to act in.
    StoreRequired,
}

impl Denied {
    /// Every refusal, for documentation and tests.
    pub const ALL: [Self; 3] = [Self::Role, Self::InvitationRequired, Self::StoreRequired];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Role => "permission_denied",
            Self::InvitationRequired => "invitation_required",
            Self::StoreRequired => "store_required",
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::Role => "your role may not do this",
            Self::InvitationRequired => "staff and owners of an existing store are added by its owner",
            Self::StoreRequired => "a platform admin names the store to act in with the X-Haat-Store header",
        }
    }
}

/// A conflict with the present state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// A store of that name (or slug) exists.
    StoreTaken,
    /// The username is taken in this store.
    UsernameTaken,
    /// The e-mail address is taken in this store.
    EmailTaken,
    /// Another product of this store has that SKU.
    SkuTaken,
    /// Something unique was taken by a request that ran at the same time.
    Duplicate,
    /// A request with the same idempotency key is being answered.
    InFlight,
    /// Less is left than was asked for.
    InsufficientStock {
        /// Which product.
        product: ProductId,
        /// How many are left.
        available: i64,
    },
    /// The order cannot go from its status to the wanted one.
    IllegalTransition {
        /// Where it is.
        from: OrderStatus,
        /// Where it may go.
        allowed: &'static [OrderStatus],
    },
    /// The lines of an order change only while it is pending.
    OrderNotPending {
        /// Where it is.
        status: OrderStatus,
    },
    /// A store keeps at least one active owner.
    LastOwner,
    /// A store with products keeps its currency.
    CurrencyInUse,
}

impl Conflict {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::StoreTaken => "tenant_taken",
            Self::UsernameTaken => "username_taken",
            Self::EmailTaken => "email_taken",
            Self::SkuTaken => "sku_taken",
            Self::Duplicate => "conflict",
            Self::InFlight => "request_in_flight",
            Self::InsufficientStock { .. } => "insufficient_stock",
            Self::IllegalTransition { .. } => "illegal_transition",
            Self::OrderNotPending { .. } => "order_not_pending",
            Self::LastOwner => "last_owner",
            Self::CurrencyInUse => "currency_in_use",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::StoreTaken => "a store of this name exists already".to_owned(),
            Self::UsernameTaken => "this username is taken".to_owned(),
            Self::EmailTaken => "this e-mail address is taken".to_owned(),
            Self::SkuTaken => "another product has this SKU".to_owned(),
            Self::Duplicate => "another request changed the same thing at the same time".to_owned(),
            Self::InFlight => "a request with this idempotency key is being answered".to_owned(),
            Self::InsufficientStock { product, available } => {
                format!("only {available} of product {product} are available")
            }
            Self::IllegalTransition { from, .. } => {
                format!("an order that is {from} cannot be moved there")
            }
            Self::OrderNotPending { status } => {
                format!("the lines of an order that is {status} cannot be changed")
            }
            Self::LastOwner => "a store keeps at least one active owner".to_owned(),
            Self::CurrencyInUse => "the currency of a store with products cannot be changed".to_owned(),
        }
    }
}

/// What is wrong with a value, as a sentence that follows the field's name: "must not be blank".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(String);

impl Violation {
    /// A violation with this text.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// As an error about one field.
    pub fn on(self, field: &str) -> Error {
        Error::invalid(field, self.0)
    }
}

/// All faulty fields of a request, with everything that is wrong with each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(BTreeMap<String, Vec<String>>);

impl FieldErrors {
    /// Notes that `field` is faulty.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.entry(field.to_owned()).or_default().push(message.into());
    }

    /// Keeps a good value and notes a bad one, so that checking goes on with the next field. Of a field that is known
    /// to be faulty nothing more is said.
    ///
    /// ```
    /// # use haat_domain::{error::FieldErrors, identity::Username};
    /// let mut errors = FieldErrors::default();
    /// assert!(errors.check("username", Username::parse("a b")).is_none());
    /// assert!(errors.finish().is_err());
    /// ```
    pub fn check<T>(&mut self, field: &str, value: Result<T, Violation>) -> Option<T> {
        value
            .map_err(|Violation(text)| {
                if !self.has(field) {
                    self.add(field, text);
                }
            })
            .ok()
    }

    /// Notes that a field is not there.
    pub fn missing<T>(&mut self, field: &str) -> Option<T> {
        self.check(field, Err(Violation::new("is required")))
    }

    /// Whether a field is known to be faulty.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Err` when anything was noted.
    pub fn finish(self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(Error::Invalid(self)) }
    }

    /// Fields and their messages, sorted by field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(field, messages)| (field.as_str(), messages.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_errors_share_a_code() {
        let private = || Cause::from("private");
        let mut codes = vec![
            Error::Invalid(FieldErrors::default()).code(),
            Error::NotFound.code(),
            Error::Stale.code(),
            Error::KeyReused.code(),
            Error::Busy { retry_after: 1 }.code(),
            Error::Unavailable(private()).code(),
            Error::Internal(private()).code(),
        ];
        codes.extend(AuthFailure::ALL.map(AuthFailure::code));
        codes.extend(Denied::ALL.map(Denied::code));
        let product = ProductId::new(1);
        let conflicts = [
            Conflict::StoreTaken,
            Conflict::UsernameTaken,
            Conflict::EmailTaken,
            Conflict::SkuTaken,
            Conflict::Duplicate,
            Conflict::InFlight,
            Conflict::InsufficientStock { product, available: 0 },
            Conflict::IllegalTransition { from: OrderStatus::Pending, allowed: &[] },
            Conflict::OrderNotPending { status: OrderStatus::Pending },
            Conflict::LastOwner,
            Conflict::CurrencyInUse,
        ];
        codes.extend(conflicts.iter().map(Conflict::code));
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len(), "{codes:?}");
    }

    #[test]
    fn a_private_cause_is_in_the_source_and_not_in_the_text() {
        for error in [Error::internal("secret"), Error::Unavailable("secret".into())] {
            assert!(!error.to_string().contains("secret"));
            let source = std::error::Error::source(&error).expect("a source");
            assert!(source.to_string().contains("secret"));
        }
    }

    #[test]
    fn all_faulty_fields_are_reported_at_once() {
        let mut errors = FieldErrors::default();
        assert!(FieldErrors::default().finish().is_ok());
        errors.add("b", "one");
        errors.add("a", "two");
        errors.add("b", "three");
        assert!(errors.has("a") && !errors.has("c"));
        let told: Vec<_> =
            errors.iter().map(|(field, messages)| format!("{field}: {}", messages.join(", "))).collect();
        assert_eq!(told, ["a: two", "b: one, three"]);
        assert!(errors.finish().is_err());
    }
}
