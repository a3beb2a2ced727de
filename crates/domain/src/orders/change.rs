use super::place::{orderable, summed, take_all};
use super::{Line, LineRequest, Order, OrderStatus, visible};
use crate::audit::{Facts, Object};
use crate::authz::Action;
use crate::cx::{Cx, Shop};
use crate::error::{Conflict, Error, Result};
use crate::ids::{OrderId, ProductId};
use crate::pricing::{Quantity, line_total, order_total};
use std::collections::BTreeSet;

/// Changes to an order; `None` leaves it as it is. Lines change before the status does.
#[derive(Debug, Clone, Default)]
pub struct OrderPatch {
    /// Other lines, while the order is pending.
    pub lines: Option<LinesChange>,
    /// A move.
    pub status: Option<OrderStatus>,
}

/// How the lines change. What was in the order keeps its frozen price; what is new comes at today's.
#[derive(Debug, Clone)]
pub enum LinesChange {
    /// Another product or quantity in an order of one line.
    Single {
        /// Another product.
        product: Option<ProductId>,
        /// Another quantity.
        quantity: Option<Quantity>,
    },
    /// Other lines altogether.
    All(Vec<LineRequest>),
}

/// Changes an order: its lines while it is pending, its status along the allowed moves. A move already made is no
/// error and changes nothing.
pub fn update_order(cx: &mut Cx<'_>, id: OrderId, patch: OrderPatch) -> Result<Order> {
    let mut shop = cx.enter(Action::UpdateOrder)?;
    let mut order = visible(shop.tx.orders().lock(id)?, shop.scope.only())?;
    let before = Facts::from(&order);
    if let Some(change) = patch.lines {
        change_lines(&mut shop, &mut order, change)?;
    }
    if let Some(status) = patch.status {
        move_to(&mut shop, &mut order, status)?;
    }
    shop.record(Object::Order(id), before, (&order).into())?;
    Ok(order)
}

/// An order as it is before a change, kept from others' changes until the transaction ends.
pub fn lock_order(cx: &mut Cx<'_>, id: OrderId) -> Result<Order> {
    let shop = cx.enter(Action::UpdateOrder)?;
    visible(shop.tx.orders().lock(id)?, shop.scope.only())
}

/// Cancels an order and puts its stock back. Customers cancel their own while it is pending.
pub fn cancel_order(cx: &mut Cx<'_>, id: OrderId) -> Result<Order> {
    let mut shop = cx.enter(Action::CancelOrder)?;
    let mut order = visible(shop.tx.orders().lock(id)?, shop.scope.only())?;
    let before = Facts::from(&order);
    let theirs_to_cancel = matches!(order.status, OrderStatus::Pending | OrderStatus::Cancelled);
    if shop.scope.only().is_some() && !theirs_to_cancel {
        return Err(Error::Conflict(Conflict::IllegalTransition { from: order.status, allowed: &[] }));
    }
    move_to(&mut shop, &mut order, OrderStatus::Cancelled)?;
    shop.record(Object::Order(id), before, (&order).into())?;
    Ok(order)
}

/// Cancels an order where that is legal, and hides it for good.
pub fn delete_order(cx: &mut Cx<'_>, id: OrderId) -> Result<()> {
    let mut shop = cx.enter(Action::DeleteOrder)?;
    let mut order = visible(shop.tx.orders().lock(id)?, shop.scope.only())?;
    let before = Facts::from(&order);
    move_to(&mut shop, &mut order, OrderStatus::Cancelled)?;
    shop.tx.orders().hide(id, shop.now)?;
    shop.record(Object::Order(id), before, Facts::default())
}

fn move_to(shop: &mut Shop<'_>, order: &mut Order, status: OrderStatus) -> Result<()> {
    if !order.status.moves_to(status)? {
        return Ok(());
    }
    if status == OrderStatus::Cancelled {
        let mut lines: Vec<_> = order.lines.iter().collect();
        lines.sort_by_key(|line| line.product);
        for line in lines {
            shop.tx.products().put_back(line.product, line.counted, shop.now)?;
        }
    }
    (order.status, order.updated_at) = (status, shop.now);
    shop.tx.orders().update(order)
}

fn change_lines(shop: &mut Shop<'_>, order: &mut Order, change: LinesChange) -> Result<()> {
    let wanted = summed(wanted(order, change)?)?;
    let present = order.lines.iter().map(|line| (line.product, line.quantity));
    if present.eq(wanted.iter().map(|line| (line.product, line.quantity))) {
        return Ok(());
    }
    if order.status != OrderStatus::Pending {
        return Err(Error::Conflict(Conflict::OrderNotPending { status: order.status }));
    }
    let (kept, added): (Vec<_>, Vec<_>) =
        wanted.iter().cloned().partition(|line| order.lines.iter().any(|old| old.product == line.product));

    // All products are locked in the order of their numbers first, so that two orders never wait in a circle.
    let touched: BTreeSet<_> =
        order.lines.iter().map(|line| line.product).chain(added.iter().map(|line| line.product)).collect();
    for product in touched {
        shop.tx.products().lock(product)?;
    }
    let mut lines = Vec::with_capacity(wanted.len());
    for line in std::mem::take(&mut order.lines) {
        match kept.iter().find(|kept| kept.product == line.product) {
            Some(kept) => lines.push(resize(shop, line, kept)?),
            None => shop.tx.products().put_back(line.product, line.counted, shop.now)?,
        }
    }
    let mut taken = take_all(shop, &added)?;
    for line in added {
        if let Some(terms) = taken.remove(&line.product) {
            lines.push(Line::of(line.product, line.quantity, terms)?);
        }
    }
    lines.sort_by_key(|line| wanted.iter().position(|wanted| wanted.product == line.product));

    order.total = order_total(shop.scope.currency(), lines.iter().map(|line| line.line_total))?;
    (order.lines, order.updated_at) = (lines, shop.now);
    shop.tx.orders().replace_lines(order.id, &order.lines)?;
    shop.tx.orders().update(order)
}

fn wanted(order: &Order, change: LinesChange) -> Result<Vec<LineRequest>> {
    match (change, order.lines.as_slice()) {
        (LinesChange::All(lines), _) => Ok(lines),
        (LinesChange::Single { product, quantity }, [only]) => Ok(vec![LineRequest {
            product: product.unwrap_or(only.product),
            quantity: quantity.unwrap_or(only.quantity),
            field: "product".to_owned(),
        }]),
        (LinesChange::Single { .. }, _) => {
            Err(Error::invalid("lines", "must be given, because the order has several lines"))
        }
    }
}

/// The same line with another quantity, at its frozen price. More is taken only of what can still be ordered.
fn resize(shop: &mut Shop<'_>, line: Line, wanted: &LineRequest) -> Result<Line> {
    let (quantity, counted) = (wanted.quantity, line.counted > 0);
    let more = quantity.get() - line.quantity.get();
    if let Ok(more) = Quantity::parse(more) {
        let wanted = LineRequest { quantity: more, ..wanted.clone() };
        if counted {
            take_all(shop, &[wanted])?;
        } else {
            orderable(shop, &wanted)?;
        }
    } else if counted {
        shop.tx.products().put_back(line.product, -more, shop.now)?;
    }
    let counted = if counted { quantity.get() } else { 0 };
    Ok(Line { line_total: line_total(line.unit_price, quantity)?, quantity, counted, ..line })
}
