//! The verdict of the schema in words: each violation becomes one finding or more, with the place, the
//! offending value, what is allowed, and what may have been meant.
use super::finding::Finding;
use super::hint;
use super::node::{Origin, Origins, escape};
use super::schema;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

/// Everything that the schema has against that value, in the order of the files.
pub(super) fn judge(value: &Value, origins: &Origins) -> Vec<Finding> {
    let mut findings = Vec::new();
    for error in schema::validator().iter_errors(value) {
        explain(&error, origins, &mut findings);
    }
    findings.sort_by_key(|finding| rank(finding.origin.as_ref()));
    findings.dedup();
    findings
}

/// What was never written comes last.
fn rank(origin: Option<&Origin>) -> (u8, String, u64, u64) {
    match origin {
        Some(Origin::File { path, line, column }) => (0, path.to_string(), *line, *column),
        Some(Origin::Flag(name)) => (1, (*name).to_owned(), 0, 0),
        Some(Origin::Env(name)) => (2, name.to_string(), 0, 0),
        Some(Origin::Program) | None => (3, String::new(), 0, 0),
    }
}

fn explain(error: &ValidationError<'_>, origins: &Origins, out: &mut Vec<Finding>) {
    let pointer = error.instance_path().as_str().to_owned();
    let location = error.evaluation_path().as_str().to_owned();
    let value = error.instance();
    let here = |message: String| Finding::new(origins.value(&pointer).cloned(), &pointer, message);
    let shown = || show(value, &pointer);
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            let allowed = siblings(&location);
            for key in unexpected {
                let at = format!("{pointer}/{}", escape(key));
                let origin = origins.key(&at).cloned();
                out.push(Finding::new(
                    origin,
                    &at,
                    hint::unknown_key(&at, key, &allowed),
                ));
            }
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            choose(context, &pointer, &location, value, origins, out);
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let at = format!("{pointer}/{}", escape(name));
            // A variable or a flag beside it has not left it out.
            let origin = origins.key(&pointer).cloned();
            let origin = origin
                .filter(|origin| !pointer.is_empty() && matches!(origin, Origin::File { .. }));
            out.push(Finding::new(origin, &at, hint::missing(&at)));
        }
        Kind::Type { kind } => {
            let wanted = kinds(kind);
            let mut text = format!("{} is {}, wanted is {wanted}", shown(), kind_of(value));
            if value.is_boolean() && wanted == "text" {
                text.push_str("; put it in quotes");
            }
            out.push(here(text));
        }
        Kind::Enum { options } => {
            let words: Vec<&str> = options
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            out.push(here(hint::none_of(&shown(), value.as_str(), &words)));
        }
        Kind::Constant { expected_value } => {
            out.push(here(format!(
                "{} is not {expected_value}, the only value there is",
                shown()
            )));
        }
        Kind::Format { format } => out.push(here(format!("{} is no {}", shown(), form(format)))),
        Kind::Pattern { pattern } => {
            let text = match described(&location) {
                Some(words) => format!("{} does not fit: {words}", shown()),
                None => format!("{} does not fit the pattern {pattern}", shown()),
            };
            out.push(here(text));
        }
        Kind::Minimum { limit } => out.push(here(format!("{} is less than {limit}", shown()))),
        Kind::Maximum { limit } => out.push(here(format!("{} is more than {limit}", shown()))),
        Kind::MinLength { limit } | Kind::MaxLength { limit } => {
            let length = value.as_str().map_or(0, |text| text.chars().count());
            let bound = if matches!(error.kind(), Kind::MinLength { .. }) {
                "at least"
            } else {
                "at most"
            };
            out.push(here(format!(
                "{} has {length} characters, wanted are {bound} {limit}",
                shown()
            )));
        }
        Kind::MinItems { limit } => out.push(here(format!("wanted is a list of at least {limit}"))),
        Kind::UniqueItems => out.push(here("the list holds the same value twice".to_owned())),
        Kind::Not { schema } => {
            let words = schema.get("description").and_then(Value::as_str);
            let words =
                words.map_or_else(|| format!("{} is not allowed here", shown()), str::to_owned);
            out.push(Finding::new(
                origins.key(&pointer).cloned(),
                &pointer,
                words,
            ));
        }
        other => out.push(here(format!(
            "{} breaks the rule {}",
            shown(),
            other.keyword()
        ))),
    }
}

