//! Reads what PostgreSQL sends for `ARRAY(SELECT ROW(…) …)`: an array of records in the binary format, nested as one likes.
//! Cheaper on both sides than the same as JSON. Formats: `array_send` and `record_send` of PostgreSQL.
use serde::Deserialize as _;
use serde::de::{self, DeserializeOwned, Deserializer, SeqAccess, Visitor};
use std::fmt;

/// Of a time: microseconds since the first day of 2000.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

mod oid {
    pub(super) const BOOL: u32 = 16;
    pub(super) const INT8: u32 = 20;
    pub(super) const INT4: u32 = 23;
    pub(super) const TEXT: u32 = 25;
    pub(super) const JSON: u32 = 114;
    pub(super) const BPCHAR: u32 = 1042;
    pub(super) const VARCHAR: u32 = 1043;
    pub(super) const TIMESTAMP: u32 = 1114;
    pub(super) const TIMESTAMPTZ: u32 = 1184;
    pub(super) const RECORD: u32 = 2249;
    pub(super) const RECORD_ARRAY: u32 = 2287;
    pub(super) const UUID: u32 = 2950;
    pub(super) const JSONB: u32 = 3802;
}

/// Why a value cannot be read; says nothing of what is in it.
#[derive(Debug)]
pub(super) struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Error {}
impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Each record as a tuple: UUIDs as 16 bytes, times as microseconds since 1970, documents as their text.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, Error> {
    Vec::deserialize(Field {
        kind: oid::RECORD_ARRAY,
        bytes: Some(bytes),
    })
}

/// Cuts from the front.
fn take<'b>(bytes: &mut &'b [u8], count: usize) -> Result<&'b [u8], Error> {
    let (taken, rest) = bytes
        .split_at_checked(count)
        .ok_or_else(|| Error("the value is cut off".to_owned()))?;
    *bytes = rest;
    Ok(taken)
}

fn number(bytes: &mut &[u8]) -> Result<i32, Error> {
    fixed(take(bytes, 4)?).map(i32::from_be_bytes)
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Error> {
    bytes
        .try_into()
        .map_err(|_| Error("the value has another size".to_owned()))
}

/// What begins with its size; -1 is NULL.
fn sized<'b>(bytes: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Error> {
    match usize::try_from(number(bytes)?) {
        Ok(size) => take(bytes, size).map(Some),
        Err(_) => Ok(None),
    }
}

struct Field<'b> {
    kind: u32,
    bytes: Option<&'b [u8]>,
}

impl<'de> Deserializer<'de> for Field<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Some(bytes) = self.bytes else {
            return visitor.visit_unit();
        };
        match self.kind {
            oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::JSON => visitor.visit_str(text(bytes)?),
            // A version, 1, stands before it.
            oid::JSONB => visitor.visit_str(text(bytes.get(1..).unwrap_or_default())?),
            oid::UUID => visitor.visit_bytes(bytes),
            oid::BOOL => visitor.visit_bool(bytes != [0]),
            oid::INT4 => visitor.visit_i64(i32::from_be_bytes(fixed(bytes)?).into()),
            oid::INT8 => visitor.visit_i64(i64::from_be_bytes(fixed(bytes)?)),
            oid::TIMESTAMP | oid::TIMESTAMPTZ => {
                visitor.visit_i64(i64::from_be_bytes(fixed(bytes)?).saturating_add(EPOCH_MICROS))
            }
            oid::RECORD => visitor.visit_seq(Items::of_record(bytes)?),
            oid::RECORD_ARRAY => visitor.visit_seq(Items::of_array(bytes)?),
            other => Err(Error(format!("a value of type {other} is not expected"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.bytes.is_none() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error("the text is not UTF-8".to_owned()))
}

/// What follows one another: the fields of a record, each behind its type, or the elements of an array, which have one.
struct Items<'b> {
    left: i32,
    bytes: &'b [u8],
    /// The type of each; `None`: it stands before each.
    kind: Option<u32>,
}

impl<'b> Items<'b> {
    fn of_record(mut bytes: &'b [u8]) -> Result<Self, Error> {
        let left = number(&mut bytes)?;
        Ok(Self {
            left,
            bytes,
            kind: None,
        })
    }

    /// Before the elements stand how many dimensions, a flag, the type; then size and first index of each dimension.
    fn of_array(mut bytes: &'b [u8]) -> Result<Self, Error> {
        let dimensions = number(&mut bytes)?;
        take(&mut bytes, 8)?;
        let left = match dimensions {
            0 => 0,
            1 => {
                let size = number(&mut bytes)?;
                take(&mut bytes, 4)?;
                size
            }
            _ => return Err(Error("an array of more dimensions".to_owned())),
        };
        Ok(Self {
            left,
            bytes,
            kind: Some(oid::RECORD),
        })
    }
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.left <= 0 {
            return Ok(None);
        }
        self.left -= 1;
        let kind = match self.kind {
            Some(kind) => kind,
            None => fixed(take(&mut self.bytes, 4)?).map(u32::from_be_bytes)?,
        };
        let bytes = sized(&mut self.bytes)?;
        seed.deserialize(Field { kind, bytes }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        // What was said before the bytes came is not believed.
        usize::try_from(self.left)
            .ok()
            .map(|left| left.min(self.bytes.len() / 4))
    }
}
