//! What diesel sends, as its instrumentation tells it. The instrumentation is the process's: one test at a time.

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use haat_infra::testing::{Engine, TestDatabase};
use std::sync::{Mutex, PoisonError};

static TURN: Mutex<()> = Mutex::new(());
static SENT: Mutex<Option<Vec<String>>> = Mutex::new(None);

struct Recorder;

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        // What keeps SQLite's log short belongs to no work, and may be sent while the next one is.
        if let InstrumentationEvent::StartQuery { query, .. } = event
            && !query.to_string().starts_with("PRAGMA wal_checkpoint")
            && let Some(sent) = SENT.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
        {
            sent.push(query.to_string());
        }
    }
}

/// Runs a test on a fresh database of each of these engines, alone, and has what is sent there recorded.
pub(crate) fn on(engines: &[Engine], test: impl Fn(Engine, &TestDatabase)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    set_default_instrumentation(|| Some(Box::new(Recorder))).expect("an instrumentation");
    for engine in engines {
        if let Some(database) = TestDatabase::new(*engine) {
            test(*engine, &database);
        }
    }
}

/// The statements that the work sends, in order, through whatever connection.
pub(crate) fn sent<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    let swap = |with| std::mem::replace(&mut *SENT.lock().unwrap_or_else(PoisonError::into_inner), with);
    swap(Some(Vec::new()));
    let done = work();
    (done, swap(None).unwrap_or_default())
}
