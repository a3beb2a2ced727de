//! `cargo xtask fuzz-api`: Schemathesis against a running server.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::server::{Account, Server};
use crate::shell::{Outcome, copy, empty_folder, root, run, tools_folder, write};

/// Releases differ in what they check; what passes one need not pass the next.
const SCHEMATHESIS: &str = "4.32.5";

/// What may be chosen.
struct Options {
    seconds: u32,
    seed: u32,
}

impl Options {
    fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self { seconds: 300, seed: 1 };
        for pair in arguments.chunks(2) {
            let (place, value) = match pair {
                ["--seconds", value] => (&mut options.seconds, value),
                ["--seed", value] => (&mut options.seed, value),
                _ => return Err(format!("fuzz-api [--seconds N] [--seed S], not: {}", pair.join(" "))),
            };
            *place = value.parse().map_err(|_| format!("{value} is no number"))?;
        }
        Ok(options)
    }
}

pub(crate) fn fuzz_api(arguments: &[&str]) -> Outcome {
    let options = Options::parse(arguments)?;
    let schemathesis = install()?;
    let folder = tools_folder(&format!("fuzz-api-{}", options.seed))?;
    // What an earlier run has learnt would make this one another than its seed says.
    empty_folder(&folder)?;
    let mut server = Server::start(&folder.join("server"))?;
    let first = server.open_store("Monsoon Books", "asha", "bela")?;
    let second = server.open_store("Hill Station Tea", "chand", "devi")?;
    let admin = server.create_admin("esha")?;

    for file in ["schemathesis.toml", "hooks.py"] {
        copy(&root().join("openapi/fuzz").join(file), &folder.join(file))?;
    }
    let identities = [("first", &first.owner), ("second", &second.owner), ("admin", &admin)];
    let identities: Vec<_> = identities.into_iter().map(|(name, account)| identity(name, account)).collect();
    write(&folder.join("auth.json"), json!({ "auth": identities }).to_string())?;

    let mut command = Command::new(schemathesis);
    command
        .current_dir(&folder)
        .env("PYTHONPATH", &folder)
        .env("KEPT_USERS", format!("{},{},{}", first.owner.id, second.owner.id, admin.id))
        .env("KEPT_STORES", format!("{},{}", first.id, second.id))
        .args(["--config-file", "schemathesis.toml", "run", &format!("{}/openapi.json", server.url())])
        .args(["--checks", "all", "--continue-on-failure", "--no-color"])
        .args(["--max-time", &options.seconds.to_string(), "--seed", &options.seed.to_string()]);
    let outcome = run(&mut command);
    server.check()?;
    outcome.map_err(|error| format!("{error}\nwhat the server has logged:\n{}", server.log()))
}

/// The program `st`, in a virtual environment of its own.
fn install() -> Result<PathBuf, String> {
    let folder = tools_folder(&format!("schemathesis-{SCHEMATHESIS}"))?;
    let program = folder.join("bin/st");
    if !program.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let pip = folder.join("bin/pip");
        run(Command::new(pip).args(["install", "--quiet", &format!("schemathesis=={SCHEMATHESIS}")]))?;
    }
    Ok(program)
}

/// How to become somebody, as Web Fuzzing Commons has it.
fn identity(name: &str, account: &Account) -> Value {
    let credentials = json!({ "username": account.username, "password": account.password });
    json!({
        "name": name,
        "loginEndpointAuth": {
            "endpoint": "/api/auth/login/",
            "verb": "POST",
            "contentType": "application/json",
            "payloadRaw": credentials.to_string(),
            "token": {
                "extractFrom": "body",
                "extractSelector": "/access",
                "sendIn": "header",
                "sendName": "Authorization",
                "sendTemplate": "Bearer {token}",
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_names() {
        let read =
            |arguments: &[&str]| Options::parse(arguments).map(|options| (options.seconds, options.seed));
        assert_eq!(read(&[]), Ok((300, 1)));
        assert_eq!(read(&["--seed", "3", "--seconds", "60"]), Ok((60, 3)));
        assert!(read(&["--seed"]).is_err());
        assert!(read(&["--seed", "x"]).is_err());
        assert!(read(&["60"]).is_err());
    }
}
