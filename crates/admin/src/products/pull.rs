//! Answers that are made while they are sent. Nothing is made that nobody takes: a browser that reads slowly holds the
//! maker back, and one that goes away ends it.

use crate::failure::{Failure, log};
use actix_web::web::Bytes;
use futures_core::Stream;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The next piece and what makes the one after it; `None`: that was all.
pub(super) type Step<S> = Result<Option<(Bytes, S)>, Failure>;

type Making<S> = Pin<Box<dyn Future<Output = Step<S>>>>;

/// Pieces, each made by a function from what is left after the one before.
pub(super) struct Pieces<S, F> {
    make: F,
    making: Option<Making<S>>,
}

impl<S, F, M> Pieces<S, F>
where
    F: Fn(S) -> M,
    M: Future<Output = Step<S>> + 'static,
{
    /// All that this makes, beginning here.
    pub(super) fn from(state: S, make: F) -> Self {
        let making: Making<S> = Box::pin(make(state));
        Self { make, making: Some(making) }
    }
}

impl<S, F, M> Stream for Pieces<S, F>
where
    F: Fn(S) -> M + Unpin,
    M: Future<Output = Step<S>> + 'static,
{
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(making) = self.making.as_mut() else { return Poll::Ready(None) };
        let made = ready!(making.as_mut().poll(cx));
        self.making = None;
        Poll::Ready(match made {
            Ok(Some((piece, state))) => {
                let next: Making<S> = Box::pin((self.make)(state));
                self.making = Some(next);
                Some(Ok(piece))
            }
            Ok(None) => None,
            // The answer breaks off, so that nobody takes it for whole.
            Err(failure) => {
                if let Failure::Domain(error) = &failure {
                    log(error);
                }
                Some(Err(failure))
            }
        })
    }
}
