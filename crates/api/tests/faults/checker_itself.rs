//! The checker finds what is wrong in stories that were made up.

use crate::checker::{Fault, Kept, Store, faults};
use crate::history::{Cancelling, History, Purchase, Receipt, Request, Told};
use std::collections::{BTreeMap, BTreeSet};

const CUP: i64 = 7;

fn receipt(id: i64, number: i64, pieces: i64) -> Receipt {
    Receipt { id, number, total: pieces * 250, lines: BTreeMap::from([(CUP, pieces)]) }
}

fn asked(key: &str, pieces: i64, told: Vec<Told<Receipt>>) -> Request<Purchase, Receipt> {
    let wish = Purchase { key: key.to_owned(), lines: BTreeMap::from([(CUP, pieces)]) };
    Request { store: 0, wish, told }
}

fn lost_connection<T>() -> Told<T> {
    Told::Unknown("the connection was cut".to_owned())
}

/// Three orders of a store that had ten cups: one was acknowledged at once, one after a doubt, one was cancelled.
fn story() -> (History, Store) {
    let [first, second, third] = [receipt(31, 1001, 2), receipt(32, 1002, 1), receipt(33, 1003, 4)];
    let history = History {
        purchases: vec![
            asked("first", 2, vec![Told::Done(first.clone())]),
            asked("second", 1, vec![lost_connection(), Told::Done(second.clone())]),
            asked("third", 4, vec![Told::Done(third.clone())]),
            asked("too many", 8, vec![Told::Refused("insufficient_stock".to_owned())]),
        ],
        cancellings: vec![Request {
            store: 0,
            wish: Cancelling { order: 33 },
            told: vec![lost_connection(), Told::Done(())],
        }],
    };
    let log = [("order.place", 31), ("order.place", 32), ("order.place", 33), ("order.cancel", 33)];
    let kept = |receipt: Receipt| Kept { cancelled: receipt.id == 33, receipt };
    let store = Store {
        prices: BTreeMap::from([(CUP, 250)]),
        before: BTreeMap::from([(CUP, 10)]),
        left: BTreeMap::from([(CUP, 7)]),
        orders: [first, second, third].map(kept).into(),
        log: log.map(|(action, order)| (action.to_owned(), order)).into(),
    };
    (history, store)
}

/// What the checker says of the story after something in it was changed.
fn of(change: impl FnOnce(&mut History, &mut Store)) -> BTreeSet<Fault> {
    let (mut history, mut store) = story();
    change(&mut history, &mut store);
    faults(&history, &[store])
}

/// Places an order in the books, with all that belongs to it.
fn book(store: &mut Store, receipt: Receipt) {
    *store.left.get_mut(&CUP).unwrap() -= receipt.lines[&CUP];
    store.log.push(("order.place".to_owned(), receipt.id));
    store.orders.push(Kept { receipt, cancelled: false });
}

#[test]
fn a_true_story_has_no_fault() {
    assert_eq!(of(|_, _| {}), BTreeSet::new());
}

#[test]
fn an_acknowledged_order_that_is_gone_is_lost() {
    let found = of(|_, store| {
        store.orders.remove(1);
        store.log.remove(1);
        *store.left.get_mut(&CUP).unwrap() += 1;
    });
    assert!(found.contains(&Fault::Lost("second".to_owned())), "{found:?}");
    assert!(found.contains(&Fault::Numbers { store: 0 }), "{found:?}");
}

#[test]
fn the_last_acknowledged_order_is_missed_though_no_number_is() {
    let found = of(|history, _| {
        history.purchases.push(asked("fourth", 1, vec![Told::Done(receipt(34, 1004, 1))]));
    });
    assert_eq!(found, BTreeSet::from([Fault::Lost("fourth".to_owned())]));
}

#[test]
fn an_order_with_another_number_total_or_line_is_not_the_one_that_was_acknowledged() {
    for change in [
        |kept: &mut Receipt| kept.total += 1,
        |kept: &mut Receipt| kept.number += 7,
        |kept: &mut Receipt| *kept.lines.get_mut(&CUP).unwrap() += 1,
    ] {
        let found = of(|_, store| change(&mut store.orders[0].receipt));
        assert!(found.contains(&Fault::Lost("first".to_owned())), "{found:?}");
    }
}

