//! How a server stops: it says so first, goes on for a while, and then lets what is under way finish.

use crate::{Failure, Listening};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Whether this server has been told to stop.
#[derive(Debug, Default)]
pub struct Stopping(AtomicBool);

impl Stopping {
    /// From now on.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs a server until a signal stops it. SIGTERM: readiness is red at once, all goes on being answered for `drain`,
/// then the listeners close and requests under way finish. A second signal, or SIGINT, ends it at once.
pub async fn run(listening: Listening, drain: Duration) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let Listening { mut server, stopping, .. } = listening;
    let handle = server.handle();
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        told = signals.next() => if told == Told::AtOnce { return Ok(()) }
    }
    stopping.begin();
    tracing::info!(drain_seconds = drain.as_secs(), "told to stop: not ready any more");
    let finish = async {
        tokio::time::sleep(drain).await;
        tracing::info!("no more connections are taken; requests under way finish");
        handle.stop(true).await;
    };
    // The server moves only while it is polled.
    let finished = async { tokio::join!(server, finish).0 };
    tokio::select! {
        ended = finished => Ok(ended?),
        _ = signals.next() => Err("stopped at once, by a second signal".into()),
    }
}

/// What a signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Finish,
    AtOnce,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Finish,
            _ = self.interrupt.recv() => Told::AtOnce,
            _ = self.quit.recv() => Told::AtOnce,
        }
    }
}
