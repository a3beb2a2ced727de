//! Rows, and how they become domain types. What a row holds was checked when it was written; where it does not fit
//! all the same, the row is corrupt, and that is an error of its own, naming table, row and column.
#![expect(clippy::ref_option_ref, reason = "what diesel's derives write")]

mod audit;
mod people;
mod reports;

pub(super) use audit::{EntryRow, NewEntryRow};
pub(super) use people::{FailuresRow, InvitationRow, KeptRow};
pub(super) use reports::{BestRow, CountsRow};

use super::schema::{order_lines, orders, products, sessions, tenants, users};
use super::types::DbInstant;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use haat_domain::authz::Role;
use haat_domain::catalog::{
    Description, Product, ProductDetails, ProductName, ProductStatus, Sku, Stock, Taken,
};
use haat_domain::error::{Error, Result};
use haat_domain::identity::{Account, Email, PasswordHash, Session, User, Username};
use haat_domain::ids::{OrderId, ProductId, SessionId, TenantId, UserId};
use haat_domain::money::{Currency, Money};
use haat_domain::orders::{Line, Order, OrderStatus};
use haat_domain::pricing::Quantity;
use haat_domain::tenancy::{Slug, StoreName, Tenant, TenantStatus};

/// The columns that a row is read from, in their order.
type ColumnsOf<Row> = <Row as Selectable<diesel::sqlite::Sqlite>>::SelectExpression;

fn corrupt(table: &str, row: i64, column: &str) -> Error {
    Error::internal(format!("corrupt row: {table} {row}, column {column}"))
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = tenants)]
pub(super) struct TenantRow {
    id: i64,
    name: String,
    slug: String,
    currency: String,
    status: String,
    created_at: DbInstant,
}

impl TryFrom<TenantRow> for Tenant {
    type Error = Error;

    fn try_from(row: TenantRow) -> Result<Self> {
        let corrupt = |column| corrupt("tenants", row.id, column);
        Ok(Self {
            id: TenantId::new(row.id),
            currency: Currency::parse(&row.currency).map_err(|_| corrupt("currency"))?,
            status: TenantStatus::parse(&row.status).map_err(|_| corrupt("status"))?,
            name: StoreName::from_stored(row.name),
            slug: Slug::from_stored(row.slug),
            created_at: row.created_at.0,
        })
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct UserRow {
    tenant_id: i64,
    id: i64,
    username: String,
    email: String,
    role: String,
    is_active: bool,
    token_version: i64,
    created_at: DbInstant,
}

/// The types of its columns, in their order.
pub(super) type UserSql = diesel::dsl::SqlTypeOf<ColumnsOf<UserRow>>;

impl TryFrom<UserRow> for User {
    type Error = Error;

    fn try_from(row: UserRow) -> Result<Self> {
        Ok(Self {
            id: UserId::new(row.id),
            tenant: TenantId::new(row.tenant_id),
            role: Role::from_name(&row.role).ok_or_else(|| corrupt("users", row.id, "role"))?,
            username: Username::from_stored(row.username),
            email: Email::from_stored(row.email),
            is_active: row.is_active,
            token_version: row.token_version,
            created_at: row.created_at.0,
        })
    }
}

#[derive(Debug, Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub(super) struct NewUserRow<'a> {
    pub(super) tenant_id: i64,
    pub(super) username: &'a str,
    pub(super) username_key: Option<String>,
    pub(super) email: &'a str,
    pub(super) email_key: Option<String>,
    pub(super) role: &'static str,
    pub(super) password_hash: &'a str,
    pub(super) is_active: bool,
    pub(super) token_version: i64,
    pub(super) created_at: DbInstant,
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(super) struct SessionRow {
    id: i64,
    user_id: i64,
    generation: i64,
    idle_until: DbInstant,
    expires_at: DbInstant,
    revoked_at: Option<DbInstant>,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: SessionId::new(row.id),
            user: UserId::new(row.user_id),
            generation: row.generation,
            idle_until: row.idle_until.0,
            expires_at: row.expires_at.0,
            revoked_at: row.revoked_at.map(|at| at.0),
        }
    }
}

