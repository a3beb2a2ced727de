//! One request, as HTTP is written.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Where its `Link` header says that the list goes on: a path.
    pub(crate) fn next(&self) -> Option<String> {
        let link = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with("link: <"))?;
        let (path, _) = link.split_once('<')?.1.split_once(">; rel=\"next\"")?;
        Some(path.to_owned())
    }
}

/// The text of a request to a server on this machine.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    let content = if method == "GET" {
        String::new()
    } else {
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
    };
    format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}{content}\r\n{body}")
}

/// Sends a request on a connection of its own.
pub(crate) fn call(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{method} {path}: {why}");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect(address).map_err(|error| failed(&error))?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(|error| failed(&error))?;
    let headers = [headers, &[("Connection", "close")]].concat();
    let text = request(method, path, &headers, body);
    stream.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| failed(&error))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| failed(&format!("no answer: {answer}")))?;
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// The same, for what must succeed and answer JSON.
pub(crate) fn call_json(
    port: u16,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Result<Value, String> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
    let body = body.map(Value::to_string).unwrap_or_default();
    let Answer { status, body, .. } = call(port, method, path, &headers, &body)?;
    if !(200..300).contains(&status) {
        return Err(format!("{method} {path}: {status} {body}"));
    }
    serde_json::from_str(&body).map_err(|error| format!("{method} {path}: {error} in {body}"))
}

/// A port of this machine that nobody listens on.
pub(crate) fn free_port() -> Result<u16, String> {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|probe| probe.local_addr());
    probe.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}
