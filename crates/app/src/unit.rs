use crate::TRACES;
use crate::vitals::Vitals;
use haat_domain::error::Result;
use haat_domain::ports::{Access, Tx, Work, outcome};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;
use tracing::{Level, Span};

/// A unit of work whose time is taken, and whose result a handler waits for.
pub(crate) struct Unit<T, W> {
    work: Option<W>,
    result: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
    under_way: UnderWay,
    access: Access,
    handed_over: Instant,
    began: Option<Instant>,
    traced: Traced,
}

/// The spans of a unit of work, where anybody traces: the wait ends when the transaction begins.
struct Traced {
    request: Span,
    part: Span,
}

impl Traced {
    fn wait() -> Self {
        if tracing::enabled!(target: TRACES, Level::TRACE) {
            Self { request: Span::current(), part: tracing::trace_span!(target: TRACES, "wait") }
        } else {
            Self { request: Span::none(), part: Span::none() }
        }
    }

    fn begin(&mut self, access: Access) {
        if !self.part.is_none() {
            self.part = tracing::trace_span!(target: TRACES, parent: &self.request, "transaction", ?access);
        }
    }
}

/// Counted as long as it is there.
struct UnderWay(Arc<Vitals>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<T, W: FnOnce(&mut dyn Tx) -> Result<T>> Unit<T, W> {
    pub(crate) fn new(
        vitals: &Arc<Vitals>,
        access: Access,
        work: W,
        answer: oneshot::Sender<Result<T>>,
    ) -> Self {
        vitals.begin();
        let under_way = UnderWay(Arc::clone(vitals));
        let handed_over = Instant::now();
        Self {
            work: Some(work),
            result: None,
            answer,
            under_way,
            access,
            handed_over,
            began: None,
            traced: Traced::wait(),
        }
    }
}

impl<T: Send, W: FnOnce(&mut dyn Tx) -> Result<T> + Send> Work for Unit<T, W> {
    fn run(&mut self, tx: &mut dyn Tx) -> bool {
        self.began = Some(Instant::now());
        self.traced.begin(self.access);
        let work = self.work.take();
        self.result = self.traced.part.in_scope(|| work.map(|work| work(tx)));
        matches!(self.result, Some(Ok(_)))
    }

    fn settle(self: Box<Self>, end: Result<()>) {
        let Self { work, result, answer, under_way, access, handed_over, began, traced } = *self;
        let result = outcome(end, result);
        let units = under_way.0.units(access);
        let now = Instant::now();
        units.waited.add(began.unwrap_or(now).saturating_duration_since(handed_over));
        if let Some(began) = began {
            units.ran.add(now.saturating_duration_since(began));
        }
        units.note(&result);
        // Before the answer: whoever has it sees it counted, and finds the key free that the work held.
        drop((work, under_way, traced));
        // A client that has gone away no longer waits; its work is done all the same.
        drop(answer.send(result));
    }
}