/// What decides whether a token counts: user, store and session in one row.
#[derive(Debug, Queryable)]
pub(super) struct AccountRow {
    user: UserRow,
    status: String,
    currency: String,
    revoked_at: Option<DbInstant>,
    expires_at: DbInstant,
}

impl AccountRow {
    pub(super) fn into_account(self, session: SessionId) -> Result<Account> {
        let corrupt = |column| corrupt("tenants", self.user.tenant_id, column);
        Ok(Account {
            token_version: self.user.token_version,
            status: TenantStatus::parse(&self.status).map_err(|_| corrupt("status"))?,
            currency: Currency::parse(&self.currency).map_err(|_| corrupt("currency"))?,
            user: self.user.try_into()?,
            session,
            session_revoked: self.revoked_at.is_some(),
            session_expires_at: self.expires_at.0,
        })
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = products)]
pub(super) struct ProductRow {
    id: i64,
    name: String,
    description: String,
    price_minor: i64,
    currency: String,
    sku: Option<String>,
    stock: Option<i64>,
    status: String,
    created_by: Option<i64>,
    created_at: DbInstant,
    updated_at: DbInstant,
}

/// The types of its columns, in their order.
pub(super) type ProductSql = diesel::dsl::SqlTypeOf<ColumnsOf<ProductRow>>;

impl TryFrom<ProductRow> for Product {
    type Error = Error;

    fn try_from(row: ProductRow) -> Result<Self> {
        let corrupt = |column| corrupt("products", row.id, column);
        let currency = Currency::parse(&row.currency).map_err(|_| corrupt("currency"))?;
        Ok(Self {
            id: ProductId::new(row.id),
            details: ProductDetails {
                price: Money::from_minor(row.price_minor, currency),
                stock: row
                    .stock
                    .map(|stock| Stock::from_stored(stock).ok_or_else(|| corrupt("stock")))
                    .transpose()?,
                status: ProductStatus::parse(&row.status).map_err(|_| corrupt("status"))?,
                name: ProductName::from_stored(row.name),
                description: Description::from_stored(row.description),
                sku: row.sku.map(Sku::from_stored),
            },
            created_by: row.created_by.map(UserId::new),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        })
    }
}

/// A new product, or all that can change about one.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = products, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct ProductDetailsRow<'a> {
    name: &'a str,
    name_key: String,
    description: &'a str,
    search_text: String,
    price_minor: i64,
    currency: &'static str,
    sku: Option<&'a str>,
    sku_key: Option<String>,
    stock: Option<i64>,
    status: &'static str,
    updated_at: DbInstant,
}

impl<'a> ProductDetailsRow<'a> {
    pub(super) fn of(details: &'a ProductDetails, updated_at: DbInstant) -> Self {
        Self {
            name: details.name.as_str(),
            name_key: details.name.key(),
            description: details.description.as_str(),
            search_text: details.search_text(),
            price_minor: details.price.minor(),
            currency: details.price.currency().code(),
            sku: details.sku.as_ref().map(Sku::as_str),
            sku_key: details.sku.as_ref().map(Sku::key),
            stock: details.stock.map(Stock::get),
            status: details.status.name(),
            updated_at,
        }
    }
}

/// What a guarded UPDATE of a product's stock returns.
#[derive(Debug, Queryable)]
pub(super) struct TakenRow {
    name: String,
    sku: Option<String>,
    price_minor: i64,
    currency: String,
    stock: Option<i64>,
}

/// The types of its columns, in their order.
pub(super) type TakenSql = (Text, Nullable<Text>, BigInt, Text, Nullable<BigInt>);

impl TakenRow {
    pub(super) fn into_taken(self, product: ProductId, quantity: Quantity) -> Result<Taken> {
        let currency =
            Currency::parse(&self.currency).map_err(|_| corrupt("products", product.get(), "currency"))?;
        Ok(Taken {
            name: ProductName::from_stored(self.name),
            sku: self.sku.map(Sku::from_stored),
            unit_price: Money::from_minor(self.price_minor, currency),
            counted: if self.stock.is_some() { quantity.get() } else { 0 },
        })
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = orders)]
pub(super) struct OrderRow {
    pub(super) id: i64,
    number: i64,
    customer_id: i64,
    placed_by: Option<i64>,
    status: String,
    currency: String,
    total_minor: i64,
    created_at: DbInstant,
    updated_at: DbInstant,
}

