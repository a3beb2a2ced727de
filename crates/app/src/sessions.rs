//! Logging in, and changing the own password: a transaction, a password, and another transaction.

use crate::{App, Caller};
use haat_domain::authz::Action;
use haat_domain::cx::Cx;
use haat_domain::error::{AuthFailure, Error, Result};
use haat_domain::identity::{self, Grant, Login, NewPassword, Verified};
use haat_domain::ports::Access;

/// Verifies a password and opens a session. `None` is nobody, and takes as long as anybody.
pub async fn sign_in(app: &App, caller: &Caller, wanted: Option<Login>, password: String) -> Result<Grant> {
    let at_the_door = caller.at_the_door();
    match attempt(app, &at_the_door, wanted.clone(), password.clone()).await {
        // What was verified is no longer what is stored: most likely another login has just upgraded the hash.
        Err(Error::Conflict(_)) => attempt(app, &at_the_door, wanted, password).await,
        done => done,
    }
}

async fn attempt(app: &App, at_the_door: &Caller, wanted: Option<Login>, password: String) -> Result<Grant> {
    let address = at_the_door.address.map(|address| address.to_string());
    let begin = move |cx: &mut Cx<'_>| identity::begin_login(cx, wanted.as_ref(), address.as_deref());
    let attempt = app.visit(at_the_door, Access::Read, begin).await?;
    let (verified, upgraded, attempt) = app
        .hash(at_the_door, move |hasher| {
            let verified = hasher.verify(&password, attempt.account.as_ref().map(|account| &account.hash))?;
            let upgraded = match verified {
                Verified::Outdated => Some(hasher.rehash(&password)?),
                Verified::Yes | Verified::No => None,
            };
            Ok((verified != Verified::No, upgraded, attempt))
        })
        .await?;
    let free = app.free_failures;
    let meant = attempt.account.as_ref().map(|account| (account.tenant.get(), account.user.get()));
    let (tenant, user) = meant.unzip();
    let finish =
        move |cx: &mut Cx<'_>| identity::finish_login(cx, &attempt, verified, upgraded.as_ref(), free);
    let grant = app.visit(at_the_door, Access::Write, finish).await?;
    // For the operator alone: the answer does not tell whether there is such an account.
    tracing::info!(tenant, user, success = grant.is_some(), "login");
    grant.ok_or(Error::Unauthenticated(AuthFailure::BadCredentials))
}

/// Changes the caller's password, if they know the old one; a wrong one counts as a failed login.
pub async fn change_password(app: &App, caller: &Caller, old: String, new: &str) -> Result<()> {
    let action = Action::ChangePassword;
    let (user, stored) = app.run(caller, Access::Read, action, identity::own_password).await?;
    let new = NewPassword::parse(new, &[user.username.as_str(), user.email.as_str()]);
    let new = new.map_err(|fault| fault.on("new_password"))?;
    let verified = app
        .hash(caller, move |hasher| match hasher.verify(&old, Some(&stored))? {
            Verified::No => Ok(None),
            // The new one gets a hash of today's kind in any case.
            Verified::Yes | Verified::Outdated => Ok(Some((stored, hasher.hash(&new)?))),
        })
        .await?;
    let Some((stored, new)) = verified else {
        let free = app.free_failures;
        app.run(caller, Access::Write, action, move |cx| identity::count_wrong_password(cx, free)).await?;
        return Err(Error::invalid("old_password", "is wrong"));
    };
    app.run(caller, Access::Write, action, move |cx| identity::change_password(cx, &stored, &new)).await
}
