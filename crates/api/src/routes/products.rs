//! Products.

use crate::auth::Sender;
use crate::input::{self, Body, Digits, as_text, id, list, optional, page, present, query};
use crate::once::{Created, create};
use crate::precondition::IfMatch;
use crate::problem::ApiError;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use haat_app::App;
use haat_domain::authz::Action;
use haat_domain::catalog::{
    self, Description, Product, ProductDetails, ProductFilter, ProductKey, ProductName, ProductPatch,
    ProductStatus, Sku, Stock,
};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, FieldErrors};
use haat_domain::ids::{ProductId, TenantId};
use haat_domain::money::{Currency, Money, decimal};
use haat_domain::page::{PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::pricing::price;
use haat_domain::text::Search;
use haat_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_products)
        .service(create_product)
        .service(get_product)
        .service(replace_product)
        .service(update_product)
        .service(delete_product);
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub struct ProductBody {
    /// Its number.
    #[schema(minimum = 1)]
    id: i64,
    /// Its name, 1 to 255 characters.
    name: String,
    /// What is said about it, at most 10 000 characters; may be empty.
    description: String,
    /// The price of one piece, in major units of `currency`, with exactly its digits.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, example = "999.99")]
    price: Money,
    /// The store's currency (ISO 4217).
    #[schema(example = "INR")]
    currency: &'static str,
    /// The store's own number for it, unique in the store.
    sku: Option<String>,
    /// How many pieces there are; null: not counted, always available.
    stock: Option<i64>,
    /// Whether customers see it: `draft`, `active` or `archived`.
    #[schema(pattern = "^(draft|active|archived)$")]
    status: &'static str,
    /// The store it belongs to.
    tenant: i64,
    /// The user who created it; null: a platform admin.
    created_by: Option<i64>,
    /// When it was created (RFC 3339, UTC).
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When anything about it, its stock included, last changed (RFC 3339, UTC).
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl ProductBody {
    fn of(tenant: TenantId, product: Product) -> Self {
        let ProductDetails { name, description, price, sku, stock, status } = product.details;
        Self {
            id: product.id.get(),
            name: name.into(),
            description: description.into(),
            price,
            currency: price.currency().code(),
            sku: sku.map(Into::into),
            stock: stock.map(Stock::get),
            status: status.name(),
            tenant: tenant.get(),
            created_by: product.created_by.map(haat_domain::ids::UserId::get),
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

/// A product to be, or all that is said about one.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct ProductInput {
    /// Its name, 1 to 255 characters on one line.
    #[schema(required, nullable = false, min_length = 1, max_length = 255)]
    name: Option<String>,
    /// What is said about it, at most 10 000 characters.
    #[schema(max_length = 10000)]
    description: Option<String>,
    /// The price of one piece in major units of the store's currency: 0 to 99999999.99, a string or a number, with no
    /// more decimals than the currency has.
    #[schema(required, nullable = false, value_type = String, example = "999.99")]
    price: Option<Digits>,
    /// The store's own number for it, 1 to 64 characters without blanks, unique in the store.
    #[schema(min_length = 1, max_length = 64)]
    sku: Option<String>,
    /// How many pieces there are, 0 to 1000000000; null or absent: not counted.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    stock: Option<i64>,
    /// `draft`, `active` (the default) or `archived`.
    #[schema(pattern = "^(draft|active|archived)$")]
    status: Option<String>,
}

impl ProductInput {
    fn into_details(self, mut errors: FieldErrors, currency: Currency) -> Result<ProductDetails, Error> {
        let name = match self.name.as_deref() {
            Some(name) => errors.check("name", ProductName::parse(name)),
            None => errors.missing("name"),
        };
        let description =
            errors.check("description", Description::parse(self.description.as_deref().unwrap_or_default()));
        let price = match self.price {
            Some(Digits(amount)) => errors.check("price", price(amount, currency)),
            None => errors.missing("price"),
        };
        let sku = self.sku.and_then(|sku| errors.check("sku", Sku::parse(&sku)));
        let stock = self.stock.and_then(|stock| errors.check("stock", Stock::parse(stock)));
        let status = self.status.map_or(Some(ProductStatus::Active), |status| {
            errors.check("status", ProductStatus::parse(&status))
        });
        errors.finish()?;
        match (name, description, price, status) {
            (Some(name), Some(description), Some(price), Some(status)) => {
                Ok(ProductDetails { name, description, price, sku, stock, status })
            }
            _ => Err(Error::invalid("price", "is required")),
        }
    }
}

/// Changes to a product; what is absent stays as it is.
#[expect(clippy::option_option, reason = "absent and null are two things in a PATCH")]
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct ProductChanges {
    /// A new name, 1 to 255 characters on one line.
    #[schema(nullable = false, min_length = 1, max_length = 255)]
    name: Option<String>,
    /// A new description, at most 10 000 characters.
    #[schema(nullable = false, max_length = 10000)]
    description: Option<String>,
    /// A new price in major units of the store's currency, a string or a number.
    #[schema(required = false, nullable = false, value_type = String, example = "999.99")]
    price: Option<Digits>,
    /// A new SKU; null: none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    sku: Option<Option<String>>,
    /// A new stock; null: not counted any more.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000)]
    stock: Option<Option<i64>>,
    /// `draft`, `active` or `archived`.
    #[schema(nullable = false, pattern = "^(draft|active|archived)$")]
    status: Option<String>,
}

impl ProductChanges {
    fn into_patch(self, mut errors: FieldErrors, currency: Currency) -> Result<ProductPatch, Error> {
        let patch = ProductPatch {
            name: self.name.and_then(|name| errors.check("name", ProductName::parse(&name))),
            description: self
                .description
                .and_then(|text| errors.check("description", Description::parse(&text))),
            price: self.price.and_then(|Digits(amount)| errors.check("price", price(amount, currency))),
            sku: self.sku.map(|sku| sku.and_then(|sku| errors.check("sku", Sku::parse(&sku)))),
            stock: self.stock.map(|stock| stock.and_then(|stock| errors.check("stock", Stock::parse(stock)))),
            status: self.status.and_then(|status| errors.check("status", ProductStatus::parse(&status))),
        };
        errors.finish()?;
        Ok(patch)
    }
}

/// Which products, in which order, from where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProductQuery {
    /// At most so many rows (default 100).
    #[param(required = false, value_type = i64, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The mark of the page to begin at, as the `Link` header gave it.
    cursor: Option<String>,
    /// `id` (default), `name`, `price` or `created_at`; with `-` in front: descending.
    #[param(pattern = "^-?(id|name|price|created_at)$")]
    ordering: Option<String>,
    /// Words that must all be in name, SKU or description, whatever their case.
    #[param(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    search: Option<String>,
    /// `draft`, `active` or `archived`; without it all but the archived ones. Customers see active ones only.
    #[param(pattern = "^(draft|active|archived)?$")]
    status: Option<String>,
    /// At this price or higher.
    #[param(pattern = r"^([0-9]{1,8}(\.[0-9]{1,2})?)?$")]
    min_price: Option<String>,
    /// At this price or lower.
    #[param(pattern = r"^([0-9]{1,8}(\.[0-9]{1,2})?)?$")]
    max_price: Option<String>,
    /// `true`: available; `false`: sold out.
    #[param(required = false, value_type = bool)]
    in_stock: Option<String>,
}

impl ProductQuery {
    /// Whether answering takes looking at rows that are not shown.
    fn access(&self) -> Access {
        let filtered = [&self.search, &self.status, &self.min_price, &self.max_price, &self.in_stock];
        if filtered.iter().any(|filter| filter.is_some()) { Access::Scan } else { Access::Read }
    }

    fn parse(&self, currency: Currency) -> Result<(ProductFilter, PageRequest<ProductKey>), Error> {
        let mut errors = FieldErrors::default();
        let by_id = Sort { by: ProductKey::Id, descending: false };
        let (limit, cursor, ordering) =
            (self.limit.as_deref(), self.cursor.as_deref(), self.ordering.as_deref());
        let request = page(limit, cursor, ordering, by_id, &mut errors);
        let amount = |text: &str| decimal(text).and_then(|amount| price(amount, currency));
        let filter = ProductFilter {
            search: optional(&mut errors, "search", self.search.as_deref(), Search::parse).flatten(),
            status: optional(&mut errors, "status", self.status.as_deref(), ProductStatus::parse),
            min_price: optional(&mut errors, "min_price", self.min_price.as_deref(), amount),
            max_price: optional(&mut errors, "max_price", self.max_price.as_deref(), amount),
            in_stock: optional(&mut errors, "in_stock", self.in_stock.as_deref(), input::query_bool),
            ..ProductFilter::default()
        };
        errors.finish()?;
        Ok((filter, request))
    }
}

/// List products
///
/// Owner and staff see all, customers the active ones.
#[utoipa::path(tag = "products", params(ProductQuery), responses((status = 200, body = [ProductBody])))]
#[get("/api/products/")]
async fn list_products(
    app: Data<App>,
    Sender(caller): Sender,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadProducts;
    let wanted: ProductQuery = app.checked(&caller, action, query(&req)).await?;
    let (rows, next) = app
        .list(&caller, wanted.access(), action, move |cx| {
            let (filter, request) = wanted.parse(cx.known()?.currency())?;
            let tenant = cx.known()?.tenant();
            let page = catalog::list_products(cx, filter, &request)?;
            let rows: Vec<_> =
                page.items.into_iter().map(|product| ProductBody::of(tenant, product)).collect();
            Ok((rows, page.next))
        })
        .await?;
    Ok(list(&req, &rows, next.as_ref()))
}

/// Add a product
#[utoipa::path(tag = "products", request_body = ProductInput,
    responses((status = 201, body = ProductBody), (status = 409, description = "`sku_taken`")))]
