//! The audit log of a store: who did what in it, in an order that nobody can change unnoticed.
//!
//! An entry is written in the transaction of the change that it tells of, and linked to the one before it; see [`Link`].

mod chain;
mod facts;

pub use chain::{Chain, Link, verify_chain};
pub use facts::{Fact, Facts};

use crate::authz::{Action, Actor, Role};
use crate::cx::Cx;
use crate::error::{Error, Result, Violation};
use crate::identity::User;
use crate::ids::{InvitationId, OrderId, ProductId, TenantId, UserId};
use crate::page::{After, Key, Page, PageRequest, SortKey};
use crate::time::Timestamp;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// The account, `None` for the operator at the console. It may live in the platform, not in this store.
    pub actor: Option<UserId>,
    /// The account's name at that time.
    pub actor_name: String,
    /// The role acted in.
    pub actor_role: &'static str,
    /// What was done.
    pub action: Action,
    /// To what.
    pub object: Option<Object>,
    /// The number of the request, as the server's log has it.
    pub request: Option<String>,
    /// What was so before, of what changed.
    pub before: Facts,
    /// What was so afterwards, of what changed.
    pub after: Facts,
}

impl Entry {
    /// What this actor did.
    pub fn of(actor: &Actor, action: Action, at: Timestamp) -> Self {
        Self::by(actor.user(), actor.name(), actor.role(), action, at)
    }

    /// What somebody did who has just become known.
    pub(crate) fn of_newcomer(user: &User, action: Action, at: Timestamp) -> Self {
        Self::by(Some(user.id), user.username.as_str(), user.role, action, at)
    }

    fn by(actor: Option<UserId>, name: &str, role: Role, action: Action, at: Timestamp) -> Self {
        Self {
            at,
            actor,
            actor_name: name.to_owned(),
            actor_role: role.name(),
            action,
            object: None,
            request: None,
            before: Facts::default(),
            after: Facts::default(),
        }
    }
}

/// An entry where it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// 1, 2, 3, ... in each store.
    pub number: i64,
    /// What happened.
    pub entry: Entry,
    /// What links it to all entries before it.
    pub link: Link,
}

macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident($id:ident) = $text:literal),+ $(,)?) => {
        /// What was acted upon.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Object { $($(#[$doc])* $name($id)),+ }

        impl Object {
            /// The names of all kinds, for documents and filters.
            pub const KINDS: &'static [&'static str] = &[$($text),+];

            /// The stable name of its kind.
            pub const fn kind(self) -> &'static str {
                match self { $(Self::$name(_) => $text),+ }
            }

            /// Its number.
            pub const fn id(self) -> i64 {
                match self { $(Self::$name(id) => id.get()),+ }
            }

            /// What a log has kept; `None` for a kind that there is not.
            pub fn from_stored(kind: &str, id: i64) -> Option<Self> {
                match kind { $($text => Some(Self::$name($id::new(id))),)+ _ => None }
            }
        }
    };
}

objects! {
    /// The store itself.
    Store(TenantId) = "store",
    /// An account.
    User(UserId) = "user",
    /// An invitation.
    Invitation(InvitationId) = "invitation",
    /// A product.
    Product(ProductId) = "product",
    /// An order.
    Order(OrderId) = "order",
}

impl Object {
    /// A kind of that name.
    pub fn parse_kind(name: &str) -> Result<&'static str, Violation> {
        let known = Self::KINDS.iter().find(|kind| **kind == name);
        known.copied().ok_or_else(|| Violation::new(format!("must be one of {}", Self::KINDS.join(", "))))
    }
}

/// The sortable columns of an audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditKey {
    /// In the order in which things happened.
    Number,
}

impl SortKey for AuditKey {
    const LIST: &'static str = "audit";
    const ALL: &'static [(&'static str, Self)] = &[("number", Self::Number)];
}

/// Which entries a list shows.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// By this account.
    pub actor: Option<UserId>,
    /// Of this action.
    pub action: Option<Action>,
    /// About things of this kind; one of [`Object::KINDS`].
    pub kind: Option<&'static str>,
    /// About things with this number.
    pub object: Option<i64>,
    /// From the request of this number.
    pub request: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// The audit log of the caller's store.
pub fn list_audit(
    cx: &mut Cx<'_>,
    filter: &AuditFilter,
    request: &PageRequest<AuditKey>,
) -> Result<Page<Recorded>> {
    let shop = cx.enter(Action::ReadAudit)?;
    let tenant = shop.scope.tenant();
    let after = request.position(tenant)?;
    if after.as_ref().is_some_and(|after| after.key != Key::Number(after.id)) {
        return Err(Error::invalid("cursor", "belongs to another list"));
    }
    let rows = shop.tx.audit().page(
        filter,
        request.sort.descending,
        after.map(|after| after.id),
        request.limit.and_one(),
    )?;
    Ok(Page::of(tenant, request, rows, |last| After { key: Key::Number(last.number), id: last.number }))
}
