//! What a use case works with.

use crate::audit::{Entry, Facts, Object};
use crate::authz::{Action, Actor, PlatformScope, Realm, TenantScope, authorize, authorize_platform};
use crate::error::{AuthFailure, Error, Result};
use crate::identity::{Credential, User, resolve};
use crate::ids::TenantId;
use crate::ports::{Directory, PlatformTx, TenantTx, Tx};
use crate::tenancy::Tenant;
use crate::time::Timestamp;
use std::sync::Arc;

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
    request: Option<Arc<str>>,
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
    by: Author<'t>,
}

/// Whom the audit log will name.
#[derive(Clone, Copy)]
struct Author<'t> {
    actor: Option<&'t Actor>,
    request: Option<&'t str>,
}

/// Proof that a platform admin's visit stands in the audit log of the store: see [`Cx::announce`].
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    store: TenantId,
}

impl Shop<'_> {
    /// Writes into the audit log what was just done: of two states what differs. Where nothing does, nothing was done.
    pub(crate) fn record(&mut self, object: Object, before: Facts, after: Facts) -> Result<()> {
        let (before, after) = Facts::changes(before, after);
        if before.is_empty() && after.is_empty() {
            return Ok(());
        }
        let entry = self.entry(object, before, after)?;
        self.tx.audit().record(&entry)
    }

    /// What the audit log is to say of what is being done.
    pub(crate) fn entry(&self, object: Object, before: Facts, after: Facts) -> Result<Entry> {
        let actor = self.by.actor.ok_or_else(|| Error::internal("nobody has done this"))?;
        let request = self.by.request.map(str::to_owned);
        let entry = Entry::of(actor, self.scope.action(), self.now);
        Ok(Entry { object: Some(object), request, before, after, ..entry })
    }

    /// Writes into the audit log who was just made a user: by whom, if anybody was known, or by themselves.
    pub(crate) fn record_newcomer(&mut self, user: &User) -> Result<()> {
        if self.by.actor.is_some() {
            return self.record(Object::User(user.id), Facts::default(), user.into());
        }
        let entry = Entry::of_newcomer(user, self.scope.action(), self.now);
        let (object, request) = (Some(Object::User(user.id)), self.by.request.map(str::to_owned));
        self.tx.audit().record(&Entry { object, request, after: user.into(), ..entry })
    }
}

impl<'a> Cx<'a> {
    /// Nobody in particular: registration and login.
    pub fn anonymous(tx: &'a mut dyn Tx, now: Timestamp) -> Self {
        Self { tx, actor: None, request: None, now }
    }

    /// Somebody whom the program itself vouches for; see [`Actor::operator`].
    pub fn acting(tx: &'a mut dyn Tx, actor: Actor, now: Timestamp) -> Self {
        Self { tx, actor: Some(actor), request: None, now }
    }

    /// The holder of a verified access token, as the account's row says now: deactivation, demotion, suspension of
    /// the store and the end of the session act at once.
    pub fn authenticate(tx: &'a mut dyn Tx, credential: &Credential, now: Timestamp) -> Result<Self> {
        let account = tx.directory().account(credential)?;
        let actor = resolve(account, credential, now)?;
        Ok(Self { tx, actor: Some(actor), request: None, now })
    }

    /// The same for a request of this number.
    #[must_use]
    pub fn for_request(mut self, number: Option<Arc<str>>) -> Self {
        self.request = number;
        self
    }

    /// Writes into a store's audit log that a platform admin is about to do this in it. That is a transaction of its
    /// own, before the one in which it is done: a visit is on record whatever comes of it. For anybody else this does
    /// nothing: their store is where their account lives.
    pub fn announce(&mut self, name: &str, action: Action) -> Result<Option<Visit>> {
        if !self.may_enter() {
            return Ok(None);
        }
        let store = crate::tenancy::find_store(self, name)?.ok_or(Error::NotFound)?;
        let wanted = Facts::default().with("action", action.name());
        self.record_in(&store, Action::EnterStore, Facts::default(), wanted)?;
        Ok(Some(Visit { store: store.id }))
    }

    /// Writes into a store's audit log what a platform admin has done to it: of two states what differs. Where nothing
    /// does, nothing was done.
    pub(crate) fn record_in(
        &mut self,
        store: &Tenant,
        action: Action,
        before: Facts,
        after: Facts,
    ) -> Result<()> {
        let admin = self.known()?;
        authorize_platform(admin, action)?;
        let (before, after) = Facts::changes(before, after);
        if before.is_empty() && after.is_empty() {
            return Ok(());
        }
        let (object, request) = (Some(Object::Store(store.id)), self.request.as_deref().map(str::to_owned));
        let entry = Entry { object, request, before, after, ..Entry::of(admin, action, self.now) };
        self.look_into(store, Action::ReadAudit)?.audit().record(&entry)
    }

    /// Opens a store for what a platform admin does from outside, without being in it. The caller has asked the policy
    /// about that.
    pub(crate) fn look_into(&mut self, store: &Tenant, action: Action) -> Result<&mut dyn TenantTx> {
        let scope = authorize(&self.known()?.inside(store), action)?;
        self.tx.tenant(&scope)
    }

    /// Takes a platform admin into the store that they have announced themselves in.
    pub fn in_store(mut self, visit: Visit) -> Result<Self> {
        authorize_platform(self.known()?, Action::EnterStore)?;
        let store = self.directory().store_by_id(visit.store)?.ok_or(Error::NotFound)?;
        self.actor = Some(self.known()?.inside(&store));
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
        let by = Author { actor: self.actor.as_ref(), request: self.request.as_deref() };
        Ok(Shop { tx: self.tx.tenant(&scope)?, scope, now: self.now, by })
    }

    /// Opens a store for somebody at its door.
    pub(crate) fn visit(&mut self, store: &Tenant, action: Action) -> Result<Shop<'_>> {
        let scope = authorize(&Actor::visitor(store), action)?;
        let by = Author { actor: None, request: self.request.as_deref() };
        Ok(Shop { tx: self.tx.tenant(&scope)?, scope, now: self.now, by })
    }

    /// Opens the installation, for this action.
    pub fn enter_platform(&mut self, action: Action) -> Result<&mut dyn PlatformTx> {
        let scope: PlatformScope = authorize_platform(self.known()?, action)?;
        self.tx.platform(&scope)
    }

    /// What may be looked up before anybody is known.
    pub fn directory(&mut self) -> &mut dyn Directory {
        self.tx.directory()
    }
}
