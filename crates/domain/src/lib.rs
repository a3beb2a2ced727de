//! The pure core of Haat: what a store is, who may do what, what things cost, and what each use case does.
//!
//! No IO, no async, no clock, no randomness, no database, no web. A program that embeds this crate brings a
//! [`Store`](ports::Store) (or takes [`haat-infra`'s](https://haat.dev)) and calls the use cases, which are
//! functions of a [`Cx`](cx::Cx): one open transaction, who is acting in it, and what time it is.
//!
//! ```
//! use haat_domain::{catalog::*, page::*, ports::Store, testing::*};
//!
//! let store = MemoryStore::default();
//! let shop = store.open_shop("DreamKart", "INR");
//! let lamp = shop.act(Role::Owner, |cx| create_product(cx, details("Desk lamp", "1299.00", Some(5)))).unwrap();
//! let request = PageRequest { limit: Limit::default(), sort: Sort { by: ProductKey::Id, descending: false }, cursor: None };
//! let seen = shop.act(Role::Customer, move |cx| list_products(cx, ProductFilter::default(), &request)).unwrap();
//! assert_eq!(seen.items, [lamp]);
//! # use haat_domain::authz::Role;
//! ```
//!
//! | room | what is in it |
//! |---|---|
//! | [`authz`] | actors, actions, the policy table, scopes |
//! | [`tenancy`], [`identity`], [`catalog`], [`orders`], [`audit`], [`reports`], [`idempotency`] | types and use cases, by area |
//! | [`money`], [`pricing`], [`page`], [`text`], [`time`], [`ids`], [`error`] | what they are made of |
//! | [`ports`], [`cx`] | what the domain needs from the world, and how a use case gets it |
//! | [`standby`] | what a copy of the database may answer |

pub mod audit;
pub mod authz;
pub mod catalog;
pub mod cx;
pub mod error;
pub mod idempotency;
pub mod identity;
pub mod ids;
pub mod money;
pub mod orders;
pub mod page;
pub mod ports;
pub mod pricing;
pub mod reports;
pub mod standby;
pub mod tenancy;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod time;
