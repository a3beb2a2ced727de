//! Files that are made by the code and kept beside it: each is compared with what the code makes now.
//! `UPDATE_GOLDEN=1 cargo test -p haat-api --test api golden` writes them anew.

mod examples;

use clap::CommandFactory;
use haat_api::config::Cli;
use haat_api::problem::ApiError;
use haat_domain::error::{AuthFailure, Conflict, Denied, Error, FieldErrors};
use haat_domain::ids::ProductId;
use haat_domain::orders::OrderStatus;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

const HOW: &str = "run `UPDATE_GOLDEN=1 cargo test -p haat-api --test api golden` and look at the difference; the \
    examples are compiled into the OpenAPI document, so run it a second time where they have changed";

#[expect(clippy::disallowed_methods, reason = "the tests' own switch is no configuration of Haat")]
fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1")
}

fn file(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// Compares a file with what it should be, or writes it.
fn compare(path: &str, wanted: &str) {
    let path = file(path);
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found == wanted {
        return;
    }
    if updating() {
        std::fs::write(&path, wanted).unwrap();
        return;
    }
    let differs = found.lines().zip(wanted.lines()).position(|(found, wanted)| found != wanted);
    let line = differs.unwrap_or_else(|| found.lines().count().min(wanted.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
    let (path, line, is, should) = (path.display(), line + 1, at(&found), at(wanted));
    panic!("{path}, line {line}:\n  is     {is}\n  should {should}\n{HOW}");
}

/// Compares the part of a document between `<!-- name:begin -->` and `<!-- name:end -->`.
fn compare_part(path: &str, name: &str, wanted: &str) {
    let document = std::fs::read_to_string(file(path)).unwrap_or_default();
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let around =
        document.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = match around {
        Some((before, after)) => (before.to_owned(), after),
        None => (format!("{document}\n"), "\n"),
    };
    compare(path, &format!("{before}{begin}{wanted}{end}{after}"));
}

#[test]
fn the_openapi_document_is_golden() {
    compare("openapi/openapi.json", haat_api::openapi::json());
}

/// A cell of a table, in which a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn the_table_of_settings_is_golden() {
    let mut table = String::from("| Flag | Variable | Default | What it is |\n|---|---|---|---|\n");
    for argument in Cli::command().get_arguments().filter(|argument| argument.get_env().is_some()) {
        let flag = format!("`--{}`", argument.get_long().expect("a setting has a long flag"));
        let variable = format!("`{}`", argument.get_env().unwrap().to_str().unwrap());
        let defaults: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_str().unwrap()).collect();
        let default = defaults.join(" ");
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let mut help = argument.get_help().expect("a setting has a help text").to_string();
        let values = argument.get_possible_values();
        if !values.is_empty() {
            let names: Vec<_> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
            write!(help, " ({})", names.join(", ")).unwrap();
        }
        writeln!(table, "| {flag} | {variable} | {default} | {} |", cell(&help)).unwrap();
    }
    compare_part("docs/operations.md", "settings", &table);
}

/// One of each kind of error. A new kind of [`Conflict`] does not compile in [`is_listed`] until it is here too.
fn all_errors() -> Vec<ApiError> {
    let none = || "no cause".into();
    let from = OrderStatus::Pending;
    let conflicts = [
        Conflict::StoreTaken,
        Conflict::UsernameTaken,
        Conflict::EmailTaken,
        Conflict::SkuTaken,
        Conflict::Duplicate,
        Conflict::InFlight,
        Conflict::InsufficientStock { product: ProductId::new(1), available: 0 },
        Conflict::IllegalTransition { from, allowed: from.allowed() },
        Conflict::OrderNotPending { status: from },
        Conflict::LastOwner,
        Conflict::CurrencyInUse,
    ];
    assert!(conflicts.iter().all(is_listed));
    let domain = [Error::Invalid(FieldErrors::default()), Error::NotFound, Error::Busy { retry_after: 1 }]
        .into_iter()
        .chain([Error::Stale, Error::KeyReused, Error::Unavailable(none()), Error::Internal(none())])
        .chain(AuthFailure::ALL.map(Error::Unauthenticated))
        .chain(Denied::ALL.map(Error::Forbidden))
        .chain(conflicts.map(Error::Conflict));
    let http = [
        ApiError::Malformed(String::new()),
        ApiError::TooLarge(0),
        ApiError::WrongType,
        ApiError::WrongEncoding,
        ApiError::SlowBody,
        ApiError::UriTooLong(0),
        ApiError::HeadTooLarge(0),
        ApiError::Limited { policy: "", retry_after: 1 },
        ApiError::Overloaded,
        ApiError::Stopping,
        ApiError::NoSuchPath,
        ApiError::WrongMethod(String::new()),
    ];
    domain.map(ApiError::Domain).chain(http).collect()
}

fn is_listed(conflict: &Conflict) -> bool {
    match conflict {
        Conflict::StoreTaken
        | Conflict::UsernameTaken
        | Conflict::EmailTaken
        | Conflict::SkuTaken
        | Conflict::Duplicate
        | Conflict::InFlight
        | Conflict::InsufficientStock { .. }
        | Conflict::IllegalTransition { .. }
        | Conflict::OrderNotPending { .. }
        | Conflict::LastOwner
        | Conflict::CurrencyInUse => true,
    }
}

#[test]
fn the_table_of_problems_is_golden() {
    let kinds: BTreeSet<_> = all_errors()
        .iter()
        .map(|error| {
            let (status, code, title) = error.kind();
            (status.as_u16(), code, title)
        })
        .collect();
    let mut table = String::from("| Status | Code | Title |\n|---|---|---|\n");
    for (status, code, title) in kinds {
        writeln!(table, "| {status} | `{code}` | {} |", cell(title)).unwrap();
    }
    compare_part("docs/API.md", "problems", &table);
}
