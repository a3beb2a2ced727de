//! Settings: flags and environment variables, from one struct. The one place that reads the environment.

mod edge;

pub use self::edge::{EdgeSettings, PanelPath};

use clap::{Args, Parser, Subcommand, ValueEnum};
use haat_domain::money::Currency;
use haat_infra::db::{DatabaseUrl, Options, Synchronous};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A multi-tenant e-commerce server: one program, SQLite or PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "haat", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do; without it: serve.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings.
    #[command(flatten)]
    pub settings: Settings,
    /// How to serve, where no command is given.
    #[command(flatten)]
    pub serve: Serve,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer requests (what happens without a command)
    Serve(Serve),
    /// Bring the database's schema up to date
    Migrate {
        /// Only show which migrations were applied
        #[arg(long)]
        status: bool,
        /// Apply or take back migrations until this one is the newest; "none" takes all back, and their data
        #[arg(long, value_name = "NAME", conflicts_with = "status")]
        to: Option<String>,
    },
    /// Make somebody a platform admin; the password is asked for, or read from standard input
    CreateAdmin {
        /// What the admin logs in with
        username: String,
        /// The admin's e-mail address
        email: String,
    },
    /// Load demo data: the stores of `serve --demo`, or a large data set
    Demo {
        /// How many stores to make, instead of the usual two
        #[arg(long, value_name = "N", requires = "products")]
        tenants: Option<u32>,
        /// How many products each of them has
        #[arg(long, value_name = "N", requires = "tenants")]
        products: Option<u32>,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Verify settings, database, migrations and walls; fails with one line for each fault
    Check {
        /// Verify the audit logs of all stores as well, and print the last link of each, to be kept elsewhere
        #[arg(long)]
        audit: bool,
        /// The same, and compare with what an earlier `check --audit` has printed into this file
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
    },
    /// Write the whole SQLite database, as it is now, to a file; the server may go on
    Backup(NewFile),
    /// Put a backup in the place of the SQLite database, which is kept under another name; not while it is in use
    Restore {
        /// A file that `haat backup` has written
        file: PathBuf,
    },
    /// Write one whole store to a file, to be imported on this or another server
    Export {
        /// The store's slug or name
        #[arg(long, value_name = "SLUG")]
        store: String,
        /// Where to
        #[command(flatten)]
        to: NewFile,
    },
    /// Make the store that `haat export` has written, with all its numbers: all of it or nothing
    Import {
        /// A file that `haat export` has written
        file: PathBuf,
    },
}

/// A file to be written.
#[derive(Debug, Clone, Args)]
pub struct NewFile {
    /// The file to write; it is there when it is complete, and not before
    pub file: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    pub force: bool,
}

/// How to serve.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Serve {
    /// Load the demo stores unless they are there, and print their accounts (not in production)
    #[arg(long)]
    pub demo: bool,
    /// Migrate the database first; on SQLite that is always done
    #[arg(long)]
    pub migrate: bool,
}

/// Where the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    /// On somebody's desk: a missing signing key is made, demo data is welcome.
    Development,
    /// Where it matters: nothing is assumed.
    Production,
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

/// What a COMMIT waits for on SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SqliteSynchronous {
    /// The disk.
    Full,
    /// The operating system.
    Normal,
}

