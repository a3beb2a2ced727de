//! The users of a store, for its owner.

use crate::auth::Sender;
use crate::input::{Body, id, list, optional, page, query, query_bool};
use crate::once::{Created, create};
use crate::precondition::IfMatch;
use crate::problem::ApiError;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use haat_app::App;
use haat_app::people::{Candidate, with_password};
use haat_domain::authz::{Action, Role};
use haat_domain::error::{Error, FieldErrors};
use haat_domain::identity::{self, Email, NewPassword, User, UserFilter, UserKey, UserPatch};
use haat_domain::ids::UserId;
use haat_domain::page::{PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::text::Search;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_users)
        .service(create_user)
        .service(get_user)
        .service(update_user)
        .service(delete_user);
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserBody {
    /// The user's number.
    id: i64,
    /// What the user logs in with.
    username: String,
    /// The e-mail address.
    #[schema(format = Email)]
    email: String,
    /// `owner`, `staff` or `customer`; `superuser` for a platform admin.
    #[schema(pattern = "^(owner|staff|customer|superuser)$")]
    role: &'static str,
    /// Whether the account counts.
    is_active: bool,
    /// The store it belongs to; null for a platform admin.
    tenant: Option<i64>,
    /// When it was created (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            id: user.id.get(),
            username: user.username.as_str().to_owned(),
            email: user.email.as_str().to_owned(),
            role: user.role.name(),
            is_active: user.is_active,
            tenant: user.tenant.of_store(),
            created_at: user.created_at.to_string(),
        }
    }
}

/// A user to be.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct UserInput {
    /// 1 to 150 letters, digits and `@ . + - _`, unique in the store whatever its case.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, min_length = 1, max_length = 150)]
    username: Option<String>,
    /// An e-mail address, unique in the store.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, format = Email, max_length = 254)]
    email: Option<String>,
    /// 8 to 128 characters, not a common one, not the username or the e-mail address.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, min_length = 8, max_length = 128, write_only)]
    password: Option<String>,
    /// `owner`, `staff` or `customer` (the default).
    #[schema(nullable = false, pattern = "^(owner|staff|customer)$")]
    role: Option<String>,
}

impl UserInput {
    fn into_candidate(self, mut errors: FieldErrors) -> Result<Candidate, ApiError> {
        let (username, email) = (self.username.as_deref(), self.email.as_deref());
        let candidate =
            Candidate::parse(username, email, self.role.as_deref(), self.password.as_deref(), &mut errors);
        errors.finish()?;
        Ok(candidate.ok_or_else(|| Error::invalid("username", "is required"))?)
    }
}

/// Changes to a user; what is absent stays as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct UserChanges {
    /// A new e-mail address, unique in the store.
    #[schema(nullable = false, format = Email, max_length = 254)]
    email: Option<String>,
    /// `owner`, `staff` or `customer`.
    #[schema(nullable = false, pattern = "^(owner|staff|customer)$")]
    role: Option<String>,
    /// false: deactivated, at once and everywhere.
    #[schema(nullable = false)]
    is_active: Option<bool>,
    /// A new password; ends the user's sessions.
    #[schema(nullable = false, min_length = 8, max_length = 128, write_only)]
    password: Option<String>,
}

impl UserChanges {
    fn into_patch(self, mut errors: FieldErrors) -> Result<(UserPatch, Option<NewPassword>), ApiError> {
        let patch = UserPatch {
            email: self.email.and_then(|email| errors.check("email", Email::parse(&email))),
            role: self.role.and_then(|role| errors.check("role", Role::parse_member(&role))),
            is_active: self.is_active,
            hash: None,
        };
        let password =
            self.password.and_then(|password| errors.check("password", NewPassword::parse(&password, &[])));
        errors.finish()?;
        Ok((patch, password))
    }
}

/// Which users, in which order, from where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// At most so many rows (default 100).
    #[param(required = false, value_type = i64, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The mark of the page to begin at, as the `Link` header gave it.
    cursor: Option<String>,
    /// `id` (default) or `username`; with `-` in front: descending.
    #[param(pattern = "^-?(id|username)$")]
    ordering: Option<String>,
    /// `owner`, `staff` or `customer`.
    #[param(pattern = "^(owner|staff|customer)?$")]
    role: Option<String>,
    /// Active, or not.
    #[param(required = false, value_type = bool)]
    is_active: Option<String>,
    /// Words that must all be in username or e-mail address, whatever their case.
    #[param(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    search: Option<String>,
}

