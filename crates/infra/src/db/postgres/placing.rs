//! How an order is written in two trips instead of eight: PostgreSQL changes several tables in one statement. What a
//! trip costs is not the network alone: two threads and a server's process wake up for it, while the store's other
//! orders wait for the locks that this one holds.

use super::dialect::{Conn, Db, store_error};
use super::repos::{Placing, Session, one_row};
use crate::db::rows::{NewEntryRow, TakenRow, TakenSql};
use crate::db::types::DbInstant;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use haat_domain::audit::{Entry, Link};
use haat_domain::error::Result;
use haat_domain::ids::{OrderId, ProductId, UserId};
use haat_domain::orders::{Line, Opened, Order, OrderNumbers};
use haat_domain::pricing::Quantity;
use haat_domain::time::Timestamp;

/// All that belongs together at once.
pub(super) const AT_ONCE: Placing = Placing { open, insert };

// Each part asks the one before, so that nobody waits in a circle: whoever changes an account or a product comes to the
// log last, too. The accounts are held as the order's foreign keys will hold them, which would be too late; that there
// are any is for those to say. Not an array of them: for how long that is PostgreSQL has to guess, and plans anew each
// time, which cost as much as all else about the order.
statement! {
    Open { tenant: i64, id: i64, pieces: i64, placer: i64, customer: i64, now: DbInstant } ->
        (TakenSql, BigInt, BigInt, BigInt, Text) =
        "WITH named AS MATERIALIZED (SELECT id FROM users WHERE " mine " AND id IN (" placer ", " customer ")"
        " FOR KEY SHARE),"
        " taken AS (" take "),"
        " counter AS (INSERT INTO order_counters (tenant_id, last_number) SELECT " tenant ", 1001 FROM taken"
        " WHERE (SELECT count(*) FROM named) >= 0"
        " ON CONFLICT (tenant_id) DO UPDATE SET last_number = order_counters.last_number + 1 RETURNING last_number),"
        " head AS (INSERT INTO audit_heads (tenant_id, last_number, link) SELECT " tenant ", 0, '' FROM counter"
        " ON CONFLICT (tenant_id) DO UPDATE SET link = audit_heads.link RETURNING last_number, link)"
        " SELECT taken.*, nextval('orders_id_seq'), counter.last_number, head.last_number, head.link"
        " FROM taken, counter, head"
}

fn open(
    session: &mut Session<'_>,
    product: ProductId,
    quantity: Quantity,
    [placer, customer]: [UserId; 2],
    now: Timestamp,
) -> Result<Option<Opened>> {
    let open = Open {
        tenant: session.here(),
        id: product.get(),
        pieces: quantity.get(),
        placer: placer.get(),
        customer: customer.get(),
        now: DbInstant(now),
    };
    let opened: Option<(TakenRow, i64, i64, i64, String)> =
        open.get_result(session.conn).optional().map_err(store_error)?;
    let Some((taken, id, number, last, link)) = opened else { return Ok(None) };
    session.head = Some((last, Link::from_stored(link)));
    let taken = taken.into_taken(product, quantity)?;
    Ok(Some((taken, OrderNumbers { id: OrderId::new(id), number })))
}

// The log's end is put in by its key: an UPDATE of a table so small is planned as a walk through it, and goes on walking
// when versions that are no longer seen have made it long.
statement! {
    Insert {
        tenant: i64, id: i64, number: i64, customer: i64, placed_by: Option<i64>, status: &'static str,
        currency: &'static str, total: i64, created_at: DbInstant, updated_at: DbInstant,
        products: Vec<i64>, skus: Vec<Option<String>>, names: Vec<String>, unit_prices: Vec<i64>,
        quantities: Vec<i64>, line_totals: Vec<i64>, counted: Vec<i64>,
        entry: i64, at: DbInstant, actor: Option<i64>, actor_name: String, actor_role: String, action: String,
        object_kind: Option<String>, object: Option<i64>, request: Option<String>, before: String, after: String,
        link: String,
    } =
        "WITH placed AS (INSERT INTO orders (tenant_id, id, number, customer_id, placed_by, status, currency,"
        " total_minor, created_at, updated_at) VALUES (" tenant ", " id ", " number ", " customer ", " placed_by ", "
        status ", " currency ", " total ", " created_at ", " updated_at ")),"
        " lines AS (INSERT INTO order_lines (tenant_id, order_id, product_id, sku, name, unit_price_minor, quantity,"
        " line_total_minor, counted, line_no) SELECT " tenant ", " id ", line.* FROM unnest(" products ", " skus ", "
        names ", " unit_prices ", " quantities ", " line_totals ", " counted ") WITH ORDINALITY AS line),"
        " entry AS (INSERT INTO audit_log (tenant_id, number, at, actor_id, actor_name, actor_role, action,"
        " object_kind, object_id, request_id, facts_before, facts_after, link) VALUES (" tenant ", " entry ", " at ", "
        actor ", " actor_name ", " actor_role ", " action ", " object_kind ", " object ", " request ", " before ", "
        after ", " link "))"
        " INSERT INTO audit_heads (tenant_id, last_number, link) VALUES (" tenant ", " entry ", " link ")"
        " ON CONFLICT (tenant_id) DO UPDATE SET last_number = excluded.last_number, link = excluded.link"
}

fn insert(session: &mut Session<'_>, order: &Order, entry: &Entry) -> Result<()> {
    let (number, link) = session.link(entry)?;
    let tenant = session.here();
    let logged = NewEntryRow::of(tenant, number, entry, &link);
    let lines = &order.lines;
    let insert = Insert {
        tenant,
        id: order.id.get(),
        number: order.number,
        customer: order.customer.get(),
        placed_by: order.placed_by.map(UserId::get),
        status: order.status.name(),
        currency: order.total.currency().code(),
        total: order.total.minor(),
        created_at: DbInstant(order.created_at),
        updated_at: DbInstant(order.updated_at),
        products: all(lines, |line| line.product.get()),
        skus: all(lines, |line| line.sku.as_ref().map(|sku| sku.as_str().to_owned())),
        names: all(lines, |line| line.name.as_str().to_owned()),
        unit_prices: all(lines, |line| line.unit_price.minor()),
        quantities: all(lines, |line| line.quantity.get()),
        line_totals: all(lines, |line| line.line_total.minor()),
        counted: all(lines, |line| line.counted),
        entry: number,
        at: logged.at,
        actor: logged.actor_id,
        actor_name: logged.actor_name.to_owned(),
        actor_role: logged.actor_role.to_owned(),
        action: logged.action.to_owned(),
        object_kind: logged.object_kind.map(str::to_owned),
        object: logged.object_id,
        request: logged.request_id.map(str::to_owned),
        before: logged.facts_before,
        after: logged.facts_after,
        link: logged.link.to_owned(),
    };
    insert.execute(session.conn).map_err(store_error).and_then(one_row)
}

fn all<T>(lines: &[Line], column: impl FnMut(&Line) -> T) -> Vec<T> {
    lines.iter().map(column).collect()
}
