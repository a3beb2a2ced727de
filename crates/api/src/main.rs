//! The `haat` program: reads its arguments and does what they say.

use clap::Parser;
use haat_api::commands;
use haat_api::config::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A `.env` file is a convenience; without one the environment is as it is.
    let _ = dotenvy::dotenv();
    commands::run(Cli::parse())
}
