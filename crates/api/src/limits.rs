//! Limits on how much one address, one user and one store may ask for: token buckets, per process.
//!
//! They come before the body is read and before the database is asked, so that what is refused costs next to nothing.

use crate::address::ClientAddress;
use crate::auth::bearer;
use crate::edge::Edge;
use crate::input::turn_away;
use crate::problem::ApiError;
use crate::wall;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, ResponseError};
use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use haat_admin::Panel;
use haat_app::{App, Verified};
use haat_domain::identity::Credential;
use haat_domain::ids::{TenantId, UserId};
use std::borrow::Cow;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// The policies that applied (draft-ietf-httpapi-ratelimit-headers).
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left under the tightest of them.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// A bucket's size, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests that come back each second.
    pub per_second: NonZeroU32,
    /// Requests that a full bucket holds.
    pub burst: NonZeroU32,
}

/// A limit as a setting has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// There is none.
    Off,
    /// There is this one.
    At(Rate),
}

impl Limit {
    /// Reads `RATE/BURST` or `off`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let number = |text: &str| text.parse::<NonZeroU32>().ok().filter(|number| number.get() <= 1_000_000);
        let numbers = text.split_once('/').and_then(|(rate, burst)| Some((number(rate)?, number(burst)?)));
        let (per_second, burst) = numbers.ok_or(
            "must be \"off\", or requests per second and bucket size from 1 to 1000000, like 100/400",
        )?;
        Ok(Self::At(Rate { per_second, burst }))
    }
}

/// The buckets of this process.
pub struct Limits {
    address: Option<Buckets<IpAddr>>,
    user: Option<Buckets<(TenantId, UserId)>>,
    tenant: Option<Buckets<TenantId>>,
    asked: AtomicU32,
}

/// So many requests are counted before full buckets, which are as good as none, are thrown away.
const SWEEP_EVERY: u32 = 4096;

impl Limits {
    /// Full buckets for everybody.
    pub fn new(address: Limit, user: Limit, tenant: Limit) -> Self {
        Self {
            address: Buckets::new("address", address),
            user: Buckets::new("user", user),
            tenant: Buckets::new("tenant", tenant),
            asked: AtomicU32::new(0),
        }
    }

    /// Takes a token from the address's bucket. This comes before anything is verified: what is refused here costs
    /// next to nothing.
    fn take_address(&self, address: Option<IpAddr>) -> Standing {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.sweep();
        }
        let mut standing = Standing::default();
        standing.note(self.address.as_ref().zip(address).map(|(buckets, address)| buckets.take(&address)));
        standing
    }

    /// Takes a token from the buckets of user and store. An empty one is the last that is asked: a user's flood does
    /// not use up what the store's others have.
    fn take_who(&self, who: &Credential, standing: &mut Standing) {
        standing.note_next(|| self.user.as_ref().map(|buckets| buckets.take(&(who.tenant, who.user))));
        standing.note_next(|| self.tenant.as_ref().map(|buckets| buckets.take(&who.tenant)));
    }

    fn sweep(&self) {
        self.address.as_ref().map(Buckets::sweep);
        self.user.as_ref().map(Buckets::sweep);
        self.tenant.as_ref().map(Buckets::sweep);
    }
}

/// One bucket for each key.
struct Buckets<K: Hash + Eq + Clone> {
    name: &'static str,
    rate: Rate,
    limiter: DefaultKeyedRateLimiter<K, StateInformationMiddleware>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(name: &'static str, limit: Limit) -> Option<Self> {
        let Limit::At(rate) = limit else { return None };
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        let limiter = RateLimiter::keyed(quota).with_middleware();
        Some(Self { name, rate, limiter })
    }

    fn take(&self, key: &K) -> Taken {
        let (name, rate) = (self.name, self.rate);
        match self.limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let missing = rate.burst.get().saturating_sub(remaining);
                Taken {
                    name,
                    rate,
                    remaining,
                    seconds: missing.div_ceil(rate.per_second.get()),
                    empty: false,
                }
            }
            Err(refusal) => {
                let wait = refusal.wait_time_from(self.limiter.clock().now());
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).max(1);
                Taken { name, rate, remaining: 0, seconds, empty: true }
            }
        }
    }

    fn sweep(&self) {
        self.limiter.retain_recent();
    }
}

/// A bucket after a request.
struct Taken {
    name: &'static str,
    rate: Rate,
    remaining: u32,
    /// Until it is full, or, if it was empty, until it holds a token again.
    seconds: u32,
    empty: bool,
}

/// The buckets that a request was about.
#[derive(Default)]
struct Standing(Vec<Taken>);

impl Standing {
    fn note(&mut self, taken: Option<Taken>) {
        self.0.extend(taken);
    }

    fn note_next(&mut self, take: impl FnOnce() -> Option<Taken>) {
        if self.refusal().is_none() {
            self.note(take());
        }
    }

    fn refusal(&self) -> Option<ApiError> {
        let empty = self.0.iter().find(|taken| taken.empty)?;
        Some(ApiError::Limited { policy: empty.name, retry_after: empty.seconds })
    }

