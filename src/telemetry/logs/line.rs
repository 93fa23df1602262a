//! A log line in each of the formats.
use super::{gelf, word};
use crate::base::time::rfc3339;
use crate::config::log::LogFormat;
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use time::OffsetDateTime;
use tracing::Level;

/// What a line says. `F` becomes an object whose entries stand beside level, message and time.
pub(super) struct Entry<'a, F> {
    pub(super) level: Level,
    pub(super) message: &'a str,
    pub(super) fields: &'a F,
}

/// The entry as one object.
struct Json<'a, F> {
    entry: &'a Entry<'a, F>,
    at: OffsetDateTime,
}

impl<F: Serialize> Serialize for Json<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Flat<'a, F> {
            #[serde(flatten)]
            fields: &'a F,
            level: &'static str,
            msg: &'a str,
            time: String,
        }
        Flat {
            fields: self.entry.fields,
            level: word(self.entry.level),
            msg: self.entry.message,
            time: rfc3339(self.at),
        }
        .serialize(serializer)
    }
}

impl<F: Serialize> Entry<'_, F> {
    /// The line with its end.
    pub(super) fn render(&self, format: LogFormat, at: OffsetDateTime) -> Vec<u8> {
        let json = Json { entry: self, at };
        let mut line = Vec::with_capacity(1024);
        let written = match format {
            LogFormat::Json => serde_json::to_writer(&mut line, &json),
            LogFormat::JsonPretty => serde_json::to_writer_pretty(&mut line, &json),
            LogFormat::Gelf => serde_json::to_value(self.fields).and_then(|fields| {
                serde_json::to_writer(
                    &mut line,
                    &gelf::message(self.level, self.message, &fields, at),
                )
            }),
            LogFormat::Text => serde_json::to_value(self.fields).map(|fields| {
                line = self.text(&fields, at).into_bytes();
            }),
        };
        if written.is_err() {
            line.clear();
        }
        line.push(b'\n');
        line
    }

    /// `time="…" level=info msg="…" key=value`: values are quoted where they hold more than plain characters.
    fn text(&self, fields: &Value, at: OffsetDateTime) -> String {
        let mut line = format!("time={:?} level={} msg=", rfc3339(at), word(self.level));
        push_value(&mut line, self.message);
        for (name, value) in fields.as_object().into_iter().flatten() {
            line.push(' ');
            line.push_str(name);
            line.push('=');
            match value {
                Value::String(text) => push_value(&mut line, text),
                other => push_value(&mut line, &other.to_string()),
            }
        }
        line
    }
}

fn push_value(line: &mut String, text: &str) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._/@^+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        line.push_str(text);
    } else {
        line.push_str(&Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    const AT: OffsetDateTime = datetime!(2026-07-01 12:34:56.123456789 UTC);

    fn render(format: LogFormat) -> String {
        let entry = Entry {
            level: Level::WARN,
            message: "something \"odd\"",
            fields: &json!({"audience": "application", "error": {"message": "no\nway"}, "n": 7}),
        };
        String::from_utf8_lossy(&entry.render(format, AT)).into_owned()
    }

    #[test]
    fn json_has_the_names_of_the_reference() {
        assert_eq!(
            render(LogFormat::Json),
            "{\"audience\":\"application\",\"error\":{\"message\":\"no\\nway\"},\"n\":7,\
             \"level\":\"warning\",\"msg\":\"something \\\"odd\\\"\",\
             \"time\":\"2026-07-01T12:34:56.123456789Z\"}\n"
        );
    }

    #[test]
    fn text_stays_on_one_line() {
        assert_eq!(
            render(LogFormat::Text),
            "time=\"2026-07-01T12:34:56.123456789Z\" level=warning msg=\"something \\\"odd\\\"\" \
             audience=application error=\"{\\\"message\\\":\\\"no\\\\nway\\\"}\" n=7\n"
        );
    }

    #[test]
    fn gelf_counts_levels_as_syslog_and_marks_fields() {
        let line: Value = serde_json::from_str(&render(LogFormat::Gelf)).unwrap_or_default();
        assert_eq!(line["version"], "1.1");
        assert_eq!(line["level"], 4);
        assert_eq!(line["short_message"], "something \"odd\"");
        assert_eq!(line["_n"], 7);
        assert_eq!(line["timestamp"], 1_782_909_296.123);
    }
}
