//! A schema ready for use: validator, tree, fields.
use super::error::SchemaError;
use super::load::{Document, Loaded, local_name};
use super::paths::{self, Path};
use super::payload::Payload;
use super::tree::{Id, Tree};
use super::violation::{self, Violation};
use super::{extract::Derived, format};
use crate::text;
use jsonschema::{PatternOptions, Registry, Validator};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An identity schema, compiled once.
pub struct IdentitySchema {
    /// The id under which the configuration has it.
    pub id: String,
    /// The URL in the configuration.
    pub url: String,
    /// The document as it was read.
    pub document: Value,
    pub(super) tree: Tree,
    pub(super) paths: Vec<Path>,
    leaf_keys: Vec<String>,
    validator: Validator,
    /// For the parts whose fitting decides what is collected.
    parts: HashMap<Id, Validator>,
    documents: Vec<Document>,
    payloads: Mutex<HashMap<&'static str, Arc<Payload>>>,
}

impl std::fmt::Debug for IdentitySchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentitySchema")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl IdentitySchema {
    /// Compiles; takes up to some 100 ms for a large schema.
    pub(crate) fn compile(id: &str, url: &str, loaded: Loaded) -> Result<Self, SchemaError> {
        let Loaded {
            original,
            documents,
        } = loaded;
        for document in &documents {
            jsonschema::meta::validate(&document.value)
                .map_err(|e| SchemaError::invalid(url, format!("#{}: {e}", e.instance_path())))?;
        }
        let tree = Tree::build(url, &documents, 0)?;
        let paths = paths::list(&tree, 0).ok_or_else(|| {
            SchemaError::invalid(url, format!("has more than {} fields", paths::MAX_PATHS))
        })?;
        let validator = validator(url, &documents, &json!({"$ref": local_name(0)}))?;
        let mut parts = HashMap::new();
        for id in deciding(&tree) {
            let part = json!({"$ref": tree.get(id).address});
            parts.insert(id, self::validator(url, &documents, &part)?);
        }
        Ok(Self {
            id: id.to_owned(),
            url: url.to_owned(),
            leaf_keys: paths::leaf_keys(&original),
            document: original,
            tree,
            paths,
            validator,
            parts,
            documents,
            payloads: Mutex::default(),
        })
    }

    /// Whether compiling these documents would make the same schema.
    pub(crate) fn is_made_of(&self, loaded: &Loaded) -> bool {
        self.document == loaded.original && self.documents == loaded.documents
    }

    /// Nothing outside the configuration belongs to it.
    pub(crate) fn is_constant(&self) -> bool {
        self.url.starts_with("base64://") && self.documents.len() == 1
    }

    /// The leaves in document order, for putting forms in order.
    #[must_use]
    pub fn leaf_keys(&self) -> &[String] {
        &self.leaf_keys
    }

    /// What the schema does not allow about these traits (the object below `traits`).
    #[must_use]
    pub fn violations(&self, traits: &Value) -> Vec<Violation> {
        let document = json!({ "traits": traits });
        violation::collect(&document, self.validator.iter_errors(&document))
    }

    /// Fields for whole numbers whose number is spelt as a fraction or with an exponent, such as `3.0`: they count as
    /// mistyped, as in the reference.
    fn fractions(&self, traits: &Value) -> Vec<Violation> {
        let is_mistyped = |path: &&Path| {
            let value = path
                .segments
                .iter()
                .skip(1)
                .try_fold(traits, |v, s| v.get(s));
            self.tree.get(path.node).types == ["integer"] && value.is_some_and(Value::is_f64)
        };
        let mistyped = self.paths.iter().filter(is_mistyped);
        let violation = |path: &Path| {
            let message = text::validation::wrong_type(&["integer".to_owned()], "number");
            Violation::new(&path.name, message)
        };
        mistyped.map(violation).collect()
    }

    /// The whole check before an account is stored: numbers are normalised in place, then the schema, then
    /// the marks. As in the reference marks are looked at even if the schema is violated.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn check(&self, traits: &mut Value) -> Result<Derived, Vec<Violation>> {
        self.normalize_phones(traits);
        let mut violations = self.violations(traits);
        let fractions = self.fractions(traits);
        violations.retain(|v| fractions.iter().all(|f| f.field != v.field));
        violations.extend(fractions);
        let mut derived = self.extract(traits);
        // What a mark does not allow the schema itself may have refused already, in the same words.
        for violation in derived.violations.drain(..) {
            if !violations.iter().any(|told| violation.says_the_same(told)) {
                violations.push(violation);
            }
        }
        if violations.is_empty() {
            Ok(derived)
        } else {
            Err(violations)
        }
    }

    /// The body of a method with the traits of this schema in it (`shape`: the method's own part as JSON
    /// Schema, draft-07). Compiled once for each `name`.
    ///
    /// # Errors
    /// The schema has no traits, or too many.
    pub fn payload(&self, name: &'static str, shape: &Value) -> Result<Arc<Payload>, SchemaError> {
        let lock = || self.payloads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(name) {
            return Ok(Arc::clone(known));
        }
        let payload = Arc::new(Payload::with_traits(&self.url, shape, &self.documents)?);
        lock().insert(name, Arc::clone(&payload));
        Ok(payload)
    }

    /// Whether the value fits the part.
    pub(super) fn fits(&self, part: Id, value: &Value) -> bool {
        self.parts.get(&part).is_some_and(|v| v.is_valid(value))
    }
}

/// Parts that decide what is collected: alternatives and conditions that hold marks somewhere below.
fn deciding(tree: &Tree) -> Vec<Id> {
    let mut marked: Vec<bool> = (0..tree.len())
        .map(|id| tree.get(id).extension.is_some())
        .collect();
    // Marks rise until nothing changes: as often as the tree is deep.
    loop {
        let mut changed = false;
        for id in 0..tree.len() {
            let node = tree.get(id);
            if !marked[id] && node.in_place().chain(node.parts()).any(|c| marked[c]) {
                marked[id] = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let mut out = vec![];
    for id in (0..tree.len()).filter(|id| marked[*id]) {
        let node = tree.get(id);
        out.extend(&node.any_of);
        out.extend(&node.one_of);
        out.extend(node.condition);
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// A validator for `schema`, which may refer to the documents by their local names.
pub(super) fn validator(
    url: &str,
    documents: &[Document],
    schema: &Value,
) -> Result<Validator, SchemaError> {
    let invalid = |e: &dyn std::fmt::Display| SchemaError::invalid(url, e.to_string());
    let named = documents
        .iter()
        .enumerate()
        .map(|(index, document)| (local_name(index), &document.value));
    let registry = Registry::new()
        .extend(named)
        .and_then(jsonschema::RegistryBuilder::prepare)
        .map_err(|e| invalid(&e))?;
    let mut schema = schema.clone();
    if let Value::Object(map) = &mut schema {
        map.insert(
            "$schema".to_owned(),
            "http://json-schema.org/draft-07/schema#".into(),
        );
    }
    let options = jsonschema::options()
        .with_registry(&registry)
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(4 << 20))
        .should_validate_formats(true);
    format::register(options)
        .build(&schema)
        .map_err(|e| invalid(&e))
}
