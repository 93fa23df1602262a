//! The fields of a schema as a flat list of dotted names, the way forms and form bodies see them.
//!
//! Odd corners are the reference's (flows.md §1.10): a property behind a `$ref` is never "required" in a
//! form, a type of two alternatives gives no field, the last of several definitions wins.
use super::tree::{Id, Items, Node, Tree};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// What kind of value belongs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Bool,
    Texts,
    Numbers,
    Bools,
    /// A list of nothing in particular.
    List,
    /// A list of objects or of several types.
    JsonList,
    Object,
    /// There is a default, and no type that a form could ask for.
    Other,
}

impl Kind {
    /// Not a field of a form.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::JsonList | Self::Object)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// `traits.name.first`.
    pub(crate) name: String,
    pub(crate) segments: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) node: Id,
    has_default: bool,
}

/// More are refused by [`list`]: a form has to be shown to people.
pub(crate) const MAX_PATHS: usize = 5_000;

/// All fields, sorted by name. `depth`: how often a definition may stand inside itself.
/// Nothing: there are too many.
pub(crate) fn list(tree: &Tree, depth: usize) -> Option<Vec<Path>> {
    let mut lister = Lister {
        tree,
        depth,
        open: HashMap::new(),
        steps: 0,
        found: vec![],
    };
    lister.visit(0, None, &mut vec![])?;
    let mut unique: BTreeMap<String, Path> = BTreeMap::new();
    for path in lister.found {
        match unique.get(&path.name) {
            Some(earlier) if earlier.has_default => {}
            _ => {
                unique.insert(path.name.clone(), path);
            }
        }
    }
    (unique.len() <= MAX_PATHS).then(|| unique.into_values().collect())
}

struct Lister<'a> {
    tree: &'a Tree,
    depth: usize,
    /// How often each node is being visited.
    open: HashMap<Id, usize>,
    steps: usize,
    found: Vec<Path>,
}

impl Lister<'_> {
    fn visit(&mut self, id: Id, parent: Option<Id>, parents: &mut Vec<String>) -> Option<()> {
        self.steps += 1;
        if self.steps > 20 * MAX_PATHS || parents.len() > 64 {
            return None;
        }
        let tree = self.tree;
        let node = tree.get(id);
        self.emit(id, parent, parents);
        let times = self.open.entry(id).or_insert(0);
        if *times > self.depth {
            return Some(());
        }
        *times += 1;
        for child in node.in_place() {
            self.visit(child, Some(id), parents)?;
        }
        for (name, child) in &node.properties {
            parents.push(name.clone());
            self.visit(*child, Some(id), parents)?;
            parents.pop();
        }
        if let Some(times) = self.open.get_mut(&id) {
            *times -= 1;
        }
        Some(())
    }

    fn emit(&mut self, id: Id, parent: Option<Id>, parents: &[String]) {
        let node = self.tree.get(id);
        let Some(last) = parents.last() else {
            return;
        };
        let kind = match kind(self.tree, node) {
            Some(kind) => kind,
            None if node.has_default => Kind::Other,
            None => return,
        };
        self.found.push(Path {
            name: parents.join("."),
            segments: parents.to_vec(),
            kind,
            required: parent.is_some_and(|p| self.tree.get(p).required.contains(last)),
            node: id,
            has_default: node.has_default,
        });
    }
}

fn kind(tree: &Tree, node: &Node) -> Option<Kind> {
    if let Some(constant) = &node.constant {
        return match constant {
            Value::Number(_) => Some(Kind::Number),
            Value::String(_) => Some(Kind::Text),
            Value::Bool(_) => Some(Kind::Bool),
            Value::Array(_) | Value::Object(_) => Some(Kind::Object),
            Value::Null => None,
        };
    }
    let [only] = node.types.as_slice() else {
        return None;
    };
    Some(match only.as_str() {
        "boolean" => Kind::Bool,
        "number" | "integer" => Kind::Number,
        "string" => Kind::Text,
        "object" => Kind::Object,
        "array" => list_kind(tree, node),
        _ => return None,
    })
}

fn list_kind(tree: &Tree, node: &Node) -> Kind {
    let items: Vec<Id> = match &node.items {
        None => return Kind::List,
        Some(Items::Each(id)) => vec![*id],
        Some(Items::Tuple(ids, _)) => ids.clone(),
    };
    let mut types: Vec<&str> = vec![];
    for id in items {
        let item = tree.get(id);
        types.extend(item.types.iter().map(String::as_str));
        if let Some(target) = item.reference {
            types.extend(tree.get(target).types.iter().map(String::as_str));
        }
    }
    types.dedup();
    match types.as_slice() {
        ["boolean"] => Kind::Bools,
        ["number" | "integer"] => Kind::Numbers,
        ["string"] => Kind::Texts,
        [_] => Kind::JsonList,
        _ => Kind::List,
    }
}

/// The leaves of a schema in document order, as the sorting of forms wants them (flows.md §1.11).
/// References are not followed; a dot in a name is escaped.
pub(crate) fn leaf_keys(schema: &Value) -> Vec<String> {
    fn visit(schema: &Value, parents: &mut Vec<String>, out: &mut Vec<String>) {
        if schema.get("type").is_some_and(|t| t == "object") {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, child) in properties.into_iter().flatten() {
                parents.push(name.replace('.', "\\."));
                visit(child, parents, out);
                parents.pop();
            }
        } else {
            out.push(parents.join("."));
        }
    }
    let mut out = vec![];
    visit(schema, &mut vec![], &mut out);
    out
}
