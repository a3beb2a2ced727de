//! The installation: stores, for platform admins.

use super::store::StoreBody;
use crate::auth::Sender;
use crate::input::{Body, Draft, id, list, optional, page, query};
use crate::once::{Created, create};
use crate::precondition::IfMatch;
use crate::problem::ApiError;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use haat_app::{App, Caller};
use haat_domain::authz::Action;
use haat_domain::error::{Error, FieldErrors};
use haat_domain::ids::TenantId;
use haat_domain::money::Currency;
use haat_domain::page::{PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::tenancy::{self, NewTenant, StoreName, TenantFilter, TenantKey, TenantStatus};
use haat_domain::text::Search;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_tenants)
        .service(create_tenant)
        .service(get_tenant)
        .service(update_tenant)
        .service(suspend_tenant)
        .service(resume_tenant);
}

/// A store to be. It has no users yet: create its owner with `POST /api/users/` and `X-Haat-Store`.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct TenantInput {
    /// Its name, 1 to 100 characters on one line, that no other store has.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The currency of its prices (ISO 4217); by default the installation's.
    #[schema(nullable = false, example = "INR")]
    currency: Option<String>,
}

impl TenantInput {
    fn into_new(self, mut errors: FieldErrors, default: Currency) -> Result<NewTenant, ApiError> {
        let name = errors.check("name", StoreName::parse(self.name.as_deref().unwrap_or_default()));
        let currency =
            self.currency.map_or(Some(default), |code| errors.check("currency", Currency::parse(&code)));
        errors.finish()?;
        let (name, currency) = name.zip(currency).ok_or_else(|| Error::invalid("name", "is required"))?;
        Ok(NewTenant { name, currency })
    }
}

/// Changes to a store; what is absent stays as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct TenantChanges {
    /// A new name, 1 to 100 characters on one line, that no other store has.
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    name: Option<String>,
}

/// Which stores, in which order, from where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TenantQuery {
    /// At most so many rows (default 100).
    #[param(required = false, value_type = i64, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The mark of the page to begin at, as the `Link` header gave it.
    cursor: Option<String>,
    /// `id` (default) or `-id`.
    #[param(pattern = "^-?id$")]
    ordering: Option<String>,
    /// `active` or `suspended`.
    #[param(pattern = "^(active|suspended)?$")]
    status: Option<String>,
    /// Words that must all be in the name, whatever their case.
    #[param(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    search: Option<String>,
}

impl TenantQuery {
    fn parse(&self) -> Result<(TenantFilter, PageRequest<TenantKey>), Error> {
        let mut errors = FieldErrors::default();
        let by_id = Sort { by: TenantKey::Id, descending: false };
        let (limit, cursor, ordering) =
            (self.limit.as_deref(), self.cursor.as_deref(), self.ordering.as_deref());
        let request = page(limit, cursor, ordering, by_id, &mut errors);
        let filter = TenantFilter {
            status: optional(&mut errors, "status", self.status.as_deref(), TenantStatus::parse),
            search: optional(&mut errors, "search", self.search.as_deref(), Search::parse).flatten(),
        };
        errors.finish()?;
        Ok((filter, request))
    }
}

/// List stores
#[utoipa::path(tag = "platform", params(TenantQuery), responses((status = 200, body = [StoreBody])))]
#[get("/api/platform/tenants/")]
async fn list_tenants(
    app: Data<App>,
    Sender(caller): Sender,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadTenants;
    let wanted: TenantQuery = app.checked(&caller, action, query(&req)).await?;
    let page = app
        .run(&caller, Access::Scan, action, move |cx| {
            let (filter, request) = wanted.parse()?;
            tenancy::list_tenants(cx, &filter, &request)
        })
        .await?;
    let rows: Vec<_> = page.items.into_iter().map(StoreBody::from).collect();
    Ok(list(&req, &rows, page.next.as_ref()))
}

/// Open a store
#[utoipa::path(tag = "platform", request_body = TenantInput,
    responses((status = 201, body = StoreBody), (status = 409, description = "`tenant_taken`")))]
#[post("/api/platform/tenants/")]
async fn create_tenant(
    app: Data<App>,
    Sender(caller): Sender,
    Body(body): Body<TenantInput>,
) -> Result<HttpResponse, ApiError> {
    let (action, currency) = (Action::CreateTenant, app.currency);
    let new = body.and_then(|draft| draft.claimed(|dto, errors| dto.into_new(errors, currency)));
    let (claim, new) = app.checked(&caller, action, new).await?;
    create(&app, &caller, action, claim, move |cx| {
        let store = StoreBody::from(tenancy::create_tenant(cx, &new)?);
        Created::new(format!("/api/platform/tenants/{}/", store.id), &store)
    })
    .await
}

/// Read a store
#[utoipa::path(tag = "platform", params(("id" = i64, Path, description = "The store's number")),
    responses((status = 200, body = StoreBody)))]
#[get("/api/platform/tenants/{id}/")]
async fn get_tenant(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadTenants;
    let tenant = TenantId::new(app.checked(&caller, action, id(&path)).await?);
    let store = app.run(&caller, Access::Read, action, move |cx| tenancy::read_tenant(cx, tenant)).await?;
    Ok(HttpResponse::Ok().json(StoreBody::from(store)))
}

/// Rename a store
#[utoipa::path(tag = "platform", params(("id" = i64, Path, description = "The store's number")),
    request_body = TenantChanges,
    responses((status = 200, body = StoreBody), (status = 409, description = "`tenant_taken`")))]
#[patch("/api/platform/tenants/{id}/")]
async fn update_tenant(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
    if_match: IfMatch,
    Body(body): Body<TenantChanges>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::UpdateTenant;
    let tenant = TenantId::new(app.checked(&caller, action, id(&path)).await?);
    let name = body.and_then(Draft::whole).and_then(|input| {
        let name = input.name.as_deref().map(StoreName::parse).transpose();
        Ok(name.map_err(|fault| fault.on("name"))?)
    });
    let name = app.checked(&caller, action, name).await?;
    let store = app
        .run(&caller, Access::Write, action, move |cx| {
            if_match.check(|| tenancy::lock_tenant(cx, tenant).map(StoreBody::from))?;
            tenancy::update_tenant(cx, tenant, name)
        })
        .await?;
    Ok(HttpResponse::Ok().json(StoreBody::from(store)))
}

/// Suspend a store
///
/// Its users are turned away from the next request on; its data is kept.
#[utoipa::path(tag = "platform", params(("id" = i64, Path, description = "The store's number")),
    responses((status = 200, body = StoreBody)))]
#[post("/api/platform/tenants/{id}/suspend/")]
async fn suspend_tenant(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    set_status(&app, &caller, &path, TenantStatus::Suspended).await
}

/// Resume a store
#[utoipa::path(tag = "platform", params(("id" = i64, Path, description = "The store's number")),
    responses((status = 200, body = StoreBody)))]
#[post("/api/platform/tenants/{id}/resume/")]
async fn resume_tenant(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    set_status(&app, &caller, &path, TenantStatus::Active).await
}

async fn set_status(
    app: &App,
    caller: &Caller,
    path: &str,
    status: TenantStatus,
) -> Result<HttpResponse, ApiError> {
    let action = status.set_by();
    let tenant = TenantId::new(app.checked(caller, action, id(path)).await?);
    let work = move |cx: &mut haat_domain::cx::Cx<'_>| tenancy::set_tenant_status(cx, tenant, status);
    let store = app.run(caller, Access::Write, action, work).await?;
    Ok(HttpResponse::Ok().json(StoreBody::from(store)))
}
