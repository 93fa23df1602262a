//! The schema and the structs have to agree: what one knows, the other knows too.
use super::schema::{Hint, PATHS, SCHEMA, fill_in, properties, resolve, validator};
use super::{Config, node};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Keys that the schema accepts and nothing reads.
const WITHOUT_EFFECT: &[&str] = &[
    "config",
    "help",
    "organizations",
    "enterprise",
    "preview",
    "feature_flags.password_profile_registration_node_group",
    "selfservice.methods.link.config.base_url",
    "selfservice.methods.webauthn.config.rp.icon",
];

#[test]
fn defaults_stand_twice_and_are_the_same() {
    let mut filled = json!({});
    fill_in(&mut filled);
    let read = Config::deserialize(&filled).unwrap();
    assert_eq!(format!("{read:#?}"), format!("{:#?}", Config::default()));
}

/// A value that no field takes is put at every place that the schema names: if nobody objects, nobody reads it.
#[test]
fn every_key_of_the_schema_is_read() {
    let mut unread = Vec::new();
    for (name, path) in PATHS.iter() {
        let exempt = WITHOUT_EFFECT
            .iter()
            .any(|key| name == key || name.starts_with(&format!("{key}.")));
        // Hooks and credentials are enums: without the tag nothing inside is looked at.
        if exempt || name.contains(".hooks.#.") || name.contains(".auth.") {
            continue;
        }
        let mut value = match path.hint {
            _ if name.ends_with(".secure") => json!(1),
            Hint::Truth => json!("maybe"),
            _ => json!(true),
        };
        for step in path.steps.iter().rev() {
            value = match step.as_str() {
                "#" => json!([value]),
                step => Value::Object(Map::from_iter([(step.to_owned(), value)])),
            };
        }
        if Config::deserialize(value).is_ok() {
            unread.push(name);
        }
    }
    assert_eq!(unread, Vec::<&String>::new());
}

/// Every field that a full configuration shows is a key somewhere in the schema.
#[test]
fn every_field_is_a_key_of_the_schema() {
    let full = sample(&SCHEMA, 0);
    let config = Config::deserialize(&full).unwrap();
    let text = format!("{config:#?}");
    let field = |line: &str| {
        let (name, _) = line.trim_start().split_once(": ")?;
        let plain = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        plain.then(|| name.to_owned())
    };
    let fields: BTreeSet<String> = text.lines().filter_map(field).collect();
    let mut keys = BTreeSet::new();
    named(&SCHEMA, &mut keys);
    // What only the structs have, and the two parts of a length of time.
    let own = [
        "fingerprint",
        "hostname",
        "mixes_channels",
        "methods",
        "nanoseconds",
        "request",
        "seconds",
    ];
    let strangers: Vec<_> = fields
        .iter()
        .filter(|f| !keys.contains(*f) && !own.contains(&f.as_str()))
        .collect();
    assert_eq!(strangers, Vec::<&String>::new());
    assert!(fields.len() > 200, "only {} fields seen", fields.len());
}

/// The names of all properties, also of those below a pattern, which are no fixed places.
fn named(schema: &Value, keys: &mut BTreeSet<String>) {
    match schema {
        Value::Object(parts) => {
            let properties = parts.get("properties").and_then(Value::as_object);
            let names = properties.into_iter().flat_map(Map::keys);
            keys.extend(names.map(|name| name.replace('-', "_")));
            parts.values().for_each(|part| named(part, keys));
        }
        Value::Array(parts) => parts.iter().for_each(|part| named(part, keys)),
        _ => {}
    }
}

/// One value for everything that the schema knows.
fn sample(schema: &Value, depth: usize) -> Value {
    let node = resolve(schema);
    if let Some(value) = node
        .get("const")
        .or_else(|| schema.get("default"))
        .or_else(|| node.get("default"))
    {
        return value.clone();
    }
    if let Some(first) = node.pointer("/enum/0") {
        return first.clone();
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(first) = node.pointer(&format!("/{word}/0"))
            && node.get("properties").is_none()
            && node.get("type").is_none_or(|kind| kind == "object")
        {
            return sample(first, depth);
        }
    }
    match node.get("type").and_then(Value::as_str) {
        Some("string") => {
            let pattern = node
                .get("pattern")
                .and_then(Value::as_str)
                .unwrap_or_default();
            match pattern {
                p if p.contains("ns|us") => "1h".into(),
                p if p.contains("KB|MB") => "1MB".into(),
                p if p.starts_with("^smtps") => "smtp://x/".into(),
                _ => "https://example.org/".into(),
            }
        }
        Some("integer") => node.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("number") => json!(0.5),
        Some("boolean") => json!(true),
        Some("array") => match node.get("items") {
            Some(items) if depth < 12 => {
                let forms = items
                    .get("anyOf")
                    .and_then(Value::as_array)
                    .filter(|_| items.get("type").is_none());
                match forms {
                    Some(forms) => forms.iter().map(|form| sample(form, depth + 1)).collect(),
                    None => json!([sample(items, depth + 1)]),
                }
            }
            _ => json!([]),
        },
        _ => {
            let mut map = Map::new();
            for (key, property) in properties(node).into_iter().flatten() {
                map.insert(key.clone(), sample(property, depth + 1));
            }
            for (_, property) in node
                .get("patternProperties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                map.insert("some".to_owned(), sample(property, depth + 1));
            }
            Value::Object(map)
        }
    }
}

#[test]
fn the_schema_is_a_schema() {
    jsonschema::draft7::meta::validate(&SCHEMA).unwrap();
    assert!(!validator().is_valid(&json!({})));
    assert!(PATHS.len() > 400, "only {} places", PATHS.len());
}

#[test]
fn pointers_and_dots() {
    assert_eq!(node::dotted("/a/b~1c/0"), "a.b/c.0");
    assert_eq!(node::dotted(""), "");
}
