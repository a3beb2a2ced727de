use super::{FixedClock, enlist, user};
use crate::authz::{Action, Actor, Role};
use crate::cx::{Cx, Visit};
use crate::error::{Error, Result};
use crate::identity::{
    Credential, Login, User, create_admin, create_user, find_account, open_session, register,
};
use crate::ids::TenantId;
use crate::ports::{Clock, Store, Tx};
use crate::tenancy::{Tenant, find_store, read_store};
use crate::time::Timestamp;
use std::sync::Arc;

/// Somebody with an account and a session.
#[derive(Debug, Clone)]
pub struct Member {
    /// The account as it was made.
    pub user: User,
    /// What a good access token of this session says.
    pub credential: Credential,
}

impl Member {
    /// Logs somebody in who has an account in that tenant.
    pub fn log_in(store: &dyn Store, user: User, now: Timestamp) -> Result<Self> {
        let (tenant, name) = (user.tenant, user.username.clone());
        let grant = store.write(Some(tenant), move |tx| {
            let slug = tx.directory().store_by_id(tenant)?.ok_or(Error::NotFound)?.slug;
            let mut cx = Cx::anonymous(tx, now);
            // A platform admin's account is found by its claim: nothing leads to the platform by name.
            let store = (!tenant.is_platform()).then(|| slug.as_str().to_owned());
            let account = find_account(&mut cx, &Login { username: name, store })?.ok_or(Error::NotFound)?;
            open_session(&mut cx, &account, None)
        })?;
        let credential = Credential {
            tenant: grant.tenant,
            user: grant.user,
            session: grant.session,
            token_version: grant.token_version,
        };
        Ok(Self { user, credential })
    }
}

/// Runs a use case in a transaction of its own, as the holder of an access token.
pub fn act_as<T: Send + 'static>(
    store: &dyn Store,
    credential: Credential,
    now: Timestamp,
    work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    store.write(Some(credential.tenant), move |tx| work(&mut Cx::authenticate(tx, &credential, now)?))
}

/// A store with an owner, one of staff and two customers, all logged in.
#[derive(Clone)]
pub struct TestShop {
    /// Where it is.
    pub store: Arc<dyn Store>,
    /// The time of what happens in it.
    pub clock: Arc<FixedClock>,
    /// The store as it was opened.
    pub tenant: Tenant,
    /// The owner, "owner".
    pub owner: Member,
    /// One of staff, "staff".
    pub staff: Member,
    /// A customer, "customer".
    pub customer: Member,
    /// Another customer, "neighbour".
    pub neighbour: Member,
}

impl TestShop {
    /// Opens a store as people do over the API: its owner registers and creates the staff; customers register
    /// themselves.
    pub fn open(store: Arc<dyn Store>, name: &str, currency: &str) -> Self {
        Self::try_open(store, name, currency).expect("a shop of that name can be opened")
    }

    /// As [`TestShop::open`], but says so if the name is taken.
    pub fn try_open(store: Arc<dyn Store>, name: &str, currency: &str) -> Result<Self> {
        let clock = Arc::new(FixedClock::default());
        let now = clock.now();
        let sign_up = |who: &str, role| {
            let wish = enlist(who, role, Some(name), currency);
            store.write(None, move |tx| register(&mut Cx::anonymous(tx, now), &wish))
        };
        let owner = Member::log_in(&*store, sign_up("owner", Role::Owner)?, now)?;
        let hired =
            act_as(&*store, owner.credential, now, |cx| create_user(cx, &user("staff", Role::Staff)))?;
        Ok(Self {
            tenant: act_as(&*store, owner.credential, now, read_store)?,
            staff: Member::log_in(&*store, hired, now)?,
            customer: Member::log_in(&*store, sign_up("customer", Role::Customer)?, now)?,
            neighbour: Member::log_in(&*store, sign_up("neighbour", Role::Customer)?, now)?,
            owner,
            clock,
            store,
        })
    }

