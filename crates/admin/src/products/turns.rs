//! Who is importing: an import works for a long time and holds a file, and is one request to every limit.

use haat_domain::error::{Error, Result};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// So many stores may import at once, in this process.
const MOST: usize = 4;

/// The stores that are importing.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Mutex<BTreeSet<String>>>);

/// A store's turn, until it is dropped.
pub(crate) struct Turn(Turns, String);

impl Turns {
    /// One file of a store at a time, and few of all; [`Error::Busy`] for whoever has to wait.
    pub(crate) fn take(&self, store: String) -> Result<Turn> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST && all.insert(store.clone()) {
            Ok(Turn(self.clone(), store))
        } else {
            Err(Error::Busy { retry_after: 10 })
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_imports_one_file_at_a_time_and_few_stores_do() {
        let turns = Turns::default();
        let first = turns.take("a".to_owned()).unwrap();
        assert!(turns.take("a".to_owned()).is_err());
        let others: Vec<_> = ["b", "c", "d"].map(|store| turns.take(store.to_owned()).unwrap()).into();
        assert!(turns.take("e".to_owned()).is_err(), "four at once");
        drop(first);
        turns.take("e".to_owned()).unwrap();
        drop(others);
        assert!(turns.0.lock().unwrap().is_empty());
    }
}
