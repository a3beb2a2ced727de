use super::invitations::{look_up, redeem};
use super::users::insert;
use super::{Email, InviteToken, NewUser, User};
use crate::authz::{Action, Role};
use crate::cx::Cx;
use crate::error::{Denied, Error, Result};
use crate::money::Currency;
use crate::tenancy::{NewTenant, StoreName, TenantStatus, find_store, found};

/// A wish to become somebody in a store.
#[derive(Debug, Clone)]
pub struct Enlist {
    /// The account.
    pub user: NewUser,
    /// Name (or, to join one, slug) of the store. May be absent where a store's owner enlists somebody.
    pub store: Option<StoreName>,
    /// What shows that they were invited.
    pub invitation: Option<InviteToken>,
    /// The currency of a new store.
    pub currency: Currency,
}

/// Registers somebody, by the role that is wished for:
///
/// - an owner opens a new store, or joins an existing one whose owner is calling;
/// - a customer joins an existing store;
/// - staff join a store whose owner is calling;
/// - whoever shows an invitation joins its store, as what it says.
///
/// Whoever else wants to be staff or a further owner is told that it takes an invitation, whether or not such a store
/// exists.
pub fn register(cx: &mut Cx<'_>, wish: &Enlist) -> Result<User> {
    let existing = match &wish.store {
        Some(name) => find_store(cx, name.as_str())?,
        None => None,
    };
    if let Some(token) = &wish.invitation {
        if wish.store.is_some() && existing.is_none_or(|store| store.id != token.tenant()) {
            return Err(Error::Forbidden(Denied::InvitationRequired));
        }
        return redeem(cx, token, &wish.user);
    }
    let mine = cx.actor().is_some_and(|actor| {
        actor.role() == Role::Owner
            && existing.as_ref().map_or(wish.store.is_none(), |store| store.id == actor.tenant())
    });
    match wish.user.role {
        Role::Owner | Role::Staff if mine => super::create_user(cx, &wish.user),
        Role::Owner => {
            let name = wish.store.clone().ok_or_else(|| Error::invalid("tenant_name", "is required"))?;
            let store = found(cx, &NewTenant { name, currency: wish.currency })?;
            insert(&mut cx.visit(&store, Action::FoundStore)?, &wish.user)
        }
        Role::Customer => {
            wish.store.as_ref().ok_or_else(|| Error::invalid("tenant_name", "is required"))?;
            let store = existing
                .filter(|store| store.status == TenantStatus::Active)
                .ok_or_else(|| Error::invalid("tenant_name", "names no store that is open"))?;
            insert(&mut cx.visit(&store, Action::JoinStore)?, &wish.user)
        }
        Role::Staff | Role::Superuser | Role::Anonymous => Err(Error::Forbidden(Denied::InvitationRequired)),
    }
}

/// Whether it makes sense to hash a password for this: what [`register`] would refuse whatever the store is refused
/// here.
pub fn may_register(
    cx: &mut Cx<'_>,
    role: Role,
    email: &Email,
    invitation: Option<&InviteToken>,
) -> Result<()> {
    if let Some(token) = invitation {
        return look_up(cx, token, Some(role), email).map(drop);
    }
    let by_owner = cx.actor().is_some_and(|actor| actor.role() == Role::Owner);
    match role {
        Role::Owner | Role::Customer => Ok(()),
        Role::Staff if by_owner => Ok(()),
        Role::Staff | Role::Superuser | Role::Anonymous => Err(Error::Forbidden(Denied::InvitationRequired)),
    }
}
