//! SQLite: an embedded file. Reads on a pool of connections, writes on one thread that shares commits.

pub(super) mod dialect;
#[path = "../repos/mod.rs"]
mod repos;
mod store;

pub(crate) use store::connect;
pub use store::{SqliteOptions, SqliteStore, Synchronous};
