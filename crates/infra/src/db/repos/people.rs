use super::super::dialect::{Conn, Db, for_update, new_id, position, store_error};
use super::{Session, one_row, text};
use crate::db::expr::row_after;
use crate::db::rows::{NewUserRow, SessionRow, UserRow, login};
use crate::db::schema::{login_names, sessions, users};
use crate::db::types::DbInstant;
use diesel::prelude::*;
use haat_domain::authz::Role;
use haat_domain::error::Result;
use haat_domain::identity::{NewSession, NewUser, PasswordHash, User, UserFilter, UserKey, Username};
use haat_domain::ids::{SessionId, UserId};
use haat_domain::page::{After, Sort};
use haat_domain::ports::{Sessions, Users};
use haat_domain::text::Search;
use haat_domain::time::Timestamp;

fn user(row: QueryResult<UserRow>) -> Result<Option<User>> {
    row.optional().map_err(store_error)?.map(User::try_from).transpose()
}

impl Users for Session<'_> {
    fn insert(&mut self, new: &NewUser, now: Timestamp) -> Result<Option<UserId>> {
        let id = new_id(self.conn, "users")?;
        let row = NewUserRow {
            tenant_id: self.here(),
            username: new.username.as_str(),
            username_key: Some(new.username.key()),
            email: new.email.as_str(),
            email_key: Some(new.email.key()),
            role: new.role.name(),
            password_hash: new.hash.as_str(),
            is_active: true,
            token_version: 0,
            created_at: DbInstant(now),
        };
        diesel::insert_into(users::table)
            .values((row, users::id.eq(id)))
            .on_conflict_do_nothing()
            .returning(users::id)
            .get_result(self.conn)
            .optional()
            .map(|id| id.map(UserId::new))
            .map_err(store_error)
    }

    fn find(&mut self, id: UserId) -> Result<Option<User>> {
        user(
            users::table
                .filter(mine!(users, self.here()))
                .filter(users::id.eq(id.get()))
                .filter(users::deleted_at.is_null())
                .select(UserRow::as_select())
                .get_result(self.conn),
        )
    }

    fn lock(&mut self, id: UserId) -> Result<Option<User>> {
        let found = users::table
            .filter(mine!(users, self.here()))
            .filter(users::id.eq(id.get()))
            .filter(users::deleted_at.is_null())
            .select(UserRow::as_select());
        user(for_update!(found).get_result(self.conn))
    }

    fn find_login(&mut self, username_key: &str) -> Result<Option<(UserId, PasswordHash)>> {
        users::table
            .filter(mine!(users, self.here()))
            .filter(users::username_key.eq(username_key))
            .select((users::id, users::password_hash))
            .get_result(self.conn)
            .optional()
            .map(|row| row.map(login))
            .map_err(store_error)
    }

    fn find_by_email(&mut self, email_key: &str) -> Result<Option<UserId>> {
        users::table
            .filter(mine!(users, self.here()))
            .filter(users::email_key.eq(email_key))
            .select(users::id)
            .get_result(self.conn)
            .optional()
            .map(|id| id.map(UserId::new))
            .map_err(store_error)
    }

    fn page(
        &mut self,
        filter: &UserFilter,
        sort: Sort<UserKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<User>> {
        let mut rows = users::table
            .select(UserRow::as_select())
            .filter(mine!(users, self.here()))
            .filter(users::deleted_at.is_null())
            .into_boxed::<Db>();
        if let Some(role) = filter.role {
            rows = rows.filter(users::role.eq(role.name()));
        }
        if let Some(active) = filter.is_active {
            rows = rows.filter(users::is_active.eq(active));
        }
        for word in filter.search.iter().flat_map(Search::words) {
            let in_name = position(users::username_key.assume_not_null(), word).gt(0);
            rows = rows.filter(in_name.or(position(users::email_key.assume_not_null(), word).gt(0)));
        }
        let down = sort.descending;
        rows = match sort.by {
            UserKey::Id => by_id!(rows, users::id, after, down),
            UserKey::Username => {
                keyset!(rows, users::username_key.assume_not_null(), users::id, text(after)?, down)
            }
        };
        let rows = rows.limit(limit).load::<UserRow>(self.conn).map_err(store_error)?;
        rows.into_iter().map(User::try_from).collect()
    }

    fn names(&mut self, ids: &[UserId]) -> Result<Vec<(UserId, Username)>> {
        let names: Vec<(i64, String)> = users::table
            .filter(mine!(users, self.here()))
            .filter(users::id.eq_any(ids.iter().map(|id| id.get())))
            .select((users::id, users::username))
            .load(self.conn)
            .map_err(store_error)?;
        Ok(names.into_iter().map(|(id, name)| (UserId::new(id), Username::from_stored(name))).collect())
    }

    fn lock_active_owners(&mut self) -> Result<Vec<UserId>> {
        let owners = users::table
            .filter(mine!(users, self.here()))
            .filter(users::role.eq(Role::Owner.name()))
            .filter(users::is_active.eq(true))
            .filter(users::deleted_at.is_null())
            .order(users::id)
            .select(users::id);
        let ids: Vec<i64> = for_update!(owners).load(self.conn).map_err(store_error)?;
        Ok(ids.into_iter().map(UserId::new).collect())
    }

    fn update(&mut self, user: &User) -> Result<()> {
        diesel::update(users::table.filter(mine!(users, self.here())).filter(users::id.eq(user.id.get())))
            .set((
                users::email.eq(user.email.as_str()),
                users::email_key.eq(user.email.key()),
                users::role.eq(user.role.name()),
                users::is_active.eq(user.is_active),
            ))
            .execute(self.conn)
            .map_err(store_error)
            .and_then(one_row)
    }

    fn set_password(&mut self, id: UserId, hash: &PasswordHash) -> Result<()> {
        diesel::update(users::table.filter(mine!(users, self.here())).filter(users::id.eq(id.get())))
            .set(users::password_hash.eq(hash.as_str()))
            .execute(self.conn)
            .map_err(store_error)
            .and_then(one_row)
    }

    fn bump_token_version(&mut self, id: UserId) -> Result<()> {
        diesel::update(users::table.filter(mine!(users, self.here())).filter(users::id.eq(id.get())))
            .set(users::token_version.eq(users::token_version + 1))
            .execute(self.conn)
            .map_err(store_error)
            .and_then(one_row)
    }

    fn delete(&mut self, id: UserId, now: Timestamp) -> Result<()> {
        let none: Option<String> = None;
        diesel::update(users::table.filter(mine!(users, self.here())).filter(users::id.eq(id.get())))
            .set((
                users::is_active.eq(false),
                users::username_key.eq(&none),
                users::email_key.eq(&none),
                users::token_version.eq(users::token_version + 1),
                users::deleted_at.eq(Some(DbInstant(now))),
            ))
            .execute(self.conn)
            .map_err(store_error)
            .and_then(one_row)?;
        diesel::delete(
            login_names::table
                .filter(mine!(login_names, self.here()))
                .filter(login_names::user_id.eq(id.get())),
        )
        .execute(self.conn)
        .map(drop)
        .map_err(store_error)
    }

    fn claim_login(&mut self, username_key: &str, id: UserId) -> Result<()> {
        diesel::insert_into(login_names::table)
            .values((
                login_names::username_key.eq(username_key),
                login_names::tenant_id.eq(self.here()),
                login_names::user_id.eq(id.get()),
            ))
            .on_conflict_do_nothing()
            .execute(self.conn)
            .map(drop)
            .map_err(store_error)
    }
}

