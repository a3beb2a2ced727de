//! The panel's few files, inside the program. Their addresses hold their digest, so that a browser may keep them.

use crate::Panel;
use crate::failure::Failure;
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Path;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// One of the files.
pub(crate) struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    digest: LazyLock<String>,
}

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        Asset {
            name: $name,
            kind: $kind,
            text: include_str!(concat!("../assets/", $name)),
            digest: LazyLock::new(|| digest(include_str!(concat!("../assets/", $name)))),
        }
    };
}

pub(crate) static STYLE: Asset = asset!("panel.css", "text/css; charset=utf-8");
pub(crate) static SCRIPT: Asset = asset!("panel.js", "text/javascript; charset=utf-8");
pub(crate) static ICON: Asset = asset!("icon.svg", "image/svg+xml");

fn digest(text: &str) -> String {
    format!("{:x}", Sha256::digest(text)).chars().take(16).collect()
}

impl Asset {
    /// Where it is.
    pub(crate) fn address(&self, panel: &Panel) -> String {
        panel.at(&format!("/static/{}/{}", self.digest.as_str(), self.name))
    }
}

/// Hands one out: only under its present digest, so that an old page does not have a new file kept under an old name.
pub(crate) async fn file(path: Path<(String, String)>) -> Result<HttpResponse, Failure> {
    let (digest, name) = path.into_inner();
    let known =
        [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.name == name && *asset.digest == digest);
    let asset = known.ok_or(Failure::NoSuchPage)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.kind))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.text))
}
