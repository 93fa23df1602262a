//! Every sentence a person may read: one function per message id, grouped by the kind of flow.
//!
//! To add a message: one function in the file of its group; the catalogue snapshot shows the new id.
//! Ids, kinds and contexts are the reference's (flows.md §2), the words are ours.
#![expect(
    clippy::unreadable_literal,
    reason = "ids are searched for as they stand on the wire"
)]
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// Functions for messages that always say the same: `name: id tone "text";`.
macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident: $id:literal $tone:ident $text:literal;)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub fn $name() -> super::Message {
            super::Message::$tone($id, $text)
        }
    )* };
}

pub mod login;
pub mod node;
pub mod recovery;
pub mod registration;
pub mod settings;
pub mod validation;
pub mod verification;

#[cfg(test)]
mod tests;

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
    /// Adds a time twice: RFC 3339 under the key, seconds since 1970 under `<key>_unix`.
    pub(crate) fn with_time(self, key: &str, at: OffsetDateTime) -> Self {
        self.with(key, crate::base::time::rfc3339(at))
            .with(&format!("{key}_unix"), at.unix_timestamp())
    }
}

/// `expired_at` in the context, and how long ago that was in the sentence.
fn expired(id: u32, expired_at: OffsetDateTime, now: OffsetDateTime) -> Message {
    let ago = span((now - expired_at).whole_seconds().max(0));
    Message::error(
        id,
        format!("This page was closed {ago} ago for your safety. Please start again."),
    )
    .with_time("expired_at", expired_at)
}

/// A duration as people say it, in its largest unit, rounded up beyond seconds.
fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..=59 => (seconds, "second"),
        60..=3599 => ((seconds + 59) / 60, "minute"),
        3600..=172_799 => ((seconds + 3599) / 3600, "hour"),
        _ => ((seconds + 86_399) / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// "a, b or c".
fn either<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} or {}", head.join(", "), last.as_ref())
        }
    }
}
