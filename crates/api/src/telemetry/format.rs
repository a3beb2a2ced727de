//! What a line of the log looks like: docs/adr/0021-what-a-request-costs.md says why that is decided here.

use super::lines::Lines;
use crate::config::LogFormat;
use haat_domain::ports::Clock;
use haat_infra::clock::SystemClock;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{Arguments, Debug, Write as _};
use std::sync::Arc;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

tokio::task_local! {
    /// The number of the request that is being answered: what is logged meanwhile says it, and so does the audit log.
    pub(crate) static REQUEST: Arc<str>;
}

thread_local! {
    /// Where this thread makes its lines.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Each event is a line.
pub(super) struct Log {
    pub(super) lines: Lines,
    pub(super) format: LogFormat,
    /// Whether a terminal shows it.
    pub(super) colours: bool,
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Taken, not borrowed: what makes itself into text may log as well.
        let mut line = LINE.take();
        line.clear();
        match self.format {
            LogFormat::Json => json(&mut line, event),
            LogFormat::Text => text(&mut line, event, self.colours),
        }
        self.lines.leave(&line);
        LINE.set(line);
    }
}

/// How grave it is, and where in the code it comes from. What a library says by way of the crate `log` has its own
/// place in fields.
fn origin<'e>(event: &'e Event<'_>) -> (Level, Cow<'e, str>) {
    match event.normalized_metadata() {
        Some(told) => (*told.level(), Cow::Owned(told.target().to_owned())),
        None => (*event.metadata().level(), Cow::Borrowed(event.metadata().target())),
    }
}

fn json(line: &mut Vec<u8>, event: &Event<'_>) {
    let (level, target) = origin(event);
    let mut fields = Json(line);
    fields.0.push(b'{');
    fields.text("timestamp", format_args!("{}", SystemClock.now()));
    fields.member("level", level.as_str());
    fields.member("target", &target);
    event.record(&mut fields);
    let _ = REQUEST.try_with(|request| fields.member("request", &**request));
    line.extend_from_slice(b"}\n");
}

/// The members of a line's object. Writing them to memory does not fail.
struct Json<'l>(&'l mut Vec<u8>);

impl Json<'_> {
    /// Names are those of the source, in which nothing needs to be escaped.
    fn name(&mut self, name: &str) {
        self.0.extend_from_slice(if self.0.len() > 1 { b",\"" } else { b"\"" });
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn text(&mut self, name: &str, value: Arguments<'_>) {
        self.name(name);
        let _ = serde_json::Serializer::new(&mut *self.0).collect_str(&value);
    }

    fn member(&mut self, name: &str, value: impl Serialize) {
        self.name(name);
        let _ = serde_json::to_writer(&mut *self.0, &value);
    }

    fn value(&mut self, field: &Field, value: impl Serialize) {
        if !is_of_the_bridge(field) {
            self.member(field.name(), value);
        }
    }
}

impl Visit for Json<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if !is_of_the_bridge(field) {
            self.text(field.name(), format_args!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.value(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, value);
    }
}

/// Whether it tells where a line of the crate `log` comes from: [`origin`] has that.
fn is_of_the_bridge(field: &Field) -> bool {
    field.name().starts_with("log.")
}

fn text(line: &mut Vec<u8>, event: &Event<'_>, colours: bool) {
    let (level, target) = origin(event);
    let mut fields = Text(line);
    let _ = write!(fields, "{} ", SystemClock.now());
    if colours {
        fields.0.extend_from_slice(colour(level));
    }
    let _ = write!(fields, "{level:>5}");
    if colours {
        fields.0.extend_from_slice(b"\x1b[0m");
    }
    let _ = write!(fields, " {target}:");
    event.record(&mut fields);
    let _ = REQUEST.try_with(|request| write!(fields, " request={request}"));
    line.push(b'\n');
}

fn colour(level: Level) -> &'static [u8] {
    match level {
        Level::ERROR => b"\x1b[31m",
        Level::WARN => b"\x1b[33m",
        Level::INFO => b"\x1b[32m",
        _ => b"\x1b[34m",
    }
}

/// Text on one line, whatever it holds.
struct Text<'l>(&'l mut Vec<u8>);

impl Text<'_> {
    fn push(&mut self, c: char) {
        self.0.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

impl std::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            if c.is_control() {
                c.escape_default().for_each(|c| self.push(c));
            } else {
                self.push(c);
            }
        }
        Ok(())
    }
}

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = match field.name() {
            "message" => write!(self, " {value:?}"),
            _ if is_of_the_bridge(field) => Ok(()),
            name => write!(self, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, log: impl FnOnce()) -> Vec<String> {
        let paper = Paper::default();
        let (lines, writing) = Lines::write_to(paper.clone()).unwrap();
        let subscriber = tracing_subscriber::registry().with(Log { lines, format, colours: false });
        tracing::subscriber::with_default(subscriber, log);
        drop(writing);
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn some_event() {
        let name = "a \"b\"\n\u{1b}[31mc";
        tracing::warn!(name, count = 3_u64, below = -1_i64, ok = true, kind = %format_args!("k\nl"), "it\nhappened");
    }

    #[test]
    fn json_is_an_object_on_one_line_whatever_a_value_holds() {
        let lines = logged(LogFormat::Json, || REQUEST.sync_scope("r-1".into(), some_event));
        assert_eq!(lines.len(), 1);
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "it\nhappened");
        assert_eq!(line["name"], "a \"b\"\n\u{1b}[31mc");
        assert_eq!((&line["count"], &line["below"], &line["ok"]), (&3.into(), &(-1).into(), &true.into()));
        assert_eq!(line["kind"], "k\nl");
        assert_eq!(line["request"], "r-1");
        assert!(line["target"].as_str().unwrap().starts_with("haat_api"));
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn text_is_one_line_whatever_a_value_holds() {
        let lines = logged(LogFormat::Text, || REQUEST.sync_scope("r-1".into(), some_event));
        assert_eq!(lines.len(), 1);
        let (_, line) = lines[0].split_once(" WARN ").unwrap();
        let (_, said) = line.split_once(": ").unwrap();
        let name = r#"name="a \"b\"\n\u{1b}[31mc""#;
        assert_eq!(said, format!(r"it\nhappened {name} count=3 below=-1 ok=true kind=k\nl request=r-1"));
    }
    #[test]
    fn what_a_library_logs_by_way_of_the_crate_log_has_its_own_target() {
        let record = log::Record::builder()
            .args(format_args!("no connection"))
            .level(log::Level::Error)
            .target("r2d2")
            .file(Some("r2d2.rs"))
            .build();
        let lines = logged(LogFormat::Json, || tracing_log::format_trace(&record).unwrap());
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!((&line["target"], &line["level"]), (&"r2d2".into(), &"ERROR".into()));
        assert_eq!(line.as_object().unwrap().len(), 4, "{line}");
    }
}
