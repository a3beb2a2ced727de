//! Money in minor units with a currency of ISO 4217. Overflow is an error, never a wrap.

use crate::error::{Error, Result, Violation};
use rust_decimal::{Decimal, RoundingStrategy};
use std::fmt;
use std::sync::LazyLock;

/// A currency of ISO 4217, known by its three-letter code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: &'static str,
    digits: u32,
}

/// Active currencies with a number of decimals other than two (ISO 4217, list one).
const WITHOUT_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const WITH_THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";
const WITH_TWO_DECIMALS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD \
     CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG \
     HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK \
     MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS \
     SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

impl Currency {
    /// The currency with this code, in capital letters.
    ///
    /// ```
    /// # use haat_domain::money::Currency;
    /// assert_eq!(Currency::parse("KWD").unwrap().digits(), 3);
    /// assert!(Currency::parse("XXX").is_err());
    /// ```
    pub fn parse(code: &str) -> Result<Self, Violation> {
        let all = Self::all();
        let place = all.binary_search_by(|known| known.code.cmp(code)).ok();
        place
            .and_then(|place| all.get(place).copied())
            .ok_or_else(|| Violation::new("must be a currency code of ISO 4217, such as INR or EUR"))
    }

    /// All of them, sorted by code.
    pub fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Currency>> = LazyLock::new(|| {
            let codes = [(WITH_TWO_DECIMALS, 2), (WITHOUT_DECIMALS, 0), (WITH_THREE_DECIMALS, 3)];
            let known = |(codes, digits): (&'static str, u32)| {
                codes.split_ascii_whitespace().map(move |code| Currency { code, digits })
            };
            let mut all: Vec<_> = codes.into_iter().flat_map(known).collect();
            all.sort_unstable_by_key(|currency| currency.code);
            all
        });
        &ALL
    }

    /// The three-letter code.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// Decimals of one major unit: 0, 2 or 3.
    pub const fn digits(self) -> u32 {
        self.digits
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

/// An amount: a whole number of the currency's smallest unit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// From minor units (paise, cents; yen are their own).
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing.
    pub const fn zero(currency: Currency) -> Self {
        Self::from_minor(0, currency)
    }

    /// From an amount that must not have more decimals than the currency.
    ///
    /// ```
    /// # use haat_domain::money::{Currency, Money};
    /// let inr = Currency::parse("INR").unwrap();
    /// assert_eq!(Money::exact("999.9".parse().unwrap(), inr).unwrap().to_string(), "999.90");
    /// assert!(Money::exact("0.125".parse().unwrap(), inr).is_err());
    /// ```
    pub fn exact(amount: Decimal, currency: Currency) -> Result<Self, Violation> {
        if amount.scale() > currency.digits {
            return Err(Violation::new(match currency.digits {
                0 => "must be a whole number".to_owned(),
                digits => format!("must have at most {digits} decimal places"),
            }));
        }
        Self::scaled(amount, currency).ok_or_else(|| Violation::new("is too large"))
    }

    /// From a computed amount, rounded to the currency's digits: half up, that is, a half goes away from zero.
    /// The one place where Haat rounds.
    pub fn rounded(amount: Decimal, currency: Currency) -> Result<Self> {
        let amount = amount.round_dp_with_strategy(currency.digits, RoundingStrategy::MidpointAwayFromZero);
        Self::scaled(amount, currency).ok_or_else(overflow)
    }

    fn scaled(amount: Decimal, currency: Currency) -> Option<Self> {
        let mut minor = amount.checked_mul(Decimal::from(10_i64.pow(currency.digits)))?;
        minor.rescale(0);
        i64::try_from(minor.mantissa()).ok().map(|minor| Self { minor, currency })
    }

    /// Minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in major units.
    pub fn amount(self) -> Decimal {
        Decimal::new(self.minor, self.currency.digits)
    }

    /// The sum; an error on overflow or two currencies.
    pub fn plus(self, other: Self) -> Result<Self> {
        if self.currency != other.currency {
            return Err(Error::internal("two currencies in one sum"));
        }
        let minor = self.minor.checked_add(other.minor).ok_or_else(overflow)?;
        Ok(Self { minor, ..self })
    }

    /// This amount `count` times; an error on overflow.
    pub fn times(self, count: i64) -> Result<Self> {
        let minor = self.minor.checked_mul(count).ok_or_else(overflow)?;
        Ok(Self { minor, ..self })
    }
}

/// Reads a decimal number digit by digit, never through a binary float; scientific notation as JSON has it, too.
///
/// ```
/// # use haat_domain::money::decimal;
/// assert_eq!(decimal(" 1e3 ").unwrap(), decimal("1000").unwrap());
/// assert!(decimal("1,000").is_err());
/// ```
pub fn decimal(text: &str) -> Result<Decimal, Violation> {
    let wrong = || Violation::new("must be a decimal number");
    let (text, size) = (text.trim(), text.len());
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if !plain || text.is_empty() || size > 64 {
        return Err(wrong());
    }
    match Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)) {
        Ok(number) => Ok(number),
        Err(rust_decimal::Error::ExceedsMaximumPossibleValue) => Err(Violation::new("is too large")),
        Err(_) => Err(wrong()),
    }
}

fn overflow() -> Error {
    Error::invalid("lines", "the amount is too large")
}

