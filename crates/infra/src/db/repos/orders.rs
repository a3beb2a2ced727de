use super::super::dialect::{Conn, Db, draw_id, for_update, store_error};
use super::{Session, instant, number, one_row};
use crate::db::expr::row_after;
use crate::db::rows::{LineRow, NewLineRow, NewOrderRow, OrderRow};
use crate::db::schema::{order_lines, orders};
use crate::db::types::DbInstant;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use haat_domain::audit::Entry;
use haat_domain::error::Result;
use haat_domain::ids::{OrderId, ProductId, UserId};
use haat_domain::orders::{Line, Opened, Order, OrderFilter, OrderKey, OrderNumbers};
use haat_domain::page::{After, Sort};
use haat_domain::ports::{Audit, Orders, Products};
use haat_domain::pricing::Quantity;
use haat_domain::time::Timestamp;
use std::collections::HashMap;

statement! {
    NextNumber { tenant: i64 } -> BigInt =
        "INSERT INTO order_counters (tenant_id, last_number) VALUES (" tenant ", 1001)"
        " ON CONFLICT (tenant_id) DO UPDATE SET last_number = order_counters.last_number + 1 RETURNING last_number"
}

statement! {
    Update { tenant: i64, id: i64, status: String, total: i64, now: DbInstant } =
        "UPDATE orders SET status = " status ", total_minor = " total ", updated_at = " now
        " WHERE " mine " AND id = " id
}

impl Session<'_> {
    fn with_lines(&mut self, row: QueryResult<OrderRow>) -> Result<Option<Order>> {
        let Some(row) = row.optional().map_err(store_error)? else { return Ok(None) };
        let lines = order_lines::table
            .filter(mine!(order_lines, self.here()))
            .filter(order_lines::order_id.eq(row.id))
            .order(order_lines::line_no)
            .select(LineRow::as_select())
            .load(self.conn)
            .map_err(store_error)?;
        row.into_order(lines).map(Some)
    }

    fn insert_lines(&mut self, id: OrderId, lines: &[Line]) -> Result<()> {
        let mut rows = NewLineRow::all(self.here(), id, lines);
        // One row goes by a statement that is cached, several in one trip by one that is not.
        let inserted = match (rows.pop(), rows.is_empty()) {
            (Some(only), true) => only.execute(self.conn),
            (last, _) => {
                rows.extend(last);
                diesel::insert_into(order_lines::table).values(rows).execute(self.conn)
            }
        };
        inserted.map(drop).map_err(store_error)
    }
}

