//! Work waits for its turn so long and no longer, on either engine, whoever keeps the connections busy.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use haat_domain::error::{Error, Result};
use haat_domain::ports::{Access, Job, Store, Tx};
use haat_infra::db;
use haat_infra::testing::{Engine, TestDatabase};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Long enough for any answer; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(30);

fn on_each(patience: Duration, test: fn(&Arc<dyn Store>)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(database) = TestDatabase::new(engine) else { continue };
        let mut options = database.options().clone();
        options.sqlite.readers = 2;
        options.postgres.pool = 2;
        options.sqlite.patience = patience;
        options.postgres.patience = patience;
        test(&db::open(database.url(), &options).unwrap());
    }
}

/// Keeps whoever takes this work busy until what it answers is dropped.
fn hold(store: &Arc<dyn Store>, access: Access) -> (Sender<()>, Receiver<Result<()>>) {
    let (release, wait) = channel::<()>();
    let (tell, begun) = channel();
    let work = move |_: &mut dyn Tx| {
        tell.send(()).map_err(Error::internal)?;
        let _ = wait.recv();
        Ok(())
    };
    let (settle, settled) = channel();
    store.submit(None, access, Box::new(Job::new(work, move |result| drop(settle.send(result)))));
    // It may have waited too long itself: nobody is busy, and somebody else will be asked.
    let begun = begun.recv_timeout(LONG);
    if begun.is_ok() { (release, settled) } else { hold(store, access) }
}

/// Submits work; says what became of it, and how often it ran.
fn submit(store: &Arc<dyn Store>, access: Access) -> (Receiver<Result<()>>, Arc<AtomicU32>) {
    let ran = Arc::new(AtomicU32::new(0));
    let (tell, told) = channel();
    let count = Arc::clone(&ran);
    let work = move |_: &mut dyn Tx| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    };
    store.submit(None, access, Box::new(Job::new(work, move |result| drop(tell.send(result)))));
    (told, ran)
}

fn what_has_waited_too_long_is_told_so_and_never_done(store: &Arc<dyn Store>) {
    for access in [Access::Write, Access::Scan] {
        // As many as take from the queue: one writer or two on SQLite, two workers or one on PostgreSQL.
        let taken = store.vitals().queues.len();
        assert_eq!(taken, 2, "writes or all work, and scans");
        let holders = match (access, store.vitals().batches.is_some()) {
            (Access::Write, false) => 2,
            _ => 1,
        };
        let held: Vec<_> = (0..holders).map(|_| hold(store, access)).collect();
        let (told, ran) = submit(store, access);
        let result = told.recv_timeout(LONG).expect("an answer, while all are still busy");
        assert!(matches!(result, Err(Error::Unavailable(_))), "{access:?}: {result:?}");
        for (release, settled) in held {
            drop(release);
            settled.recv_timeout(LONG).unwrap().expect("what was begun is done");
        }
        assert_eq!(ran.load(Ordering::SeqCst), 0, "{access:?}: it was begun after all");
        assert!(store.vitals().queues.iter().any(|queue| queue.overdue > 0));
    }
}

#[test]
fn work_that_has_waited_too_long_is_told_so_and_never_done() {
    on_each(Duration::from_millis(1), what_has_waited_too_long_is_told_so_and_never_done);
}

#[test]
fn vitals_tell_who_waits_and_what_is_in_use() {
    on_each(LONG, |store| {
        let scans =
            |store: &Arc<dyn Store>| store.vitals().queues.into_iter().find(|q| q.name == "scans").unwrap();
        assert_eq!((scans(store).waiting, scans(store).capacity), (0, 1024));
        let (release, settled) = hold(store, Access::Scan);
        let pool = store.vitals().pools.remove(0);
        assert_eq!((pool.in_use, pool.max), (1, 2), "{pool:?}");
        drop(release);
        settled.recv_timeout(LONG).unwrap().unwrap();
        let (told, _) = submit(store, Access::Scan);
        told.recv_timeout(LONG).unwrap().expect("it goes on");
        if let Some(batches) = store.vitals().batches {
            assert_eq!(batches.units, 0, "nothing was written");
        }
    });
}
