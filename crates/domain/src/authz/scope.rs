use super::{Action, Actor, Realm, Role, Verdict, verdict};
use crate::error::{AuthFailure, Denied, Error, Result};
use crate::ids::{TenantId, UserId};
use crate::money::Currency;

/// How far a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everything in the tenant.
    All,
    /// What the store shows to the public.
    Public,
    /// What is the actor's own.
    Own,
}

/// Proof that somebody may do something in one tenant, and the only key to that tenant's repositories.
/// Minted by [`authorize`] alone:
///
/// ```compile_fail,E0451
/// use haat_domain::{authz::{Reach, TenantScope}, ids::TenantId};
/// let forged = TenantScope { tenant: TenantId::new(1), reach: Reach::All, ..unreachable!() };
/// ```
#[derive(Debug, Clone)]
pub struct TenantScope {
    tenant: TenantId,
    currency: Currency,
    member: Option<UserId>,
    action: Action,
    reach: Reach,
}

impl TenantScope {
    /// The one tenant it opens.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// That tenant's currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The actor's account, if it lives in this tenant.
    pub const fn member(&self) -> Option<UserId> {
        self.member
    }

    /// What was permitted.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// How far.
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// Whose rows alone may be seen, if not everybody's.
    pub fn only(&self) -> Option<UserId> {
        match self.reach {
            Reach::Own => Some(self.member.unwrap_or(UserId::new(-1))),
            Reach::All | Reach::Public => None,
        }
    }
}

/// Proof that somebody may do something to the installation. Minted by [`authorize_platform`] alone.
#[derive(Debug, Clone)]
pub struct PlatformScope {
    action: Action,
}

impl PlatformScope {
    /// What was permitted.
    pub const fn action(&self) -> Action {
        self.action
    }
}

/// Asks the policy, and mints the scope.
///
/// Nobody at all where somebody is needed: [`Error::Unauthenticated`]. A role that may never do this, or a platform
/// admin who has not named a store: [`Error::Forbidden`], before anything is looked up.
pub fn authorize(actor: &Actor, action: Action) -> Result<TenantScope> {
    let reach = permitted(actor, action)?;
    if action.realm() == Realm::Store && actor.tenant().is_platform() {
        return Err(Error::Forbidden(Denied::StoreRequired));
    }
    Ok(TenantScope {
        tenant: match action.realm() {
            Realm::Account | Realm::Platform => actor.home(),
            Realm::Door | Realm::Store => actor.tenant(),
        },
        currency: actor.currency(),
        member: if action.realm() == Realm::Account { actor.user() } else { actor.member() },
        action,
        reach,
    })
}

/// Asks the policy about the installation.
pub fn authorize_platform(actor: &Actor, action: Action) -> Result<PlatformScope> {
    permitted(actor, action)?;
    if action.realm() == Realm::Platform {
        Ok(PlatformScope { action })
    } else {
        Err(Error::Forbidden(Denied::Role))
    }
}

fn permitted(actor: &Actor, action: Action) -> Result<Reach> {
    match verdict(actor.role(), action) {
        Verdict::Allow => Ok(Reach::All),
        Verdict::Public => Ok(Reach::Public),
        Verdict::Own => Ok(Reach::Own),
        Verdict::Deny if actor.role() == Role::Anonymous => Err(Error::Unauthenticated(AuthFailure::Missing)),
        Verdict::Deny => Err(Error::Forbidden(Denied::Role)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenancy::{Slug, StoreName, Tenant, TenantStatus};
    use crate::time::Timestamp;

    fn tenant(id: i64, currency: &str) -> Tenant {
        Tenant {
            id: TenantId::new(id),
            name: StoreName::parse("Bazaar").unwrap(),
            slug: Slug::of("bazaar").unwrap(),
            currency: Currency::parse(currency).unwrap(),
            status: TenantStatus::Active,
            created_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn a_visitor_passes_the_door_and_no_further() {
        let visitor = Actor::visitor(&tenant(5, "EUR"));
        for action in Action::ALL {
            match authorize(&visitor, *action) {
                Ok(scope) => assert_eq!((action.realm(), scope.tenant()), (Realm::Door, visitor.tenant())),
                Err(error) => {
                    assert!(matches!(error, Error::Unauthenticated(AuthFailure::Missing)), "{action}");
                }
            }
            assert!(authorize_platform(&visitor, *action).is_err(), "{action}");
        }
    }

    #[test]
    fn a_platform_admin_names_a_store_to_act_in_one() {
        let nowhere = Actor::operator(&tenant(0, "INR"));
        let inside = nowhere.inside(&tenant(5, "EUR"));
        for action in Action::ALL.iter().filter(|action| action.realm() == Realm::Store) {
            let refused = authorize(&nowhere, *action);
            assert!(matches!(refused, Err(Error::Forbidden(Denied::StoreRequired))), "{action}");
            let scope = authorize(&inside, *action).unwrap();
            assert_eq!((scope.tenant(), scope.currency().code()), (TenantId::new(5), "EUR"));
            assert_eq!((scope.reach(), scope.member(), scope.action()), (Reach::All, None, *action));
        }
    }

    #[test]
    fn a_platform_admins_own_things_stay_at_home_whatever_store_they_are_in() {
        let inside = Actor::operator(&tenant(0, "INR")).inside(&tenant(5, "EUR"));
        for action in
            Action::ALL.iter().filter(|action| matches!(action.realm(), Realm::Account | Realm::Platform))
        {
            assert_eq!(authorize(&inside, *action).unwrap().tenant(), TenantId::PLATFORM, "{action}");
        }
    }

    #[test]
    fn only_actions_on_the_installation_open_it() {
        let operator = Actor::operator(&tenant(0, "INR"));
        for action in Action::ALL {
            let opens = authorize_platform(&operator, *action).is_ok();
            assert_eq!(opens, action.realm() == Realm::Platform, "{action}");
        }
    }

    #[test]
    fn whose_reach_is_their_own_and_who_are_nobody_own_nothing() {
        let scope = authorize(&Actor::visitor(&tenant(5, "EUR")), Action::SignIn).unwrap();
        assert_eq!((scope.reach(), scope.member()), (Reach::Own, None));
        assert!(scope.only().is_some_and(|nobody| nobody.get() < 0));
    }
}
