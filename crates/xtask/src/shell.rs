//! Running programs, and where what they make is put.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) type Outcome = Result<(), String>;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    root.canonicalize().unwrap_or(root)
}

/// `cargo` with these arguments, at the workspace's root.
pub(crate) fn cargo(arguments: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(arguments.split_whitespace()).current_dir(root());
    cargo
}

/// Shows and runs a command, whose output goes where ours does.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let words: Vec<_> = [command.get_program()]
        .into_iter()
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect();
    let line = words.join(" ");
    println!("$ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}`: {status}")),
        Err(error) => Err(format!("`{line}` does not run: {error}")),
    }
}

/// Whether a command can be run and ends well; what it prints is of no interest.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What a command prints.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    match command.stderr(Stdio::inherit()).output() {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(format!("{command:?}: {}", output.status)),
        Err(error) => Err(format!("{command:?} does not run: {error}")),
    }
}

/// Where cargo builds.
pub(crate) fn target_folder() -> Result<PathBuf, String> {
    let metadata = output(&mut cargo("metadata --format-version 1 --locked --no-deps"))?;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata)
        .map_err(|error| format!("`cargo metadata` is not understood: {error}"))?;
    let folder = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    folder.map(PathBuf::from).ok_or_else(|| "`cargo metadata` names no target directory".to_owned())
}

/// A folder for tools and what they make, beside what cargo builds; nothing in it is checked in.
pub(crate) fn tools_folder(name: &str) -> Result<PathBuf, String> {
    let folder = target_folder()?.join("tools").join(name);
    make_folder(&folder)?;
    Ok(folder)
}

pub(crate) fn make_folder(folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// An empty folder, whatever was in it before.
pub(crate) fn empty_folder(folder: &Path) -> Outcome {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    make_folder(folder)
}

pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) -> Outcome {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

pub(crate) fn remove(path: &Path) -> Outcome {
    std::fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))
}

pub(crate) fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// By way of a new file that takes the old one's name: a program that runs cannot be written to, and goes on so.
pub(crate) fn copy(from: &Path, to: &Path) -> Outcome {
    let new = to.with_extension("new");
    let copied = std::fs::copy(from, &new).and_then(|_| std::fs::rename(&new, to));
    copied.map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

/// Installs packages of npm's at these versions into a folder, unless they are there. Their install scripts are not
/// run: the tools that we use need none, and what a script fetches is pinned by nobody.
pub(crate) fn npm_install(folder: &Path, packages: &[&str]) -> Outcome {
    let (list, wanted) = (folder.join("installed.txt"), packages.join("\n"));
    if read(&list).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    make_folder(folder)?;
    write(&folder.join("package.json"), "{ \"private\": true, \"type\": \"module\" }\n")?;
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"]);
    run(npm.args(packages))?;
    write(&list, wanted)
}

/// Installs a program of a crate into the tools' folder, unless that version is there, and says where it is.
/// Unoptimised: built in a quarter of the time, and quick enough.
pub(crate) fn cargo_install(name: &str, version: &str) -> Result<PathBuf, String> {
    let folder = tools_folder(&format!("{name}-{version}"))?;
    let program = folder.join("bin").join(name);
    if !program.exists() {
        let mut cargo = cargo("install --debug --locked --root");
        run(cargo.arg(&folder).arg(format!("{name}@{version}")))?;
    }
    Ok(program)
}
