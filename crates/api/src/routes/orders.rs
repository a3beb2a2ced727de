//! Orders.

use crate::app::App;
use crate::auth::Caller;
use crate::input::{Body, id, list, optional, page, query, query_reference, reference};
use crate::problem::ApiError;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use haat_domain::authz::Action;
use haat_domain::catalog::Sku;
use haat_domain::error::{Error, FieldErrors};
use haat_domain::ids::{OrderId, ProductId, TenantId, UserId};
use haat_domain::orders::{
    self, Line, LineRequest, LinesChange, MAX_LINES, Order, OrderFilter, OrderKey, OrderPatch, OrderStatus,
    PlaceOrder,
};
use haat_domain::page::{PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::pricing::Quantity;
use haat_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_orders)
        .service(place_order)
        .service(get_order)
        .service(update_order)
        .service(delete_order)
        .service(cancel_order);
}

/// One line of an order: name and price as they were when it was placed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
pub struct LineBody {
    /// The product's number.
    product: i64,
    /// The product's SKU then.
    sku: Option<String>,
    /// The product's name then.
    name: String,
    /// The price of one piece then, in major units of the order's currency.
    #[schema(example = "999.99")]
    unit_price: String,
    /// How many pieces.
    quantity: i64,
    /// Price times quantity, in major units of the order's currency.
    #[schema(example = "1999.98")]
    line_total: String,
}

impl LineBody {
    fn of(line: &Line) -> Self {
        Self {
            product: line.product.get(),
            sku: line.sku.as_ref().map(|sku: &Sku| sku.as_str().to_owned()),
            name: line.name.as_str().to_owned(),
            unit_price: line.unit_price.to_string(),
            quantity: line.quantity.get(),
            line_total: line.line_total.to_string(),
        }
    }
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderBody {
    /// Its number on this server.
    #[schema(minimum = 1)]
    id: i64,
    /// Its number in the store: 1001, 1002, ...
    #[schema(minimum = 1001)]
    number: i64,
    /// The product, where there is one line; else null.
    product: Option<i64>,
    /// The number of pieces, where there is one line; else null.
    quantity: Option<i64>,
    /// The sum of its lines, in major units of `currency`.
    #[schema(example = "1999.98")]
    total_price: String,
    /// The currency of all its amounts (ISO 4217).
    #[schema(example = "INR")]
    currency: &'static str,
    /// Where it is: `pending`, `confirmed`, `shipped`, `delivered` or `cancelled`.
    #[schema(pattern = "^(pending|confirmed|shipped|delivered|cancelled)$")]
    status: &'static str,
    /// What was ordered, 1 to 100 lines.
    lines: Vec<LineBody>,
    /// The store it belongs to.
    tenant: i64,
    /// The user whose order it is.
    customer: i64,
    /// When it was placed (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed (RFC 3339, UTC).
    #[schema(format = DateTime)]
    updated_at: String,
}

impl OrderBody {
    fn of(tenant: TenantId, order: &Order) -> Self {
        let only = match order.lines.as_slice() {
            [only] => Some((only.product.get(), only.quantity.get())),
            _ => None,
        };
        Self {
            id: order.id.get(),
            number: order.number,
            product: only.map(|(product, _)| product),
            quantity: only.map(|(_, quantity)| quantity),
            total_price: order.total.to_string(),
            currency: order.total.currency().code(),
            status: order.status.name(),
            lines: order.lines.iter().map(LineBody::of).collect(),
            tenant: tenant.get(),
            customer: order.customer.get(),
            created_at: order.created_at.to_string(),
            updated_at: order.updated_at.to_string(),
        }
    }
}

/// A wish for some pieces of a product.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[schema(as = OrderLineInput)]
pub struct LineInput {
    /// The product's number.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, example = 1)]
    product: Option<i64>,
    /// How many pieces, 1 to 1000000.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, minimum = 1, maximum = 1_000_000, example = 2)]
    quantity: Option<i64>,
}

/// A wish to order: `product` and `quantity`, or `lines`.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct OrderInput {
    /// The product's number, in an order of one line.
    #[schema(nullable = false, example = 1)]
    product: Option<i64>,
    /// How many pieces, 1 to 1000000, in an order of one line.
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000, example = 2)]
    quantity: Option<i64>,
    /// 1 to 100 lines; the same product twice is summed.
    #[validate(nested)]
    #[schema(nullable = false, min_items = 1, max_items = 100)]
    lines: Option<Vec<LineInput>>,
    /// The user for whom owner or staff place the order; ignored when a customer sends it.
    #[schema(nullable = false)]
    customer: Option<i64>,
}

impl OrderInput {
    fn into_wish(self) -> Result<PlaceOrder, Error> {
        let mut errors = FieldErrors::default();
        let lines = match self.lines {
            Some(lines) => many(&lines, &mut errors),
            None => single(self.product, self.quantity, &mut errors),
        };
        errors.finish()?;
        Ok(PlaceOrder { customer: self.customer.map(reference).map(UserId::new), lines })
    }
}