    /// Runs a use case in a transaction of its own. Owner, staff and customer prove who they are as the API makes
    /// them; the superuser is the operator at the console, acting in this store; anonymous is nobody at all.
    pub fn act<T: Send + 'static>(
        &self,
        role: Role,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match role {
            Role::Owner => self.act_as(&self.owner, work),
            Role::Staff => self.act_as(&self.staff, work),
            Role::Customer => self.act_as(&self.customer, work),
            Role::Superuser => self.operate(work),
            Role::Anonymous => self.visit(work),
        }
    }

    /// Runs a use case as somebody in particular.
    pub fn act_as<T: Send + 'static>(
        &self,
        who: &Member,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        act_as(&*self.store, who.credential, self.clock.now(), work)
    }

    /// Runs a use case as nobody in particular: registration and login.
    pub fn visit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let now = self.clock.now();
        self.store.write(None, move |tx| work(&mut Cx::anonymous(tx, now)))
    }

    /// Runs a use case as the operator at the console, in this store.
    pub fn operate<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        operate(&*self.store, self.tenant.id, self.clock.now(), work)
    }

    /// Logs somebody of this store in once more.
    pub fn log_in(&self, user: &User) -> Result<Member> {
        Member::log_in(&*self.store, user.clone(), self.clock.now())
    }

    /// Enlists a further customer and logs them in.
    pub fn join(&self, name: &str) -> Result<Member> {
        let wish = enlist(name, Role::Customer, Some(self.tenant.name.as_str()), self.tenant.currency.code());
        let user = self.visit(move |cx| register(cx, &wish))?;
        self.log_in(&user)
    }
}

/// The installation with one platform admin, "admin", logged in.
#[derive(Clone)]
pub struct TestPlatform {
    /// Where it is.
    pub store: Arc<dyn Store>,
    /// The time of what happens.
    pub clock: Arc<FixedClock>,
    /// The platform admin.
    pub admin: Member,
}

impl TestPlatform {
    /// Appoints a platform admin, as the program's command line does.
    pub fn open(store: Arc<dyn Store>) -> Self {
        let clock = Arc::new(FixedClock::default());
        let now = clock.now();
        let appoint = |cx: &mut Cx<'_>| create_admin(cx, &user("admin", Role::Superuser));
        let admin = operate(&*store, TenantId::PLATFORM, now, appoint)
            .and_then(|admin| Member::log_in(&*store, admin, now))
            .expect("a platform admin can be appointed");
        Self { store, clock, admin }
    }

    /// Runs a use case as the platform admin, in no store.
    pub fn act<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        act_as(&*self.store, self.admin.credential, self.clock.now(), work)
    }

    /// Runs a use case as the platform admin, in the store that goes by this name: announced first, as the API does it,
    /// and then done.
    pub fn act_in<T: Send + 'static>(
        &self,
        name: &str,
        action: Action,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (credential, now) = (self.admin.credential, self.clock.now());
        let visit = self.announce(name, action)?;
        self.store.write(Some(credential.tenant), move |tx| {
            work(&mut Cx::authenticate(tx, &credential, now)?.in_store(visit)?)
        })
    }

    /// Writes down that the platform admin is about to act in the store that goes by this name, in a transaction of
    /// its own.
    pub fn announce(&self, name: &str, action: Action) -> Result<Visit> {
        let name = name.to_owned();
        self.act(move |cx| cx.announce(&name, action)?.ok_or(Error::NotFound))
    }

    /// The store of that name.
    pub fn find(&self, name: &str) -> Result<Tenant> {
        let (now, name) = (self.clock.now(), name.to_owned());
        let look = move |tx: &mut dyn Tx| find_store(&mut Cx::anonymous(tx, now), &name);
        self.store.read(None, look)?.ok_or(Error::NotFound)
    }
}

fn operate<T: Send + 'static>(
    store: &dyn Store,
    tenant: TenantId,
    now: Timestamp,
    work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    store.write(Some(tenant), move |tx| {
        let tenant = tx.directory().store_by_id(tenant)?.ok_or(Error::NotFound)?;
        work(&mut Cx::acting(tx, Actor::operator(&tenant), now))
    })
}
