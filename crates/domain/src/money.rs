//! Money in minor units with a currency of ISO 4217. Overflow is an error, never a wrap.

use crate::error::{Error, Result, Violation};
use rust_decimal::{Decimal, RoundingStrategy};
use std::fmt;

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
        [(WITH_TWO_DECIMALS, 2), (WITHOUT_DECIMALS, 0), (WITH_THREE_DECIMALS, 3)]
            .into_iter()
            .find_map(|(codes, digits)| {
                let code = codes.split_ascii_whitespace().find(|known| *known == code)?;
                Some(Self { code, digits })
            })
            .ok_or_else(|| Violation::new("must be a currency code of ISO 4217, such as INR or EUR"))
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

fn overflow() -> Error {
    Error::invalid("lines", "the amount is too large")
}

impl fmt::Display for Money {
    /// The amount with exactly the currency's digits: "999.99", "1000", "1.250".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.amount().fmt(f)
    }
}
