//! The first page: how the store does.

use crate::chart;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::form::limited;
use crate::orders::{self, Names};
use crate::page::Frame;
use crate::routes::{Pages, Rule};
use crate::show::{self, count, start_of, zoned};
use crate::ui::{badge, empty, head};
use actix_web::dev::{ServiceFactory, ServiceRequest};
use actix_web::{Error as WebError, HttpResponse};
use haat_domain::authz::Action;
use haat_domain::catalog::{Product, Stock};
use haat_domain::cx::Cx;
use haat_domain::error::{Denied, Error, Result};
use haat_domain::money::Money;
use haat_domain::orders::{Order, OrderFilter, OrderKey, list_orders};
use haat_domain::page::{PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::reports::{SalesReport, SalesRequest, read_sales};
use haat_domain::time::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = WebError, InitError = ()>,
{
    pages.get("/", Rule::Needs(Action::ReadReports), show)
}

/// How far back the figures go, today included.
const DAYS: usize = 30;

async fn show(desk: Desk) -> Result<HttpResponse, Failure> {
    let zone = desk.sight.zone.clone();
    let today = zoned(desk.sight.app.clock.now(), &zone).date();
    let days = days_until(today);
    let since = days.first().and_then(|day| start_of(*day, &zone)).unwrap_or(Timestamp::EPOCH);
    let request = SalesRequest { since, best: limited(8), low: limited(8) };
    let work = move |cx: &mut Cx<'_>| {
        let report = read_sales(cx, &request)?;
        let newest = Sort { by: OrderKey::Id, descending: true };
        let request = PageRequest { limit: limited(8), sort: newest, cursor: None };
        let latest = list_orders(cx, OrderFilter::default(), &request)?.items;
        let names = orders::names(cx, &latest)?;
        Ok((report, latest, names))
    };
    match desk.list(Access::Scan, Action::ReadReports, work).await {
        Ok((frame, (report, latest, names))) => {
            let days = per_day(&report, &days, &zone, Money::zero(frame.currency()?))?;
            Ok(frame.page("Dashboard", body(&frame, &report, &days, &latest, &names)))
        }
        // A platform admin who is in no store begins with all of them.
        Err(Failure::Domain(Error::Forbidden(Denied::StoreRequired))) => {
            Ok(desk.sight.go("/platform/tenants/", None))
        }
        Err(failure) => Err(failure),
    }
}

/// The days that are shown, oldest first.
fn days_until(today: Date) -> Vec<Date> {
    let mut days: Vec<_> =
        (0..DAYS).filter_map(|ago| today.checked_sub(i64::try_from(ago).ok()?.days()).ok()).collect();
    days.reverse();
    days
}

/// What happened on one day of the viewer's.
struct Day {
    date: Date,
    orders: i64,
    revenue: Money,
    newcomers: i64,
}

impl Day {
    fn plus(self, other: &Self) -> Result<Self> {
        Ok(Self {
            orders: self.orders + other.orders,
            revenue: self.revenue.plus(other.revenue)?,
            newcomers: self.newcomers + other.newcomers,
            ..self
        })
    }
}

/// Sums quarters of hours up to days of a zone.
fn per_day(report: &SalesReport, days: &[Date], zone: &TimeZone, none: Money) -> Result<Vec<Day>> {
    let mut all: Vec<_> =
        days.iter().map(|date| Day { date: *date, orders: 0, revenue: none, newcomers: 0 }).collect();
    for sold in &report.sales {
        let date = zoned(sold.from, zone).date();
        if let Some(day) = all.iter_mut().find(|day| day.date == date) {
            day.orders += sold.orders;
            day.revenue = day.revenue.plus(sold.revenue)?;
        }
    }
    for joined in &report.newcomers {
        let date = zoned(joined.from, zone).date();
        if let Some(day) = all.iter_mut().find(|day| day.date == date) {
            day.newcomers += joined.customers;
        }
    }
    Ok(all)
}

fn body(frame: &Frame, report: &SalesReport, days: &[Day], latest: &[Order], names: &Names) -> Markup {
    let place = html! { a.button.primary href=(frame.at("/orders/new/")) { "Place an order" } };
    html! {
        (head(frame, None, "Dashboard", &place))
        div.cards {
            @for (name, length) in [("Today", 1), ("7 days", 7), ("30 days", 30)] { (period(frame, name, length, days)) }
        }
        section.card {
            h2 { "Revenue, 30 days" }
            (revenue(frame, days))
        }
        div.columns {
            section.card {
                h2 { "Best sellers, 30 days" }
                (best(frame, report))
            }
            section.card {
                h2 { "Low stock" }
                (low(frame, report))
            }
        }
        section.latest {
            h2 { "Latest orders" }
            @if latest.is_empty() {
                (empty("No orders yet", "When customers order something it appears here.",
                    &html! { a.button href=(frame.at("/products/")) { "See what they can order" } }))
            } @else {
                (orders::table(frame, latest, names, None))
                p { a href=(frame.at("/orders/")) { "All orders" } }
            }
        }
    }
}

