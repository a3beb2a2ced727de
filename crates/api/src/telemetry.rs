//! Where the program's logs go and, in a build with the feature `otlp`, its traces.

use crate::Failure;
use crate::config::{LogFormat, Settings};
use std::io::{BufWriter, IsTerminal};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// Logs and traces, until this is dropped, which writes and sends what is left.
pub(crate) struct Telemetry {
    #[cfg(feature = "otlp")]
    _traces: Option<crate::traces::Exporter>,
    /// The thread that writes the log, and all lines that wait in one go: a request that writes its own line pays a
    /// third of its time for that.
    _log: WorkerGuard,
}

impl Telemetry {
    /// Begins, as the settings say.
    pub(crate) fn start(settings: &Settings) -> Result<Self, Failure> {
        let filter = EnvFilter::try_new(&settings.log)?;
        // What does not fit is waited for: a line that is missing is worse than one that is late.
        let slow = NonBlockingBuilder::default().lossy(false).thread_name("log");
        let (out, log) = slow.finish(BufWriter::new(std::io::stderr()));
        let logs = tracing_subscriber::fmt::layer().with_writer(out);
        let logs: Box<dyn Layer<Registry> + Send + Sync> = match settings.log_format {
            LogFormat::Text => Box::new(logs.with_ansi(std::io::stderr().is_terminal()).with_filter(filter)),
            LogFormat::Json => Box::new(logs.json().flatten_event(true).with_filter(filter)),
        };
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
