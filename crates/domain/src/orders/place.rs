use super::{Line, MAX_LINES, Order, OrderNumbers, OrderStatus};
use crate::audit::{Facts, Object};
use crate::authz::{Action, Reach};
use crate::catalog::Taken;
use crate::cx::{Cx, Shop};
use crate::error::{Conflict, Error, FieldErrors, Result};
use crate::ids::{ProductId, UserId};
use crate::pricing::{Quantity, order_total};
use std::collections::BTreeMap;

/// A wish for some pieces of a product.
#[derive(Debug, Clone)]
pub struct LineRequest {
    /// Which product.
    pub product: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// What the request calls the product's field, for error messages: `product`, `lines[2].product`.
    pub field: String,
}

/// A wish to order. The same product twice is summed.
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    /// For whom, where owner or staff place it on behalf of somebody.
    pub customer: Option<UserId>,
    /// What: 1 to [`MAX_LINES`](super::MAX_LINES) lines.
    pub lines: Vec<LineRequest>,
}

/// Places an order: takes the stock, freezes names and prices as they are now, and sums them up. If anything is
/// missing, nothing has happened.
pub fn place_order(cx: &mut Cx<'_>, wish: PlaceOrder) -> Result<Order> {
    let mut shop = cx.enter(Action::PlaceOrder)?;
    let customer = customer(&mut shop, wish.customer)?;
    let wanted = summed(wish.lines)?;
    let (placed_by, mut numbers) = (shop.scope.member(), None);
    let people = [placed_by.unwrap_or(customer), customer];
    let mut taken = take_all_and(&mut shop, &wanted, |shop, line| {
        let opened = shop.tx.orders().open(line.product, line.quantity, people, shop.now)?;
        Ok(opened.map(|(terms, drawn)| {
            numbers = Some(drawn);
            terms
        }))
    })?;
    let OrderNumbers { id, number } = numbers.ok_or_else(|| Error::internal("an order without a number"))?;
    let lines = wanted
        .into_iter()
        .filter_map(|line| Some((line.product, line.quantity, taken.remove(&line.product)?)))
        .map(|(product, quantity, taken)| Line::of(product, quantity, taken))
        .collect::<Result<Vec<_>>>()?;
    let total = order_total(shop.scope.currency(), lines.iter().map(|line| line.line_total))?;
    let order = Order {
        id,
        number,
        customer,
        placed_by,
        status: OrderStatus::Pending,
        total,
        lines,
        created_at: shop.now,
        updated_at: shop.now,
    };
    let entry = shop.entry(Object::Order(id), Facts::default(), (&order).into())?;
    shop.tx.orders().insert(&order, &entry)?;
    Ok(order)
}

fn customer(shop: &mut Shop<'_>, wanted: Option<UserId>) -> Result<UserId> {
    match (shop.scope.reach(), wanted, shop.scope.member()) {
        (Reach::All, Some(id), _) => match shop.tx.users().find(id)? {
            Some(user) => Ok(user.id),
            None => Err(Error::invalid("customer", "is no user of this store")),
        },
        (_, _, Some(me)) => Ok(me),
        (_, _, None) => Err(Error::invalid("customer", "is required")),
    }
}

/// The same product twice is one line.
pub(super) fn summed(lines: Vec<LineRequest>) -> Result<Vec<LineRequest>> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        return Err(Error::invalid("lines", format!("must have 1 to {MAX_LINES} lines")));
    }
    let mut sums: Vec<LineRequest> = Vec::with_capacity(lines.len());
    for line in lines {
        match sums.iter_mut().find(|sum| sum.product == line.product) {
            Some(sum) => {
                let field = line.field.replace("product", "quantity");
                sum.quantity = sum.quantity.plus(line.quantity).map_err(|too_many| too_many.on(&field))?;
            }
            None => sums.push(line),
        }
    }
    Ok(sums)
}

/// Takes the stock of every wanted product, in the order of their numbers, so that two orders never wait for each
/// other in a circle. All products that cannot be ordered are reported at once; a shortage comes second.
pub(super) fn take_all(shop: &mut Shop<'_>, wanted: &[LineRequest]) -> Result<BTreeMap<ProductId, Taken>> {
    take_all_and(shop, wanted, take)
}

fn take(shop: &mut Shop<'_>, line: &LineRequest) -> Result<Option<Taken>> {
    shop.tx.products().take(line.product, line.quantity, shop.now)
}

/// The same, with another way for the last one.
fn take_all_and(
    shop: &mut Shop<'_>,
    wanted: &[LineRequest],
    mut take_last: impl FnMut(&mut Shop<'_>, &LineRequest) -> Result<Option<Taken>>,
) -> Result<BTreeMap<ProductId, Taken>> {
    let by_number: BTreeMap<_, _> = wanted.iter().map(|line| (line.product, line)).collect();
    let last = by_number.keys().next_back().copied();
    let (mut taken, mut errors, mut shortage) = (BTreeMap::new(), FieldErrors::default(), None);
    for (product, line) in by_number {
        let terms = if Some(product) == last { take_last(shop, line) } else { take(shop, line) };
        match terms? {
            Some(terms) => drop(taken.insert(product, terms)),
            None => match available(shop, product)? {
                Some(available) => {
                    shortage = shortage.or(Some(Conflict::InsufficientStock { product, available }));
                }
                None => errors.add(&line.field, NOT_HERE),
            },
        }
    }
    errors.finish()?;
    shortage.map_or(Ok(taken), |shortage| Err(Error::Conflict(shortage)))
}

/// What is wrong with a product that was never there, is another store's, or is not for sale.
const NOT_HERE: &str = "is no product that can be ordered here";

/// How many pieces there are of a product that can be ordered.
fn available(shop: &mut Shop<'_>, product: ProductId) -> Result<Option<i64>> {
    let found = shop.tx.products().find(product)?;
    Ok(found
        .filter(|product| product.details.status == crate::catalog::ProductStatus::Active)
        .map(|product| product.details.stock.map_or(0, crate::catalog::Stock::get)))
}

/// Whether more of a product can be ordered, where its stock is not counted.
pub(super) fn orderable(shop: &mut Shop<'_>, line: &LineRequest) -> Result<()> {
    let found = available(shop, line.product)?;
    found.map(drop).ok_or_else(|| Error::invalid(&line.field, NOT_HERE))
}
