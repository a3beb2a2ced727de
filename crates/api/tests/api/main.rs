//! The API as its clients see it: the production server on a real socket, on a database of each test's own.
//!
//! A case is a function of a [`World`], named in its file's [`cases!`], and runs on each engine:
//! `cargo test -p haat-api --test api postgres`.

#![deny(dead_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case is a test's body, and its helpers are part of it"
)]

/// Instantiates the named cases of a file for each engine.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[test]
            fn $name() {
                crate::support::on(haat_infra::testing::Engine::Sqlite, super::$name);
            }
        )+}

        mod postgres {$(
            #[test]
            fn $name() {
                crate::support::on(haat_infra::testing::Engine::Postgres, super::$name);
            }
        )+}
    };
}

mod answer;
mod attacks;
mod concurrency;
mod contract;
mod edge;
mod golden;
mod keys;
mod overload;
mod panel;
mod passwords;
mod process;
mod promises;
mod sessions;
mod stopping;
mod support;
#[cfg(feature = "otlp")]
mod traces;
mod walls;
