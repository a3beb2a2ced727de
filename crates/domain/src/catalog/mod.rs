//! Products and their stock.

mod import;

pub use import::{ImportRow, Imported, import_product};

use crate::audit::{Facts, Object};
use crate::authz::{Action, Reach};
use crate::cx::{Cx, Shop};
use crate::error::{Conflict, Error, Result, Violation};
use crate::ids::{ProductId, UserId};
use crate::money::Money;
use crate::page::{After, Key, Page, PageRequest, SortKey};
use crate::text::{Lines, Search, clean, fold};
use crate::time::Timestamp;
use std::fmt;

/// What is shown as it was typed can be given away without a copy.
macro_rules! given_as_text {
    ($($name:ident),*) => { $(impl From<$name> for String { fn from($name(text): $name) -> Self { text } })* };
}

given_as_text!(ProductName, Description, Sku);

/// The name of a product: 1 to 255 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductName(String);

impl ProductName {
    /// What a store has kept, which [`Self::parse`] has checked before: not checked again.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// A name within its bounds.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        clean(text, Lines::One, 1, 255).map(Self)
    }

    /// The name as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as sorted.
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}

/// What is said about a product: at most 10 000 characters, possibly none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description(String);

impl Description {
    /// What a store has kept, which [`Self::parse`] has checked before: not checked again.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// A description within its bounds.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        clean(text, Lines::Many, 0, 10_000).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A stock keeping unit, the store's own number for a product: 1 to 64 characters without blanks; unique per store
/// as [`fold`]ed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sku(String);

impl Sku {
    /// What a store has kept, which [`Self::parse`] has checked before: not checked again.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// A SKU within its bounds.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let sku = clean(text, Lines::One, 1, 64)?;
        if sku.contains(char::is_whitespace) {
            Err(Violation::new("must not contain blanks"))
        } else {
            Ok(Self(sku))
        }
    }

    /// The SKU as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The SKU as compared.
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}

/// How many pieces there are: 0 to 1 000 000 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stock(i64);

impl Stock {
    /// The most pieces that can be in stock.
    pub const MAX: i64 = 1_000_000_000;

    /// A stock within its bounds.
    pub fn parse(pieces: i64) -> Result<Self, Violation> {
        if (0..=Self::MAX).contains(&pieces) {
            Ok(Self(pieces))
        } else {
            Err(Violation::new(format!("must be between 0 and {}", Self::MAX)))
        }
    }

    /// What a store has kept: returned orders may have put it above [`Stock::MAX`]. `None` below zero.
    pub const fn from_stored(pieces: i64) -> Option<Self> {
        if pieces < 0 { None } else { Some(Self(pieces)) }
    }

    /// The number of pieces.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// Whether customers see a product and can order it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductStatus {
    /// Not yet: owner and staff see it.
    Draft,
    /// Everybody sees it and can order it.
    Active,
    /// No longer: owner and staff see it when they ask for it.
    Archived,
}

impl ProductStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Active, Self::Archived];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Result<Self, Violation> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or_else(|| Violation::new("must be one of draft, active, archived"))
    }
}

impl fmt::Display for ProductStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What owner and staff say about a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductDetails {
    /// Its name.
    pub name: ProductName,
    /// What is said about it.
    pub description: Description,
    /// The price of one piece.
    pub price: Money,
    /// The store's own number for it.
    pub sku: Option<Sku>,
    /// How many there are; `None`: not counted, always available.
    pub stock: Option<Stock>,
    /// Whether customers see it.
    pub status: ProductStatus,
}

impl ProductDetails {
    /// What a search looks at, [`fold`]ed: name, SKU and description.
    pub fn search_text(&self) -> String {
        let sku = self.sku.as_ref().map_or("", Sku::as_str);
        fold(&format!("{} {sku} {}", self.name.as_str(), self.description.as_str()))
    }
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its number.
    pub id: ProductId,
    /// What the store says about it.
    pub details: ProductDetails,
    /// Who created it; `None`: a platform admin.
    pub created_by: Option<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything about it, its stock included, last changed.
    pub updated_at: Timestamp,
}

