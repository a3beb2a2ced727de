//! Requests that may be sent again: the first answer is kept with the effect, and given once more
//! (draft-ietf-httpapi-idempotency-key-header).

use crate::authz::Action;
use crate::cx::Cx;
use crate::error::{AuthFailure, Conflict, Error, Result, Violation};
use crate::time::Timestamp;

/// A key is remembered for so many seconds.
pub const KEPT_SECONDS: i64 = 24 * 60 * 60;

/// A client's name for one request, however often it is sent: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A key within its bounds.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Violation::new("must have 1 to 255 visible ASCII characters"))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A request that wants to happen once.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its name.
    pub key: IdempotencyKey,
    /// A digest of all that it asks for: another request under the same name is a mistake.
    pub fingerprint: String,
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Where the new thing is.
    pub location: Option<String>,
    /// The body.
    pub body: String,
}

/// What a store has kept under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The digest of the request.
    pub fingerprint: String,
    /// Its answer; `None` while it is being made.
    pub answer: Option<Answer>,
}

/// An answer, and whether it is an old one.
#[derive(Debug, Clone)]
pub struct Once {
    /// The answer.
    pub answer: Answer,
    /// It was given before, and nothing has happened this time.
    pub replayed: bool,
}

/// Does something once. The key, the effect and the answer commit together or not at all: who fails has claimed
/// nothing, and may try again. The caller is known and permitted before anything is replayed.
///
/// `work` gives the answer twice: as it is given now, and as it is kept, which is without any secret.
pub fn once(
    cx: &mut Cx<'_>,
    action: Action,
    claim: Option<Claim>,
    work: impl FnOnce(&mut Cx<'_>) -> Result<(Answer, Answer)>,
) -> Result<Once> {
    let Some(claim) = claim else {
        let (answer, _) = work(cx)?;
        return Ok(Once { answer, replayed: false });
    };
    let user = cx.known()?.user().ok_or(Error::Unauthenticated(AuthFailure::Missing))?;
    let shop = cx.enter(action)?;
    match shop.tx.replays().claim(user, &claim, shop.now, stale(shop.now))? {
        Some(kept) if kept.fingerprint != claim.fingerprint => Err(Error::KeyReused),
        Some(Kept { answer: Some(answer), .. }) => Ok(Once { answer, replayed: true }),
        Some(Kept { answer: None, .. }) => Err(Error::Conflict(Conflict::InFlight)),
        None => {
            let (answer, kept) = work(cx)?;
            cx.enter(action)?.tx.replays().keep(user, &claim.key, &kept)?;
            Ok(Once { answer, replayed: false })
        }
    }
}

/// When what was claimed by then is forgotten.
pub(crate) fn stale(now: Timestamp) -> Timestamp {
    now.plus_seconds(-KEPT_SECONDS)
}
