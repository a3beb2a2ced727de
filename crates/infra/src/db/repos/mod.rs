//! The repositories, on an open transaction. Compiled once per engine: `super::dialect` says which.

/// Sorts by a column, ties by id in the same direction, and begins after a row.
macro_rules! keyset {
    ($rows:expr, $key:expr, $id:expr, $after:expr, $descending:expr) => {{
        let rows = match $after {
            Some(values) => $rows.filter(row_after(($key, $id), values, $descending)),
            None => $rows,
        };
        if $descending { rows.order(($key.desc(), $id.desc())) } else { rows.order(($key.asc(), $id.asc())) }
    }};
}

/// Sorts by id, and begins after a row. Not `keyset!` over (tenant, id): where the tenant is fixed already, neither
/// engine takes that for a range, and reads all that lies before.
macro_rules! by_id {
    ($rows:expr, $id:expr, $after:expr, $descending:expr) => {{
        let rows = match $after {
            Some(after) if $descending => $rows.filter($id.lt(after.id)),
            Some(after) => $rows.filter($id.gt(after.id)),
            None => $rows,
        };
        if $descending { rows.order($id.desc()) } else { rows.order($id.asc()) }
    }};
}

mod audit;
mod directory;
mod invitations;
mod orders;
mod people;
mod products;
mod replays;
mod reports;

pub(super) use orders::{Placing, STEP_BY_STEP};

use super::dialect::{Conn, enter};
use crate::db::types::DbInstant;
use haat_domain::audit::Link;
use haat_domain::authz::{PlatformScope, TenantScope};
use haat_domain::error::{Error, Result};
use haat_domain::ids::TenantId;
use haat_domain::page::{After, Key};
use haat_domain::ports::{
    Audit, Directory, Invitations, Orders, PlatformTx, Products, Replays, Reports, Sessions, Settings,
    TenantTx, Tenants, Tx, Users,
};
use haat_domain::time::Timestamp;

/// One open transaction, and the tenant it is in at the moment: every repository at once.
pub(super) struct Session<'c> {
    pub(super) conn: &'c mut Conn,
    inside: Option<TenantId>,
    /// The end of the tenant's audit log, once this transaction holds it: nobody else changes it until the end.
    pub(super) head: Option<(i64, Link)>,
    placing: Placing,
}

impl<'c> Session<'c> {
    /// A transaction that has begun in this tenant, on a database that orders are written to in this way.
    pub(super) fn begun(conn: &'c mut Conn, inside: Option<TenantId>, placing: Placing) -> Self {
        Self { conn, inside, head: None, placing }
    }

    /// Moves the transaction to this tenant.
    pub(super) fn enter(&mut self, tenant: TenantId) -> Result<()> {
        if self.inside != Some(tenant) {
            enter(self.conn, tenant)?;
            self.inside = Some(tenant);
            self.head = None;
        }
        Ok(())
    }

    /// The tenant whose rows the tenant's repositories see; no row has the number of none.
    pub(super) fn here(&self) -> i64 {
        self.inside.map_or(-1, TenantId::get)
    }
}

impl Tx for Session<'_> {
    fn directory(&mut self) -> &mut dyn Directory {
        self
    }

    fn tenant(&mut self, scope: &TenantScope) -> Result<&mut dyn TenantTx> {
        self.enter(scope.tenant())?;
        Ok(self)
    }

    fn platform(&mut self, _: &PlatformScope) -> Result<&mut dyn PlatformTx> {
        self.enter(TenantId::PLATFORM)?;
        Ok(self)
    }
}

impl TenantTx for Session<'_> {
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

impl PlatformTx for Session<'_> {
    fn tenants(&mut self) -> &mut dyn Tenants {
        self
    }
}

/// A change to one row must have found it.
pub(super) fn one_row(changed: usize) -> Result<()> {
    if changed == 1 {
        Ok(())
    } else {
        Err(Error::internal(format!("{changed} rows were changed instead of one")))
    }
}

/// Behind the row of this number.
fn numbered(after: Option<i64>) -> Option<After> {
    after.map(|id| After { key: Key::Id, id })
}

fn number(after: Option<After>) -> Result<Option<(i64, i64)>> {
    position(after, |key| match key {
        Key::Number(number) => Some(number),
        Key::Id | Key::Text(_) => None,
    })
}

fn text(after: Option<After>) -> Result<Option<(String, i64)>> {
    position(after, |key| match key {
        Key::Text(text) => Some(text),
        Key::Id | Key::Number(_) => None,
    })
}

fn instant(after: Option<After>) -> Result<Option<(DbInstant, i64)>> {
    let after = number(after)?;
    let at = |micros| Timestamp::from_micros(micros).ok_or_else(wrong_cursor);
    after.map(|(micros, id)| Ok((DbInstant(at(micros)?), id))).transpose()
}

fn position<T>(after: Option<After>, value: impl FnOnce(Key) -> Option<T>) -> Result<Option<(T, i64)>> {
    after.map(|After { key, id }| Ok((value(key).ok_or_else(wrong_cursor)?, id))).transpose()
}

/// Somebody has made a cursor by hand.
fn wrong_cursor() -> Error {
    Error::invalid("cursor", "belongs to another list")
}
