use super::slowdown::{Subject, check, count, forgive, take_turns};
use super::{PasswordHash, User, Username};
use crate::authz::{Action, Actor, Role};
use crate::cx::Cx;
use crate::error::{AuthFailure, Conflict, Error, Result};
use crate::idempotency;
use crate::ids::{SessionId, TenantId, UserId};
use crate::money::Currency;
use crate::tenancy::{Tenant, TenantStatus, find_store};
use crate::time::Timestamp;

const DAY: i64 = 24 * 60 * 60;

/// A login: the family of refresh tokens that descend from it. Each refresh raises the generation; a token of an
/// older generation was used before, so that somebody has stolen one of the two, and the family ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Which generation of its refresh token is good.
    pub generation: i64,
    /// When it ends if nobody refreshes it.
    pub idle_until: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// When it was ended, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl Session {
    /// A session lives so many days without use.
    pub const IDLE_DAYS: i64 = 14;
    /// A session lives so many days at most.
    pub const MAX_DAYS: i64 = 90;

    /// The refresh token before the present one is good for so many seconds after it was replaced, where
    /// [`continue_session`] is asked.
    pub const OVERLAP_SECONDS: i64 = 60;

    /// Whether it still counts.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.idle_until && now < self.expires_at
    }

    /// Whether the present generation has only just taken the place of this one. Each refresh moves `idle_until`, so
    /// that it tells when the last one was.
    fn has_just_replaced(&self, generation: i64, now: Timestamp) -> bool {
        let overlap = Self::OVERLAP_SECONDS - Self::IDLE_DAYS * DAY;
        generation.checked_add(1) == Some(self.generation) && now < self.idle_until.plus_seconds(overlap)
    }
}

/// A session to be.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose it is.
    pub user: UserId,
    /// When it begins.
    pub created_at: Timestamp,
    /// When it ends if nobody refreshes it.
    pub idle_until: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// What a verified access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    /// Where the account lives.
    pub tenant: TenantId,
    /// The account.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// The account's token version when the token was issued.
    pub token_version: i64,
}

/// What a verified refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refresh {
    /// Where the account lives.
    pub tenant: TenantId,
    /// The session.
    pub session: SessionId,
    /// Which generation it is.
    pub generation: i64,
}

/// What tokens are issued for.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Where the account lives.
    pub tenant: TenantId,
    /// The account.
    pub user: UserId,
    /// Its role now.
    pub role: Role,
    /// Its token version now.
    pub token_version: i64,
    /// The session.
    pub session: SessionId,
    /// The generation of the refresh token.
    pub generation: i64,
    /// When the refresh token ends.
    pub refresh_until: Timestamp,
}

/// Which entrance a pair of tokens is for. A refresh token is renewed at the same one alone: browsers, which send
/// requests side by side, are forgiven what programs are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// The API: [`refresh_session`].
    Api,
    /// The admin panel: [`continue_session`].
    Panel,
}

/// An access token and the refresh token that renews it.
#[derive(Clone)]
pub struct TokenPair {
    /// Proves who is calling, for a few minutes.
    pub access: String,
    /// Good for one new pair.
    pub refresh: String,
}

/// An account with what decides whether it counts: one row that a store reads for each request.
#[derive(Debug, Clone)]
pub struct Account {
    /// The user.
    pub user: User,
    /// The user's token version.
    pub token_version: i64,
    /// The store's status.
    pub status: TenantStatus,
    /// The store's currency.
    pub currency: Currency,
    /// The session that was asked about.
    pub session: SessionId,
    /// Whether that session was ended.
    pub session_revoked: bool,
    /// When that session ends at the latest.
    pub session_expires_at: Timestamp,
}

/// Decides whether an account counts for this credential, and as whom.
pub fn resolve(account: Option<Account>, credential: &Credential, now: Timestamp) -> Result<Actor> {
    let fail = |failure| Err(Error::Unauthenticated(failure));
    match account {
        None => fail(AuthFailure::BadToken),
        Some(account) if !account.user.is_active => fail(AuthFailure::Inactive),
        Some(account)
            if account.session_revoked
                || account.session_expires_at <= now
                || account.token_version != credential.token_version =>
        {
            fail(AuthFailure::BadToken)
        }
        Some(account) if account.status == TenantStatus::Suspended => fail(AuthFailure::StoreSuspended),
        Some(account) => Ok(Actor::holder(&account)),
    }
}

/// A wish to log in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The username.
    pub username: Username,
    /// Name or slug of the store; without it the account that first took this username on the server is meant.
    pub store: Option<String>,
}

/// The account that a login means, with the hash that its password must match.
#[derive(Debug, Clone)]
pub struct LoginAccount {
    /// Where it lives.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// What the password must match.
    pub hash: PasswordHash,
}

