//! Files of three formats into [`Node`]s. The end of the name says which (config-cli.md §1.1).
use super::finding::Finding;
use super::node::{self, Kind, Node, Origin};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// Nobody has a configuration of 16 MiB; somebody may name a device by mistake.
const MAX_BYTES: u64 = 16 << 20;

/// Reads one file.
pub(super) fn file(path: &Path) -> Result<Node, Finding> {
    let name: Arc<str> = path.to_string_lossy().into();
    let here = || Origin::File {
        path: Arc::clone(&name),
        line: 0,
        column: 0,
    };
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(|e| Finding::at(here(), "", format!("the file cannot be read: {e}")))?;
    if text.len() as u64 > MAX_BYTES {
        let message = format!("the file has more than {MAX_BYTES} bytes");
        return Err(Finding::at(here(), "", message));
    }
    match path.extension().and_then(|e| e.to_str()) {
        Some("yaml" | "yml") => yaml(&text, &name),
        Some("json") => json(&text, &name),
        Some("toml") => toml(&text, &name),
        _ => Err(Finding::at(
            here(),
            "",
            "the name of a configuration file ends in .yaml, .yml, .json or .toml",
        )),
    }
}

fn yaml(text: &str, path: &Arc<str>) -> Result<Node, Finding> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        legacy_octal_numbers: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: 50_000, max_events: 200_000 },
    };
    // As the reference does, only the first document counts.
    let documents: Result<Vec<Spanned<Loose>>, _> =
        serde_saphyr::from_multiple_with_options(text, options);
    let first = documents.map_err(|error| {
        let at = error.location().map_or((0, 0), |l| (l.line(), l.column()));
        let origin = Origin::File {
            path: Arc::clone(path),
            line: at.0,
            column: at.1,
        };
        Finding::at(origin, "", broken_yaml(error.without_snippet()))
    })?;
    let start = Origin::File {
        path: Arc::clone(path),
        line: 1,
        column: 1,
    };
    let root = match first.into_iter().next() {
        None => Node::empty(start.clone()),
        Some(document) => document.value.into_node(path, start.clone()),
    };
    only_map(root, start)
}

/// What is wrong, without the place, which stands in front already.
fn broken_yaml(error: &serde_saphyr::Error) -> String {
    if let serde_saphyr::Error::DuplicateMappingKey { key, .. } = error {
        return twice(key.as_deref());
    }
    let text = error.to_string();
    let words = text.rsplit_once(" at line ").map_or(&*text, |(w, _)| w);
    format!("this is no YAML: {words}")
}

fn twice(key: Option<&str>) -> String {
    let key = key.map_or_else(|| "a key".to_owned(), |key| format!("the key `{key}`"));
    format!(
        "{key} stands here for the second time in the same map; remove one, or make one map of the two"
    )
}

/// JSON is judged by a JSON parser; the YAML parser, which reads most of it, tells the places.
fn json(text: &str, path: &Arc<str>) -> Result<Node, Finding> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line() as u64, error.column() as u64);
        let origin = Origin::File {
            path: Arc::clone(path),
            line,
            column,
        };
        Finding::at(origin, "", format!("this is no JSON: {error}"))
    })?;
    match yaml(text, path) {
        Ok(placed) if placed.clone().finish().0 == value => Ok(placed),
        _ => {
            let origin = Origin::File {
                path: Arc::clone(path),
                line: 0,
                column: 0,
            };
            only_map(Node::of(value, &origin), origin)
        }
    }
}

fn toml(text: &str, path: &Arc<str>) -> Result<Node, Finding> {
    let place = |offset: usize| {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() as u64 + 1;
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        let column = before[start..].chars().count() as u64 + 1;
        Origin::File {
            path: Arc::clone(path),
            line,
            column,
        }
    };
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let words = match error.message() {
            "duplicate key" => twice(None),
            other => format!("this is no TOML: {other}"),
        };
        Finding::at(place(offset), "", words)
    })?;
    Ok(from_table(table.into_inner(), &place(0), &place))
}

fn from_table(table: DeTable<'_>, origin: &Origin, place: &impl Fn(usize) -> Origin) -> Node {
    let entries = table.into_iter().map(|(key, value)| {
        let key_origin = place(key.span().start);
        let mut node = from_toml(value, place);
        node.key = key_origin;
        (key.into_inner().into_owned(), node)
    });
    Node::new(Kind::Map(entries.collect()), origin.clone())
}

fn from_toml(value: toml::Spanned<DeValue<'_>>, place: &impl Fn(usize) -> Origin) -> Node {
    let origin = place(value.span().start);
    let leaf = match value.into_inner() {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::String(number.to_string()), Value::from),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or_else(|_| Value::String(number.to_string()), node::float),
        DeValue::Array(items) => {
            let items = items
                .into_iter()
                .map(|item| from_toml(item, place))
                .collect();
            return Node::new(Kind::List(items), origin);
        }
        DeValue::Table(table) => return from_table(table, &origin, place),
    };
    Node::new(Kind::Leaf(leaf), origin)
}

fn only_map(root: Node, start: Origin) -> Result<Node, Finding> {
    match root.kind {
        Kind::Map(_) => Ok(root),
        Kind::Leaf(Value::Null) => Ok(Node::empty(start)),
        _ => Err(Finding::at(
            start,
            "",
            "a configuration is a map of keys and values",
        )),
    }
}

/// Whatever YAML may hold.
enum Loose {
    Leaf(Value),
    List(Vec<Spanned<Loose>>),
    Map(Vec<(Spanned<String>, Spanned<Loose>)>),
}

