//! The `haat` program: reads its arguments and does what they say.

use clap::Parser;
use haat_api::commands;
use haat_api::config::Cli;
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Many small things are made and thrown away for each request: docs/adr/0021-what-a-request-costs.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // `cargo xtask test` leaves such a program behind; on SQLite nothing would keep one store from another.
    if cfg!(feature = "rls-only") {
        return commands::refuse(
            "this build is without the tenants' filters, for a test only: build it again",
        );
    }
    match dotenvy::dotenv() {
        // Half a file is worse than none: what it leaves out may be what makes the program safe.
        Err(error) if !error.not_found() => commands::refuse(&format!(".env: {error}")),
        _ => commands::run(Cli::parse()),
    }
}
