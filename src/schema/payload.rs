//! Reads the body of a submission into the shape that a method asks for (flows.md §1.5, http-api.md §2.2).
//!
//! Forms and JSON go the same road: top-level keys that are a path of the schema are taken, others ignored.
//! Values get the type of their path where they can; where they cannot they stay texts, and the schema
//! complains. Nothing is refused here: what was read comes back together with what is wrong with it.
use super::compile::validator;
use super::error::SchemaError;
use super::load::{Document, local_name};
use super::paths::{self, Kind, Path};
use super::tree::Tree;
use super::violation::{self, Violation, whole};
use crate::base::url::Params;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// What was sent, by name.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, Sent)>);

#[derive(Clone, Debug)]
enum Sent {
    /// A value of a JSON body.
    Json(Value),
    /// The values of a form or query, at least one.
    Texts(Vec<String>),
}

impl Fields {
    /// The members of a JSON body. Of a name that repeats, the last counts.
    #[must_use]
    pub fn json(body: &Map<String, Value>) -> Self {
        let fields = body
            .iter()
            .map(|(name, value)| (name.clone(), Sent::Json(value.clone())));
        Self(fields.collect())
    }
    /// The fields of a form or a query.
    #[must_use]
    pub fn form(params: &Params) -> Self {
        let mut fields: Vec<(String, Sent)> = vec![];
        for (name, value) in params.iter() {
            match fields.iter_mut().find(|(n, _)| n == name) {
                Some((_, Sent::Texts(values))) => values.push(value.to_owned()),
                _ => fields.push((name.to_owned(), Sent::Texts(vec![value.to_owned()]))),
            }
        }
        Self(fields)
    }
    /// The same with the query's values: behind those of a form, in the place of those of a JSON body.
    #[must_use]
    pub fn with_query(mut self, query: &Params) -> Self {
        for (name, sent) in Self::form(query).0 {
            match (self.0.iter_mut().find(|(n, _)| *n == name), sent) {
                (Some((_, Sent::Texts(values))), Sent::Texts(more)) => values.extend(more),
                (Some((_, old)), sent) => *old = sent,
                (None, sent) => self.0.push((name, sent)),
            }
        }
        self
    }
    /// Without the field of that name, if it is no object.
    #[must_use]
    pub fn only_object(mut self, name: &str) -> Self {
        self.0.retain(|(n, sent)| n != name || is_object(sent));
        self
    }
    fn get(&self, name: &str) -> Option<&Sent> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, s)| s)
    }
}

/// A body that was read: `value` has what could be taken, whatever the violations say.
#[derive(Clone, Debug)]
pub struct Decoded {
    pub value: Value,
    pub violations: Vec<Violation>,
}

/// The shape of a body, compiled.
pub struct Payload {
    paths: Vec<Path>,
    validator: Validator,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payload").finish_non_exhaustive()
    }
}

/// How often a definition may stand inside itself and still be read from a form.
const DEPTH: usize = 5;

impl Payload {
    /// A body without traits; `shape` is a JSON Schema (draft-07) without references.
    ///
    /// # Errors
    /// The shape is no schema.
    pub fn new(shape: &Value) -> Result<Self, SchemaError> {
        Self::compile("payload", shape.clone(), &[])
    }

    /// A body with the traits of an identity schema below `traits`.
    pub(super) fn with_traits(
        url: &str,
        shape: &Value,
        documents: &[Document],
    ) -> Result<Self, SchemaError> {
        let mut shape = shape.clone();
        shape["properties"]["traits"] =
            json!({"$ref": format!("{}#/properties/traits", local_name(0))});
        Self::compile(url, shape, documents)
    }

    fn compile(url: &str, shape: Value, documents: &[Document]) -> Result<Self, SchemaError> {
        let mut documents = documents.to_vec();
        let index = documents.len();
        documents.push(Document {
            value: shape,
            siblings_count: false,
        });
        let tree = Tree::build(url, &documents, index)?;
        let paths = paths::list(&tree, DEPTH).ok_or_else(|| {
            SchemaError::invalid(url, format!("has more than {} fields", paths::MAX_PATHS))
        })?;
        // The shape names no draft: it must not be taken for one of a newer.
        if let Some(Value::Object(map)) = documents.get_mut(index).map(|d| &mut d.value) {
            map.entry("$schema")
                .or_insert_with(|| "http://json-schema.org/draft-07/schema#".into());
        }
        let validator = validator(url, &documents, &json!({"$ref": local_name(index)}))?;
        Ok(Self { paths, validator })
    }

