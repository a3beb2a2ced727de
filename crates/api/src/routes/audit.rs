//! The audit log of a store, for its owner.

use crate::auth::Sender;
use crate::input::{list, optional, page, query, query_reference};
use crate::problem::ApiError;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use haat_app::App;
use haat_domain::audit::{self, AuditFilter, AuditKey, Fact, Facts, Object, Recorded};
use haat_domain::authz::Action;
use haat_domain::error::{Error, FieldErrors, Violation};
use haat_domain::ids::UserId;
use haat_domain::page::{PageRequest, Sort};
use haat_domain::ports::Access;
use haat_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_audit);
}

/// Something that was done in the store.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct EntryBody {
    /// Its number in the store: 1, 2, 3, ...
    #[schema(minimum = 1)]
    number: i64,
    /// When it was done (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
    /// The user who did it; null: the operator of the server.
    actor: Option<i64>,
    /// The user's name then.
    actor_name: String,
    /// The role that they acted in: `owner`, `staff`, `customer` or `superuser`.
    actor_role: &'static str,
    /// What was done.
    #[schema(example = "product.update")]
    action: &'static str,
    /// What kind of thing it was done to.
    #[schema(example = "product")]
    object: Option<&'static str>,
    /// The number of that thing.
    object_id: Option<i64>,
    /// The number of the request, as its answer had it in `X-Request-Id`.
    request_id: Option<String>,
    /// What was so before, of what changed.
    #[schema(value_type = Object, additional_properties)]
    before: BTreeMap<String, Value>,
    /// What was so afterwards, of what changed.
    #[schema(value_type = Object, additional_properties)]
    after: BTreeMap<String, Value>,
    /// SHA-256 over this entry and the link of the one before it.
    link: String,
}

impl From<Recorded> for EntryBody {
    fn from(Recorded { number, entry, link }: Recorded) -> Self {
        Self {
            number,
            at: entry.at.to_string(),
            actor: entry.actor.map(UserId::get),
            actor_name: entry.actor_name,
            actor_role: entry.actor_role,
            action: entry.action.name(),
            object: entry.object.map(Object::kind),
            object_id: entry.object.map(Object::id),
            request_id: entry.request,
            before: values(&entry.before),
            after: values(&entry.after),
            link: link.as_str().to_owned(),
        }
    }
}

fn values(facts: &Facts) -> BTreeMap<String, Value> {
    let value = |fact: &Fact| match fact {
        Fact::Null => Value::Null,
        Fact::Bool(value) => Value::from(*value),
        Fact::Number(value) => Value::from(*value),
        Fact::Text(text) => Value::from(text.as_str()),
    };
    facts.iter().map(|(name, fact)| (name.to_owned(), value(fact))).collect()
}

/// Which entries, in which order, from where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// At most so many rows (default 100).
    #[param(required = false, value_type = i64, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The mark of the page to begin at, as the `Link` header gave it.
    cursor: Option<String>,
    /// `number` or `-number` (default), the newest first.
    #[param(pattern = "^-?number$")]
    ordering: Option<String>,
    /// By this user.
    #[param(required = false, value_type = i64)]
    actor: Option<String>,
    /// Of this action, for example `product.update`.
    action: Option<String>,
    /// About things of this kind: `store`, `user`, `invitation`, `product` or `order`.
    #[param(pattern = "^(store|user|invitation|product|order)?$")]
    object: Option<String>,
    /// About the thing of this number.
    #[param(required = false, value_type = i64)]
    object_id: Option<String>,
    /// Done by the request of this number.
    #[param(max_length = 128, pattern = "^[!-~]*$")]
    request_id: Option<String>,
    /// At this time or later (RFC 3339).
    #[param(format = DateTime)]
    since: Option<String>,
    /// Before this time (RFC 3339).
    #[param(format = DateTime)]
    until: Option<String>,
}

impl AuditQuery {
    fn parse(&self) -> Result<(AuditFilter, PageRequest<AuditKey>), Error> {
        let mut errors = FieldErrors::default();
        let newest = Sort { by: AuditKey::Number, descending: true };
        let (limit, cursor, ordering) =
            (self.limit.as_deref(), self.cursor.as_deref(), self.ordering.as_deref());
        let request = page(limit, cursor, ordering, newest, &mut errors);
        let action =
            |name: &str| Action::from_name(name).ok_or_else(|| Violation::new("is no action that there is"));
        let plain = |text: &str| {
            let plain = text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
            if plain { Ok(text.to_owned()) } else { Err(Violation::new("is no number of a request")) }
        };
        let all = &mut errors;
        let filter = AuditFilter {
            actor: optional(all, "actor", self.actor.as_deref(), query_reference).map(UserId::new),
            action: optional(all, "action", self.action.as_deref(), action),
            kind: optional(all, "object", self.object.as_deref(), Object::parse_kind),
            object: optional(all, "object_id", self.object_id.as_deref(), query_reference),
            request: optional(all, "request_id", self.request_id.as_deref(), plain),
            since: optional(all, "since", self.since.as_deref(), Timestamp::parse),
            until: optional(all, "until", self.until.as_deref(), Timestamp::parse),
        };
        errors.finish()?;
        Ok((filter, request))
    }
}

/// Read the audit log
///
/// Who did what in this store, the newest first. Entries are only ever added; each is linked to the one before it.
#[utoipa::path(tag = "audit", params(AuditQuery), responses((status = 200, body = [EntryBody])))]
#[get("/api/audit/")]
async fn list_audit(
    app: Data<App>,
    Sender(caller): Sender,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let action = Action::ReadAudit;
    let wanted: AuditQuery = app.checked(&caller, action, query(&req)).await?;
    let page = app
        .list(&caller, Access::Scan, action, move |cx| {
            let (filter, request) = wanted.parse()?;
            audit::list_audit(cx, &filter, &request)
        })
        .await?;
    let rows: Vec<_> = page.items.into_iter().map(EntryBody::from).collect();
    Ok(list(&req, &rows, page.next.as_ref()))
}
