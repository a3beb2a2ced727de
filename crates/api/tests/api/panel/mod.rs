//! The admin panel as a browser gets it, but without one: what it answers to whom, with which headers and cookies.
//!
//! Every answer is looked at by [`Visitor`](visitor::Visitor), whatever the case is about: see
//! [`decent`](visitor::decent). What needs a browser is in `tests/browser`.

mod cookies;
mod door;
mod failures;
mod forged;
mod forms;
mod html;
mod places;
mod sessions;
mod visitor;
mod walls;
