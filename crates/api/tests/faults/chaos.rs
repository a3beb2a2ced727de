//! A bad network between the program and its PostgreSQL server: a proxy on loopback that cuts, refuses, delays, and
//! swallows.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Fair,
    /// Every piece takes so long, in each direction.
    Slow(Duration),
    /// What is sent arrives nowhere, and nobody is told; connections stay, and new ones can be made.
    Silent,
    /// Connections break, and new ones are closed at once.
    Down,
    /// A connection breaks whenever the server says that a COMMIT is done, before that is heard.
    LosesCommits,
}

/// The proxy.
pub(crate) struct Network {
    shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
}

struct Shared {
    weather: Mutex<Weather>,
    changed: Condvar,
    /// Both ends of every connection.
    open: Mutex<Vec<(TcpStream, UnixStream)>>,
    server: PathBuf,
}

impl Network {
    /// In front of the server with this socket.
    pub(crate) fn before(server: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            weather: Mutex::new(Weather::Fair),
            changed: Condvar::new(),
            open: Mutex::default(),
            server: server.to_owned(),
        });
        let network = Arc::clone(&shared);
        // It ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                network.connect(client);
            }
        });
        Self { shared, address }
    }

    pub(crate) fn becomes(&self, weather: Weather) {
        *self.shared.weather.lock().unwrap() = weather;
        self.shared.changed.notify_all();
        if weather == Weather::Down {
            for (client, server) in self.shared.open.lock().unwrap().drain(..) {
                // It may be closed already.
                let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
            }
        }
    }
}

impl Shared {
    fn weather(&self) -> MutexGuard<'_, Weather> {
        self.weather.lock().unwrap()
    }

    fn connect(self: &Arc<Self>, client: TcpStream) {
        let weather = *self.weather();
        let Ok(server) = UnixStream::connect(&self.server) else { return };
        if weather == Weather::Down {
            return;
        }
        let (client_again, server_again) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        self.open.lock().unwrap().push((client.try_clone().unwrap(), server.try_clone().unwrap()));
        let (there, back) = (Arc::clone(self), Arc::clone(self));
        thread::spawn(move || {
            there.carry(client, &server);
            let _ = server.shutdown(Shutdown::Both);
        });
        thread::spawn(move || {
            back.carry(server_again, &client_again);
            let _ = client_again.shutdown(Shutdown::Both);
        });
    }

    /// Carries what comes from one end to the other, until one of them is closed. That too is swallowed in silence, and
    /// learned when the silence is over.
    fn carry<'to, To>(&self, mut from: impl Read, to: &'to To)
    where
        &'to To: Write,
    {
        let mut to: &To = to;
        let mut piece = [0; 16 * 1024];
        loop {
            let length = from.read(&mut piece).unwrap_or(0);
            let weather = *self.weather();
            match weather {
                Weather::Slow(time) => thread::sleep(time),
                Weather::Silent if length > 0 => continue,
                Weather::LosesCommits if piece[..length].windows(7).any(|words| words == b"COMMIT\0") => {
                    return;
                }
                Weather::Silent | Weather::LosesCommits | Weather::Fair | Weather::Down => {}
            }
            if length == 0 || to.write_all(&piece[..length]).is_err() {
                let silent = |weather: &mut Weather| *weather == Weather::Silent;
                drop(self.changed.wait_while(self.weather(), silent).unwrap());
                return;
            }
        }
    }
}
