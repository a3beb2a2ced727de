//! What every entrance to Haat shares: the way from a caller into a transaction, and whatever is more than one
//! transaction, because a password is hashed in between.
//!
//! No web and no database: an entrance brings the request, an adapter the [`Store`](haat_domain::ports::Store).
//!
//! | room | what is in it |
//! |---|---|
//! | [`App`] | ports, and what is done as a [`Caller`] |
//! | [`hashing`] | the queue in which passwords wait for their hash |
//! | [`once`] | the requests with an idempotency key that are being answered |
//! | [`people`] | accounts to be, and new passwords |
//! | [`sessions`] | logging in, and changing the own password |
//! | [`vitals`] | what was done and how long it took, in numbers |
//! | [`standby`] | a copy of the database that answers listings |

mod app;
mod caller;
pub mod hashing;
pub mod once;
pub mod people;
pub mod sessions;
pub mod standby;
mod unit;
pub mod vitals;

pub use app::{App, Patience};
pub use caller::{Caller, Shown, Verified};

/// The target of spans that are made for traces, and not for the log.
pub const TRACES: &str = "haat::traces";
