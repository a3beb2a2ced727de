use crate::error::{Conflict, Error, Result, Violation};
use std::fmt;

/// Where an order is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// Placed; may still be changed.
    Pending,
    /// Accepted by the store.
    Confirmed,
    /// On its way.
    Shipped,
    /// With the customer.
    Delivered,
    /// Called off; its stock is back.
    Cancelled,
}

impl OrderStatus {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Confirmed, Self::Shipped, Self::Delivered, Self::Cancelled];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Result<Self, Violation> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or_else(|| Violation::new("must be one of pending, confirmed, shipped, delivered, cancelled"))
    }

    /// Where an order may go from here.
    ///
    /// ```
    /// # use haat_domain::orders::OrderStatus::*;
    /// assert_eq!(Pending.allowed(), [Confirmed, Cancelled]);
    /// assert!(Delivered.allowed().is_empty());
    /// ```
    pub const fn allowed(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Confirmed, Self::Cancelled],
            Self::Confirmed => &[Self::Shipped, Self::Cancelled],
            Self::Shipped => &[Self::Delivered],
            Self::Delivered | Self::Cancelled => &[],
        }
    }

    /// Whether the move is to be made: `false` if it was made already, an error if it may not be.
    pub fn moves_to(self, to: Self) -> Result<bool> {
        if self == to {
            Ok(false)
        } else if self.allowed().contains(&to) {
            Ok(true)
        } else {
            Err(Error::Conflict(Conflict::IllegalTransition { from: self, allowed: self.allowed() }))
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
