//! The admin panel in a browser: what its tests need of npm's, and pictures of it.

use std::path::Path;

use crate::shell::{Outcome, cargo, make_folder, npm_install, run, target_folder, tools_folder};

/// Finds what shuts people out of a page. `haat_testkit::axe_core` knows where it is.
const AXE: &str = "axe-core@4.14.1";

/// Installs axe-core for the tests.
pub(crate) fn install_axe() -> Outcome {
    npm_install(&tools_folder("axe")?, &[AXE])
}

/// Takes pictures of every page as everybody sees it, on a desktop and on a phone, in light and in dark.
pub(crate) fn screenshots(folder: Option<&Path>) -> Outcome {
    let folder = match folder {
        Some(folder) => {
            std::path::absolute(folder).map_err(|error| format!("{}: {error}", folder.display()))?
        }
        None => target_folder()?.join("screenshots"),
    };
    make_folder(&folder)?;
    let take = "test --package haat-api --test browser screenshots --locked -- --ignored --nocapture";
    run(cargo(take).env("HAAT_SCREENSHOTS", folder).env("HAAT_REQUIRE_ALL", "1"))
}
