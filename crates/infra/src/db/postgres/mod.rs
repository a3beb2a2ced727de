//! PostgreSQL: a server. A pool of connections, each transaction inside row-level security.

pub(super) mod dialect;
mod overdue;
mod placing;
#[path = "../portable/tables.rs"]
#[expect(clippy::duplicate_mod, reason = "as the repositories")]
pub(super) mod portable;
#[path = "../repos/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "on purpose: the same source over the other engine's dialect")]
mod repos;
mod store;
mod url;

pub(crate) use store::establish;
pub use store::{PgOptions, PgStore};
pub(super) use store::{connect, connect_standby};
pub(super) use url::may_reach_a_standby;
