use super::{AuditFilter, Entry, Fact, Facts, Recorded};
use crate::authz::Action;
use crate::cx::Cx;
use crate::error::Result;
use crate::ids::TenantId;
use crate::page::Limit;
use crate::ports::Audit;
use crate::text::hex;
use sha2::{Digest, Sha256};
use std::fmt;

/// The link from an entry to all before it: SHA-256 over the link of the entry before it, the store's number, the
/// entry's number and everything it says, in hexadecimal. Who edits, removes or inserts an entry must make all later
/// links anew, and then the last one differs from what was written down elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// What stands before the first entry.
    pub const fn start() -> Self {
        Self(String::new())
    }

    /// What a log has kept.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text: 64 hexadecimal digits, or nothing before the first entry.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link of the entry that comes next.
    #[must_use]
    pub fn next(&self, tenant: TenantId, number: i64, entry: &Entry) -> Self {
        let mut hash = Fields(Sha256::new());
        hash.text(&self.0);
        hash.number(tenant.get());
        hash.number(number);
        hash.number(entry.at.as_micros());
        hash.maybe(entry.actor.map(|actor| actor.get().to_string()).as_deref());
        hash.text(&entry.actor_name);
        hash.text(entry.actor_role);
        hash.text(entry.action.name());
        hash.maybe(entry.object.map(super::Object::kind));
        hash.number(entry.object.map_or(0, super::Object::id));
        hash.maybe(entry.request.as_deref());
        hash.facts(&entry.before);
        hash.facts(&entry.after);
        Self(hex(&hash.0.finalize()))
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Fields of a digest. Each comes with its length, so that no two different entries are the same bytes.
struct Fields(Sha256);

impl Fields {
    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.update(text.as_bytes());
    }

    /// In 64 bits, whatever the machine has.
    fn length(&mut self, length: usize) {
        self.0.update(u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn number(&mut self, number: i64) {
        self.0.update(number.to_be_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        self.text(text.unwrap_or_default());
    }

    fn facts(&mut self, facts: &Facts) {
        self.length(facts.iter().len());
        for (name, fact) in facts.iter() {
            self.text(name);
            match fact {
                Fact::Null => self.0.update([0]),
                Fact::Bool(value) => self.0.update([1, u8::from(*value)]),
                Fact::Number(value) => {
                    self.0.update([2]);
                    self.number(*value);
                }
                Fact::Text(value) => {
                    self.0.update([3]);
                    self.text(value);
                }
            }
        }
    }
}

/// What is known of a log whose links were all made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// How many entries it has.
    pub entries: i64,
    /// The last link, to be written down elsewhere.
    pub link: Link,
    /// The first thing that is not as it was written, as a sentence.
    pub fault: Option<String>,
}

/// Makes all links of the store's log anew and compares; of the platform's own log, for whoever acts in no store.
/// `kept`: the number of an entry and its link, as they were written down elsewhere.
pub fn verify_chain(cx: &mut Cx<'_>, kept: Option<(i64, &Link)>) -> Result<Chain> {
    let at_home = cx.known()?.tenant().is_platform();
    let shop = cx.enter(if at_home { Action::VerifyPlatform } else { Action::ReadAudit })?;
    let tenant = shop.scope.tenant();
    // The head first: what is added meanwhile is not looked at.
    let (entries, link) = shop.tx.audit().head()?;
    let mut chain = Chain { entries: 0, link: Link::start(), fault: None };
    while chain.entries < entries && chain.fault.is_none() {
        let everything = AuditFilter::default();
        let rows = shop.tx.audit().page(&everything, false, Some(chain.entries), Limit::MAX)?;
        chain.fault = follow(&mut chain, tenant, &rows, (entries, kept));
    }
    if chain.fault.is_none() && chain.link != link {
        chain.fault = Some(format!("entry {entries} is not the last one that was written"));
    }
    if chain.fault.is_none() {
        chain.fault = stray(shop.tx.audit())?;
    }
    if let Some((number, _)) = kept.filter(|(number, _)| chain.fault.is_none() && *number > entries) {
        chain.fault = Some(format!("entry {number} was there, and is no more"));
    }
    Ok(chain)
}

/// An entry before the first or behind the last one, which no link leads to. The head comes last: whoever has added
/// entries meanwhile has moved it along.
fn stray(audit: &mut dyn Audit) -> Result<Option<String>> {
    let everything = AuditFilter::default();
    let mut ends = audit.page(&everything, false, None, 1)?;
    ends.extend(audit.page(&everything, true, None, 1)?);
    let (entries, _) = audit.head()?;
    let outside = ends.iter().map(|row| row.number).find(|number| !(1..=entries).contains(number));
    Ok(outside.map(|number| format!("entry {number} stands where nothing was written")))
}

/// Goes on along these entries, up to the number `last`; what is wrong with them.
fn follow(
    chain: &mut Chain,
    tenant: TenantId,
    rows: &[Recorded],
    (last, kept): (i64, Option<(i64, &Link)>),
) -> Option<String> {
    for Recorded { number, entry, link } in rows.iter().take_while(|row| row.number <= last) {
        let wanted = chain.link.next(tenant, *number, entry);
        if *number != chain.entries + 1 {
            break;
        }
        if *link != wanted {
            return Some(format!("entry {number} is not as it was written"));
        }
        if kept.is_some_and(|(kept, link)| kept == *number && *link != wanted) {
            return Some(format!("the log up to entry {number} is not what it was"));
        }
        (chain.entries, chain.link) = (*number, wanted);
    }
    let gap = rows.last().is_none_or(|row| row.number.min(last) > chain.entries);
    gap.then(|| format!("entry {} is missing", chain.entries + 1))
}
