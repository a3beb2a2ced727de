//! What a developer and CI run; `cargo xtask help` lists it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for the terminal")]

mod bench;
mod clients;
mod dependencies;
mod fuzz;
mod http;
mod lint;
mod openapi30;
mod pages;
mod server;
mod shell;
mod supply;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use haat_testkit::{Cluster, Durability};

use crate::shell::{Outcome, cargo, output, run, succeeds};

const HELP: &str = "\
cargo xtask <command>

  test      install what is missing, then pass every check (what CI runs)
  deps      the dependency rules only: crates/xtask/src/dependencies.rs and .deny.toml
  golden    rewrite the golden files, the OpenAPI document among them (also: openapi)
  postgres  run a throw-away PostgreSQL cluster until Enter or ctrl-C
  screenshots [FOLDER]   pictures of every page of the admin panel, in target/screenshots
  help      this text

The following need more than CI has; docs/checks.md says what:

  advisories [--strict]  known faults in what we depend on; --strict: fail where that cannot be asked
  sbom                   write what `haat` is made of (CycloneDX) to target/haat.cdx.json
  fuzz-api [--seconds N] [--seed S]
                         Schemathesis against a running server: 300 seconds, seed 1
  lint-api               redocly and spectral on the OpenAPI document
  clients                generate a TypeScript and a Rust client, and run them against a running server
";

/// Releases differ in what they ask of a configuration and of the compiler.
const CARGO_DENY: &str = "cargo-deny@0.20.2";

