//! Figures of a store: what was sold, who has joined, what runs out, and how much there is.

use crate::authz::Action;
use crate::catalog::{Product, ProductName};
use crate::cx::Cx;
use crate::error::Result;
use crate::ids::ProductId;
use crate::money::Money;
use crate::page::Limit;
use crate::time::Timestamp;

/// Of a product with so many pieces or fewer there is little left.
pub const LOW_STOCK: i64 = 5;

/// A quarter of an hour, in seconds. Every zone's day begins with one, so that days of any zone can be summed from these.
pub const QUARTER: i64 = 15 * 60;

/// Which figures are wanted.
#[derive(Debug, Clone, Copy)]
pub struct SalesRequest {
    /// What happened at this time or later.
    pub since: Timestamp,
    /// How many of the best sellers.
    pub best: Limit,
    /// How many of the products of which little is left.
    pub low: Limit,
}

/// The figures. Orders that are cancelled or hidden do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalesReport {
    /// The quarters of an hour in which there were orders, oldest first.
    pub sales: Vec<Sold>,
    /// The quarters of an hour in which customers joined, oldest first.
    pub newcomers: Vec<Joined>,
    /// The products with the highest revenue, highest first; ties go by number.
    pub best: Vec<BestSeller>,
    /// The active products of which at most [`LOW_STOCK`] pieces are left, fewest first; ties go by number.
    pub low: Vec<Product>,
}

/// What was ordered in a quarter of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sold {
    /// When it begins.
    pub from: Timestamp,
    /// How many orders were placed.
    pub orders: i64,
    /// What they come to.
    pub revenue: Money,
}

/// Who has joined in a quarter of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// When it begins.
    pub from: Timestamp,
    /// How many customers, of those who are still there.
    pub customers: i64,
}

/// A product, as it sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BestSeller {
    /// Which one.
    pub product: ProductId,
    /// Its name in the newest of these orders.
    pub name: ProductName,
    /// How many were ordered.
    pub pieces: i64,
    /// What they come to.
    pub revenue: Money,
}

/// How much there is in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Accounts that were not removed.
    pub users: i64,
    /// Products that were not archived for good.
    pub products: i64,
    /// Orders that are not hidden.
    pub orders: i64,
    /// Entries of the audit log.
    pub entries: i64,
    /// About how many bytes all rows of these hold, those of the orders' lines and what was removed among them: the
    /// texts, and eight for each number. What a database needs beside that is not in it.
    pub bytes: i64,
}

/// The figures of the caller's store.
pub fn read_sales(cx: &mut Cx<'_>, request: &SalesRequest) -> Result<SalesReport> {
    let shop = cx.enter(Action::ReadReports)?;
    let (currency, reports) = (shop.scope.currency(), shop.tx.reports());
    Ok(SalesReport {
        sales: reports.sales(request.since, currency)?,
        newcomers: reports.newcomers(request.since)?,
        best: reports.best(request.since, currency, request.best.rows())?,
        low: reports.low(request.low.rows())?,
    })
}
