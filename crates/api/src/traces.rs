//! Traces over OTLP. Only spans that are made for it are sent, with their own fields: neither the log's lines nor its
//! spans, and so nothing of a store, a user, a token or an address.

use crate::Failure;
use actix_web::http::header::{HeaderMap, HeaderName};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing::subscriber::Subscriber;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// Sends traces, in batches, on a thread of its own.
pub(crate) struct Exporter(SdkTracerProvider);

impl Exporter {
    /// To a collector at this base address. What else there is to be set, `OTEL_` variables say.
    pub(crate) fn start<S>(endpoint: &str) -> Result<(Self, impl Layer<S> + use<S>), Failure>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("haat"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_filter(filter_fn(|metadata| metadata.target() == haat_app::TRACES));
        haat_infra::db::trace_statements();
        Ok((Self(provider), layer))
    }
}

impl Drop for Exporter {
    /// Sends what was not sent yet.
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// The service, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` name it.
fn resource() -> Resource {
    let found = Resource::builder().build();
    let name = found.get(&"service.name".into()).map(|name| name.to_string()).unwrap_or_default();
    if name.starts_with("unknown_service") {
        Resource::builder().with_service_name("haat").build()
    } else {
        found
    }
}

/// Makes a span go on with the trace that a request belongs to (W3C Trace Context).
pub(crate) fn go_on(span: &Span, headers: &HeaderMap) {
    if !span.is_disabled() && headers.contains_key("traceparent") {
        let parent = TraceContextPropagator::new().extract(&Headers(headers));
        // It fails where nobody traces.
        let _ = span.set_parent(parent);
    }
}

/// Says in a request's span what has come of it. Its name is known only when it has found its route, when it has long
/// begun: `otel.name` would come too late.
pub(crate) fn answered(span: &Span, method: &str, route: &str, status: u16) {
    if !span.is_disabled() {
        span.context().span().update_name(format!("{method} {route}"));
        span.record("http.route", route).record("http.response.status_code", status);
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
