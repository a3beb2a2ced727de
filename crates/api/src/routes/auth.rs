//! Login, sessions, the own account.

use super::users::UserBody;
use crate::auth::Sender;
use crate::input::{Body, Draft, query, query_bool};
use crate::precondition::IfMatch;
use crate::problem::ApiError;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use haat_app::{App, Caller, sessions};
use haat_domain::authz::Action;
use haat_domain::error::{AuthFailure, Error};
use haat_domain::identity::{self, Email, Entrance, Grant, Login, Rotation, Username};
use haat_domain::ports::Access;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(login)
        .service(refresh)
        .service(verify)
        .service(logout)
        .service(change_password)
        .service(get_me)
        .service(update_me);
}

/// Username and password.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct Credentials {
    /// The username.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false)]
    username: Option<String>,
    /// The password.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, write_only)]
    password: Option<String>,
    /// Name or slug of the store. Without it the account that first took this username on the server is meant.
    #[schema(nullable = false)]
    store: Option<String>,
}

/// A pair of tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tokens {
    /// Good for one new pair; lives 14 days without use, 90 days at most.
    refresh: String,
    /// Goes into `Authorization: Bearer ...`; lives 5 minutes.
    access: String,
    /// The store; null for a platform admin.
    tenant_id: Option<i64>,
    /// `owner`, `staff`, `customer` or `superuser`.
    role: &'static str,
}

impl Tokens {
    /// Answers with a new pair.
    fn answer(app: &App, grant: &Grant) -> Result<HttpResponse, ApiError> {
        let pair = app.tokens.issue(grant, Entrance::Api, app.clock.now())?;
        let tokens = Self {
            refresh: pair.refresh,
            access: pair.access,
            tenant_id: grant.tenant.of_store(),
            role: grant.role.name(),
        };
        Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(tokens))
    }
}

/// A refresh token.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct RefreshInput {
    /// The refresh token of the last pair.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false)]
    refresh: Option<String>,
}

/// A token.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct TokenInput {
    /// An access token or a refresh token.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false)]
    token: Option<String>,
}

/// Nothing more to say.
#[derive(Debug, Serialize, ToSchema)]
pub struct Empty {}

/// Which sessions to end.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogoutQuery {
    /// `true`: every session of the user.
    #[param(required = false, value_type = bool)]
    all: Option<String>,
}

/// The old password and a new one.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct PasswordInput {
    /// The password as it is.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, write_only)]
    old_password: Option<String>,
    /// The password as it shall be: 8 to 128 characters, not a common one, not the username or the e-mail address.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, min_length = 8, max_length = 128, write_only)]
    new_password: Option<String>,
}

/// Changes to the own account; what is absent stays as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct MeChanges {
    /// A new e-mail address, unique in the store.
    #[schema(nullable = false, format = Email, max_length = 254)]
    email: Option<String>,
}

/// Log in
#[utoipa::path(tag = "auth", security(()), request_body = Credentials,
    responses((status = 200, body = Tokens), (status = 401, description = "`invalid_credentials`"),
        (status = 429, description = "`too_many_requests`: too many failures, or too many logins at once")))]
#[post("/api/auth/login/")]
async fn login(
    app: Data<App>,
    Sender(caller): Sender,
    Body(body): Body<Credentials>,
) -> Result<HttpResponse, ApiError> {
    let Draft { dto: Credentials { username, password, store }, mut errors, .. } = body?;
    for (field, text) in [("username", &username), ("password", &password), ("store", &store)] {
        if text.as_ref().is_some_and(|text| text.contains('\0')) {
            errors.add(field, "must not contain NUL characters");
        }
    }
    errors.finish()?;
    let password = password.unwrap_or_default();
    // A name that cannot be one is nobody's, and takes as long as any other.
    let wanted =
        username.and_then(|name| Username::parse(&name).ok()).map(|username| Login { username, store });
    let grant = sessions::sign_in(&app, &caller, wanted, password).await?;
    Tokens::answer(&app, &grant)
}

/// Renew a pair of tokens
///
/// Uses the refresh token up. One that was used before ends its whole session, since somebody has stolen it.
#[utoipa::path(tag = "auth", security(()), request_body = RefreshInput,
    responses((status = 200, body = Tokens),
        (status = 401, description = "`token_not_valid`, `account_inactive` or `store_suspended`")))]
