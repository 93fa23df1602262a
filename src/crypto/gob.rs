//! The little of Go's gob encoding that cookies hold: a map of texts, each wrapped in an interface (database.md §8.1).
//!
//! A stream is messages of `length, type id, content`. A negative id introduces a type, which for a map of interfaces
//! says nothing that we need; the first positive id is the value. Numbers below 128 are one byte, others the negated
//! count of bytes and then these; signed numbers keep their sign in the lowest bit. See the documentation of Go's
//! package `encoding/gob`.

/// Texts by name, in the order of the stream.
pub(super) type Entries = Vec<(String, String)>;

/// Type 65 is a map from interface to interface.
const TYPE: [u8; 15] = [
    0x0e, 0xff, 0x81, 0x04, 0x01, 0x02, 0xff, 0x82, 0x00, 0x01, 0x10, 0x01, 0x10, 0x00, 0x00,
];
/// Id 65 as a signed number.
const VALUE_ID: [u8; 2] = [0xff, 0x82];
/// The id of the built-in text type, 6, as a signed number.
const STRING_ID: u64 = 12;
/// No cookie of ours has more.
const MOST_ENTRIES: u64 = 64;

/// Writes a map.
pub(super) fn encode(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut content = VALUE_ID.to_vec();
    content.push(0);
    push_number(&mut content, entries.len() as u64);
    for (name, value) in entries {
        push_interface(&mut content, name);
        push_interface(&mut content, value);
    }
    let mut out = TYPE.to_vec();
    push_number(&mut out, content.len() as u64);
    out.extend(content);
    out
}

fn push_interface(out: &mut Vec<u8>, text: &str) {
    push_text(out, "string");
    push_number(out, STRING_ID);
    let mut value = vec![0];
    push_text(&mut value, text);
    push_number(out, value.len() as u64);
    out.extend(value);
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    if number < 128 {
        out.extend(number.to_le_bytes().first());
        return;
    }
    let bytes = number.to_be_bytes();
    let bytes: Vec<u8> = bytes.into_iter().skip_while(|b| *b == 0).collect();
    out.extend(bytes.len().to_le_bytes().first().map(|n| n.wrapping_neg()));
    out.extend(bytes);
}

/// Reads a map; entries that are no texts are left out. `None` if the bytes are no such map.
pub(super) fn decode(bytes: &[u8]) -> Option<Entries> {
    let mut stream = Reader(bytes);
    loop {
        let mut message = Reader(stream.block()?);
        let id = message.number()?;
        let introduces_a_type = id & 1 == 1;
        if !introduces_a_type {
            return message.map();
        }
    }
}

/// What an interface holds.
enum Held {
    Text(String),
    Other,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let first = *self.take(1)?.first()?;
        if first < 128 {
            return Some(u64::from(first));
        }
        let count = usize::from(first.wrapping_neg());
        if count > 8 {
            return None;
        }
        let bytes = self.take(count)?;
        Some(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    /// A length and as many bytes.
    fn block(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    fn zero(&mut self) -> Option<()> {
        (self.number()? == 0).then_some(())
    }

    fn map(&mut self) -> Option<Entries> {
        self.zero()?;
        let count = self.number()?;
        if count > MOST_ENTRIES {
            return None;
        }
        let mut entries = Vec::new();
        for _ in 0..count {
            let (name, value) = (self.interface()?, self.interface()?);
            if let (Held::Text(name), Held::Text(value)) = (name, value) {
                entries.push((name, value));
            }
        }
        self.0.is_empty().then_some(entries)
    }

    fn interface(&mut self) -> Option<Held> {
        let type_name = self.block()?;
        if type_name.is_empty() {
            return Some(Held::Other);
        }
        let id = self.number()?;
        let mut value = Reader(self.block()?);
        if id != STRING_ID {
            return Some(Held::Other);
        }
        value.zero()?;
        let text = value.block()?;
        if !value.0.is_empty() {
            return None;
        }
        String::from_utf8(text.to_vec()).ok().map(Held::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::{Random, SeededRandom};
    use data_encoding::HEXLOWER;

    fn sample() -> Vec<u8> {
        let token = format!("ory_st_{}", "x".repeat(32));
        encode(&[
            ("session_token", &token),
            ("expires_at", "2026-07-02T12:34:56.123456Z"),
            ("nonce", "abcdefgh"),
        ])
    }

    #[test]
    fn a_session_is_189_bytes_as_in_the_reference() {
        let bytes = sample();
        assert_eq!(bytes.len(), 189);
        let start = HEXLOWER.encode(&bytes[..30]);
        assert_eq!(
            start,
            "0eff81040102ff820001100110 0000ffacff82000306737472696e670c0f".replace(' ', "")
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let long = "x".repeat(300);
        let entries = [("a", ""), ("b", long.as_str()), ("ключ", "значение")];
        let read = decode(&encode(&entries)).unwrap_or_default();
        let expected = entries.map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(read, expected);
        assert_eq!(decode(&encode(&[])), Some(vec![]));
    }

    /// Another process may give the map another id, and put other kinds of values in.
    #[test]
    fn other_ids_and_kinds_are_read_over() {
        let mut bytes = HEXLOWER
            .decode(b"0eff83040102ff8400011001100000")
            .unwrap_or_default();
        // Two entries: "n" → the whole number 5, "k" → "v".
        let content = HEXLOWER
            .decode(
                b"ff84000206737472696e670c0300016e03696e74040200 0a06737472696e670c0300016b06737472696e670c03000176"
                    .iter()
                    .copied()
                    .filter(|b| *b != b' ')
                    .collect::<Vec<_>>()
                    .as_slice(),
            )
            .unwrap_or_default();
        bytes.extend(content.len().to_le_bytes().first());
        bytes.extend(content);
        assert_eq!(decode(&bytes), Some(vec![("k".into(), "v".into())]));
    }

    #[test]
    fn nothing_panics_on_damaged_bytes() {
        let bytes = sample();
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), None, "cut at {end}");
        }
        let dice = SeededRandom::new(3);
        let mut draw = [0; 3];
        for _ in 0..50_000 {
            dice.fill(&mut draw);
            let mut damaged = bytes.clone();
            let at = (usize::from(draw[0]) << 8 | usize::from(draw[1])) % damaged.len();
            damaged[at] = draw[2];
            let _ = decode(&damaged);
        }
    }
}
