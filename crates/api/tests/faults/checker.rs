//! Whether what is there can have come from what was asked and answered.

use crate::history::{History, Pieces, Purchase, Receipt, Request, Told};
use std::collections::{BTreeMap, BTreeSet};

/// A store as it is when everything is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    /// What its products cost, in minor units.
    pub(crate) prices: BTreeMap<i64, i64>,
    /// What there was of each before the first order.
    pub(crate) before: Pieces,
    /// What there is of each now.
    pub(crate) left: Pieces,
    pub(crate) orders: Vec<Kept>,
    /// Action and object of each audit entry about an order.
    pub(crate) log: Vec<(String, i64)>,
}

/// An order that is there.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) receipt: Receipt,
    pub(crate) cancelled: bool,
}

/// What cannot be explained.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A client still does not know whether this was done.
    Open(String),
    /// An order that was acknowledged is not there, or is another one.
    Lost(String),
    /// One key was answered with two orders.
    AnsweredTwice(String),
    /// A key was answered with an order once, and refused later.
    Forgotten(String),
    /// What was acknowledged is not what was asked for.
    NotAsAsked(String),
    /// An order that no client knows of: it was done, and done again or refused.
    Unasked { store: usize, order: i64 },
    /// Of an order that was acknowledged it was said later that there is none.
    Denied { store: usize, order: i64 },
    /// A cancellation that was acknowledged did not happen.
    NotCancelled { store: usize, order: i64 },
    /// An order is cancelled and nobody has asked for it.
    CancelledUnasked { store: usize, order: i64 },
    /// Stock is not what there was without what was sold.
    Stock { store: usize, product: i64, expected: i64, left: i64 },
    /// More was sold than there was.
    Oversold { store: usize, product: i64 },
    /// The numbers of a store's orders have a gap or a twin.
    Numbers { store: usize },
    /// The audit log does not have one entry for each change.
    Log { store: usize },
}

/// The number of a store's first order.
const FIRST: i64 = 1001;

/// Everything that is wrong.
pub(crate) fn faults(history: &History, stores: &[Store]) -> BTreeSet<Fault> {
    let mut faults = BTreeSet::new();
    for request in &history.purchases {
        faults.extend(purchase(request, &stores[request.store]));
    }
    for request in &history.cancellings {
        let (store, order) = (request.store, request.wish.order);
        if request.is_open() {
            faults.insert(Fault::Open(format!("cancel {order}")));
        }
        if request.told.iter().any(|told| matches!(told, Told::Refused(_))) {
            faults.insert(Fault::Denied { store, order });
        }
        let cancelled = |kept: &&Kept| kept.receipt.id == order && kept.cancelled;
        if request.done().next().is_some() && !stores[store].orders.iter().any(|kept| cancelled(&kept)) {
            faults.insert(Fault::NotCancelled { store, order });
        }
    }
    for (place, store) in stores.iter().enumerate() {
        let known: BTreeSet<_> =
            history.purchases.iter().filter(|request| request.store == place).collect_ids();
        let asked: BTreeSet<_> = history
            .cancellings
            .iter()
            .filter(|request| request.store == place)
            .map(|r| r.wish.order)
            .collect();
        for Kept { receipt, cancelled } in &store.orders {
            if !known.contains(&receipt.id) {
                faults.insert(Fault::Unasked { store: place, order: receipt.id });
            }
            if *cancelled && !asked.contains(&receipt.id) {
                faults.insert(Fault::CancelledUnasked { store: place, order: receipt.id });
            }
        }
        faults.extend(books(place, store));
    }
    faults
}

trait Ids {
    fn collect_ids(self) -> BTreeSet<i64>;
}

impl<'r, I: Iterator<Item = &'r Request<Purchase, Receipt>>> Ids for I {
    fn collect_ids(self) -> BTreeSet<i64> {
        self.flat_map(Request::done).map(|receipt| receipt.id).collect()
    }
}

fn purchase(request: &Request<Purchase, Receipt>, store: &Store) -> Vec<Fault> {
    let key = || request.wish.key.clone();
    let mut faults = Vec::new();
    if request.is_open() {
        faults.push(Fault::Open(key()));
    }
    let Some(first) = request.done().next() else { return faults };
    if request.done().any(|other| other != first) {
        faults.push(Fault::AnsweredTwice(key()));
    }
    let mut since = request.told.iter().skip_while(|told| !matches!(told, Told::Done(_)));
    if since.any(|told| matches!(told, Told::Refused(_))) {
        faults.push(Fault::Forgotten(key()));
    }
    let total: i64 = first.lines.iter().map(|(product, pieces)| store.prices[product] * pieces).sum();
    if first.lines != request.wish.lines || first.total != total {
        faults.push(Fault::NotAsAsked(key()));
    }
    if !store.orders.iter().any(|kept| kept.receipt == *first) {
        faults.push(Fault::Lost(key()));
    }
    faults
}

/// What must be so in a store whatever was asked.
fn books(place: usize, store: &Store) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (&product, &before) in &store.before {
        let sold: i64 = store
            .orders
            .iter()
            .filter(|kept| !kept.cancelled)
            .map(|kept| kept.receipt.lines.get(&product).copied().unwrap_or(0))
            .sum();
        let (expected, left) = (before - sold, store.left[&product]);
        if expected != left {
            faults.push(Fault::Stock { store: place, product, expected, left });
        }
        if expected < 0 || left < 0 {
            faults.push(Fault::Oversold { store: place, product });
        }
    }
    let mut numbers: Vec<_> = store.orders.iter().map(|kept| kept.receipt.number).collect();
    numbers.sort_unstable();
    if !numbers.iter().copied().eq((FIRST..).take(numbers.len())) {
        faults.push(Fault::Numbers { store: place });
    }
    let mut expected: Vec<_> = Vec::new();
    for Kept { receipt, cancelled } in &store.orders {
        expected.push(("order.place".to_owned(), receipt.id));
        if *cancelled {
            expected.push(("order.cancel".to_owned(), receipt.id));
        }
    }
    let mut log = store.log.clone();
    log.sort();
    expected.sort();
    if log != expected {
        faults.push(Fault::Log { store: place });
    }
    faults
}