type Open = fn(&mut Session<'_>, ProductId, Quantity, [UserId; 2], Timestamp) -> Result<Option<Opened>>;

/// How an order is written: statement by statement, or with as few trips as the engine can do it in.
#[derive(Clone, Copy)]
pub(in crate::db) struct Placing {
    /// [`Orders::open`].
    pub(in crate::db) open: Open,
    /// [`Orders::insert`].
    pub(in crate::db) insert: fn(&mut Session<'_>, &Order, &Entry) -> Result<()>,
}

/// The way that every engine knows.
pub(in crate::db) const STEP_BY_STEP: Placing = Placing { open, insert };

fn open(
    session: &mut Session<'_>,
    product: ProductId,
    quantity: Quantity,
    _: [UserId; 2],
    now: Timestamp,
) -> Result<Option<Opened>> {
    let Some(taken) = session.take(product, quantity, now)? else { return Ok(None) };
    let number = NextNumber { tenant: session.here() }.get_result(session.conn).map_err(store_error)?;
    let id = OrderId::new(draw_id(session.conn, "orders")?);
    Ok(Some((taken, OrderNumbers { id, number })))
}

fn insert(session: &mut Session<'_>, order: &Order, entry: &Entry) -> Result<()> {
    let row = NewOrderRow::of(session.here(), order);
    row.execute(session.conn).map_err(store_error).and_then(one_row)?;
    session.insert_lines(order.id, &order.lines)?;
    session.record(entry)
}

impl Orders for Session<'_> {
    fn open(
        &mut self,
        product: ProductId,
        quantity: Quantity,
        people: [UserId; 2],
        now: Timestamp,
    ) -> Result<Option<Opened>> {
        (self.placing.open)(self, product, quantity, people, now)
    }

    fn insert(&mut self, order: &Order, entry: &Entry) -> Result<()> {
        (self.placing.insert)(self, order, entry)
    }

    fn find(&mut self, id: OrderId) -> Result<Option<Order>> {
        let row = orders::table
            .filter(mine!(orders, self.here()))
            .filter(orders::id.eq(id.get()))
            .filter(orders::deleted_at.is_null())
            .select(OrderRow::as_select())
            .get_result(self.conn);
        self.with_lines(row)
    }

    fn lock(&mut self, id: OrderId) -> Result<Option<Order>> {
        let found = orders::table
            .filter(mine!(orders, self.here()))
            .filter(orders::id.eq(id.get()))
            .filter(orders::deleted_at.is_null())
            .select(OrderRow::as_select());
        let row = for_update!(found).get_result(self.conn);
        self.with_lines(row)
    }

    fn page(
        &mut self,
        filter: &OrderFilter,
        sort: Sort<OrderKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<Order>> {
        let here = self.here();
        let mut rows = orders::table
            .select(OrderRow::as_select())
            .filter(mine!(orders, here))
            .filter(orders::deleted_at.is_null())
            .into_boxed::<Db>();
        if let Some(number) = filter.number {
            rows = rows.filter(orders::number.eq(number));
        }
        if let Some(status) = filter.status {
            rows = rows.filter(orders::status.eq(status.name()));
        }
        if let Some(customer) = filter.customer {
            rows = rows.filter(orders::customer_id.eq(customer.get()));
        }
        if let Some(product) = filter.product {
            let having = order_lines::table
                .filter(mine!(order_lines, here))
                .filter(order_lines::product_id.eq(product.get()))
                .select(order_lines::order_id);
            rows = rows.filter(orders::id.eq_any(having));
        }
        if let Some(at) = filter.created_after {
            rows = rows.filter(orders::created_at.ge(DbInstant(at)));
        }
        if let Some(at) = filter.created_before {
            rows = rows.filter(orders::created_at.lt(DbInstant(at)));
        }
        let down = sort.descending;
        rows = match sort.by {
            OrderKey::Id => by_id!(rows, orders::id, after, down),
            OrderKey::CreatedAt => keyset!(rows, orders::created_at, orders::id, instant(after)?, down),
            OrderKey::TotalPrice => keyset!(rows, orders::total_minor, orders::id, number(after)?, down),
        };
        let rows = rows.limit(limit).load::<OrderRow>(self.conn).map_err(store_error)?;

        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let lines = order_lines::table
            .filter(mine!(order_lines, here))
            .filter(order_lines::order_id.eq_any(ids))
            .order((order_lines::order_id, order_lines::line_no))
            .select(LineRow::as_select())
            .load(self.conn)
            .map_err(store_error)?;
        let mut by_order: HashMap<i64, Vec<LineRow>> = HashMap::with_capacity(rows.len());
        for line in lines {
            by_order.entry(line.order_id).or_default().push(line);
        }
        rows.into_iter()
            .map(|row| {
                let lines = by_order.remove(&row.id).unwrap_or_default();
                row.into_order(lines)
            })
            .collect()
    }

    fn update(&mut self, order: &Order) -> Result<()> {
        Update {
            tenant: self.here(),
            id: order.id.get(),
            status: order.status.name().to_owned(),
            total: order.total.minor(),
            now: DbInstant(order.updated_at),
        }
        .execute(self.conn)
        .map_err(store_error)
        .and_then(one_row)
    }

    fn replace_lines(&mut self, id: OrderId, lines: &[Line]) -> Result<()> {
        diesel::delete(
            order_lines::table
                .filter(mine!(order_lines, self.here()))
                .filter(order_lines::order_id.eq(id.get())),
        )
        .execute(self.conn)
        .map_err(store_error)?;
        self.insert_lines(id, lines)
    }

    fn hide(&mut self, id: OrderId, now: Timestamp) -> Result<()> {
        diesel::update(orders::table.filter(mine!(orders, self.here())).filter(orders::id.eq(id.get())))
            .set(orders::deleted_at.eq(Some(DbInstant(now))))
            .execute(self.conn)
            .map_err(store_error)
            .and_then(one_row)
    }
}
