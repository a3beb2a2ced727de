//! Orders.

mod input;

use crate::auth::Sender;
use crate::input::{Body, as_text, id, list, query};
use crate::once::{Created, create};
use crate::precondition::IfMatch;
use crate::problem::ApiError;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use haat_app::App;
use haat_domain::authz::Action;
use haat_domain::catalog::Sku;
use haat_domain::cx::Cx;
use haat_domain::error::Error;
use haat_domain::ids::{OrderId, TenantId};
use haat_domain::money::Money;
use haat_domain::orders::{self, Line, Order};
use haat_domain::ports::Access;
use haat_domain::time::Timestamp;
use input::{OrderChanges, OrderInput, OrderQuery};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

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
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, example = "999.99")]
    unit_price: Money,
    /// How many pieces.
    quantity: i64,
    /// Price times quantity, in major units of the order's currency.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, example = "1999.98")]
    line_total: Money,
}

impl LineBody {
    fn of(line: &Line) -> Self {
        Self {
            product: line.product.get(),
            sku: line.sku.as_ref().map(|sku: &Sku| sku.as_str().to_owned()),
            name: line.name.as_str().to_owned(),
            unit_price: line.unit_price,
            quantity: line.quantity.get(),
            line_total: line.line_total,
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
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, example = "1999.98")]
    total_price: Money,
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
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed (RFC 3339, UTC).
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
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
            total_price: order.total,
            currency: order.total.currency().code(),
            status: order.status.name(),
            lines: order.lines.iter().map(LineBody::of).collect(),
            tenant: tenant.get(),
            customer: order.customer.get(),
            created_at: order.created_at,
            updated_at: order.updated_at,
        }
    }
}

/// List orders
///
/// Owner and staff see all of the store's, customers their own.
#[utoipa::path(tag = "orders", params(OrderQuery), responses((status = 200, body = [OrderBody])))]
#[get("/api/orders/")]
async fn list_orders(
    app: Data<App>,
    Sender(caller): Sender,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadOrders;
    let wanted: OrderQuery = app.checked(&caller, action, query(&req)).await?;
    let (rows, next) = app
        .list(&caller, wanted.access(), action, move |cx| {
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
    Sender(caller): Sender,
    Body(body): Body<OrderInput>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::PlaceOrder;
    let wish = body.and_then(|draft| draft.claimed(OrderInput::into_wish));
    let (claim, wish) = app.checked(&caller, action, wish).await?;
    create(&app, &caller, action, claim, move |cx| {
        let tenant = cx.known()?.tenant();
        let order = OrderBody::of(tenant, &orders::place_order(cx, wish)?);
        Created::new(format!("/api/orders/{}/", order.id), &order)
    })
    .await
}

/// Read an order
#[utoipa::path(tag = "orders", params(("id" = i64, Path, description = "The order's number on this server")),
    responses((status = 200, body = OrderBody)))]
#[get("/api/orders/{id}/")]
async fn get_order(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
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

/// An order as it is before a change.
fn locked(cx: &mut Cx<'_>, order: OrderId) -> Result<OrderBody, Error> {
    let tenant = cx.known()?.tenant();
    Ok(OrderBody::of(tenant, &orders::lock_order(cx, order)?))
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
    Sender(caller): Sender,
    path: Path<String>,
    if_match: IfMatch,
    Body(body): Body<OrderChanges>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::UpdateOrder;
    let order = OrderId::new(app.checked(&caller, action, id(&path)).await?);
    let patch = body.and_then(|draft| draft.read(OrderChanges::into_patch));
    let patch = app.checked(&caller, action, patch).await?;
    let changed = app
        .run(&caller, Access::Write, action, move |cx| {
            if_match.check(|| locked(cx, order))?;
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
async fn delete_order(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let action = Action::DeleteOrder;
    let order = OrderId::new(app.checked(&caller, action, id(&path)).await?);
    app.run(&caller, Access::Write, action, move |cx| {
        if_match.check(|| locked(cx, order))?;
        orders::delete_order(cx, order)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Cancel an order
///
/// Its stock goes back. Customers cancel their own while it is pending.
#[utoipa::path(tag = "orders", params(("id" = i64, Path, description = "The order's number on this server")),
    responses((status = 200, body = OrderBody), (status = 409, description = "`illegal_transition`, with `allowed`")))]
#[post("/api/orders/{id}/cancel/")]
async fn cancel_order(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
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