/// None of several forms fits. Hooks and credentials name their form in one key: then only that form counts.
fn choose(
    branches: &[Vec<ValidationError<'static>>],
    pointer: &str,
    location: &str,
    value: &Value,
    origins: &Origins,
    out: &mut Vec<Finding>,
) {
    let names = |error: &ValidationError<'_>| {
        let at = error.instance_path().as_str();
        let key = at.strip_prefix(pointer)?;
        matches!(key, "/hook" | "/type").then(|| (at.to_owned(), words_of(error.kind())))
    };
    let mut meant: Vec<&Vec<ValidationError<'static>>> = Vec::new();
    let mut words = Vec::new();
    let mut name_at = None;
    for branch in branches {
        let mut other = false;
        for (at, allowed) in branch.iter().filter_map(names) {
            other = true;
            name_at = Some(at);
            words.extend(allowed);
        }
        if !other {
            meant.push(branch);
        }
    }
    if let (true, Some(at)) = (meant.is_empty(), name_at) {
        words.sort();
        words.dedup();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let given = value
            .pointer(at.strip_prefix(pointer).unwrap_or_default())
            .unwrap_or(value);
        let mut text = hint::none_of(&show(given, &at), given.as_str(), &words);
        if at.ends_with("/hook") && given.as_str().is_some_and(hint::is_hook) {
            text = format!(
                "the hook {} does not run here; possible: {}",
                show(given, &at),
                words.join(", ")
            );
        }
        out.push(Finding::new(origins.value(&at).cloned(), &at, text));
        return;
    }
    let best = meant.iter().min_by_key(|branch| branch.len());
    match best {
        Some(branch) if meant.len() == 1 || value.is_object() => {
            for error in *branch {
                explain(error, origins, out);
            }
        }
        _ => {
            let text = match described(location) {
                Some(words) => format!("{} does not fit: {words}", show(value, pointer)),
                None => format!("{} has none of the possible forms", show(value, pointer)),
            };
            out.push(Finding::new(origins.value(pointer).cloned(), pointer, text));
        }
    }
}

fn words_of(kind: &Kind) -> Vec<String> {
    match kind {
        Kind::Constant { expected_value } => expected_value
            .as_str()
            .map(str::to_owned)
            .into_iter()
            .collect(),
        Kind::Enum { options } => options
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

/// The keys that the object may have whose `additionalProperties` stands at that location.
fn siblings(location: &str) -> Vec<String> {
    let parent = location.rsplit_once('/').map_or("", |(parent, _)| parent);
    let node = schema::at(parent).map(schema::resolve);
    let keys = node.and_then(schema::properties).into_iter().flatten();
    keys.map(|(key, _)| key.clone()).collect()
}

/// The words that the schema has for the place whose keyword stands at that location.
fn described(location: &str) -> Option<&'static str> {
    let mut parent = location.rsplit_once('/')?.0;
    // Inside a list of forms the words stand at the list.
    while parent.ends_with(|c: char| c.is_ascii_digit()) {
        parent = parent.rsplit_once('/')?.0.rsplit_once('/')?.0;
    }
    schema::at(parent)?.get("description")?.as_str()
}

/// A value as it may be shown: short, and not if it may be secret.
pub(super) fn show(value: &Value, pointer: &str) -> String {
    if hint::is_secret(pointer) {
        return "the value (not shown)".to_owned();
    }
    match value {
        Value::String(text) if text.chars().count() > 60 => {
            format!(
                "`{}…`",
                text.chars().take(60).collect::<String>().escape_debug()
            )
        }
        Value::String(text) => format!("`{}`", text.escape_debug()),
        Value::Object(_) => "this map".to_owned(),
        Value::Array(_) => "this list".to_owned(),
        Value::Null => "the empty value".to_owned(),
        other => format!("`{other}`"),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn kinds(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => word(*kind).to_owned(),
        TypeKind::Multiple(kinds) => kinds.iter().map(word).collect::<Vec<_>>().join(" or "),
    }
}

fn word(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "nothing",
        JsonType::Number => "a number",
        JsonType::Object => "a map of keys and values",
        JsonType::String => "text",
    }
}

fn form(format: &str) -> &str {
    match format {
        "uri" => "absolute address such as https://example.org/ or file:///etc/x.json",
        "uri-reference" => "address or path",
        "email" => "mail address",
        "hostname" => "host name",
        other => other,
    }
}
