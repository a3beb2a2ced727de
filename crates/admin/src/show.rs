//! Money and times as people read them.

use haat_domain::money::{Currency, Money};
use haat_domain::time::Timestamp;
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_locale_core::Locale;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, Zoned};
use maud::{Markup, Render, html};

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
    format!("{} {}", short_day(date), date.year())
}

/// The same where the year is clear.
pub(crate) fn short_day(date: Date) -> String {
    format!("{} {}", date.day(), short(month(date)))
}

/// A time on a page, with the exact one for machines and on the pointer. Lists have one in every row: a general
/// `strftime` was a tenth of what such a page cost.
pub(crate) fn time(at: Timestamp, zone: &TimeZone) -> Markup {
    let here = zoned(at, zone);
    let (date, clock) = (here.date(), here.time());
    let info = zone.to_offset_info(here.timestamp());
    html! {
        time datetime=(at) title={
            (weekday(date)) ", " (date.day()) " " (month(date)) " " (date.year()) ", "
            (Two(clock.hour())) ":" (Two(clock.minute())) ":" (Two(clock.second())) " " (info.abbreviation())
        } {
            (date.day()) " " (short(month(date))) " " (date.year()) ", " (Two(clock.hour())) ":" (Two(clock.minute()))
        }
    }
}

/// A number of two digits.
struct Two(i8);

impl Render for Two {
    fn render_to(&self, out: &mut String) {
        if self.0 < 10 {
            out.push('0');
        }
        self.0.render_to(out);
    }
}

fn weekday(date: Date) -> &'static str {
    match date.weekday() {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn month(date: Date) -> &'static str {
    match date.month() {
        1 => "January",
        2 => "February",
        3 => "March",
        4 => "April",
        5 => "May",
        6 => "June",
        7 => "July",
        8 => "August",
        9 => "September",
        10 => "October",
        11 => "November",
        _ => "December",
    }
}

/// The name of a month in little room: Nov.
fn short(month: &str) -> &str {
    month.get(..3).unwrap_or(month)
}

/// The name of a field as people say it.
pub(crate) fn spoken(field: &str) -> String {
    field.replace(['_', '-'], " ")
}

/// The text with a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + letters.as_str()
}

/// When a day begins there.
pub(crate) fn start_of(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let start = day.to_zoned(zone.clone()).ok()?;
    Timestamp::from_micros(start.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;

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
        assert_eq!(
            time(at, &kolkata).into_string(),
            "<time datetime=\"2026-11-25T20:35:08.000000Z\" title=\"Thursday, 26 November 2026, 02:05:08 IST\">\
             26 Nov 2026, 02:05</time>"
        );
        assert_eq!(
            start_of(Date::constant(2026, 11, 26), &kolkata).unwrap().to_string(),
            "2026-11-25T18:30:00.000000Z"
        );
    }

    #[test]
    fn a_day_has_its_names_as_the_calendar_has_them() {
        let first = Date::constant(2024, 1, 1);
        for day in first.series(1.day()).take(366) {
            assert_eq!(super::day(day), day.strftime("%-d %b %Y").to_string());
            assert_eq!(weekday(day), day.strftime("%A").to_string());
            assert_eq!(month(day), day.strftime("%B").to_string());
        }
    }

    #[test]
    fn sizes_are_round() {
        assert_eq!([5, 2048, 5_242_880].map(bytes), ["5 bytes", "2 KiB", "5 MiB"]);
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
