use super::super::dialect::{Conn, Db, store_error};
use super::Session;
use crate::db::rows::{BestRow, CountsRow, ProductRow};
use crate::db::schema::products;
use crate::db::types::DbInstant;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use haat_domain::catalog::{Product, ProductStatus};
use haat_domain::error::Result;
use haat_domain::money::{Currency, Money};
use haat_domain::ports::Reports;
use haat_domain::reports::{BestSeller, Counts, Joined, LOW_STOCK, QUARTER, Sold};
use haat_domain::time::Timestamp;

/// The column and its index are the migrations'.
const _: () = assert!(LOW_STOCK == 5, "what the column products.low_stock says");
const _: () = assert!(QUARTER == 900, "what the dialects divide by");

// PostgreSQL's sum of bigints is no bigint; SQLite's is one already. One that is none any more is an error of both.
statement! {
    Sales { tenant: i64, since: DbInstant } -> (BigInt, BigInt, BigInt) =
        "SELECT " quarter ", COUNT(*), CAST(SUM(total_minor) AS bigint) FROM orders WHERE " mine
        " AND created_at >= " since " AND status <> 'cancelled' AND deleted_at IS NULL GROUP BY 1 ORDER BY 1"
}

statement! {
    Newcomers { tenant: i64, since: DbInstant } -> (BigInt, BigInt) =
        "SELECT " quarter ", COUNT(*) FROM users WHERE " mine
        " AND created_at >= " since " AND role = 'customer' AND deleted_at IS NULL GROUP BY 1 ORDER BY 1"
}

// A product has one line in an order: the newest order leads to the newest name.
statement! {
    Best { tenant: i64, since: DbInstant, limit: i64 } -> (BigInt, Text, BigInt, BigInt) =
        "SELECT best.id, name, pieces, revenue FROM ("
        "SELECT product_id AS id, MAX(order_id) AS newest, CAST(SUM(quantity) AS bigint) AS pieces,"
        " CAST(SUM(line_total_minor) AS bigint) AS revenue FROM order_lines WHERE " mine " AND order_id IN ("
        "SELECT id FROM orders WHERE " mine " AND created_at >= " since
        " AND status <> 'cancelled' AND deleted_at IS NULL)"
        " GROUP BY product_id ORDER BY revenue DESC, product_id LIMIT " limit ") AS best"
        " JOIN order_lines ON " mine " AND order_id = newest AND product_id = best.id"
        " ORDER BY revenue DESC, best.id"
}

// The bytes of all texts, and eight for each number, time and flag: the same on both engines, whatever they make of it.
statement! {
    Count { tenant: i64 } -> (BigInt, BigInt, BigInt, BigInt, BigInt) =
        "SELECT u.n, p.n, o.n, a.n, CAST(u.bytes + p.bytes + o.bytes + l.bytes + a.bytes AS bigint) FROM"
        " (SELECT COUNT(*) FILTER (WHERE deleted_at IS NULL) AS n, COALESCE(SUM(48 + octet_length(username)"
        " + octet_length(email) + COALESCE(octet_length(username_key) + octet_length(email_key), 0)"
        " + octet_length(role) + octet_length(password_hash)), 0) AS bytes FROM users WHERE " mine ") AS u,"
        " (SELECT COUNT(*) FILTER (WHERE deleted_at IS NULL) AS n, COALESCE(SUM(64 + octet_length(name)"
        " + octet_length(name_key) + octet_length(description) + octet_length(search_text) + octet_length(currency)"
        " + COALESCE(octet_length(sku), 0) + COALESCE(octet_length(sku_key), 0) + octet_length(status)), 0) AS bytes"
        " FROM products WHERE " mine ") AS p,"
        " (SELECT COUNT(*) FILTER (WHERE deleted_at IS NULL) AS n, COALESCE(SUM(72 + octet_length(status)"
        " + octet_length(currency)), 0) AS bytes FROM orders WHERE " mine ") AS o,"
        " (SELECT COALESCE(SUM(64 + COALESCE(octet_length(sku), 0) + octet_length(name)), 0) AS bytes"
        " FROM order_lines WHERE " mine ") AS l,"
        " (SELECT COUNT(*) AS n, COALESCE(SUM(40 + octet_length(actor_name) + octet_length(actor_role)"
        " + octet_length(action) + COALESCE(octet_length(object_kind), 0) + COALESCE(octet_length(request_id), 0)"
        " + octet_length(facts_before) + octet_length(facts_after) + octet_length(link)), 0) AS bytes"
        " FROM audit_log WHERE " mine ") AS a"
}

fn beginning(quarter: i64) -> Timestamp {
    Timestamp::EPOCH.plus_seconds(quarter * QUARTER)
}

impl Reports for Session<'_> {
    fn sales(&mut self, since: Timestamp, currency: Currency) -> Result<Vec<Sold>> {
        let sales = Sales { tenant: self.here(), since: DbInstant(since) };
        let rows: Vec<(i64, i64, i64)> = sales.load(self.conn).map_err(store_error)?;
        let sold = |(quarter, orders, revenue)| Sold {
            from: beginning(quarter),
            orders,
            revenue: Money::from_minor(revenue, currency),
        };
        Ok(rows.into_iter().map(sold).collect())
    }

    fn newcomers(&mut self, since: Timestamp) -> Result<Vec<Joined>> {
        let newcomers = Newcomers { tenant: self.here(), since: DbInstant(since) };
        let rows: Vec<(i64, i64)> = newcomers.load(self.conn).map_err(store_error)?;
        Ok(rows
            .into_iter()
            .map(|(quarter, customers)| Joined { from: beginning(quarter), customers })
            .collect())
    }

    fn best(&mut self, since: Timestamp, currency: Currency, limit: i64) -> Result<Vec<BestSeller>> {
        let best = Best { tenant: self.here(), since: DbInstant(since), limit };
        let rows: Vec<BestRow> = best.load(self.conn).map_err(store_error)?;
        Ok(rows.into_iter().map(|row| row.into_best(currency)).collect())
    }

    fn low(&mut self, limit: i64) -> Result<Vec<Product>> {
        let rows: Vec<ProductRow> = products::table
            .filter(mine!(products, self.here()))
            // A bound value would not say that the index will do.
            .filter(diesel::dsl::sql::<Bool>("low_stock"))
            .filter(products::status.eq(ProductStatus::Active.name()))
            .filter(products::deleted_at.is_null())
            .order((products::stock, products::id))
            .limit(limit)
            .select(ProductRow::as_select())
            .load(self.conn)
            .map_err(store_error)?;
        rows.into_iter().map(Product::try_from).collect()
    }

    fn counts(&mut self) -> Result<Counts> {
        let count = Count { tenant: self.here() };
        count.get_result::<CountsRow>(self.conn).map(Into::into).map_err(store_error)
    }
}