/// Finds the account that a login means. `None` is not an answer for the client: the caller verifies the password
/// against a dummy hash then, so that both cases take the same time.
pub fn find_account(cx: &mut Cx<'_>, login: &Login) -> Result<Option<LoginAccount>> {
    let Some(store) = store_of(cx, login)? else { return Ok(None) };
    account_in(cx, &store, login)
}

fn store_of(cx: &mut Cx<'_>, login: &Login) -> Result<Option<Tenant>> {
    match &login.store {
        Some(name) => find_store(cx, name),
        None => match cx.directory().first_claim(&login.username.key())? {
            Some(tenant) => cx.directory().store_by_id(tenant),
            None => Ok(None),
        },
    }
}

fn account_in(cx: &mut Cx<'_>, store: &Tenant, login: &Login) -> Result<Option<LoginAccount>> {
    let shop = cx.visit(store, Action::SignIn)?;
    let found = shop.tx.users().find_login(&login.username.key())?;
    Ok(found.map(|(user, hash)| LoginAccount { tenant: store.id, user, hash }))
}

/// A login whose password is about to be verified.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The account that is meant, if there is one. No answer may depend on whether there is.
    pub account: Option<LoginAccount>,
    subject: Option<Subject>,
    address: Option<Subject>,
}

impl Attempt {
    fn subjects(&self) -> Vec<Subject> {
        self.subject.iter().chain(&self.address).cloned().collect()
    }
}

/// Begins a login from an address, if neither the account nor the address has to wait. A username that cannot be one
/// is nobody's.
pub fn begin_login(cx: &mut Cx<'_>, login: Option<&Login>, address: Option<&str>) -> Result<Attempt> {
    let address = address.map(Subject::address);
    let mut attempt = Attempt { account: None, subject: None, address };
    if let Some(login) = login {
        let store = store_of(cx, login)?;
        let tenant = store.as_ref().map(|store| store.id);
        attempt.subject = Some(Subject::account(tenant, &login.username.key()));
        if let Some(store) = store {
            attempt.account = account_in(cx, &store, login)?;
        }
    }
    check(cx, &attempt.subjects())?;
    Ok(attempt)
}

/// Ends a login. Whether its password was right counts for nothing if others have failed meanwhile so often that it
/// has to wait: who tries many at once learns no more than who tries one after the other. `None`: it was not right;
/// that counts against account and address, in this transaction, which must therefore commit. `free`: so many failures
/// cost no time; 0: none ever does.
pub fn finish_login(
    cx: &mut Cx<'_>,
    attempt: &Attempt,
    verified: bool,
    upgraded: Option<&PasswordHash>,
    free: u16,
) -> Result<Option<Grant>> {
    let held = take_turns(cx, attempt.subjects(), free)?;
    let Some(account) = attempt.account.as_ref().filter(|_| verified) else {
        return count(cx, &held, free).map(|()| None);
    };
    match open_session(cx, account, upgraded) {
        // A deactivated account: the right password is as good as any other, and counts as one.
        Err(Error::Unauthenticated(AuthFailure::BadCredentials)) => count(cx, &held, free).map(|()| None),
        Ok(grant) => {
            attempt.subject.as_ref().map_or(Ok(()), |subject| forgive(cx, subject, &held))?;
            Ok(Some(grant))
        }
        Err(error) => Err(error),
    }
}

/// Opens a session for an account whose password was verified. `upgraded` replaces a hash of an older kind.
///
/// A conflict means that the verified hash is no longer the stored one: somebody has changed the password meanwhile,
/// or another login has upgraded its hash. Which of the two, only verifying once more can tell.
pub fn open_session(
    cx: &mut Cx<'_>,
    account: &LoginAccount,
    upgraded: Option<&PasswordHash>,
) -> Result<Grant> {
    let refused = || Error::Unauthenticated(AuthFailure::BadCredentials);
    let store = cx.directory().store_by_id(account.tenant)?.ok_or_else(refused)?;
    let shop = cx.visit(&store, Action::SignIn)?;
    // Locked, so that no change of the password comes between looking at it and what follows.
    let user = shop.tx.users().lock(account.user)?.filter(|user| user.is_active).ok_or_else(refused)?;
    if store.status == TenantStatus::Suspended {
        return Err(Error::Unauthenticated(AuthFailure::StoreSuspended));
    }
    let stored = shop.tx.users().find_login(&user.username.key())?;
    if stored.is_none_or(|(_, hash)| hash != account.hash) {
        return Err(Error::Conflict(Conflict::Duplicate));
    }
    if let Some(hash) = upgraded {
        shop.tx.users().set_password(user.id, hash)?;
    }
    let expires_at = shop.now.plus_seconds(Session::MAX_DAYS * DAY);
    let idle_until = shop.now.plus_seconds(Session::IDLE_DAYS * DAY);
    let new = NewSession { user: user.id, created_at: shop.now, idle_until, expires_at };
    let session = shop.tx.sessions().open(&new)?;
    shop.tx.replays().forget(idempotency::stale(shop.now))?;
    Ok(Grant {
        tenant: store.id,
        user: user.id,
        role: user.role,
        token_version: user.token_version,
        session,
        generation: 1,
        refresh_until: idle_until.min(expires_at),
    })
}

