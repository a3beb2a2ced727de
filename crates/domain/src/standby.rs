//! What a copy of the database may answer.
//!
//! Whoever asks is looked up in the database itself, in each request. What they may see can come from a copy of it that
//! follows, if that has the store in the very state in which the database had it when they were looked up. Every change of
//! a store is an entry in its audit log, and each entry's link stands for all before it: the last link is the state.

use crate::audit::Link;
use crate::authz::{Action, Actor, Realm, authorize};
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::ids::TenantId;
use crate::ports::Tx;
use crate::time::Timestamp;

/// Somebody who may do something in a store, and the state of the store when that was found out. Made by [`Cx::pass`]
/// alone.
#[derive(Debug, Clone)]
pub struct Pass {
    actor: Actor,
    action: Action,
    state: (i64, Link),
    now: Timestamp,
}

/// Whether a copy can tell that it has what this is about in the right state: of all stores together, it cannot.
pub fn is_in_one_store(action: Action) -> bool {
    action.realm() == Realm::Store
}

impl Pass {
    /// The store.
    pub fn tenant(&self) -> TenantId {
        self.actor.tenant()
    }
}

impl<'a> Cx<'a> {
    /// Lets the caller do this before a copy as well.
    pub fn pass(&mut self, action: Action) -> Result<Pass> {
        if !is_in_one_store(action) {
            return Err(Error::internal("what is about no single store has no state to compare"));
        }
        let (actor, now) = (self.known()?.clone(), self.now());
        let state = self.enter(action)?.tx.audit().head()?;
        Ok(Pass { actor, action, state, now })
    }

    /// The holder of a pass, before a copy. `None`: the store is in another state there.
    ///
    /// All that is read in the transaction must be of one moment.
    pub fn with_pass(tx: &'a mut dyn Tx, pass: &Pass) -> Result<Option<Self>> {
        let scope = authorize(&pass.actor, pass.action)?;
        let same = tx.tenant(&scope)?.audit().head()? == pass.state;
        Ok(same.then(|| Self::acting(tx, pass.actor.clone(), pass.now)))
    }
}
