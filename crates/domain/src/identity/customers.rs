use super::users::page_of_users;
use super::{Email, User, UserFilter, UserKey, Username};
use crate::authz::{Action, Role};
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::page::{Page, PageRequest};
use crate::text::Search;
use std::collections::BTreeMap;

/// The customers of the caller's store, active or not.
pub fn list_customers(
    cx: &mut Cx<'_>,
    search: Option<Search>,
    request: &PageRequest<UserKey>,
) -> Result<Page<User>> {
    let filter = UserFilter { role: Some(Role::Customer), search, ..UserFilter::default() };
    page_of_users(&mut cx.enter(Action::ReadCustomers)?, &filter, request)
}

/// One customer of the caller's store. An account with another role is none.
pub fn read_customer(cx: &mut Cx<'_>, id: UserId) -> Result<User> {
    let found = cx.enter(Action::ReadCustomers)?.tx.users().find(id)?;
    found.filter(is_customer).ok_or(Error::NotFound)
}

/// The customer of the caller's store with this username or else with this e-mail address, as compared.
pub fn find_customer(cx: &mut Cx<'_>, username: &str) -> Result<Option<User>> {
    let users = cx.enter(Action::ReadCustomers)?.tx.users();
    if let Ok(name) = Username::parse(username)
        && let Some((id, _)) = users.find_login(&name.key())?
        && let Some(customer) = users.find(id)?.filter(is_customer)
    {
        return Ok(Some(customer));
    }
    if let Ok(address) = Email::parse(username)
        && let Some(id) = users.find_by_email(&address.key())?
    {
        return Ok(users.find(id)?.filter(is_customer));
    }
    Ok(None)
}

/// What the accounts with these numbers are called, removed ones included: who has ordered once has a name.
pub fn names_of(cx: &mut Cx<'_>, ids: &[UserId]) -> Result<BTreeMap<UserId, Username>> {
    let names = cx.enter(Action::ReadCustomers)?.tx.users().names(ids)?;
    Ok(names.into_iter().collect())
}

/// The platform admins. Platform admins only.
pub fn list_admins(cx: &mut Cx<'_>, request: &PageRequest<UserKey>) -> Result<Page<User>> {
    page_of_users(&mut cx.enter(Action::ReadAdmins)?, &UserFilter::default(), request)
}

fn is_customer(user: &User) -> bool {
    user.role == Role::Customer
}
