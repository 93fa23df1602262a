//! The form of an identity schema: one input for each trait (flows.md §1.10).
use super::compile::IdentitySchema;
use super::paths::{Kind, Path};
use crate::text::{Message, node as label};
use crate::ui::node::InputOption;
use crate::ui::{Input, Node};

/// A choice of more is cut: every form would carry it.
const MAX_OPTIONS: usize = 500;

impl IdentitySchema {
    /// The inputs in alphabetical order, in group `default`, without values.
    #[must_use]
    pub fn fields(&self) -> Vec<Node> {
        self.paths
            .iter()
            .filter(|p| !p.kind.is_json())
            .map(|p| self.field(p))
            .collect()
    }

    fn field(&self, path: &Path) -> Node {
        let source = self.tree.get(path.node);
        let by_kind = match (path.name.as_str(), path.kind) {
            ("csrf_token", _) => Input::Hidden,
            ("password", _) => Input::Password,
            (_, Kind::Number) => Input::Number,
            (_, Kind::Bool) => Input::Checkbox,
            _ => Input::Text,
        };
        let (input, hint) = match source.format.as_str() {
            "date-time" => (Input::DatetimeLocal, None),
            "email" => (Input::Email, Some("email")),
            "tel" => (Input::Tel, Some("tel")),
            "date" => (Input::Date, None),
            "uri" => (Input::Url, Some("url")),
            "regex" => (Input::Text, None),
            _ => (by_kind, None),
        };
        let node = Node::input(&path.name, input).with(|i| {
            i.required = path.required;
            i.autocomplete = hint.map(str::to_owned);
            i.pattern.clone_from(&source.pattern);
            i.disabled = source.disabled;
            i.options = source
                .options
                .iter()
                .take(MAX_OPTIONS)
                .map(|value| InputOption {
                    value: value.clone(),
                })
                .collect();
        });
        if source.title.is_empty() {
            node
        } else {
            node.label(label::trait_label(&source.title, &path.name))
        }
    }

    /// What the field is called in which somebody says who they are: the title of the only trait that
    /// names people, if there is only one.
    #[must_use]
    pub fn identifier_label(&self) -> Message {
        let mut names = self.paths.iter().filter(|p| {
            let extension = self.tree.get(p.node).extension.as_ref();
            extension.is_some_and(super::extension::Extension::names_somebody)
        });
        match (names.next(), names.next()) {
            (Some(only), None) if !self.tree.get(only.node).title.is_empty() => {
                label::trait_label(&self.tree.get(only.node).title, &only.name)
            }
            _ => label::identifier(),
        }
    }

    /// The names of the fields that a passkey may be called by, sorted; if none is marked, the first
    /// trait without a title.
    #[must_use]
    pub fn display_name_fields(&self) -> Vec<String> {
        let marked: Vec<String> = self
            .paths
            .iter()
            .filter(|p| {
                let extension = self.tree.get(p.node).extension.as_ref();
                extension.is_some_and(|e| e.webauthn_identifier || e.passkey_display_name)
            })
            .map(|p| p.name.clone())
            .collect();
        if !marked.is_empty() {
            return marked;
        }
        self.paths
            .iter()
            .find(|p| p.name.starts_with("traits.") && self.tree.get(p.node).title.is_empty())
            .map(|p| p.name.clone())
            .into_iter()
            .collect()
    }
}
