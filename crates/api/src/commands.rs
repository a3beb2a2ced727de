//! What the program does when it is told to.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these are programs for the terminal")]

mod audit_log;
mod backup;
mod new_file;
mod ping;
mod portable;

use crate::config::{Cli, Command, Serve, Settings};
use crate::telemetry::Telemetry;
use crate::{Failure, build, demo, openapi, stopping};
use haat_domain::authz::{Actor, Role};
use haat_domain::cx::Cx;
use haat_domain::error::{Error, FieldErrors};
use haat_domain::identity::{Email, NewPassword, NewUser, Username, create_admin};
use haat_domain::ids::TenantId;
use haat_domain::ports::{Clock, PasswordHasher, Store};
use haat_infra::clock::SystemClock;
use haat_infra::db::{self, DatabaseUrl, MIGRATIONS, Migrations};
use haat_infra::password::BcryptHasher;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Does what the arguments say.
pub fn run(cli: Cli) -> ExitCode {
    let settings = &cli.settings;
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(how) => serve(
            settings,
            Serve { demo: how.demo || cli.serve.demo, migrate: how.migrate || cli.serve.migrate },
        ),
        Command::Migrate { status, to } => migrate(settings, status, to.as_deref()),
        Command::CreateAdmin { username, email } => admin(settings, &username, &email),
        Command::Demo { tenants, products } => load_demo(settings, tenants.zip(products)),
        Command::Ping => ping::ping(settings),
        Command::Openapi => {
            // Whoever reads it may have seen enough.
            let _ = std::io::stdout().write_all(openapi::json().as_bytes());
            Ok(())
        }
        Command::Check { audit, against } => check(settings, audit || against.is_some(), against.as_deref()),
        Command::Backup(to) => backup::backup(settings, &to),
        Command::Restore { file } => backup::restore(settings, &file),
        Command::Export { store, to } => portable::export(settings, &store, &to),
        Command::Import { file } => portable::import(settings, &file),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => refuse(&failure.to_string()),
    }
}

/// Says why not.
pub fn refuse(why: &str) -> ExitCode {
    eprintln!("haat: {why}");
    ExitCode::FAILURE
}

/// An error with its private cause: at the console there is nobody to hide it from.
#[expect(clippy::needless_pass_by_value, reason = "stands in map_err")]
pub fn explain(error: Error) -> Failure {
    let mut text = error.to_string();
    if let Error::Invalid(fields) = &error {
        let faults: Vec<_> =
            fields.iter().map(|(field, all)| format!("{field} {}", all.join(", "))).collect();
        text = faults.join("; ");
    }
    if let Some(cause) = std::error::Error::source(&error) {
        text = format!("{text}: {}", cause.to_string().trim());
    }
    text.into()
}

fn serve(settings: &Settings, how: Serve) -> Result<(), Failure> {
    let _telemetry = Telemetry::start(settings)?;
    allow_connections(settings.edge.max_connections);
    // Before anything is touched.
    settings.keys()?;
    if how.demo {
        settings.allow_demo()?;
    }
    if how.migrate || how.demo || matches!(settings.database()?, DatabaseUrl::Sqlite(_)) {
        for name in migrations(settings)?.up().map_err(explain)? {
            tracing::info!(name, "migrated");
        }
    }
    if how.demo && load_demo_stores(settings)? {
        println!("Demo data was loaded.");
    }
    actix_web::rt::System::new().block_on(async {
        let listening = build(settings)?;
        let address = listening.address;
        tracing::info!(%address, internal = listening.internal.map(tracing::field::display), "listening");
        if how.demo {
            // Nobody may be reading; the server goes on.
            let _ = writeln!(
                std::io::stdout(),
                "{}",
                demo::greeting(&format!("http://{address}"), settings.edge.admin_path.0.as_deref())
            );
        }
        stopping::run(listening, Duration::from_secs(settings.drain_seconds.into())).await?;
        tracing::info!("stopped");
        Ok(())
    })
}

/// Each connection is an open file, of which the system's usual limit allows a thousand.
fn allow_connections(wanted: u32) {
    // Beside the connections: the database, its log, standard streams, the event loops.
    let needed = u64::from(wanted) + 256;
    match rlimit::increase_nofile_limit(needed) {
        Ok(allowed) if allowed >= needed => {}
        Ok(allowed) => {
            tracing::warn!(allowed, needed, "too few open files are allowed for --max-connections");
        }
        Err(error) => tracing::warn!(%error, "how many open files are allowed is not known"),
    }
}

fn migrations(settings: &Settings) -> Result<Migrations, Failure> {
    Migrations::of(&settings.owner_database()?, &settings.database_options()).map_err(explain)
}

fn migrate(settings: &Settings, status: bool, to: Option<&str>) -> Result<(), Failure> {
    let mut migrations = migrations(settings)?;
    if status {
        for (name, applied) in migrations.status().map_err(explain)? {
            println!("{} {name}", if applied { "applied" } else { "missing" });
        }
        return Ok(());
    }
    if to == Some("none") {
        settings.allow_loss()?;
    }
    let done = match to {
        None => migrations.up(),
        Some("none") => migrations.to(""),
        Some(name) => migrations.to(name),
    }
    .map_err(explain)?;
    if done.is_empty() {
        println!("nothing to do");
    }
    for name in done {
        println!("done {name}");
    }
    Ok(())
}

