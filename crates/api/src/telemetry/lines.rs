//! Lines of the log on their way out: whoever has one leaves it in a buffer, and one thread writes what has gathered. It
//! is woken for the first of them and then waits a moment for others: to wake it for each costs more than the line.

use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
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
    ended: Receiver<()>,
}

/// How long the end waits for the last lines to be written: whoever should read them may have stopped.
const LAST: Duration = Duration::from_secs(1);

impl Lines {
    /// Begins to write there.
    pub(super) fn write_to(out: impl Write + Send + 'static) -> io::Result<(Self, Writing)> {
        let lines = Self(Arc::default());
        let (from, (end, ended)) = (lines.clone(), channel());
        std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            let _end: Sender<()> = end;
            let _closes = Closes(&from);
            from.write_all_to(out);
        })?;
        Ok((lines.clone(), Writing { lines, ended }))
    }

    /// Leaves a line, which ends with its newline. Nobody takes it any more where the thread has ended.
    pub(super) fn leave(&self, line: &[u8]) {
        let mut waiting = self.lock();
        while waiting.lines.len() >= ROOM && !waiting.closed {
            waiting = self.0.went.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.closed {
            return;
        }
        let first = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(line);
        drop(waiting);
        // To wake somebody is a call of the system: the thread sleeps only where nothing has waited.
        if first {
            self.0.came.notify_one();
        }
    }

    fn write_all_to(&self, out: impl Write) {
        let (mut lines, mut out) = (Vec::new(), Out { out, torn: false });
        while self.take(&mut lines) {
            out.put(&lines);
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

/// Where lines go.
struct Out<W> {
    out: W,
    /// The last line may have no end.
    torn: bool,
}

impl<W: Write> Out<W> {
    /// Where the log cannot be written there is nobody to tell: what is left of these lines is lost.
    fn put(&mut self, lines: &[u8]) {
        let begun = if self.torn { self.write(b"\n") } else { Ok(()) };
        self.torn = begun.and_then(|()| self.write(lines)).is_err();
    }

    /// All of it, though this may be a pipe that is not always ready.
    fn write(&mut self, mut lines: &[u8]) -> io::Result<()> {
        while !lines.is_empty() {
            match self.out.write(lines) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => lines = lines.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.flush()
    }
}

/// However the thread ends, nobody waits for it.
struct Closes<'l>(&'l Lines);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.0.came.notify_all();
        self.0.0.went.notify_all();
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        drop(Closes(&self.lines));
        // It sends nothing, but hangs up when it ends.
        let _ = self.ended.recv_timeout(LAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut left = written.iter().take(4).count();
        while written.recv_timeout(Duration::from_millis(200)).is_ok() {
            left += 1;
        }
        assert!(left <= 8, "{left} of twenty lines, and four fill the room");
        drop(go);
        writer.join().unwrap();
        drop(writing);
        assert_eq!(told.iter().map(|bytes| bytes.len()).sum::<usize>(), 20 * (ROOM / 4));
    }
    /// Takes three bytes at a time, is seldom ready, and fails once.
    struct Poor(Vec<u8>, usize);

    impl Write for Poor {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            match self.1 {
                5 => Err(ErrorKind::StorageFull.into()),
                turn if turn % 2 == 0 => Err(ErrorKind::WouldBlock.into()),
                _ => {
                    let taken = &bytes[..bytes.len().min(3)];
                    self.0.extend_from_slice(taken);
                    Ok(taken.len())
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_not_ready_is_waited_for_and_after_an_error_a_line_begins_anew() {
        let mut out = Out { out: Poor(Vec::new(), 0), torn: false };
        out.put(b"the first line\n");
        out.put(b"the second line\n");
        out.put(b"the third line\n");
        assert_eq!(out.out.0, b"the fi\nthe second line\nthe third line\n");
    }

    #[test]
    fn the_end_does_not_wait_for_ever_for_whoever_does_not_read() {
        let (out, _go, _told) = slow();
        let (lines, writing) = Lines::write_to(out).unwrap();
        lines.leave(b"a line\n");
        drop(writing);
        lines.leave(&vec![b'x'; ROOM]);
        lines.leave(b"nor does whoever comes later\n");
        assert!(lines.lock().lines.len() < ROOM, "what comes later is lost");
    }
}