#[test]
fn an_order_that_was_made_again_by_a_retry_is_found() {
    // The client was told of the second one only.
    let found = of(|_, store| book(store, receipt(34, 1004, 1)));
    assert_eq!(found, BTreeSet::from([Fault::Unasked { store: 0, order: 34 }]));
    // It was told of both.
    let found = of(|history, store| {
        history.purchases[1].told.push(Told::Done(receipt(34, 1004, 1)));
        book(store, receipt(34, 1004, 1));
    });
    assert_eq!(found, BTreeSet::from([Fault::AnsweredTwice("second".to_owned())]));
}

#[test]
fn an_order_that_was_refused_and_made_is_found() {
    let found = of(|history, store| {
        history.purchases.push(asked("refused", 1, vec![Told::Refused("conflict".to_owned())]));
        book(store, receipt(34, 1004, 1));
    });
    assert_eq!(found, BTreeSet::from([Fault::Unasked { store: 0, order: 34 }]));
}

#[test]
fn a_key_that_was_forgotten_is_found() {
    let refused = |history: &mut History, _: &mut Store| {
        history.purchases[0].told.push(Told::Refused("insufficient_stock".to_owned()));
    };
    assert_eq!(of(refused), BTreeSet::from([Fault::Forgotten("first".to_owned())]));
}

#[test]
fn an_answer_to_another_wish_is_found() {
    let found = of(|history, _| *history.purchases[0].wish.lines.get_mut(&CUP).unwrap() = 3);
    assert_eq!(found, BTreeSet::from([Fault::NotAsAsked("first".to_owned())]));
}

#[test]
fn a_doubt_that_stays_is_a_fault() {
    let found = of(|history, _| history.purchases.push(asked("open", 1, vec![lost_connection()])));
    assert_eq!(found, BTreeSet::from([Fault::Open("open".to_owned())]));
}

#[test]
fn stock_that_was_taken_without_an_order_is_missed() {
    let found = of(|_, store| *store.left.get_mut(&CUP).unwrap() -= 1);
    assert_eq!(found, BTreeSet::from([Fault::Stock { store: 0, product: CUP, expected: 7, left: 6 }]));
}

#[test]
fn more_than_there_was_cannot_be_sold() {
    let found = of(|history, store| {
        history.purchases.push(asked("greedy", 8, vec![Told::Done(receipt(34, 1004, 8))]));
        book(store, receipt(34, 1004, 8));
    });
    assert_eq!(found, BTreeSet::from([Fault::Oversold { store: 0, product: CUP }]));
}

#[test]
fn a_gap_and_a_twin_among_the_numbers_are_found() {
    for number in [1005, 1003] {
        let found = of(|history, store| {
            history.purchases.push(asked("fourth", 1, vec![Told::Done(receipt(34, number, 1))]));
            book(store, receipt(34, number, 1));
        });
        assert_eq!(found, BTreeSet::from([Fault::Numbers { store: 0 }]));
    }
}

#[test]
fn a_cancellation_that_was_acknowledged_or_not_asked_for_is_found() {
    let found = of(|_, store| {
        store.orders[2].cancelled = false;
        store.log.pop();
        *store.left.get_mut(&CUP).unwrap() -= 4;
    });
    assert_eq!(found, BTreeSet::from([Fault::NotCancelled { store: 0, order: 33 }]));
    let found = of(|history, _| history.cancellings.clear());
    assert_eq!(found, BTreeSet::from([Fault::CancelledUnasked { store: 0, order: 33 }]));
}

#[test]
fn an_order_that_was_acknowledged_and_then_denied_is_found() {
    let deny = |history: &mut History, _: &mut Store| {
        history.cancellings[0].told.insert(0, Told::Refused("not_found".to_owned()));
    };
    assert_eq!(of(deny), BTreeSet::from([Fault::Denied { store: 0, order: 33 }]));
}

#[test]
fn a_change_without_its_entry_and_an_entry_too_many_are_found() {
    assert_eq!(of(|_, store| drop(store.log.pop())), BTreeSet::from([Fault::Log { store: 0 }]));
    let twice = |_: &mut History, store: &mut Store| store.log.push(("order.cancel".to_owned(), 33));
    assert_eq!(of(twice), BTreeSet::from([Fault::Log { store: 0 }]));
}
