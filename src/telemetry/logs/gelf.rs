//! Graylog's extended log format, version 1.1.
use serde_json::{Map, Value};
use std::sync::LazyLock;
use time::OffsetDateTime;
use tracing::Level;

/// Fields get an underscore before their names; objects become text.
pub(super) fn message(level: Level, text: &str, fields: &Value, at: OffsetDateTime) -> Value {
    let mut message = Map::new();
    message.insert("version".into(), "1.1".into());
    message.insert("host".into(), host().into());
    message.insert("short_message".into(), text.into());
    message.insert("timestamp".into(), seconds(at).into());
    message.insert("level".into(), severity(level).into());
    for (name, value) in fields.as_object().into_iter().flatten() {
        let value = match value {
            Value::Object(_) | Value::Array(_) => Value::from(value.to_string()),
            plain => plain.clone(),
        };
        message.insert(format!("_{name}"), value);
    }
    Value::Object(message)
}

/// Syslog's numbers.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// Seconds since 1970 with milliseconds.
fn seconds(at: OffsetDateTime) -> f64 {
    let millis = i32::from(at.millisecond());
    // Exact for the next hundred thousand years.
    let whole = i32::try_from(at.unix_timestamp()).map_or(f64::from(i32::MAX), f64::from);
    whole + f64::from(millis) / 1000.0
}

fn host() -> &'static str {
    static HOST: LazyLock<String> = LazyLock::new(|| {
        std::fs::read_to_string("/proc/sys/kernel/hostname")
            .map_or_else(|_| "kratos".to_owned(), |name| name.trim().to_owned())
    });
    &HOST
}
