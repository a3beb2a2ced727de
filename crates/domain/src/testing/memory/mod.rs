//! A store in memory: the ports' semantics in their plainest form.

mod audit;
mod catalog;
mod identity;
mod invitations;
mod orders;
mod replays;
mod reports;
mod tenancy;

use crate::audit::Recorded;
use crate::authz::{PlatformScope, TenantScope};
use crate::catalog::Product;
use crate::error::{Error, Result};
use crate::idempotency::Kept;
use crate::identity::{Failures, Invitation, PasswordHash, Session, Subject, User};
use crate::ids::{InvitationId, OrderId, ProductId, SessionId, TenantId, UserId};
use crate::orders::Order;
use crate::page::{After, Key};
use crate::ports::{
    Access, Audit, Directory, Invitations, Orders, PlatformTx, Products, Replays, Reports, Sessions,
    Settings, Store, TenantTx, Tenants, Tx, Users, Work,
};
use crate::tenancy::Tenant;
use crate::testing::TestShop;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::mem::discriminant;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store in memory. Clones share their contents.
///
/// A transaction works on a copy of everything, which takes the place of the original at the commit. Writers queue.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

impl MemoryStore {
    /// Opens a store with some people in it; see [`TestShop::open`].
    pub fn open_shop(&self, name: &str, currency: &str) -> TestShop {
        TestShop::open(Arc::new(self.clone()), name, currency)
    }

    /// Whatever a panicking writer left undone was done to its copy only, so a poisoned lock harms nobody.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn submit(&self, _: Option<TenantId>, access: Access, mut work: Box<dyn Work>) {
        let end = match access {
            Access::Read | Access::Scan => {
                let copy = self.state().clone();
                run(&mut *work, copy).map(drop)
            }
            Access::Write => {
                let mut state = self.state();
                let copy = state.clone();
                run(&mut *work, copy).map(|changed| {
                    if let Some(changed) = changed {
                        *state = changed;
                    }
                })
            }
        };
        work.settle(end);
    }

    fn ready(&self) -> Result<()> {
        Ok(())
    }
}

/// What the work made of the copy, if it wants that to stay.
fn run(work: &mut dyn Work, copy: State) -> Result<Option<State>> {
    let mut tx = MemoryTx { state: copy, tenant: TenantId::PLATFORM };
    match catch_unwind(AssertUnwindSafe(|| work.run(&mut tx))) {
        Ok(commit) => Ok(commit.then_some(tx.state)),
        Err(_) => Err(Error::internal("the work panicked")),
    }
}

/// All tables. Rows are never taken out of one, as in a database that keeps its history.
#[derive(Clone)]
struct State {
    tenants: BTreeMap<TenantId, Tenant>,
    users: BTreeMap<(TenantId, UserId), Row<Login>>,
    claims: BTreeMap<String, (TenantId, UserId)>,
    sessions: BTreeMap<(TenantId, SessionId), Session>,
    products: BTreeMap<(TenantId, ProductId), Row<Product>>,
    orders: BTreeMap<(TenantId, OrderId), Row<Order>>,
    audit: BTreeMap<(TenantId, i64), Recorded>,
    invitations: BTreeMap<(TenantId, InvitationId), (Invitation, String)>,
    replays: BTreeMap<(TenantId, UserId, String), (Kept, Timestamp)>,
    failures: BTreeMap<Subject, Failures>,
}

/// A row, and whether it was deleted.
#[derive(Clone)]
struct Row<T> {
    value: T,
    deleted: bool,
}

impl<T> Row<T> {
    const fn new(value: T) -> Self {
        Self { value, deleted: false }
    }

    fn live(&self) -> Option<&T> {
        (!self.deleted).then_some(&self.value)
    }

    fn live_mut(&mut self) -> Option<&mut T> {
        (!self.deleted).then_some(&mut self.value)
    }
}

#[derive(Clone)]
struct Login {
    user: User,
    hash: PasswordHash,
}

impl Default for State {
    fn default() -> Self {
        Self {
            tenants: BTreeMap::from([(TenantId::PLATFORM, tenancy::platform())]),
            users: BTreeMap::new(),
            claims: BTreeMap::new(),
            sessions: BTreeMap::new(),
            products: BTreeMap::new(),
            orders: BTreeMap::new(),
            audit: BTreeMap::new(),
            invitations: BTreeMap::new(),
            replays: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }
}

/// One open transaction: a copy of everything, and the tenant that was opened last.
struct MemoryTx {
    state: State,
    tenant: TenantId,
}

impl Tx for MemoryTx {
    fn directory(&mut self) -> &mut dyn Directory {
        self
    }

    fn tenant(&mut self, scope: &TenantScope) -> Result<&mut dyn TenantTx> {
        self.tenant = scope.tenant();
        Ok(self)
    }

    fn platform(&mut self, _: &PlatformScope) -> Result<&mut dyn PlatformTx> {
        Ok(self)
    }
}

impl TenantTx for MemoryTx {
    fn settings(&mut self) -> &mut dyn Settings {
        self
    }

    fn users(&mut self) -> &mut dyn Users {
        self
    }

    fn sessions(&mut self) -> &mut dyn Sessions {
        self
    }

    fn invitations(&mut self) -> &mut dyn Invitations {
        self
    }

    fn products(&mut self) -> &mut dyn Products {
        self
    }

    fn orders(&mut self) -> &mut dyn Orders {
        self
    }

    fn audit(&mut self) -> &mut dyn Audit {
        self
    }

    fn replays(&mut self) -> &mut dyn Replays {
        self
    }

    fn reports(&mut self) -> &mut dyn Reports {
        self
    }
}

impl PlatformTx for MemoryTx {
    fn tenants(&mut self) -> &mut dyn Tenants {
        self
    }
}

/// The next number of a table: ids are handed out server-wide, whichever tenant a row belongs to.
fn next_id<Id: Copy, Value>(
    table: &BTreeMap<(TenantId, Id), Value>,
    id: impl Fn(i64) -> Id,
    number: impl Fn(Id) -> i64,
) -> Id {
    id(table.keys().map(|(_, id)| number(*id)).max().unwrap_or(0) + 1)
}

/// The rows strictly after the mark, in order. `kind` is a key of the kind that the sorted column has.
fn page<T: Clone>(
    found: impl Iterator<Item = T>,
    mark: impl Fn(&T) -> After,
    kind: &Key,
    descending: bool,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<T>> {
    if after.is_some_and(|after| discriminant(&after.key) != discriminant(kind)) {
        return Err(Error::invalid("cursor", "belongs to another list"));
    }
    let beyond =
        |mark: &After| after.is_none_or(|after| if descending { mark < after } else { mark > after });
    let mut marked: Vec<_> = found.map(|row| (mark(&row), row)).filter(|(mark, _)| beyond(mark)).collect();
    marked.sort_by(|(one, _), (other, _)| if descending { other.cmp(one) } else { one.cmp(other) });
    Ok(marked.into_iter().take(rows(limit)).map(|(_, row)| row).collect())
}

fn rows(limit: i64) -> usize {
    usize::try_from(limit).unwrap_or(0)
}

/// Who writes a row has found it before.
fn missing_row() -> Error {
    Error::internal("no such row to write")
}
