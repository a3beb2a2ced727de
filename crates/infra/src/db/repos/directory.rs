use super::super::dialect::{Conn, Db, for_update, new_id, position, store_error};
use super::Session;
use crate::db::rows::{AccountRow, FailuresRow, TenantRow, UserSql};
use crate::db::schema::{login_failures, login_names, store_names, tenants};
use crate::db::types::DbInstant;
use crate::db::types::sql::Instant;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::identity::{Account, Credential, Failures, Subject};
use haat_domain::ids::TenantId;
use haat_domain::page::{After, Sort};
use haat_domain::ports::{Directory, Settings, Tenants};
use haat_domain::tenancy::{NewTenant, Slug, Tenant, TenantFilter, TenantKey};
use haat_domain::text::Search;
use haat_domain::time::Timestamp;

statement! {
    KeepFailures { subject: String, failures: i64, last_at: DbInstant, blocked_until: DbInstant } =
        "INSERT INTO login_failures (subject, failures, last_at, blocked_until) VALUES ("
        subject ", " failures ", " last_at ", " blocked_until ")"
        " ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at,"
        " blocked_until = excluded.blocked_until"
}

// What is not there cannot be locked: so it is there from now on, and holds nothing.
statement! {
    LockFailures { subject: String, now: DbInstant } -> (BigInt, Instant, Instant) =
        "INSERT INTO login_failures (subject, failures, last_at, blocked_until) VALUES ("
        subject ", 0, " now ", " now ") ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject"
        " RETURNING failures, last_at, blocked_until"
}

// A few at a time: it is done inside a login.
statement! {
    ForgetFailures { before: DbInstant } =
        "DELETE FROM login_failures WHERE subject IN (SELECT subject FROM login_failures WHERE last_at < " before
        " ORDER BY last_at LIMIT 100" skip_locked ")"
}

// By hand, since every request asks it: building it anew each time took as long as SQLite takes to answer it.
statement! {
    FindAccount { tenant: i64, user: i64, session: i64 }
        -> (UserSql, Text, Text, Nullable<Instant>, Instant) =
        "SELECT users.tenant_id, users.id, username, email, role, is_active, token_version, users.created_at,"
        " tenants.status, tenants.currency, revoked_at, expires_at FROM users"
        " JOIN tenants ON tenants.id = users.tenant_id"
        " JOIN sessions ON sessions.tenant_id = users.tenant_id AND sessions.user_id = users.id"
        " AND sessions.id = " session
        " WHERE users." mine " AND users.id = " user " AND users.deleted_at IS NULL"
}

fn tenant(row: QueryResult<TenantRow>) -> Result<Option<Tenant>> {
    row.optional().map_err(store_error)?.map(Tenant::try_from).transpose()
}

impl Session<'_> {
    /// Has name and slug lead to this store, and nothing else. Whether they are free has been looked up; if somebody
    /// was faster since, the transaction is lost.
    fn call(&mut self, store: &Tenant) -> Result<()> {
        let names = [store.name.key(), store.slug.as_str().to_owned()];
        for name in &names {
            diesel::insert_into(store_names::table)
                .values((store_names::name.eq(name), store_names::store_id.eq(store.id.get())))
                .on_conflict_do_nothing()
                .execute(self.conn)
                .map_err(store_error)?;
        }
        let own = store_names::table.filter(store_names::store_id.eq(store.id.get()));
        diesel::delete(own.filter(store_names::name.ne_all(&names)))
            .execute(self.conn)
            .map_err(store_error)?;
        let led: Vec<String> = own.select(store_names::name).load(self.conn).map_err(store_error)?;
        if names.iter().all(|name| led.contains(name)) {
            Ok(())
        } else {
            Err(Error::Conflict(Conflict::StoreTaken))
        }
    }
}

