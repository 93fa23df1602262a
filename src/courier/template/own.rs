//! The functions that [`super::rewrite`] puts into a template, and those of Go's own that the library has otherwise.
use super::show;
use super::value;
use gotmpl::Value;

/// `FIELD value line name…`
pub(super) const FIELD: &str = "_field";
/// `METHOD value name args…`
pub(super) const METHOD: &str = "_method";
pub(super) const PRINT: &str = "_print";
pub(super) const TEXT: &str = "_text";
/// What is passed on, and counted.
pub(super) const DOT: &str = "_dot";
pub(super) const NOTHING: &str = "_nothing";

pub(super) type Own = fn(&[Value]) -> Result<Value, String>;

pub(super) const TABLE: &[(&str, Own)] = &[
    (FIELD, field),
    (METHOD, method),
    (PRINT, |args| Ok(printed(args))),
    (TEXT, |args| Ok(as_text(args))),
    (DOT, |args| Ok(last(args))),
    (NOTHING, |_| Ok(Value::Nil)),
    ("print", |args| Ok(show::print(args).into())),
    ("println", |args| Ok(show::println(args).into())),
    ("printf", super::printf::printf),
];

/// What the library brings along and is used as it is.
pub(super) const OF_THE_LIBRARY: &[&str] = &[
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or",
    "slice", "urlquery",
];

fn last(args: &[Value]) -> Value {
    args.last().cloned().unwrap_or(Value::Nil)
}

/// A key that a map lacks is nothing, and so is what one looks for in it; a field that a record lacks is a mistake, and
/// so is a look into what is there and null.
fn field(args: &[Value]) -> Result<Value, String> {
    let [of, line, names @ ..] = args else {
        return Ok(Value::Nil);
    };
    let mut at = of.clone();
    let mut is_missing = matches!(at, Value::Nil);
    for name in names {
        let name = name.as_str().unwrap_or("");
        if is_missing {
            return Ok(Value::Nil);
        }
        let next = match &at {
            Value::Map(_) => at.field(name).cloned(),
            Value::Nil => return Err(format!("line {line}: .{name} of a value that is null")),
            other => {
                let what = other.type_name();
                return Err(format!("line {line}: .{name} of a value of type {what}"));
            }
        };
        if next.is_none() && value::is_record(&at) {
            return Err(format!("line {line}: there is no field {name}"));
        }
        is_missing = next.is_none();
        at = next.unwrap_or(Value::Nil);
    }
    Ok(at)
}

/// The few methods of what templates get to see.
fn method(args: &[Value]) -> Result<Value, String> {
    let [of, Value::String(name), args @ ..] = args else {
        return Ok(Value::Nil);
    };
    match (name.as_ref(), of, args) {
        ("Get", Value::Map(_), [Value::String(header)]) if !value::is_record(of) => {
            let values = of.field(&canonical(header));
            let first = values.and_then(|values| values.index(&Value::Int(0)).ok());
            Ok(first.unwrap_or_else(|| "".into()))
        }
        ("Values", Value::Map(_), [Value::String(header)]) if !value::is_record(of) => {
            Ok(of.field(&canonical(header)).cloned().unwrap_or(Value::Nil))
        }
        _ => super::super::sprig::date::method(of, name, args)
            .unwrap_or_else(|| Err(format!("{name} takes no arguments"))),
    }
}

/// The spelling of a header that Go keeps it under.
fn canonical(name: &str) -> String {
    let mut is_first = true;
    name.chars()
        .map(|c| {
            let c = if is_first {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            };
            is_first = c == '-';
            c
        })
        .collect()
}

/// What the library would print in another way than Go becomes text before.
fn printed(args: &[Value]) -> Value {
    let value = last(args);
    match &value {
        Value::List(_) | Value::Map(_) | Value::Float(_) => {
            let text = show::text(&value);
            if text == value.to_string() {
                value
            } else {
                text.into()
            }
        }
        _ => value,
    }
}

fn as_text(args: &[Value]) -> Value {
    let value = last(args);
    match &value {
        Value::String(_) | Value::Nil | Value::Safe { .. } => value,
        _ => show::text(&value).into(),
    }
}
