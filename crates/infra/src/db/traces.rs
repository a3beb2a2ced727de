//! Spans of statements, for whoever traces. Each tells what kind of thing is done to which table, as OpenTelemetry's
//! conventions for databases name that, and nothing else: values and tenants do not leave.

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use tracing::field::Empty;
use tracing::{Span, trace_span};

/// As `haat_app` has it. A transaction that is traced has a span of this target, and so have its statements.
const TRACES: &str = "haat::traces";

/// Has statements be traced on every connection that is made from now on. Where this was never called, nothing looks at
/// any statement.
pub fn trace_statements() {
    // It fails where somebody has panicked in the midst of it.
    let _ = set_default_instrumentation(|| Some(Box::new(Statements::default())));
}

/// What is sent over one connection.
#[derive(Default)]
struct Statements {
    system: &'static str,
    /// The statement that is being answered.
    span: Option<Span>,
}

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartEstablishConnection { url, .. } = event {
            self.system = if url.starts_with("postgres") { "postgresql" } else { "sqlite" };
        } else if let InstrumentationEvent::StartQuery { query, .. } = event {
            self.span = is_in_a_traced_transaction().then(|| span(self.system, &query.to_string()));
        } else if let InstrumentationEvent::FinishQuery { error, .. } = event
            && let (Some(span), Some(_)) = (self.span.take(), error)
        {
            span.record("otel.status_code", "ERROR");
        }
    }
}

fn is_in_a_traced_transaction() -> bool {
    Span::current().metadata().is_some_and(|span| span.target() == TRACES)
}

fn span(system: &'static str, sql: &str) -> Span {
    let (operation, table) = summary(sql);
    let name = [operation, table.unwrap_or_default()].join(" ");
    trace_span!(
        target: TRACES,
        "statement",
        otel.kind = "client",
        otel.name = name.trim_end(),
        otel.status_code = Empty,
        db.system.name = system,
        db.operation.name = operation,
        db.collection.name = table,
    )
}

/// What is done, and to which table first. Both are words of ours: no value is ever the name of a table.
fn summary(sql: &str) -> (&str, Option<&str>) {
    let mut words = sql.split_whitespace();
    let operation = words.clone().next().unwrap_or_default();
    words.find(|word| matches!(*word, "FROM" | "INTO" | "UPDATE"));
    (operation, words.next().map(|table| table.trim_matches(['"', '`', ';', '(', ')'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_what_it_does_to_which_table() {
        for (sql, told) in [
            ("SELECT \"users\".\"id\" FROM \"users\" WHERE ($1) -- binds: [7]", ("SELECT", Some("users"))),
            ("SELECT `id` FROM `products` LIMIT ?", ("SELECT", Some("products"))),
            ("UPDATE products SET stock = stock - $1", ("UPDATE", Some("products"))),
            ("INSERT INTO orders (id) VALUES ($1)", ("INSERT", Some("orders"))),
            ("DELETE FROM sessions", ("DELETE", Some("sessions"))),
            ("WITH named AS (SELECT id FROM users WHERE true) SELECT 1", ("WITH", Some("users"))),
            ("SET LOCAL app.tenant_id = '5'", ("SET", None)),
            ("", ("", None)),
        ] {
            assert_eq!(summary(sql), told, "{sql}");
        }
    }
}
