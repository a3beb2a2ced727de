use super::super::dialect::{Db, new_id, store_error};
use super::{Session, numbered};
use crate::db::rows::InvitationRow;
use crate::db::schema::invitations;
use crate::db::types::DbInstant;
use diesel::prelude::*;
use haat_domain::error::Result;
use haat_domain::identity::{Invitation, InvitationStatus, NewInvitation};
use haat_domain::ids::{InvitationId, UserId};
use haat_domain::ports::Invitations;
use haat_domain::time::Timestamp;

fn invitation(row: QueryResult<InvitationRow>) -> Result<Option<Invitation>> {
    row.optional().map_err(store_error)?.map(Invitation::try_from).transpose()
}

/// The invitation of this number, if it can still be redeemed.
macro_rules! pending {
    ($session:expr, $id:expr, $now:expr) => {
        invitations::table
            .filter(mine!(invitations, $session.here()))
            .filter(invitations::id.eq($id.get()))
            .filter(invitations::redeemed_at.is_null())
            .filter(invitations::revoked_at.is_null())
            .filter(invitations::expires_at.gt(DbInstant($now)))
    };
}

impl Invitations for Session<'_> {
    fn insert(&mut self, new: &NewInvitation) -> Result<InvitationId> {
        let id = new_id(self.conn, "invitations")?;
        diesel::insert_into(invitations::table)
            .values((
                invitations::tenant_id.eq(self.here()),
                invitations::id.eq(id),
                invitations::email.eq(new.email.as_str()),
                invitations::email_key.eq(new.email.key()),
                invitations::role.eq(new.role.name()),
                invitations::invited_by.eq(new.invited_by.map(UserId::get)),
                invitations::token_hash.eq(&new.token_hash),
                invitations::created_at.eq(DbInstant(new.created_at)),
                invitations::expires_at.eq(DbInstant(new.expires_at)),
            ))
            .returning(invitations::id)
            .get_result(self.conn)
            .map(InvitationId::new)
            .map_err(store_error)
    }

    fn find(&mut self, id: InvitationId) -> Result<Option<Invitation>> {
        invitation(
            invitations::table
                .filter(mine!(invitations, self.here()))
                .filter(invitations::id.eq(id.get()))
                .select(InvitationRow::as_select())
                .get_result(self.conn),
        )
    }

    fn find_by_token(&mut self, token_hash: &str) -> Result<Option<Invitation>> {
        invitation(
            invitations::table
                .filter(mine!(invitations, self.here()))
                .filter(invitations::token_hash.eq(token_hash))
                .select(InvitationRow::as_select())
                .get_result(self.conn),
        )
    }

    fn page(
        &mut self,
        status: Option<InvitationStatus>,
        now: Timestamp,
        descending: bool,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Invitation>> {
        let rows = invitations::table
            .select(InvitationRow::as_select())
            .filter(mine!(invitations, self.here()))
            .into_boxed::<Db>();
        let open = invitations::redeemed_at.is_null().and(invitations::revoked_at.is_null());
        let mut rows = match status {
            Some(InvitationStatus::Redeemed) => rows.filter(invitations::redeemed_at.is_not_null()),
            Some(InvitationStatus::Revoked) => rows.filter(invitations::revoked_at.is_not_null()),
            Some(InvitationStatus::Pending) => {
                rows.filter(open).filter(invitations::expires_at.gt(DbInstant(now)))
            }
            Some(InvitationStatus::Expired) => {
                rows.filter(open).filter(invitations::expires_at.le(DbInstant(now)))
            }
            None => rows,
        };
        rows = by_id!(rows, invitations::id, numbered(after), descending);
        let rows = rows.limit(limit).load::<InvitationRow>(self.conn).map_err(store_error)?;
        rows.into_iter().map(Invitation::try_from).collect()
    }

    fn revoke(&mut self, id: InvitationId, now: Timestamp) -> Result<bool> {
        diesel::update(pending!(self, id, now))
            .set(invitations::revoked_at.eq(Some(DbInstant(now))))
            .execute(self.conn)
            .map(|rows| rows == 1)
            .map_err(store_error)
    }

    fn redeem(&mut self, id: InvitationId, now: Timestamp) -> Result<bool> {
        diesel::update(pending!(self, id, now))
            .set(invitations::redeemed_at.eq(Some(DbInstant(now))))
            .execute(self.conn)
            .map(|rows| rows == 1)
            .map_err(store_error)
    }
}