/// All settings. Each is a flag, an environment variable, or a line of a `.env` file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// Where the program runs: in production nothing is assumed
    #[arg(long = "env", env = "HAAT_ENV", global = true, value_enum, default_value = "development")]
    pub environment: Environment,
    /// The database: sqlite:PATH or postgres://... [default in development: sqlite:./data/haat.db]
    #[arg(long, env = "DATABASE_URL", global = true, hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// The database for migrations, where the owner of the tables logs in elsewise than the program
    #[arg(long, env = "DATABASE_OWNER_URL", global = true, hide_env_values = true, value_name = "URL")]
    pub database_owner_url: Option<String>,
    /// The PostgreSQL role in which sessions work
    #[arg(long, env = "HAAT_DATABASE_ROLE", global = true, default_value = "haat_app", value_name = "ROLE")]
    pub database_role: String,
    /// Connections to PostgreSQL, or for reading from SQLite
    #[arg(long, env = "HAAT_DATABASE_POOL", global = true, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
    pub database_pool: u32,
    /// Milliseconds that a request waits for its turn at the database; then it is answered 503
    #[arg(long, env = "HAAT_PATIENCE", global = true, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=60_000), value_name = "MILLISECONDS")]
    pub patience: u32,
    /// Seconds that PostgreSQL may work on one statement
    #[arg(long, env = "HAAT_STATEMENT_TIMEOUT", global = true, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3600), value_name = "SECONDS")]
    pub statement_timeout: u16,
    /// What an acknowledged write has survived on SQLite: the loss of power, or only the program's end
    #[arg(long, env = "HAAT_SQLITE_SYNCHRONOUS", global = true, value_enum, default_value = "full")]
    pub sqlite_synchronous: SqliteSynchronous,
    /// The address to listen on
    #[arg(long, env = "HAAT_HOST", global = true, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub host: IpAddr,
    /// The port to listen on; 0: any free one
    #[arg(long, env = "PORT", global = true, default_value_t = 8000, value_name = "PORT")]
    pub port: u16,
    /// Threads that answer requests [default: as many as there are processors]
    #[arg(long, env = "HAAT_WORKERS", global = true, value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    pub workers: Option<u16>,
    /// A secret that signs tokens: at least 32 bytes [default in development: a file beside the database, made at first start]
    #[arg(long, env = "HAAT_SECRET_KEY", global = true, hide_env_values = true, value_name = "SECRET")]
    pub secret_key: Option<String>,
    /// The secret before this one: signs no more, and verifies what it has signed
    #[arg(
        long,
        env = "HAAT_PREVIOUS_SECRET_KEY",
        global = true,
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub previous_secret_key: Option<String>,
    /// A file with an Ed25519 private key (PKCS#8, PEM) that signs tokens; a secret key then only verifies
    #[arg(long, env = "HAAT_SIGNING_KEY_FILE", global = true, value_name = "FILE")]
    pub signing_key_file: Option<PathBuf>,
    /// The file with the signing key before this one: signs no more, and verifies what it has signed
    #[arg(long, env = "HAAT_PREVIOUS_SIGNING_KEY_FILE", global = true, value_name = "FILE")]
    pub previous_signing_key_file: Option<PathBuf>,
    /// The issuer named in tokens
    #[arg(long, env = "HAAT_TOKEN_ISSUER", global = true, default_value = "haat", value_name = "NAME")]
    pub token_issuer: String,
    /// The audience named in tokens
    #[arg(long, env = "HAAT_TOKEN_AUDIENCE", global = true, default_value = "haat-api", value_name = "NAME")]
    pub token_audience: String,
    /// Mixed into every password hash; with another one no stored password fits any more
    #[arg(
        long,
        env = "HAAT_PASSWORD_PEPPER",
        global = true,
        hide_env_values = true,
        default_value = "",
        value_name = "SECRET"
    )]
    pub password_pepper: String,
    /// The cost of a password hash; each step doubles its time
    #[arg(long, env = "HAAT_BCRYPT_COST", global = true, default_value_t = 12, value_parser = clap::value_parser!(u32).range(4..=16), value_name = "COST")]
    pub bcrypt_cost: u32,
    /// Threads that hash passwords
    #[arg(long, env = "HAAT_HASHING_THREADS", global = true, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub hashing_threads: u16,
    /// Passwords that may wait for a thread; more are answered 429
    #[arg(long, env = "HAAT_HASHING_QUEUE", global = true, default_value_t = 32, value_name = "N")]
    pub hashing_queue: u16,
    /// Failed logins of an account, or from an address, before each further one doubles a wait; 0: there is none
    #[arg(
        long,
        env = "HAAT_FREE_FAILURES",
        global = true,
        default_value_t = 5,
        value_parser = clap::value_parser!(u16).range(0..=1000),
        value_name = "N"
    )]
    pub free_failures: u16,
    /// The currency of a store that names none (ISO 4217)
    #[arg(long, env = "HAAT_CURRENCY", global = true, default_value = "INR", value_parser = currency, value_name = "CODE")]
    pub currency: Currency,
    /// The largest body of a request, in bytes
    #[arg(long, env = "HAAT_BODY_LIMIT", global = true, default_value_t = 1_048_576, value_name = "BYTES")]
    pub body_limit: usize,
    /// Seconds between the signal to stop and the end of listening, in which /readyz is 503 and all else is answered
    #[arg(long, env = "HAAT_DRAIN_SECONDS", global = true, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=600), value_name = "SECONDS")]
    pub drain_seconds: u16,
    /// Seconds that requests under way have at the end
    #[arg(long, env = "HAAT_SHUTDOWN_SECONDS", global = true, default_value_t = 30, value_name = "SECONDS")]
    pub shutdown_seconds: u16,
    /// How logs look
    #[arg(long, env = "HAAT_LOG_FORMAT", global = true, value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// What is logged, as tracing's `EnvFilter` has it
    #[arg(long, env = "HAAT_LOG", global = true, default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// The base address of a collector for traces (OTLP over HTTP), for a program that was built with the feature otlp
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", global = true, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// The HTTP edge
    #[command(flatten)]
    pub edge: EdgeSettings,
}

