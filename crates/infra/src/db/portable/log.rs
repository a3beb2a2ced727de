use super::FileError;
use super::records::{AuditHead, Record};
use crate::db::rows::EntryRow;
use haat_domain::audit::{Link, Recorded};
use haat_domain::ids::TenantId;

/// Makes the links of a store's audit log anew while its rows go by: neither is a log written that does not verify, nor
/// is one taken in.
pub(in crate::db) struct LogCheck {
    tenant: TenantId,
    last: (i64, Link),
    head: (i64, String),
}

impl LogCheck {
    pub(in crate::db) fn new(tenant: TenantId) -> Self {
        Self { tenant, last: (0, Link::start()), head: (0, String::new()) }
    }

    pub(in crate::db) fn see(&mut self, record: &Record) -> Result<(), FileError> {
        if let Record::audit_log(row) = record {
            self.follow(row)?;
        }
        if let Record::audit_heads(AuditHead { last_number, link }) = record {
            self.head = (*last_number, link.clone());
        }
        Ok(())
    }

    fn follow(&mut self, row: &EntryRow) -> Result<(), FileError> {
        let Recorded { number, entry, link } = row.clone().try_into()?;
        if number != self.last.0 + 1 {
            return Err(broken(&format!("entry {} is missing", self.last.0 + 1)));
        }
        if link != self.last.1.next(self.tenant, number, &entry) {
            return Err(broken(&format!("entry {number} is not as it was written")));
        }
        self.last = (number, link);
        Ok(())
    }

    /// Whether the last entry was the last one.
    pub(in crate::db) fn finish(self) -> Result<(), FileError> {
        if (self.last.0, self.last.1.as_str()) == (self.head.0, self.head.1.as_str()) {
            Ok(())
        } else {
            Err(broken(&format!("entry {} is not the last one that was written", self.last.0)))
        }
    }
}

fn broken(what: &str) -> FileError {
    FileError::Refused(format!("the store's audit log does not verify: {what}"))
}
