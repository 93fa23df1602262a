//! A schema as a graph: every place that is a schema is a node, references are edges.
//!
//! Nodes know what forms and extensions need (types, titles, children); validity is the validator's
//! business. Building refuses what would take too long to walk ([`Tree::build`]).
use super::error::SchemaError;
use super::extension::{EXTENSION, Extension};
use super::load::{Document, local_name};
use regex::Regex;
use serde_json::{Map, Value};
use std::collections::HashMap;

pub(crate) type Id = usize;

/// The most places a schema may have, and patterns among them.
const MAX_NODES: usize = 20_000;
const MAX_PATTERNS: usize = 500;
/// The most steps it may take to check a single value with everything that applies to it in place.
const MAX_STEPS: u64 = 50_000;

#[derive(Debug, Default)]
pub(crate) struct Node {
    /// `true` or `false` stands in the place of a schema.
    pub(crate) always: Option<bool>,
    pub(crate) reference: Option<Id>,
    pub(crate) types: Vec<String>,
    pub(crate) constant: Option<Value>,
    pub(crate) title: String,
    pub(crate) format: String,
    pub(crate) pattern: Option<String>,
    pub(crate) options: Vec<Value>,
    pub(crate) has_default: bool,
    pub(crate) required: Vec<String>,
    pub(crate) disabled: bool,
    pub(crate) properties: Vec<(String, Id)>,
    pub(crate) patterns: Vec<(Regex, Id)>,
    pub(crate) additional: Option<Id>,
    pub(crate) items: Option<Items>,
    pub(crate) all_of: Vec<Id>,
    pub(crate) any_of: Vec<Id>,
    pub(crate) one_of: Vec<Id>,
    pub(crate) not: Option<Id>,
    pub(crate) condition: Option<Id>,
    pub(crate) then: Option<Id>,
    pub(crate) otherwise: Option<Id>,
    pub(crate) extension: Option<Extension>,
    /// Where it stands: `schema://local/<n>#<pointer>`.
    pub(crate) address: String,
}

#[derive(Debug)]
pub(crate) enum Items {
    Each(Id),
    /// One for each position, and one for those behind.
    Tuple(Vec<Id>, Option<Id>),
}

impl Node {
    /// Nodes that are applied to the same value as this one.
    pub(crate) fn in_place(&self) -> impl Iterator<Item = Id> {
        self.reference
            .into_iter()
            .chain(self.all_of.iter().copied())
            .chain(self.any_of.iter().copied())
            .chain(self.one_of.iter().copied())
            .chain(self.not)
            .chain(self.condition)
            .chain(self.then)
            .chain(self.otherwise)
    }
    /// Nodes that are applied to parts of the value.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Id> {
        let items: Vec<Id> = match &self.items {
            None => vec![],
            Some(Items::Each(id)) => vec![*id],
            Some(Items::Tuple(ids, more)) => ids.iter().copied().chain(*more).collect(),
        };
        self.properties
            .iter()
            .map(|(_, id)| *id)
            .chain(self.patterns.iter().map(|(_, id)| *id))
            .chain(self.additional)
            .chain(items)
    }
}

#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Node 0 is the root: the given document. `url` is for error messages.
    pub(crate) fn build(
        url: &str,
        documents: &[Document],
        document: usize,
    ) -> Result<Self, SchemaError> {
        let mut builder = Builder {
            url,
            documents,
            nodes: vec![],
            known: HashMap::new(),
            waiting: vec![],
            patterns: 0,
        };
        builder.node(document, "")?;
        while let Some((id, document, pointer)) = builder.waiting.pop() {
            let node = builder.read(document, &pointer)?;
            builder.nodes[id] = node;
        }
        let tree = Self {
            nodes: builder.nodes,
        };
        super::check::bounded(url, &tree, MAX_STEPS)?;
        Ok(tree)
    }

    pub(crate) fn root(&self) -> &Node {
        &self.nodes[0]
    }
    pub(crate) fn get(&self, id: Id) -> &Node {
        &self.nodes[id]
    }
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}

struct Builder<'a> {
    url: &'a str,
    documents: &'a [Document],
    nodes: Vec<Node>,
    known: HashMap<(usize, String), Id>,
    waiting: Vec<(Id, usize, String)>,
    patterns: usize,
}