#[post("/api/auth/refresh/")]
async fn refresh(app: Data<App>, Body(body): Body<RefreshInput>) -> Result<HttpResponse, ApiError> {
    let token = app.tokens.verify_refresh(
        &body?.whole()?.refresh.unwrap_or_default(),
        Entrance::Api,
        app.clock.now(),
    )?;
    let anonymous = Caller::anonymous();
    let rotation =
        app.visit(&anonymous, Access::Write, move |cx| identity::refresh_session(cx, &token)).await?;
    match rotation {
        Rotation::Fresh(grant) => Tokens::answer(&app, &grant),
        Rotation::Reused => {
            tracing::warn!(
                session = token.session.get(),
                tenant = token.tenant.get(),
                "a refresh token was used twice"
            );
            Err(Error::Unauthenticated(AuthFailure::BadToken).into())
        }
        Rotation::Ended(failure) => Err(Error::Unauthenticated(failure).into()),
    }
}

/// Ask whether a token is good
#[utoipa::path(tag = "auth", security(()), request_body = TokenInput,
    responses((status = 200, body = Empty), (status = 401, description = "`token_not_valid`")))]
#[post("/api/auth/verify/")]
async fn verify(app: Data<App>, Body(body): Body<TokenInput>) -> Result<HttpResponse, ApiError> {
    let token = body?.whole()?.token.unwrap_or_default();
    let now = app.clock.now();
    match app.tokens.verify_refresh(&token, Entrance::Api, now) {
        Ok(renewal) => {
            let anonymous = Caller::anonymous();
            app.visit(&anonymous, Access::Read, move |cx| identity::check_refresh(cx, &renewal)).await?;
        }
        Err(_) => app.run(&Caller::with(token), Access::Read, Action::ReadSelf, |_| Ok(())).await?,
    }
    Ok(HttpResponse::Ok().json(Empty {}))
}

/// Log out
///
/// Ends the session of this token, or all of the user's; its tokens are refused from the next request on.
#[utoipa::path(tag = "auth", params(LogoutQuery), responses((status = 204)))]
#[post("/api/auth/logout/")]
async fn logout(app: Data<App>, Sender(caller): Sender, req: HttpRequest) -> Result<HttpResponse, ApiError> {
    let action = Action::EndSession;
    let all = query::<LogoutQuery>(&req).and_then(|query| {
        Ok(query
            .all
            .as_deref()
            .filter(|all| !all.is_empty())
            .map(query_bool)
            .transpose()
            .map_err(|fault| fault.on("all"))?
            .unwrap_or(false))
    });
    let end = if app.checked(&caller, action, all).await? {
        identity::end_all_sessions
    } else {
        identity::end_session
    };
    app.run(&caller, Access::Write, action, end).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Change the own password
///
/// Ends every other session of the user.
#[utoipa::path(tag = "auth", request_body = PasswordInput, responses((status = 204)))]
#[post("/api/auth/password/")]
async fn change_password(
    app: Data<App>,
    Sender(caller): Sender,
    Body(body): Body<PasswordInput>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ChangePassword;
    let PasswordInput { old_password, new_password } =
        app.checked(&caller, action, body.and_then(Draft::whole)).await?;
    let (old, new) = (old_password.unwrap_or_default(), new_password.unwrap_or_default());
    sessions::change_password(&app, &caller, old, &new).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Read the own account
#[utoipa::path(tag = "auth", responses((status = 200, body = UserBody)))]
#[get("/api/auth/me/")]
async fn get_me(app: Data<App>, Sender(caller): Sender) -> Result<HttpResponse, ApiError> {
    let user = app.run(&caller, Access::Read, Action::ReadSelf, identity::read_me).await?;
    Ok(HttpResponse::Ok().json(UserBody::from(user)))
}

/// Change the own account
#[utoipa::path(tag = "auth", request_body = MeChanges,
    responses((status = 200, body = UserBody), (status = 409, description = "`email_taken`")))]
#[patch("/api/auth/me/")]
async fn update_me(
    app: Data<App>,
    Sender(caller): Sender,
    if_match: IfMatch,
    Body(body): Body<MeChanges>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::UpdateSelf;
    let email = body.and_then(Draft::whole).and_then(|changes| {
        let email = changes.email.as_deref().map(Email::parse).transpose();
        Ok(email.map_err(|fault| fault.on("email"))?)
    });
    let email = app.checked(&caller, action, email).await?;
    let user = app
        .run(&caller, Access::Write, action, move |cx| {
            if_match.check(|| identity::lock_me(cx).map(UserBody::from))?;
            identity::update_me(cx, email)
        })
        .await?;
    Ok(HttpResponse::Ok().json(UserBody::from(user)))
}
