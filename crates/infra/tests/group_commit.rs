//! SQLite's writers share a COMMIT, and nothing else: what fails among them leaves no trace.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod recorder;

use haat_domain::authz::Role;
use haat_domain::catalog::{ProductFilter, create_product, list_products};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, Result};
use haat_domain::ports::{Access, Clock, Job, Store};
use haat_domain::testing::{TestShop, details, first_page};
use haat_infra::testing::Engine;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How the work of a writer ends, once it has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Good,
    Fails,
    Panics,
    BreaksAConstraint,
}

fn end_of(number: usize) -> End {
    match number % 7 {
        3 => End::Fails,
        4 => End::Panics,
        5 => End::BreaksAConstraint,
        _ => End::Good,
    }
}

fn on_sqlite(test: impl Fn(&TestShop)) {
    recorder::on(&[Engine::Sqlite], |_, database| test(&TestShop::open(database.store(), "Shop", "INR")));
}

/// Hands over a product to write, without waiting.
fn submit(shop: &TestShop, name: &str, end: End) -> Receiver<Result<()>> {
    let (credential, now) = (shop.owner.credential, shop.clock.now());
    let details = details(name, "1", None);
    let work = move |tx: &mut dyn haat_domain::ports::Tx| {
        let mut cx = Cx::authenticate(tx, &credential, now)?;
        create_product(&mut cx, details)?;
        match end {
            End::Good => Ok(()),
            End::Fails => Err(Error::NotFound),
            End::Panics => panic!("on purpose"),
            End::BreaksAConstraint => {
                let shop = cx.enter(haat_domain::authz::Action::CreateProduct)?;
                shop.tx.users().delete(haat_domain::ids::UserId::new(-1), now)
            }
        }
    };
    let (tell, told) = channel();
    let settle = move |result| tell.send(result).expect("somebody listens");
    shop.store.submit(Some(credential.tenant), Access::Write, Box::new(Job::new(work, settle)));
    told
}

/// Keeps the writer busy until what it answers is sent to, so that all that comes meanwhile waits in the queue.
fn hold(store: &Arc<dyn Store>) -> impl FnOnce() + use<> {
    let (release, wait) = channel::<()>();
    let (tell, begun) = channel();
    let work = move |_: &mut dyn haat_domain::ports::Tx| {
        tell.send(()).expect("somebody waits");
        wait.recv().map_err(Error::internal)
    };
    store.submit(None, Access::Write, Box::new(Job::new(work, drop)));
    begun.recv().expect("the writer runs");
    move || release.send(()).expect("the writer waits")
}

fn names(shop: &TestShop) -> BTreeSet<String> {
    let list = |cx: &mut Cx<'_>| list_products(cx, ProductFilter::default(), &first_page("id"));
    let products = shop.act(Role::Owner, list).unwrap().items;
    products.into_iter().map(|product| product.details.name.as_str().to_owned()).collect()
}

#[test]
fn what_fails_or_panics_among_many_writers_is_rolled_back_alone() {
    on_sqlite(|shop| {
        let name = |number| format!("Lamp {number}");
        let release = hold(&shop.store);
        let waiting: Vec<_> =
            (0..50).map(|number| (number, submit(shop, &name(number), end_of(number)))).collect();
        assert!(waiting.iter().all(|(_, told)| told.try_recv().is_err()), "nobody is told before the COMMIT");
        release();

        for (number, told) in waiting {
            let result = told.recv().expect("everybody is told");
            match end_of(number) {
                End::Good => result.unwrap(),
                End::Fails => assert!(matches!(result, Err(Error::NotFound)), "{result:?}"),
                End::Panics | End::BreaksAConstraint => {
                    assert!(matches!(result, Err(Error::Internal(_))), "{result:?}");
                }
            }
        }
        let good = (0..50).filter(|number| end_of(*number) == End::Good).map(name).collect();
        assert_eq!(names(shop), good);
        submit(shop, "Afterwards", End::Good).recv().unwrap().expect("the writer goes on");
    });
}

#[test]
fn writers_that_wait_together_share_one_commit() {
    on_sqlite(|shop| {
        let ((), sent) = recorder::sent(|| {
            let release = hold(&shop.store);
            let waiting: Vec<_> =
                (0..50).map(|number| submit(shop, &format!("Lamp {number}"), End::Good)).collect();
            release();
            for told in waiting {
                told.recv().unwrap().unwrap();
            }
        });
        let count = |statement: &str| sent.iter().filter(|sql| sql.starts_with(statement)).count();
        assert_eq!((count("BEGIN IMMEDIATE"), count("COMMIT")), (1, 1), "{sent:#?}");
        assert_eq!((count("SAVEPOINT"), count("RELEASE")), (51, 51), "each has its own");
        assert_eq!(names(shop).len(), 50);
    });
}

#[test]
fn a_commit_is_shared_by_so_many_and_no_more() {
    on_sqlite(|shop| {
        let ((), sent) = recorder::sent(|| {
            let release = hold(&shop.store);
            let waiting: Vec<_> =
                (0..99).map(|number| submit(shop, &format!("Lamp {number}"), End::Good)).collect();
            release();
            for told in waiting {
                told.recv().unwrap().unwrap();
            }
        });
        assert_eq!(sent.iter().filter(|sql| sql.starts_with("COMMIT")).count(), 2);
    });
}

#[test]
fn parallel_writers_see_each_others_work_and_lose_none() {
    on_sqlite(|shop| {
        std::thread::scope(|scope| {
            for writer in 0..8 {
                scope.spawn(move || {
                    for number in 0..10 {
                        let end = if (writer, number) == (3, 5) { End::Panics } else { End::Good };
                        let result =
                            submit(shop, &format!("Lamp {writer} {number}"), end).recv().expect("an answer");
                        assert_eq!(result.is_ok(), end == End::Good);
                    }
                });
            }
        });
        assert_eq!(names(shop).len(), 79);
    });
}

#[test]
fn what_a_full_queue_refuses_was_not_done() {
    recorder::on(&[Engine::Sqlite], |_, database| {
        let mut options = database.options().clone();
        options.sqlite.queue = 3;
        let store = haat_infra::db::open(database.url(), &options).unwrap();
        let shop = TestShop::open(store, "Shop", "INR");
        let release = hold(&shop.store);
        let waiting: Vec<_> =
            (0..5).map(|number| submit(&shop, &format!("Lamp {number}"), End::Good)).collect();
        release();
        let results: Vec<_> = waiting.into_iter().map(|told| told.recv().unwrap()).collect();
        assert!(results.iter().take(3).all(Result::is_ok), "{results:?}");
        assert!(
            results.iter().skip(3).all(|result| matches!(result, Err(Error::Unavailable(_)))),
            "{results:?}"
        );
        assert_eq!(names(&shop).len(), 3);
    });
}

#[test]
fn what_was_committed_is_moved_from_the_log_into_the_file_meanwhile() {
    recorder::on(&[Engine::Sqlite], |_, database| {
        let shop = TestShop::open(database.store(), "Shop", "INR");
        let file = database.connect().lines("SELECT file FROM pragma_database_list").unwrap().remove(0);
        let length = || std::fs::metadata(&file).unwrap().len();
        let before = length();
        // Pages of the log by the hundred, which is not so many that the writer would move them.
        for number in 0..400 {
            submit(&shop, &format!("Lamp {number}"), End::Good).recv().unwrap().unwrap();
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while length() == before {
            assert!(Instant::now() < deadline, "nothing was moved");
            std::thread::sleep(Duration::from_millis(10));
        }
    });
}