impl Loose {
    fn into_node(self, path: &Arc<str>, origin: Origin) -> Node {
        let place = |at: Location| Origin::File {
            path: Arc::clone(path),
            line: at.line(),
            column: at.column(),
        };
        let kind = match self {
            Self::Leaf(value) => Kind::Leaf(value),
            Self::List(items) => Kind::List(
                items
                    .into_iter()
                    .map(|item| item.value.into_node(path, place(item.referenced)))
                    .collect(),
            ),
            Self::Map(entries) => Kind::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| {
                        let mut node = value.value.into_node(path, place(value.referenced));
                        node.key = place(key.referenced);
                        (key.value, node)
                    })
                    .collect(),
            ),
        };
        Node::new(kind, origin)
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Loose, E> {
        Ok(Loose::Leaf(value.into()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Loose, E> {
        Ok(Loose::Leaf(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Loose, E> {
        Ok(Loose::Leaf(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Loose, E> {
        Ok(Loose::Leaf(node::float(value)))
    }
    fn visit_str<E>(self, value: &str) -> Result<Loose, E> {
        Ok(Loose::Leaf(value.into()))
    }
    fn visit_bytes<E>(self, value: &[u8]) -> Result<Loose, E> {
        Ok(Loose::Leaf(String::from_utf8_lossy(value).into()))
    }
    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Leaf(Value::Null))
    }
    fn visit_none<E>(self) -> Result<Loose, E> {
        Ok(Loose::Leaf(Value::Null))
    }
    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Loose, D::Error> {
        Loose::deserialize(input)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Loose::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Loose, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Loose::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(node: Node, pointer: &str) -> String {
        let (_, origins) = node.finish();
        let at = |o: Option<&Origin>| o.map(ToString::to_string).unwrap_or_default();
        format!(
            "{} {}",
            at(origins.key(pointer)),
            at(origins.value(pointer))
        )
    }

    #[test]
    fn yaml_knows_its_places() {
        let text = "serve:\n  public:\n    port: 1\nlist:\n  - a: yes\n  - &x 0755\n  - *x\n";
        let node = yaml(text, &"f.yml".into()).unwrap();
        assert_eq!(
            origins(node.clone(), "/serve/public/port"),
            "f.yml:3:5 f.yml:3:11"
        );
        assert_eq!(origins(node.clone(), "/list/0/a"), "f.yml:5:5 f.yml:5:8");
        assert_eq!(
            node.finish().0,
            serde_json::json!({"serve": {"public": {"port": 1}}, "list": [{"a": "yes"}, 493, 493]})
        );
    }

    #[test]
    fn yaml_merges_and_takes_the_first_document() {
        let node = yaml(
            "a: &a {x: 1}\nb:\n  <<: *a\n  y: 2\n---\nc: 3\n",
            &"f".into(),
        )
        .unwrap();
        assert_eq!(
            node.finish().0,
            serde_json::json!({"a": {"x": 1}, "b": {"x": 1, "y": 2}})
        );
        assert_eq!(
            yaml("# nothing\n", &"f".into()).unwrap().finish().0,
            serde_json::json!({})
        );
    }

    #[test]
    fn broken_files_say_where() {
        let shown = |r: Result<Node, Finding>| r.unwrap_err().to_string();
        let double = shown(yaml("a: 1\na: 2\n", &"f.yml".into()));
        assert!(
            double.starts_with("f.yml:2:1: the key `a` stands here"),
            "{double}"
        );
        let double = shown(toml("a = 1\na = 2\n", &"f.toml".into()));
        assert!(
            double.starts_with("f.toml:2:1: a key stands here"),
            "{double}"
        );
        let open = shown(yaml("a: [1\n", &"f.yml".into()));
        assert!(
            open.starts_with("f.yml:1:4: this is no YAML") && !open.contains("line"),
            "{open}"
        );
        assert!(shown(json("{\"a\": }", &"f.json".into())).starts_with("f.json:1:7: "));
        assert!(shown(toml("a = 1\nb = \n", &"f.toml".into())).starts_with("f.toml:2:"));
        assert!(shown(yaml("- 1\n", &"f.yml".into())).contains("a map"));
    }

    #[test]
    fn json_is_read_as_json() {
        let node = json(
            "{\n\t\"a\": {\"b\": \"\\ud83d\\ude00\"}\n}",
            &"f.json".into(),
        )
        .unwrap();
        assert_eq!(
            node.finish().0,
            serde_json::json!({"a": {"b": "\u{1f600}"}})
        );
        let node = json("{\n  \"a\": {\"b\": 7}\n}", &"f.json".into()).unwrap();
        assert_eq!(origins(node, "/a/b"), "f.json:2:9 f.json:2:14");
    }

    #[test]
    fn toml_knows_its_places() {
        let node = toml(
            "dsn = \"memory\"\n[serve.public]\nport = 0x10\nx = 1.5\n",
            &"f.toml".into(),
        )
        .unwrap();
        assert_eq!(
            origins(node.clone(), "/serve/public/port"),
            "f.toml:3:1 f.toml:3:8"
        );
        assert_eq!(
            node.finish().0,
            serde_json::json!({"dsn": "memory", "serve": {"public": {"port": 16, "x": 1.5}}})
        );
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        use std::fmt::Write;
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let items = vec![format!("*a{}", n - 1); 10].join(", ");
            let _ = writeln!(text, "a{n}: &a{n} [{items}]");
        }
        assert!(yaml(&text, &"f.yml".into()).is_err());
    }
}
