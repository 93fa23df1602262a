//! Log lines on standard error, with the reference's fields (config-cli.md §5.3).
//!
//! Code logs through `tracing`; the layer here writes the lines. A dotted field name becomes an object
//! (`error.reason = …`), `audience = "audit"` marks an audit event. The two lines of a request have nested fields and are
//! on the hot path, so [`request`] writes them without that detour, and [`later`] writes many of them at once. What
//! nobody should read goes through [`sensitive`]. The settings hold from [`install`] until the process ends.
mod gelf;
mod later;
mod line;
pub mod request;

use crate::config::log::{Log, LogFormat, LogLevel};
use line::Entry;
use serde_json::{Map, Value};
use std::sync::OnceLock;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// What stands for a value that must not be read, unless the operator has other words for it.
const REDACTED: &str = "[hidden, unless log.leak_sensitive_values is set]";

/// How lines look and what they may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    pub level: LevelFilter,
    pub format: LogFormat,
    pub leak_sensitive_values: bool,
    pub redaction_text: String,
    pub service_version: String,
}

impl LogSettings {
    /// From the configuration; the version is the server's own.
    #[must_use]
    pub fn new(log: &Log, service_version: &str) -> Self {
        Self {
            level: match log.level {
                LogLevel::Trace => LevelFilter::TRACE,
                LogLevel::Debug => LevelFilter::DEBUG,
                LogLevel::Info => LevelFilter::INFO,
                LogLevel::Warning => LevelFilter::WARN,
                LogLevel::Error | LogLevel::Fatal | LogLevel::Panic => LevelFilter::ERROR,
            },
            format: log.format,
            leak_sensitive_values: log.leak_sensitive_values,
            redaction_text: log
                .redaction_text
                .clone()
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| REDACTED.to_owned()),
            service_version: service_version.to_owned(),
        }
    }
}

static SETTINGS: OnceLock<LogSettings> = OnceLock::new();

/// Begins to log. Only the first call counts; before it, and in tests that never call it, nothing is written.
pub fn install(settings: LogSettings) {
    let level = settings.level;
    if SETTINGS.set(settings).is_err() {
        return;
    }
    later::start();
    // Others' details are of use only to who asks for everything.
    let others = if level == LevelFilter::TRACE {
        LevelFilter::DEBUG
    } else {
        level.min(LevelFilter::WARN)
    };
    let filter = Targets::new()
        .with_default(others)
        .with_target("kratos", level);
    // An error means that somebody else has installed a subscriber: theirs stays.
    let _ = tracing_subscriber::registry()
        .with(Lines.with_filter(filter))
        .try_init();
}

/// Writes what still waits: before the program ends.
pub fn flush() {
    later::write(&[]);
}

/// The settings in force, if lines are written at all.
pub(crate) fn settings() -> Option<&'static LogSettings> {
    SETTINGS.get()
}

/// The value if the operator wants to see such values, else the words that stand for it; nothing for nothing.
#[must_use]
pub fn sensitive(value: &str) -> &str {
    match settings() {
        _ if value.is_empty() => "",
        Some(settings) if settings.leak_sensitive_values => value,
        Some(settings) => &settings.redaction_text,
        None => REDACTED,
    }
}

/// Writes lines for events.
struct Lines;

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(settings) = settings() else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Fields {
            message,
            mut fields,
        } = fields;
        let base = [
            ("audience", "application"),
            ("service_name", "Ory Kratos"),
            ("service_version", settings.service_version.as_str()),
        ];
        for (name, value) in base {
            if !fields.contains_key(name) {
                fields.insert(name.to_owned(), Value::from(value));
            }
        }
        fields.sort_keys();
        write(&Entry {
            level: *event.metadata().level(),
            message: &message,
            fields: &fields,
        });
    }
}

/// Writes a line, whatever its level.
fn write<F: serde::Serialize>(entry: &Entry<'_, F>) {
    let Some(settings) = settings() else { return };
    later::write(&entry.render(settings.format, now()));
}

/// Writes a line in a moment, together with others.
fn write_later<F: serde::Serialize>(entry: &Entry<'_, F>) {
    let Some(settings) = settings() else { return };
    later::queue(&entry.render(settings.format, now()));
}

#[expect(
    clippy::disallowed_methods,
    reason = "lines say when they were written, also while a test holds its clock"
)]
fn now() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc()
}

/// Collects the fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    fields: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name();
        if name == "message" {
            self.message = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            return;
        }
        // An error is an object even if only its message is known.
        let (outer, inner) = match name.split_once('.') {
            Some((outer, inner)) => (outer, Some(inner)),
            None if name == "error" => (name, Some("message")),
            None => (name, None),
        };
        match inner {
            None => {
                self.fields.insert(outer.to_owned(), value);
            }
            Some(inner) => {
                let object = self
                    .fields
                    .entry(outer)
                    .or_insert_with(|| Map::new().into());
                if let Value::Object(object) = object {
                    object.insert(inner.to_owned(), value);
                }
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, Value::from(format!("{value:?}")));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::from(value));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::from(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::from(value));
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        self.put(field, Value::from(text));
    }
}

/// The reference's word for a level.
fn word(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warning",
        Level::ERROR => "error",
    }
}
