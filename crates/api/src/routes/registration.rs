//! Registration: opening a store, joining one, coming by invitation.

use crate::auth::Sender;
use crate::input::Body;
use crate::problem::ApiError;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use haat_app::App;
use haat_app::people::Candidate;
use haat_domain::error::{Denied, Error, FieldErrors};
use haat_domain::identity::{self, Enlist, InviteToken};
use haat_domain::money::Currency;
use haat_domain::ports::Access;
use haat_domain::tenancy::StoreName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(register);
}

/// A wish to become somebody in a store.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct Registration {
    /// 1 to 150 letters, digits and `@ . + - _`, unique in the store whatever its case.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, min_length = 1, max_length = 150)]
    username: Option<String>,
    /// 8 to 128 characters, not a common one, not the username or the e-mail address.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, min_length = 8, max_length = 128, write_only)]
    password: Option<String>,
    /// An e-mail address, unique in the store.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, format = Email, max_length = 254)]
    email: Option<String>,
    /// `owner` opens a new store; `customer` (the default) joins an existing one; `staff`, or a further `owner`, only
    /// with the token of that store's owner or an invitation.
    #[schema(nullable = false, pattern = "^(owner|staff|customer)$")]
    role: Option<String>,
    /// The name of the new store, 1 to 100 characters; or the name or slug of the existing one.
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    tenant_name: Option<String>,
    /// The currency of a new store's prices (ISO 4217); by default the installation's.
    #[schema(nullable = false, example = "INR")]
    currency: Option<String>,
    /// What an invitation gave: makes the invited person what it says, in its store.
    #[schema(nullable = false, write_only, example = "invite-7-00112233445566778899aabbccddeeff")]
    invite_token: Option<String>,
}

/// What a registration means, before its password is hashed.
struct Wish {
    candidate: Candidate,
    store: Option<StoreName>,
    invitation: Option<InviteToken>,
    currency: Currency,
}

impl Registration {
    fn parse(self, mut errors: FieldErrors, default: Currency) -> Result<Wish, ApiError> {
        let (username, email) = (self.username.as_deref(), self.email.as_deref());
        let candidate =
            Candidate::parse(username, email, self.role.as_deref(), self.password.as_deref(), &mut errors);
        let store = self.tenant_name.and_then(|name| errors.check("tenant_name", StoreName::parse(&name)));
        let currency = self.currency.and_then(|code| errors.check("currency", Currency::parse(&code)));
        // Whatever is no invitation is none of ours: that is for the policy to say, not for the form.
        let invitation = self.invite_token.map(|token| InviteToken::parse(&token));
        errors.finish()?;
        let invitation = invitation.transpose().map_err(|_| Error::Forbidden(Denied::InvitationRequired))?;
        let candidate = candidate.ok_or_else(|| Error::invalid("username", "is required"))?;
        Ok(Wish { candidate, store, invitation, currency: currency.unwrap_or(default) })
    }
}

/// Somebody who was registered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Registered {
    /// What to log in with.
    username: String,
    /// The e-mail address.
    #[schema(format = Email)]
    email: String,
    /// `owner`, `staff` or `customer`.
    role: &'static str,
}

/// Register
///
/// An owner opens a new store; a customer joins an existing one. With the token of a store's owner: adds staff and
/// owners to that store. With an invitation: makes the invited person what it says.
#[utoipa::path(tag = "auth", security((), ("bearer" = [])), request_body = Registration,
    responses((status = 201, body = Registered), (status = 403, description = "`invitation_required`"),
        (status = 409, description = "`tenant_taken`, `username_taken` or `email_taken`")))]
#[post("/api/auth/register/")]
async fn register(
    app: Data<App>,
    Sender(caller): Sender,
    Body(body): Body<Registration>,
) -> Result<HttpResponse, ApiError> {
    let Wish { candidate, store, invitation, currency } =
        body?.read(|dto, errors| dto.parse(errors, app.currency))?;
    let (role, email, shown) = (candidate.role, candidate.email.clone(), invitation.clone());
    // Hashing is dear: only for those who may.
    app.visit(&caller, Access::Read, move |cx| identity::may_register(cx, role, &email, shown.as_ref()))
        .await?;
    let user = candidate.hashed(&app, &caller).await?;
    let wish = Enlist { user, store, invitation, currency };
    let user = app.visit(&caller, Access::Write, move |cx| identity::register(cx, &wish)).await?;
    let (username, email) = (user.username.as_str().to_owned(), user.email.as_str().to_owned());
    Ok(HttpResponse::Created().json(Registered { username, email, role: user.role.name() }))
}
