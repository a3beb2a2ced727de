//! What things cost: pure arithmetic on [`Money`].

use crate::error::{Result, Violation};
use crate::money::{Currency, Money};
use rust_decimal::Decimal;

/// The highest price of one piece, in major units of any currency.
pub const MAX_PRICE: Decimal = Decimal::from_parts(1_410_065_407, 2, 0, false, 2);

/// A price of one piece: 0 to [`MAX_PRICE`], with no more decimals than the currency has.
///
/// ```
/// # use haat_domain::{money::Currency, pricing::price};
/// let yen = Currency::parse("JPY").unwrap();
/// assert_eq!(price("1000".parse().unwrap(), yen).unwrap().to_string(), "1000");
/// assert!(price("-1".parse().unwrap(), yen).is_err());
/// ```
pub fn price(amount: Decimal, currency: Currency) -> Result<Money, Violation> {
    if amount.is_sign_negative() && !amount.is_zero() {
        Err(Violation::new("must not be negative"))
    } else if amount > MAX_PRICE {
        Err(Violation::new(format!("must be at most {MAX_PRICE}")))
    } else {
        Money::exact(amount, currency)
    }
}

/// How many pieces: 1 to 1 000 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i64);

impl Quantity {
    /// The most pieces of one product in one order.
    pub const MAX: i64 = 1_000_000;

    /// A quantity within its bounds.
    pub fn parse(count: i64) -> Result<Self, Violation> {
        if (1..=Self::MAX).contains(&count) {
            Ok(Self(count))
        } else {
            Err(Violation::new(format!("must be between 1 and {}", Self::MAX)))
        }
    }

    /// The number of pieces.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Both together, if that is still a quantity.
    pub fn plus(self, other: Self) -> Result<Self, Violation> {
        Self::parse(self.0 + other.0)
    }
}

/// The total of one line.
pub fn line_total(unit_price: Money, quantity: Quantity) -> Result<Money> {
    unit_price.times(quantity.get())
}

/// The total of an order.
pub fn order_total(currency: Currency, line_totals: impl IntoIterator<Item = Money>) -> Result<Money> {
    line_totals.into_iter().try_fold(Money::zero(currency), Money::plus)
}
