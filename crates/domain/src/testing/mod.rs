//! For tests: an in-memory [`Store`](crate::ports::Store), a clock that stands still, and builders that set a scene
//! on any store through the real use cases.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a scene that cannot be set is a failed test, told at the spot"
)]

mod builders;
mod clock;
mod memory;
mod shop;

pub use builders::{
    changes, details, details_in, email, enlist, first_page, hash, line, order_of, page_of, quantity, search,
    store_name, user, username, walk,
};
pub use clock::FixedClock;
pub use memory::MemoryStore;
pub use shop::{Member, TestPlatform, TestShop, act_as};
