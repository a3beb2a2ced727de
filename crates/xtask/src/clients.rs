//! `cargo xtask clients`: clients that are generated from the OpenAPI document alone, in TypeScript and in Rust, log
//! in, list products, place an order and read it back, on a running server.

use std::path::Path;
use std::process::Command;

use crate::openapi30::downgrade;
use crate::server::{Account, Server};
use crate::shell::{
    Outcome, copy, empty_folder, make_folder, npm_install, read, root, run, tools_folder, write,
};

const TYPESCRIPT: &[&str] = &[
    "@types/node@20.19.43",
    "openapi-fetch@0.17.0",
    "openapi-typescript@7.13.0",
    // What openapi-typescript was made for; newer ones have no such interface.
    "typescript@5.9.3",
];

pub(crate) fn clients() -> Outcome {
    let folder = tools_folder("clients")?;
    let mut server = Server::start(&folder.join("server"))?;
    let store = server.open_store("Monsoon Books", "asha", "bela")?;
    typescript(&folder.join("typescript"), &server, &store.customer)?;
    rust(&folder.join("rust"), &server, &store.customer)?;
    server.check()
}

/// A program with what our clients want to know: where the server is, and who they are.
fn client(mut program: Command, server: &Server, customer: &Account) -> Command {
    program
        .env("HAAT_URL", server.url())
        .env("HAAT_USERNAME", &customer.username)
        .env("HAAT_PASSWORD", &customer.password);
    program
}

fn typescript(folder: &Path, server: &Server, customer: &Account) -> Outcome {
    npm_install(folder, TYPESCRIPT)?;
    let sources = root().join("openapi/clients/typescript");
    for file in ["main.ts", "tsconfig.json"] {
        copy(&sources.join(file), &folder.join(file))?;
    }
    let tool = |name: &str| {
        let mut tool = Command::new(folder.join("node_modules/.bin").join(name));
        tool.current_dir(folder);
        tool
    };
    let document = root().join("openapi/openapi.json");
    run(tool("openapi-typescript").arg(document).args(["--output", "schema.d.ts"]))?;
    run(tool("tsc").args(["--strict", "--noEmit"]))?;
    run(&mut tool("tsc"))?;
    let mut node = Command::new("node");
    node.current_dir(folder).arg("out/main.js");
    run(&mut client(node, server, customer))
}

fn rust(folder: &Path, server: &Server, customer: &Account) -> Outcome {
    let sources = root().join("openapi/clients/rust");
    empty_folder(&folder.join("src"))?;
    make_folder(folder)?;
    for file in ["Cargo.toml", "Cargo.lock", "src/main.rs"] {
        copy(&sources.join(file), &folder.join(file))?;
    }
    let document = read(&root().join("openapi/openapi.json"))?;
    let document =
        serde_json::from_str(&document).map_err(|error| format!("openapi/openapi.json: {error}"))?;
    write(&folder.join("openapi-3.0.json"), format!("{:#}\n", downgrade(document)))?;
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(folder)
        .args(["run", "--quiet", "--locked"])
        // Its own, or it would wait for whoever builds the workspace, and have them build everything anew.
        .env("CARGO_TARGET_DIR", folder.join("target"));
    run(&mut client(cargo, server, customer))
}
