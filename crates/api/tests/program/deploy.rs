//! The files in `deploy` name settings that there are.

use clap::CommandFactory;
use haat_api::config::Cli;
use std::collections::BTreeSet;
use std::path::Path;

/// What Compose puts into passwords and URLs, and the program never sees.
const OF_COMPOSE: [&str; 4] =
    ["HAAT_IMAGE", "HAAT_LOGIN_PASSWORD", "HAAT_OWNER_PASSWORD", "HAAT_STANDBY_PASSWORD"];

/// The variables of the environment that a text names.
fn variables(text: &str) -> BTreeSet<&str> {
    let words = text.split(|sign: char| !sign.is_ascii_uppercase() && !sign.is_ascii_digit() && sign != '_');
    words.filter(|word| word.starts_with("HAAT_") || word.starts_with("DATABASE_")).collect()
}

#[test]
fn every_setting_in_the_files_for_deploying_is_one_of_the_program() {
    let cli = Cli::command();
    let settings: BTreeSet<_> = cli
        .get_arguments()
        .filter_map(clap::Arg::get_env)
        .map(|name| name.to_str().unwrap().to_owned())
        .chain(OF_COMPOSE.map(str::to_owned))
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let unknown = |text: &str| -> Vec<String> {
        let named = variables(text).into_iter().map(str::to_owned);
        named.filter(|name| !settings.contains(name)).collect()
    };
    for file in [
        "compose.yaml",
        "env.example",
        "Dockerfile",
        "haat.service",
        "render.yaml",
        "cloudrun/service.yaml",
        "cloudrun/migrate.yaml",
        "nginx/haat.conf",
        "nginx/haat-upstream.conf",
        "README.md",
    ] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(unknown(&text), [""; 0], "{file}");
    }
    assert_eq!(unknown("HAAT_NO_SUCH_THING: 1"), ["HAAT_NO_SUCH_THING"]);
}
