use super::corrupt;
use crate::db::schema::{idempotency_keys, invitations, login_failures};
use crate::db::types::DbInstant;
use diesel::prelude::*;
use haat_domain::authz::Role;
use haat_domain::error::{Error, Result};
use haat_domain::idempotency::{Answer, Kept};
use haat_domain::identity::{Email, Failures, Invitation};
use haat_domain::ids::{InvitationId, UserId};

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = invitations)]
pub(in crate::db) struct InvitationRow {
    id: i64,
    email: String,
    role: String,
    invited_by: Option<i64>,
    created_at: DbInstant,
    expires_at: DbInstant,
    redeemed_at: Option<DbInstant>,
    revoked_at: Option<DbInstant>,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = Error;

    fn try_from(row: InvitationRow) -> Result<Self> {
        Ok(Self {
            id: InvitationId::new(row.id),
            role: Role::from_name(&row.role).ok_or_else(|| corrupt("invitations", row.id, "role"))?,
            email: Email::from_stored(row.email),
            invited_by: row.invited_by.map(UserId::new),
            created_at: row.created_at.0,
            expires_at: row.expires_at.0,
            redeemed_at: row.redeemed_at.map(|at| at.0),
            revoked_at: row.revoked_at.map(|at| at.0),
        })
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = idempotency_keys)]
pub(in crate::db) struct KeptRow {
    user_id: i64,
    fingerprint: String,
    status: Option<i64>,
    location: Option<String>,
    body: Option<String>,
}

impl TryFrom<KeptRow> for Kept {
    type Error = Error;

    fn try_from(row: KeptRow) -> Result<Self> {
        let corrupt = |_| corrupt("idempotency_keys", row.user_id, "status");
        let status = row.status.map(u16::try_from).transpose().map_err(corrupt)?;
        let (location, body) = (row.location, row.body.unwrap_or_default());
        let answer = status.map(|status| Answer { status, location, body });
        Ok(Self { fingerprint: row.fingerprint, answer })
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = login_failures)]
pub(in crate::db) struct FailuresRow {
    failures: i64,
    last_at: DbInstant,
    blocked_until: DbInstant,
}

impl From<FailuresRow> for Failures {
    fn from(row: FailuresRow) -> Self {
        Self { count: row.failures, last_at: row.last_at.0, blocked_until: row.blocked_until.0 }
    }
}
