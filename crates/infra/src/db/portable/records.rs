//! What a store's file says of each row: all of its columns but the tenant's number, which stands in the header alone,
//! so that no line can lead into another store, and those that the database computes.

pub(in crate::db) use crate::db::rows::EntryRow;
use crate::db::schema::{
    audit_heads, invitations, order_counters, order_lines, orders, products, sessions, tenants, users,
};
use crate::db::types::DbInstant;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

/// Every table of which a store has rows, so ordered that a row refers to none behind it; its rows, and their order.
/// Left out: what is derived (`store_names`, `login_names`) and what lives for a day (`idempotency_keys`).
macro_rules! with_tables {
    ($use:ident) => {
        $use! {
            users: User (id),
            invitations: Invitation (id),
            sessions: Session (id),
            products: Product (id),
            order_counters: OrderCounter (last_number),
            orders: Order (id),
            order_lines: OrderLine (order_id, line_no),
            audit_log: EntryRow (number),
            audit_heads: AuditHead (last_number),
        }
    };
}
pub(in crate::db) use with_tables;

macro_rules! record {
    ($($table:ident: $row:ident ($($key:ident),+)),+ $(,)?) => {
        /// One row of a store, named as its table.
        #[expect(non_camel_case_types, reason = "one name for table, module, variant and tag")]
        #[derive(Debug, Serialize, Deserialize)]
        pub(in crate::db) enum Record { $($table($row)),+ }

        impl Record {
            /// The names of all tables, in order.
            pub(in crate::db) const TABLES: &'static [&'static str] = &[$(stringify!($table)),+];

            /// The name of its table.
            pub(in crate::db) const fn table(&self) -> &'static str {
                match self { $(Self::$table(_) => stringify!($table)),+ }
            }
        }
    };
}
with_tables!(record);

macro_rules! rows {
    ($($table:ident: $row:ident { $($field:ident: $ty:ty),+ $(,)? })+) => { $(
        #[derive(Debug, Queryable, Selectable, Insertable, Serialize, Deserialize)]
        #[diesel(table_name = $table, treat_none_as_default_value = false)]
        #[serde(deny_unknown_fields)]
        pub(in crate::db) struct $row { $(pub(in crate::db) $field: $ty),+ }
    )+ };
}

rows! {
    tenants: Store {
        id: i64,
        name: String,
        name_key: String,
        slug: String,
        currency: String,
        status: String,
        created_at: DbInstant,
    }
    users: User {
        id: i64,
        username: String,
        username_key: Option<String>,
        email: String,
        email_key: Option<String>,
        role: String,
        password_hash: String,
        is_active: bool,
        token_version: i64,
        created_at: DbInstant,
        deleted_at: Option<DbInstant>,
    }
    invitations: Invitation {
        id: i64,
        email: String,
        email_key: String,
        role: String,
        invited_by: Option<i64>,
        token_hash: String,
        created_at: DbInstant,
        expires_at: DbInstant,
        redeemed_at: Option<DbInstant>,
        revoked_at: Option<DbInstant>,
    }
    sessions: Session {
        id: i64,
        user_id: i64,
        generation: i64,
        created_at: DbInstant,
        idle_until: DbInstant,
        expires_at: DbInstant,
        revoked_at: Option<DbInstant>,
    }
    products: Product {
        id: i64,
        name: String,
        name_key: String,
        description: String,
        search_text: String,
        price_minor: i64,
        currency: String,
        sku: Option<String>,
        sku_key: Option<String>,
        stock: Option<i64>,
        status: String,
        created_by: Option<i64>,
        created_at: DbInstant,
        updated_at: DbInstant,
        deleted_at: Option<DbInstant>,
    }
    order_counters: OrderCounter {
        last_number: i64,
    }
    orders: Order {
        id: i64,
        number: i64,
        customer_id: i64,
        placed_by: Option<i64>,
        status: String,
        currency: String,
        total_minor: i64,
        created_at: DbInstant,
        updated_at: DbInstant,
        deleted_at: Option<DbInstant>,
    }
    order_lines: OrderLine {
        order_id: i64,
        line_no: i64,
        product_id: i64,
        sku: Option<String>,
        name: String,
        unit_price_minor: i64,
        quantity: i64,
        line_total_minor: i64,
        counted: i64,
    }
    audit_heads: AuditHead {
        last_number: i64,
        link: String,
    }
}
