//! The builder of form nodes, in the wire's own shape (http-api.md §14.7): what is stored in the `ui`
//! columns is what clients read.
use crate::base::terms::{Group, MethodId};
use crate::text::Message;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

/// The `type` of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    Text,
    Password,
    Number,
    Checkbox,
    Hidden,
    Email,
    Tel,
    Submit,
    Button,
    DatetimeLocal,
    Date,
    Url,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputAttributes {
    pub name: String,
    #[serde(rename = "type")]
    pub input: Input,
    /// Left out only when null; an empty text is kept.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autocomplete: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Message>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    #[serde(default)]
    pub disabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onclick: Option<String>,
    #[serde(
        default,
        rename = "onclickTrigger",
        skip_serializing_if = "Option::is_none"
    )]
    pub onclick_trigger: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onload: Option<String>,
    #[serde(
        default,
        rename = "onloadTrigger",
        skip_serializing_if = "Option::is_none"
    )]
    pub onload_trigger: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maxlength: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<InputOption>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputOption {
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageAttributes {
    pub src: String,
    pub id: String,
    pub width: u32,
    pub height: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnchorAttributes {
    pub href: String,
    pub title: Message,
    pub id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextAttributes {
    pub text: Message,
    pub id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScriptAttributes {
    pub src: String,
    #[serde(rename = "async")]
    pub is_async: bool,
    pub referrerpolicy: String,
    pub crossorigin: String,
    pub integrity: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
    pub nonce: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DivisionAttributes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    pub id: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Attributes {
    Input(Box<InputAttributes>),
    Image(ImageAttributes),
    Anchor(AnchorAttributes),
    Text(TextAttributes),
    Script(Box<ScriptAttributes>),
    Division(DivisionAttributes),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub group: Group,
    pub attributes: Attributes,
    pub messages: Vec<Message>,
    /// `meta.label`.
    pub label: Option<Message>,
}

impl Node {
    fn new(attributes: Attributes) -> Self {
        Self {
            group: Group::Default,
            attributes,
            messages: vec![],
            label: None,
        }
    }
    #[must_use]
    pub fn input(name: &str, input: Input) -> Self {
        Self::new(Attributes::Input(Box::new(InputAttributes {
            name: name.to_owned(),
            input,
            value: Value::Null,
            required: false,
            autocomplete: None,
            label: None,
            pattern: None,
            disabled: false,
            onclick: None,
            onclick_trigger: None,
            onload: None,
            onload_trigger: None,
            maxlength: None,
            options: vec![],
        })))
    }
    #[must_use]
    pub fn submit(name: &str, value: &str) -> Self {
        Self::input(name, Input::Submit).value(value)
    }
    #[must_use]
    pub fn hidden(name: &str, value: impl Into<Value>) -> Self {
        Self::input(name, Input::Hidden).value(value)
    }
    #[must_use]
    pub fn image(attributes: ImageAttributes) -> Self {
        Self::new(Attributes::Image(attributes))
    }
    #[must_use]
    pub fn anchor(id: &str, href: &str, title: Message) -> Self {
        let (id, href) = (id.to_owned(), href.to_owned());
        Self::new(Attributes::Anchor(AnchorAttributes { href, title, id }))
    }
    #[must_use]
    pub fn text(id: &str, text: Message) -> Self {
        Self::new(Attributes::Text(TextAttributes {
            text,
            id: id.to_owned(),
        }))
    }
    #[must_use]
    pub fn script(attributes: ScriptAttributes) -> Self {
        Self::new(Attributes::Script(Box::new(attributes)))
    }
    #[must_use]
    pub fn group(self, method: MethodId) -> Self {
        Self {
            group: Group::Of(method),
            ..self
        }
    }
    #[must_use]
    pub fn in_group(self, group: Group) -> Self {
        Self { group, ..self }
    }
    #[must_use]
    pub fn label(self, label: Message) -> Self {
        Self {
            label: Some(label),
            ..self
        }
    }
    /// Changes the attributes of an input; other nodes stay as they are.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut InputAttributes)) -> Self {
        if let Some(input) = self.as_input_mut() {
            change(input);
        }
        self
    }
    #[must_use]
    pub fn value(self, value: impl Into<Value>) -> Self {
        self.with(|i| i.value = value.into())
    }
    #[must_use]
    pub fn required(self) -> Self {
        self.with(|i| i.required = true)
    }
    #[must_use]
    pub fn autocomplete(self, hint: &str) -> Self {
        self.with(|i| i.autocomplete = Some(hint.to_owned()))
    }

    #[must_use]
    pub fn as_input(&self) -> Option<&InputAttributes> {
        if let Attributes::Input(input) = &self.attributes {
            Some(input)
        } else {
            None
        }
    }
    pub fn as_input_mut(&mut self) -> Option<&mut InputAttributes> {
        if let Attributes::Input(input) = &mut self.attributes {
            Some(input)
        } else {
            None
        }
    }
    /// What tells nodes of a group apart: an input's name, another node's id.
    #[must_use]
    pub fn id(&self) -> &str {
        match &self.attributes {
            Attributes::Input(a) => &a.name,
            Attributes::Image(a) => &a.id,
            Attributes::Anchor(a) => &a.id,
            Attributes::Text(a) => &a.id,
            Attributes::Script(a) => &a.id,
            Attributes::Division(a) => &a.id,
        }
    }
    /// The value of an input; null for other nodes.
    #[must_use]
    pub fn current(&self) -> &Value {
        self.as_input().map_or(&Value::Null, |i| &i.value)
    }
    #[must_use]
    pub fn is_input(&self, input: Input) -> bool {
        self.as_input().is_some_and(|i| i.input == input)
    }
    fn kind(&self) -> &'static str {
        match &self.attributes {
            Attributes::Input(_) => "input",
            Attributes::Image(_) => "img",
            Attributes::Anchor(_) => "a",
            Attributes::Text(_) => "text",
            Attributes::Script(_) => "script",
            Attributes::Division(_) => "div",
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// The attributes with `node_type` behind them.
#[derive(Serialize)]
struct Typed<'a, A> {
    #[serde(flatten)]
    attributes: &'a A,
    node_type: &'static str,
}

#[derive(Serialize)]
struct Meta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a Message>,
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Out<'a, A> {
            r#type: &'static str,
            group: &'static str,
            attributes: Typed<'a, A>,
            messages: &'a [Message],
            meta: Meta<'a>,
        }
        fn out<S: Serializer, A: Serialize>(
            node: &Node,
            attributes: &A,
            s: S,
        ) -> Result<S::Ok, S::Error> {
            let kind = node.kind();
            Out {
                r#type: kind,
                group: node.group.word(),
                attributes: Typed {
                    attributes,
                    node_type: kind,
                },
                messages: &node.messages,
                meta: Meta {
                    label: node.label.as_ref(),
                },
            }
            .serialize(s)
        }
        match &self.attributes {
            Attributes::Input(a) => out(self, a, s),
            Attributes::Image(a) => out(self, a, s),
            Attributes::Anchor(a) => out(self, a, s),
            Attributes::Text(a) => out(self, a, s),
            Attributes::Script(a) => out(self, a, s),
            Attributes::Division(a) => out(self, a, s),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct In {
            r#type: String,
            group: String,
            attributes: Value,
            #[serde(default)]
            messages: Option<Vec<Message>>,
            #[serde(default)]
            meta: Option<MetaIn>,
        }
        #[derive(Deserialize)]
        struct MetaIn {
            label: Option<Message>,
        }
        let node = In::deserialize(d)?;
        let attributes = match node.r#type.as_str() {
            "input" => serde_json::from_value(node.attributes).map(Attributes::Input),
            "img" => serde_json::from_value(node.attributes).map(Attributes::Image),
            "a" => serde_json::from_value(node.attributes).map(Attributes::Anchor),
            "text" => serde_json::from_value(node.attributes).map(Attributes::Text),
            "script" => serde_json::from_value(node.attributes).map(Attributes::Script),
            "div" => serde_json::from_value(node.attributes).map(Attributes::Division),
            other => return Err(D::Error::custom(format!("there is no node type {other:?}"))),
        }
        .map_err(D::Error::custom)?;
        Ok(Self {
            group: Group::from_word(&node.group).ok_or_else(|| {
                D::Error::custom(format!("there is no node group {:?}", node.group))
            })?,
            attributes,
            messages: node.messages.unwrap_or_default(),
            label: node.meta.and_then(|m| m.label),
        })
    }
}
