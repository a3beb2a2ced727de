//! SQLite: an embedded file. Reads on a pool of connections, writes on one thread that shares commits.

mod backup;
mod batches;
mod checkpoints;
pub(super) mod dialect;
#[path = "../portable/tables.rs"]
pub(super) mod portable;
#[path = "../repos/mod.rs"]
mod repos;
mod store;

pub use backup::{Held, copy_database, hold_database, verify_database};
pub(crate) use store::connect;
pub(super) use store::existing;
pub use store::{SqliteOptions, SqliteStore, Synchronous};