/// What an order takes from a product: the terms of this moment, and how many pieces were counted off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The product's name.
    pub name: ProductName,
    /// Its SKU.
    pub sku: Option<Sku>,
    /// The price of one piece.
    pub unit_price: Money,
    /// Pieces taken from the stock; 0 where stock is not counted.
    pub counted: i64,
}

/// Changes to a product; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct ProductPatch {
    /// A new name.
    pub name: Option<ProductName>,
    /// A new description.
    pub description: Option<Description>,
    /// A new price.
    pub price: Option<Money>,
    /// A new SKU, or none.
    pub sku: Option<Option<Sku>>,
    /// A new stock, or not counted any more.
    pub stock: Option<Option<Stock>>,
    /// A new status.
    pub status: Option<ProductStatus>,
}

impl ProductPatch {
    fn apply(self, details: ProductDetails) -> ProductDetails {
        ProductDetails {
            name: self.name.unwrap_or(details.name),
            description: self.description.unwrap_or(details.description),
            price: self.price.unwrap_or(details.price),
            sku: self.sku.unwrap_or(details.sku),
            stock: self.stock.unwrap_or(details.stock),
            status: self.status.unwrap_or(details.status),
        }
    }
}

/// The sortable columns of the list of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductKey {
    /// In the order of creation.
    Id,
    /// By name, as compared.
    Name,
    /// By price.
    Price,
    /// By time of creation.
    CreatedAt,
}

impl SortKey for ProductKey {
    const LIST: &'static str = "products";
    const ALL: &'static [(&'static str, Self)] =
        &[("id", Self::Id), ("name", Self::Name), ("price", Self::Price), ("created_at", Self::CreatedAt)];
}

/// Which products a list shows.
#[derive(Debug, Clone, Default)]
pub struct ProductFilter {
    /// With these words in name, SKU or description.
    pub search: Option<Search>,
    /// With this status; without it, everything but the archived ones.
    pub status: Option<ProductStatus>,
    /// Without a status: the archived ones as well.
    pub archived_too: bool,
    /// At this price or higher.
    pub min_price: Option<Money>,
    /// At this price or lower.
    pub max_price: Option<Money>,
    /// Available, or sold out.
    pub in_stock: Option<bool>,
}

/// The products that the caller may see.
pub fn list_products(
    cx: &mut Cx<'_>,
    mut filter: ProductFilter,
    request: &PageRequest<ProductKey>,
) -> Result<Page<Product>> {
    let shop = cx.enter(Action::ReadProducts)?;
    let tenant = shop.scope.tenant();
    let after = request.position(tenant)?;
    if shop.scope.reach() == Reach::Public {
        if filter.status.is_some_and(|status| status != ProductStatus::Active) {
            return Ok(Page::default());
        }
        filter.status = Some(ProductStatus::Active);
    }
    let rows = shop.tx.products().page(&filter, request.sort, after, request.limit.and_one())?;
    Ok(Page::of(tenant, request, rows, |last| After {
        id: last.id.get(),
        key: match request.sort.by {
            ProductKey::Id => Key::Id,
            ProductKey::Name => Key::Text(last.details.name.key()),
            ProductKey::Price => Key::Number(last.details.price.minor()),
            ProductKey::CreatedAt => Key::Number(last.created_at.as_micros()),
        },
    }))
}

/// One product that the caller may see.
pub fn read_product(cx: &mut Cx<'_>, id: ProductId) -> Result<Product> {
    let shop = cx.enter(Action::ReadProducts)?;
    let product = shop.tx.products().find(id)?;
    product.filter(|product| shows(shop.scope.reach(), product)).ok_or(Error::NotFound)
}

