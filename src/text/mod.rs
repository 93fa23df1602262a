//! Every sentence a person may read: one function per message id, grouped by the kind of flow.
//!
//! To add a message: one function in the file of its group; the catalogue snapshot shows the new id.
//! Ids, kinds and contexts are the reference's (flows.md §2), the words are ours.
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    Info,
    Success,
    Error,
}

/// A sentence with an id that user interfaces translate by (http-api.md §14.8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: u32,
    pub text: String,
    #[serde(rename = "type")]
    pub tone: Tone,
    /// What the sentence speaks of; empty: left out on the wire.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

impl Message {
    pub(crate) fn new(id: u32, tone: Tone, text: impl Into<String>) -> Self {
        Self {
            id,
            text: text.into(),
            tone,
            context: Map::new(),
        }
    }
    pub(crate) fn info(id: u32, text: impl Into<String>) -> Self {
        Self::new(id, Tone::Info, text)
    }
    pub(crate) fn success(id: u32, text: impl Into<String>) -> Self {
        Self::new(id, Tone::Success, text)
    }
    pub(crate) fn error(id: u32, text: impl Into<String>) -> Self {
        Self::new(id, Tone::Error, text)
    }
    /// Adds an entry to the context.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.context.insert(key.to_owned(), value.into());
        self
    }
}
