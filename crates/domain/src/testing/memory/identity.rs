use super::{Login, MemoryTx, Row, missing_row, next_id, page};
use crate::authz::Role;
use crate::error::{Conflict, Error, Result};
use crate::identity::{
    Email, NewSession, NewUser, PasswordHash, Session, User, UserFilter, UserKey, Username,
};
use crate::ids::{SessionId, UserId};
use crate::page::{After, Key, Sort};
use crate::ports::{Sessions, Users};
use crate::time::Timestamp;

impl Users for MemoryTx {
    fn insert(&mut self, new: &NewUser, now: Timestamp) -> Result<Option<UserId>> {
        let (username, email) = (new.username.key(), new.email.key());
        if self
            .logins()
            .any(|Login { user, .. }| user.username.key() == username || user.email.key() == email)
        {
            return Ok(None);
        }
        let id = next_id(&self.state.users, UserId::new, UserId::get);
        let user = User {
            id,
            tenant: self.tenant,
            username: new.username.clone(),
            email: new.email.clone(),
            role: new.role,
            is_active: true,
            token_version: 0,
            created_at: now,
        };
        self.state.users.insert((self.tenant, id), Row::new(Login { user, hash: new.hash.clone() }));
        Ok(Some(id))
    }

    fn find(&mut self, id: UserId) -> Result<Option<User>> {
        Ok(self.logins().find(|login| login.user.id == id).map(|login| login.user.clone()))
    }

    fn lock(&mut self, id: UserId) -> Result<Option<User>> {
        Users::find(self, id)
    }

    fn find_login(&mut self, username_key: &str) -> Result<Option<(UserId, PasswordHash)>> {
        let found = self.logins().find(|login| login.user.username.key() == username_key);
        Ok(found.map(|login| (login.user.id, login.hash.clone())))
    }

    fn find_by_email(&mut self, email_key: &str) -> Result<Option<UserId>> {
        Ok(self.logins().find(|login| login.user.email.key() == email_key).map(|login| login.user.id))
    }

    fn page(
        &mut self,
        filter: &UserFilter,
        sort: Sort<UserKey>,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<User>> {
        let text = |user: &User| format!("{} {}", user.username.key(), user.email.key());
        let found = self.logins().map(|login| &login.user).filter(|user| {
            filter.role.is_none_or(|role| user.role == role)
                && filter.is_active.is_none_or(|active| user.is_active == active)
                && filter.search.as_ref().is_none_or(|search| search.matches(&text(user)))
        });
        let (key, kind): (fn(&User) -> Key, _) = match sort.by {
            UserKey::Id => (|_| Key::Id, Key::Id),
            UserKey::Username => (|user| Key::Text(user.username.key()), Key::Text(String::new())),
        };
        let mark = |user: &User| After { key: key(user), id: user.id.get() };
        page(found.cloned(), mark, &kind, sort.descending, after.as_ref(), limit)
    }

    fn names(&mut self, ids: &[UserId]) -> Result<Vec<(UserId, Username)>> {
        let mine = ids.iter().filter_map(|id| self.state.users.get(&(self.tenant, *id)));
        Ok(mine.map(|row| (row.value.user.id, row.value.user.username.clone())).collect())
    }

    fn lock_active_owners(&mut self) -> Result<Vec<UserId>> {
        let owners = self.logins().filter(|login| login.user.role == Role::Owner && login.user.is_active);
        Ok(owners.map(|login| login.user.id).collect())
    }

    fn update(&mut self, user: &User) -> Result<()> {
        let taken = |email: &Email| email.key() == user.email.key();
        if self.logins().any(|login| login.user.id != user.id && taken(&login.user.email)) {
            return Err(Error::Conflict(Conflict::Duplicate));
        }
        self.change_login(user.id, |login| {
            (login.user.email, login.user.role) = (user.email.clone(), user.role);
            login.user.is_active = user.is_active;
        })
    }

    fn set_password(&mut self, id: UserId, hash: &PasswordHash) -> Result<()> {
        self.change_login(id, |login| login.hash = hash.clone())
    }

    fn bump_token_version(&mut self, id: UserId) -> Result<()> {
        self.change_login(id, |login| login.user.token_version += 1)
    }

    fn delete(&mut self, id: UserId, _: Timestamp) -> Result<()> {
        self.state.users.get_mut(&(self.tenant, id)).ok_or_else(missing_row)?.deleted = true;
        self.state.claims.retain(|_, holder| *holder != (self.tenant, id));
        Ok(())
    }

    fn claim_login(&mut self, username_key: &str, id: UserId) -> Result<()> {
        self.state.claims.entry(username_key.to_owned()).or_insert((self.tenant, id));
        Ok(())
    }
}

impl Sessions for MemoryTx {
    fn open(&mut self, new: &NewSession) -> Result<SessionId> {
        self.refer_to_users([new.user])?;
        let id = next_id(&self.state.sessions, SessionId::new, SessionId::get);
        let NewSession { user, idle_until, expires_at, .. } = *new;
        let session = Session { id, user, generation: 1, idle_until, expires_at, revoked_at: None };
        self.state.sessions.insert((self.tenant, id), session);
        Ok(id)
    }

    fn find(&mut self, id: SessionId) -> Result<Option<Session>> {
        Ok(self.state.sessions.get(&(self.tenant, id)).cloned())
    }

    fn rotate(&mut self, id: SessionId, generation: i64, idle_until: Timestamp) -> Result<bool> {
        let found = self.state.sessions.get_mut(&(self.tenant, id));
        let Some(session) = found.filter(|it| it.generation == generation && it.revoked_at.is_none()) else {
            return Ok(false);
        };
        (session.generation, session.idle_until) = (generation + 1, idle_until);
        Ok(true)
    }

    fn revoke(&mut self, id: SessionId, now: Timestamp) -> Result<()> {
        if let Some(session) = self.state.sessions.get_mut(&(self.tenant, id)) {
            session.revoked_at = session.revoked_at.or(Some(now));
        }
        Ok(())
    }

    fn revoke_all(&mut self, user: UserId, except: Option<SessionId>, now: Timestamp) -> Result<()> {
        for ((tenant, id), session) in &mut self.state.sessions {
            if *tenant == self.tenant && session.user == user && except != Some(*id) {
                session.revoked_at = session.revoked_at.or(Some(now));
            }
        }
        Ok(())
    }
}

impl MemoryTx {
    /// This tenant's accounts, without the removed ones.
    pub(super) fn logins(&self) -> impl Iterator<Item = &Login> {
        let mine = self.state.users.iter().filter(|((tenant, _), _)| *tenant == self.tenant);
        mine.filter_map(|(_, row)| row.live())
    }

    /// As a composite foreign key would: rows refer to users of the same tenant, removed or not.
    pub(super) fn refer_to_users(&self, users: impl IntoIterator<Item = UserId>) -> Result<()> {
        if users.into_iter().all(|user| self.state.users.contains_key(&(self.tenant, user))) {
            Ok(())
        } else {
            Err(Error::internal("a reference to no user of this tenant"))
        }
    }

    fn change_login(&mut self, id: UserId, change: impl FnOnce(&mut Login)) -> Result<()> {
        let row = self.state.users.get_mut(&(self.tenant, id));
        row.and_then(Row::live_mut).map(change).ok_or_else(missing_row)
    }
}
