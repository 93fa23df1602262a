//! The form of a flow: what it asks, what it says, where it is sent to.
use super::node::{Input, Node};
use crate::base::terms::{Group, MethodId};
use crate::text::Message;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The `ui` of a flow (http-api.md §14.6). `nodes` is `null` on the wire when there is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Form {
    pub action: String,
    pub method: String,
    #[serde(serialize_with = "null_if_empty", deserialize_with = "empty_if_null")]
    pub nodes: Vec<Node>,
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "empty_if_null"
    )]
    pub messages: Vec<Message>,
}

fn null_if_empty<S: Serializer>(nodes: &[Node], s: S) -> Result<S::Ok, S::Error> {
    if nodes.is_empty() {
        s.serialize_none()
    } else {
        nodes.serialize(s)
    }
}

fn empty_if_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(d)?.unwrap_or_default())
}

impl Form {
    /// A form that is posted to this address.
    #[must_use]
    pub fn posted_to(action: String) -> Self {
        Self {
            action,
            method: "POST".to_owned(),
            nodes: vec![],
            messages: vec![],
        }
    }
    /// Appends, even if there is such a node already.
    pub fn push(&mut self, node: Node) {
        self.nodes.push(node);
    }
    /// Replaces the first node of the same id, whatever its group, else appends (as the reference does).
    pub fn set(&mut self, node: Node) {
        match self.nodes.iter_mut().find(|n| n.id() == node.id()) {
            Some(old) => *old = node,
            None => self.nodes.push(node),
        }
    }
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|n| n.id() == id)
    }
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|n| n.id() == id)
    }
    /// The value of the input of that name, if it is a text.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name)?.current().as_str()
    }
    /// Drops all that the method has put in.
    pub fn remove_all_of(&mut self, method: MethodId) {
        self.nodes.retain(|n| n.group != Group::Of(method));
    }
    /// Drops the nodes of this name in the group of the method.
    pub fn remove(&mut self, id: &str, method: MethodId) {
        self.nodes
            .retain(|n| n.id() != id || n.group != Group::Of(method));
    }
    /// Sets the value of an input that exists; type, label and the rest stay.
    pub fn fill(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(input) = self.get_mut(name).and_then(Node::as_input_mut) {
            input.value = value.into();
        }
    }

    /// Adds a message to the form as a whole.
    pub fn say(&mut self, message: Message) {
        self.messages.push(message);
    }
    /// A message on the field, or on the form if no field is named. A field that is not there is made.
    pub fn fail(&mut self, field: Option<&str>, message: Message) {
        let Some(name) = field.filter(|n| !n.is_empty()) else {
            return self.say(message);
        };
        if let Some(node) = self.get_mut(name) {
            return node.messages.push(message);
        }
        let mut node = Node::input(name, Input::Text);
        node.messages.push(message);
        self.push(node);
    }
    /// Drops everything but what the installation put in itself.
    pub fn clear(&mut self) {
        self.nodes.retain(|n| n.group == Group::Captcha);
        self.messages.clear();
    }
    pub fn forget_messages(&mut self) {
        self.messages.clear();
        for node in &mut self.nodes {
            node.messages.clear();
        }
    }
}
