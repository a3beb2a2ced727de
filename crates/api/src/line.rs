//! A client's connection, and how long it may stand still. The HTTP library bounds the time of a connection's first head;
//! a later head, a body that nobody reads and an answer that nobody takes could have all the time in the world.

use actix_http::{HttpService, Protocol};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Response, Service, ServiceRequest};
use actix_web::rt::net::{ActixStream, Ready, TcpStream};
use socket2::{Domain, SockRef, Socket, Type};
use std::cell::Cell;
use std::fmt::Debug;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long clients may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// For the first head.
    pub(crate) head: Duration,
    /// For getting on at all, while no request is being handled.
    pub(crate) still: Duration,
}

/// How long a connection that is being closed waits for the client's end.
const GOODBYE: Duration = Duration::from_secs(1);

/// Connections that may wait in the kernel until they are taken; it may be set to take fewer.
const BACKLOG: i32 = 1024;

/// Listens there.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A server may begin anew at once, though connections of the one before are still known.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    // The standard library's own would let 128 wait.
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Has a server answer on this listener, as [`actix_web::HttpServer`] would, but on lines that know when they stand still.
pub(crate) fn listen<F, I, S, B>(
    server: ServerBuilder,
    listener: TcpListener,
    times: Times,
    app: F,
) -> io::Result<ServerBuilder>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, actix_http::Request>,
    S: ServiceFactory<actix_http::Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<actix_http::Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let address = listener.local_addr()?;
    let stop = server.graceful_shutdown_signal();
    server.listen(address.to_string(), listener, move || {
        let stop = stop.clone();
        let stopped = move || {
            let stop = stop.clone();
            async move { stop.notified().await }
        };
        let app = app().into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(stopped)
            .client_request_timeout(times.head)
            .client_disconnect_timeout(GOODBYE)
            .local_addr(address)
            .on_connect_ext(|line: &Line, data| {
                data.insert(Rc::clone(&line.state));
            })
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |io: TcpStream| async move {
            let peer = io.peer_addr().ok();
            Ok((Line::new(io, address, times.still), Protocol::Http1, peer))
        })
        .and_then(http)
    })
}

/// What is known of a connection, by itself and by its requests.
#[derive(Debug)]
pub(crate) struct State {
    /// The listener that it came to.
    pub(crate) listener: SocketAddr,
    handling: Cell<bool>,
    /// When it last got on: it was opened, a request was handled, the client took a piece of an answer.
    moved: Cell<Instant>,
}

/// Lasts while a request is being handled; what its body may take is bounded where it is read.
#[derive(Debug)]
pub(crate) struct Handling(Rc<State>);

impl Handling {
    /// The request's.
    pub(crate) fn of(req: &ServiceRequest) -> Option<Self> {
        let state = req.conn_data::<Rc<State>>()?;
        state.handling.set(true);
        Some(Self(Rc::clone(state)))
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.handling.set(false);
        self.0.moved.set(Instant::now());
    }
}

/// A connection that ends with an error when it has stood still for too long.
struct Line {
    io: TcpStream,
    state: Rc<State>,
    still: Duration,
    /// The client takes nothing more of its answers; meanwhile nothing more of it is read, or the answers to that, with
    /// or without a body, would gather without end.
    full: bool,
    /// Looks once in a while, and not for each request.
    look: Pin<Box<Sleep>>,
}

impl Line {
    fn new(io: TcpStream, listener: SocketAddr, still: Duration) -> Self {
        let state = State { listener, handling: Cell::new(false), moved: Cell::new(Instant::now()) };
        Self { io, state: Rc::new(state), still, full: false, look: Box::pin(sleep(still)) }
    }

    /// There is nothing to read, or no room to write.
    fn wait<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        loop {
            ready!(self.look.as_mut().poll(cx));
            let now = Instant::now();
            let since = if self.state.handling.get() { now } else { self.state.moved.get() };
            let until = since + self.still;
            if until <= now {
                if self.full {
                    // Else the kernel would keep what was not taken for minutes.
                    let _ = SockRef::from(&self.io).set_linger(Some(Duration::ZERO));
                }
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            self.look.as_mut().reset(until);
        }
    }

    fn wrote(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if wrote.is_pending() {
            self.full = true;
            return self.wait(cx);
        }
        if std::mem::take(&mut self.full) {
            // Whoever was not let read asks again.
            cx.waker().wake_by_ref();
        }
        self.state.moved.set(Instant::now());
        wrote
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.full {
            return self.wait(cx);
        }
        match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Pending => self.wait(cx),
            read @ Poll::Ready(_) => read,
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.io).poll_write(cx, buf);
        self.wrote(cx, wrote)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.wrote(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

impl ActixStream for Line {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.io, cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.io, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const STILL: Duration = Duration::from_secs(30);
    /// More than the buffers between two ends hold.
    const MUCH: usize = 32 * 1024 * 1024;

    /// On a clock that goes on as soon as nobody has anything to do.
    fn on_a_line<T>(test: impl AsyncFnOnce(Line, TcpStream) -> T) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().start_paused(true).build().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let client = tokio::net::TcpSocket::new_v4().unwrap();
            client.set_recv_buffer_size(64 * 1024).unwrap();
            let (client, server) = tokio::join!(client.connect(address), listener.accept());
            test(Line::new(server.unwrap().0, address, STILL), client.unwrap()).await
        })
    }

    #[test]
    fn a_line_on_which_nothing_comes_ends() {
        let (end, took) = on_a_line(async |mut line, _client| {
            let began = Instant::now();
            (line.read_u8().await, began.elapsed())
        });
        assert_eq!(end.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!((STILL..STILL * 2).contains(&took), "{took:?}");
    }

    #[test]
    fn a_line_whose_client_takes_nothing_ends() {
        let end = on_a_line(async |mut line, _client| line.write_all(&vec![0; MUCH]).await);
        assert_eq!(end.unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn who_takes_an_answer_slowly_gets_it() {
        let (sent, taken, took) = on_a_line(async |mut line, client| {
            let began = Instant::now();
            let send = async {
                let sent = line.write_all(&vec![0; MUCH]).await;
                drop(line);
                sent
            };
            let take = async {
                let (mut taken, mut piece) = (0, vec![0; MUCH]);
                loop {
                    sleep(STILL / 2).await;
                    // All that has come so far.
                    while let Ok(read) = client.try_read(&mut piece) {
                        if read == 0 {
                            return taken;
                        }
                        taken += read;
                    }
                }
            };
            let (sent, taken) = tokio::join!(send, take);
            (sent, taken, began.elapsed())
        });
        assert_eq!((sent.unwrap(), taken), ((), MUCH));
        assert!(took > STILL * 2, "{took:?}");
    }

    #[test]
    fn while_a_request_is_handled_nothing_ends() {
        let (waits, ends) = on_a_line(async |mut line, _client| {
            line.state.handling.set(true);
            let handling = Handling(Rc::clone(&line.state));
            let waits = tokio::time::timeout(STILL * 5, line.read_u8()).await.is_err();
            drop(handling);
            (waits, line.read_u8().await.is_err())
        });
        assert!(waits && ends);
    }
}
