//! Which pages of other origins may read answers (CORS): those on the list, and none by default.

use crate::auth::STORE_HEADER;
use crate::edge::REQUEST_ID;
use crate::limits::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::once::{KEY_HEADER, REPLAYED_HEADER};
use actix_cors::Cors;
use actix_web::http::Uri;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
};

/// How long a browser may keep the answer to its preflight: what Chromium keeps at most.
const MAX_AGE: usize = 7200;

/// Exact origins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Reads origins between commas, each as a browser writes it in `Origin`: anything else would never match.
    pub fn parse(text: &str) -> Result<Self, String> {
        let all = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        all.map(origin).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn origin(text: &str) -> Result<String, String> {
    let exact = |uri: Uri| {
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let default_port = matches!((scheme, uri.port_u16()), ("http", Some(80)) | ("https", Some(443)));
        let plain = matches!(scheme, "http" | "https") && !default_port && !text.contains(['*', '@']);
        let lower = text.bytes().all(|b| !b.is_ascii_uppercase());
        (plain && lower && format!("{scheme}://{authority}") == text).then(|| text.to_owned())
    };
    text.parse().ok().and_then(exact).ok_or_else(|| {
        format!(
            "{text:?} is no origin: write each as the browser does, like https://shop.example or \
             http://localhost:3000, in small letters, without a path, a default port or a wildcard"
        )
    })
}

/// The layer that answers preflights and marks answers. No credentials: nothing here goes by cookies.
pub fn layer(origins: &Origins) -> Cors {
    let cors = origins.0.iter().fold(Cors::default(), |cors, origin| cors.allowed_origin(origin));
    cors.allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            AUTHORIZATION.as_str(),
            CONTENT_TYPE.as_str(),
            IF_MATCH.as_str(),
            IF_NONE_MATCH.as_str(),
            KEY_HEADER,
            REQUEST_ID.as_str(),
            STORE_HEADER,
        ])
        .expose_headers([
            ETAG.as_str(),
            LINK.as_str(),
            LOCATION.as_str(),
            RATE_LIMIT.as_str(),
            RATE_LIMIT_POLICY.as_str(),
            RETRY_AFTER.as_str(),
            REPLAYED_HEADER,
            REQUEST_ID.as_str(),
        ])
        .max_age(MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for bad in [
            "*",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/path",
            "https://*.shop.example",
            "https://shop.example:443",
            "HTTPS://shop.example",
            "https://Shop.example",
            "ftp://shop.example",
            "https://me@shop.example",
            "https://shop.example https://other.example",
        ] {
            assert!(Origins::parse(bad).is_err(), "{bad}");
            assert!(Origins::parse(&format!("https://good.example,{bad}")).is_err(), "{bad}");
        }
        assert_eq!(Origins::parse(" "), Ok(Origins::default()));
        let two = Origins::parse("https://shop.example, http://localhost:3000").unwrap();
        assert_eq!(two.0, ["https://shop.example", "http://localhost:3000"]);
    }
}
