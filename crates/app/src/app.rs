use crate::Caller;
use crate::hashing::Hashing;
use crate::once::InFlight;
use crate::standby::Standby;
use crate::unit::Unit;
use crate::vitals::Vitals;
use haat_domain::authz::{Action, Realm};
use haat_domain::cx::{Cx, Visit};
use haat_domain::error::{Error, Result};
use haat_domain::identity::Credential;
use haat_domain::ids::TenantId;
use haat_domain::money::Currency;
use haat_domain::ports::{Access, Clock, PasswordHasher, Random, Store, TokenIssuer, Tx};
use haat_domain::standby::is_in_one_store;
use haat_domain::time::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// What every handler can reach: the ports, and the one way from a request into a transaction.
pub struct App {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Tokens.
    pub tokens: Arc<dyn TokenIssuer>,
    /// Passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Threads for hashing: slow on purpose, and so kept apart from everything else.
    pub hashing: Hashing,
    /// Failed logins that cost no time; 0: none ever does.
    pub free_failures: u16,
    /// Secrets.
    pub random: Arc<dyn Random>,
    /// The requests with an idempotency key that are being answered.
    pub in_flight: InFlight,
    /// What may answer listings, if there is such a thing.
    pub standby: Option<Arc<Standby>>,
    /// The currency of a store that names none.
    pub currency: Currency,
    /// How long a request waits for the database.
    pub patience: Patience,
    /// What was done, in numbers.
    pub vitals: Arc<Vitals>,
}

/// Somebody with a good token who is about to do something.
#[derive(Clone)]
struct Guest {
    credential: Credential,
    now: Timestamp,
    request: Option<Arc<str>>,
    visit: Option<Visit>,
    action: Action,
}

impl Guest {
    /// Authenticates them by their row, and asks the policy.
    fn enter<'t>(&self, tx: &'t mut dyn Tx) -> Result<Cx<'t>> {
        let mut cx = Cx::authenticate(tx, &self.credential, self.now)?.for_request(self.request.clone());
        if let Some(visit) = self.visit {
            cx = cx.in_store(visit)?;
        }
        cx.permit(self.action)?;
        Ok(cx)
    }
}

/// How long a request waits for the database's answer: after that its client is told that there is none.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For rows by their keys, and for changes.
    pub short: Duration,
    /// For work that grows with the store.
    pub scan: Duration,
}

impl Patience {
    fn of(self, access: Access) -> Duration {
        if access == Access::Scan { self.scan } else { self.short }
    }
}

impl App {
    /// What the caller's token says, if it is one of ours and in time.
    pub fn credential(&self, caller: &Caller) -> Result<Credential> {
        caller.credential(self.tokens.as_ref(), self.clock.as_ref())
    }