fn period(frame: &Frame, name: &str, length: usize, days: &[Day]) -> Markup {
    let mut recent = days.iter().rev().take(length);
    let first = recent.next().map(|day| Day { ..*day });
    let sum = first.and_then(|first| recent.try_fold(first, Day::plus).ok());
    html! {
        section.card {
            h2 { (name) }
            @if let Some(sum) = sum {
                p.figure { (frame.money(sum.revenue)) " " span.muted { "revenue" } }
                dl.facts {
                    dt { "Orders" } dd.num { (count(sum.orders)) }
                    dt { "Average order" } dd.num { (average(frame, &sum)) }
                    dt { "New customers" } dd.num { (count(sum.newcomers)) }
                }
            }
        }
    }
}

fn average(frame: &Frame, sum: &Day) -> String {
    let currency = sum.revenue.currency();
    let average = sum.revenue.amount().checked_div(sum.orders.into());
    let average = average.and_then(|amount| Money::rounded(amount, currency).ok());
    average.map_or_else(|| "–".to_owned(), |average| frame.money(average))
}

/// An amount in little room: beside a chart's line or bar.
fn roughly(frame: &Frame) -> impl Fn(i64) -> String {
    move |minor| {
        frame
            .store()
            .map_or_else(String::new, |store| frame.roughly(Money::from_minor(minor, store.currency)))
    }
}

fn revenue(frame: &Frame, days: &[Day]) -> Markup {
    // Under a chart of thirty days there is no room for the year, and no need.
    let label = |day: &Day| show::short_day(day.date);
    let points: Vec<_> = days.iter().map(|day| (label(day), day.revenue.minor())).collect();
    html! {
        figure.chart {
            @match chart::line("Revenue of each day", &points, &roughly(frame)) {
                Some(svg) => (svg),
                None => p.muted { "The chart cannot be drawn; the table has the figures." },
            }
            figcaption.sr { "Revenue of each of the last 30 days; the table below has the figures." }
            details {
                summary { "Show as a table" }
                div.scroll role="region" tabindex="0" aria-label="Revenue of each day" {
                    table.plain {
                        caption.sr { "Revenue of each day" }
                        thead { tr { th scope="col" { "Day" } th.num scope="col" { "Orders" } th.num scope="col" { "Revenue" } } }
                        tbody {
                            @for day in days.iter().rev() {
                                tr { th scope="row" { (show::day(day.date)) } td.num { (day.orders) } td.num { (frame.money(day.revenue)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn best(frame: &Frame, report: &SalesReport) -> Markup {
    let bars: Vec<_> =
        report.best.iter().map(|best| (best.name.as_str().to_owned(), best.revenue.minor())).collect();
    html! {
        @if report.best.is_empty() {
            p.muted { "Nothing was sold yet." }
        } @else {
            figure.chart {
                @if let Some(svg) = chart::bars("Best sellers by revenue", &bars, &roughly(frame)) { (svg) }
                figcaption.sr { "The best sellers of the last 30 days by revenue; the table below has the figures." }
                details { summary { "Show as a table" } (sellers(frame, report)) }
            }
        }
    }
}

fn sellers(frame: &Frame, report: &SalesReport) -> Markup {
    html! {
        div.scroll role="region" tabindex="0" aria-label="Best sellers" {
            table.plain {
                caption.sr { "Best sellers" }
                thead { tr { th scope="col" { "Product" } th.num scope="col" { "Pieces" } th.num scope="col" { "Revenue" } } }
                tbody {
                    @for best in &report.best {
                        tr {
                            th scope="row" { a href=(frame.at(&format!("/products/{}/", best.product))) { (best.name.as_str()) } }
                            td.num { (count(best.pieces)) }
                            td.num { (frame.money(best.revenue)) }
                        }
                    }
                }
            }
        }
    }
}

fn low(frame: &Frame, report: &SalesReport) -> Markup {
    html! {
        @if report.low.is_empty() {
            p.muted { "Nothing is running out." }
        } @else {
            ul.plain {
                @for product in &report.low {
                    li {
                        a href=(frame.at(&format!("/products/{}/", product.id))) { (product.details.name.as_str()) } " "
                        (badge("low")) " " (left(product))
                    }
                }
            }
        }
    }
}

fn left(product: &Product) -> String {
    match product.details.stock.map_or(0, Stock::get) {
        0 => "sold out".to_owned(),
        1 => "1 left".to_owned(),
        left => format!("{left} left"),
    }
}
