use crate::error::Violation;
use crate::identity::{Account, Username};
use crate::ids::{SessionId, TenantId, UserId};
use crate::money::Currency;
use crate::tenancy::Tenant;
use std::fmt;

/// What somebody is to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Role {
    /// Manages everything in the store.
    Owner,
    /// Manages products and orders.
    Staff,
    /// Browses products and places orders.
    Customer,
    /// Runs the installation (platform admin).
    Superuser,
    /// Not known.
    Anonymous,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Staff, Self::Customer, Self::Superuser, Self::Anonymous];

    /// The stable name, as tokens and the database hold it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Staff => "staff",
            Self::Customer => "customer",
            Self::Superuser => "superuser",
            Self::Anonymous => "anonymous",
        }
    }

    /// A role that somebody can have in a store: owner, staff or customer.
    pub fn parse_member(name: &str) -> Result<Self, Violation> {
        [Self::Owner, Self::Staff, Self::Customer]
            .into_iter()
            .find(|role| role.name() == name)
            .ok_or_else(|| Violation::new("must be one of owner, staff, customer"))
    }

    /// A role that an account can have; `None` for anything else.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().filter(|role| *role != Self::Anonymous).find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Who is acting, and where. Made from the account's row in the store, never from what a client says.
#[derive(Debug, Clone)]
pub struct Actor {
    home: TenantId,
    tenant: TenantId,
    currency: Currency,
    role: Role,
    user: Option<UserId>,
    username: Option<Username>,
    session: Option<SessionId>,
}

impl Actor {
    /// Somebody unknown at the door of a store.
    pub fn visitor(store: &Tenant) -> Self {
        Self {
            home: store.id,
            tenant: store.id,
            currency: store.currency,
            role: Role::Anonymous,
            user: None,
            username: None,
            session: None,
        }
    }

    /// Whoever runs the program on the server itself (`haat create-admin`, `haat demo`), acting in `store`.
    pub fn operator(store: &Tenant) -> Self {
        Self { home: TenantId::PLATFORM, role: Role::Superuser, ..Self::visitor(store) }
    }

    /// The holder of an account, in its own store.
    pub fn holder(account: &Account) -> Self {
        Self {
            home: account.user.tenant,
            tenant: account.user.tenant,
            currency: account.currency,
            role: account.user.role,
            user: Some(account.user.id),
            username: Some(account.user.username.clone()),
            session: Some(account.session),
        }
    }

    /// This platform admin, inside `store`. The caller has checked [`Action::EnterStore`](super::Action::EnterStore).
    pub(crate) fn inside(&self, store: &Tenant) -> Self {
        Self { tenant: store.id, currency: store.currency, ..self.clone() }
    }

    /// Where the account lives.
    pub const fn home(&self) -> TenantId {
        self.home
    }

    /// The tenant acted in.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// That tenant's currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The role.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The account, wherever it lives.
    pub const fn user(&self) -> Option<UserId> {
        self.user
    }

    /// The account, if it lives in the tenant acted in: what that tenant's rows may refer to.
    pub fn member(&self) -> Option<UserId> {
        self.user.filter(|_| self.home == self.tenant)
    }

    /// The account's name; "operator" at the console.
    pub fn name(&self) -> &str {
        self.username.as_ref().map_or("operator", Username::as_str)
    }

    /// The login session.
    pub const fn session(&self) -> Option<SessionId> {
        self.session
    }
}
