//! The settings of the HTTP edge.

use crate::cors::Origins;
use crate::limits::Limit;
use clap::Args;
use std::net::SocketAddr;
use std::time::Duration;

/// Who is let in, how often, and for how long.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub struct EdgeSettings {
    /// A further address, IP:PORT, that alone serves metrics, the OpenAPI document and Swagger UI, and nothing else but health
    #[arg(long, env = "HAAT_INTERNAL_ADDRESS", global = true, value_name = "IP:PORT")]
    pub internal_address: Option<SocketAddr>,
    /// Proxies in front of the server: so many entries of X-Forwarded-For, from the right, are believed
    #[arg(long, env = "HAAT_TRUSTED_PROXIES", global = true, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=16), value_name = "N")]
    pub trusted_proxies: u8,
    /// Requests of one client address: per second, and at once; or "off"
    #[arg(long, env = "HAAT_LIMIT_ADDRESS", global = true, default_value = "100/400", value_parser = Limit::parse, value_name = "RATE/BURST")]
    pub limit_address: Limit,
    /// Requests of one user: per second, and at once; or "off"
    #[arg(long, env = "HAAT_LIMIT_USER", global = true, default_value = "50/200", value_parser = Limit::parse, value_name = "RATE/BURST")]
    pub limit_user: Limit,
    /// Requests of one store's users together: per second, and at once; or "off"
    #[arg(long, env = "HAAT_LIMIT_TENANT", global = true, default_value = "500/2000", value_parser = Limit::parse, value_name = "RATE/BURST")]
    pub limit_tenant: Limit,
    /// Connections of clients; more wait
    #[arg(long, env = "HAAT_MAX_CONNECTIONS", global = true, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub max_connections: u32,
    /// Requests that may be at the database, or wait for it, at once; meanwhile others are answered 503
    #[arg(long, env = "HAAT_WORK_LIMIT", global = true, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub work_limit: u32,
    /// Seconds that a client has for the head of a connection's first request
    #[arg(long, env = "HAAT_HEAD_TIMEOUT", global = true, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3600), value_name = "SECONDS")]
    pub head_timeout: u16,
    /// Seconds that a client has for the body of a request (a slower one is answered 408), and, unless the head's are
    /// more, for a further head and for taking a piece of an answer, or its connection ends
    #[arg(long, env = "HAAT_REQUEST_TIMEOUT", global = true, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3600), value_name = "SECONDS")]
    pub request_timeout: u16,
    /// The path of the admin panel, or "off"
    #[arg(long, env = "HAAT_ADMIN_PATH", global = true, default_value = "/admin", value_parser = PanelPath::parse, value_name = "PATH")]
    pub admin_path: PanelPath,
    /// The largest file that the admin panel imports, in bytes; it is kept in the system's folder for temporary files meanwhile
    #[arg(
        long,
        env = "HAAT_IMPORT_LIMIT",
        global = true,
        default_value_t = 67_108_864,
        value_name = "BYTES"
    )]
    pub import_limit: usize,
    /// Origins whose pages may use the API from a browser, between commas, each as scheme, host and port
    #[arg(long, env = "HAAT_CORS_ORIGINS", global = true, default_value = "", value_parser = Origins::parse, value_name = "ORIGINS")]
    pub cors_origins: Origins,
}

/// Where the admin panel is, if anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelPath(pub Option<String>);

impl PanelPath {
    fn parse(text: &str) -> Result<Self, String> {
        haat_admin::parse_path(text).map(Self)
    }
}

impl EdgeSettings {
    /// How long a head may take.
    pub fn head_time(&self) -> Duration {
        Duration::from_secs(self.head_timeout.into())
    }

    /// How long a body may take.
    pub fn body_time(&self) -> Duration {
        Duration::from_secs(self.request_timeout.into())
    }

    /// The admin panel, unless it is switched off.
    pub fn panel(&self) -> Option<haat_admin::Panel> {
        let base = self.admin_path.0.clone()?;
        let (body_time, import_limit) = (self.body_time(), self.import_limit);
        Some(haat_admin::Panel { base, body_time, import_limit, imports: haat_admin::Turns::default() })
    }

    /// Units of work that may be under way at once.
    pub fn work_limit(&self) -> usize {
        usize::try_from(self.work_limit).unwrap_or(usize::MAX)
    }

    /// Connections for each of so many threads: the process's share, rounded up.
    pub fn connections_each(&self, threads: usize) -> usize {
        usize::try_from(self.max_connections).unwrap_or(usize::MAX).div_ceil(threads.max(1))
    }
}
