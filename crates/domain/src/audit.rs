//! The audit log of a store: who did what in it.

use crate::authz::{Action, Actor};
use crate::ids::UserId;
use crate::time::Timestamp;

/// One entry.
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
}

impl Entry {
    /// What this actor did.
    pub fn of(actor: &Actor, action: Action, at: Timestamp) -> Self {
        let (name, role) = (actor.name().to_owned(), actor.role().name());
        Self { at, actor: actor.user(), actor_name: name, actor_role: role, action }
    }
}
