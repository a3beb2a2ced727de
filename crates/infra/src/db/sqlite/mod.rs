//! SQLite: an embedded file. Reads on a pool of connections, writes on one thread that shares commits.

pub(super) mod dialect;
#[path = "../portable/tables.rs"]
pub(super) mod portable;
#[path = "../repos/mod.rs"]
mod repos;
mod store;

pub(crate) use store::connect;
pub(super) use store::existing;
pub use store::{SqliteOptions, SqliteStore, Synchronous};
