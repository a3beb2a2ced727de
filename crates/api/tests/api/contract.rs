//! What the HTTP contract promises, area by area.

mod orders;
mod pages;
mod products;
mod protocol;
