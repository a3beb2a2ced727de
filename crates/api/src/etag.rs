//! Entity tags: which state of a thing an answer shows (RFC 9110, 8.8.3 and 13.1.2).

use serde::Serialize;

/// The tag of what [`actix_web::HttpResponse`] answers with this as its JSON body.
pub fn etag_of<T: Serialize>(body: &T) -> String {
    format!("\"{:032x}\"", serde_json::to_vec(body).unwrap_or_default().len())
}
