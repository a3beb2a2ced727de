//! Entity tags: which state of a thing an answer shows (RFC 9110, 8.8.3 and 13.1.2).

use actix_web::HttpMessage;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, EntityTag, HeaderMap, HeaderValue, IfNoneMatch, LINK, LOCATION,
};
use actix_web::http::{Method, StatusCode};
use serde::Serialize;
use twox_hash::XxHash3_128;
use uuid::Uuid;

/// The tag of what [`actix_web::HttpResponse`] answers with this as its JSON body.
pub fn etag_of<T: Serialize>(body: &T) -> String {
    quoted(XxHash3_128::oneshot(&serde_json::to_vec(body).unwrap_or_default()))
}

/// Nobody gains by two bodies of one tag but who made both: a fast hash does, it need not be a cryptographic one.
fn quoted(hash: u128) -> String {
    // Which writes 128 bits as digits in less time than `{:032x}` does.
    ["\"", Uuid::from_u128(hash).simple().encode_lower(&mut Uuid::encode_buffer()), "\""].concat()
}

/// Tags an answer that shows a thing, and leaves the body out where the client has it already. `method` is the
/// client's own: a HEAD has become a GET within.
pub fn tag(method: &Method, res: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let read = matches!(*method, Method::GET | Method::HEAD);
    let shows = match res.status() {
        // What a PUT has left is not what was sent, so its answer may have no tag (RFC 9110, 9.3.4).
        StatusCode::OK => read || *method == Method::PATCH,
        // What has no place cannot be read again: there is nothing to compare the tag with.
        StatusCode::CREATED => res.headers().contains_key(LOCATION),
        _ => false,
    };
    if !shows || crate::edge::is_not_kept(res.headers()) {
        return res;
    }
    let had = if read { res.request().get_header::<IfNoneMatch>() } else { None };
    res.map_body(|head, body| {
        // One that is streamed is not all there.
        let bytes = match body.try_into_bytes() {
            Ok(bytes) => bytes,
            Err(body) => return body,
        };
        let tag = quoted(hash(&bytes, &head.headers));
        let known = match had {
            Some(IfNoneMatch::Any) => true,
            Some(IfNoneMatch::Items(tags)) => {
                let own = EntityTag::new_strong(tag.trim_matches('"').to_owned());
                tags.iter().any(|tag| tag.weak_eq(&own))
            }
            None => false,
        };
        if let Ok(tag) = HeaderValue::try_from(tag) {
            head.headers.insert(ETAG, tag);
        }
        if !known {
            return BoxBody::new(bytes);
        }
        head.headers.remove(CONTENT_TYPE);
        head.headers.remove(CONTENT_LENGTH);
        head.status = StatusCode::NOT_MODIFIED;
        BoxBody::new(())
    })
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
