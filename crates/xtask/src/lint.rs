//! `cargo xtask lint-api`: what two linters say of the OpenAPI document.

use std::process::Command;

use crate::shell::{Outcome, npm_install, root, run, tools_folder};

const PACKAGES: &[&str] = &["@redocly/cli@2.77.0", "@stoplight/spectral-cli@6.16.3"];

pub(crate) fn lint_api() -> Outcome {
    let folder = tools_folder("lint-api")?;
    npm_install(&folder, PACKAGES)?;
    let programs = folder.join("node_modules/.bin");
    let mut redocly = Command::new(programs.join("redocly"));
    // It would tell its makers, and ask whether there is a newer one.
    redocly.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    let arguments =
        ["lint", "openapi/openapi.json", "--config", "openapi/redocly.yaml", "--format", "stylish"];
    run(redocly.current_dir(root()).args(arguments))?;
    let arguments =
        ["lint", "openapi/openapi.json", "--ruleset", "openapi/spectral.yaml", "--fail-severity", "warn"];
    run(Command::new(programs.join("spectral")).current_dir(root()).args(arguments))
}
