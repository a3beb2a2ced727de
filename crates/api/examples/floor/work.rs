//! What Haat does in its transactions, statement by statement; compiled once for each engine, over the `Conn` and the
//! `Db` of the file that includes it. If Haat's statements change, these must.

use super::{Conn, Db, insert_order};
use crate::rows::{Account, Order, Placed, Product, Taken, Who};
use crate::statement::{At, Instant};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use haat_domain::audit::{Entry, Facts, Link, Object};
use haat_domain::authz::Action;
use haat_domain::ids::{OrderId, TenantId, UserId};
use haat_domain::time::Timestamp;

statement! {
    FindAccount { tenant: i64, user: i64, session: i64 }
        -> (BigInt, BigInt, Text, Text, Text, Bool, BigInt, Instant, Text, Text, Nullable<Instant>, Instant) =
        "SELECT users.tenant_id, users.id, users.username, users.email, users.role, users.is_active,"
        " users.token_version, users.created_at, tenants.status, tenants.currency, sessions.revoked_at,"
        " sessions.expires_at FROM ((users INNER JOIN tenants ON (tenants.id = users.tenant_id))"
        " INNER JOIN sessions ON (((sessions.tenant_id = users.tenant_id) AND (sessions.user_id = users.id))"
        " AND (sessions.id = " session ")))"
        " WHERE (((users.tenant_id = " tenant ") AND (users.id = " user ")) AND (users.deleted_at IS NULL))"
}

type ProductRow = (
    BigInt,
    Text,
    Text,
    BigInt,
    Text,
    Nullable<Text>,
    Nullable<BigInt>,
    Text,
    Nullable<BigInt>,
    Instant,
    Instant,
);

statement! {
    PageOfProducts { tenant: i64, not: String, limit: i64 } -> ProductRow =
        "SELECT id, name, description, price_minor, currency, sku, stock, status, created_by, created_at, updated_at"
        " FROM products WHERE tenant_id = " tenant " AND deleted_at IS NULL AND status != " not
        " ORDER BY id ASC LIMIT " limit
}

statement! {
    FindProduct { tenant: i64, id: i64 } -> ProductRow =
        "SELECT id, name, description, price_minor, currency, sku, stock, status, created_by, created_at, updated_at"
        " FROM products WHERE tenant_id = " tenant " AND id = " id " AND deleted_at IS NULL"
}

statement! {
    Take { tenant: i64, id: i64, pieces: i64, now: At } -> (Text, Nullable<Text>, BigInt, Text, Nullable<BigInt>) =
        "UPDATE products SET stock = stock - " pieces
        ", updated_at = CASE WHEN stock IS NULL THEN updated_at ELSE " now " END"
        " WHERE tenant_id = " tenant " AND id = " id " AND status = 'active' AND deleted_at IS NULL"
        " AND (stock IS NULL OR stock >= " pieces ")"
        " RETURNING name, sku, price_minor, currency, stock"
}

statement! {
    NextNumber { tenant: i64 } -> BigInt =
        "INSERT INTO order_counters (tenant_id, last_number) VALUES (" tenant ", 1001)"
        " ON CONFLICT (tenant_id) DO UPDATE SET last_number = order_counters.last_number + 1 RETURNING last_number"
}

statement! {
    InsertLine { tenant: i64, order: i64, product: i64, sku: Option<String>, name: String, price: i64, pieces: i64,
        total: i64, counted: i64 } =
        "INSERT INTO order_lines (tenant_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity,"
        " line_total_minor, counted) VALUES (" tenant ", " order ", 1, " product ", " sku ", " name ", " price ", "
        pieces ", " total ", " counted ")"
}

statement! {
    NextEntry { tenant: i64 } -> (BigInt, Text) =
        "INSERT INTO audit_heads (tenant_id, last_number, link) VALUES (" tenant ", 1, '')"
        " ON CONFLICT (tenant_id) DO UPDATE SET last_number = audit_heads.last_number + 1 RETURNING last_number, link"
}