impl fmt::Display for Money {
    /// The amount with exactly the currency's digits: "999.99", "1000", "1.250".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not by way of a decimal: a page of amounts is written with each list.
        let (sign, minor, unit) = (
            if self.minor < 0 { "-" } else { "" },
            self.minor.unsigned_abs(),
            10_u64.pow(self.currency.digits),
        );
        write!(f, "{sign}{}", minor / unit)?;
        match self.currency.digits {
            0 => Ok(()),
            2 => write!(f, ".{:02}", minor % unit),
            _ => write!(f, ".{:03}", minor % unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn any_currency() -> impl Strategy<Value = Currency> {
        prop_oneof![Just("INR"), Just("JPY"), Just("KWD")].prop_map(currency)
    }

    fn rounded(amount: &str, code: &str) -> String {
        Money::rounded(amount.parse().unwrap(), currency(code)).unwrap().to_string()
    }

    #[test]
    fn every_code_is_three_capitals_and_stands_once() {
        let codes = [WITH_TWO_DECIMALS, WITHOUT_DECIMALS, WITH_THREE_DECIMALS].join(" ");
        let mut codes: Vec<_> = codes.split_ascii_whitespace().collect();
        assert!(codes.iter().all(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())));
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }

    #[test]
    fn all_currencies_are_listed_by_code() {
        let all = Currency::all();
        assert!(all.iter().all(|one| Currency::parse(one.code()) == Ok(*one)));
        assert!(all.is_sorted_by(|one, next| one.code() < next.code()));
        assert!(["INR", "JPY", "KWD"].iter().all(|code| all.iter().any(|one| one.code() == *code)));
    }

    #[test]
    fn a_currency_has_the_digits_of_iso_4217() {
        let digits =
            ["INR", "EUR", "HUF", "JPY", "ISK", "CLP", "KWD", "TND"].map(|code| currency(code).digits());
        assert_eq!(digits, [2, 2, 2, 0, 0, 0, 3, 3]);
        for unknown in ["", "inr", "XXX", "EURO", "EU", "INR ", "EUR GBP"] {
            assert!(Currency::parse(unknown).is_err(), "{unknown:?}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_is_written_as_its_decimal_is(minor: i64, currency in any_currency()) {
            let money = Money::from_minor(minor, currency);
            prop_assert_eq!(money.to_string(), money.amount().to_string());
        }
    }

    #[test]
    fn a_half_is_rounded_away_from_zero() {
        assert_eq!(
            ["0.004", "0.005", "0.015", "0.0149999", "-0.005"].map(|amount| rounded(amount, "INR")),
            ["0.00", "0.01", "0.02", "0.01", "-0.01"]
        );
        assert_eq!((rounded("0.5", "JPY"), rounded("1.4999", "JPY")), ("1".to_owned(), "1".to_owned()));
        assert_eq!((rounded("0.0005", "KWD"), rounded("2", "KWD")), ("0.001".to_owned(), "2.000".to_owned()));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let inr = currency("INR");
        let most = Money::from_minor(i64::MAX, inr);
        assert!(most.plus(Money::from_minor(1, inr)).is_err());
        assert!(Money::from_minor(i64::MIN, inr).plus(Money::from_minor(-1, inr)).is_err());
        assert!(most.times(2).is_err());
        assert!(Money::exact(Decimal::MAX, inr).is_err());
        assert!(Money::exact("92233720368547758.08".parse().unwrap(), inr).is_err());
        assert_eq!(Money::exact("92233720368547758.07".parse().unwrap(), inr).unwrap(), most);
        assert!(Money::rounded(Decimal::MIN, inr).is_err());
    }

    #[test]
    fn two_currencies_have_no_sum() {
        assert!(Money::zero(currency("INR")).plus(Money::zero(currency("EUR"))).is_err());
    }

    #[test]
    fn more_decimals_than_the_currency_has_are_refused() {
        for (amount, code) in
            [("0.001", "INR"), ("1.000", "INR"), ("0.1", "JPY"), ("1.0", "JPY"), ("0.0001", "KWD")]
        {
            assert!(Money::exact(amount.parse().unwrap(), currency(code)).is_err(), "{amount} {code}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_survives_its_text(minor: i64, currency in any_currency()) {
            let money = Money::from_minor(minor, currency);
            let text = money.to_string();
            prop_assert_eq!(Money::exact(text.parse().unwrap(), currency).unwrap(), money);
            prop_assert_eq!(Money::rounded(text.parse().unwrap(), currency).unwrap(), money);
            let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            prop_assert_eq!(u32::try_from(decimals).unwrap(), currency.digits());
        }

        #[test]
        fn sums_and_products_are_exact_or_errors(one: i64, other: i64, currency in any_currency()) {
            let sum = Money::from_minor(one, currency).plus(Money::from_minor(other, currency));
            let product = Money::from_minor(one, currency).times(other);
            prop_assert_eq!(sum.ok().map(Money::minor), i64::try_from(i128::from(one) + i128::from(other)).ok());
            prop_assert_eq!(product.ok().map(Money::minor), i64::try_from(i128::from(one) * i128::from(other)).ok());
        }

        #[test]
        fn rounding_moves_by_half_a_unit_at_most(mantissa in -(1_i64 << 52)..(1_i64 << 52), scale in 0_u32..20, currency in any_currency()) {
            let amount = Decimal::new(mantissa, scale);
            let money = Money::rounded(amount, currency).ok();
            let half = Decimal::new(5, currency.digits() + 1);
            prop_assert!(money.is_none_or(|money| (money.amount() - amount).abs() <= half));
        }
    }
}
