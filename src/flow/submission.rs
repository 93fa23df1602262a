//! What somebody sent, decoded once and read by any method (flows.md §1.5, http-api.md §2.2).
use super::Fault;
use crate::base::url::Params;
use crate::schema::Fields;
use crate::text;
use serde_json::{Map, Value, json};

pub struct Submission {
    pub verb: Verb,
    pub query: Params,
    pub body: Body,
}

/// `Callback`: a provider sent the browser back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Callback,
}

/// What cannot be read is no error yet: some methods never look.
#[derive(Clone, Debug)]
pub enum Body {
    /// Names may repeat.
    Form(Params),
    Json(Map<String, Value>),
    /// A GET has none.
    Empty,
    /// Why, in words for the form.
    Unreadable(String),
}

impl Submission {
    /// Some methods read everything before they know whether they are meant; a body that cannot be read fails there.
    pub fn readable(&self) -> Result<(), Fault> {
        match &self.body {
            Body::Unreadable(reason) => Err(Fault::bad(reason)),
            _ => Ok(()),
        }
    }
    /// The same, and only a body will do.
    pub fn posted(&self) -> Result<(), Fault> {
        self.readable()?;
        match self.verb {
            Verb::Post => Ok(()),
            Verb::Get | Verb::Callback => Err(Fault::bad("This form has to be sent by POST.")),
        }
    }
    /// The method that the body names, not yet believed. Whoever asks has to read the body.
    pub fn method(&self) -> Result<Option<String>, Fault> {
        self.readable()?;
        Ok(self.text("method"))
    }
    /// The field as text; an empty one counts as not sent. JSON numbers and booleans are taken as their text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let text = match &self.body {
            Body::Form(pairs) => pairs.get(name)?.to_owned(),
            Body::Json(map) => match map.get(name)? {
                Value::Null => return None,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
            Body::Empty | Body::Unreadable(_) => return None,
        };
        Some(text).filter(|t| !t.is_empty())
    }
    /// These fields, all of which must be there; `missing` names where the complaint goes.
    pub fn require<const N: usize>(
        &self,
        fields: [(&str, Option<String>); N],
    ) -> Result<[String; N], Fault> {
        let errors: Vec<_> = fields
            .iter()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| (Some((*name).to_owned()), text::validation::missing(name)))
            .collect();
        if errors.is_empty() {
            Ok(fields.map(|(_, value)| value.unwrap_or_default()))
        } else {
            Err(Fault::Form(errors))
        }
    }
    /// Everything that was sent, to be read by the shape of a payload.
    #[must_use]
    pub fn fields(&self) -> Fields {
        match &self.body {
            Body::Form(pairs) => Fields::form(pairs),
            Body::Json(map) => Fields::json(map),
            Body::Empty | Body::Unreadable(_) => Fields::default(),
        }
    }
    /// The object that hooks and templates are handed; empty if none was sent.
    pub fn transient_payload(&self) -> Result<Value, Fault> {
        let Some(text) = self.text("transient_payload") else {
            return Ok(json!({}));
        };
        match serde_json::from_str(&text) {
            Ok(object @ Value::Object(_)) => Ok(object),
            _ => Err(Fault::bad("transient_payload has to be an object.")),
        }
    }
}
