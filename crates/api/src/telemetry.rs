//! Where the program's logs go and, in a build with the feature `otlp`, its traces.

mod format;
mod lines;

use self::format::Log;
pub(crate) use self::format::REQUEST;
use self::lines::{Lines, Writing};
use crate::Failure;
use crate::config::Settings;
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Logs and traces, until this is dropped, which writes and sends what is left.
pub(crate) struct Telemetry {
    #[cfg(feature = "otlp")]
    _traces: Option<crate::traces::Exporter>,
    _log: Writing,
}

impl Telemetry {
    /// Begins, as the settings say.
    pub(crate) fn start(settings: &Settings) -> Result<Self, Failure> {
        let filter = EnvFilter::try_new(&settings.log)?;
        let (out, log) = Lines::write_to(std::io::stderr())?;
        let (format, colours) = (settings.log_format, std::io::stderr().is_terminal());
        let logs = Log { lines: out, format, colours }.with_filter(filter);
        let subscriber = tracing_subscriber::registry().with(logs);
        #[cfg(feature = "otlp")]
        if let Some(endpoint) = &settings.otlp_endpoint {
            let (exporter, layer) = crate::traces::Exporter::start(endpoint)?;
            subscriber.with(layer).try_init()?;
            return Ok(Self { _traces: Some(exporter), _log: log });
        }
        subscriber.try_init()?;
        if cfg!(not(feature = "otlp")) && settings.otlp_endpoint.is_some() {
            tracing::warn!("OTEL_EXPORTER_OTLP_ENDPOINT is set, and this program was built without `otlp`");
        }
        Ok(Self {
            #[cfg(feature = "otlp")]
            _traces: None,
            _log: log,
        })
    }
}
