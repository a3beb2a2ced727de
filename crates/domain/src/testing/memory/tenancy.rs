use super::{MemoryTx, missing_row, page};
use crate::error::{Conflict, Error, Result};
use crate::identity::{Account, Credential, Failures, Subject};
use crate::ids::TenantId;
use crate::money::Currency;
use crate::page::{After, Key, Sort};
use crate::ports::{Directory, Settings, Tenants};
use crate::tenancy::{NewTenant, Slug, StoreName, Tenant, TenantFilter, TenantKey, TenantStatus};
use crate::time::Timestamp;

/// The installation itself, which every database has from the start.
pub(super) fn platform() -> Tenant {
    Tenant {
        id: TenantId::PLATFORM,
        name: StoreName::parse("Platform").expect("a good name"),
        slug: Slug::from_stored(String::new()),
        currency: Currency::parse("INR").expect("a known currency"),
        status: TenantStatus::Active,
        created_at: Timestamp::EPOCH,
    }
}

impl Directory for MemoryTx {
    fn store_by_key(&mut self, key: &str) -> Result<Option<Tenant>> {
        Ok(self.stores().find(|store| store.name.key() == key || store.slug.as_str() == key).cloned())
    }

    fn store_by_id(&mut self, id: TenantId) -> Result<Option<Tenant>> {
        Ok(self.state.tenants.get(&id).cloned())
    }

    fn insert_store(&mut self, new: &NewTenant, slug: &Slug, now: Timestamp) -> Result<Option<Tenant>> {
        if self.stores().any(|store| store.name.key() == new.name.key() || store.slug == *slug) {
            return Ok(None);
        }
        let names = |store: &Tenant| [store.name.key(), store.slug.as_str().to_owned()];
        let wanted = [new.name.key(), slug.as_str().to_owned()];
        if self.stores().flat_map(names).any(|name| wanted.contains(&name)) {
            return Err(Error::Conflict(Conflict::StoreTaken));
        }
        let id = TenantId::new(self.state.tenants.keys().map(|id| id.get()).max().unwrap_or(0) + 1);
        let NewTenant { name, currency } = new.clone();
        let store =
            Tenant { id, name, slug: slug.clone(), currency, status: TenantStatus::Active, created_at: now };
        self.state.tenants.insert(id, store.clone());
        Ok(Some(store))
    }

    fn first_claim(&mut self, username_key: &str) -> Result<Option<TenantId>> {
        Ok(self.state.claims.get(username_key).map(|(tenant, _)| *tenant))
    }

    fn account(&mut self, credential: &Credential) -> Result<Option<Account>> {
        let Credential { tenant, user, session, .. } = *credential;
        let state = &self.state;
        let user = state.users.get(&(tenant, user)).and_then(|row| row.live()).map(|login| &login.user);
        let session = state.sessions.get(&(tenant, session));
        let (Some(user), Some(session), Some(store)) = (user, session, state.tenants.get(&tenant)) else {
            return Ok(None);
        };
        Ok((session.user == user.id).then(|| Account {
            user: user.clone(),
            token_version: user.token_version,
            status: store.status,
            currency: store.currency,
            session: session.id,
            session_revoked: session.revoked_at.is_some(),
            session_expires_at: session.expires_at,
        }))
    }

    fn failures(&mut self, subject: &Subject) -> Result<Option<Failures>> {
        Ok(self.state.failures.get(subject).copied())
    }

    fn lock_failures(&mut self, subject: &Subject, now: Timestamp) -> Result<Failures> {
        Ok(self.state.failures.get(subject).copied().unwrap_or_else(|| Failures::none(now)))
    }

    fn keep_failures(&mut self, subject: &Subject, failures: &Failures) -> Result<()> {
        self.state.failures.insert(subject.clone(), *failures);
        Ok(())
    }

    fn forgive_failures(&mut self, subject: &Subject) -> Result<()> {
        self.state.failures.remove(subject);
        Ok(())
    }

    fn forget_failures(&mut self, before: Timestamp) -> Result<()> {
        self.state.failures.retain(|_, failures| failures.last_at >= before);
        Ok(())
    }
}

impl Settings for MemoryTx {
    fn read(&mut self) -> Result<Tenant> {
        let own = self.state.tenants.get(&self.tenant).cloned();
        own.ok_or_else(|| Error::internal("a scope of no tenant"))
    }

    fn lock(&mut self) -> Result<Tenant> {
        Settings::read(self)
    }

    fn update(&mut self, store: &Tenant) -> Result<()> {
        if store.id == self.tenant { self.write_store(store) } else { Err(missing_row()) }
    }
}

impl Tenants for MemoryTx {
    fn find(&mut self, id: TenantId) -> Result<Option<Tenant>> {
        Ok(self.stores().find(|store| store.id == id).cloned())
    }

    fn lock(&mut self, id: TenantId) -> Result<Option<Tenant>> {
        Tenants::find(self, id)
    }

    fn page(
        &mut self,
        filter: &TenantFilter,
        sort: Sort<TenantKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<Tenant>> {
        let found = self.stores().filter(|store| {
            filter.status.is_none_or(|status| store.status == status)
                && filter.search.as_ref().is_none_or(|search| search.matches(&store.name.key()))
        });
        let mark = |store: &Tenant| match sort.by {
            TenantKey::Id => After { key: Key::Id, id: store.id.get() },
        };
        page(found.cloned(), mark, &Key::Id, sort.descending, after.as_ref(), limit)
    }

    fn update(&mut self, store: &Tenant) -> Result<()> {
        self.write_store(store)
    }
}

impl MemoryTx {
    /// Every store; the platform is none.
    fn stores(&self) -> impl Iterator<Item = &Tenant> {
        self.state.tenants.values().filter(|store| !store.id.is_platform())
    }

    fn write_store(&mut self, new: &Tenant) -> Result<()> {
        if self.stores().any(|other| other.id != new.id && other.name.key() == new.name.key()) {
            return Err(Error::Conflict(Conflict::Duplicate));
        }
        let store = self.state.tenants.get_mut(&new.id).ok_or_else(missing_row)?;
        (store.name, store.currency, store.status) = (new.name.clone(), new.currency, new.status);
        Ok(())
    }
}
