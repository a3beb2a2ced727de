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
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use OrderStatus::{Cancelled, Confirmed, Delivered, Pending, Shipped};
    use proptest::prelude::*;

    fn any_status() -> impl Strategy<Value = OrderStatus> {
        proptest::sample::select(OrderStatus::ALL.to_vec())
    }

    #[test]
    fn names_are_read_back() {
        assert!(OrderStatus::ALL.iter().all(|status| OrderStatus::parse(status.name()).unwrap() == *status));
        assert!(["", "Pending", "paid", "canceled"].iter().all(|name| OrderStatus::parse(name).is_err()));
    }

    #[test]
    fn these_and_no_other_moves_are_legal() {
        let legal: Vec<_> = OrderStatus::ALL
            .iter()
            .flat_map(|from| OrderStatus::ALL.map(|to| (*from, to)))
            .filter(|(from, to)| matches!(from.moves_to(*to), Ok(true)))
            .collect();
        assert_eq!(
            legal,
            [
                (Pending, Confirmed),
                (Pending, Cancelled),
                (Confirmed, Shipped),
                (Confirmed, Cancelled),
                (Shipped, Delivered),
            ]
        );
    }

    #[test]
    fn an_illegal_move_names_the_legal_ones() {
        let refused = Shipped.moves_to(Cancelled);
        let expected = Conflict::IllegalTransition { from: Shipped, allowed: &[Delivered] };
        assert!(matches!(refused, Err(Error::Conflict(conflict)) if conflict == expected));
    }

    proptest! {
        #[test]
        fn whatever_is_tried_an_order_only_goes_forward(wishes in proptest::collection::vec(any_status(), 0..30)) {
            let mut way = vec![Pending];
            for wish in wishes {
                let here = way[way.len() - 1];
                match here.moves_to(wish) {
                    Ok(true) => way.push(wish),
                    Ok(false) => prop_assert_eq!(here, wish),
                    Err(_) => prop_assert!(!here.allowed().contains(&wish)),
                }
            }
            let whole = [Pending, Confirmed, Shipped, Delivered];
            let (end, before) = way.split_last().unwrap();
            prop_assert!(whole.starts_with(&way) || (*end == Cancelled && whole[..2].starts_with(before)), "{:?}", way);
            prop_assert!(way.iter().rev().skip(1).all(|passed| !matches!(passed, Delivered | Cancelled)), "{:?}", way);
        }
    }
}
