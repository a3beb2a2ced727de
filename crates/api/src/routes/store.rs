//! The caller's store.

use crate::auth::Sender;
use crate::input::Body;
use crate::precondition::IfMatch;
use crate::problem::ApiError;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, patch};
use haat_app::App;
use haat_domain::authz::Action;
use haat_domain::error::FieldErrors;
use haat_domain::money::Currency;
use haat_domain::ports::Access;
use haat_domain::tenancy::{self, StoreName, Tenant, TenantPatch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_store).service(update_store);
}

/// A store.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Store)]
pub struct StoreBody {
    /// Its number.
    pub(super) id: i64,
    /// Its name, 1 to 100 characters.
    name: String,
    /// Its name in addresses and headers; never changes.
    slug: String,
    /// The currency of its prices (ISO 4217).
    #[schema(example = "INR")]
    currency: &'static str,
    /// `active` or `suspended`.
    #[schema(pattern = "^(active|suspended)$")]
    status: &'static str,
    /// When it was opened (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Tenant> for StoreBody {
    fn from(store: Tenant) -> Self {
        Self {
            id: store.id.get(),
            name: store.name.as_str().to_owned(),
            slug: store.slug.as_str().to_owned(),
            currency: store.currency.code(),
            status: store.status.name(),
            created_at: store.created_at.to_string(),
        }
    }
}

/// Changes to the store; what is absent stays as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct StoreChanges {
    /// A new name, 1 to 100 characters on one line, that no other store has.
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    name: Option<String>,
    /// A new currency (ISO 4217), while the store has no products.
    #[schema(nullable = false, example = "INR")]
    currency: Option<String>,
}

impl StoreChanges {
    fn into_patch(self, mut errors: FieldErrors) -> Result<TenantPatch, ApiError> {
        let patch = TenantPatch {
            name: self.name.and_then(|name| errors.check("name", StoreName::parse(&name))),
            currency: self.currency.and_then(|code| errors.check("currency", Currency::parse(&code))),
        };
        errors.finish()?;
        Ok(patch)
    }
}

/// Read the own store
#[utoipa::path(tag = "store", responses((status = 200, body = StoreBody)))]
#[get("/api/store/")]
async fn get_store(app: Data<App>, Sender(caller): Sender) -> Result<HttpResponse, ApiError> {
    let store = app.run(&caller, Access::Read, Action::ReadStore, tenancy::read_store).await?;
    Ok(HttpResponse::Ok().json(StoreBody::from(store)))
}

/// Change the own store
#[utoipa::path(tag = "store", request_body = StoreChanges,
    responses((status = 200, body = StoreBody), (status = 409, description = "`tenant_taken` or `currency_in_use`")))]
#[patch("/api/store/")]
async fn update_store(
    app: Data<App>,
    Sender(caller): Sender,
    if_match: IfMatch,
    Body(body): Body<StoreChanges>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::UpdateStore;
    let patch =
        app.checked(&caller, action, body.and_then(|draft| draft.read(StoreChanges::into_patch))).await?;
    let store = app
        .run(&caller, Access::Write, action, move |cx| {
            if_match.check(|| tenancy::lock_store(cx).map(StoreBody::from))?;
            tenancy::update_store(cx, patch)
        })
        .await?;
    Ok(HttpResponse::Ok().json(StoreBody::from(store)))
}
