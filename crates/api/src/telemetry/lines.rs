//! Lines of the log on their way out: whoever has one leaves it in a buffer, and one thread writes what has gathered. It
//! is woken for the first of them and then waits a moment for others: to wake it for each costs more than the line.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a line waits for others.
const PAUSE: Duration = Duration::from_millis(5);
/// So many bytes may wait. Who has a line when there is no room waits too: a line that is missing is worse than one
/// that is late.
const ROOM: usize = 1024 * 1024;

/// Where lines are left.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    came: Condvar,
    went: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    closed: bool,
}

/// The thread that writes. When this is dropped all that was left is written; what comes later is lost.
pub(super) struct Writing {
    lines: Lines,
    thread: Option<JoinHandle<()>>,
}

impl Lines {
    /// Begins to write there.
    pub(super) fn write_to(out: impl Write + Send + 'static) -> io::Result<(Self, Writing)> {
        let lines = Self(Arc::default());
        let from = lines.clone();
        let thread =
            std::thread::Builder::new().name("log".to_owned()).spawn(move || from.write_all_to(out))?;
        Ok((lines.clone(), Writing { lines, thread: Some(thread) }))
    }

    /// Leaves a line, which ends with its newline.
    pub(super) fn leave(&self, line: &[u8]) {
        let mut waiting = self.lock();
        while waiting.lines.len() >= ROOM && !waiting.closed {
            waiting = self.0.went.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let first = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(line);
        drop(waiting);
        // To wake somebody is a call of the system: the thread sleeps only where nothing has waited.
        if first {
            self.0.came.notify_one();
        }
    }

    fn write_all_to(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        while self.take(&mut lines) {
            // Where the log cannot be written there is nobody to tell.
            let _ = out.write_all(&lines).and_then(|()| out.flush());
            lines.clear();
        }
    }

    /// Swaps what waits for the empty `lines`, once there is something; `false`: nothing will come any more.
    fn take(&self, lines: &mut Vec<u8>) -> bool {
        let mut waiting = self.lock();
        while waiting.lines.is_empty() && !waiting.closed {
            waiting = self.0.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if !waiting.closed {
            drop(waiting);
            std::thread::sleep(PAUSE);
            waiting = self.lock();
        }
        std::mem::swap(&mut waiting.lines, lines);
        self.0.went.notify_all();
        !lines.is_empty()
    }

    /// Nothing of what runs under the lock leaves it half done.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.lines.lock().closed = true;
        self.lines.0.came.notify_all();
        self.lines.0.went.notify_all();
        // A thread that panicked has written what it could.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Writes when it is told to.
    struct Slow(Receiver<()>, Sender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Slow, Sender<()>, Receiver<Vec<u8>>) {
        let ((go, wait), (tell, told)) = (channel(), channel());
        (Slow(wait, tell), go, told)
    }

    #[test]
    fn lines_of_many_threads_come_whole_each_in_its_threads_order_and_the_last_when_it_ends() {
        let (out, go, told) = slow();
        drop(go);
        let (lines, writing) = Lines::write_to(out).unwrap();
        std::thread::scope(|scope| {
            for who in 0..4 {
                let lines = &lines;
                scope.spawn(move || {
                    for turn in 0..1000 {
                        lines.leave(format!("{who} {turn:04}\n").as_bytes());
                    }
                });
            }
        });
        drop(writing);
        let text = String::from_utf8(told.try_iter().flatten().collect()).unwrap();
        for who in 0..4 {
            let own: Vec<_> = text.lines().filter(|line| line.starts_with(&who.to_string())).collect();
            assert_eq!(own, (0..1000).map(|turn| format!("{who} {turn:04}")).collect::<Vec<_>>());
        }
        assert_eq!(text.lines().count(), 4000);
    }

    #[test]
    fn who_has_a_line_waits_while_there_is_no_room_and_none_is_lost() {
        let (out, go, told) = slow();
        let (lines, writing) = Lines::write_to(out).unwrap();
        let line = vec![b'x'; ROOM / 4];
        let (tell, written) = channel();
        let writer = std::thread::spawn(move || {
            for turn in 0..20 {
                lines.leave(&line);
                tell.send(turn).unwrap();
            }
        });
        // At most one full buffer is being written, and another waits.
        let mut left = 0;
        while written.recv_timeout(Duration::from_millis(200)).is_ok() {
            left += 1;
        }
        assert!((4..=8).contains(&left), "{left} of twenty lines, and four fill the room");
        drop(go);
        writer.join().unwrap();
        drop(writing);
        assert_eq!(told.iter().map(|bytes| bytes.len()).sum::<usize>(), 20 * (ROOM / 4));
    }
}