impl OrderRow {
    pub(super) fn into_order(self, lines: Vec<LineRow>) -> Result<Order> {
        let corrupt = |column| corrupt("orders", self.id, column);
        let currency = Currency::parse(&self.currency).map_err(|_| corrupt("currency"))?;
        Ok(Order {
            id: OrderId::new(self.id),
            number: self.number,
            customer: UserId::new(self.customer_id),
            placed_by: self.placed_by.map(UserId::new),
            status: OrderStatus::parse(&self.status).map_err(|_| corrupt("status"))?,
            total: Money::from_minor(self.total_minor, currency),
            lines: lines.into_iter().map(|line| line.into_line(currency)).collect::<Result<_>>()?,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

new_row! {
    pub(super) struct NewOrderRow into "orders" {
        tenant_id: i64,
        id: i64,
        number: i64,
        customer_id: i64,
        placed_by: Option<i64>,
        status: &'static str,
        currency: &'static str,
        total_minor: i64,
        created_at: DbInstant,
        updated_at: DbInstant,
    }
}

impl NewOrderRow {
    pub(super) fn of(tenant_id: i64, order: &Order) -> Self {
        Self {
            tenant_id,
            id: order.id.get(),
            number: order.number,
            customer_id: order.customer.get(),
            placed_by: order.placed_by.map(UserId::get),
            status: order.status.name(),
            currency: order.total.currency().code(),
            total_minor: order.total.minor(),
            created_at: DbInstant(order.created_at),
            updated_at: DbInstant(order.updated_at),
        }
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = order_lines)]
pub(super) struct LineRow {
    pub(super) order_id: i64,
    product_id: i64,
    sku: Option<String>,
    name: String,
    unit_price_minor: i64,
    quantity: i64,
    line_total_minor: i64,
    counted: i64,
}

impl LineRow {
    fn into_line(self, currency: Currency) -> Result<Line> {
        Ok(Line {
            product: ProductId::new(self.product_id),
            sku: self.sku.map(Sku::from_stored),
            name: ProductName::from_stored(self.name),
            unit_price: Money::from_minor(self.unit_price_minor, currency),
            quantity: Quantity::parse(self.quantity)
                .map_err(|_| corrupt("order_lines", self.order_id, "quantity"))?,
            line_total: Money::from_minor(self.line_total_minor, currency),
            counted: self.counted,
        })
    }
}

new_row! {
    #[derive(Insertable)]
    #[diesel(table_name = order_lines, treat_none_as_default_value = false)]
    pub(super) struct NewLineRow<'a> into "order_lines" {
        tenant_id: i64,
        order_id: i64,
        line_no: i64,
        product_id: i64,
        sku: Option<&'a str>,
        name: &'a str,
        unit_price_minor: i64,
        quantity: i64,
        line_total_minor: i64,
        counted: i64,
    }
}

impl<'a> NewLineRow<'a> {
    /// The rows of an order's lines, numbered from 1.
    pub(super) fn all(tenant_id: i64, order: OrderId, lines: &'a [Line]) -> Vec<Self> {
        (1..)
            .zip(lines)
            .map(|(line_no, line)| Self {
                tenant_id,
                order_id: order.get(),
                line_no,
                product_id: line.product.get(),
                sku: line.sku.as_ref().map(Sku::as_str),
                name: line.name.as_str(),
                unit_price_minor: line.unit_price.minor(),
                quantity: line.quantity.get(),
                line_total_minor: line.line_total.minor(),
                counted: line.counted,
            })
            .collect()
    }
}

/// A user's number and password hash.
pub(super) fn login((id, hash): (i64, String)) -> (UserId, PasswordHash) {
    (UserId::new(id), PasswordHash::new(hash))
}