    /// Does something as the caller: authenticates them by their row, asks the policy, and runs the use case, all in
    /// one transaction.
    pub async fn run<T: Send + 'static>(
        &self,
        caller: &Caller,
        access: Access,
        action: Action,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let guest = self.guest(caller, action).await?;
        let tenant = guest.credential.tenant;
        self.transact(Some(tenant), access, move |tx| work(&mut guest.enter(tx)?)).await
    }

    /// Lists something as the caller. Where there is a standby that has the store in the state in which the caller was
    /// found in the database, the list is made there; whatever keeps it from that, the database makes it.
    pub async fn list<T: Send + 'static>(
        &self,
        caller: &Caller,
        access: Access,
        action: Action,
        work: impl Fn(&mut Cx<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let now = self.clock.now();
        let standby = self.standby.as_ref().filter(|standby| is_in_one_store(action) && standby.is_up(now));
        let Some(standby) = standby else { return self.run(caller, access, action, work).await };
        let guest = self.guest(caller, action).await?;
        let (tenant, asking, work) = (Some(guest.credential.tenant), guest.clone(), Arc::new(work));
        // All together has the time of one answer.
        let until = Instant::now() + self.patience.of(access);
        let left = || until.saturating_duration_since(Instant::now());
        let pass = self.transact(tenant, Access::Read, move |tx| asking.enter(tx)?.pass(action)).await?;
        let clock = self.clock.as_ref();
        if let Some(listed) = standby.list(pass, access, Arc::clone(&work), left(), clock).await {
            return listed;
        }
        self.transact_within(left(), tenant, access, move |tx| work(&mut guest.enter(tx)?)).await
    }

    /// The caller as they come to do this, announced where they must be.
    async fn guest(&self, caller: &Caller, action: Action) -> Result<Guest> {
        let credential = self.credential(caller)?;
        let (now, request) = (self.clock.now(), caller.request.clone());
        let visit = self.announce(caller, &credential, action).await?;
        Ok(Guest { credential, now, request, visit, action })
    }

    /// Writes down that a platform admin is about to act in the store that they name, whatever comes of it. For
    /// anybody else the name means nothing.
    async fn announce(
        &self,
        caller: &Caller,
        credential: &Credential,
        action: Action,
    ) -> Result<Option<Visit>> {
        let named = caller.store.clone().filter(|_| action.realm() == Realm::Store);
        let Some(store) = named.filter(|_| credential.tenant.is_platform()) else { return Ok(None) };
        let (now, request, credential) = (self.clock.now(), caller.request.clone(), *credential);
        let work = move |tx: &mut dyn Tx| {
            Cx::authenticate(tx, &credential, now)?.for_request(request).announce(&store, action)
        };
        self.transact(Some(credential.tenant), Access::Write, work).await
    }

    /// Does something for whoever it is: as the caller if they show a token, at the door if they show none.
    pub async fn visit<T: Send + 'static>(
        &self,
        caller: &Caller,
        access: Access,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let credential = if caller.is_anonymous() { None } else { Some(self.credential(caller)?) };
        let (now, request) = (self.clock.now(), caller.request.clone());
        let work = move |tx: &mut dyn Tx| {
            let cx = match credential {
                Some(credential) => Cx::authenticate(tx, &credential, now)?,
                None => Cx::anonymous(tx, now),
            };
            work(&mut cx.for_request(request))
        };
        self.transact(credential.map(|credential| credential.tenant), access, work).await
    }

    async fn transact<T: Send + 'static>(
        &self,
        tenant: Option<TenantId>,
        access: Access,
        work: impl FnOnce(&mut dyn Tx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.transact_within(self.patience.of(access), tenant, access, work).await
    }

    async fn transact_within<T: Send + 'static>(
        &self,
        limit: Duration,
        tenant: Option<TenantId>,
        access: Access,
        work: impl FnOnce(&mut dyn Tx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if limit.is_zero() {
            return Err(Error::Unavailable("nothing is left of its time".into()));
        }
        let (answer, wait) = oneshot::channel();
        self.store.submit(tenant, access, Box::new(Unit::new(&self.vitals, access, work, answer)));
        match timeout(limit, wait).await {
            Ok(answer) => answer.unwrap_or_else(|gone| Err(Error::Unavailable(gone.into()))),
            // What has begun goes on, and may still be done.
            Err(late) => Err(Error::Unavailable(late.into())),
        }
    }

    /// Whether the caller may do this at all: for what is dear, before it is done.
    pub async fn permit(&self, caller: &Caller, action: Action) -> Result<()> {
        let credential = self.credential(caller)?;
        let now = self.clock.now();
        // Inside a store a platform admin may do everything; whether they may go there is the question.
        let enters =
            caller.store.is_some() && credential.tenant.is_platform() && action.realm() == Realm::Store;
        let action = if enters { Action::EnterStore } else { action };
        let work = move |tx: &mut dyn Tx| Cx::authenticate(tx, &credential, now)?.permit(action);
        self.transact(Some(credential.tenant), Access::Read, work).await
    }

    /// What was read from a request, or why it could not be: but first whether the caller may do this at all, since
    /// 401 and 403 come before everything else.
    pub async fn checked<T, E: From<Error>>(
        &self,
        caller: &Caller,
        action: Action,
        read: Result<T, E>,
    ) -> Result<T, E> {
        if read.is_err() {
            self.permit(caller, action).await?;
        }
        read
    }

    /// Hashes or verifies a password on the threads for it; 429 while too many are waiting, or too many of one address.
    pub async fn hash<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl FnOnce(&dyn PasswordHasher) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, wait) = oneshot::channel();
        let (hasher, vitals) = (Arc::clone(&self.hasher), Arc::clone(&self.vitals));
        let task = move || {
            // Dear, and for nobody: who has waited may have gone.
            if !answer.is_closed() {
                let began = Instant::now();
                let result = work(hasher.as_ref());
                vitals.hashing.add(began.elapsed());
                drop(answer.send(result));
            }
        };
        self.hashing.run(caller.address, task)?;
        wait.await.unwrap_or_else(|gone| Err(Error::Unavailable(gone.into())))
    }
}
