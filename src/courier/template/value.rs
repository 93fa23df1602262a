//! What templates work with. Numbers of a JSON document are floats, as they are for the reference; records (what is a
//! struct or an object there) are maps with a mark, because a field that they do not have is an error, not nothing.
use super::super::gojson;
use gotmpl::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The mark of a record: its JSON stands here. No JSON key or name in a template is this.
const JSON: &str = "\0json";
/// How a record is printed.
const SHOWN: &str = "\0shown";

/// A record in the making.
pub(in super::super) struct Record(BTreeMap<Arc<str>, Value>);

impl Record {
    pub(in super::super) fn new(json: &str) -> Self {
        Self(BTreeMap::from([(Arc::from(JSON), json.into())]))
    }
    pub(in super::super) fn shown(mut self, text: &str) -> Self {
        self.0.insert(Arc::from(SHOWN), text.into());
        self
    }
    pub(in super::super) fn put(&mut self, name: &str, value: Value) {
        self.0.insert(Arc::from(name), value);
    }
    pub(in super::super) fn done(self) -> Value {
        self.0.into()
    }
}

pub(in super::super) fn is_record(value: &Value) -> bool {
    value.field(JSON).is_some()
}

/// How a record is printed, if the value is one.
pub(super) fn shown(value: &Value) -> Option<&str> {
    if !is_record(value) {
        return None;
    }
    Some(value.field(SHOWN).and_then(Value::as_str).unwrap_or("{}"))
}

pub(in super::super) fn of_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(on) => Value::Bool(*on),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or(0.0)),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(of_json).collect::<Vec<_>>().into(),
        Json::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (Arc::from(key.as_str()), of_json(value)));
            entries.collect::<BTreeMap<Arc<str>, Value>>().into()
        }
    }
}

/// Where a map is expected: `null` is an empty one.
pub(in super::super) fn of_map(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(BTreeMap::<Arc<str>, Value>::new()),
        other => of_json(other),
    }
}

/// How JSON is written: `None` on one line, a depth with line breaks and two blanks.
pub(in super::super) fn push_json(
    out: &mut String,
    value: &Value,
    depth: Option<usize>,
    html: bool,
) -> Result<(), String> {
    let next = depth.map(|depth| depth + 1);
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(on) => out.push_str(if *on { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Uint(number) => out.push_str(&number.to_string()),
        Value::Float(number) if number.is_finite() => gojson::push_float(out, *number),
        Value::Float(_) => return Err("this number has no form in JSON".to_owned()),
        Value::String(text) => gojson::push_string(out, text, html),
        Value::List(items) => {
            let ends = ('[', ']');
            push_all(out, ends, depth, items.iter(), |out, item| {
                push_json(out, item, next, html)
            })?;
        }
        Value::Map(_) if is_record(value) => {
            out.push_str(value.field(JSON).and_then(Value::as_str).unwrap_or("{}"));
        }
        Value::Map(entries) => {
            let ends = ('{', '}');
            push_all(out, ends, depth, entries.iter(), |out, (key, value)| {
                gojson::push_string(out, key, html);
                out.push_str(if depth.is_some() { ": " } else { ":" });
                push_json(out, value, next, html)
            })?;
        }
        Value::Safe { s, .. } => gojson::push_string(out, s, html),
        Value::Function(_) => return Err("a function has no form in JSON".to_owned()),
    }
    Ok(())
}

fn push_all<T>(
    out: &mut String,
    (open, close): (char, char),
    depth: Option<usize>,
    items: impl ExactSizeIterator<Item = T>,
    each: impl Fn(&mut String, T) -> Result<(), String>,
) -> Result<(), String> {
    out.push(open);
    let is_empty = items.len() == 0;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        if let Some(depth) = depth {
            line(out, depth + 1);
        }
        each(out, item)?;
    }
    if let (Some(depth), false) = (depth, is_empty) {
        line(out, depth);
    }
    out.push(close);
    Ok(())
}
