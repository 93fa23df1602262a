//! Fetches a schema and everything it refers to, and ties them together.
//!
//! References to other documents are rewritten to `schema://local/<n>#<pointer>` and ids are taken out, so
//! that nothing behind this module ever wants to fetch. Sizes and counts are bounded; with
//! `security.disallow_ref_in_identity_schemas` only references inside the document and `base64://` hold.
use super::error::SchemaError;
use crate::config::Config;
use crate::outbound::Policy;
use crate::resource::{Resources, Wish};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use url::Url;

/// The largest document in bytes.
const MAX_BYTES: usize = 1 << 20;
/// How many documents one schema may consist of.
const MAX_DOCUMENTS: usize = 32;

/// A document with its references rewritten. The first of a list is the schema itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) value: Value,
    /// Draft 2019-09 or later: what stands beside a `$ref` counts.
    pub(crate) siblings_count: bool,
}

/// The name of the n-th document in rewritten references.
pub(crate) fn local_name(index: usize) -> String {
    format!("schema://local/{index}")
}

/// A schema as it was read, and the list of documents that it consists of.
pub(crate) struct Loaded {
    pub(crate) original: Value,
    pub(crate) documents: Vec<Document>,
}

/// Where documents may come from.
pub(crate) struct Reach<'a> {
    pub(crate) resources: &'a Resources,
    pub(crate) policy: Policy,
    /// `security.disallow_ref_in_identity_schemas`.
    pub(crate) only_local: bool,
}

impl<'a> Reach<'a> {
    pub(crate) fn new(resources: &'a Resources, config: &Config) -> Self {
        Self {
            resources,
            policy: Policy::from(&config.clients.http),
            only_local: config.security.disallow_ref_in_identity_schemas,
        }
    }

    /// The document as it is now.
    pub(crate) async fn fetch(&self, url: &str) -> Result<Arc<[u8]>, SchemaError> {
        let wish = Wish {
            uri: url,
            most: MAX_BYTES,
            fresh: Duration::ZERO,
            now: OffsetDateTime::UNIX_EPOCH,
        };
        let content = self.resources.load(&self.policy, wish).await;
        content.map_err(|error| SchemaError::fetch(url, error))
    }
}

/// Loads the document and all that it refers to.
pub(crate) async fn load(
    url: &str,
    bytes: &[u8],
    reach: &Reach<'_>,
) -> Result<Loaded, SchemaError> {
    let mut loader = Loader {
        only_local: reach.only_local,
        known: HashMap::from([(without_fragment(url).to_owned(), 0)]),
        waiting: vec![],
    };
    let original = parse(url, bytes)?;
    let mut documents = vec![loader.adopt(url, original.clone())?];
    while let Some(next) = loader.waiting.pop() {
        let bytes = reach.fetch(&next).await?;
        let value = parse(&next, &bytes)?;
        // Numbers are given in the order in which documents are taken from the list.
        loader.known.insert(next.clone(), documents.len());
        documents.push(loader.adopt(&next, value)?);
    }
    for document in &mut documents {
        loader.number(&mut document.value);
    }
    Ok(Loaded {
        original,
        documents,
    })
}

fn parse(url: &str, bytes: &[u8]) -> Result<Value, SchemaError> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|e| SchemaError::invalid(url, format!("is no JSON: {e}")))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(SchemaError::invalid(url, "is no JSON object"))
    }
}

struct Loader {
    only_local: bool,
    /// Documents by URL without fragment.
    known: HashMap<String, usize>,
    waiting: Vec<String>,
}

/// Where a walk stands: keys of a schema mean something, keys below `properties` are names.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Schema,
    Names,
}

impl Loader {
    fn adopt(&mut self, url: &str, mut value: Value) -> Result<Document, SchemaError> {
        let dialect = dialect(url, &value)?;
        let id_key = if dialect == "draft-04" { "id" } else { "$id" };
        let base = without_fragment(url).to_owned();
        let mut ids = HashMap::new();
        collect_ids(&value, Place::Schema, id_key, &base, "", &mut ids);
        self.rewrite(&mut value, Place::Schema, id_key, &base, &ids, url)?;
        if let Value::Object(map) = &mut value {
            map.entry("$schema")
                .or_insert_with(|| "http://json-schema.org/draft-07/schema#".into());
        }
        Ok(Document {
            value,
            siblings_count: matches!(dialect, "2019-09" | "2020-12"),
        })
    }

