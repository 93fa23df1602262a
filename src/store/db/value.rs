//! What is bound to a statement. A missing value keeps its type, as PostgreSQL refuses untyped ones.
use crate::base::id::{
    AddressId, ContainerId, CredentialId, DeviceId, ErrorId, FlowId, IdentityId, MessageId,
    NetworkId, RowId, SessionId,
};
use crate::store::error::{Error, Result};
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone)]
pub enum Value {
    Bool(Option<bool>),
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Uuid(Option<Uuid>),
    /// Any offset: it is turned to UTC.
    Time(Option<OffsetDateTime>),
    /// A JSON text.
    Json(Option<String>),
    /// The same in a column that the reference reads as bytes: on SQLite it has to be a blob.
    Document(String),
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => { $(
        impl From<$from> for Value {
            fn from(value: $from) -> Self { Self::$variant(Some(value.into())) }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self { Self::$variant(value.map(Into::into)) }
        }
    )* };
}
from!(bool => Bool, i64 => Int, i32 => Int, u32 => Int, String => Text, &str => Text, Vec<u8> => Bytes, Uuid => Uuid,
    OffsetDateTime => Time);

macro_rules! ids {
    ($($id:ident)*) => { $(
        impl From<$id> for Value {
            fn from(id: $id) -> Self { Self::Uuid(Some(id.0)) }
        }
        impl From<Option<$id>> for Value {
            fn from(id: Option<$id>) -> Self { Self::Uuid(id.map(|id| id.0)) }
        }
    )* };
}
ids!(AddressId ContainerId CredentialId DeviceId ErrorId FlowId IdentityId MessageId NetworkId RowId SessionId);

/// A statement with `?` where its values go, in order.
#[derive(Clone)]
pub struct Sql {
    pub(super) text: Text,
    pub(super) values: Vec<Value>,
    /// The first value that could not be written as JSON: found when the statement is run.
    pub(super) fault: Option<String>,
    /// A write that finds no row undoes all that is done together with it: [`Error::Stale`].
    pub(super) must_touch: bool,
}

#[derive(Clone)]
pub(super) enum Text {
    /// A text of the program, spelt for an engine once.
    Fixed(&'static str),
    Built(String),
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Built(text) => text,
        }
    }
}

/// A statement that is the same each time: written once in the program.
pub(in crate::store) fn sql(text: &'static str) -> Sql {
    Sql {
        text: Text::Fixed(text),
        values: vec![],
        fault: None,
        must_touch: false,
    }
}

/// A statement that was put together, of a list's length for instance; never of anybody's input.
pub(in crate::store) fn built(text: String) -> Sql {
    Sql {
        text: Text::Built(text),
        values: vec![],
        fault: None,
        must_touch: false,
    }
}

impl Sql {
    /// The same with one more condition.
    #[must_use]
    pub fn and(mut self, condition: &str) -> Self {
        self.text = Text::Built(format!("{}{condition}", self.text.as_str()));
        self
    }

    /// A write that has to find its row, and undoes what is done together with it where there is none.
    #[must_use]
    pub fn or_nothing(mut self) -> Self {
        self.must_touch = true;
        self
    }

    /// How many rows a write has touched, unless they are too few.
    pub(super) fn judged(&self, touched: u64) -> Result<u64> {
        if self.must_touch && touched == 0 {
            return Err(Error::Stale);
        }
        Ok(touched)
    }

    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
    /// NULL for an empty text (database.md §3).
    #[must_use]
    pub fn bind_text_or_null(self, text: Option<&str>) -> Self {
        self.bind(text.filter(|t| !t.is_empty()))
    }
    #[must_use]
    pub fn bind_json(mut self, value: &impl serde::Serialize) -> Self {
        let text = serde_json::to_string(value)
            .map_err(|e| self.fault = Some(e.to_string()))
            .ok();
        self.values.push(Value::Json(text));
        self
    }
    /// For columns that the reference reads as bytes.
    #[must_use]
    pub fn bind_document(mut self, value: &serde_json::Value) -> Self {
        self.values.push(Value::Document(value.to_string()));
        self
    }
    /// NULL for a missing value or JSON `null` (database.md §3).
    #[must_use]
    pub fn bind_json_or_null(mut self, value: Option<&serde_json::Value>) -> Self {
        if let Some(value) = value.filter(|v| !v.is_null()) {
            return self.bind_json(value);
        }
        self.values.push(Value::Json(None));
        self
    }
    #[must_use]
    pub fn bind_all<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.values.extend(values.into_iter().map(Into::into));
        self
    }
}

/// `?, ?, ?`
pub(in crate::store) fn marks(count: usize) -> String {
    let mut out = "?, ".repeat(count);
    out.truncate(out.len().saturating_sub(2));
    out
}

/// `(?, ?), (?, ?)`: rows of an INSERT.
pub(in crate::store) fn rows_of_marks(rows: usize, columns: usize) -> String {
    let row = format!("({}), ", marks(columns));
    let mut out = row.repeat(rows);
    out.truncate(out.len().saturating_sub(2));
    out
}
