use super::{AuditFilter, Entry, Fact, Facts, Recorded};
use crate::authz::Action;
use crate::cx::Cx;
use crate::error::Result;
use crate::page::Limit;
use crate::text::hex;
use sha2::{Digest, Sha256};
use std::fmt;

/// The link from an entry to all before it: SHA-256 over the entry's number, everything it says, and the link of the
/// entry before it, in hexadecimal. Who edits, removes or inserts an entry must make all later links anew, and then the
/// last one differs from what was written down elsewhere.
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
    pub fn next(&self, number: i64, entry: &Entry) -> Self {
        let mut hash = Fields(Sha256::new());
        hash.text(&self.0);
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
        self.0.update(text.len().to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn number(&mut self, number: i64) {
        self.0.update(number.to_be_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        self.text(text.unwrap_or_default());
    }

    fn facts(&mut self, facts: &Facts) {
        self.0.update(facts.iter().len().to_be_bytes());
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
pub fn verify_chain(cx: &mut Cx<'_>) -> Result<Chain> {
    let at_home = cx.known()?.tenant().is_platform();
    let shop = cx.enter(if at_home { Action::VerifyPlatform } else { Action::ReadAudit })?;
    // The head first: what is added meanwhile is not looked at.
    let (entries, link) = shop.tx.audit().head()?;
    let mut chain = Chain { entries: 0, link: Link::start(), fault: None };
    let everything = AuditFilter::default();
    let mut after = None;
    while chain.entries < entries && chain.fault.is_none() {
        let rows = shop.tx.audit().page(&everything, false, after, Limit::MAX)?;
        chain.fault = follow(&mut chain, &rows, entries);
        after = Some(chain.entries);
    }
    if chain.fault.is_none() && chain.link != link {
        chain.fault = Some(format!("entry {entries} is not the last one that was written"));
    }
    if chain.fault.is_none() {
        // What is there and was not counted by now was not added by the program: an entry and its count commit together.
        let beyond = shop.tx.audit().page(&everything, true, Some(i64::MAX), 1)?;
        let (counted, _) = shop.tx.audit().head()?;
        let inserted = beyond.first().filter(|last| last.number > counted);
        chain.fault = inserted.map(|last| format!("entry {} was inserted", last.number));
    }
    Ok(chain)
}

/// Goes on along these entries, up to the number `last`; what is wrong with them.
fn follow(chain: &mut Chain, rows: &[Recorded], last: i64) -> Option<String> {
    for Recorded { number, entry, link } in rows.iter().take_while(|row| row.number <= last) {
        let wanted = chain.link.next(*number, entry);
        if *number <= chain.entries {
            return Some(format!("entry {number} was inserted"));
        }
        if *number != chain.entries + 1 {
            break;
        }
        if *link != wanted {
            return Some(format!("entry {number} is not as it was written"));
        }
        (chain.entries, chain.link) = (*number, wanted);
    }
    let gap = rows.last().is_none_or(|row| row.number.min(last) > chain.entries);
    gap.then(|| format!("entry {} is missing", chain.entries + 1))
}
