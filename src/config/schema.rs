//! The schema of the configuration (`schemas/config.schema.json`): the judge of every file, the source of
//! the defaults, and the list from which the names of environment variables are derived.
use super::format;
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../schemas/config.schema.json");

/// The schema as JSON.
pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(TEXT).unwrap_or_else(|e| panic!("the embedded schema is no JSON: {e}"))
});

/// The schema, compiled. It is needed for a moment at each load, and takes more than a megabyte: it is not kept.
pub(super) fn validator() -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .with_format("uri", format::is_uri)
        .with_format("uri-reference", format::is_uri_reference)
        .with_format("email", format::is_email)
        .with_format("hostname", format::is_hostname)
        .with_format("uuid", |_: &str| true)
        .build(&SCHEMA)
        .unwrap_or_else(|e| panic!("the embedded schema does not compile: {e}"))
}

/// How the text of a variable is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    Text,
    Whole,
    Number,
    Truth,
    /// JSON, or else words with commas between.
    Words,
    /// JSON of an object or list; everything else is null.
    Json,
}

/// A place that the schema knows.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// `#` is any item of a list.
    pub steps: Vec<String>,
    pub hint: Hint,
}

/// Every place by its name with dots.
pub(super) static PATHS: LazyLock<BTreeMap<String, Path>> = LazyLock::new(|| {
    let mut paths = BTreeMap::new();
    walk(&SCHEMA, &mut Vec::new(), &mut paths);
    paths
});

fn walk(node: &Value, steps: &mut Vec<String>, paths: &mut BTreeMap<String, Path>) {
    if !steps.is_empty()
        && let Some(hint) = hint(node)
    {
        let path = || Path {
            steps: steps.clone(),
            hint,
        };
        paths.entry(steps.join(".")).or_insert_with(path);
    }
    if let Some(target) = target(node) {
        walk(target, steps, paths);
    }
    for word in ["not", "if", "then", "else"] {
        if let Some(part) = node.get(word) {
            walk(part, steps, paths);
        }
    }
    for word in ["allOf", "anyOf", "oneOf"] {
        for part in node
            .get(word)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            walk(part, steps, paths);
        }
    }
    if let Some(items) = node.get("items") {
        steps.push("#".to_owned());
        walk(items, steps, paths);
        steps.pop();
    }
    for (key, property) in properties(node).into_iter().flatten() {
        steps.push(key.clone());
        walk(property, steps, paths);
        steps.pop();
    }
}

fn hint(node: &Value) -> Option<Hint> {
    if let Some(constant) = node.get("const") {
        return Some(match constant {
            Value::String(_) => Hint::Text,
            Value::Bool(_) => Hint::Truth,
            Value::Number(_) => Hint::Number,
            _ => Hint::Json,
        });
    }
    let kind = |node: &Value| node.get("type").and_then(Value::as_str).map(str::to_owned);
    match kind(node).as_deref() {
        Some("string") => Some(Hint::Text),
        Some("integer") => Some(Hint::Whole),
        Some("number") => Some(Hint::Number),
        Some("boolean") => Some(Hint::Truth),
        Some("array") => {
            let items = node.get("items").map(resolve);
            let words = items.and_then(kind).is_some_and(|kind| kind == "string");
            Some(if words { Hint::Words } else { Hint::Json })
        }
        Some(_) => Some(Hint::Json),
        None => node.get("default").map(|_| Hint::Text),
    }
}

/// What the schema fills in where nobody wrote anything: only where names alone lead (config-cli.md §1.6).
pub(super) fn fill_in(value: &mut Value) {
    fill(&SCHEMA, value);
}

fn fill(node: &Value, value: &mut Value) {
    let Value::Object(entries) = value else {
        return;
    };
    for part in [Some(node), target(node)].into_iter().flatten() {
        for (key, property) in properties(part).into_iter().flatten() {
            if let Some(present) = entries.get_mut(key) {
                fill(property, present);
            } else if let Some(default) = default_of(property) {
                entries.insert(key.clone(), default.clone());
            } else {
                let mut fresh = Value::Object(Map::new());
                fill(property, &mut fresh);
                if fresh.as_object().is_some_and(|made| !made.is_empty()) {
                    entries.insert(key.clone(), fresh);
                }
            }
        }
    }
}

fn default_of(node: &Value) -> Option<&Value> {
    node.get("default")
        .or_else(|| target(node).and_then(default_of))
}

/// The properties right here.
pub(super) fn properties(node: &Value) -> Option<&Map<String, Value>> {
    node.get("properties").and_then(Value::as_object)
}

/// What `$ref` leads to.
fn target(node: &Value) -> Option<&'static Value> {
    let pointer = node.get("$ref")?.as_str()?.strip_prefix('#')?;
    SCHEMA.pointer(pointer)
}

/// The schema itself, or what it refers to.
pub(super) fn resolve(node: &Value) -> &Value {
    target(node).map_or(node, resolve)
}

/// The schema at that location; `$ref` is a step like any other.
pub(super) fn at(location: &str) -> Option<&'static Value> {
    let mut node: &'static Value = &SCHEMA;
    for token in location.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        node = if token == "$ref" {
            target(node)?
        } else {
            match resolve(node) {
                Value::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                Value::Object(entries) => entries.get(&token)?,
                _ => return None,
            }
        };
    }
    Some(node)
}
