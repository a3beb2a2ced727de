//! What a transaction promises: all or nothing, once, and an answer.

use crate::{at_once, count_ok, open_shop};
use haat_domain::authz::{Action, Role};
use haat_domain::catalog::*;
use haat_domain::cx::Cx;
use haat_domain::error::{Error, Result};
use haat_domain::ports::{Access, Clock, Job, Store, Tx, Work};
use haat_domain::testing::*;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, PoisonError, mpsc};
use std::time::Duration;

cases![
    a_store_is_ready,
    what_was_acknowledged_is_seen_by_the_next,
    an_error_undoes_everything,
    a_panic_undoes_everything_and_the_store_goes_on,
    work_that_declines_to_commit_is_undone,
    work_is_settled_once_after_it_ran_once,
    reading_and_scanning_see_the_same,
    tenants_take_turns_in_one_transaction,
    many_at_once_are_all_done,
];

fn names(shop: &TestShop) -> Vec<String> {
    let page =
        shop.act(Role::Owner, |cx| list_products(cx, ProductFilter::default(), &first_page("id"))).unwrap();
    page.items.iter().map(|product| product.details.name.as_str().to_owned()).collect()
}

fn create(cx: &mut Cx<'_>, name: &str) -> Result<Product> {
    create_product(cx, details(name, "1", Some(1)))
}

fn a_store_is_ready(store: &Arc<dyn Store>) {
    store.ready().unwrap();
}

fn what_was_acknowledged_is_seen_by_the_next(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for number in 0..20 {
        let id = shop.act(Role::Owner, move |cx| create(cx, &format!("P{number}"))).unwrap().id;
        let credential = shop.customer.credential;
        let now = shop.clock.now();
        let read = move |tx: &mut dyn Tx| read_product(&mut Cx::authenticate(tx, &credential, now)?, id);
        store.read(Some(shop.tenant.id), read).expect("what was just written");
    }
}

fn an_error_undoes_everything(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let owner = shop.owner.user.id;
    let failed: Result<()> = shop.act(Role::Owner, move |cx| {
        create(cx, "One")?;
        cx.enter(Action::UpdateStore)?.tx.users().bump_token_version(owner)?;
        Err(Error::NotFound)
    });
    assert!(matches!(failed, Err(Error::NotFound)), "the error of the work is the answer");
    assert_eq!(names(&shop), [""; 0], "and the owner's token is still good");
}

fn a_panic_undoes_everything_and_the_store_goes_on(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    for access in [Access::Write, Access::Read, Access::Scan, Access::Write] {
        let (now, credential) = (shop.clock.now(), shop.owner.credential);
        let answer = run(store, access, move |tx| {
            if access == Access::Write {
                create(&mut Cx::authenticate(tx, &credential, now)?, "One")?;
            }
            panic!("as the case wants it")
        });
        assert!(matches!(answer, Err(Error::Internal(_) | Error::Unavailable(_))), "{answer:?}");
    }
    assert_eq!(names(&shop), [""; 0]);
    shop.act(Role::Owner, |cx| create(cx, "Two")).unwrap();
    assert_eq!(names(&shop), ["Two"]);
}

/// Hands work in and waits for the answer. A panic may come out as one.
fn run(
    store: &Arc<dyn Store>,
    access: Access,
    work: impl FnOnce(&mut dyn Tx) -> Result<()> + Send + 'static,
) -> Result<()> {
    let (tell, answer) = channel();
    store.submit(None, access, Box::new(Job::new(work, move |result| tell.send(result).unwrap())));
    answer.recv_timeout(Duration::from_secs(30)).expect("an answer")
}

/// Counts what is done with it.
struct Counted {
    shop: TestShop,
    commit: bool,
    ran: Arc<AtomicU32>,
    tell: mpsc::Sender<Result<()>>,
}

impl Work for Counted {
    fn run(&mut self, tx: &mut dyn Tx) -> bool {
        self.ran.fetch_add(1, Ordering::SeqCst);
        let cx = Cx::authenticate(tx, &self.shop.owner.credential, self.shop.clock.now());
        cx.and_then(|mut cx| create(&mut cx, "One")).is_ok() && self.commit
    }

    fn settle(self: Box<Self>, end: Result<()>) {
        self.tell.send(end).unwrap();
    }
}

fn submit(shop: &TestShop, commit: bool) -> (Arc<AtomicU32>, Receiver<Result<()>>) {
    let (tell, answers) = channel();
    let ran = Arc::new(AtomicU32::new(0));
    let work = Counted { shop: shop.clone(), commit, ran: Arc::clone(&ran), tell };
    shop.store.submit(Some(shop.tenant.id), Access::Write, Box::new(work));
    (ran, answers)
}

fn work_that_declines_to_commit_is_undone(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (_, answers) = submit(&shop, false);
    answers.recv_timeout(Duration::from_secs(30)).unwrap().expect("it ended as it wished");
    assert_eq!(names(&shop), [""; 0]);
}

fn work_is_settled_once_after_it_ran_once(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let (ran, answers) = submit(&shop, true);
    // The channel closes when the work is gone, so that a second answer would be seen.
    let answers: Vec<_> = answers.iter().collect();
    assert!(matches!(answers.as_slice(), [Ok(())]), "{answers:?}");
    assert_eq!(ran.load(Ordering::SeqCst), 1);
    assert_eq!(names(&shop), ["One"]);
}

fn reading_and_scanning_see_the_same(store: &Arc<dyn Store>) {
    let shop = open_shop(store, "Bazaar");
    let written = shop.act(Role::Owner, |cx| create(cx, "One")).unwrap();
    for access in [Access::Read, Access::Scan, Access::Write] {
        let seen = Arc::new(std::sync::Mutex::new(None));
        let (keep, id) = (Arc::clone(&seen), written.id);
        let (now, credential) = (shop.clock.now(), shop.customer.credential);
        run(store, access, move |tx| {
            let product = read_product(&mut Cx::authenticate(tx, &credential, now)?, id)?;
            *keep.lock().unwrap_or_else(PoisonError::into_inner) = Some(product);
            Ok(())
        })
        .unwrap();
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        assert_eq!(seen.as_ref(), Some(&written), "{access:?}");
    }
}

fn tenants_take_turns_in_one_transaction(store: &Arc<dyn Store>) {
    let (one, other) = (open_shop(store, "One"), open_shop(store, "Other"));
    let credentials = [one.owner.credential, other.owner.credential, one.owner.credential];
    let now = one.clock.now();
    let in_each = move |tx: &mut dyn Tx| {
        credentials.into_iter().enumerate().try_for_each(|(number, credential)| {
            create(&mut Cx::authenticate(tx, &credential, now)?, &format!("P{number}")).map(drop)
        })
    };
    store.write(Some(one.tenant.id), in_each).unwrap();
    assert_eq!((names(&one), names(&other)), (vec!["P0".into(), "P2".into()], vec!["P1".into()]));
}

fn many_at_once_are_all_done(store: &Arc<dyn Store>) {
    let shops = ["One", "Other"].map(|name| open_shop(store, name));
    let done = at_once(16, |number| {
        let shop = &shops[number % 2];
        for _ in 0..5 {
            shop.act(Role::Staff, |cx| create(cx, "Lamp"))?;
            shop.act(Role::Customer, |cx| list_products(cx, ProductFilter::default(), &first_page("-id")))?;
        }
        Ok(())
    });
    assert_eq!(count_ok(&done), 16, "{done:?}");
    assert_eq!(shops.map(|shop| names(&shop).len()), [40, 40]);
}