statement! {
    Rotate { tenant: i64, id: i64, generation: i64, idle_until: DbInstant } =
        "UPDATE sessions SET generation = generation + 1, idle_until = " idle_until
        " WHERE " mine " AND id = " id " AND generation = " generation " AND revoked_at IS NULL"
}

impl Sessions for Session<'_> {
    fn open(&mut self, new: &NewSession) -> Result<SessionId> {
        // What has run out is of no use to anybody: the table holds no more rows than there are people logged in.
        diesel::delete(
            sessions::table
                .filter(mine!(sessions, self.here()))
                .filter(sessions::user_id.eq(new.user.get()))
                .filter(sessions::idle_until.le(DbInstant(new.created_at))),
        )
        .execute(self.conn)
        .map_err(store_error)?;
        let id = new_id(self.conn, "sessions")?;
        diesel::insert_into(sessions::table)
            .values((
                sessions::tenant_id.eq(self.here()),
                sessions::id.eq(id),
                sessions::user_id.eq(new.user.get()),
                sessions::generation.eq(1),
                sessions::created_at.eq(DbInstant(new.created_at)),
                sessions::idle_until.eq(DbInstant(new.idle_until)),
                sessions::expires_at.eq(DbInstant(new.expires_at)),
            ))
            .returning(sessions::id)
            .get_result(self.conn)
            .map(SessionId::new)
            .map_err(store_error)
    }

    fn find(&mut self, id: SessionId) -> Result<Option<haat_domain::identity::Session>> {
        sessions::table
            .filter(mine!(sessions, self.here()))
            .filter(sessions::id.eq(id.get()))
            .select(SessionRow::as_select())
            .get_result(self.conn)
            .optional()
            .map(|row| row.map(Into::into))
            .map_err(store_error)
    }

    fn rotate(&mut self, id: SessionId, generation: i64, idle_until: Timestamp) -> Result<bool> {
        Rotate { tenant: self.here(), id: id.get(), generation, idle_until: DbInstant(idle_until) }
            .execute(self.conn)
            .map(|rows| rows == 1)
            .map_err(store_error)
    }

    fn revoke(&mut self, id: SessionId, now: Timestamp) -> Result<()> {
        diesel::update(
            sessions::table
                .filter(mine!(sessions, self.here()))
                .filter(sessions::id.eq(id.get()))
                .filter(sessions::revoked_at.is_null()),
        )
        .set(sessions::revoked_at.eq(Some(DbInstant(now))))
        .execute(self.conn)
        .map(drop)
        .map_err(store_error)
    }

    fn revoke_all(&mut self, user: UserId, except: Option<SessionId>, now: Timestamp) -> Result<()> {
        diesel::update(
            sessions::table
                .filter(mine!(sessions, self.here()))
                .filter(sessions::user_id.eq(user.get()))
                .filter(sessions::id.ne(except.map_or(0, SessionId::get)))
                .filter(sessions::revoked_at.is_null()),
        )
        .set(sessions::revoked_at.eq(Some(DbInstant(now))))
        .execute(self.conn)
        .map(drop)
        .map_err(store_error)
    }
}
