//! What is wrong with a configuration, and what is odd about it: one line each.
use super::node::{Origin, dotted};
use std::fmt;

/// A reason not to start. Never shows a value that may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands, if it stands anywhere.
    pub origin: Option<Origin>,
    /// The key with dots; empty if it is about the whole file.
    pub key: String,
    /// What is there, what is allowed, and what may have been meant.
    pub message: String,
}

impl Finding {
    /// `pointer` is a JSON pointer.
    pub(super) fn new(origin: Option<Origin>, pointer: &str, message: impl Into<String>) -> Self {
        Self {
            origin,
            key: dotted(pointer),
            message: message.into(),
        }
    }
    pub(super) fn at(origin: Origin, pointer: &str, message: impl Into<String>) -> Self {
        Self::new(Some(origin), pointer, message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, self.origin.as_ref(), &self.key, &self.message)
    }
}

/// Something that loads, but hardly does what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub origin: Option<Origin>,
    pub key: String,
    /// What happens instead.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, self.origin.as_ref(), &self.key, &self.message)?;
        write!(f, "; {}", self.remedy)
    }
}

fn line(f: &mut fmt::Formatter<'_>, origin: Option<&Origin>, key: &str, text: &str) -> fmt::Result {
    // What is nowhere given has no place to look at.
    if let Some(origin) = origin.filter(|origin| **origin != Origin::Program) {
        write!(f, "{origin}: ")?;
    }
    if !key.is_empty() {
        write!(f, "{key}: ")?;
    }
    f.write_str(text)
}