fn single(product: Option<i64>, quantity: Option<i64>, errors: &mut FieldErrors) -> Vec<LineRequest> {
    if product.is_none() {
        errors.add("product", "is required");
    }
    if quantity.is_none() {
        errors.add("quantity", "is required");
    }
    let quantity = quantity.and_then(|quantity| errors.check("quantity", Quantity::parse(quantity)));
    let line = product.zip(quantity).map(|(product, quantity)| LineRequest {
        product: ProductId::new(reference(product)),
        quantity,
        field: "product".to_owned(),
    });
    line.into_iter().collect()
}

fn many(lines: &[LineInput], errors: &mut FieldErrors) -> Vec<LineRequest> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        errors.add("lines", format!("must have 1 to {MAX_LINES} lines"));
        return Vec::new();
    }
    let mut wanted = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let quantity =
            errors.check(&format!("lines[{index}].quantity"), Quantity::parse(line.quantity.unwrap_or(0)));
        if let (Some(product), Some(quantity)) = (line.product, quantity) {
            let field = format!("lines[{index}].product");
            wanted.push(LineRequest { product: ProductId::new(reference(product)), quantity, field });
        }
    }
    wanted
}

/// Changes to an order; what is absent stays as it is. Lines change only while it is pending.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct OrderChanges {
    /// Where to move it: `confirmed`, `shipped`, `delivered` or `cancelled`.
    #[schema(nullable = false, pattern = "^(pending|confirmed|shipped|delivered|cancelled)$")]
    status: Option<String>,
    /// Another product, in an order of one line.
    #[schema(nullable = false)]
    product: Option<i64>,
    /// Another number of pieces, in an order of one line.
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    quantity: Option<i64>,
    /// Other lines altogether. What the order had keeps its price; what is new comes at today's.
    #[validate(nested)]
    #[schema(nullable = false, min_items = 1, max_items = 100)]
    lines: Option<Vec<LineInput>>,
}

impl OrderChanges {
    fn into_patch(self) -> Result<OrderPatch, Error> {
        let mut errors = FieldErrors::default();
        let status = self.status.and_then(|status| errors.check("status", OrderStatus::parse(&status)));
        let quantity = self.quantity.and_then(|quantity| errors.check("quantity", Quantity::parse(quantity)));
        let product = self.product.map(reference).map(ProductId::new);
        let lines = match self.lines {
            Some(lines) => Some(LinesChange::All(many(&lines, &mut errors))),
            None if product.is_some() || quantity.is_some() => {
                Some(LinesChange::Single { product, quantity })
            }
            None => None,
        };
        errors.finish()?;
        Ok(OrderPatch { lines, status })
    }
}

/// Which orders, in which order, from where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// At most so many rows (default 100).
    #[param(required = false, value_type = i64, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The mark of the page to begin at, as the `Link` header gave it.
    cursor: Option<String>,
    /// `id`, `created_at` or `total_price`; with `-` in front: descending. Default `-id`, the newest first.
    ordering: Option<String>,
    /// `pending`, `confirmed`, `shipped`, `delivered` or `cancelled`.
    status: Option<String>,
    /// Of this user.
    #[param(required = false, value_type = i64)]
    customer: Option<String>,
    /// With a line of this product.
    #[param(required = false, value_type = i64)]
    product: Option<String>,
    /// Placed at this time or later (RFC 3339).
    #[param(format = DateTime)]
    created_after: Option<String>,
    /// Placed before this time (RFC 3339).
    #[param(format = DateTime)]
    created_before: Option<String>,
}

impl OrderQuery {
    /// Whether answering takes looking at rows that are not shown.
    fn access(&self) -> Access {
        let filtered = [&self.status, &self.product, &self.created_after, &self.created_before];
        if filtered.iter().any(|filter| filter.is_some()) { Access::Scan } else { Access::Read }
    }

    fn parse(&self) -> Result<(OrderFilter, PageRequest<OrderKey>), Error> {
        let mut errors = FieldErrors::default();
        let newest = Sort { by: OrderKey::Id, descending: true };
        let (limit, cursor, ordering) =
            (self.limit.as_deref(), self.cursor.as_deref(), self.ordering.as_deref());
        let request = page(limit, cursor, ordering, newest, &mut errors);
        let errors_in = &mut errors;
        let filter = OrderFilter {
            status: optional(errors_in, "status", self.status.as_deref(), OrderStatus::parse),
            customer: optional(errors_in, "customer", self.customer.as_deref(), query_reference)
                .map(UserId::new),
            product: optional(errors_in, "product", self.product.as_deref(), query_reference)
                .map(ProductId::new),
            created_after: optional(
                errors_in,
                "created_after",
                self.created_after.as_deref(),
                Timestamp::parse,
            ),
            created_before: optional(
                errors_in,
                "created_before",
                self.created_before.as_deref(),
                Timestamp::parse,
            ),
        };
        errors.finish()?;
        Ok((filter, request))
    }
}

