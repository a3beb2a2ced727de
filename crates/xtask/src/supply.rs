//! What we get from others: known faults in it (`cargo xtask advisories`), and a list of it (`cargo xtask sbom`).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::shell::{
    Outcome, cargo, cargo_install, empty_folder, output, read, root, run, succeeds, target_folder,
    tools_folder, write,
};

/// Where advisories come from, unless `ADVISORY_DB` names another repository or a folder with a clone of it.
const ADVISORY_DB: &str = "https://github.com/RustSec/advisory-db";

/// Asks whether anything that we depend on is known to be faulty. `strict`: not being able to ask is a failure.
#[expect(clippy::disallowed_methods, reason = "where the advisories are is no setting of Haat's")]
pub(crate) fn advisories(strict: bool) -> Outcome {
    let source = std::env::var("ADVISORY_DB").unwrap_or_else(|_| ADVISORY_DB.to_owned());
    // git takes a folder only by its full path.
    let source = Path::new(&source).canonicalize().map_or(source, |folder| folder.display().to_string());
    // Asked for first: cargo-deny cannot tell "there is no database" from "there are faults".
    let mut git = Command::new("git");
    git.args(["ls-remote", "--exit-code", &source, "HEAD"]).env("GIT_TERMINAL_PROMPT", "0");
    if !succeeds(&mut git) {
        let why =
            format!("NOT CHECKED: no advisory database can be had from {source} (ADVISORY_DB names another)");
        if strict {
            return Err(why);
        }
        println!("{why}");
        return Ok(());
    }
    let folder = tools_folder("advisories")?;
    // One fetched from elsewhere would be taken for this one.
    empty_folder(&folder)?;
    // cargo-deny takes the database from its configuration only, so it gets ours with that added. It knows it by its
    // public address, and wants nothing but https; git, which fetches it, is told where it really is.
    let configuration = read(&root().join(".deny.toml"))?;
    let added = format!(
        "\n[advisories]\ndb-path = \"{}\"\ndb-urls = [\"{ADVISORY_DB}\"]\ngit-fetch-with-cli = true\n",
        folder.display()
    );
    let path = folder.join("deny.toml");
    write(&path, configuration + &added)?;
    let mut deny = cargo("deny --locked --config");
    deny.env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", format!("url.{source}.insteadOf"))
        .env("GIT_CONFIG_VALUE_0", ADVISORY_DB);
    run(deny.arg(&path).args(["check", "advisories"]))
}

const CARGO_CYCLONEDX: &str = "0.5.9";

/// Crates that only tests use: if one is in the list, the list is not what it says.
const TESTS_ONLY: &[&str] = &["fantoccini", "haat-testkit", "hyper-util", "proptest", "reqwest"];

/// Writes what the program `haat` is made of, as `CycloneDX` 1.5 has it.
pub(crate) fn sbom() -> Outcome {
    let program = cargo_install("cargo-cyclonedx", CARGO_CYCLONEDX)?;
    let target = target_folder()?;
    let mut cyclonedx = Command::new(program);
    cyclonedx.current_dir(root()).args(["cyclonedx", "--manifest-path", "crates/api/Cargo.toml"]);
    run(cyclonedx.args(["--format", "json", "--spec-version", "1.5", "--describe", "binaries", "--quiet"]))?;
    // It writes one for each program of the workspace, beside its Cargo.toml.
    let made = root().join("crates/api/haat_bin.cdx.json");
    let text = read(&made)?;
    for path in [made, root().join("crates/xtask/xtask_bin.cdx.json")] {
        std::fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    // Where we have built it is nobody's business.
    let text = text.replace(&format!("file://{}", root().display()), "file:///haat");
    let mut bom = serde_json::from_str(&text).map_err(|error| format!("the SBOM is no JSON: {error}"))?;

    let tree = output(&mut cargo("tree --package haat-api --edges no-dev --prefix none --locked"))?;
    keep(&mut bom, &built_from(&String::from_utf8_lossy(&tree)));
    let faults = faults(&bom);
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    let path = target.join("haat.cdx.json");
    write(&path, format!("{bom:#}\n"))?;
    let components = bom.get("components").and_then(Value::as_array).map_or(0, Vec::len);
    println!("{}: haat and {components} components", path.display());
    Ok(())
}

/// The crates in a list at one `name vVERSION` a line, as `cargo tree` prints it.
fn built_from(tree: &str) -> BTreeSet<(String, String)> {
    let crates = tree.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.trim_start_matches('v').to_owned()))
    });
    crates.collect()
}

