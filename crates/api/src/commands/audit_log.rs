//! `haat check --audit`: every link of every log is made anew.
//!
//! It prints a line for each store, `audit 7 dreamkart: 120 entries, link 9f2c...`, to be kept where whoever can change
//! the database cannot reach it; `--against` reads such lines.

use super::explain;
use crate::Failure;
use crate::config::Settings;
use haat_domain::audit::{Chain, Link, verify_chain};
use haat_domain::authz::{Action, Actor};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, Result};
use haat_domain::ids::TenantId;
use haat_domain::page::{After, Key, Sort};
use haat_domain::ports::{Clock, Store, Tx};
use haat_domain::tenancy::{TenantFilter, TenantKey};
use haat_infra::clock::SystemClock;
use haat_infra::db::{self, DatabaseUrl};
use std::collections::BTreeMap;
use std::path::Path;

/// How far each log went once, and with which link.
type Kept = BTreeMap<i64, (i64, Link)>;

/// Verifies the log of each store and of the platform itself; one line for each fault. A log that cannot be read is
/// one, and the next store's turn comes all the same.
pub(super) fn check(
    url: &DatabaseUrl,
    settings: &Settings,
    against: Option<&Path>,
) -> std::result::Result<Vec<String>, Failure> {
    let mut kept = match against {
        Some(path) => {
            read(&std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?)?
        }
        None => Kept::new(),
    };
    let store = db::open(url, &settings.database_options()).map_err(explain)?;
    let mut faults = Vec::new();
    let mut next = Some((TenantId::PLATFORM, String::from("platform")));
    while let Some((id, name)) = next {
        let known = kept.remove(&id.get());
        let mut fault = |what: String| faults.push(format!("audit: store {id} {name}: {what}"));
        match store.read(Some(id), move |tx| verify(tx, id, known.as_ref())) {
            Ok(chain) => {
                println!("audit {id} {name}: {} entries, link {}", chain.entries, chain.link);
                chain.fault.into_iter().for_each(&mut fault);
            }
            Err(error) => fault(explain(error).to_string()),
        }
        next = store_after(store.as_ref(), id).map_err(explain)?;
    }
    faults.extend(kept.keys().map(|id| format!("audit: store {id} was there, and is no more")));
    Ok(faults)
}

fn verify(tx: &mut dyn Tx, id: TenantId, kept: Option<&(i64, Link)>) -> Result<Chain> {
    let tenant = tx.directory().store_by_id(id)?.ok_or(Error::NotFound)?;
    let mut cx = Cx::acting(tx, Actor::operator(&tenant), SystemClock.now());
    verify_chain(&mut cx, kept.map(|(number, link)| (*number, link)))
}

fn store_after(store: &dyn Store, id: TenantId) -> Result<Option<(TenantId, String)>> {
    store.read(Some(TenantId::PLATFORM), move |tx| {
        let platform = tx.directory().store_by_id(TenantId::PLATFORM)?.ok_or(Error::NotFound)?;
        let mut cx = Cx::acting(tx, Actor::operator(&platform), SystemClock.now());
        let by_id = Sort { by: TenantKey::Id, descending: false };
        let after = Some(After { key: Key::Id, id: id.get() });
        let stores = cx.enter_platform(Action::ReadTenants)?.tenants();
        let found = stores.page(&TenantFilter::default(), by_id, after, 1)?;
        Ok(found.first().map(|store| (store.id, store.slug.as_str().to_owned())))
    })
}

/// Reads the lines that an earlier check has printed; others are passed over.
fn read(text: &str) -> std::result::Result<Kept, Failure> {
    let line = |line: &str| {
        let (store, rest) = line.strip_prefix("audit ")?.split_once(": ")?;
        let (entries, link) = rest.split_once(" entries, link ")?;
        let id = store.split(' ').next()?.parse().ok()?;
        Some((id, (entries.parse().ok()?, Link::from_stored(link.trim().to_owned()))))
    };
    let kept: Kept = text.lines().filter_map(line).collect();
    if kept.is_empty() {
        Err("there is no line of an earlier `haat check --audit` in this file".into())
    } else {
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_is_read() {
        let kept =
            read("hello\naudit 0 platform: 0 entries, link \naudit 7 a-b: 12 entries, link 0f\n").unwrap();
        assert_eq!(kept.get(&7), Some(&(12, Link::from_stored("0f".to_owned()))));
        assert_eq!(kept.len(), 2);
        assert!(read("settings, database and walls are in order").is_err());
    }
}
