//! Values that remember where they were written, so that every complaint can name the place.
//!
//! Files, flags and the environment are merged in this form; afterwards a plain JSON value and a table of
//! origins are made of it.
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Line and column count from 1; both are 0 where the format does not tell.
    File {
        path: Arc<str>,
        line: u64,
        column: u64,
    },
    /// The name of the variable.
    Env(Arc<str>),
    /// The flag without its dashes.
    Flag(&'static str),
    /// Put in by the program itself.
    Program,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: 0, .. } => f.write_str(path),
            Self::File { path, line, column } => write!(f, "{path}:{line}:{column}"),
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
            Self::Program => f.write_str("built-in value"),
        }
    }
}

/// A value, where it stands, and where its key stands (the same, if it has none).
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub kind: Kind,
    pub origin: Origin,
    pub key: Origin,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Leaf(Value),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn new(kind: Kind, origin: Origin) -> Self {
        Self {
            kind,
            key: origin.clone(),
            origin,
        }
    }

    pub(super) fn empty(origin: Origin) -> Self {
        Self::new(Kind::Map(Vec::new()), origin)
    }

    /// A JSON value that came from one place as a whole.
    pub(super) fn of(value: Value, origin: &Origin) -> Self {
        let kind = match value {
            Value::Array(items) => Kind::List(
                items
                    .into_iter()
                    .map(|item| Self::of(item, origin))
                    .collect(),
            ),
            Value::Object(entries) => Kind::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key, Self::of(value, origin)))
                    .collect(),
            ),
            leaf => Kind::Leaf(leaf),
        };
        Self::new(kind, origin.clone())
    }

    /// An identity schema, say, that lies beside the configuration.
    pub(super) fn is_schema(&self) -> bool {
        let Kind::Map(entries) = &self.kind else {
            return false;
        };
        let has = |key: &str| entries.iter().any(|(k, _)| k == key);
        has("properties") && (has("$schema") || has("$id") || has("type"))
    }

    /// Maps are merged key by key; everything else is replaced, lists as a whole.
    pub(super) fn merge(&mut self, over: Self) {
        match (&mut self.kind, over.kind) {
            (Kind::Map(entries), Kind::Map(news)) => {
                self.origin = over.origin;
                self.key = over.key;
                for (key, new) in news {
                    match entries.iter_mut().find(|(k, _)| *k == key) {
                        Some((_, old)) => old.merge(new),
                        None => entries.push((key, new)),
                    }
                }
            }
            (kind, new) => {
                *kind = new;
                self.origin = over.origin;
                self.key = over.key;
            }
        }
    }

    /// As [`Node::merge`], but item by item inside lists too: what the environment does. A shorter list
    /// leaves the tail of the longer one, an empty one changes nothing (config-cli.md §1.3).
    pub(super) fn overlay(&mut self, over: Self) {
        match (&mut self.kind, over.kind) {
            (Kind::Map(entries), Kind::Map(news)) => {
                for (key, new) in news {
                    match entries.iter_mut().find(|(k, _)| *k == key) {
                        Some((_, old)) => old.overlay(new),
                        None => entries.push((key, new)),
                    }
                }
            }
            (Kind::List(items), Kind::List(news)) => {
                for (index, new) in news.into_iter().enumerate() {
                    match items.get_mut(index) {
                        Some(old) => old.overlay(new),
                        None => items.push(new),
                    }
                }
            }
            (kind, new) => {
                *kind = new;
                self.origin = over.origin;
                self.key = over.key;
            }
        }
    }

    /// The node at that path, made if need be: maps for names, lists (padded with null) for numbers.
    pub(super) fn at_path(&mut self, path: &[Step], origin: &Origin) -> &mut Self {
        let mut node = self;
        for step in path {
            node = match step {
                Step::Key(key) => node.entry(key, origin),
                Step::Index(index) => node.item(*index, origin),
            };
        }
        node
    }

    fn entry(&mut self, key: &str, origin: &Origin) -> &mut Self {
        if !matches!(self.kind, Kind::Map(_)) {
            *self = Self::empty(origin.clone());
        }
        let Kind::Map(entries) = &mut self.kind else {
            unreachable!("made a map above")
        };
        let index = entries
            .iter()
            .position(|(k, _)| k == key)
            .unwrap_or_else(|| {
                entries.push((
                    key.to_owned(),
                    Self::new(Kind::Leaf(Value::Null), origin.clone()),
                ));
                entries.len() - 1
            });
        &mut entries[index].1
    }

    fn item(&mut self, index: usize, origin: &Origin) -> &mut Self {
        if !matches!(self.kind, Kind::List(_)) {
            *self = Self::new(Kind::List(Vec::new()), origin.clone());
        }
        let Kind::List(items) = &mut self.kind else {
            unreachable!("made a list above")
        };
        while items.len() <= index {
            items.push(Self::new(Kind::Leaf(Value::Null), origin.clone()));
        }
        &mut items[index]
    }

    /// The plain value and, by JSON pointer, the origins of everything in it.
    pub(super) fn finish(self) -> (Value, Origins) {
        let mut origins = Origins::default();
        let value = self.flatten(&mut String::new(), &mut origins);
        (value, origins)
    }

    fn flatten(self, pointer: &mut String, origins: &mut Origins) -> Value {
        origins.0.insert(pointer.clone(), (self.key, self.origin));
        let length = pointer.len();
        match self.kind {
            Kind::Leaf(value) => value,
            Kind::List(items) => {
                let items = items.into_iter().enumerate().map(|(index, item)| {
                    pointer.push('/');
                    pointer.push_str(&index.to_string());
                    let value = item.flatten(pointer, origins);
                    pointer.truncate(length);
                    value
                });
                Value::Array(items.collect())
            }
            Kind::Map(entries) => {
                let entries = entries.into_iter().map(|(key, entry)| {
                    pointer.push('/');
                    pointer.push_str(&escape(&key));
                    let value = entry.flatten(pointer, origins);
                    pointer.truncate(length);
                    (key, value)
                });
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// Where everything comes from, by JSON pointer.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(BTreeMap<String, (Origin, Origin)>);

impl Origins {
    /// Where the value stands, or else the nearest thing around it.
    pub(super) fn value(&self, pointer: &str) -> Option<&Origin> {
        self.nearest(pointer).map(|(_, value)| value)
    }
    /// Where the key stands, or else the nearest thing around it.
    pub(super) fn key(&self, pointer: &str) -> Option<&Origin> {
        self.nearest(pointer).map(|(key, _)| key)
    }

    fn nearest(&self, pointer: &str) -> Option<&(Origin, Origin)> {
        let mut pointer = pointer;
        loop {
            if let Some(found) = self.0.get(pointer) {
                return Some(found);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// A key as a token of a JSON pointer (RFC 6901).
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// `/a/b~1c/0` as people write it: `a.b/c.0`.
pub(super) fn dotted(pointer: &str) -> String {
    let tokens = pointer.split('/').skip(1);
    let tokens: Vec<_> = tokens
        .map(|t| t.replace("~1", "/").replace("~0", "~"))
        .collect();
    tokens.join(".")
}

/// A number out of a file; what JSON cannot hold becomes text.
pub(super) fn float(value: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and in range"
    )]
    if value.fract() == 0.0 && value.abs() < 9.0e15 {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number)
}
