use super::slowdown::{Subject, check, count, take_turns};
use super::{Email, PasswordHash, Username};
use crate::audit::{Facts, Object};
use crate::authz::{Action, Role};
use crate::cx::{Cx, Shop};
use crate::error::{AuthFailure, Conflict, Error, Result};
use crate::ids::{SessionId, TenantId, UserId};
use crate::page::{After, Key, Page, PageRequest, SortKey};
use crate::text::Search;
use crate::time::Timestamp;

/// An account in one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// The store.
    pub tenant: TenantId,
    /// What it logs in with.
    pub username: Username,
    /// Where its mail goes.
    pub email: Email,
    /// What it may do.
    pub role: Role,
    /// Whether it counts.
    pub is_active: bool,
    /// Raised to end every access token at once.
    pub token_version: i64,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An account to be.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What it logs in with.
    pub username: Username,
    /// Where its mail goes.
    pub email: Email,
    /// What it may do.
    pub role: Role,
    /// Its password.
    pub hash: PasswordHash,
}

/// Changes to an account; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// A new address.
    pub email: Option<Email>,
    /// A new role: owner, staff or customer.
    pub role: Option<Role>,
    /// Deactivated or reactivated.
    pub is_active: Option<bool>,
    /// A new password; ends the account's sessions.
    pub hash: Option<PasswordHash>,
}

/// The sortable columns of the list of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKey {
    /// In the order of creation.
    Id,
    /// By name, as compared.
    Username,
}

impl SortKey for UserKey {
    const LIST: &'static str = "users";
    const ALL: &'static [(&'static str, Self)] = &[("id", Self::Id), ("username", Self::Username)];
}

/// Which users a list shows.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// With this role.
    pub role: Option<Role>,
    /// Active, or not.
    pub is_active: Option<bool>,
    /// With these words in username or e-mail address.
    pub search: Option<Search>,
}

/// Creates an account in the caller's store.
pub fn create_user(cx: &mut Cx<'_>, new: &NewUser) -> Result<User> {
    let mut shop = cx.enter(Action::CreateUser)?;
    check_role(new.role)?;
    insert(&mut shop, new)
}

/// Makes somebody a platform admin. Only the program's command line comes here.
pub fn create_admin(cx: &mut Cx<'_>, new: &NewUser) -> Result<User> {
    cx.enter_platform(Action::AppointAdmin)?;
    let mut shop = cx.enter(Action::AppointAdmin)?;
    insert(&mut shop, &NewUser { role: Role::Superuser, ..new.clone() })
}

/// Inserts an account, and claims its username for logins without a store if nobody has.
pub(super) fn insert(shop: &mut Shop<'_>, new: &NewUser) -> Result<User> {
    let users = shop.tx.users();
    let Some(id) = users.insert(new, shop.now)? else {
        let taken = users.find_login(&new.username.key())?.is_some();
        return Err(Error::Conflict(if taken { Conflict::UsernameTaken } else { Conflict::EmailTaken }));
    };
    users.claim_login(&new.username.key(), id)?;
    let user = User {
        id,
        tenant: shop.scope.tenant(),
        username: new.username.clone(),
        email: new.email.clone(),
        role: new.role,
        is_active: true,
        token_version: 0,
        created_at: shop.now,
    };
    shop.record_newcomer(&user)?;
    Ok(user)
}

/// The users of the caller's store.
pub fn list_users(
    cx: &mut Cx<'_>,
    filter: &UserFilter,
    request: &PageRequest<UserKey>,
) -> Result<Page<User>> {
    page_of_users(&mut cx.enter(Action::ReadUsers)?, filter, request)
}

pub(super) fn page_of_users(
    shop: &mut Shop<'_>,
    filter: &UserFilter,
    request: &PageRequest<UserKey>,
) -> Result<Page<User>> {
    let tenant = shop.scope.tenant();
    let after = request.position(tenant)?;
    let rows = shop.tx.users().page(filter, request.sort, after, request.limit.and_one())?;
    Ok(Page::of(tenant, request, rows, |last| After {
        id: last.id.get(),
        key: match request.sort.by {
            UserKey::Id => Key::Id,
            UserKey::Username => Key::Text(last.username.key()),
        },
    }))
}

/// One user of the caller's store.
pub fn read_user(cx: &mut Cx<'_>, id: UserId) -> Result<User> {
    cx.enter(Action::ReadUsers)?.tx.users().find(id)?.ok_or(Error::NotFound)
}

/// The user of the caller's store with this username, as compared. A text that can be none is nobody's.
pub fn find_user(cx: &mut Cx<'_>, username: &str) -> Result<Option<User>> {
    let shop = cx.enter(Action::ReadUsers)?;
    let Ok(name) = Username::parse(username) else { return Ok(None) };
    let found = shop.tx.users().find_login(&name.key())?;
    found.map_or(Ok(None), |(id, _)| shop.tx.users().find(id))
}

/// An account of the caller's store as it is before a change, kept from others' changes until the transaction ends.
pub fn lock_user(cx: &mut Cx<'_>, id: UserId) -> Result<User> {
    let shop = cx.enter(Action::UpdateUser)?;
    // In the order of `update_user`, so that two changes never wait for each other in a circle.
    shop.tx.users().lock_active_owners()?;
    shop.tx.users().lock(id)?.ok_or(Error::NotFound)
}

