//! What holds for all values: defaults, types, JSON.
use super::super::template::value::{is_record, of_json, push_json};
use super::Table;
use super::args::{Answer, boolean, exactly, first, string};
use gotmpl::Value;

pub(super) const TABLE: Table = &[
    ("default", |_, args| {
        let (fallback, given) = first(args)?;
        let given = given.first().filter(|value| !is_empty(value));
        Ok(given.unwrap_or(fallback).clone())
    }),
    ("empty", |_, args| {
        exactly(args).map(|[value]| Value::Bool(is_empty(value)))
    }),
    ("coalesce", |_, args| {
        let found = args.iter().find(|value| !is_empty(value));
        Ok(found.cloned().unwrap_or(Value::Nil))
    }),
    ("all", |_, args| Ok(Value::Bool(!args.iter().any(is_empty)))),
    ("any", |_, args| Ok(Value::Bool(!args.iter().all(is_empty)))),
    ("ternary", |_, args| {
        let [yes, no, on] = exactly(args)?;
        Ok(if boolean(on)? { yes } else { no }.clone())
    }),
    ("fromJson", |_, args| {
        parsed(args).map(|read| read.unwrap_or(Value::Nil))
    }),
    ("mustFromJson", |_, args| parsed(args)?),
    ("toJson", |_, args| {
        Ok(written(args, None, true).unwrap_or_default().into())
    }),
    ("mustToJson", |_, args| {
        written(args, None, true).map(Value::from)
    }),
    ("toPrettyJson", |_, args| {
        Ok(written(args, Some(0), true).unwrap_or_default().into())
    }),
    ("mustToPrettyJson", |_, args| {
        written(args, Some(0), true).map(Value::from)
    }),
    ("toRawJson", |_, args| {
        written(args, None, false).map(Value::from)
    }),
    ("mustToRawJson", |_, args| {
        written(args, None, false).map(Value::from)
    }),
    ("typeOf", |_, args| {
        exactly(args).map(|[value]| type_of(value).into())
    }),
    ("typeIs", |_, args| is(args, type_of)),
    ("typeIsLike", |_, args| is(args, type_of)),
    ("kindOf", |_, args| {
        exactly(args).map(|[value]| kind_of(value).into())
    }),
    ("kindIs", |_, args| is(args, kind_of)),
    ("deepEqual", |_, args| {
        exactly(args).map(|[a, b]| Value::Bool(a == b))
    }),
    ("fail", |_, args| {
        let [text] = exactly(args)?;
        Err(string(text)?.to_owned())
    }),
];

/// Records never are.
pub(super) fn is_empty(value: &Value) -> bool {
    !value.is_truthy() && !is_record(value)
}

fn parsed(args: &[Value]) -> Result<Answer, String> {
    let [text] = exactly(args)?;
    let read = serde_json::from_str(string(text)?);
    Ok(read
        .map(|json| of_json(&json))
        .map_err(|_| "this is no JSON".to_owned()))
}

fn written(args: &[Value], depth: Option<usize>, html: bool) -> Result<String, String> {
    let [value] = exactly(args)?;
    let mut out = String::new();
    push_json(&mut out, value, depth, html)?;
    Ok(out)
}

fn is(args: &[Value], of: fn(&Value) -> &'static str) -> Answer {
    let [wanted, value] = exactly(args)?;
    Ok(Value::Bool(string(wanted)? == of(value)))
}

/// Go's name of the type.
pub(in super::super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Uint(_) => "uint",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        Value::Function(_) => "func()",
        Value::Safe { .. } => "template.HTML",
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::List(_) => "slice",
        Value::Map(_) if is_record(value) => "struct",
        Value::Map(_) => "map",
        Value::Function(_) => "func",
        Value::Safe { .. } => "string",
        other => type_of(other),
    }
}
