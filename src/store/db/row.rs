//! A row is read from left to right, in the order of the SELECT's columns: cheap, and the same on all engines.
use super::{records, times};
use crate::base::id::{
    AddressId, ContainerId, CredentialId, DeviceId, ErrorId, FlowId, IdentityId, MessageId,
    NetworkId, RowId, SessionId,
};
use crate::store::error::{Error, Result};
use rusqlite::types::Value as Cell;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use sqlx::mysql::{MySql, MySqlRow, MySqlValueRef};
use sqlx::postgres::{PgRow, PgValueFormat, PgValueRef, Postgres};
use sqlx::{Decode, Row as _, TypeInfo, ValueRef};
use std::fmt;
use std::marker::PhantomData;
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

pub struct Row {
    cells: Cells,
    /// The column that is read next.
    at: usize,
}

enum Cells {
    Sqlite(std::vec::IntoIter<Cell>),
    Postgres(PgRow),
    MySql(MySqlRow),
}

impl From<Vec<Cell>> for Row {
    fn from(cells: Vec<Cell>) -> Self {
        Self {
            cells: Cells::Sqlite(cells.into_iter()),
            at: 0,
        }
    }
}
impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self {
            cells: Cells::Postgres(row),
            at: 0,
        }
    }
}
impl From<MySqlRow> for Row {
    fn from(row: MySqlRow) -> Self {
        Self {
            cells: Cells::MySql(row),
            at: 0,
        }
    }
}

/// What `ROWS` makes in JSON: an array, or an object whose keys say nothing.
pub(in crate::store) struct Rows<T>(pub(in crate::store) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        d.deserialize_any(RowsVisitor(PhantomData))
    }
}

struct RowsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for RowsVisitor<T> {
    type Value = Rows<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Rows<T>, A::Error> {
        let mut rows = vec![];
        while let Some(row) = seq.next_element()? {
            rows.push(row);
        }
        Ok(Rows(rows))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Rows<T>, A::Error> {
        let mut rows = vec![];
        while let Some((IgnoredAny, row)) = map.next_entry()? {
            rows.push(row);
        }
        Ok(Rows(rows))
    }
}

type Read<T> = std::result::Result<T, String>;

/// A type of Rust that a column can be read into, from each engine's spelling.
pub trait Column: Sized {
    fn sqlite(cell: Cell) -> Read<Self>;
    fn postgres(value: PgValueRef<'_>) -> Read<Self>;
    fn mysql(value: MySqlValueRef<'_>) -> Read<Self>;
}

impl Row {
    /// The next column.
    pub fn get<T: Column>(&mut self) -> Result<T> {
        self.opt()?.ok_or_else(|| self.unreadable("it is NULL"))
    }

    /// The next column, which may be NULL.
    pub fn opt<T: Column>(&mut self) -> Result<Option<T>> {
        let at = self.at;
        self.at += 1;
        let read = match &mut self.cells {
            Cells::Sqlite(cells) => match cells.next() {
                None => Err("there is no such column".to_owned()),
                Some(Cell::Null) => return Ok(None),
                Some(cell) => T::sqlite(cell),
            },
            Cells::Postgres(row) => match row.try_get_raw(at) {
                Err(e) => Err(e.to_string()),
                Ok(value) if value.is_null() => return Ok(None),
                Ok(value) => T::postgres(value),
            },
            Cells::MySql(row) => match row.try_get_raw(at) {
                Err(e) => Err(e.to_string()),
                Ok(value) if value.is_null() => return Ok(None),
                Ok(value) => T::mysql(value),
            },
        };
        read.map(Some).map_err(|reason| self.unreadable(reason))
    }

    /// Is the next column NULL? It is still to be read.
    pub fn is_null(&self) -> bool {
        match &self.cells {
            Cells::Sqlite(cells) => matches!(cells.as_slice().first(), None | Some(Cell::Null)),
            Cells::Postgres(row) => row.try_get_raw(self.at).is_ok_and(|value| value.is_null()),
            Cells::MySql(row) => row.try_get_raw(self.at).is_ok_and(|value| value.is_null()),
        }
    }

    /// The next column, a JSON document; NULL and the document `null` are `None`.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let Some(Json(text)) = self.opt()? else {
            return Ok(None);
        };
        serde_json::from_str(&text).map_err(|e| self.unreadable(e.to_string()))
    }

