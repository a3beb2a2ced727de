use super::super::dialect::{Conn, Db, for_update, new_id, position, store_error};
use super::{Session, number, one_row, text};
use crate::db::expr::row_after;
use crate::db::rows::{ProductDetailsRow, ProductRow, ProductSql, TakenRow, TakenSql};
use crate::db::schema::products;
use crate::db::types::DbInstant;
use diesel::prelude::*;
use haat_domain::catalog::{Product, ProductDetails, ProductFilter, ProductKey, ProductStatus, Taken};
use haat_domain::error::Result;
use haat_domain::ids::{ProductId, UserId};
use haat_domain::page::{After, Sort};
use haat_domain::ports::Products;
use haat_domain::pricing::Quantity;
use haat_domain::text::Search;
use haat_domain::time::Timestamp;

statement! {
    Take { tenant: i64, id: i64, pieces: i64, now: DbInstant } -> TakenSql = take
}

statement! {
    PutBack { tenant: i64, id: i64, pieces: i64, now: DbInstant } =
        "UPDATE products SET stock = stock + " pieces ", updated_at = " now
        " WHERE " mine " AND id = " id " AND stock IS NOT NULL"
}

// By hand, as one that is asked often: see `FindAccount`.
statement! {
    Find { tenant: i64, id: i64 } -> ProductSql =
        "SELECT id, name, description, price_minor, currency, sku, stock, status, created_by, created_at, updated_at"
        " FROM products WHERE " mine " AND id = " id " AND deleted_at IS NULL"
}

fn product(row: QueryResult<ProductRow>) -> Result<Option<Product>> {
    row.optional().map_err(store_error)?.map(Product::try_from).transpose()
}

impl Products for Session<'_> {
    fn insert(
        &mut self,
        details: &ProductDetails,
        created_by: Option<UserId>,
        now: Timestamp,
    ) -> Result<Option<ProductId>> {
        let id = new_id(self.conn, "products")?;
        diesel::insert_into(products::table)
            .values((
                ProductDetailsRow::of(details, DbInstant(now)),
                products::tenant_id.eq(self.here()),
                products::id.eq(id),
                products::created_by.eq(created_by.map(UserId::get)),
                products::created_at.eq(DbInstant(now)),
            ))
            .on_conflict_do_nothing()
            .returning(products::id)
            .get_result(self.conn)
            .optional()
            .map(|id| id.map(ProductId::new))
            .map_err(store_error)
    }

    fn find(&mut self, id: ProductId) -> Result<Option<Product>> {
        product(Find { tenant: self.here(), id: id.get() }.get_result(self.conn))
    }

    fn lock(&mut self, id: ProductId) -> Result<Option<Product>> {
        let found = products::table
            .filter(mine!(products, self.here()))
            .filter(products::id.eq(id.get()))
            .filter(products::deleted_at.is_null())
            .select(ProductRow::as_select());
        product(for_update!(found).get_result(self.conn))
    }

    fn find_by_sku(&mut self, sku_key: &str) -> Result<Option<ProductId>> {
        products::table
            .filter(mine!(products, self.here()))
            .filter(products::sku_key.eq(sku_key))
            .select(products::id)
            .get_result(self.conn)
            .optional()
            .map(|id| id.map(ProductId::new))
            .map_err(store_error)
    }

    fn page(
        &mut self,
        filter: &ProductFilter,
        sort: Sort<ProductKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<Product>> {
        let mut rows = products::table
            .select(ProductRow::as_select())
            .filter(mine!(products, self.here()))
            .filter(products::deleted_at.is_null())
            .into_boxed::<Db>();
        rows = match filter.status {
            Some(status) => rows.filter(products::status.eq(status.name())),
            None if filter.archived_too => rows,
            None => rows.filter(products::status.ne(ProductStatus::Archived.name())),
        };
        if let Some(price) = filter.min_price {
            rows = rows.filter(products::price_minor.ge(price.minor()));
        }
        if let Some(price) = filter.max_price {
            rows = rows.filter(products::price_minor.le(price.minor()));
        }
        rows = match filter.in_stock {
            Some(true) => rows.filter(products::stock.is_null().or(products::stock.gt(0))),
            Some(false) => rows.filter(products::stock.eq(0)),
            None => rows,
        };
        for word in filter.search.iter().flat_map(Search::words) {
            rows = rows.filter(position(products::search_text, word).gt(0));
        }
        let down = sort.descending;
        rows = match sort.by {
            ProductKey::Id => by_id!(rows, products::id, after, down),
            ProductKey::Name => keyset!(rows, products::name_key, products::id, text(after)?, down),
            ProductKey::Price => keyset!(rows, products::price_minor, products::id, number(after)?, down),
            ProductKey::CreatedAt => {
                keyset!(rows, products::created_at, products::id, super::instant(after)?, down)
            }
        };
        let rows = rows.limit(limit).load::<ProductRow>(self.conn).map_err(store_error)?;
        rows.into_iter().map(Product::try_from).collect()
    }

    fn any(&mut self) -> Result<bool> {
        let all = products::table.filter(mine!(products, self.here()));
        diesel::select(diesel::dsl::exists(all)).get_result(self.conn).map_err(store_error)
    }

    fn update(&mut self, product: &Product) -> Result<()> {
        diesel::update(
            products::table.filter(mine!(products, self.here())).filter(products::id.eq(product.id.get())),
        )
        .set(ProductDetailsRow::of(&product.details, DbInstant(product.updated_at)))
        .execute(self.conn)
        .map_err(store_error)
        .and_then(one_row)
    }

    fn delete(&mut self, id: ProductId, now: Timestamp) -> Result<bool> {
        let none: Option<String> = None;
        diesel::update(
            products::table
                .filter(mine!(products, self.here()))
                .filter(products::id.eq(id.get()))
                .filter(products::deleted_at.is_null()),
        )
        .set((
            products::status.eq(ProductStatus::Archived.name()),
            products::sku_key.eq(none),
            products::updated_at.eq(DbInstant(now)),
            products::deleted_at.eq(Some(DbInstant(now))),
        ))
        .execute(self.conn)
        .map(|rows| rows == 1)
        .map_err(store_error)
    }

    fn take(&mut self, id: ProductId, quantity: Quantity, now: Timestamp) -> Result<Option<Taken>> {
        Take { tenant: self.here(), id: id.get(), pieces: quantity.get(), now: DbInstant(now) }
            .get_result::<TakenRow>(self.conn)
            .optional()
            .map_err(store_error)?
            .map(|row| row.into_taken(id, quantity))
            .transpose()
    }

    fn put_back(&mut self, id: ProductId, pieces: i64, now: Timestamp) -> Result<()> {
        PutBack { tenant: self.here(), id: id.get(), pieces, now: DbInstant(now) }
            .execute(self.conn)
            .map(drop)
            .map_err(store_error)
    }
}
