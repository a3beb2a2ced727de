//! The areas of the API. Each file has its DTOs, handlers and their documentation, and registers its own routes.

pub mod audit;
pub mod auth;
pub mod invitations;
pub mod orders;
pub mod platform;
pub mod products;
pub mod registration;
pub mod store;
pub mod system;
pub mod users;

use utoipa_actix_web::service_config::ServiceConfig;

/// All of them.
pub fn all(config: &mut ServiceConfig<'_>) {
    // The router tries one after the other: what is asked for most comes first.
    products::routes(config);
    orders::routes(config);
    registration::routes(config);
    auth::routes(config);
    store::routes(config);
    users::routes(config);
    invitations::routes(config);
    audit::routes(config);
    platform::routes(config);
    system::routes(config);
}