/// The product with this SKU, if the caller may see it.
pub fn find_product(cx: &mut Cx<'_>, sku: &str) -> Result<Option<Product>> {
    let shop = cx.enter(Action::ReadProducts)?;
    let Ok(sku) = Sku::parse(sku) else { return Ok(None) };
    let Some(id) = shop.tx.products().find_by_sku(&sku.key())? else { return Ok(None) };
    let product = shop.tx.products().find(id)?;
    Ok(product.filter(|product| shows(shop.scope.reach(), product)))
}

fn shows(reach: Reach, product: &Product) -> bool {
    reach != Reach::Public || product.details.status == ProductStatus::Active
}

/// Adds a product.
pub fn create_product(cx: &mut Cx<'_>, details: ProductDetails) -> Result<Product> {
    let mut shop = cx.enter(Action::CreateProduct)?;
    check_currency(&details, shop.scope.currency())?;
    let (created_by, now) = (shop.scope.member(), shop.now);
    let id =
        shop.tx.products().insert(&details, created_by, now)?.ok_or(Error::Conflict(Conflict::SkuTaken))?;
    let product = Product { id, details, created_by, created_at: now, updated_at: now };
    shop.record(Object::Product(id), Facts::default(), (&product).into())?;
    Ok(product)
}

/// A product as it is before a change, kept from others' changes until the transaction ends.
pub fn lock_product(cx: &mut Cx<'_>, id: ProductId) -> Result<Product> {
    cx.enter(Action::UpdateProduct)?.tx.products().lock(id)?.ok_or(Error::NotFound)
}

/// Replaces what is said about a product. Where nothing changes, nothing is written, its time of change neither.
pub fn replace_product(cx: &mut Cx<'_>, id: ProductId, details: ProductDetails) -> Result<Product> {
    change_product(cx, id, |_| details)
}

/// Changes some of what is said about a product.
pub fn update_product(cx: &mut Cx<'_>, id: ProductId, patch: ProductPatch) -> Result<Product> {
    change_product(cx, id, |details| patch.apply(details))
}

fn change_product(
    cx: &mut Cx<'_>,
    id: ProductId,
    change: impl FnOnce(ProductDetails) -> ProductDetails,
) -> Result<Product> {
    let mut shop = cx.enter(Action::UpdateProduct)?;
    let before = shop.tx.products().lock(id)?.ok_or(Error::NotFound)?;
    let product = Product { details: change(before.details.clone()), updated_at: shop.now, ..before.clone() };
    check_details(&mut shop, &product)?;
    if product.details == before.details {
        return Ok(before);
    }
    shop.tx.products().update(&product)?;
    shop.record(Object::Product(id), (&before).into(), (&product).into())?;
    Ok(product)
}

/// Archives a product for good: it is in no list any more and cannot be ordered; orders keep their copy of its name
/// and price, and its SKU is free again.
pub fn delete_product(cx: &mut Cx<'_>, id: ProductId) -> Result<()> {
    let mut shop = cx.enter(Action::DeleteProduct)?;
    let product = shop.tx.products().lock(id)?.ok_or(Error::NotFound)?;
    shop.tx.products().delete(id, shop.now)?;
    shop.record(Object::Product(id), (&product).into(), Facts::default())
}

/// What is about to be said about a product: a price in the store's currency, and a SKU that no other has.
fn check_details(shop: &mut Shop<'_>, product: &Product) -> Result<()> {
    check_currency(&product.details, shop.scope.currency())?;
    match &product.details.sku {
        Some(sku) if shop.tx.products().find_by_sku(&sku.key())?.is_some_and(|other| other != product.id) => {
            Err(Error::Conflict(Conflict::SkuTaken))
        }
        _ => Ok(()),
    }
}

fn check_currency(details: &ProductDetails, currency: crate::money::Currency) -> Result<()> {
    if details.price.currency() == currency {
        Ok(())
    } else {
        Err(Error::invalid("price", format!("must be in {currency}, the store's currency")))
    }
}