/// List orders
///
/// Owner and staff see all of the store's, customers their own.
#[utoipa::path(tag = "orders", params(OrderQuery), responses((status = 200, body = [OrderBody])))]
#[get("/api/orders/")]
async fn list_orders(app: Data<App>, caller: Caller, req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadOrders;
    let wanted: OrderQuery = app.checked(&caller, action, query(&req)).await?;
    let (rows, next) = app
        .run(&caller, wanted.access(), action, move |cx| {
            let (filter, request) = wanted.parse()?;
            let tenant = cx.known()?.tenant();
            let page = orders::list_orders(cx, filter, &request)?;
            Ok((page.items.iter().map(|order| OrderBody::of(tenant, order)).collect::<Vec<_>>(), page.next))
        })
        .await?;
    Ok(list(&req, &rows, next.as_ref()))
}

/// Place an order
///
/// The server computes every price from the products of this moment and freezes it. Stock is taken with the order or
/// not at all. Owner and staff may place it for a `customer`.
#[utoipa::path(tag = "orders", request_body = OrderInput,
    responses((status = 201, body = OrderBody), (status = 409, description = "`insufficient_stock`, with `available`")))]
#[post("/api/orders/")]
async fn place_order(
    app: Data<App>,
    caller: Caller,
    Body(body): Body<OrderInput>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::PlaceOrder;
    let wish = body.and_then(|input| Ok(input.into_wish()?));
    let wish = app.checked(&caller, action, wish).await?;
    let order = app
        .run(&caller, Access::Write, action, move |cx| {
            let tenant = cx.known()?.tenant();
            Ok(OrderBody::of(tenant, &orders::place_order(cx, wish)?))
        })
        .await?;
    Ok(HttpResponse::Created().insert_header(("Location", format!("/api/orders/{}/", order.id))).json(order))
}

/// Read an order
#[utoipa::path(tag = "orders", params(("id" = i64, Path, description = "The order's number on this server")),
    responses((status = 200, body = OrderBody)))]
#[get("/api/orders/{id}/")]
async fn get_order(app: Data<App>, caller: Caller, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadOrders;
    let order = OrderId::new(app.checked(&caller, action, id(&path)).await?);
    let found = app
        .run(&caller, Access::Read, action, move |cx| {
            let tenant = cx.known()?.tenant();
            Ok(OrderBody::of(tenant, &orders::read_order(cx, order)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(found))
}

/// Move or change an order
///
/// A move that was made already changes nothing and is no error.
#[utoipa::path(tag = "orders", params(("id" = i64, Path, description = "The order's number on this server")),
    request_body = OrderChanges,
    responses((status = 200, body = OrderBody),
        (status = 409, description = "`illegal_transition` with `allowed`, `order_not_pending`, or `insufficient_stock`")))]
#[patch("/api/orders/{id}/")]
async fn update_order(
    app: Data<App>,
    caller: Caller,
    path: Path<String>,
    Body(body): Body<OrderChanges>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::UpdateOrder;
    let order = OrderId::new(app.checked(&caller, action, id(&path)).await?);
    let patch = body.and_then(|input| Ok(input.into_patch()?));
    let patch = app.checked(&caller, action, patch).await?;
    let changed = app
        .run(&caller, Access::Write, action, move |cx| {
            let tenant = cx.known()?.tenant();
            Ok(OrderBody::of(tenant, &orders::update_order(cx, order, patch)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(changed))
}

/// Cancel and hide an order
///
/// Its stock goes back. An order on its way stays.
#[utoipa::path(tag = "orders", params(("id" = i64, Path, description = "The order's number on this server")),
    responses((status = 204), (status = 409, description = "`illegal_transition`, with `allowed`")))]
#[delete("/api/orders/{id}/")]
async fn delete_order(app: Data<App>, caller: Caller, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let action = Action::DeleteOrder;
    let order = OrderId::new(app.checked(&caller, action, id(&path)).await?);
    app.run(&caller, Access::Write, action, move |cx| orders::delete_order(cx, order)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Cancel an order
///
/// Its stock goes back. Customers cancel their own while it is pending.
#[utoipa::path(tag = "orders", params(("id" = i64, Path, description = "The order's number on this server")),
    responses((status = 200, body = OrderBody), (status = 409, description = "`illegal_transition`, with `allowed`")))]
#[post("/api/orders/{id}/cancel/")]
async fn cancel_order(app: Data<App>, caller: Caller, path: Path<String>) -> Result<HttpResponse, ApiError> {
    let action = Action::CancelOrder;
    let order = OrderId::new(app.checked(&caller, action, id(&path)).await?);
    let cancelled = app
        .run(&caller, Access::Write, action, move |cx| {
            let tenant = cx.known()?.tenant();
            Ok(OrderBody::of(tenant, &orders::cancel_order(cx, order)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(cancelled))
}
