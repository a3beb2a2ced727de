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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inr() -> Currency {
        Currency::parse("INR").unwrap()
    }

    fn price_in(code: &str, amount: &str) -> Option<String> {
        let amount = amount.parse().unwrap();
        price(amount, Currency::parse(code).unwrap()).ok().map(|price| price.to_string())
    }

    #[test]
    fn a_price_is_between_nothing_and_the_highest() {
        assert_eq!(MAX_PRICE.to_string(), "99999999.99");
        for good in ["0.00", "0.01", "99999999.99"] {
            assert_eq!(price_in("INR", good).as_deref(), Some(good));
        }
        assert_eq!(price_in("INR", "-0").as_deref(), Some("0.00"));
        for bad in ["-0.01", "-1", "100000000", "99999999.991", "0.001", "79228162514264337593543950335"] {
            assert_eq!(price_in("INR", bad), None, "{bad}");
        }
    }

    #[test]
    fn a_price_has_no_more_decimals_than_its_currency() {
        assert_eq!(price_in("JPY", "99999999").as_deref(), Some("99999999"));
        assert_eq!(price_in("JPY", "1.5"), None);
        assert_eq!(price_in("JPY", "1.0"), None);
        assert_eq!(price_in("KWD", "1.25").as_deref(), Some("1.250"));
        assert_eq!(price_in("KWD", "1.2505"), None);
    }

    #[test]
    fn a_quantity_is_between_one_and_a_million() {
        assert!(
            [1, 2, 1_000_000]
                .into_iter()
                .all(|count| Quantity::parse(count).is_ok_and(|it| it.get() == count))
        );
        assert!(
            [i64::MIN, -1, 0, 1_000_001, i64::MAX].into_iter().all(|count| Quantity::parse(count).is_err())
        );
        let most = Quantity::parse(Quantity::MAX).unwrap();
        assert!(most.plus(Quantity::parse(1).unwrap()).is_err());
    }

    #[test]
    fn the_dearest_line_has_a_total_and_so_has_an_order_of_a_hundred() {
        let dearest =
            line_total(price(MAX_PRICE, inr()).unwrap(), Quantity::parse(Quantity::MAX).unwrap()).unwrap();
        assert_eq!(order_total(inr(), [dearest; 100]).unwrap().minor(), 100 * dearest.minor());
        assert!(order_total(inr(), vec![dearest; 1000]).is_err(), "beyond that it is an error, not a wrap");
    }

    proptest! {
        #[test]
        fn a_total_is_the_sum_of_its_lines_in_any_order(
            lines in proptest::collection::vec((0..=9_999_999_999_i64, 1..=1_000_000_i64), 0..100),
            turn in 0..100_usize,
        ) {
            let totals: Vec<_> = lines
                .iter()
                .map(|(minor, count)| line_total(Money::from_minor(*minor, inr()), Quantity::parse(*count).unwrap()).unwrap())
                .collect();
            let expected: i128 = lines.iter().map(|(minor, count)| i128::from(*minor) * i128::from(*count)).sum();
            let total = |lines: Vec<Money>| order_total(inr(), lines).ok().map(Money::minor);
            let mut turned = totals.clone();
            turned.rotate_left(turn % totals.len().max(1));
            let backwards = totals.iter().rev().copied().collect();
            prop_assert_eq!(total(totals), i64::try_from(expected).ok());
            prop_assert_eq!(total(turned), i64::try_from(expected).ok());
            prop_assert_eq!(total(backwards), i64::try_from(expected).ok());
        }
    }
}
