//! A client's connection, and how long it may stand still. The HTTP library bounds the time of a connection's first head;
//! a later head, a body that nobody reads and an answer that nobody takes could have all the time in the world.

use actix_http::{HttpService, Protocol};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{AppConfig, Response, Service, ServiceRequest};
use actix_web::rt::net::{ActixStream, Ready, TcpStream};
use actix_web::web::Bytes;
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

/// What the kernel keeps of answers for a client, in bytes. Left alone it grows to 4 MB, and the kernel says that there is
/// room again when a third is free: whoever took less than that in time would seem to take nothing.
const SEND_BUFFER: usize = 256 * 1024;

/// Listens there.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A server may begin anew at once, though connections of the one before are still known.
    socket.set_reuse_address(true)?;
    // Connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(&address.into())?;
    // The standard library's own would let 128 wait.
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Has a server answer on this listener, as [`actix_web::HttpServer`] would, but on lines that know when they stand still;
/// `ended` is told of each that ends for it.
pub(crate) fn listen<F, I, S, B>(
    server: ServerBuilder,
    listener: TcpListener,
    times: Times,
    ended: impl Fn() + Send + Clone + Unpin + 'static,
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
        let (stop, ended) = (stop.clone(), ended.clone());
        let stopped = move || {
            let stop = stop.clone();
            async move { stop.notified().await }
        };
        let app = app().into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(stopped)
            .client_request_timeout(times.head)
            .client_disconnect_timeout(GOODBYE)
            .on_connect_ext(|line: &Line<_>, data| {
                data.insert(Rc::clone(&line.state));
            })
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |io: TcpStream| {
            let peer = io.peer_addr().ok();
            let line = Line::new(io, address, times.still, ended.clone());
            std::future::ready(Ok((line, Protocol::Http1, peer)))
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

impl State {
    fn handles(&self, something: bool) {
        self.handling.set(something);
        self.moved.set(Instant::now());
    }
}

/// Lasts while a request is being handled; what its body may take is bounded where it is read.
#[derive(Debug)]
pub(crate) struct Handling(Rc<State>);

impl Handling {
    /// The request's.
    pub(crate) fn of(req: &ServiceRequest) -> Option<Self> {
        let state = req.conn_data::<Rc<State>>()?;
        state.handles(true);
        Some(Self(Rc::clone(state)))
    }

    /// Goes on while this body is being made, if it is made while it is sent.
    pub(crate) fn until_made(self, body: BoxBody) -> BoxBody {
        match body.size() {
            BodySize::Stream => BoxBody::new(Made { body, state: Rc::clone(&self.0) }),
            BodySize::None | BodySize::Sized(_) => body,
        }
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.handles(false);
    }
}

/// A body that is made while it is sent. Between two pieces the client is waited for, within one the database.
struct Made {
    body: BoxBody,
    state: Rc<State>,
}

impl MessageBody for Made {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let piece = Pin::new(&mut self.body).poll_next(cx);
        self.state.handles(piece.is_pending());
        piece
    }
}

/// A connection that ends with an error when it has stood still for too long.
struct Line<E> {
    io: TcpStream,
    state: Rc<State>,
    still: Duration,
    ended: E,
    /// The client takes nothing more of its answers; meanwhile nothing more of it is read, or the answers to that, with
    /// or without a body, would gather without end.
    full: bool,
    /// Looks once in a while, and not for each request.
    look: Pin<Box<Sleep>>,
}

impl<E: Fn()> Line<E> {
    fn new(io: TcpStream, listener: SocketAddr, still: Duration, ended: E) -> Self {
        let state = State { listener, handling: Cell::new(false), moved: Cell::new(Instant::now()) };
        Self { io, state: Rc::new(state), still, ended, full: false, look: Box::pin(sleep(still)) }
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
                (self.ended)();
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

impl<E: Fn() + Unpin> AsyncRead for Line<E> {
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

impl<E: Fn() + Unpin> AsyncWrite for Line<E> {
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

impl<E: Fn() + Unpin> ActixStream for Line<E> {
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
    fn on_a_line<T>(test: impl AsyncFnOnce(Line<fn()>, TcpStream) -> T) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().start_paused(true).build().unwrap().block_on(async {
            let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let address = listener.local_addr().unwrap();
            let client = tokio::net::TcpSocket::new_v4().unwrap();
            client.set_recv_buffer_size(256 * 1024).unwrap();
            let (client, server) = tokio::join!(client.connect(address), listener.accept());
            test(Line::new(server.unwrap().0, address, STILL, || ()), client.unwrap()).await
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
                let (mut taken, mut piece) = (0, vec![0; SEND_BUFFER]);
                loop {
                    sleep(STILL / 4).await;
                    let mut left = piece.as_mut_slice();
                    while let Ok(read) = client.try_read(left)
                        && !left.is_empty()
                    {
                        if read == 0 {
                            return taken;
                        }
                        taken += read;
                        left = &mut left[read..];
                    }
                }
            };
            let (sent, taken) = tokio::join!(send, take);
            (sent, taken, began.elapsed())
        });
        assert_eq!((sent.unwrap(), taken), ((), MUCH));
        assert!(took > STILL * 2, "{took:?}");
    }

    /// Is made in two tries.
    struct Slow(bool);

    impl MessageBody for Slow {
        type Error = std::convert::Infallible;

        fn size(&self) -> BodySize {
            BodySize::Stream
        }

        fn poll_next(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Bytes, Self::Error>>> {
            let ready = std::mem::replace(&mut self.0, true);
            if ready { Poll::Ready(Some(Ok(Bytes::from_static(b"x")))) } else { Poll::Pending }
        }
    }

    #[test]
    fn while_a_piece_of_a_body_is_made_nothing_ends() {
        let (waits, ends) = on_a_line(async |mut line, _client| {
            let mut body = Handling(Rc::clone(&line.state)).until_made(BoxBody::new(Slow(false)));
            let mut body = Pin::new(&mut body);
            let mut cx = Context::from_waker(std::task::Waker::noop());
            assert!(body.as_mut().poll_next(&mut cx).is_pending());
            let waits = tokio::time::timeout(STILL * 5, line.read_u8()).await.is_err();
            assert!(body.as_mut().poll_next(&mut cx).is_ready());
            (waits, line.read_u8().await.is_err())
        });
        assert!(waits && ends);
    }

    #[test]
    fn while_a_request_is_handled_nothing_ends() {
        let (waits, ends) = on_a_line(async |mut line, _client| {
            line.state.handles(true);
            let handling = Handling(Rc::clone(&line.state));
            let waits = tokio::time::timeout(STILL * 5, line.read_u8()).await.is_err();
            drop(handling);
            (waits, line.read_u8().await.is_err())
        });
        assert!(waits && ends);
    }
}
