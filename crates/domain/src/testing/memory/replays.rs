use super::{MemoryTx, missing_row};
use crate::error::Result;
use crate::idempotency::{Answer, Claim, IdempotencyKey, Kept};
use crate::ids::UserId;
use crate::ports::Replays;
use crate::time::Timestamp;

impl Replays for MemoryTx {
    fn claim(
        &mut self,
        user: UserId,
        claim: &Claim,
        now: Timestamp,
        stale: Timestamp,
    ) -> Result<Option<Kept>> {
        let at = (self.tenant, user, claim.key.as_str().to_owned());
        if let Some((kept, claimed_at)) = self.state.replays.get(&at)
            && *claimed_at > stale
        {
            return Ok(Some(kept.clone()));
        }
        let kept = Kept { fingerprint: claim.fingerprint.clone(), answer: None };
        self.state.replays.insert(at, (kept, now));
        Ok(None)
    }

    fn keep(&mut self, user: UserId, key: &IdempotencyKey, answer: &Answer) -> Result<()> {
        let row = self.state.replays.get_mut(&(self.tenant, user, key.as_str().to_owned()));
        row.ok_or_else(missing_row)?.0.answer = Some(answer.clone());
        Ok(())
    }

    fn forget(&mut self, stale: Timestamp) -> Result<()> {
        let tenant = self.tenant;
        self.state.replays.retain(|(at, ..), (_, claimed_at)| *at != tenant || *claimed_at > stale);
        Ok(())
    }
}