/// A store and a hasher, for commands that use them without serving.
fn tools(settings: &Settings) -> Result<(Arc<dyn Store>, BcryptHasher), Failure> {
    if let url @ DatabaseUrl::Sqlite(_) = settings.database()? {
        let mut migrations = Migrations::of(&url, &settings.database_options()).map_err(explain)?;
        migrations.up().map_err(explain)?;
    }
    let store = db::open(&settings.database()?, &settings.database_options()).map_err(explain)?;
    store.ready().map_err(explain)?;
    Ok((store, BcryptHasher::new(settings.bcrypt_cost, &settings.password_pepper).map_err(explain)?))
}

fn admin(settings: &Settings, username: &str, email: &str) -> Result<(), Failure> {
    let (store, hasher) = tools(settings)?;
    let password = if std::io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ")?;
        if rpassword::prompt_password("Password again: ")? != password {
            return Err("the passwords differ".into());
        }
        password
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    let mut errors = FieldErrors::default();
    let username_ok = errors.check("username", Username::parse(username));
    let email_ok = errors.check("email", Email::parse(email));
    let password = errors.check("password", NewPassword::parse(&password, &[username, email]));
    errors.finish().map_err(explain)?;
    let (Some(username), Some(email), Some(password)) = (username_ok, email_ok, password) else {
        return Err("nothing was created".into());
    };
    let hash = hasher.hash(&password).map_err(explain)?;
    let new = NewUser { username, email, role: Role::Superuser, hash };
    let user = appoint(store.as_ref(), new).map_err(explain)?;
    println!("created platform admin {}", user.username.as_str());
    Ok(())
}

/// Makes a platform admin, as the operator at the console.
pub fn appoint(store: &dyn Store, new: NewUser) -> haat_domain::error::Result<haat_domain::identity::User> {
    let now = SystemClock.now();
    store.write(None, move |tx| {
        let platform = tx.directory().store_by_id(TenantId::PLATFORM)?.ok_or(Error::NotFound)?;
        create_admin(&mut Cx::acting(tx, Actor::operator(&platform), now), &new)
    })
}

fn load_demo_stores(settings: &Settings) -> Result<bool, Failure> {
    let (store, hasher) = tools(settings)?;
    demo::load(store.as_ref(), &hasher, SystemClock.now()).map_err(explain)
}

fn load_demo(settings: &Settings, size: Option<(u32, u32)>) -> Result<(), Failure> {
    settings.allow_demo()?;
    let Some((tenants, products)) = size else {
        let loaded = load_demo_stores(settings)?;
        println!("{}", if loaded { "Demo data was loaded." } else { "The demo data is there already." });
        return Ok(());
    };
    let (store, hasher) = tools(settings)?;
    let total = u64::from(tenants) * u64::from(products);
    let bar = indicatif::ProgressBar::new(total);
    let style = "{bar:40} {pos}/{len} products, {per_sec}, {eta} left";
    bar.set_style(indicatif::ProgressStyle::with_template(style)?);
    demo::load_many(store.as_ref(), &hasher, SystemClock.now(), (tenants, products), &|done| bar.inc(done))
        .map_err(explain)?;
    bar.finish();
    println!(
        "loaded {tenants} stores with {products} products each; owner1, owner2, ... log in with demo12345"
    );
    Ok(())
}

fn check(settings: &Settings, audit: bool, against: Option<&Path>) -> Result<(), Failure> {
    let mut faults: Vec<String> =
        settings.faults().iter().map(|fault| format!("settings: {fault}")).collect();
    if let Ok(url) = settings.database() {
        let broken = check_database(&url, settings);
        if audit && broken.is_empty() {
            faults.extend(audit_log::check(&url, settings, against)?);
        }
        faults.extend(broken);
    }
    if let Ok(Some(replica)) = settings.replica_database() {
        let found = db::check_standby(&replica, &settings.database_options());
        let found = found.unwrap_or_else(|error| vec![explain(error).to_string()]);
        faults.extend(found.into_iter().map(|fault| format!("replica: {fault}")));
    }
    faults.dedup();
    for fault in &faults {
        eprintln!("FAULT {fault}");
    }
    match faults.len() {
        0 => {
            println!("settings, database, {} migrations and walls are in order", MIGRATIONS.len());
            Ok(())
        }
        faults => Err(format!("{faults} faults").into()),
    }
}

fn check_database(url: &DatabaseUrl, settings: &Settings) -> Vec<String> {
    let options = settings.database_options();
    // Looking must not make anything: a SQLite file that is not there stays so.
    if let DatabaseUrl::Sqlite(path) = url
        && !path.exists()
    {
        return vec![format!("database: there is no file {}", path.display())];
    }
    let store = match db::open(url, &options) {
        Ok(store) => store,
        Err(error) => return vec![format!("database: {}", explain(error))],
    };
    let current = store.ready().err().map(|error| format!("migrations: {}", explain(error)));
    let walls = db::check_walls(url, &options).unwrap_or_else(|error| vec![explain(error).to_string()]);
    current.into_iter().chain(walls.into_iter().map(|fault| format!("walls: {fault}"))).collect()
}