fn currency(code: &str) -> Result<Currency, String> {
    Currency::parse(code).map_err(|fault| fault.to_string())
}

/// A setting that does not do, as a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(String);

impl SettingError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl Settings {
    /// The database.
    pub fn database(&self) -> Result<DatabaseUrl, SettingError> {
        match (&self.database_url, self.environment) {
            (Some(url), _) => parse_url("DATABASE_URL", url),
            (None, Environment::Development) => Ok(DatabaseUrl::Sqlite("./data/haat.db".into())),
            (None, Environment::Production) => {
                Err(SettingError::new("DATABASE_URL must be set in production"))
            }
        }
    }

    /// The database as the owner of its tables logs in.
    pub fn owner_database(&self) -> Result<DatabaseUrl, SettingError> {
        self.database_owner_url
            .as_ref()
            .map_or_else(|| self.database(), |url| parse_url("DATABASE_OWNER_URL", url))
    }

    /// How to use it.
    pub fn database_options(&self) -> Options {
        let mut options = Options::default();
        options.sqlite.readers = self.database_pool;
        options.sqlite.synchronous = match self.sqlite_synchronous {
            SqliteSynchronous::Full => Synchronous::Full,
            SqliteSynchronous::Normal => Synchronous::Normal,
        };
        options.postgres.statement_timeout = Duration::from_secs(self.statement_timeout.into());
        let patience = Duration::from_millis(self.patience.into());
        options.sqlite.patience = patience;
        options.postgres.patience = patience;
        options.postgres.pool = self.database_pool;
        options.postgres.role.clone_from(&self.database_role);
        options
    }

    /// Whether demo data may be loaded here.
    pub fn allow_demo(&self) -> Result<(), SettingError> {
        self.not_in_production("demo data has known passwords")
    }

    /// Whether all data may be thrown away here.
    pub fn allow_loss(&self) -> Result<(), SettingError> {
        self.not_in_production("taking all migrations back throws all data away")
    }

    fn not_in_production(&self, why: &str) -> Result<(), SettingError> {
        match self.environment {
            Environment::Development => Ok(()),
            Environment::Production => Err(SettingError::new(format!("{why}: not in production"))),
        }
    }

    /// Every fault of the settings.
    pub fn faults(&self) -> Vec<SettingError> {
        let owner = self.database_owner_url.as_ref().and_then(|_| self.owner_database().err());
        let cheap = self.environment == Environment::Production && self.bcrypt_cost < MIN_COST;
        let cost = cheap.then(|| {
            SettingError::new(format!("HAAT_BCRYPT_COST must be at least {MIN_COST} in production"))
        });
        [self.database().err(), owner, cost].into_iter().flatten().chain(self.key_faults()).collect()
    }
}

/// What OWASP's Password Storage Cheat Sheet asks of bcrypt at least.
const MIN_COST: u32 = 10;

fn parse_url(name: &str, url: &str) -> Result<DatabaseUrl, SettingError> {
    url.parse().map_err(|wrong| SettingError::new(format!("{name} {wrong}")))
}