/// What became of a refresh token.
#[derive(Debug, Clone)]
pub enum Rotation {
    /// It was good, and was used up for this; or it had only just been, and this is what took its place.
    Fresh(Grant),
    /// It had been used before: the whole family has ended with this transaction, which must therefore commit.
    Reused,
    /// The session or the account no longer counts.
    Ended(AuthFailure),
}

/// Uses a refresh token up.
pub fn refresh_session(cx: &mut Cx<'_>, token: &Refresh) -> Result<Rotation> {
    rotate(cx, token, |_, _| false)
}

/// Uses a refresh token up as a browser does, which sends several requests at once and may lose an answer: the token
/// before the present one is answered with the present one for [`Session::OVERLAP_SECONDS`], and nothing is used up.
pub fn continue_session(cx: &mut Cx<'_>, token: &Refresh) -> Result<Rotation> {
    rotate(cx, token, |session, now| session.has_just_replaced(token.generation, now))
}

/// `forgiven`: whether a session as it is now may still be asked with this token, which it has replaced.
fn rotate(
    cx: &mut Cx<'_>,
    token: &Refresh,
    forgiven: impl FnOnce(&Session, Timestamp) -> bool,
) -> Result<Rotation> {
    let Some(store) = cx.directory().store_by_id(token.tenant)? else {
        return Ok(Rotation::Ended(AuthFailure::BadToken));
    };
    let shop = cx.visit(&store, Action::SignIn)?;
    let live = |session: &Session| session.is_live(shop.now);
    let Some(mut session) = shop.tx.sessions().find(token.session)?.filter(live) else {
        return Ok(Rotation::Ended(AuthFailure::BadToken));
    };
    // A token that may not be used now is not used up: it is good again when the store is open again.
    let user = match shop.tx.users().find(session.user)? {
        Some(user) if user.is_active && store.status == TenantStatus::Active => user,
        Some(user) if user.is_active => return Ok(Rotation::Ended(AuthFailure::StoreSuspended)),
        _ => return Ok(Rotation::Ended(AuthFailure::Inactive)),
    };
    let idle_until = shop.now.plus_seconds(Session::IDLE_DAYS * DAY);
    if shop.tx.sessions().rotate(session.id, token.generation, idle_until)? {
        (session.generation, session.idle_until) = (token.generation + 1, idle_until);
        shop.tx.replays().forget(idempotency::stale(shop.now))?;
    } else {
        // Somebody else has rotated it, perhaps just now. A logout may have come between; that is no theft.
        let Some(present) = shop.tx.sessions().find(session.id)?.filter(live) else {
            return Ok(Rotation::Ended(AuthFailure::BadToken));
        };
        if !forgiven(&present, shop.now) {
            shop.tx.sessions().revoke(session.id, shop.now)?;
            return Ok(Rotation::Reused);
        }
        session = present;
    }
    Ok(Rotation::Fresh(Grant {
        tenant: store.id,
        user: user.id,
        role: user.role,
        token_version: user.token_version,
        session: session.id,
        generation: session.generation,
        refresh_until: session.idle_until.min(session.expires_at),
    }))
}

/// Whether a refresh token could be used now; it is not used up.
pub fn check_refresh(cx: &mut Cx<'_>, token: &Refresh) -> Result<()> {
    let bad = || Error::Unauthenticated(AuthFailure::BadToken);
    let store = cx.directory().store_by_id(token.tenant)?.ok_or_else(bad)?;
    let shop = cx.visit(&store, Action::SignIn)?;
    let session = shop.tx.sessions().find(token.session)?.ok_or_else(bad)?;
    let user = shop.tx.users().find(session.user)?.ok_or_else(bad)?;
    let good = session.is_live(shop.now) && session.generation == token.generation && user.is_active;
    if good && store.status == TenantStatus::Active { Ok(()) } else { Err(bad()) }
}

/// Ends the caller's session.
pub fn end_session(cx: &mut Cx<'_>) -> Result<()> {
    let session = cx.known()?.session();
    let shop = cx.enter(Action::EndSession)?;
    session.map_or(Ok(()), |session| shop.tx.sessions().revoke(session, shop.now))
}

/// Ends every session of the caller, and every access token with them.
pub fn end_all_sessions(cx: &mut Cx<'_>) -> Result<()> {
    let shop = cx.enter(Action::EndSession)?;
    let user = shop.scope.member().ok_or(Error::Unauthenticated(AuthFailure::Missing))?;
    shop.tx.users().bump_token_version(user)?;
    shop.tx.sessions().revoke_all(user, None, shop.now)
}