/// Changes an account of the caller's store. The last active owner stays one.
pub fn update_user(cx: &mut Cx<'_>, id: UserId, patch: UserPatch) -> Result<User> {
    let mut shop = cx.enter(Action::UpdateUser)?;
    patch.role.map_or(Ok(()), check_role)?;
    let owners = shop.tx.users().lock_active_owners()?;
    let mut user = shop.tx.users().lock(id)?.ok_or(Error::NotFound)?;
    let before = Facts::from(&user);
    user.role = patch.role.unwrap_or(user.role);
    user.is_active = patch.is_active.unwrap_or(user.is_active);
    if owners == [id] && !(user.is_active && user.role == Role::Owner) {
        return Err(Error::Conflict(Conflict::LastOwner));
    }
    set_email(&mut shop, &mut user, patch.email)?;
    shop.tx.users().update(&user)?;
    if let Some(hash) = &patch.hash {
        shop.tx.users().set_password(id, hash)?;
    }
    if patch.hash.is_some() || !user.is_active {
        shop.tx.sessions().revoke_all(id, None, shop.now)?;
        shop.tx.users().bump_token_version(id)?;
    }
    let after = Facts::from(&user);
    let after = if patch.hash.is_some() { after.with("password", "set") } else { after };
    shop.record(Object::User(id), before, after)?;
    Ok(user)
}

/// Removes an account from the caller's store: it can no longer log in and is no longer listed, its name and address
/// are free again, and what it did stays.
pub fn delete_user(cx: &mut Cx<'_>, id: UserId) -> Result<()> {
    let mut shop = cx.enter(Action::DeleteUser)?;
    let owners = shop.tx.users().lock_active_owners()?;
    let user = shop.tx.users().lock(id)?.ok_or(Error::NotFound)?;
    if owners == [id] {
        return Err(Error::Conflict(Conflict::LastOwner));
    }
    shop.tx.sessions().revoke_all(id, None, shop.now)?;
    shop.tx.users().delete(id, shop.now)?;
    shop.record(Object::User(id), (&user).into(), Facts::default())
}

/// The caller's own account.
pub fn read_me(cx: &mut Cx<'_>) -> Result<User> {
    let mut shop = cx.enter(Action::ReadSelf)?;
    own(&mut shop)
}

/// Changes the caller's own account.
pub fn update_me(cx: &mut Cx<'_>, email: Option<Email>) -> Result<User> {
    let mut shop = cx.enter(Action::UpdateSelf)?;
    let id = own(&mut shop)?.id;
    let mut user = shop.tx.users().lock(id)?.ok_or(Error::NotFound)?;
    let before = Facts::from(&user);
    set_email(&mut shop, &mut user, email)?;
    shop.tx.users().update(&user)?;
    shop.record(Object::User(id), before, (&user).into())?;
    Ok(user)
}

/// The caller's own account as it is before a change, kept from others' changes until the transaction ends.
pub fn lock_me(cx: &mut Cx<'_>) -> Result<User> {
    let mut shop = cx.enter(Action::UpdateSelf)?;
    let id = own(&mut shop)?.id;
    shop.tx.users().lock(id)?.ok_or(Error::NotFound)
}

/// The caller's username and stored hash, to verify the old password before a change; unless so many have been tried
/// that the account has to wait, here or at the door.
pub fn own_password(cx: &mut Cx<'_>) -> Result<(User, PasswordHash)> {
    let mut shop = cx.enter(Action::ChangePassword)?;
    let user = own(&mut shop)?;
    let (_, hash) = shop.tx.users().find_login(&user.username.key())?.ok_or(Error::NotFound)?;
    check(cx, &[subject_of(&user)])?;
    Ok((user, hash))
}

/// Counts a wrong old password as a failed login of the account. `free`: as in
/// [`finish_login`](super::finish_login).
pub fn count_wrong_password(cx: &mut Cx<'_>, free: u16) -> Result<()> {
    let user = own(&mut cx.enter(Action::ChangePassword)?)?;
    let held = take_turns(cx, vec![subject_of(&user)], free)?;
    count(cx, &held, free)
}

fn subject_of(user: &User) -> Subject {
    Subject::account(Some(user.tenant), &user.username.key())
}

/// Sets the caller's password and ends every other session. `verified` is the hash that the old password matched: if
/// it is no longer the stored one, somebody else has changed it meanwhile.
pub fn change_password(cx: &mut Cx<'_>, verified: &PasswordHash, new: &PasswordHash) -> Result<()> {
    let session: Option<SessionId> = cx.known()?.session();
    let mut shop = cx.enter(Action::ChangePassword)?;
    let (user, now) = (own(&mut shop)?, shop.now);
    cx.directory().lock_failures(&subject_of(&user), now)?;
    cx.enter(Action::ChangePassword)?.tx.users().lock(user.id)?;
    let (user, stored) = own_password(cx)?;
    let mut shop = cx.enter(Action::ChangePassword)?;
    if stored != *verified {
        return Err(Error::Conflict(Conflict::Duplicate));
    }
    shop.tx.users().set_password(user.id, new)?;
    shop.tx.sessions().revoke_all(user.id, session, shop.now)?;
    shop.record(Object::User(user.id), Facts::default(), Facts::default().with("password", "set"))?;
    cx.directory().forgive_failures(&subject_of(&user))
}

/// A store has owners, staff and customers. Platform admins are never made in one.
fn check_role(role: Role) -> Result<()> {
    Role::parse_member(role.name()).map(drop).map_err(|violation| violation.on("role"))
}

fn own(shop: &mut Shop<'_>) -> Result<User> {
    let gone = || Error::Unauthenticated(AuthFailure::BadToken);
    let id = shop.scope.member().ok_or_else(gone)?;
    shop.tx.users().find(id)?.ok_or_else(gone)
}

fn set_email(shop: &mut Shop<'_>, user: &mut User, email: Option<Email>) -> Result<()> {
    let Some(email) = email else { return Ok(()) };
    if shop.tx.users().find_by_email(&email.key())?.is_some_and(|other| other != user.id) {
        return Err(Error::Conflict(Conflict::EmailTaken));
    }
    user.email = email;
    Ok(())
}
