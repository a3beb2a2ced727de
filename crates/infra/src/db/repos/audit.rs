use super::super::dialect::{Conn, Db, hold_head, rare, store_error};
use super::{Session, numbered, one_row};
use crate::db::rows::{EntryRow, NewEntryRow};
use crate::db::schema::{audit_heads, audit_log};
use crate::db::types::DbInstant;
use diesel::prelude::*;
use haat_domain::audit::{AuditFilter, Entry, Link, Recorded};
use haat_domain::error::Result;
use haat_domain::ids::TenantId;
use haat_domain::ports::Audit;

// By its key and not by the tenant's filter: where there is none, as in the build of `rls-only`, SQLite would change
// every store's.
statement! {
    SetHead { tenant: i64, number: i64, link: String } =
        "INSERT INTO audit_heads (tenant_id, last_number, link) VALUES (" tenant ", " number ", " link ")"
        " ON CONFLICT (tenant_id) DO UPDATE SET last_number = excluded.last_number, link = excluded.link"
}

impl Session<'_> {
    /// The number and the link of the entry that comes next: it is behind the last one from now on.
    pub(in crate::db) fn link(&mut self, entry: &Entry) -> Result<(i64, Link)> {
        let tenant = self.here();
        let (last, link) = match self.head.take() {
            Some(head) => head,
            None => hold_head(self.conn, tenant)?,
        };
        let number = last + 1;
        let link = link.next(TenantId::new(tenant), number, entry);
        self.head = Some((number, link.clone()));
        Ok((number, link))
    }
}

impl Audit for Session<'_> {
    fn record(&mut self, entry: &Entry) -> Result<()> {
        let (number, link) = self.link(entry)?;
        let tenant = self.here();
        let row = NewEntryRow::of(tenant, number, entry, &link);
        row.execute(self.conn).map_err(store_error).and_then(one_row)?;
        SetHead { tenant, number, link: link.as_str().to_owned() }
            .execute(self.conn)
            .map_err(store_error)
            .and_then(one_row)
    }

    fn page(
        &mut self,
        filter: &AuditFilter,
        descending: bool,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Recorded>> {
        let mut rows = audit_log::table
            .select(EntryRow::as_select())
            .filter(mine!(audit_log, self.here()))
            .into_boxed::<Db>();
        if let Some(actor) = filter.actor {
            rows = rows.filter(audit_log::actor_id.eq(actor.get()));
        }
        if let Some(action) = filter.action {
            rows = rows.filter(audit_log::action.eq(action.name()));
        }
        if let Some(kind) = filter.kind {
            rows = rows.filter(audit_log::object_kind.eq(kind));
        }
        if let Some(object) = filter.object {
            rows = rows.filter(rare!(audit_log::object_id.eq(object)));
        }
        if let Some(request) = &filter.request {
            rows = rows.filter(audit_log::request_id.eq(request.clone()));
        }
        if let Some(at) = filter.since {
            rows = rows.filter(audit_log::at.ge(DbInstant(at)));
        }
        if let Some(at) = filter.until {
            rows = rows.filter(audit_log::at.lt(DbInstant(at)));
        }
        rows = by_id!(rows, audit_log::number, numbered(after), descending);
        let rows = rows.limit(limit).load::<EntryRow>(self.conn).map_err(store_error)?;
        rows.into_iter().map(Recorded::try_from).collect()
    }

    fn head(&mut self) -> Result<(i64, Link)> {
        let head = audit_heads::table
            .filter(mine!(audit_heads, self.here()))
            .select((audit_heads::last_number, audit_heads::link))
            .get_result::<(i64, String)>(self.conn)
            .optional()
            .map_err(store_error)?;
        Ok(head.map_or_else(|| (0, Link::start()), |(last, link)| (last, Link::from_stored(link))))
    }
}