#[post("/api/products/")]
async fn create_product(
    app: Data<App>,
    Sender(caller): Sender,
    Body(body): Body<ProductInput>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::CreateProduct;
    let input = app.checked(&caller, action, body).await?;
    create(&app, &caller, action, input.claim, move |cx| {
        let details = input.dto.into_details(input.errors, cx.known()?.currency())?;
        let tenant = cx.known()?.tenant();
        let product = ProductBody::of(tenant, catalog::create_product(cx, details)?);
        Created::new(format!("/api/products/{}/", product.id), &product)
    })
    .await
}

/// Read a product
#[utoipa::path(tag = "products", params(("id" = i64, Path, description = "The product's number")),
    responses((status = 200, body = ProductBody)))]
#[get("/api/products/{id}/")]
async fn get_product(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadProducts;
    let product = ProductId::new(app.checked(&caller, action, id(&path)).await?);
    let found = app
        .run(&caller, Access::Read, action, move |cx| {
            let tenant = cx.known()?.tenant();
            Ok(ProductBody::of(tenant, catalog::read_product(cx, product)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(found))
}

/// A product as it is before a change.
fn locked(cx: &mut Cx<'_>, product: ProductId) -> Result<ProductBody, Error> {
    let tenant = cx.known()?.tenant();
    Ok(ProductBody::of(tenant, catalog::lock_product(cx, product)?))
}

/// Replace what is said about a product
///
/// What is absent gets its default.
#[utoipa::path(tag = "products", params(("id" = i64, Path, description = "The product's number")),
    request_body = ProductInput,
    responses((status = 200, body = ProductBody), (status = 409, description = "`sku_taken`")))]
#[put("/api/products/{id}/")]
async fn replace_product(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
    if_match: IfMatch,
    Body(body): Body<ProductInput>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::UpdateProduct;
    let product = ProductId::new(app.checked(&caller, action, id(&path)).await?);
    let input = app.checked(&caller, action, body).await?;
    let changed = app
        .run(&caller, Access::Write, action, move |cx| {
            let details = input.dto.into_details(input.errors, cx.known()?.currency())?;
            if_match.check(|| locked(cx, product))?;
            let tenant = cx.known()?.tenant();
            Ok(ProductBody::of(tenant, catalog::replace_product(cx, product, details)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(changed))
}

/// Change a product
#[utoipa::path(tag = "products", params(("id" = i64, Path, description = "The product's number")),
    request_body = ProductChanges,
    responses((status = 200, body = ProductBody), (status = 409, description = "`sku_taken`")))]
#[patch("/api/products/{id}/")]
async fn update_product(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
    if_match: IfMatch,
    Body(body): Body<ProductChanges>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::UpdateProduct;
    let product = ProductId::new(app.checked(&caller, action, id(&path)).await?);
    let input = app.checked(&caller, action, body).await?;
    let changed = app
        .run(&caller, Access::Write, action, move |cx| {
            let patch = input.dto.into_patch(input.errors, cx.known()?.currency())?;
            if_match.check(|| locked(cx, product))?;
            let tenant = cx.known()?.tenant();
            Ok(ProductBody::of(tenant, catalog::update_product(cx, product, patch)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(changed))
}

/// Archive a product for good
///
/// It leaves every list and can no longer be ordered; orders keep their copy of its name and price.
#[utoipa::path(tag = "products", params(("id" = i64, Path, description = "The product's number")),
    responses((status = 204)))]
#[delete("/api/products/{id}/")]
async fn delete_product(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let action = Action::DeleteProduct;
    let product = ProductId::new(app.checked(&caller, action, id(&path)).await?);
    app.run(&caller, Access::Write, action, move |cx| {
        if_match.check(|| locked(cx, product))?;
        catalog::delete_product(cx, product)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
