//! Arguments of functions, as Go's templates hand them over: a parameter of type `string` takes texts alone, one of type
//! `any` takes everything.
use gotmpl::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) type Answer = Result<Value, String>;
pub(super) type Entries = BTreeMap<Arc<str>, Value>;

pub(super) fn exactly<const N: usize>(args: &[Value]) -> Result<&[Value; N], String> {
    args.try_into()
        .map_err(|_| format!("takes {N} arguments, not {}", args.len()))
}

/// At least one, and what follows.
pub(super) fn first(args: &[Value]) -> Result<(&Value, &[Value]), String> {
    args.split_first()
        .ok_or_else(|| "takes at least one argument".to_owned())
}

pub(super) fn string(value: &Value) -> Result<&str, String> {
    match value {
        Value::String(text) | Value::Safe { s: text, .. } => Ok(text),
        other => Err(wrong("a text", other)),
    }
}

/// Of type `int`.
pub(super) fn int(value: &Value) -> Result<i64, String> {
    match value {
        Value::Int(number) => Ok(*number),
        // A constant like `3.0`, or what arithmetic gave.
        other => Err(wrong("a whole number", other)),
    }
}

pub(super) fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(on) => Ok(*on),
        other => Err(wrong("true or false", other)),
    }
}

pub(super) fn list(value: &Value) -> Result<&[Value], String> {
    match value {
        Value::List(items) => Ok(items),
        other => Err(wrong("a list", other)),
    }
}

pub(super) fn map(value: &Value) -> Result<&Entries, String> {
    match value {
        Value::Map(entries) => Ok(entries),
        other => Err(wrong("a map", other)),
    }
}

fn wrong(wanted: &str, is: &Value) -> String {
    format!("wants {wanted}, got {}", is.type_name())
}

/// The same where `null` stands for an empty map.
pub(super) fn map_or_none(value: &Value) -> Result<Entries, String> {
    match value {
        Value::Nil => Ok(Entries::new()),
        other => map(other).cloned(),
    }
}

/// How many of something, within what is bearable.
pub(super) fn count(value: &Value) -> Result<usize, String> {
    bearable(int(value)?)
}

pub(super) fn bearable(number: i64) -> Result<usize, String> {
    let most = super::super::template::budget::MOST_MEMBERS;
    match usize::try_from(number) {
        Ok(count) if count <= most => Ok(count),
        Ok(_) => Err(format!("more than {most}")),
        Err(_) => Err("a count below zero".to_owned()),
    }
}

/// A list of texts.
pub(super) fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Value {
    let items = items.into_iter().map(|text| Value::from(text.as_ref()));
    items.collect::<Vec<_>>().into()
}
