use super::{MemoryTx, rows};
use crate::audit::{AuditFilter, Entry, Link, Recorded};
use crate::error::Result;
use crate::ports::Audit;

impl Audit for MemoryTx {
    fn record(&mut self, entry: &Entry) -> Result<()> {
        let (last, link) = self.head()?;
        let number = last + 1;
        let link = link.next(self.tenant, number, entry);
        self.state.audit.insert((self.tenant, number), Recorded { number, entry: entry.clone(), link });
        Ok(())
    }

    fn page(
        &mut self,
        filter: &AuditFilter,
        descending: bool,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Recorded>> {
        let shown = |row: &&Recorded| {
            let beyond = |after| if descending { row.number < after } else { row.number > after };
            after.is_none_or(beyond) && matches(filter, &row.entry)
        };
        let mine = self.state.audit.iter().filter(|((tenant, _), _)| *tenant == self.tenant);
        let mine = mine.map(|(_, row)| row).filter(shown).cloned();
        let limit = rows(limit);
        Ok(if descending { mine.rev().take(limit).collect() } else { mine.take(limit).collect() })
    }

    fn head(&mut self) -> Result<(i64, Link)> {
        let last = self.state.audit.range((self.tenant, 0)..=(self.tenant, i64::MAX)).next_back();
        Ok(last.map_or_else(|| (0, Link::start()), |(_, row)| (row.number, row.link.clone())))
    }
}

fn matches(filter: &AuditFilter, entry: &Entry) -> bool {
    filter.actor.is_none_or(|actor| entry.actor == Some(actor))
        && filter.action.is_none_or(|action| entry.action == action)
        && filter.kind.is_none_or(|kind| entry.object.is_some_and(|object| object.kind() == kind))
        && filter.object.is_none_or(|id| entry.object.is_some_and(|object| object.id() == id))
        && filter.request.as_ref().is_none_or(|request| entry.request.as_ref() == Some(request))
        && filter.since.is_none_or(|since| entry.at >= since)
        && filter.until.is_none_or(|until| entry.at < until)
}