statement! {
    InsertEntry { tenant: i64, number: i64, at: At, actor: i64, name: String, role: String, action: String,
        kind: String, object: i64, request: String, before: String, after: String, link: String } =
        "INSERT INTO audit_log (tenant_id, number, at, actor_id, actor_name, actor_role, action, object_kind,"
        " object_id, request_id, facts_before, facts_after, link) VALUES (" tenant ", " number ", " at ", " actor
        ", " name ", " role ", " action ", " kind ", " object ", " request ", " before ", " after ", " link ")"
}

statement! {
    SetLink { tenant: i64, number: i64, link: String } =
        "INSERT INTO audit_heads (tenant_id, last_number, link) VALUES (" tenant ", " number ", " link ")"
        " ON CONFLICT (tenant_id) DO UPDATE SET link = excluded.link"
}

/// Who is asking, if they still may.
fn account(conn: &mut Conn, who: Who, now: i64) -> QueryResult<Account> {
    let Who { tenant, user, session } = who;
    let found: Account = FindAccount { tenant, user, session }.get_result(conn)?;
    if found.counts(now) { Ok(found) } else { Err(diesel::result::Error::NotFound) }
}

pub(crate) fn products(conn: &mut Conn, who: Who, now: i64, limit: i64) -> QueryResult<Vec<Product>> {
    account(conn, who, now)?;
    // One more tells whether there is a next page.
    let mut page: Vec<Product> =
        PageOfProducts { tenant: who.tenant, not: "archived".to_owned(), limit: limit + 1 }.load(conn)?;
    page.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(page)
}

pub(crate) fn product(conn: &mut Conn, who: Who, now: i64, id: i64) -> QueryResult<Product> {
    account(conn, who, now)?;
    FindProduct { tenant: who.tenant, id }.get_result(conn)
}

/// An order of one line by whoever asks.
pub(crate) fn order(conn: &mut Conn, who: Who, now: i64, product: i64, pieces: i64) -> QueryResult<Order> {
    let (tenant, actor) = (who.tenant, account(conn, who, now)?);
    let taken: Taken = Take { tenant, id: product, pieces, now: At(now) }.get_result(conn)?;
    let number = NextNumber { tenant }.get_result(conn)?;
    let total = taken.price * pieces;
    let placed = Placed { tenant, number, customer: who.user, currency: taken.currency, total, at: At(now) };
    let id = insert_order(conn, &placed)?;
    let counted = if taken.stock.is_some() { pieces } else { 0 };
    let (sku, name, price) = (taken.sku.clone(), taken.name.clone(), taken.price);
    InsertLine { tenant, order: id, product, sku, name, price, pieces, total, counted }.execute(conn)?;
    let order = Order { id, product, pieces, name: taken.name, sku: taken.sku, price, placed };
    record(conn, &actor, &order)?;
    Ok(order)
}

fn record(conn: &mut Conn, actor: &Account, order: &Order) -> QueryResult<()> {
    let (tenant, at) = (order.placed.tenant, order.placed.at);
    let (number, last): (i64, String) = NextEntry { tenant }.get_result(conn)?;
    let request = format!("{:032x}", order.id);
    let facts = order.facts();
    // The link is what Haat's log would say: `haat check --audit` finds nothing wrong with what the floor has written.
    let entry = Entry {
        at: Timestamp::from_micros(at.0).unwrap_or(Timestamp::EPOCH),
        actor: Some(UserId::new(actor.id)),
        actor_name: actor.username.clone(),
        actor_role: actor.role(),
        action: Action::PlaceOrder,
        object: Some(Object::Order(OrderId::new(order.id))),
        request: Some(request.clone()),
        before: Facts::default(),
        after: facts.iter().map(|(name, fact)| ((*name).to_owned(), fact.clone())).collect(),
    };
    let link = Link::from_stored(last).next(TenantId::new(tenant), number, &entry).as_str().to_owned();
    InsertEntry {
        tenant,
        number,
        at,
        actor: actor.id,
        name: actor.username.clone(),
        role: actor.role.clone(),
        action: Action::PlaceOrder.name().to_owned(),
        kind: "order".to_owned(),
        object: order.id,
        request,
        before: "{}".to_owned(),
        after: crate::rows::json_of(&facts),
        link: link.clone(),
    }
    .execute(conn)?;
    SetLink { tenant, number, link }.execute(conn).map(drop)
}