impl Builder<'_> {
    fn invalid(&self, reason: String) -> SchemaError {
        SchemaError::invalid(self.url, reason)
    }

    /// The id of the node at that place; it is read later.
    fn node(&mut self, document: usize, pointer: &str) -> Result<Id, SchemaError> {
        if let Some(id) = self.known.get(&(document, pointer.to_owned())) {
            return Ok(*id);
        }
        if self.nodes.len() >= MAX_NODES {
            return Err(self.invalid(format!("has more than {MAX_NODES} parts")));
        }
        let id = self.nodes.len();
        self.nodes.push(Node::default());
        self.known.insert((document, pointer.to_owned()), id);
        self.waiting.push((id, document, pointer.to_owned()));
        Ok(id)
    }

    fn pattern(&mut self, text: &str) -> Result<Regex, SchemaError> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            return Err(self.invalid(format!("has more than {MAX_PATTERNS} patterns")));
        }
        Regex::new(text).map_err(|_| self.invalid(format!("the pattern {text:?} cannot be used")))
    }

    fn read(&mut self, document: usize, pointer: &str) -> Result<Node, SchemaError> {
        let documents = self.documents;
        let Some(source) = documents.get(document) else {
            return Ok(Node::default());
        };
        let address = format!("{}#{}", local_name(document), escape_fragment(pointer));
        let map = match source.value.pointer(pointer) {
            Some(Value::Object(map)) => map,
            Some(Value::Bool(always)) => {
                return Ok(Node {
                    always: Some(*always),
                    address,
                    ..Node::default()
                });
            }
            Some(_) => return Err(self.invalid(format!("#{pointer} is no schema"))),
            None => {
                return Err(self.invalid(format!("#{pointer} is referred to and does not exist")));
            }
        };
        let mut node = Node {
            address,
            ..Node::default()
        };
        if let Some(Value::String(reference)) = map.get("$ref") {
            node.reference = self.referred(document, reference)?;
            if !source.siblings_count {
                return Ok(node);
            }
        }
        self.read_words(&mut node, map)?;
        self.read_children(&mut node, map, document, pointer)?;
        Ok(node)
    }

    /// Anchors and the drafts' own schemas are left to the validator.
    fn referred(&mut self, document: usize, reference: &str) -> Result<Option<Id>, SchemaError> {
        let (target, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let target = if target.is_empty() {
            document
        } else {
            match target
                .strip_prefix("schema://local/")
                .and_then(|n| n.parse().ok())
            {
                Some(index) => index,
                None => return Ok(None),
            }
        };
        let fragment = if fragment == "/" { "" } else { fragment };
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return Ok(None);
        }
        let pointer = percent_decoded(fragment);
        self.node(target, &pointer).map(Some)
    }

    fn read_words(&mut self, node: &mut Node, map: &Map<String, Value>) -> Result<(), SchemaError> {
        let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
        text("title").clone_into(&mut node.title);
        text("format").clone_into(&mut node.format);
        node.types = match map.get("type") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => texts(many),
            _ => vec![],
        };
        node.constant = map.get("const").cloned();
        node.has_default = map.contains_key("default");
        node.disabled = map.get("disableFormField") == Some(&Value::Bool(true));
        if let Some(Value::Array(options)) = map.get("enum") {
            node.options.clone_from(options);
        }
        if let Some(Value::Array(required)) = map.get("required") {
            node.required = texts(required);
        }
        if let Some(Value::String(pattern)) = map.get("pattern") {
            self.pattern(pattern)?;
            node.pattern = Some(pattern.clone());
        }
        if let Some(extension) = map.get(EXTENSION) {
            let mut read = Extension::read(extension).map_err(|e| {
                self.invalid(format!("{}/ory.sh~1kratos: {e}", shown(&node.address)))
            })?;
            read.format.clone_from(&node.format);
            node.extension = Some(read);
        }
        Ok(())
    }

    fn read_children(
        &mut self,
        node: &mut Node,
        map: &Map<String, Value>,
        document: usize,
        pointer: &str,
    ) -> Result<(), SchemaError> {
        if let Some(Value::Object(properties)) = map.get("properties") {
            for name in properties.keys() {
                let at = format!("{pointer}/properties/{}", escaped(name));
                node.properties
                    .push((name.clone(), self.node(document, &at)?));
            }
        }
        if let Some(Value::Object(patterns)) = map.get("patternProperties") {
            for text in patterns.keys() {
                let at = format!("{pointer}/patternProperties/{}", escaped(text));
                let pattern = self.pattern(text)?;
                node.patterns.push((pattern, self.node(document, &at)?));
            }
        }
        let one = |this: &mut Self, key: &str| match map.get(key) {
            Some(Value::Object(_) | Value::Bool(_)) => {
                this.node(document, &format!("{pointer}/{key}")).map(Some)
            }
            _ => Ok(None),
        };
        node.additional = one(self, "additionalProperties")?;
        node.not = one(self, "not")?;
        if map.contains_key("then") || map.contains_key("else") {
            node.condition = one(self, "if")?;
            if node.condition.is_some() {
                node.then = one(self, "then")?;
                node.otherwise = one(self, "else")?;
            }
        }
        let each = one(self, "items")?;
        let behind = one(self, "additionalItems")?;
        let many = |this: &mut Self, key: &str| match map.get(key) {
            Some(Value::Array(list)) => (0..list.len())
                .map(|i| this.node(document, &format!("{pointer}/{key}/{i}")))
                .collect::<Result<Vec<Id>, _>>(),
            _ => Ok(vec![]),
        };
        node.all_of = many(self, "allOf")?;
        node.any_of = many(self, "anyOf")?;
        node.one_of = many(self, "oneOf")?;
        let tuple = many(self, "items")?;
        let prefix = many(self, "prefixItems")?;
        node.items = match each {
            _ if !prefix.is_empty() => Some(Items::Tuple(prefix, each)),
            Some(each) => Some(Items::Each(each)),
            None if !tuple.is_empty() => Some(Items::Tuple(tuple, behind)),
            None => None,
        };
        Ok(())
    }
}

fn texts(values: &[Value]) -> Vec<String> {
    values
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// A name as a part of a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A pointer as a fragment of a URL.
fn escape_fragment(pointer: &str) -> String {
    let mut out = String::with_capacity(pointer.len());
    for byte in pointer.bytes() {
        if byte.is_ascii_alphanumeric() || b"/~-._!$&'()*+,;=:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16)
        .unwrap_or('0')
        .to_ascii_uppercase()
}

fn percent_decoded(text: &str) -> String {
    // A plus sign is a plus sign here.
    let text = text.replace('+', "%2B");
    url::form_urlencoded::parse(format!("a={}", text.replace('&', "%26")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// The pointer of an address, as people write it.
pub(crate) fn shown(address: &str) -> &str {
    address.find('#').map_or(address, |at| &address[at..])
}