    /// `RateLimit-Policy` and `RateLimit`, as structured fields.
    fn headers(&self) -> Option<(HeaderValue, HeaderValue)> {
        let tightest = self.0.iter().min_by_key(|taken| taken.remaining)?;
        let policies: Vec<_> = self.0.iter().map(Taken::policy).collect();
        let left = format!("\"{}\";r={};t={}", tightest.name, tightest.remaining, tightest.seconds);
        Some((HeaderValue::from_str(&policies.join(", ")).ok()?, HeaderValue::from_str(&left).ok()?))
    }
}

impl Taken {
    fn policy(&self) -> String {
        let (quota, rate) = (self.rate.burst.get(), self.rate.per_second.get());
        format!("\"{}\";q={quota};w={}", self.name, quota.div_ceil(rate))
    }
}

/// The access token that a request shows: in a header, or, to the admin panel, in its cookie.
fn shown_token(req: &ServiceRequest) -> Option<Cow<'_, str>> {
    let panel = req.app_data::<Data<Panel>>();
    match panel.filter(|panel| panel.serves(req)) {
        Some(_) => haat_admin::shown_token(req.request()).map(Cow::Owned),
        None => bearer(req.headers()).map(Cow::Borrowed),
    }
}

/// The layer around the handlers: finds out who is asking, and whether they have asked too much.
pub async fn limit(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (Some(app), Some(limits)) = (req.app_data::<Data<App>>(), req.app_data::<Data<Limits>>()) else {
        return Ok(next.call(req).await?.map_into_boxed_body());
    };
    // Whoever watches the server must not be locked out by what he watches for.
    if wall::is_watching(req.path()) {
        return Ok(next.call(req).await?.map_into_boxed_body());
    }
    let address = req.extensions().get::<ClientAddress>().and_then(|ClientAddress(address)| *address);
    let mut standing = limits.take_address(address);
    if standing.refusal().is_none() {
        let token = shown_token(&req);
        let verified = token.and_then(|token| Verified::of(&token, app.tokens.as_ref(), app.clock.as_ref()));
        // A token that does not count is nobody's.
        if let Some(Verified(Ok(who))) = &verified {
            limits.take_who(who, &mut standing);
        }
        if let Some(verified) = verified {
            req.extensions_mut().insert(verified);
        }
    }
    let mut res = match standing.refusal() {
        Some(refusal) => {
            if let (Some(edge), ApiError::Limited { policy, .. }) = (req.app_data::<Data<Edge>>(), &refusal) {
                edge.metrics.limited(policy);
            }
            turn_away(req, refusal.error_response()).await
        }
        None => next.call(req).await?.map_into_boxed_body(),
    };
    if let Some((policy, left)) = standing.headers() {
        res.headers_mut().insert(RATE_LIMIT_POLICY, policy);
        res.headers_mut().insert(RATE_LIMIT, left);
    }
    Ok(res)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(address: &str) -> Limits {
        Limits::new(Limit::parse(address).unwrap(), Limit::Off, Limit::Off)
    }

    #[test]
    fn a_limit_is_a_rate_and_a_burst_or_off() {
        for text in ["", "5", "/", "0/5", "5/0", "-1/5", "1/2/3", "1.5/3", "Off", "1/1000001"] {
            assert!(Limit::parse(text).is_err(), "{text}");
        }
        assert_eq!(Limit::parse("off"), Ok(Limit::Off));
        assert!(matches!(Limit::parse("100/400"), Ok(Limit::At(rate)) if rate.burst.get() == 400));
    }

    #[test]
    fn a_bucket_says_what_is_left_and_when_there_is_more() {
        let (limits, address) = (limits("1/3"), "192.0.2.1".parse().ok());
        let header = |standing: &Standing| standing.headers().unwrap().1.to_str().unwrap().to_owned();
        assert_eq!(header(&limits.take_address(address)), "\"address\";r=2;t=1");
        assert_eq!(header(&limits.take_address(address)), "\"address\";r=1;t=2");
        assert_eq!(header(&limits.take_address(address)), "\"address\";r=0;t=3");
        let refused = limits.take_address(address);
        assert_eq!(header(&refused), "\"address\";r=0;t=1");
        assert!(matches!(refused.refusal(), Some(ApiError::Limited { policy: "address", retry_after: 1 })));
        assert_eq!(refused.headers().unwrap().0, "\"address\";q=3;w=3");
        assert!(limits.take_address("192.0.2.2".parse().ok()).refusal().is_none());
    }

    #[test]
    fn a_flood_of_addresses_does_not_fill_the_memory() {
        let limits = limits("1000000/1000000");
        for address in 0..50_000_u32 {
            limits.take_address(Some(IpAddr::V4(address.into())));
        }
        let kept = limits.address.as_ref().unwrap().limiter.len();
        assert!(kept <= 2 * usize::try_from(SWEEP_EVERY).unwrap(), "{kept}");
    }
}
