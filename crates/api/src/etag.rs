//! Entity tags: which state of a thing an answer shows (RFC 9110, 8.8.3 and 13.1.2).

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, EntityTag, HeaderMap, HeaderValue, IfNoneMatch, LINK, LOCATION,
};
use actix_web::http::{Method, StatusCode};
use serde::Serialize;
use twox_hash::XxHash3_128;

/// The tag of what [`actix_web::HttpResponse`] answers with this as its JSON body.
pub fn etag_of<T: Serialize>(body: &T) -> String {
    quoted(XxHash3_128::oneshot(&serde_json::to_vec(body).unwrap_or_default()))
}

/// Nobody gains by two bodies of one tag but who made both: a fast hash does, it need not be a cryptographic one.
fn quoted(hash: u128) -> String {
    format!("\"{hash:032x}\"")
}

/// Tags an answer that shows a thing, and leaves the body out where the client has it already. `method` is the
/// client's own: a HEAD has become a GET within.
pub fn tag(method: &Method, res: &mut ServiceResponse<BoxBody>) {
    let read = matches!(*method, Method::GET | Method::HEAD);
    let shows = match res.status() {
        // What a PUT has left is not what was sent, so its answer may have no tag (RFC 9110, 9.3.4).
        StatusCode::OK => read || *method == Method::PATCH,
        // What has no place cannot be read again: there is nothing to compare the tag with.
        StatusCode::CREATED => res.headers().contains_key(LOCATION),
        _ => false,
    };
    if !shows || crate::edge::is_not_kept(res.headers()) {
        return;
    }
    let Some(bytes) = body_of(res) else { return };
    let tag = quoted(hash(&bytes, res.headers()));
    let Ok(value) = HeaderValue::from_str(&tag) else { return };
    let known = read
        && match res.request().get_header::<IfNoneMatch>() {
            Some(IfNoneMatch::Any) => true,
            Some(IfNoneMatch::Items(tags)) => {
                let own = EntityTag::new_strong(tag.trim_matches('"').to_owned());
                tags.iter().any(|tag| tag.weak_eq(&own))
            }
            None => false,
        };
    res.headers_mut().insert(ETAG, value);
    if known {
        res.headers_mut().remove(CONTENT_TYPE);
        res.headers_mut().remove(CONTENT_LENGTH);
        *res.response_mut().status_mut() = StatusCode::NOT_MODIFIED;
        replace_body(res, BoxBody::new(()));
    }
}

/// A page of a list has its `Link` in a header: another next page is another state.
fn hash(bytes: &[u8], headers: &HeaderMap) -> u128 {
    let Some(link) = headers.get(LINK) else { return XxHash3_128::oneshot(bytes) };
    let mut hasher = XxHash3_128::new();
    hasher.write(bytes);
    // No JSON holds it: the end of the body and the beginning of the link are not confused.
    hasher.write(&[0]);
    hasher.write(link.as_bytes());
    hasher.finish_128()
}

/// The bytes of a body that is all there; handlers of this program stream none.
fn body_of(res: &mut ServiceResponse<BoxBody>) -> Option<actix_web::web::Bytes> {
    if matches!(res.response().body().size(), BodySize::Stream) {
        return None;
    }
    let body = replace_body(res, BoxBody::new(()));
    match body.try_into_bytes() {
        Ok(bytes) => {
            replace_body(res, BoxBody::new(bytes.clone()));
            Some(bytes)
        }
        Err(body) => {
            replace_body(res, body);
            None
        }
    }
}

/// Puts another body into an answer; the old one.
pub fn replace_body(res: &mut ServiceResponse<BoxBody>, body: BoxBody) -> BoxBody {
    let status = res.status();
    let answer = std::mem::replace(res.response_mut(), actix_web::HttpResponse::new(status));
    let (head, old) = answer.into_parts();
    *res.response_mut() = head.set_body(body);
    old
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_that_of_the_bytes_and_of_the_next_page() {
        let (mut plain, mut linked) = (HeaderMap::new(), HeaderMap::new());
        linked.insert(LINK, HeaderValue::from_static("</a/?cursor=x>; rel=\"next\""));
        assert_eq!(etag_of(&[1, 2]), quoted(hash(b"[1,2]", &plain)));
        assert_ne!(hash(b"[1,2]", &plain), hash(b"[1,2]", &linked));
        plain.insert(ETAG, HeaderValue::from_static("\"x\""));
        assert_eq!(etag_of(&[1, 2]), quoted(hash(b"[1,2]", &plain)));
        assert_eq!(etag_of(&()).len(), 34);
    }
}
