//! What a client knows about its requests.

use std::collections::{BTreeMap, BTreeSet};

/// Pieces by product.
pub(crate) type Pieces = BTreeMap<i64, i64>;

/// An order as the server has told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) id: i64,
    pub(crate) number: i64,
    /// In minor units.
    pub(crate) total: i64,
    pub(crate) lines: Pieces,
}

/// What a client has learned from one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told<T> {
    /// It was done.
    Done(T),
    /// It was not done this time: the code says why. Nothing is kept under its key, and asking again is a new try.
    Refused(String),
    /// No answer, or one that leaves open whether it was done.
    Unknown(String),
}

impl<T> Told<T> {
    pub(crate) fn is_unknown(&self) -> bool {
        self.doubt().is_some()
    }

    /// Why it is open.
    pub(crate) fn doubt(&self) -> Option<&str> {
        if let Self::Unknown(why) = self { Some(why) } else { None }
    }
}

/// What a client wanted once, and what it was told each time it asked for it.
#[derive(Debug, Clone)]
pub(crate) struct Request<Wish, T> {
    /// In which store: its place in the market.
    pub(crate) store: usize,
    pub(crate) wish: Wish,
    pub(crate) told: Vec<Told<T>>,
}

impl<Wish, T> Request<Wish, T> {
    pub(crate) fn is_open(&self) -> bool {
        self.told.last().is_none_or(Told::is_unknown)
    }

    /// Every positive answer.
    pub(crate) fn done(&self) -> impl Iterator<Item = &T> {
        self.told.iter().filter_map(|told| if let Told::Done(receipt) = told { Some(receipt) } else { None })
    }
}

/// A wish to order, under a key of its own.
#[derive(Debug, Clone)]
pub(crate) struct Purchase {
    pub(crate) key: String,
    pub(crate) lines: Pieces,
}

/// A wish to cancel the order of this id.
#[derive(Debug, Clone)]
pub(crate) struct Cancelling {
    pub(crate) order: i64,
}

/// All that was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) purchases: Vec<Request<Purchase, Receipt>>,
    pub(crate) cancellings: Vec<Request<Cancelling, ()>>,
}

impl History {
    pub(crate) fn append(&mut self, other: Self) {
        self.purchases.extend(other.purchases);
        self.cancellings.extend(other.cancellings);
    }

    /// For the test's log: how much was asked, and how much of it was in doubt for a while.
    pub(crate) fn summary(&self) -> String {
        let tries = self.purchases.iter().map(|request| request.told.len()).sum::<usize>()
            + self.cancellings.iter().map(|request| request.told.len()).sum::<usize>();
        let unknown = |told: usize| told.saturating_sub(1);
        let doubts = self.purchases.iter().map(|request| unknown(request.told.len())).sum::<usize>()
            + self.cancellings.iter().map(|request| unknown(request.told.len())).sum::<usize>();
        let done = self.purchases.iter().filter(|request| request.done().next().is_some()).count();
        format!(
            "{} orders ({done} placed) and {} cancellations in {tries} requests, of which {doubts} left it open",
            self.purchases.len(),
            self.cancellings.len(),
        )
    }

    /// Whoever asked was told, if only that it is not possible now, and never waited in vain.
    #[track_caller]
    pub(crate) fn was_always_answered(&self) {
        let known = ["unavailable", "request_in_flight"];
        let strange: BTreeSet<_> = self.doubts().filter(|why| !known.contains(why)).collect();
        assert!(strange.is_empty(), "{strange:?}");
    }

    fn doubts(&self) -> impl Iterator<Item = &str> {
        let purchases = self.purchases.iter().flat_map(|request| request.told.iter().filter_map(Told::doubt));
        let cancellings =
            self.cancellings.iter().flat_map(|request| request.told.iter().filter_map(Told::doubt));
        purchases.chain(cancellings)
    }
}
