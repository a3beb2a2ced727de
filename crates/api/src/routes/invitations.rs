//! Invitations into a store, for its owner.

use crate::auth::Sender;
use crate::input::{Body, id, list, optional, page, query};
use crate::once::{Created, create};
use crate::precondition::IfMatch;
use crate::problem::ApiError;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use haat_app::App;
use haat_domain::authz::{Action, Role};
use haat_domain::error::{Error, FieldErrors};
use haat_domain::identity::{self, Email, Invitation, InvitationKey, InvitationStatus, InviteToken};
use haat_domain::ids::InvitationId;
use haat_domain::page::{PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_invitations)
        .service(create_invitation)
        .service(get_invitation)
        .service(revoke_invitation);
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
pub struct InvitationBody {
    /// Its number.
    #[schema(minimum = 1)]
    id: i64,
    /// Who is invited.
    #[schema(format = Email)]
    email: String,
    /// As what: `owner`, `staff` or `customer`.
    #[schema(pattern = "^(owner|staff|customer)$")]
    role: &'static str,
    /// `pending`, `redeemed`, `revoked` or `expired`.
    #[schema(pattern = "^(pending|redeemed|revoked|expired)$")]
    status: &'static str,
    /// When it was made (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends (RFC 3339, UTC).
    #[schema(format = DateTime)]
    expires_at: String,
}

impl InvitationBody {
    fn of(invitation: &Invitation, now: Timestamp) -> Self {
        Self {
            id: invitation.id.get(),
            email: invitation.email.as_str().to_owned(),
            role: invitation.role.name(),
            status: invitation.status(now).name(),
            created_at: invitation.created_at.to_string(),
            expires_at: invitation.expires_at.to_string(),
        }
    }
}

/// An invitation that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewInvitation)]
pub struct NewInvitationBody {
    #[serde(flatten)]
    invitation: InvitationBody,
    /// What the invited person registers with, as `invite_token`. It is shown once: null when the answer is replayed.
    #[schema(example = "invite-7-00112233445566778899aabbccddeeff")]
    token: Option<String>,
}

/// Whom to invite, and as what.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct InvitationInput {
    /// The e-mail address that they will register with.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, format = Email, max_length = 254)]
    email: Option<String>,
    /// `owner`, `staff` or `customer`.
    #[validate(required(message = "is required"))]
    #[schema(required, nullable = false, pattern = "^(owner|staff|customer)$")]
    role: Option<String>,
}

impl InvitationInput {
    fn parse(self, mut errors: FieldErrors) -> Result<(Email, Role), Error> {
        let email = self.email.and_then(|email| errors.check("email", Email::parse(&email)));
        let role = self.role.and_then(|role| errors.check("role", Role::parse_member(&role)));
        errors.finish()?;
        email.zip(role).ok_or_else(|| Error::invalid("email", "is required"))
    }
}

/// Which invitations, in which order, from where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InvitationQuery {
    /// At most so many rows (default 100).
    #[param(required = false, value_type = i64, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The mark of the page to begin at, as the `Link` header gave it.
    cursor: Option<String>,
    /// `id` or `-id` (default), the newest first.
    #[param(pattern = "^-?id$")]
    ordering: Option<String>,
    /// `pending`, `redeemed`, `revoked` or `expired`.
    #[param(pattern = "^(pending|redeemed|revoked|expired)?$")]
    status: Option<String>,
}

impl InvitationQuery {
    fn parse(&self) -> Result<(Option<InvitationStatus>, PageRequest<InvitationKey>), Error> {
        let mut errors = FieldErrors::default();
        let newest = Sort { by: InvitationKey::Id, descending: true };
        let (limit, cursor, ordering) =
            (self.limit.as_deref(), self.cursor.as_deref(), self.ordering.as_deref());
        let request = page(limit, cursor, ordering, newest, &mut errors);
        let status = optional(&mut errors, "status", self.status.as_deref(), InvitationStatus::parse);
        errors.finish()?;
        Ok((status, request))
    }
}

/// List invitations
#[utoipa::path(tag = "invitations", params(InvitationQuery), responses((status = 200, body = [InvitationBody])))]
#[get("/api/invitations/")]
async fn list_invitations(
    app: Data<App>,
    Sender(caller): Sender,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadInvitations;
    let wanted: InvitationQuery = app.checked(&caller, action, query(&req)).await?;
    let (rows, next) = app
        .list(&caller, Access::Scan, action, move |cx| {
            let (status, request) = wanted.parse()?;
            let page = identity::list_invitations(cx, status, &request)?;
            let rows: Vec<_> = page.items.iter().map(|row| InvitationBody::of(row, cx.now())).collect();
            Ok((rows, page.next))
        })
        .await?;
    Ok(list(&req, &rows, next.as_ref()))
}

/// Invite somebody
///
/// Whoever registers with the token and this e-mail address within seven days becomes this in the store, once.
#[utoipa::path(tag = "invitations", request_body = InvitationInput,
    responses((status = 201, body = NewInvitationBody), (status = 409, description = "`email_taken`")))]
#[post("/api/invitations/")]
async fn create_invitation(
    app: Data<App>,
    Sender(caller): Sender,
    Body(body): Body<InvitationInput>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::CreateInvitation;
    let input = body.and_then(|draft| draft.claimed(InvitationInput::parse));
    let (claim, (email, role)) = app.checked(&caller, action, input).await?;
    let random = app.random.secret()?;
    let made = create(&app, &caller, action, claim, move |cx| {
        let (invitation, token): (_, InviteToken) = identity::invite(cx, email, role, random)?;
        let shown =
            |token| NewInvitationBody { invitation: InvitationBody::of(&invitation, cx.now()), token };
        let location = format!("/api/invitations/{}/", invitation.id);
        Created::new(location, &shown(Some(token.expose())))?.keeping(&shown(None))
    });
    let mut made = made.await?;
    // Nobody keeps a secret that is shown once; and what is read later is something else.
    made.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(made)
}

/// Read an invitation
#[utoipa::path(tag = "invitations", params(("id" = i64, Path, description = "The invitation's number")),
    responses((status = 200, body = InvitationBody)))]
#[get("/api/invitations/{id}/")]
async fn get_invitation(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadInvitations;
    let id = InvitationId::new(app.checked(&caller, action, id(&path)).await?);
    let found = app
        .run(&caller, Access::Read, action, move |cx| {
            let now = cx.now();
            Ok(InvitationBody::of(&identity::read_invitation(cx, id)?, now))
        })
        .await?;
    Ok(HttpResponse::Ok().json(found))
}

/// Take an invitation back
///
/// One that nobody can redeem any more stays as it is.
#[utoipa::path(tag = "invitations", params(("id" = i64, Path, description = "The invitation's number")),
    responses((status = 204)))]
#[delete("/api/invitations/{id}/")]
async fn revoke_invitation(
    app: Data<App>,
    Sender(caller): Sender,
    path: Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let action = Action::RevokeInvitation;
    let id = InvitationId::new(app.checked(&caller, action, id(&path)).await?);
    app.run(&caller, Access::Write, action, move |cx| {
        let now = cx.now();
        // Without a lock: to take it back is one conditional statement.
        if_match.check(|| Ok(InvitationBody::of(&identity::read_invitation(cx, id)?, now)))?;
        identity::revoke_invitation(cx, id)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
