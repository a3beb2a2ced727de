//! Load as the world makes it: requests come at their rate, whether or not the server keeps up. A closed loop cannot
//! show an overload, since it asks for no more than it gets.
//!
//! One thread and one `epoll`, to leave the processor to the server.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// So long somebody waits, from the moment at which they wanted to ask; then they go away.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// What came of a load.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Requests that wanted to be sent.
    pub(crate) offered: u32,
    /// How long those took that succeeded in time, from when they wanted to be sent; microseconds, in order.
    pub(crate) good: Vec<u32>,
    /// Answered 503.
    pub(crate) shed: u32,
    /// Gave up: there was no answer in time.
    pub(crate) gone: u32,
    /// Never asked: all connections were busy, as when a server takes no more of them.
    pub(crate) unasked: u32,
    /// Anything else.
    pub(crate) failed: u32,
}

/// A client's connection.
struct Line {
    stream: TcpStream,
    /// When what is being asked on it wanted to be sent.
    asked: Option<Instant>,
    answer: Vec<u8>,
}

/// Asks `rate` times a second, evenly, for so long, over so many connections.
pub(crate) fn ask(
    port: u16,
    requests: &[String],
    rate: f64,
    lasts: Duration,
    connections: usize,
) -> Result<Told, String> {
    Load::open(port, connections)
        .and_then(|mut load| load.run(requests, rate, lasts).map(|()| load.told))
        .map_err(|error| format!("the load on port {port}: {error}"))
}

struct Load {
    address: SocketAddr,
    poll: Poll,
    lines: Vec<Line>,
    idle: Vec<usize>,
    told: Told,
}

impl Load {
    fn open(port: u16, connections: usize) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let poll = Poll::new()?;
        let lines: io::Result<Vec<_>> = (0..connections).map(|at| connect(&poll, address, at)).collect();
        let (idle, told) = ((0..connections).collect(), Told::default());
        Ok(Self { address, poll, lines: lines?, idle, told })
    }

    fn run(&mut self, requests: &[String], rate: f64, lasts: Duration) -> io::Result<()> {
        let mut requests = requests.iter().cycle();
        let mut events = Events::with_capacity(1024);
        let between = Duration::from_secs_f64(1.0 / rate);
        let began = Instant::now();
        let (mut next, mut looked) = (began, began);
        loop {
            let now = Instant::now();
            while next <= now && next < began + lasts {
                self.told.offered += 1;
                match (self.idle.pop(), requests.next()) {
                    (Some(at), Some(request)) => self.send(at, next, request)?,
                    _ => self.told.unasked += 1,
                }
                next += between;
            }
            if now - looked > Duration::from_millis(50) {
                looked = now;
                self.hang_up(now)?;
            }
            if now > began + lasts && self.idle.len() == self.lines.len() {
                return Ok(());
            }
            self.poll.poll(&mut events, Some(Duration::from_millis(1)))?;
            for event in &events {
                self.read(event.token().0)?;
            }
        }
    }

    fn send(&mut self, at: usize, wanted: Instant, request: &str) -> io::Result<()> {
        let Some(line) = self.lines.get_mut(at) else { return Ok(()) };
        line.asked = Some(wanted);
        line.answer.clear();
        // A request is smaller than any buffer of the system: it is taken whole or not at all.
        match line.stream.write(request.as_bytes()) {
            Ok(length) if length == request.len() => Ok(()),
            _ => self.broke(at),
        }
    }

    fn read(&mut self, at: usize) -> io::Result<()> {
        let mut piece = [0; 16 * 1024];
        loop {
            let Some(line) = self.lines.get_mut(at) else { return Ok(()) };
            match line.stream.read(&mut piece) {
                Ok(0) => return self.broke(at),
                Ok(length) => line.answer.extend_from_slice(piece.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.broke(at),
            }
            if let (Some(status), Some(wanted)) = (whole(&line.answer), line.asked) {
                line.asked = None;
                self.idle.push(at);
                let took = wanted.elapsed();
                match status {
                    _ if took > PATIENCE => self.told.gone += 1,
                    200..300 => self.told.good.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)),
                    503 => self.told.shed += 1,
                    _ => self.told.failed += 1,
                }
            }
        }
    }

    /// Who has waited long enough goes away, as people do: the server finds a closed connection.
    fn hang_up(&mut self, now: Instant) -> io::Result<()> {
        for at in 0..self.lines.len() {
            let asked = self.lines.get(at).and_then(|line| line.asked);
            if asked.is_some_and(|asked| now - asked > PATIENCE) {
                self.told.gone += 1;
                self.reconnect(at)?;
            }
        }
        Ok(())
    }

    fn broke(&mut self, at: usize) -> io::Result<()> {
        let asked = self.lines.get(at).is_some_and(|line| line.asked.is_some());
        self.told.failed += u32::from(asked);
        self.reconnect(at)
    }

    fn reconnect(&mut self, at: usize) -> io::Result<()> {
        let line = connect(&self.poll, self.address, at)?;
        if let Some(place) = self.lines.get_mut(at) {
            *place = line;
        }
        if !self.idle.contains(&at) {
            self.idle.push(at);
        }
        Ok(())
    }
}

fn connect(poll: &Poll, address: SocketAddr, at: usize) -> io::Result<Line> {
    let stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
    Ok(Line { stream, asked: None, answer: Vec::new() })
}

/// The status of an answer that is there as a whole: its head says how long its body is.
fn whole(answer: &[u8]) -> Option<u16> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    let status = head.get(9..12)?.parse().ok()?;
    (answer.len() >= end + 4 + length.unwrap_or(0)).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let head = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 5\r\nx: y\r\n\r\n";
        assert_eq!(whole(&head[..40]), None);
        assert_eq!(whole(&[head.as_slice(), b"1234"].concat()), None);
        assert_eq!(whole(&[head.as_slice(), b"12345"].concat()), Some(503));
        assert_eq!(whole(b"HTTP/1.1 204 No Content\r\n\r\n"), Some(204));
    }
}