impl Directory for Session<'_> {
    fn store_by_key(&mut self, key: &str) -> Result<Option<Tenant>> {
        tenant(
            tenants::table
                .filter(tenants::id.ne(TenantId::PLATFORM.get()))
                .filter(tenants::name_key.eq(key).or(tenants::slug.eq(key)))
                .select(TenantRow::as_select())
                .get_result(self.conn),
        )
    }

    fn store_by_id(&mut self, id: TenantId) -> Result<Option<Tenant>> {
        tenant(tenants::table.find(id.get()).select(TenantRow::as_select()).get_result(self.conn))
    }

    fn insert_store(&mut self, new: &NewTenant, slug: &Slug, now: Timestamp) -> Result<Option<Tenant>> {
        let id = new_id(self.conn, "tenants")?;
        let store = tenant(
            diesel::insert_into(tenants::table)
                .values((
                    tenants::id.eq(id),
                    tenants::name.eq(new.name.as_str()),
                    tenants::name_key.eq(new.name.key()),
                    tenants::slug.eq(slug.as_str()),
                    tenants::currency.eq(new.currency.code()),
                    tenants::status.eq("active"),
                    tenants::created_at.eq(DbInstant(now)),
                ))
                .on_conflict_do_nothing()
                .returning(TenantRow::as_returning())
                .get_result(self.conn),
        )?;
        if let Some(store) = &store {
            self.call(store)?;
        }
        Ok(store)
    }

    fn first_claim(&mut self, username_key: &str) -> Result<Option<TenantId>> {
        login_names::table
            .find(username_key)
            .select(login_names::tenant_id)
            .get_result(self.conn)
            .optional()
            .map(|id| id.map(TenantId::new))
            .map_err(store_error)
    }

    fn account(&mut self, credential: &Credential) -> Result<Option<Account>> {
        self.enter(credential.tenant)?;
        FindAccount { tenant: self.here(), user: credential.user.get(), session: credential.session.get() }
            .get_result::<AccountRow>(self.conn)
            .optional()
            .map_err(store_error)?
            .map(|row| row.into_account(credential.session))
            .transpose()
    }

    fn failures(&mut self, subject: &Subject) -> Result<Option<Failures>> {
        login_failures::table
            .find(subject.as_str())
            .select(FailuresRow::as_select())
            .get_result(self.conn)
            .optional()
            .map(|row| row.map(Into::into))
            .map_err(store_error)
    }

    fn lock_failures(&mut self, subject: &Subject, now: Timestamp) -> Result<Failures> {
        let locked = LockFailures { subject: subject.as_str().to_owned(), now: DbInstant(now) };
        locked.get_result::<FailuresRow>(self.conn).map(Into::into).map_err(store_error)
    }

    fn keep_failures(&mut self, subject: &Subject, failures: &Failures) -> Result<()> {
        KeepFailures {
            subject: subject.as_str().to_owned(),
            failures: failures.count,
            last_at: DbInstant(failures.last_at),
            blocked_until: DbInstant(failures.blocked_until),
        }
        .execute(self.conn)
        .map_err(store_error)
        .and_then(super::one_row)
    }

    fn forgive_failures(&mut self, subject: &Subject) -> Result<()> {
        diesel::delete(login_failures::table.find(subject.as_str()))
            .execute(self.conn)
            .map(drop)
            .map_err(store_error)
    }

    fn forget_failures(&mut self, before: Timestamp) -> Result<()> {
        ForgetFailures { before: DbInstant(before) }.execute(self.conn).map(drop).map_err(store_error)
    }
}

impl Settings for Session<'_> {
    fn read(&mut self) -> Result<Tenant> {
        Directory::store_by_id(self, TenantId::new(self.here()))?.ok_or(Error::NotFound)
    }

    fn lock(&mut self) -> Result<Tenant> {
        Tenants::lock(self, TenantId::new(self.here()))?.ok_or(Error::NotFound)
    }

    fn update(&mut self, store: &Tenant) -> Result<()> {
        if store.id.get() == self.here() { Tenants::update(self, store) } else { Err(Error::NotFound) }
    }
}

impl Tenants for Session<'_> {
    fn find(&mut self, id: TenantId) -> Result<Option<Tenant>> {
        if id.is_platform() { Ok(None) } else { self.store_by_id(id) }
    }

    fn lock(&mut self, id: TenantId) -> Result<Option<Tenant>> {
        let stores = tenants::table
            .filter(tenants::id.eq(id.get()))
            .filter(tenants::id.ne(TenantId::PLATFORM.get()))
            .select(TenantRow::as_select());
        tenant(for_update!(stores).get_result(self.conn))
    }

    fn page(
        &mut self,
        filter: &TenantFilter,
        sort: Sort<TenantKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<Tenant>> {
        let mut stores = tenants::table
            .select(TenantRow::as_select())
            .filter(tenants::id.ne(TenantId::PLATFORM.get()))
            .into_boxed::<Db>();
        if let Some(status) = filter.status {
            stores = stores.filter(tenants::status.eq(status.name()));
        }
        for word in filter.search.iter().flat_map(Search::words) {
            stores = stores.filter(position(tenants::name_key, word).gt(0));
        }
        let TenantKey::Id = sort.by;
        let after = after.map(|after| after.id);
        stores = match (sort.descending, after) {
            (false, Some(id)) => stores.filter(tenants::id.gt(id)).order(tenants::id.asc()),
            (true, Some(id)) => stores.filter(tenants::id.lt(id)).order(tenants::id.desc()),
            (false, None) => stores.order(tenants::id.asc()),
            (true, None) => stores.order(tenants::id.desc()),
        };
        let rows = stores.limit(limit).load::<TenantRow>(self.conn).map_err(store_error)?;
        rows.into_iter().map(Tenant::try_from).collect()
    }

    fn update(&mut self, store: &Tenant) -> Result<()> {
        diesel::update(tenants::table.find(store.id.get()))
            .set((
                tenants::name.eq(store.name.as_str()),
                tenants::name_key.eq(store.name.key()),
                tenants::currency.eq(store.currency.code()),
                tenants::status.eq(store.status.name()),
            ))
            .execute(self.conn)
            .map_err(store_error)
            .and_then(super::one_row)?;
        self.call(store)
    }
}
