use diesel::prelude::*;
use haat_domain::catalog::ProductName;
use haat_domain::ids::ProductId;
use haat_domain::money::{Currency, Money};
use haat_domain::reports::{BestSeller, Counts};

#[derive(Debug, Queryable)]
pub(in crate::db) struct BestRow {
    product: i64,
    name: String,
    pieces: i64,
    revenue: i64,
}

impl BestRow {
    pub(in crate::db) fn into_best(self, currency: Currency) -> BestSeller {
        BestSeller {
            product: ProductId::new(self.product),
            name: ProductName::from_stored(self.name),
            pieces: self.pieces,
            revenue: Money::from_minor(self.revenue, currency),
        }
    }
}

#[derive(Debug, Queryable)]
pub(in crate::db) struct CountsRow {
    users: i64,
    products: i64,
    orders: i64,
    entries: i64,
    bytes: i64,
}

impl From<CountsRow> for Counts {
    fn from(row: CountsRow) -> Self {
        let CountsRow { users, products, orders, entries, bytes } = row;
        Self { users, products, orders, entries, bytes }
    }
}
