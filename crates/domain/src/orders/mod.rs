//! Orders: frozen prices, counted stock, and a way from pending to delivered.

mod change;
mod place;
mod status;

pub use change::{LinesChange, OrderPatch, cancel_order, delete_order, lock_order, update_order};
pub use place::{LineRequest, PlaceOrder, place_order};
pub use status::OrderStatus;

use crate::audit::{AuditFilter, Object, Recorded};
use crate::authz::{Action, Reach};
use crate::catalog::{ProductName, Sku, Taken};
use crate::cx::Cx;
use crate::error::{Denied, Error, Result};
use crate::ids::{OrderId, ProductId, UserId};
use crate::money::Money;
use crate::page::{After, Key, Limit, Page, PageRequest, SortKey};
use crate::pricing::{Quantity, line_total};
use crate::time::Timestamp;

/// The most lines of an order.
pub const MAX_LINES: usize = 100;

/// One line: a product with its name and price as they were when it was ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which product.
    pub product: ProductId,
    /// Its SKU then.
    pub sku: Option<Sku>,
    /// Its name then.
    pub name: ProductName,
    /// The price of one piece then.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
    /// Price times quantity.
    pub line_total: Money,
    /// Pieces that were taken from the stock: what a cancellation puts back.
    pub counted: i64,
}

impl Line {
    fn of(product: ProductId, quantity: Quantity, taken: Taken) -> Result<Self> {
        let Taken { name, sku, unit_price, counted } = taken;
        let line_total = line_total(unit_price, quantity)?;
        Ok(Self { product, sku, name, unit_price, quantity, line_total, counted })
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its number on this server.
    pub id: OrderId,
    /// Its number in the store: 1001, 1002, ...
    pub number: i64,
    /// Whose it is.
    pub customer: UserId,
    /// Who placed it; `None`: a platform admin.
    pub placed_by: Option<UserId>,
    /// Where it is on its way.
    pub status: OrderStatus,
    /// The sum of its lines.
    pub total: Money,
    /// What was ordered: 1 to [`MAX_LINES`] lines.
    pub lines: Vec<Line>,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a new order is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderNumbers {
    /// Its number on this server.
    pub id: OrderId,
    /// Its number in the store.
    pub number: i64,
}

/// What was taken of the last product of an order, and the numbers that were drawn with it.
pub type Opened = (Taken, OrderNumbers);

/// The sortable columns of the list of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKey {
    /// In the order of placing.
    Id,
    /// By time of placing.
    CreatedAt,
    /// By total.
    TotalPrice,
}

impl SortKey for OrderKey {
    const LIST: &'static str = "orders";
    const ALL: &'static [(&'static str, Self)] =
        &[("id", Self::Id), ("created_at", Self::CreatedAt), ("total_price", Self::TotalPrice)];
}

/// Which orders a list shows.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    /// With this number in the store.
    pub number: Option<i64>,
    /// With this status.
    pub status: Option<OrderStatus>,
    /// Of this customer.
    pub customer: Option<UserId>,
    /// With a line of this product.
    pub product: Option<ProductId>,
    /// Placed at this time or later.
    pub created_after: Option<Timestamp>,
    /// Placed before this time.
    pub created_before: Option<Timestamp>,
}

/// The orders that the caller may see: all of the store, or the own ones.
pub fn list_orders(
    cx: &mut Cx<'_>,
    mut filter: OrderFilter,
    request: &PageRequest<OrderKey>,
) -> Result<Page<Order>> {
    let shop = cx.enter(Action::ReadOrders)?;
    let tenant = shop.scope.tenant();
    let after = request.position(tenant)?;
    if let Some(me) = shop.scope.only() {
        if filter.customer.is_some_and(|customer| customer != me) {
            return Ok(Page::default());
        }
        filter.customer = Some(me);
    }
    let rows = shop.tx.orders().page(&filter, request.sort, after, request.limit.and_one())?;
    Ok(Page::of(tenant, request, rows, |last| After {
        id: last.id.get(),
        key: match request.sort.by {
            OrderKey::Id => Key::Id,
            OrderKey::CreatedAt => Key::Number(last.created_at.as_micros()),
            OrderKey::TotalPrice => Key::Number(last.total.minor()),
        },
    }))
}

/// One order that the caller may see.
pub fn read_order(cx: &mut Cx<'_>, id: OrderId) -> Result<Order> {
    let shop = cx.enter(Action::ReadOrders)?;
    visible(shop.tx.orders().find(id)?, shop.scope.only())
}

/// What happened to an order, oldest first: at most [`Limit::MAX`] entries of the audit log. Whoever sees all orders
/// of the store may read this, whether or not they may read the rest of the log.
pub fn read_history(cx: &mut Cx<'_>, id: OrderId) -> Result<Vec<Recorded>> {
    let shop = cx.enter(Action::ReadOrders)?;
    if shop.scope.reach() != Reach::All {
        return Err(Error::Forbidden(Denied::Role));
    }
    let order = Object::Order(visible(shop.tx.orders().find(id)?, None)?.id);
    let about = AuditFilter { kind: Some(order.kind()), object: Some(order.id()), ..AuditFilter::default() };
    shop.tx.audit().page(&about, false, None, Limit::MAX)
}

/// Another customer's order looks like one that never was.
fn visible(order: Option<Order>, only: Option<UserId>) -> Result<Order> {
    order.filter(|order| only.is_none_or(|me| order.customer == me)).ok_or(Error::NotFound)
}
