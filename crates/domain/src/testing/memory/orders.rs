use super::{MemoryTx, Row, missing_row, next_id, page};
use crate::audit::Entry;
use crate::error::{Error, Result};
use crate::ids::{OrderId, ProductId, UserId};
use crate::orders::{Line, Opened, Order, OrderFilter, OrderKey, OrderNumbers};
use crate::page::{After, Key, Sort};
use crate::ports::{Audit, Orders, Products};
use crate::pricing::Quantity;
use crate::time::Timestamp;

impl Orders for MemoryTx {
    fn open(
        &mut self,
        product: ProductId,
        quantity: Quantity,
        _: [UserId; 2],
        now: Timestamp,
    ) -> Result<Option<Opened>> {
        let Some(taken) = self.take(product, quantity, now)? else { return Ok(None) };
        let id = next_id(&self.state.orders, OrderId::new, OrderId::get);
        let mine = self.state.orders.iter().filter(|((tenant, _), _)| *tenant == self.tenant);
        let last = mine.map(|(_, row)| row.value.number).max().unwrap_or(1000);
        Ok(Some((taken, OrderNumbers { id, number: last + 1 })))
    }

    fn insert(&mut self, order: &Order, entry: &Entry) -> Result<()> {
        self.refer_to_users([Some(order.customer), order.placed_by].into_iter().flatten())?;
        self.refer_to_products(&order.lines)?;
        self.state.orders.insert((self.tenant, order.id), Row::new(order.clone()));
        self.record(entry)
    }

    fn find(&mut self, id: OrderId) -> Result<Option<Order>> {
        Ok(self.orders().find(|order| order.id == id).cloned())
    }

    fn lock(&mut self, id: OrderId) -> Result<Option<Order>> {
        Orders::find(self, id)
    }

    fn page(
        &mut self,
        filter: &OrderFilter,
        sort: Sort<OrderKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<Order>> {
        let found = self.orders().filter(|order| shows(filter, order));
        let (key, kind): (fn(&Order) -> Key, _) = match sort.by {
            OrderKey::Id => (|_| Key::Id, Key::Id),
            OrderKey::CreatedAt => (|order| Key::Number(order.created_at.as_micros()), Key::Number(0)),
            OrderKey::TotalPrice => (|order| Key::Number(order.total.minor()), Key::Number(0)),
        };
        let mark = |order: &Order| After { key: key(order), id: order.id.get() };
        page(found.cloned(), mark, &kind, sort.descending, after.as_ref(), limit)
    }

    fn update(&mut self, order: &Order) -> Result<()> {
        self.change_order(order.id, |row| {
            (row.status, row.total, row.updated_at) = (order.status, order.total, order.updated_at);
        })
    }

    fn replace_lines(&mut self, id: OrderId, lines: &[Line]) -> Result<()> {
        self.refer_to_products(lines)?;
        self.change_order(id, |order| order.lines = lines.to_vec())
    }

    fn hide(&mut self, id: OrderId, now: Timestamp) -> Result<()> {
        let row = self.state.orders.get_mut(&(self.tenant, id)).ok_or_else(missing_row)?;
        (row.deleted, row.value.updated_at) = (true, now);
        Ok(())
    }
}

impl MemoryTx {
    /// This tenant's orders, without the hidden ones.
    pub(super) fn orders(&self) -> impl Iterator<Item = &Order> {
        let mine = self.state.orders.iter().filter(|((tenant, _), _)| *tenant == self.tenant);
        mine.filter_map(|(_, row)| row.live())
    }

    /// As a composite foreign key would: lines refer to products of the same tenant.
    fn refer_to_products(&self, lines: &[Line]) -> Result<()> {
        if lines.iter().all(|line| self.state.products.contains_key(&(self.tenant, line.product))) {
            Ok(())
        } else {
            Err(Error::internal("a reference to no product of this tenant"))
        }
    }

    fn change_order(&mut self, id: OrderId, change: impl FnOnce(&mut Order)) -> Result<()> {
        let row = self.state.orders.get_mut(&(self.tenant, id));
        row.and_then(Row::live_mut).map(change).ok_or_else(missing_row)
    }
}

fn shows(filter: &OrderFilter, order: &Order) -> bool {
    filter.number.is_none_or(|number| order.number == number)
        && filter.status.is_none_or(|status| order.status == status)
        && filter.customer.is_none_or(|customer| order.customer == customer)
        && filter.product.is_none_or(|product| order.lines.iter().any(|line| line.product == product))
        && filter.created_after.is_none_or(|from| order.created_at >= from)
        && filter.created_before.is_none_or(|until| order.created_at < until)
}