    fn rewrite(
        &mut self,
        value: &mut Value,
        place: Place,
        id_key: &str,
        base: &str,
        ids: &HashMap<String, String>,
        url: &str,
    ) -> Result<(), SchemaError> {
        match value {
            Value::Array(items) => {
                for item in items {
                    self.rewrite(item, place, id_key, base, ids, url)?;
                }
                Ok(())
            }
            Value::Object(map) => {
                let mut base = base.to_owned();
                if place == Place::Schema {
                    if let Some(id) = id_of(map, id_key) {
                        base = join(&base, &id).unwrap_or(base);
                        map.shift_remove(id_key);
                    }
                    let target = match map.get("$ref") {
                        Some(Value::String(r)) => self.target(r, &base, ids, url)?,
                        _ => None,
                    };
                    if let Some(target) = target {
                        map.insert("$ref".to_owned(), target.into());
                    }
                }
                for (key, child) in map.iter_mut() {
                    if let Some(place) = below(place, key) {
                        self.rewrite(child, place, id_key, &base, ids, url)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What a reference is rewritten to; nothing if it may stay.
    fn target(
        &mut self,
        reference: &str,
        base: &str,
        ids: &HashMap<String, String>,
        url: &str,
    ) -> Result<Option<String>, SchemaError> {
        if reference.is_empty() || reference.starts_with('#') {
            return Ok(None);
        }
        let resolved = join(base, reference).ok_or_else(|| {
            SchemaError::invalid(url, format!("the reference {reference:?} leads nowhere"))
        })?;
        let (document, fragment) = resolved.split_once('#').unwrap_or((resolved.as_str(), ""));
        if let Some(pointer) = ids.get(document) {
            return Ok(Some(format!("#{pointer}{fragment}")));
        }
        if document.contains("://json-schema.org/") {
            return Ok(Some(resolved));
        }
        if self.only_local && !document.starts_with("base64://") {
            return Err(SchemaError::invalid(
                url,
                format!("the reference {reference:?} is not allowed by the configuration"),
            ));
        }
        if !self.known.contains_key(document) && !self.waiting.iter().any(|w| w == document) {
            if self.known.len() + self.waiting.len() >= MAX_DOCUMENTS {
                return Err(SchemaError::invalid(
                    url,
                    format!("refers to more than {MAX_DOCUMENTS} documents"),
                ));
            }
            self.waiting.push(document.to_owned());
        }
        // The number is filled in when all documents have one.
        Ok(Some(format!("{PENDING}{document}#{fragment}")))
    }

    /// Puts numbers in the place of the URLs of documents.
    fn number(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|i| self.number(i)),
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get_mut("$ref")
                    && let Some((document, fragment)) = reference
                        .strip_prefix(PENDING)
                        .and_then(|r| r.split_once('#'))
                    && let Some(index) = self.known.get(document)
                {
                    *reference = format!("{}#{fragment}", local_name(*index));
                }
                map.values_mut().for_each(|v| self.number(v));
            }
            _ => {}
        }
    }
}

const PENDING: &str = "schema://pending/";

/// Which dialect `$schema` names; draft-07 if it names none.
fn dialect(url: &str, value: &Value) -> Result<&'static str, SchemaError> {
    let Some(named) = value.get("$schema") else {
        return Ok("draft-07");
    };
    let named = named.as_str().unwrap_or_default().trim_end_matches('#');
    let named = named
        .strip_prefix("http://json-schema.org/")
        .or_else(|| named.strip_prefix("https://json-schema.org/"))
        .unwrap_or(named);
    Ok(match named {
        "draft-04/schema" => "draft-04",
        "draft-06/schema" => "draft-06",
        "draft-07/schema" | "schema" => "draft-07",
        "draft/2019-09/schema" => "2019-09",
        "draft/2020-12/schema" => "2020-12",
        _ => return Err(SchemaError::invalid(url, "$schema names no known draft")),
    })
}

/// What the value under this key is to a walk; nothing: no schemas in there.
fn below(place: Place, key: &str) -> Option<Place> {
    if place == Place::Names {
        return Some(Place::Schema);
    }
    match key {
        "enum" | "const" | "default" | "examples" => None,
        "properties" | "patternProperties" | "definitions" | "$defs" | "dependencies"
        | "dependentSchemas" => Some(Place::Names),
        _ => Some(Place::Schema),
    }
}

fn id_of(map: &Map<String, Value>, id_key: &str) -> Option<String> {
    map.get(id_key)?
        .as_str()
        .filter(|id| !id.starts_with('#'))
        .map(str::to_owned)
}

fn collect_ids(
    value: &Value,
    place: Place,
    id_key: &str,
    base: &str,
    pointer: &str,
    ids: &mut HashMap<String, String>,
) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let pointer = format!("{pointer}/{index}");
                collect_ids(item, place, id_key, base, &pointer, ids);
            }
        }
        Value::Object(map) => {
            let mut base = base.to_owned();
            if place == Place::Schema
                && let Some(id) = id_of(map, id_key)
                && let Some(joined) = join(&base, &id)
            {
                without_fragment(&joined).clone_into(&mut base);
                ids.insert(base.clone(), pointer.to_owned());
            }
            for (key, child) in map {
                if let Some(place) = below(place, key) {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    let pointer = format!("{pointer}/{key}");
                    collect_ids(child, place, id_key, &base, &pointer, ids);
                }
            }
        }
        _ => {}
    }
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(head, _)| head)
}

/// The reference seen from the base. `base64://` stands for itself.
fn join(base: &str, reference: &str) -> Option<String> {
    if reference.starts_with("base64://") {
        return Some(reference.to_owned());
    }
    match Url::parse(reference) {
        Ok(_) => Some(reference.to_owned()),
        Err(_) => Url::parse(base)
            .ok()
            .filter(|_| !base.starts_with("base64://"))?
            .join(reference)
            .ok()
            .map(String::from),
    }
}
