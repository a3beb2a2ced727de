//! Swagger UI and the admin panel in a real browser: Debian's Chromium, driven by chromedriver.
//!
//! Every test has a server, a database and a browser of its own; the driver is one for all.
#![deny(dead_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says where"
)]

mod access;
mod door;
mod files;
mod focus;
mod hands;
mod harness;
mod hostile;
mod orders;
mod plain;
mod screenshots;
mod strangers;
mod swagger;
mod walk;
