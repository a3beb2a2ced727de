//! The admin panel as a browser gets it, but without one: what it answers to whom, with which headers and cookies.
//!
//! Every answer is looked at by [`Visitor`](visitor::Visitor), whatever the case is about: see
//! [`decent`](visitor::decent). What needs a browser is in `tests/browser`.

mod cookies;
mod dashboard;
mod door;
mod empty;
mod failures;
mod forged;
mod forms;
mod goods;
mod html;
mod lists;
mod orders;
mod people;
mod places;
mod platform;
mod sessions;
mod visitor;
mod walls;
