use super::{MemoryTx, Row, missing_row, next_id, page};
use crate::catalog::{Product, ProductDetails, ProductFilter, ProductKey, ProductStatus, Sku, Stock, Taken};
use crate::error::{Conflict, Error, Result};
use crate::ids::{ProductId, UserId};
use crate::page::{After, Key, Sort};
use crate::ports::Products;
use crate::pricing::Quantity;
use crate::time::Timestamp;

impl Products for MemoryTx {
    fn insert(
        &mut self,
        details: &ProductDetails,
        created_by: Option<UserId>,
        now: Timestamp,
    ) -> Result<Option<ProductId>> {
        self.refer_to_users(created_by)?;
        let id = next_id(&self.state.products, ProductId::new, ProductId::get);
        if self.sku_is_taken(details.sku.as_ref(), id) {
            return Ok(None);
        }
        let product = Product { id, details: details.clone(), created_by, created_at: now, updated_at: now };
        self.state.products.insert((self.tenant, id), Row::new(product));
        Ok(Some(id))
    }

    fn find(&mut self, id: ProductId) -> Result<Option<Product>> {
        Ok(self.products().find(|product| product.id == id).cloned())
    }

    fn lock(&mut self, id: ProductId) -> Result<Option<Product>> {
        Products::find(self, id)
    }

    fn find_by_sku(&mut self, sku_key: &str) -> Result<Option<ProductId>> {
        let has = |product: &&Product| product.details.sku.as_ref().is_some_and(|sku| sku.key() == sku_key);
        Ok(self.products().find(has).map(|product| product.id))
    }

    fn page(
        &mut self,
        filter: &ProductFilter,
        sort: Sort<ProductKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<Product>> {
        let found = self.products().filter(|product| shows(filter, &product.details));
        let (key, kind): (fn(&Product) -> Key, _) = match sort.by {
            ProductKey::Id => (|_| Key::Id, Key::Id),
            ProductKey::Name => (|product| Key::Text(product.details.name.key()), Key::Text(String::new())),
            ProductKey::Price => (|product| Key::Number(product.details.price.minor()), Key::Number(0)),
            ProductKey::CreatedAt => (|product| Key::Number(product.created_at.as_micros()), Key::Number(0)),
        };
        let mark = |product: &Product| After { key: key(product), id: product.id.get() };
        page(found.cloned(), mark, &kind, sort.descending, after.as_ref(), limit)
    }

    fn any(&mut self) -> Result<bool> {
        Ok(self.state.products.keys().any(|(tenant, _)| *tenant == self.tenant))
    }

    fn update(&mut self, product: &Product) -> Result<()> {
        if self.sku_is_taken(product.details.sku.as_ref(), product.id) {
            return Err(Error::Conflict(Conflict::Duplicate));
        }
        let row = self.state.products.get_mut(&(self.tenant, product.id)).and_then(Row::live_mut);
        let row = row.ok_or_else(missing_row)?;
        (row.details, row.updated_at) = (product.details.clone(), product.updated_at);
        Ok(())
    }

    fn delete(&mut self, id: ProductId, now: Timestamp) -> Result<bool> {
        let Some(row) = self.state.products.get_mut(&(self.tenant, id)).filter(|row| !row.deleted) else {
            return Ok(false);
        };
        (row.deleted, row.value.updated_at) = (true, now);
        Ok(true)
    }

    fn take(&mut self, id: ProductId, quantity: Quantity, now: Timestamp) -> Result<Option<Taken>> {
        let found = self.products().find(|product| product.id == id);
        let Some(product) = found.filter(|product| product.details.status == ProductStatus::Active) else {
            return Ok(None);
        };
        let ProductDetails { name, sku, price, stock, .. } = product.details.clone();
        let counted = if stock.is_some() { quantity.get() } else { 0 };
        if counted > 0 && !self.move_stock(id, -counted, now) {
            return Ok(None);
        }
        Ok(Some(Taken { name, sku, unit_price: price, counted }))
    }

    fn put_back(&mut self, id: ProductId, pieces: i64, now: Timestamp) -> Result<()> {
        if pieces > 0 {
            self.move_stock(id, pieces, now);
        }
        Ok(())
    }
}

impl MemoryTx {
    /// This tenant's products, without the deleted ones.
    pub(super) fn products(&self) -> impl Iterator<Item = &Product> {
        let mine = self.state.products.iter().filter(|((tenant, _), _)| *tenant == self.tenant);
        mine.filter_map(|(_, row)| row.live())
    }

    fn sku_is_taken(&self, sku: Option<&Sku>, by_other_than: ProductId) -> bool {
        let Some(key) = sku.map(Sku::key) else { return false };
        self.products().any(|product| {
            product.id != by_other_than && product.details.sku.as_ref().is_some_and(|sku| sku.key() == key)
        })
    }

    /// Adds pieces to a stock that is counted, deleted products' too; `false` if it is not, or would fall below zero.
    fn move_stock(&mut self, id: ProductId, pieces: i64, now: Timestamp) -> bool {
        let Some(row) = self.state.products.get_mut(&(self.tenant, id)) else { return false };
        let Some(stock) = row.value.details.stock else { return false };
        let Some(left) = Stock::from_stored(stock.get() + pieces) else { return false };
        (row.value.details.stock, row.value.updated_at) = (Some(left), now);
        true
    }
}

fn shows(filter: &ProductFilter, details: &ProductDetails) -> bool {
    let in_stock = details.stock.is_none_or(|stock| stock.get() > 0);
    let unasked = filter.archived_too || details.status != ProductStatus::Archived;
    let status = filter.status.map_or(unasked, |status| details.status == status);
    status
        && filter.search.as_ref().is_none_or(|search| search.matches(&details.search_text()))
        && filter.min_price.is_none_or(|min| details.price.minor() >= min.minor())
        && filter.max_price.is_none_or(|max| details.price.minor() <= max.minor())
        && filter.in_stock.is_none_or(|wanted| in_stock == wanted)
}