impl UserQuery {
    fn parse(&self) -> Result<(UserFilter, PageRequest<UserKey>), Error> {
        let mut errors = FieldErrors::default();
        let by_id = Sort { by: UserKey::Id, descending: false };
        let (limit, cursor, ordering) =
            (self.limit.as_deref(), self.cursor.as_deref(), self.ordering.as_deref());
        let request = page(limit, cursor, ordering, by_id, &mut errors);
        let filter = UserFilter {
            role: optional(&mut errors, "role", self.role.as_deref(), Role::parse_member),
            is_active: optional(&mut errors, "is_active", self.is_active.as_deref(), query_bool),
            search: optional(&mut errors, "search", self.search.as_deref(), Search::parse).flatten(),
        };
        errors.finish()?;
        Ok((filter, request))
    }
}

/// List users
#[utoipa::path(tag = "users", params(UserQuery), responses((status = 200, body = [UserBody])))]
#[get("/api/users/")]
async fn list_users(
    app: Data<App>,
    Sender(caller): Sender,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadUsers;
    let wanted: UserQuery = app.checked(&caller, action, query(&req)).await?;
    let page = app
        .list(&caller, Access::Scan, action, move |cx| {
            let (filter, request) = wanted.parse()?;
            identity::list_users(cx, &filter, &request)
        })
        .await?;
    let rows: Vec<_> = page.items.into_iter().map(UserBody::from).collect();
    Ok(list(&req, &rows, page.next.as_ref()))
}

/// Create a user
#[utoipa::path(tag = "users", request_body = UserInput,
    responses((status = 201, body = UserBody), (status = 409, description = "`username_taken` or `email_taken`")))]
#[post("/api/users/")]
async fn create_user(
    app: Data<App>,
    Sender(caller): Sender,
    Body(body): Body<UserInput>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::CreateUser;
    let candidate = body.and_then(|draft| draft.claimed(UserInput::into_candidate));
    let (claim, candidate) = app.checked(&caller, action, candidate).await?;
    // Hashing is dear: only for those who may.
    app.permit(&caller, action).await?;
    let new = candidate.hashed(&app, &caller).await?;
    create(&app, &caller, action, claim, move |cx| {
        let user = UserBody::from(identity::create_user(cx, &new)?);
        Created::new(format!("/api/users/{}/", user.id), &user)
    })
    .await
}

/// Read a user
#[utoipa::path(tag = "users", params(("id" = i64, Path, description = "The user's number")),
    responses((status = 200, body = UserBody)))]
#[get("/api/users/{id}/")]
async fn get_user(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadUsers;
    let user = UserId::new(app.checked(&caller, action, id(&path)).await?);
    let found = app.run(&caller, Access::Read, action, move |cx| identity::read_user(cx, user)).await?;
    Ok(HttpResponse::Ok().json(UserBody::from(found)))
}

/// Change a user
///
/// Demotion and deactivation act on the user's very next request. The last active owner stays one.
#[utoipa::path(tag = "users", params(("id" = i64, Path, description = "The user's number")),
    request_body = UserChanges,
    responses((status = 200, body = UserBody), (status = 409, description = "`last_owner` or `email_taken`")))]
#[patch("/api/users/{id}/")]
async fn update_user(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
    if_match: IfMatch,
    Body(body): Body<UserChanges>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::UpdateUser;
    let user = UserId::new(app.checked(&caller, action, id(&path)).await?);
    let (patch, password) =
        app.checked(&caller, action, body.and_then(|draft| draft.read(UserChanges::into_patch))).await?;
    let patch = with_password(&app, &caller, user, patch, password).await?;
    let changed = app
        .run(&caller, Access::Write, action, move |cx| {
            if_match.check(|| identity::lock_user(cx, user).map(UserBody::from))?;
            identity::update_user(cx, user, patch)
        })
        .await?;
    Ok(HttpResponse::Ok().json(UserBody::from(changed)))
}

/// Remove a user
///
/// The account can no longer log in and is no longer listed; its name is free again; what it did stays.
#[utoipa::path(tag = "users", params(("id" = i64, Path, description = "The user's number")),
    responses((status = 204), (status = 409, description = "`last_owner`")))]
#[delete("/api/users/{id}/")]
async fn delete_user(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let action = Action::DeleteUser;
    let user = UserId::new(app.checked(&caller, action, id(&path)).await?);
    app.run(&caller, Access::Write, action, move |cx| {
        if_match.check(|| identity::lock_user(cx, user).map(UserBody::from))?;
        identity::delete_user(cx, user)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
