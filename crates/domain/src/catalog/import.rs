use super::{
    Product, ProductDetails, ProductPatch, ProductStatus, check_currency, check_details, create_product,
};
use crate::audit::Object;
use crate::authz::Action;
use crate::cx::Cx;
use crate::error::{Conflict, Error, FieldErrors, Result};
use crate::ids::ProductId;

/// One row of a list of products that is brought into a store.
#[derive(Debug, Clone, Default)]
pub struct ImportRow {
    /// Which product is meant. Without a number it is the one with the row's SKU, or a new one.
    pub id: Option<ProductId>,
    /// What the row says, the SKU included.
    pub patch: ProductPatch,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// There is a new product; if the row was only tried it has no number.
    Created(Option<ProductId>),
    /// This one is otherwise than it was.
    Changed(ProductId),
    /// This one was so already.
    Unchanged(ProductId),
}

/// Brings one row into the store. `dry`: only tries it, with the same checks and the same answer, and writes nothing.
///
/// Rows lock their products one after the other: who brings many into one transaction has orders wait.
pub fn import_product(cx: &mut Cx<'_>, row: ImportRow, dry: bool) -> Result<Imported> {
    cx.permit(Action::CreateProduct)?;
    let Some(id) = meant(cx, &row)? else { return create(cx, row.patch, dry) };
    let mut shop = cx.enter(Action::UpdateProduct)?;
    // Nothing is locked for a trial, which may run where nothing can be written.
    let products = shop.tx.products();
    let found = if dry { products.find(id)? } else { products.lock(id)? };
    let before = found.ok_or_else(|| match row.id {
        Some(_) => Error::invalid("id", "is no product of this store"),
        // It was there when its SKU was looked up.
        None => Error::Conflict(Conflict::Duplicate),
    })?;
    let details = row.patch.apply(before.details.clone());
    let product = Product { details, updated_at: shop.now, ..before.clone() };
    check_details(&mut shop, &product)?;
    if product.details == before.details {
        return Ok(Imported::Unchanged(id));
    }
    if !dry {
        shop.tx.products().update(&product)?;
        shop.record(Object::Product(id), (&before).into(), (&product).into())?;
    }
    Ok(Imported::Changed(id))
}

fn meant(cx: &mut Cx<'_>, row: &ImportRow) -> Result<Option<ProductId>> {
    let shop = cx.enter(Action::UpdateProduct)?;
    match (row.id, &row.patch.sku) {
        (Some(id), _) => Ok(Some(id)),
        (None, Some(Some(sku))) => shop.tx.products().find_by_sku(&sku.key()),
        (None, Some(None) | None) => Ok(None),
    }
}

fn create(cx: &mut Cx<'_>, patch: ProductPatch, dry: bool) -> Result<Imported> {
    let details = whole(patch)?;
    if dry {
        // Its SKU is nobody's, or the row would mean that product.
        let currency = cx.enter(Action::CreateProduct)?.scope.currency();
        return check_currency(&details, currency).map(|()| Imported::Created(None));
    }
    Ok(Imported::Created(Some(create_product(cx, details)?.id)))
}

/// A new product has a name and a price; for all else there is something to assume.
fn whole(patch: ProductPatch) -> Result<ProductDetails> {
    let mut errors = FieldErrors::default();
    let ProductPatch { name, description, price, sku, stock, status } = patch;
    let name = name.or_else(|| errors.missing("name"));
    let price = price.or_else(|| errors.missing("price"));
    let (Some(name), Some(price)) = (name, price) else { return Err(Error::Invalid(errors)) };
    Ok(ProductDetails {
        name,
        description: description.unwrap_or_default(),
        price,
        sku: sku.flatten(),
        stock: stock.flatten(),
        status: status.unwrap_or(ProductStatus::Active),
    })
}
