//! What a use case works with.

use crate::audit::Entry;
use crate::authz::{Action, Actor, PlatformScope, Realm, TenantScope, authorize, authorize_platform};
use crate::error::{AuthFailure, Error, Result};
use crate::identity::{Credential, resolve};
use crate::ports::{Directory, PlatformTx, TenantTx, Tx};
use crate::tenancy::Tenant;
use crate::time::Timestamp;

/// One open transaction, who is acting in it, and what time it is.
///
/// A use case begins with [`Cx::enter`], which asks the policy; there is no other way to a tenant's repositories:
///
/// ```compile_fail,E0599
/// use haat_domain::{ids::ProductId, ports::Tx};
/// fn unscoped(tx: &mut dyn Tx) {
///     let _ = tx.products().find(ProductId::new(1));
/// }
/// ```
///
/// Two tenants cannot be open at once:
///
/// ```compile_fail,E0499
/// use haat_domain::{authz::TenantScope, error::Result, ids::ProductId, ports::Tx};
/// fn mixed(tx: &mut dyn Tx, one: &TenantScope, other: &TenantScope) -> Result<()> {
///     let mine = tx.tenant(one)?;
///     let theirs = tx.tenant(other)?;
///     mine.products().find(ProductId::new(1))?;
///     theirs.products().find(ProductId::new(1))?;
///     Ok(())
/// }
/// ```
///
/// And an action that nobody has asked the policy about opens nothing:
///
/// ```compile_fail,E0308
/// use haat_domain::{authz::Action, error::Result, ports::Tx};
/// fn unauthorised(tx: &mut dyn Tx) -> Result<()> {
///     tx.tenant(&Action::ReadProducts)?;
///     Ok(())
/// }
/// ```
pub struct Cx<'a> {
    tx: &'a mut dyn Tx,
    actor: Option<Actor>,
    now: Timestamp,
}

/// A tenant's repositories, opened by a [`TenantScope`].
pub struct Shop<'t> {
    /// The repositories.
    pub tx: &'t mut dyn TenantTx,
    /// The permission they were opened with.
    pub scope: TenantScope,
    /// What time it is.
    pub now: Timestamp,
}

impl<'a> Cx<'a> {
    /// Nobody in particular: registration and login.
    pub fn anonymous(tx: &'a mut dyn Tx, now: Timestamp) -> Self {
        Self { tx, actor: None, now }
    }

    /// Somebody whom the program itself vouches for; see [`Actor::operator`].
    pub fn acting(tx: &'a mut dyn Tx, actor: Actor, now: Timestamp) -> Self {
        Self { tx, actor: Some(actor), now }
    }

    /// The holder of a verified access token, as the account's row says now: deactivation, demotion, suspension of
    /// the store and the end of the session act at once.
    pub fn authenticate(tx: &'a mut dyn Tx, credential: &Credential, now: Timestamp) -> Result<Self> {
        let account = tx.directory().account(credential)?;
        let actor = resolve(account, credential, now)?;
        Ok(Self { tx, actor: Some(actor), now })
    }

    /// Takes a platform admin into the store that the request names, and writes that down in the store's audit log.
    /// For anybody else this changes nothing: their store is where their account lives.
    pub fn in_store(mut self, name: &str, action: Action) -> Result<Self> {
        if self.may_enter() {
            let store = crate::tenancy::find_store(&mut self, name)?.ok_or(Error::NotFound)?;
            let actor = self.known()?.inside(&store);
            let entry = Entry::of(&actor, action, self.now);
            self.enter_store(&store)?.audit().record(&entry)?;
            self.actor = Some(actor);
        }
        Ok(self)
    }

    fn may_enter(&self) -> bool {
        self.actor.as_ref().is_some_and(|actor| authorize_platform(actor, Action::EnterStore).is_ok())
    }

    /// Who is acting.
    pub fn known(&self) -> Result<&Actor> {
        self.actor.as_ref().ok_or(Error::Unauthenticated(AuthFailure::Missing))
    }

    /// Who is acting, if anybody is known.
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// What time it is.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether the caller may do this, before anything is read or parsed.
    pub fn permit(&self, action: Action) -> Result<()> {
        let actor = self.known()?;
        if action.realm() == Realm::Platform {
            authorize_platform(actor, action).map(drop)
        } else {
            authorize(actor, action).map(drop)
        }
    }

    /// Opens the tenant acted in, for this action.
    pub fn enter(&mut self, action: Action) -> Result<Shop<'_>> {
        let scope = authorize(self.known()?, action)?;
        Ok(Shop { tx: self.tx.tenant(&scope)?, scope, now: self.now })
    }

    /// Opens a store for somebody at its door.
    pub(crate) fn visit(&mut self, store: &Tenant, action: Action) -> Result<Shop<'_>> {
        let scope = authorize(&Actor::visitor(store), action)?;
        Ok(Shop { tx: self.tx.tenant(&scope)?, scope, now: self.now })
    }

    /// Opens the installation, for this action.
    pub fn enter_platform(&mut self, action: Action) -> Result<&mut dyn PlatformTx> {
        let scope: PlatformScope = authorize_platform(self.known()?, action)?;
        self.tx.platform(&scope)
    }

    /// Opens a store to write a platform admin's doings into its audit log.
    pub(crate) fn enter_store(&mut self, store: &Tenant) -> Result<&mut dyn TenantTx> {
        let admin = self.known()?;
        authorize_platform(admin, Action::EnterStore)?;
        let scope = authorize(&admin.inside(store), Action::ReadStore)?;
        self.tx.tenant(&scope)
    }

    /// What may be looked up before anybody is known.
    pub fn directory(&mut self) -> &mut dyn Directory {
        self.tx.directory()
    }
}
