use super::{MemoryTx, next_id, rows};
use crate::error::Result;
use crate::identity::{Invitation, InvitationStatus, NewInvitation};
use crate::ids::InvitationId;
use crate::ports::Invitations;
use crate::time::Timestamp;

impl Invitations for MemoryTx {
    fn insert(&mut self, new: &NewInvitation) -> Result<InvitationId> {
        let id = next_id(&self.state.invitations, InvitationId::new, InvitationId::get);
        let NewInvitation { email, role, invited_by, token_hash, created_at, expires_at } = new.clone();
        let invitation = Invitation {
            id,
            email,
            role,
            invited_by,
            created_at,
            expires_at,
            redeemed_at: None,
            revoked_at: None,
        };
        self.state.invitations.insert((self.tenant, id), (invitation, token_hash));
        Ok(id)
    }

    fn find(&mut self, id: InvitationId) -> Result<Option<Invitation>> {
        Ok(self.state.invitations.get(&(self.tenant, id)).map(|(invitation, _)| invitation.clone()))
    }

    fn find_by_token(&mut self, token_hash: &str) -> Result<Option<Invitation>> {
        let tenant = self.tenant;
        let mut mine = self.state.invitations.iter().filter(|((other, _), _)| *other == tenant);
        let found = mine.find(|(_, (_, hash))| hash == token_hash);
        Ok(found.map(|(_, (invitation, _))| invitation.clone()))
    }

    fn page(
        &mut self,
        status: Option<InvitationStatus>,
        now: Timestamp,
        descending: bool,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Invitation>> {
        let shown = |row: &&Invitation| {
            let id = row.id.get();
            after.is_none_or(|after| if descending { id < after } else { id > after })
                && status.is_none_or(|status| row.status(now) == status)
        };
        let mine = self.state.invitations.iter().filter(|((tenant, _), _)| *tenant == self.tenant);
        let mine = mine.map(|(_, (row, _))| row).filter(shown).cloned();
        let limit = rows(limit);
        Ok(if descending { mine.rev().take(limit).collect() } else { mine.take(limit).collect() })
    }

    fn revoke(&mut self, id: InvitationId, now: Timestamp) -> Result<bool> {
        Ok(self.close(id, now, |invitation| invitation.revoked_at = Some(now)))
    }

    fn redeem(&mut self, id: InvitationId, now: Timestamp) -> Result<bool> {
        Ok(self.close(id, now, |invitation| invitation.redeemed_at = Some(now)))
    }
}

impl MemoryTx {
    fn close(&mut self, id: InvitationId, now: Timestamp, close: impl FnOnce(&mut Invitation)) -> bool {
        let found = self.state.invitations.get_mut(&(self.tenant, id)).map(|(invitation, _)| invitation);
        let pending = found.filter(|invitation| invitation.status(now) == InvitationStatus::Pending);
        pending.map(close).is_some()
    }
}