    /// Reads and checks.
    ///
    /// # Errors
    /// An object was sent as a text that is no JSON: the sentence says which.
    pub fn decode(&self, fields: &Fields) -> Result<Decoded, String> {
        let mut value = json!({});
        for path in &self.paths {
            if let Some(sent) = fields.get(&path.name)
                && let Some(typed) = typed(path, sent)?
            {
                put(&mut value, &path.segments, typed);
            }
        }
        for path in self.paths.iter().filter(|p| p.kind == Kind::Object) {
            if lookup(&value, &path.segments).is_none() {
                put(&mut value, &path.segments, json!({}));
            }
        }
        let violations = violation::collect(&value, self.validator.iter_errors(&value));
        Ok(Decoded { value, violations })
    }
}

/// The value for the path; nothing: it counts as not sent.
fn typed(path: &Path, sent: &Sent) -> Result<Option<Value>, String> {
    if path.kind == Kind::Object {
        return object(path, sent);
    }
    let texts: Vec<String> = match sent {
        Sent::Texts(texts) => texts.clone(),
        Sent::Json(value) => vec![as_text(value)],
    };
    let first = texts.first().map_or("", String::as_str);
    Ok(match path.kind {
        Kind::Text => Some(first)
            .filter(|t| !t.is_empty())
            .map(|t| t.to_owned().into()),
        Kind::Bool => {
            let last = texts.last().map_or("", String::as_str);
            match last {
                "" if path.required => Some(false.into()),
                "" => None,
                text => Some(boolean(text)),
            }
        }
        Kind::Number => match first {
            "" if path.required => Some(0.into()),
            "" => None,
            text => Some(number(text)),
        },
        Kind::Texts | Kind::List | Kind::JsonList => Some(texts.into()),
        Kind::Numbers => Some(texts.iter().map(|t| number(t)).collect()),
        Kind::Bools => Some(texts.iter().map(|t| boolean(t)).collect()),
        Kind::Object | Kind::Other => None,
    })
}

fn is_object(sent: &Sent) -> bool {
    let text = match sent {
        Sent::Json(Value::String(text)) => Some(text),
        Sent::Json(value) => return value.is_object(),
        Sent::Texts(texts) => texts.first(),
    };
    let read = text.map(|text| serde_json::from_str(text));
    matches!(read, Some(Ok(Value::Object(_))))
}

fn object(path: &Path, sent: &Sent) -> Result<Option<Value>, String> {
    let text = match sent {
        Sent::Json(Value::String(text)) => text.as_str(),
        Sent::Json(Value::Null) => return Ok(None),
        Sent::Json(value) => return Ok(Some(value.clone())),
        Sent::Texts(texts) => texts.first().map_or("", String::as_str),
    };
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text)
        .map(Some)
        .map_err(|_| format!("The field {:?} is no JSON.", path.name))
}

/// A JSON value as the text that a form would have sent.
fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn boolean(text: &str) -> Value {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => true.into(),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => false.into(),
        other => other.into(),
    }
}

fn number(text: &str) -> Value {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => whole(number),
        _ => text.into(),
    }
}

fn lookup<'a>(value: &'a Value, segments: &[String]) -> Option<&'a Value> {
    segments.iter().try_fold(value, |v, s| v.get(s))
}

/// Makes objects on the way; does not write through what is no object.
fn put(value: &mut Value, segments: &[String], new: Value) {
    let Some((last, parents)) = segments.split_last() else {
        return;
    };
    let mut at = value;
    for segment in parents {
        let Value::Object(map) = at else { return };
        at = map.entry(segment.clone()).or_insert_with(|| json!({}));
    }
    if let Value::Object(map) = at {
        map.insert(last.clone(), new);
    }
}
