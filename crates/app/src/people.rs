//! Accounts to be, and new passwords for those that are.

use crate::{App, Caller};
use haat_domain::authz::{Action, Role};
use haat_domain::error::{FieldErrors, Result};
use haat_domain::identity::{self, Email, NewPassword, NewUser, UserPatch, Username};
use haat_domain::ids::UserId;
use haat_domain::ports::Access;

/// Username, e-mail address, role and password of an account to be, before the password is hashed.
pub struct Candidate {
    /// What it will log in with.
    pub username: Username,
    /// Where its mail will go.
    pub email: Email,
    /// What it will be.
    pub role: Role,
    password: NewPassword,
}

impl Candidate {
    /// Checks all four, and notes every fault.
    pub fn parse(
        username: Option<&str>,
        email: Option<&str>,
        role: Option<&str>,
        password: Option<&str>,
        errors: &mut FieldErrors,
    ) -> Option<Self> {
        let (name, mail) = (username.unwrap_or_default(), email.unwrap_or_default());
        let parsed = (
            errors.check("username", Username::parse(name)),
            errors.check("email", Email::parse(mail)),
            role.map_or(Some(Role::Customer), |role| errors.check("role", Role::parse_member(role))),
            errors.check("password", NewPassword::parse(password.unwrap_or_default(), &[name, mail])),
        );
        let (Some(username), Some(email), Some(role), Some(password)) = parsed else { return None };
        Some(Self { username, email, role, password })
    }

    /// Hashes the password: before any transaction is opened.
    pub async fn hashed(self, app: &App, caller: &Caller) -> Result<NewUser> {
        let Self { username, email, role, password } = self;
        let hash = app.hash(caller, move |hasher| hasher.hash(&password)).await?;
        Ok(NewUser { username, email, role, hash })
    }
}

/// Puts the hash of a new password into a patch, once it is compared with what the account is called: before the
/// transaction in which the account is changed.
pub async fn with_password(
    app: &App,
    caller: &Caller,
    user: UserId,
    patch: UserPatch,
    password: Option<NewPassword>,
) -> Result<UserPatch> {
    let Some(password) = password else { return Ok(patch) };
    let found =
        app.run(caller, Access::Read, Action::UpdateUser, move |cx| identity::read_user(cx, user)).await?;
    let new_email = patch.email.as_ref().unwrap_or(&found.email);
    let known = [found.username.as_str(), found.email.as_str(), new_email.as_str()];
    let password = NewPassword::parse(password.expose(), &known).map_err(|fault| fault.on("password"))?;
    let hash = app.hash(caller, move |hasher| hasher.hash(&password)).await?;
    Ok(UserPatch { hash: Some(hash), ..patch })
}
