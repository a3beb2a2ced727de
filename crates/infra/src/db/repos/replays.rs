use super::super::dialect::{Conn, Db, is_lock_timeout, store_error};
use super::{Session, one_row};
use crate::db::rows::KeptRow;
use crate::db::schema::idempotency_keys;
use crate::db::types::DbInstant;
use diesel::prelude::*;
use haat_domain::error::{Conflict, Error, Result};
use haat_domain::idempotency::{Answer, Claim as Wanted, IdempotencyKey, Kept};
use haat_domain::ids::UserId;
use haat_domain::ports::Replays;
use haat_domain::time::Timestamp;

// Waits for whoever is about to claim the same key, and claims it anew where it is out of date.
statement! {
    Claim { tenant: i64, user: i64, key: String, fingerprint: String, now: DbInstant, stale: DbInstant } =
        "INSERT INTO idempotency_keys (tenant_id, user_id, idempotency_key, fingerprint, claimed_at) VALUES ("
        tenant ", " user ", " key ", " fingerprint ", " now ")"
        " ON CONFLICT (tenant_id, user_id, idempotency_key) DO UPDATE SET fingerprint = excluded.fingerprint,"
        " claimed_at = excluded.claimed_at, status = NULL, location = NULL, body = NULL"
        " WHERE idempotency_keys.claimed_at <= " stale
}

// A few at a time: it is done inside a login.
statement! {
    Forget { tenant: i64, stale: DbInstant } =
        "DELETE FROM idempotency_keys WHERE " mine " AND (user_id, idempotency_key) IN ("
        "SELECT user_id, idempotency_key FROM idempotency_keys WHERE " mine " AND claimed_at <= " stale
        " ORDER BY claimed_at LIMIT 100" skip_locked ")"
}

impl Replays for Session<'_> {
    fn claim(
        &mut self,
        user: UserId,
        wanted: &Wanted,
        now: Timestamp,
        stale: Timestamp,
    ) -> Result<Option<Kept>> {
        let claim = Claim {
            tenant: self.here(),
            user: user.get(),
            key: wanted.key.as_str().to_owned(),
            fingerprint: wanted.fingerprint.clone(),
            now: DbInstant(now),
            stale: DbInstant(stale),
        };
        let claimed = claim.execute(self.conn).map_err(|error| {
            if is_lock_timeout(&error) { Error::Conflict(Conflict::InFlight) } else { store_error(error) }
        })?;
        if claimed == 1 {
            return Ok(None);
        }
        let kept = idempotency_keys::table
            .filter(mine!(idempotency_keys, self.here()))
            .filter(idempotency_keys::user_id.eq(user.get()))
            .filter(idempotency_keys::idempotency_key.eq(wanted.key.as_str()))
            .select(KeptRow::as_select())
            .get_result(self.conn)
            .map_err(store_error)?;
        Kept::try_from(kept).map(Some)
    }

    fn keep(&mut self, user: UserId, key: &IdempotencyKey, answer: &Answer) -> Result<()> {
        diesel::update(
            idempotency_keys::table
                .filter(mine!(idempotency_keys, self.here()))
                .filter(idempotency_keys::user_id.eq(user.get()))
                .filter(idempotency_keys::idempotency_key.eq(key.as_str())),
        )
        .set((
            idempotency_keys::status.eq(i64::from(answer.status)),
            idempotency_keys::location.eq(&answer.location),
            idempotency_keys::body.eq(&answer.body),
        ))
        .execute(self.conn)
        .map_err(store_error)
        .and_then(one_row)
    }

    fn forget(&mut self, stale: Timestamp) -> Result<()> {
        Forget { tenant: self.here(), stale: DbInstant(stale) }
            .execute(self.conn)
            .map(drop)
            .map_err(store_error)
    }
}
