//! Buyers who order and cancel at the same time, ask again when they do not know, and note what they were told.

use crate::client::{Answer, Client, send};
use crate::history::{Cancelling, History, Pieces, Purchase, Receipt, Request, Told};
use crate::market::{Stall, receipt};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Who got no answer, or one that leaves it open, waits for so long.
const PAUSE: Duration = Duration::from_millis(50);

/// A buyer buys no more often, and a doubt is cleared up by then or never: whatever is broken, a test ends.
const AT_MOST: usize = 3_000;
const LIMIT: Duration = Duration::from_mins(1);

/// Whoever waits for an acknowledgement looks so often: a kill must come before the disk has what was acknowledged too
/// early.
const LOOK: Duration = Duration::from_micros(100);

/// Buyers at work.
pub(crate) struct Load {
    buyers: Vec<JoinHandle<History>>,
    /// Orders that were acknowledged so far.
    placed: Arc<AtomicUsize>,
    /// Answers that left it open so far, or did not come.
    unknown: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Load {
    /// So many buyers go to work in each store.
    pub(crate) fn start(market: &[Stall], buyers: usize) -> Self {
        let (placed, unknown) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let over = Arc::<AtomicBool>::default();
        let all =
            market.iter().enumerate().flat_map(|(store, stall)| (0..buyers).map(move |n| (store, stall, n)));
        let buyers = all
            .map(|(store, stall, n)| {
                let buyer = Buyer { store, name: format!("{store}-{n}"), stall: stall.clone() };
                let (placed, unknown, over) = (Arc::clone(&placed), Arc::clone(&unknown), Arc::clone(&over));
                thread::spawn(move || buyer.shop(&placed, &unknown, &over))
            })
            .collect();
        Self { buyers, placed, unknown, over }
    }

    /// Waits until so many more orders have been acknowledged.
    #[track_caller]
    pub(crate) fn placed(&self, more: usize) {
        self.wait_for(&self.placed, more);
    }

    /// Waits until so many more requests have been left open.
    #[track_caller]
    pub(crate) fn unknown(&self, more: usize) {
        self.wait_for(&self.unknown, more);
    }

    #[track_caller]
    fn wait_for(&self, counter: &AtomicUsize, more: usize) {
        let (start, goal) = (Instant::now(), counter.load(Ordering::Relaxed) + more);
        while counter.load(Ordering::Relaxed) < goal {
            assert!(start.elapsed() < LIMIT, "it does not happen");
            assert!(self.buyers.iter().all(|buyer| !buyer.is_finished()), "a buyer has gone home");
            thread::sleep(LOOK);
        }
    }

    /// Lets them ask until each of them knows about everything, and go home.
    pub(crate) fn finish(self) -> History {
        self.over.store(true, Ordering::Relaxed);
        self.buyers.into_iter().fold(History::default(), |mut all, buyer| {
            all.append(buyer.join().expect("a buyer goes home"));
            all
        })
    }
}

struct Buyer {
    store: usize,
    name: String,
    stall: Stall,
}

impl Buyer {
    fn shop(&self, placed: &AtomicUsize, unknown: &AtomicUsize, over: &AtomicBool) -> History {
        let mut history = History::default();
        for turn in 0..AT_MOST {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let wish = Purchase { key: format!("{}-{turn}", self.name), lines: self.basket(turn) };
            let mut request = Request { store: self.store, wish, told: Vec::new() };
            self.buy(&mut request);
            let counter = match request.told.last() {
                Some(Told::Done(_)) => Some(placed),
                Some(Told::Unknown(_)) => Some(unknown),
                _ => None,
            };
            counter.map(|counter| counter.fetch_add(1, Ordering::Relaxed));
            // Every fifth order is regretted at once.
            if let (0, Some(order)) = (turn % 5, request.done().next()) {
                let wish = Cancelling { order: order.id };
                let mut regret = Request { store: self.store, wish, told: Vec::new() };
                self.cancel(&mut regret);
                history.cancellings.push(regret);
            }
            history.purchases.push(request);
        }
        self.clear_up(&mut history);
        history
    }

    /// Asks again wherever an answer is missing, and now and then where it is not: the same one must come.
    fn clear_up(&self, history: &mut History) {
        let start = Instant::now();
        let patient = || start.elapsed() < LIMIT;
        for (place, request) in history.purchases.iter_mut().enumerate() {
            while request.is_open() && patient() {
                self.buy(request);
            }
            if place % 10 == 0 && patient() {
                self.buy(request);
                while request.is_open() && patient() {
                    self.buy(request);
                }
            }
        }
        for request in &mut history.cancellings {
            while request.is_open() && patient() {
                self.cancel(request);
            }
        }
    }

    /// One line mostly, sometimes several; seldom what there is too little of.
    fn basket(&self, turn: usize) -> Pieces {
        let pieces = |n: usize| i64::try_from(n % 3 + 1).unwrap();
        let goods: Vec<_> = self.stall.prices.keys().copied().collect();
        match turn % 7 {
            3 => goods[..3].iter().map(|product| (*product, pieces(turn))).collect(),
            6 => [(goods[3], pieces(turn)), (goods[0], 1)].into(),
            n => [(goods[n % 3], pieces(turn))].into(),
        }
    }

    fn buy(&self, request: &mut Request<Purchase, Receipt>) {
        let lines: Vec<_> =
            request.wish.lines.iter().map(|(p, n)| json!({"product": p, "quantity": n})).collect();
        let order =
            self.stall.customer.request("POST", "/api/orders/").header("Idempotency-Key", &request.wish.key);
        let answer = send(order.json(&json!({"lines": lines})));
        note(request, answer, (201, receipt), (409, "insufficient_stock"));
    }

    fn cancel(&self, request: &mut Request<Cancelling, ()>) {
        let customer: &Client = &self.stall.customer;
        let path = format!("/api/orders/{}/cancel/", request.wish.order);
        // That there is no such order is for the checker to judge: it was acknowledged.
        note(request, send(customer.request("POST", &path)), (200, |_| ()), (404, "not_found"));
    }
}

/// Notes what an answer says about what was wanted. What leaves it open: no answer at all; anything of the server's own
/// trouble or a proxy's, for it may have come after the deed; and that the same request is still being answered.
fn note<Wish, T>(
    request: &mut Request<Wish, T>,
    answer: Result<Answer, String>,
    (good, read): (u16, fn(&serde_json::Value) -> T),
    refusal: (u16, &str),
) {
    let told = match answer {
        Ok(answer) if answer.status == good => Told::Done(read(&answer.json)),
        Ok(answer) if answer.status == 503 => {
            assert!(answer.retry_after.is_some(), "503 without Retry-After: {}", answer.json);
            Told::Unknown(answer.code().to_owned())
        }
        // nginx's own answer: whom it asked is gone.
        Ok(answer) if matches!(answer.status, 502 | 504) => Told::Unknown(answer.status.to_string()),
        Ok(answer) if answer.code() == "request_in_flight" => Told::Unknown(answer.code().to_owned()),
        Ok(answer) => {
            assert_eq!((answer.status, answer.code()), refusal, "{}", answer.json);
            Told::Refused(answer.code().to_owned())
        }
        Err(why) => Told::Unknown(why),
    };
    if told.is_unknown() {
        thread::sleep(PAUSE);
    }
    request.told.push(told);
}
