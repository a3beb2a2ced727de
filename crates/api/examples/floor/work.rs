//! What Haat does in its transactions, statement by statement; compiled once for each engine, over the `Conn` and the
//! `Db` of the file that includes it. If Haat's statements change, these must.

use super::{Conn, Db, open, write};
use crate::rows::{Account, Logged, Opened, Order, Placed, Product, Who};
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
    let Opened { taken, id, number, entry, link } = open(conn, who, product, pieces, At(now))?;
    let total = taken.price * pieces;
    let placed = Placed { tenant, number, customer: who.user, currency: taken.currency, total, at: At(now) };
    let counted = if taken.stock.is_some() { pieces } else { 0 };
    let order =
        Order { id, product, pieces, counted, name: taken.name, sku: taken.sku, price: taken.price, placed };
    let logged = logged(&actor, &order, entry, link);
    write(conn, &order, &logged)?;
    Ok(order)
}

/// What the audit log says of it, behind the entry of this number and link.
fn logged(actor: &Account, order: &Order, last: i64, link: String) -> Logged {
    let (tenant, number, request) = (order.placed.tenant, last + 1, format!("{:032x}", order.id));
    let facts = order.facts();
    // The link is what Haat's log would say: `haat check --audit` finds nothing wrong with what the floor has written.
    let entry = Entry {
        at: Timestamp::from_micros(order.placed.at.0).unwrap_or(Timestamp::EPOCH),
        actor: Some(UserId::new(actor.id)),
        actor_name: actor.username.clone(),
        actor_role: actor.role(),
        action: Action::PlaceOrder,
        object: Some(Object::Order(OrderId::new(order.id))),
        request: Some(request.clone()),
        before: Facts::default(),
        after: facts.iter().map(|(name, fact)| ((*name).to_owned(), fact.clone())).collect(),
    };
    let link = Link::from_stored(link).next(TenantId::new(tenant), number, &entry).as_str().to_owned();
    Logged {
        number,
        actor: actor.id,
        name: actor.username.clone(),
        role: actor.role.clone(),
        action: Action::PlaceOrder.name().to_owned(),
        request,
        after: crate::rows::json_of(&facts),
        link,
    }
}
