//! Money and times as people read them.

use haat_domain::money::{Currency, Money};
use haat_domain::time::Timestamp;
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_locale_core::Locale;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, Zoned};
use maud::{Markup, html};

/// Shows amounts of one currency: its symbol, and digits grouped as in the country that it is named after (ISO 4217
/// codes begin with the country's, ISO 3166), since the panel's own language is English: ₹1,29,900.00, $1,299.00.
pub(crate) struct Amounts {
    currency: Currency,
    symbol: String,
    digits: Option<DecimalFormatter>,
}

impl Amounts {
    /// For this currency.
    pub(crate) fn new(currency: Currency) -> Self {
        let code = currency.code();
        let symbol = iso_currency::Currency::from_code(code).map(|known| known.symbol().to_string());
        // A symbol of letters is set off: CHF 12.00.
        let symbol = symbol.unwrap_or_else(|| code.to_owned());
        let symbol = if symbol.ends_with(char::is_alphabetic) { format!("{symbol}\u{a0}") } else { symbol };
        Self { currency, symbol, digits: formatter(code) }
    }

    /// An amount with its currency.
    pub(crate) fn money(&self, amount: Money) -> String {
        let digits = i16::try_from(self.currency.digits()).unwrap_or_default();
        let mut number = Decimal::from(amount.minor());
        number.multiply_pow10(-digits);
        // A whole amount keeps its zeros.
        number.pad_end(-digits);
        match &self.digits {
            Some(formatter) => format!("{}{}", self.symbol, formatter.format(&number)),
            None => format!("{}{amount}", self.symbol),
        }
    }

    /// An amount without its decimals, where there is little room.
    pub(crate) fn roughly(&self, amount: Money) -> String {
        let whole = amount.minor() / 10_i64.pow(self.currency.digits());
        let number = Decimal::from(whole);
        let digits = self
            .digits
            .as_ref()
            .map_or_else(|| whole.to_string(), |digits| digits.format(&number).to_string());
        format!("{}{digits}", self.symbol)
    }

    /// The symbol alone, for the side of an input.
    pub(crate) fn symbol(&self) -> &str {
        self.symbol.trim_end()
    }
}

fn formatter(code: &str) -> Option<DecimalFormatter> {
    let locale: Locale = format!("en-{}", code.get(..2)?).parse().ok()?;
    DecimalFormatter::try_new((&locale).into(), icu_decimal::options::DecimalFormatterOptions::default()).ok()
}

/// A number of pieces, orders, bytes: grouped by thousands.
pub(crate) fn count(number: i64) -> String {
    let plain = || number.to_string();
    formatter("US").map_or_else(plain, |formatter| formatter.format(&Decimal::from(number)).to_string())
}

/// About how much that is.
pub(crate) fn bytes(number: i64) -> String {
    match number {
        ..1024 => format!("{number} bytes"),
        1024..1_048_576 => format!("{} KiB", count(number / 1024)),
        _ => format!("{} MiB", count(number / 1_048_576)),
    }
}

/// A time in the viewer's zone.
pub(crate) fn zoned(at: Timestamp, zone: &TimeZone) -> Zoned {
    Instant::from_microsecond(at.as_micros()).unwrap_or_default().to_zoned(zone.clone())
}

/// A day, as all pages write it.
pub(crate) fn day(date: Date) -> String {
    date.strftime("%-d %b %Y").to_string()
}

/// A time on a page, with the exact one for machines and on the pointer.
pub(crate) fn time(at: Timestamp, zone: &TimeZone) -> Markup {
    let here = zoned(at, zone);
    html! {
        time datetime=(at) title=(here.strftime("%A, %-d %B %Y, %H:%M:%S %Z")) { (here.strftime("%-d %b %Y, %H:%M")) }
    }
}

/// When a day begins there.
pub(crate) fn start_of(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let start = day.to_zoned(zone.clone()).ok()?;
    Timestamp::from_micros(start.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(minor: i64, code: &str) -> String {
        let currency = Currency::parse(code).unwrap();
        Amounts::new(currency).money(Money::from_minor(minor, currency))
    }

    #[test]
    fn money_has_its_symbol_and_its_countrys_groups() {
        assert_eq!(shown(12_990_000, "INR"), "₹1,29,900.00");
        assert_eq!(shown(129_900, "USD"), "$1,299.00");
        assert_eq!(shown(1000, "JPY"), "¥1,000");
        assert_eq!(shown(1250, "KWD"), "د.ك\u{a0}1.250");
        assert_eq!(shown(5, "EUR"), "€0.05");
    }

    #[test]
    fn a_time_is_the_viewers_own() {
        let at = Timestamp::parse("2026-11-25T20:35:08Z").unwrap();
        let kolkata = TimeZone::get("Asia/Kolkata").unwrap();
        assert!(time(at, &kolkata).into_string().contains("26 Nov 2026, 02:05"));
        assert_eq!(
            start_of(Date::constant(2026, 11, 26), &kolkata).unwrap().to_string(),
            "2026-11-25T18:30:00.000000Z"
        );
    }

    #[test]
    fn sizes_are_round() {
        assert_eq!([5, 2048, 5_242_880].map(bytes), ["5 bytes", "2 KiB", "5 MiB"]);
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