/// Takes out what the program is not built from: cargo-cyclonedx goes by `cargo metadata`, where a feature that only
/// tests ask for is on, and brings what it needs.
fn keep(bom: &mut Value, built: &BTreeSet<(String, String)>) {
    let mut gone = BTreeSet::new();
    if let Some(components) = bom.get_mut("components").and_then(Value::as_array_mut) {
        components.retain(|component| {
            let kept = built.contains(&(text(component, "name"), text(component, "version")));
            if !kept {
                gone.insert(text(component, "bom-ref"));
            }
            kept
        });
    }
    if let Some(dependencies) = bom.get_mut("dependencies").and_then(Value::as_array_mut) {
        dependencies.retain(|dependency| !gone.contains(&text(dependency, "ref")));
        for dependency in dependencies {
            if let Some(on) = dependency.get_mut("dependsOn").and_then(Value::as_array_mut) {
                on.retain(|one| !one.as_str().is_some_and(|one| gone.contains(one)));
            }
        }
    }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A sentence for each thing that is wrong with a list of components.
fn faults(bom: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if (text(bom, "bomFormat"), text(bom, "specVersion")) != ("CycloneDX".to_owned(), "1.5".to_owned()) {
        faults.push("the SBOM is not of CycloneDX 1.5".to_owned());
    }
    let root = bom.pointer("/metadata/component/name").and_then(Value::as_str);
    if root != Some("haat") {
        faults.push(format!("the SBOM is about {root:?}, not about haat"));
    }
    let components = bom.get("components").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if components.len() < 200 {
        faults.push(format!("the SBOM has {} components only", components.len()));
    }
    for component in components {
        let name = text(component, "name");
        if !text(component, "purl").starts_with("pkg:cargo/") {
            faults.push(format!("the SBOM has no purl for {name}"));
        }
        if component.get("licenses").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            faults.push(format!("the SBOM has no licence for {name}"));
        }
        if TESTS_ONLY.contains(&name.as_str()) {
            faults.push(format!("the SBOM has {name}, which only tests use"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn component(name: &str) -> Value {
        json!({
            "name": name, "version": "1.0.0", "bom-ref": format!("ref {name}"),
            "purl": format!("pkg:cargo/{name}@1.0.0"), "licenses": [{ "expression": "MIT" }],
        })
    }

    fn bom(components: &[Value]) -> Value {
        let many = (0..200).map(|number| component(&format!("crate-{number}")));
        json!({
            "bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": { "component": { "name": "haat" } },
            "components": many.chain(components.iter().cloned()).collect::<Vec<_>>(),
            "dependencies": [
                { "ref": "ref crate-1", "dependsOn": ["ref crate-2", "ref reqwest"] },
                { "ref": "ref reqwest", "dependsOn": ["ref crate-3"] },
            ],
        })
    }

    #[test]
    fn a_list_with_all_that_is_asked_for_passes() {
        assert_eq!(faults(&bom(&[])), Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut bare = component("bare");
        bare["purl"] = Value::Null;
        bare["licenses"] = json!([]);
        let mut wrong = bom(&[bare, component("proptest")]);
        wrong["metadata"]["component"]["name"] = "xtask".into();
        assert_eq!(
            faults(&wrong),
            [
                "the SBOM is about Some(\"xtask\"), not about haat",
                "the SBOM has no purl for bare",
                "the SBOM has no licence for bare",
                "the SBOM has proptest, which only tests use",
            ]
        );
        assert_eq!(faults(&json!({})).len(), 3);
    }

    #[test]
    fn what_the_program_is_not_built_from_is_taken_out() {
        let mut bom = bom(&[component("reqwest")]);
        let tree: Vec<_> = (0..200).map(|number| format!("crate-{number} v1.0.0 (*)")).collect();
        keep(&mut bom, &built_from(&tree.join("\n")));
        assert_eq!(faults(&bom), Vec::<String>::new());
        assert_eq!(bom["components"].as_array().unwrap().len(), 200);
        assert_eq!(bom["dependencies"], json!([{ "ref": "ref crate-1", "dependsOn": ["ref crate-2"] }]));
    }
}