    /// The next column, which `ROWS` made (`text.rs`), as tuples; NULL is none.
    pub fn rows<T: DeserializeOwned>(&mut self) -> Result<Vec<T>> {
        if let Cells::Postgres(row) = &self.cells
            && let Ok(value) = row.try_get_raw(self.at)
            && !value.is_null()
            && value.type_info().name() == "RECORD[]"
        {
            self.at += 1;
            let read = decode(value.as_bytes()).map(records::read);
            return match read {
                Ok(Ok(rows)) => Ok(rows),
                Ok(Err(error)) => Err(self.unreadable(error.to_string())),
                Err(error) => Err(self.unreadable(error)),
            };
        }
        let rows = self.json::<Rows<T>>()?;
        Ok(rows.map_or_else(Vec::new, |rows| rows.0))
    }

    /// The next column, a text of which an empty one says nothing.
    pub fn text_or_none(&mut self) -> Result<Option<String>> {
        Ok(self.opt::<String>()?.filter(|text| !text.is_empty()))
    }

    /// The next column, a word of a list of ours. `None` of `known` is an error that does not repeat the word.
    pub fn word<T>(&mut self, known: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let text: String = self.get()?;
        known(&text).ok_or_else(|| self.unreadable("the word is not known"))
    }

    pub(in crate::store) fn unreadable(&self, reason: impl Into<String>) -> Error {
        Error::Unreadable {
            column: self.at.saturating_sub(1),
            reason: reason.into(),
        }
    }
}

fn decode<T>(result: std::result::Result<T, sqlx::error::BoxDynError>) -> Read<T> {
    result.map_err(|e| e.to_string())
}

const WRONG: &str = "its type is another";

impl Column for String {
    fn sqlite(cell: Cell) -> Read<Self> {
        match cell {
            Cell::Text(text) => Ok(text),
            // Columns without text affinity turn digits into numbers.
            Cell::Integer(number) => Ok(number.to_string()),
            Cell::Real(number) => Ok(number.to_string()),
            Cell::Blob(bytes) => Self::from_utf8(bytes).map_err(|e| e.to_string()),
            Cell::Null => Err(WRONG.into()),
        }
    }
    fn postgres(value: PgValueRef<'_>) -> Read<Self> {
        decode(<Self as Decode<Postgres>>::decode(value))
    }
    fn mysql(value: MySqlValueRef<'_>) -> Read<Self> {
        decode(<Self as Decode<MySql>>::decode(value))
    }
}

impl Column for i64 {
    fn sqlite(cell: Cell) -> Read<Self> {
        match cell {
            Cell::Integer(number) => Ok(number),
            Cell::Text(text) => text.parse().map_err(|_| WRONG.into()),
            _ => Err(WRONG.into()),
        }
    }
    fn postgres(value: PgValueRef<'_>) -> Read<Self> {
        // The reference's integers have four bytes, counts have eight.
        match value.as_bytes().map(<[u8]>::len) {
            Ok(4) => decode(<i32 as Decode<Postgres>>::decode(value)).map(Self::from),
            _ => decode(<Self as Decode<Postgres>>::decode(value)),
        }
    }
    fn mysql(value: MySqlValueRef<'_>) -> Read<Self> {
        decode(<Self as Decode<MySql>>::decode(value))
    }
}

impl Column for bool {
    fn sqlite(cell: Cell) -> Read<Self> {
        match cell {
            Cell::Integer(number) => Ok(number != 0),
            // Defaults of the reference's tables are the words.
            Cell::Text(text) => Ok(matches!(text.as_str(), "true" | "TRUE" | "1" | "t")),
            _ => Err(WRONG.into()),
        }
    }
    fn postgres(value: PgValueRef<'_>) -> Read<Self> {
        decode(<Self as Decode<Postgres>>::decode(value))
    }
    fn mysql(value: MySqlValueRef<'_>) -> Read<Self> {
        i64::mysql(value).map(|number| number != 0)
    }
}

impl Column for Uuid {
    fn sqlite(cell: Cell) -> Read<Self> {
        match cell {
            Cell::Text(text) => Self::parse_str(&text).map_err(|e| e.to_string()),
            _ => Err(WRONG.into()),
        }
    }
    fn postgres(value: PgValueRef<'_>) -> Read<Self> {
        decode(<Self as Decode<Postgres>>::decode(value))
    }
    fn mysql(value: MySqlValueRef<'_>) -> Read<Self> {
        let text = decode(<&str as Decode<MySql>>::decode(value))?;
        Self::parse_str(text).map_err(|e| e.to_string())
    }
}

impl Column for OffsetDateTime {
    fn sqlite(cell: Cell) -> Read<Self> {
        match cell {
            Cell::Text(text) => times::parse(&text).ok_or_else(|| "not a time".into()),
            Cell::Integer(seconds) => Self::from_unix_timestamp(seconds).map_err(|e| e.to_string()),
            _ => Err(WRONG.into()),
        }
    }
    fn postgres(value: PgValueRef<'_>) -> Read<Self> {
        decode(<PrimitiveDateTime as Decode<Postgres>>::decode(value))
            .map(PrimitiveDateTime::assume_utc)
    }
    fn mysql(value: MySqlValueRef<'_>) -> Read<Self> {
        decode(<PrimitiveDateTime as Decode<MySql>>::decode(value))
            .map(PrimitiveDateTime::assume_utc)
    }
}

impl Column for Vec<u8> {
    fn sqlite(cell: Cell) -> Read<Self> {
        match cell {
            Cell::Blob(bytes) => Ok(bytes),
            Cell::Text(text) => Ok(text.into_bytes()),
            _ => Err(WRONG.into()),
        }
    }
    fn postgres(value: PgValueRef<'_>) -> Read<Self> {
        decode(<Self as Decode<Postgres>>::decode(value))
    }
    fn mysql(value: MySqlValueRef<'_>) -> Read<Self> {
        decode(<Self as Decode<MySql>>::decode(value))
    }
}

/// The text of a JSON column, as stored.
struct Json(String);

impl Column for Json {
    fn sqlite(cell: Cell) -> Read<Self> {
        String::sqlite(cell).map(Self)
    }
    fn postgres(value: PgValueRef<'_>) -> Read<Self> {
        let bytes = decode(value.as_bytes())?;
        // The binary form of `jsonb` is a version, 1, and the text.
        let text = match (value.format(), bytes.split_first()) {
            (PgValueFormat::Binary, Some((1, text))) => text,
            _ => bytes,
        };
        std::str::from_utf8(text)
            .map(|t| Self(t.to_owned()))
            .map_err(|e| e.to_string())
    }
    fn mysql(value: MySqlValueRef<'_>) -> Read<Self> {
        String::mysql(value).map(Self)
    }
}

macro_rules! ids {
    ($($id:ident)*) => { $(
        impl Column for $id {
            fn sqlite(cell: Cell) -> Read<Self> { Uuid::sqlite(cell).map(Self) }
            fn postgres(value: PgValueRef<'_>) -> Read<Self> { Uuid::postgres(value).map(Self) }
            fn mysql(value: MySqlValueRef<'_>) -> Read<Self> { Uuid::mysql(value).map(Self) }
        }
    )* };
}
ids!(AddressId ContainerId CredentialId DeviceId ErrorId FlowId IdentityId MessageId NetworkId RowId SessionId);
