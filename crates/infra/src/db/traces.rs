//! Spans of statements, for whoever traces. Each tells what kind of thing is done to which table, as OpenTelemetry's
//! conventions for databases name that, and nothing else: values and tenants do not leave.

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use std::fmt::{self, Display, Write};
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
            self.span = is_in_a_traced_transaction().then(|| span(self.system, &Text::of(query).0));
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

/// A statement without the values that are bound in it. diesel writes those behind it, in one go; here nobody takes
/// them, so that they are not even formatted.
struct Text(String);

impl Text {
    fn of(query: &(impl Display + ?Sized)) -> Self {
        let mut text = Self(String::new());
        // It fails where the values begin.
        let _ = write!(text, "{query}");
        text
    }
}

impl Write for Text {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let Some((end, _)) = piece.split_once(" -- binds") else { return self.0.write_str(piece) };
        self.0.push_str(end);
        Err(fmt::Error)
    }
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

/// What is done, and to which table first; what is in brackets there is none. Both are words of ours: no value is ever
/// the name of a table.
fn summary(sql: &str) -> (&str, Option<&str>) {
    let mut words = sql.split_whitespace();
    let operation = words.clone().next().unwrap_or_default();
    words.find(|word| matches!(*word, "FROM" | "INTO" | "UPDATE"));
    let table = words.next().filter(|word| !word.starts_with('('));
    (operation, table.map(|table| table.trim_matches(['"', '`', ';', ')'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_what_it_does_to_which_table() {
        for (sql, told) in [
            ("SELECT \"users\".\"id\" FROM \"users\" WHERE ($1)", ("SELECT", Some("users"))),
            ("SELECT `id` FROM `products` LIMIT ?", ("SELECT", Some("products"))),
            ("UPDATE products SET stock = stock - $1", ("UPDATE", Some("products"))),
            ("INSERT INTO orders (id) VALUES ($1)", ("INSERT", Some("orders"))),
            ("DELETE FROM sessions", ("DELETE", Some("sessions"))),
            ("WITH named AS (SELECT id FROM users WHERE true) SELECT 1", ("WITH", Some("users"))),
            ("SELECT count(*) FROM (SELECT id FROM users) AS found", ("SELECT", None)),
            ("SET LOCAL app.tenant_id = '5'", ("SET", None)),
            ("", ("", None)),
        ] {
            assert_eq!(summary(sql), told, "{sql}");
        }
    }

    #[test]
    fn values_are_not_looked_at() {
        let query = diesel::sql_query("SELECT $1").bind::<diesel::sql_types::Text, _>("FROM secrets");
        let query = diesel::debug_query::<diesel::pg::Pg, _>(&query);
        assert!(query.to_string().contains("secrets"), "{query}");
        assert_eq!(Text::of(&query).0, "SELECT $1");
    }
}
