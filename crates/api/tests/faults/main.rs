//! What is broken on purpose: the program is killed, the database is killed, its disk is full, its connections are
//! taken, the network cuts, delays and swallows. Meanwhile buyers order and cancel, and note what they were told
//! (`load`, `history`); afterwards what is there is held against it (`checker`).

#![deny(dead_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it saw, and its helpers are part of it"
)]

mod chaos;
mod checker;
mod checker_itself;
mod client;
mod full_disk;
mod history;
mod hung_standby;
mod killed_database;
mod killed_program;
mod load;
mod market;
mod network;
mod program;
mod proxy;
mod reads;
mod replicas;
mod server;
mod sessions;
mod standby;
