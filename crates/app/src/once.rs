//! The requests with an idempotency key that are being answered.

use crate::{App, Caller};
use haat_domain::authz::Action;
use haat_domain::cx::Cx;
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::idempotency::{Answer, Claim, IdempotencyKey, Once, once};
use haat_domain::identity::Credential;
use haat_domain::ports::Access;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Whose key it is, the store that they name, and the key.
type Running = (i64, i64, Option<String>, IdempotencyKey);

/// The keys of the requests that this process is answering. Other processes are held off by the database.
#[derive(Default, Clone)]
pub struct InFlight(Arc<Mutex<BTreeSet<Running>>>);

/// Keeps a key until it is dropped.
struct Held(InFlight, Running);

impl InFlight {
    fn hold(&self, who: &Credential, store: Option<&str>, key: &IdempotencyKey) -> Result<Held> {
        // An admin's key is another one in another store; two names of one store are told apart by the database.
        let held = (who.tenant.get(), who.user.get(), store.map(str::to_owned), key.clone());
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(held.clone()) {
            Ok(Held(self.clone(), held))
        } else {
            Err(Error::Conflict(Conflict::InFlight))
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl App {
    /// Creates something as the caller, once if the request has a key. `work` gives the answer twice: as it is given
    /// now, and as it is kept.
    pub async fn create(
        &self,
        caller: &Caller,
        action: Action,
        claim: Option<Claim>,
        work: impl FnOnce(&mut Cx<'_>) -> Result<(Answer, Answer)> + Send + 'static,
    ) -> Result<Once> {
        let held = match &claim {
            // Whoever may not do this learns that, and not that somebody is doing it.
            Some(claim) => {
                match self.in_flight.hold(&self.credential(caller)?, caller.store.as_deref(), &claim.key) {
                    Ok(held) => Some(held),
                    Err(running) => {
                        self.permit(caller, action).await?;
                        return Err(running);
                    }
                }
            }
            None => None,
        };
        let work = move |cx: &mut Cx<'_>| {
            let _held = held;
            once(cx, action, claim, work)
        };
        self.run(caller, Access::Write, action, work).await
    }
}