type Step = (&'static str, fn() -> Outcome);

const TEST: &[Step] = &[
    ("system packages", install_packages),
    ("cargo-deny", install_cargo_deny),
    ("axe-core", pages::install_axe),
    ("format", || run(&mut cargo("fmt --all --check"))),
    ("clippy", || {
        run(&mut cargo("clippy --workspace --all-targets --locked -- -D warnings"))?;
        run(&mut cargo("clippy --package haat-api --all-targets --features otlp --locked -- -D warnings"))
    }),
    ("rustdoc", || run(cargo("doc --workspace --no-deps --locked").env("RUSTDOCFLAGS", "-D warnings"))),
    ("dependency rules", check_dependencies),
    ("dependency bans", check_bans),
    ("tests", || run(&mut with_postgres(cargo("test --workspace --locked"))?)),
    ("traces", || {
        let with = "test --workspace --locked --features haat-api/otlp --test api traces";
        run(&mut with_postgres(cargo(with))?)
    }),
    ("row-level security", || {
        // The whole workspace, though one package has the test: for that alone cargo would choose the dependencies'
        // features anew, and build them all again.
        let without = "test --workspace --locked --features haat-api/rls-only";
        run(&mut with_postgres(cargo(&format!("{without} --test rls_only")))?)?;
        run(&mut with_postgres(cargo(&format!("{without} --test api walls::postgres")))?)
    }),
];

const DEPS: &[Step] = &[
    ("cargo-deny", install_cargo_deny),
    ("dependency rules", check_dependencies),
    ("dependency bans", check_bans),
];

const GOLDEN: &[Step] =
    &[("golden files", || run(cargo("test --workspace golden").env("UPDATE_GOLDEN", "1")))];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["test"] => run_steps(TEST),
        ["deps"] => run_steps(DEPS),
        ["golden" | "openapi"] => run_steps(GOLDEN),
        ["postgres"] => hold_postgres(),
        ["screenshots"] => pages::screenshots(None),
        ["screenshots", folder] => pages::screenshots(Some(Path::new(folder))),
        ["advisories"] => install_cargo_deny().and_then(|()| supply::advisories(false)),
        ["advisories", "--strict"] => install_cargo_deny().and_then(|()| supply::advisories(true)),
        ["sbom"] => supply::sbom(),
        ["fuzz-api", options @ ..] => fuzz::fuzz_api(options),
        ["lint-api"] => lint::lint_api(),
        ["clients"] => clients::clients(),
        ["bench", options @ ..] => bench::bench(options),
        ["overload", options @ ..] => bench::overload(options),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}{}", bench::HELP);
            Ok(())
        }
        _ => Err(format!("no such command: {}\n\n{HELP}", arguments.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the steps up to the first that fails, and sums up.
fn run_steps(steps: &[Step]) -> Outcome {
    let mut passed: Vec<(&str, Duration)> = Vec::new();
    let mut outcome = Ok(());
    for (name, step) in steps {
        println!("\n=== {name}");
        let start = Instant::now();
        if let Err(error) = step() {
            outcome = Err(format!("FAILED: {name} ({:.1} s): {error}", start.elapsed().as_secs_f64()));
            break;
        }
        println!("=== {name}: passed ({:.1} s)", start.elapsed().as_secs_f64());
        passed.push((name, start.elapsed()));
    }
    println!();
    for (name, took) in &passed {
        println!("{name:<20} {:>7.1} s", took.as_secs_f64());
    }
    let failed = usize::from(outcome.is_err());
    println!(
        "steps: {} passed, {failed} failed, {} skipped",
        passed.len(),
        steps.len() - passed.len() - failed
    );
    outcome
}

/// Debian's packages for the programs that tests need and this machine has not.
fn install_packages() -> Outcome {
    let mut missing = Vec::new();
    if haat_testkit::server_binaries().is_none() {
        missing.push("postgresql");
    }
    if haat_testkit::chromium().is_none() {
        missing.push("chromium");
    }
    if haat_testkit::chromedriver().is_none() {
        missing.push("chromium-driver");
    }
    if haat_testkit::find_program("npm").is_none() {
        missing.push("npm");
    }
    apt_install(&missing)
}

/// Installs the programs of these names, which are packages of the same name too, where they are missing.
fn install(programs: &[&'static str]) -> Outcome {
    let missing = programs.iter().filter(|name| haat_testkit::find_program(name).is_none());
    apt_install(&missing.copied().collect::<Vec<_>>())
}

fn apt_install(missing: &[&str]) -> Outcome {
    if missing.is_empty() {
        return Ok(());
    }
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let may_install = root || haat_testkit::find_program("sudo").is_some();
    if !may_install || haat_testkit::find_program("apt-get").is_none() {
        return Err(format!(
            "these packages of Debian's are missing, and not ours to install: {}",
            missing.join(" ")
        ));
    }
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        run(command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes"]).args(arguments))
    };
    apt_get(&["update"])?;
    apt_get(&[&["install", "--no-install-recommends"], missing].concat())
}

fn install_cargo_deny() -> Outcome {
    if succeeds(&mut cargo("deny --version")) {
        return Ok(());
    }
    // Unoptimised: built in a quarter of the time, and quick enough for one workspace.
    run(cargo("install --debug --locked").arg(CARGO_DENY))
}

fn check_dependencies() -> Outcome {
    // With all features and for all platforms: a rule that some build breaks is broken.
    let metadata = output(&mut cargo("metadata --format-version 1 --locked --all-features"))?;
    // What is shipped, on the other hand, is one build.
    let tree = output(&mut cargo("tree --package haat-api --edges no-dev --prefix none --locked"))?;
    let mut violations = dependencies::violations(&dependencies::Graph::from_metadata(&metadata)?);
    violations.extend(dependencies::unshipped(&String::from_utf8_lossy(&tree)));
    if violations.is_empty() { Ok(()) } else { Err(violations.join("\n")) }
}

/// Advisories are left out: their database comes from a host that CI does not reach (`cargo xtask advisories`).
fn check_bans() -> Outcome {
    run(&mut cargo("deny --locked --config .deny.toml check bans licenses sources"))
}

/// `command`, to use one cluster for all its processes, and to skip nothing.
fn with_postgres(mut command: Command) -> Result<Command, String> {
    command.env("TEST_DATABASE_URL", haat_testkit::postgres_url()?).env("HAAT_REQUIRE_ALL", "1");
    if let Some(url) = haat_testkit::superuser_url_for("postgres") {
        command.env("TEST_SUPERUSER_URL", url);
    }
    Ok(command)
}

fn hold_postgres() -> Outcome {
    let cluster = Cluster::start(Durability::Fast)?;
    println!("{}", cluster.url_for("postgres"));
    eprintln!("superuser: {}\nstop with Enter or ctrl-C", cluster.superuser_url_for("postgres"));
    // Whatever ends the line, the end of the input or ctrl-C, ends the cluster.
    io::stdin().read_line(&mut String::new()).map(drop).map_err(|error| error.to_string())
}
