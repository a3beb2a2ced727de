use super::{MemoryTx, rows};
use crate::authz::Role;
use crate::catalog::{Product, ProductStatus};
use crate::error::{Error, Result};
use crate::ids::TenantId;
use crate::money::{Currency, Money};
use crate::orders::{Line, Order, OrderStatus};
use crate::ports::Reports;
use crate::reports::{BestSeller, Counts, Joined, LOW_STOCK, QUARTER, Sold};
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Debug;

impl Reports for MemoryTx {
    fn sales(&mut self, since: Timestamp, currency: Currency) -> Result<Vec<Sold>> {
        let mut sales = BTreeMap::new();
        for order in self.sold(since) {
            let from = quarter(order.created_at);
            let sold = sales.entry(from).or_insert(Sold { from, orders: 0, revenue: Money::zero(currency) });
            (sold.orders, sold.revenue) = (sold.orders + 1, sold.revenue.plus(order.total)?);
        }
        Ok(sales.into_values().collect())
    }

    fn newcomers(&mut self, since: Timestamp) -> Result<Vec<Joined>> {
        let mut newcomers = BTreeMap::new();
        let customers = self.logins().map(|login| &login.user).filter(|user| user.role == Role::Customer);
        for user in customers.filter(|user| user.created_at >= since) {
            let from = quarter(user.created_at);
            newcomers.entry(from).or_insert(Joined { from, customers: 0 }).customers += 1;
        }
        Ok(newcomers.into_values().collect())
    }

    fn best(&mut self, since: Timestamp, currency: Currency, limit: i64) -> Result<Vec<BestSeller>> {
        let mut best = BTreeMap::new();
        // Oldest first: the name is the newest line's in the end.
        for Line { product, name, quantity, line_total, .. } in
            self.sold(since).flat_map(|order| &order.lines)
        {
            let row = best.entry(*product).or_insert_with(|| BestSeller {
                product: *product,
                name: name.clone(),
                pieces: 0,
                revenue: Money::zero(currency),
            });
            row.name = name.clone();
            (row.pieces, row.revenue) = (row.pieces + quantity.get(), row.revenue.plus(*line_total)?);
        }
        let mut best: Vec<_> = best.into_values().collect();
        best.sort_by_key(|row| Reverse(row.revenue.minor()));
        best.truncate(rows(limit));
        Ok(best)
    }

    fn low(&mut self, limit: i64) -> Result<Vec<Product>> {
        let stock = |product: &&Product| product.details.stock.map(crate::catalog::Stock::get);
        let active = self.products().filter(|product| product.details.status == ProductStatus::Active);
        let mut low: Vec<_> =
            active.filter(|product| stock(product).is_some_and(|pieces| pieces <= LOW_STOCK)).collect();
        low.sort_by_key(stock);
        Ok(low.into_iter().take(rows(limit)).cloned().collect())
    }

    fn counts(&mut self) -> Result<Counts> {
        let (users, products) = (self.logins().count(), self.products().count());
        let (orders, state) = (self.orders().count(), &self.state);
        let entries = self.mine(&state.audit).count();
        let bytes = self.mine(&state.users).map(|row| weight(&row.value.user)).sum::<usize>()
            + self.mine(&state.products).map(|row| weight(&row.value)).sum::<usize>()
            + self.mine(&state.orders).map(|row| weight(&row.value)).sum::<usize>()
            + self.mine(&state.audit).map(weight).sum::<usize>();
        let [users, products, orders, entries, bytes] = [users, products, orders, entries, bytes]
            .map(|count| i64::try_from(count).map_err(Error::internal));
        Ok(Counts { users: users?, products: products?, orders: orders?, entries: entries?, bytes: bytes? })
    }
}

impl MemoryTx {
    /// This tenant's orders that count, oldest first.
    fn sold(&self, since: Timestamp) -> impl Iterator<Item = &Order> {
        let counts =
            move |order: &&Order| order.status != OrderStatus::Cancelled && order.created_at >= since;
        self.orders().filter(counts)
    }

    /// All of this tenant's rows in a table.
    fn mine<'t, Id, Value>(
        &self,
        table: &'t BTreeMap<(TenantId, Id), Value>,
    ) -> impl Iterator<Item = &'t Value> {
        let here = self.tenant;
        table.iter().filter(move |((tenant, _), _)| *tenant == here).map(|(_, value)| value)
    }
}

/// The beginning of the quarter of an hour in which this was.
fn quarter(at: Timestamp) -> Timestamp {
    Timestamp::EPOCH.plus_seconds(at.as_micros().div_euclid(QUARTER * 1_000_000) * QUARTER)
}

/// As long as a row is when it is written out.
fn weight(row: &impl Debug) -> usize {
    format!("{row:?}").len()
}
