//! Asking the server on this machine whether it lives: for an image that has nothing else to ask with.

use crate::Failure;
use crate::config::Settings;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
use std::time::Duration;

/// Whoever watches a server has usually lost patience by then.
const PATIENCE: Duration = Duration::from_secs(2);

const REQUEST: &[u8] = b"GET /healthz/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const ALIVE: &[u8] = b"HTTP/1.1 200 ";

pub(super) fn ping(settings: &Settings) -> Result<(), Failure> {
    let host = match settings.host {
        IpAddr::V4(all) if all.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(all) if all.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => settings.host,
    };
    let address = (host, settings.port).into();
    let mut server =
        TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| format!("{address}: {error}"))?;
    server.set_read_timeout(Some(PATIENCE))?;
    server.write_all(REQUEST)?;
    let mut status = [0; ALIVE.len()];
    server.read_exact(&mut status).map_err(|error| format!("{address} gives no answer: {error}"))?;
    if status == ALIVE { Ok(()) } else { Err(format!("{address} is no living server").into()) }
}
