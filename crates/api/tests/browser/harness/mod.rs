//! A browser, a server, and how the one is led through the other.

mod browser;
mod driver;
mod logs;
mod server;
mod visit;

pub(crate) use browser::{Browser, Wish};
pub(crate) use server::{Haat, password};
pub(crate) use visit::{Seat, visits};
