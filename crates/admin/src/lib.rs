//! Haat's admin panel: server-rendered pages over the same use cases and the same policy as the REST API.
//!
//! It works without JavaScript, asks no other server for anything, and never comes near the database: a page is a
//! [`Desk`](desk::Desk), which knows who sits there, and a use case of the domain that is run as them.
//!
//! | room | what is in it |
//! |---|---|
//! | `routes` | every page, and what it asks of the policy |
//! | `desk`, `session`, `form`, `kept` | who is looking, with which cookies, and what they send |
//! | `page`, `ui`, `show`, `chart` | how everything looks |
//! | `failure` | pages for what went wrong |
//! | the rest | one file per area |

mod account;
mod assets;
mod audit;
mod chart;
mod customers;
mod dashboard;
pub mod desk;
mod door;
pub mod failure;
mod flash;
mod form;
mod invitations;
mod kept;
mod orders;
mod page;
mod platform;
mod products;
pub mod routes;
mod session;
mod show;
mod store;
mod ui;
mod users;

pub use page::HTML;
pub use products::Turns;
pub use routes::{POLICY, Page, Rule, mount, pages};
pub use session::shown_token;

use actix_web::dev::ServiceRequest;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Where the panel is, and what it is allowed.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Its path, without a slash at the end: `/admin`.
    pub base: String,
    /// How long reading a form may take.
    pub body_time: Duration,
    /// The largest file that can be imported, in bytes.
    pub import_limit: usize,
    /// Who is importing one.
    pub imports: Turns,
}

impl Panel {
    /// Whether a request is for the panel: by its path as the router reads it, in which `%61` is a letter.
    pub fn serves(&self, req: &ServiceRequest) -> bool {
        self.has(req.match_info().get_ref().path())
    }

    fn has(&self, path: &str) -> bool {
        path.strip_prefix(self.base.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }

    /// A path of the panel as links have it.
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// What the program knows of a request beside what the client wrote: an extension of it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Its number.
    pub request: Arc<str>,
    /// Where it comes from.
    pub address: Option<IpAddr>,
    /// Whether the client speaks TLS.
    pub tls: bool,
}

/// Reads where the panel shall be: a path of one or more parts, like `/admin`, or `off`.
pub fn parse_path(text: &str) -> Result<Option<String>, String> {
    if text == "off" {
        return Ok(None);
    }
    let path = text.trim_end_matches('/');
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let parts = path.strip_prefix('/').map(|parts| parts.split('/').collect::<Vec<_>>()).unwrap_or_default();
    let taken = ["api", "healthz", "readyz", "metrics"];
    let good =
        parts.iter().all(|part| plain(part)) && parts.first().is_some_and(|part| !taken.contains(part));
    if good {
        Ok(Some(path.to_owned()))
    } else {
        Err("must be \"off\", or a path of letters, digits, - and _, like /admin, that is not the API's"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_of_the_panel_if_it_begins_with_its_own() {
        let panel = Panel {
            base: "/admin".to_owned(),
            body_time: Duration::ZERO,
            import_limit: 0,
            imports: Turns::default(),
        };
        assert!(panel.has("/admin/") && panel.has("/admin/products/"));
        assert!(!panel.has("/admin") && !panel.has("/administration/") && !panel.has("/api/"));
    }

    #[test]
    fn the_panel_can_be_moved_and_switched_off() {
        assert_eq!(parse_path("/admin/"), Ok(Some("/admin".to_owned())));
        assert_eq!(parse_path("/back/office"), Ok(Some("/back/office".to_owned())));
        assert_eq!(parse_path("off"), Ok(None));
        for wrong in ["", "/", "admin", "/api", "/api/x", "/a//b", "/a b", "/{a}", "/metrics"] {
            assert!(parse_path(wrong).is_err(), "{wrong}");
        }
    }
}
