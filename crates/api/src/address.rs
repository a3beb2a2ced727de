//! Where a request comes from, behind so many proxies of one's own.

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The client's address, as far as it can be believed: an extension of the request. An IPv6 address is cut to the /64
/// that one subscriber has, since he may use any of its addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

impl ClientAddress {
    /// The address of a request that came through so many proxies. Each of them writes whom it heard behind what was
    /// in the header already; what stands further left is the client's own invention.
    pub fn of(req: &ServiceRequest, proxies: usize) -> Self {
        let peer = req.peer_addr().map(|peer| peer.ip());
        let forwarded =
            || nth_from_right(req.headers(), &FORWARDED_FOR, proxies).and_then(|text| parse(&text));
        Self(forwarded().or(peer).map(subscriber))
    }
}

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(req.extensions().get().copied().unwrap_or(Self(None))))
    }
}

/// Whether the client speaks TLS, as the outermost of so many proxies says.
pub fn over_tls(headers: &HeaderMap, proxies: usize) -> bool {
    // Most proxies pass this header on instead of adding to it: the outermost's word may be the only one.
    let all = || 1..=proxies;
    let said = all().rev().find_map(|place| nth_from_right(headers, &FORWARDED_PROTO, place));
    said.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// The nth value from the right, over all lines of a header; there is no zeroth.
fn nth_from_right(headers: &HeaderMap, name: &HeaderName, n: usize) -> Option<String> {
    // Bytes that are no text are the client's, and must not hide what a proxy wrote behind them.
    let lines: Vec<_> = headers.get_all(name).map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let values: Vec<_> = lines.iter().flat_map(|line| line.split(',')).map(str::trim).collect();
    let place = values.len().checked_sub(n).filter(|_| n > 0)?;
    values.get(place).map(|value| (*value).to_owned())
}

/// An address as proxies write it: alone, in brackets, or with a port.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn address(proxies: usize, lines: &[&str]) -> String {
        let mut req = TestRequest::get().peer_addr("192.0.2.9:1234".parse().unwrap());
        for line in lines {
            req = req.append_header(("X-Forwarded-For", *line));
        }
        ClientAddress::of(&req.to_srv_request(), proxies).0.unwrap().to_string()
    }

    #[test]
    fn without_proxies_the_header_means_nothing() {
        assert_eq!(address(0, &["203.0.113.1"]), "192.0.2.9");
        assert_eq!(address(0, &[]), "192.0.2.9");
    }

    #[test]
    fn each_proxy_vouches_for_one_address() {
        let lines = &["198.51.100.7, 203.0.113.1", "10.0.0.1"];
        assert_eq!(address(1, lines), "10.0.0.1");
        assert_eq!(address(2, lines), "203.0.113.1");
        assert_eq!(address(3, lines), "198.51.100.7");
        assert_eq!(address(4, lines), "192.0.2.9");
        assert_eq!(address(1, &[]), "192.0.2.9");
        assert_eq!(address(1, &["203.0.113.1, unknown"]), "192.0.2.9");
        assert_eq!(address(1, &["203.0.113.1,"]), "192.0.2.9");
        assert_eq!(address(1, &["\u{e4}\u{f6}, 203.0.113.1"]), "203.0.113.1");
    }

    #[test]
    fn ports_and_brackets_are_left_out_and_ipv6_is_cut() {
        assert_eq!(address(1, &["203.0.113.1:4711"]), "203.0.113.1");
        assert_eq!(address(1, &["[2001:db8:1:2:3:4:5:6]:4711"]), "2001:db8:1:2::");
        assert_eq!(address(1, &["[2001:db8:1:2:3:4:5:6]"]), "2001:db8:1:2::");
        assert_eq!(address(1, &["2001:db8:1:2:ffff::1"]), "2001:db8:1:2::");
        assert_eq!(address(1, &["::ffff:203.0.113.1"]), "203.0.113.1");
    }

    #[test]
    fn tls_is_what_the_outermost_proxy_says() {
        let over_tls = |proxies, value: &'static str| {
            over_tls(
                TestRequest::get().insert_header(("X-Forwarded-Proto", value)).to_http_request().headers(),
                proxies,
            )
        };
        assert!(!over_tls(0, "https"));
        assert!(over_tls(1, "https") && over_tls(2, "HTTPS") && over_tls(2, "https, http"));
        assert!(!over_tls(1, "http") && !over_tls(1, "https, http") && !over_tls(1, ""));
    }
}
